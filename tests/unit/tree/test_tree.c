/* SPDX-License-Identifier: Apache-2.0 */
#include "repository.h"
#include "trees.h"

#include "tree/links.h"

static int try_open(struct scratch *s, const char *spec, struct sp_tree **tree)
{
    sp_strv wanted = {0};
    *tree = NULL;
    return sp_tree_open(s->pool, spec, &wanted, tree, &s->err);
}

static struct sp_tree *open_tree(struct scratch *s, const char *spec)
{
    struct sp_tree *tree;
    assert_ok(s, try_open(s, spec, &tree));
    return tree;
}

/* A directory with files, and links of all sorts. */
static const char *fill(struct scratch *s)
{
    const char *top = scratch_mkdir(s, "top", 0755);
    scratch_mkdir(s, "top/b", 0755);
    scratch_puts(s, "top/b/x.py", "x = 1\n");
    scratch_puts(s, "top/b.txt", "text\n");
    scratch_puts(s, "outside", "secret\n");
    scratch_symlink(s, "/b/x.py", "top/absolute");
    scratch_symlink(s, "../outside", "top/above");
    scratch_symlink(s, "chain2", "top/chain");
    scratch_symlink(s, "b/x.py", "top/chain2");
    scratch_symlink(s, "circle", "top/circle");
    scratch_symlink(s, "nothing", "top/dangling");
    scratch_symlink(s, "b", "top/dir");
    assert_int_equal(link(scratch_path(s, "top/b.txt"), scratch_path(s, "top/hard")), 0);
    assert_int_equal(mkfifo(scratch_path(s, "top/fifo"), 0600), 0);
    return top;
}

static void test_directory(void **state)
{
    struct scratch *s = *state;
    const char *top = fill(s);
    struct sp_tree *tree = open_tree(s, top);
    assert_string_equal(tree->name, top);
    assert_false(tree->is_system);
    assert_string_equal(names(s, tree, ""),
                        "l:above l:absolute d:b f:b.txt l:chain l:chain2 l:circle l:dangling "
                        "l:dir o:fifo f:hard ");
    assert_string_equal(names(s, tree, "dir"), "f:x.py ");
    assert_string_equal(names(s, tree, "b.txt"), "");
    assert_string_equal(names(s, tree, "none/x"), "");
    assert_string_equal(names(s, tree, "circle/x"), "");

    assert_int_equal(kind(s, tree, ""), SP_ENTRY_DIRECTORY);
    assert_int_equal(kind(s, tree, "b"), SP_ENTRY_DIRECTORY);
    assert_int_equal(kind(s, tree, "chain"), SP_ENTRY_FILE);
    assert_int_equal(kind(s, tree, "absolute"), SP_ENTRY_FILE);
    assert_int_equal(kind(s, tree, "dir/x.py"), SP_ENTRY_FILE);
    assert_int_equal(kind(s, tree, "fifo"), SP_ENTRY_OTHER);
    assert_int_equal(kind(s, tree, "circle"), SP_ENTRY_OTHER);
    assert_int_equal(kind(s, tree, "dangling"), SP_ENTRY_OTHER);
    assert_int_equal(kind(s, tree, "above"), SP_ENTRY_OTHER); /* there is no /outside in there */
    assert_int_equal(kind(s, tree, "dangling/x"), SP_ENTRY_ABSENT);
    assert_int_equal(kind(s, tree, "circle/x"), SP_ENTRY_ABSENT);
    assert_int_equal(kind(s, tree, "b.txt/x"), SP_ENTRY_ABSENT);
    assert_int_equal(kind(s, tree, "none"), SP_ENTRY_ABSENT);

    assert_string_equal(id(s, tree, "chain"), id(s, tree, "b/x.py"));
    assert_string_equal(id(s, tree, "hard"), id(s, tree, "b.txt"));
    assert_string_equal(id(s, tree, "dir"), id(s, tree, "b"));
    assert_string_not_equal(id(s, tree, "b"), id(s, tree, ""));

    struct sp_bytes out;
    bool complete = false;
    assert_ok(s, sp_tree_read(tree, s->pool, "chain", 100, &out, &complete, &s->err));
    assert_true(complete);
    assert_string_equal(out.data, "x = 1\n");
    assert_ok(s, sp_tree_read(tree, s->pool, "chain", 5, &out, &complete, &s->err));
    assert_false(complete);
    assert_string_equal(out.data, "x = 1");
    static const char *const bad[] = {"fifo", "circle", "above", "b", "", "none"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_fails(s, sp_tree_read(tree, s->pool, bad[i], 9, &out, &complete, &s->err),
                     SP_ERROR_REFUSED, "not a regular file");
}

static void test_unreadable(void **state)
{
    struct scratch *s = *state;
    struct sp_tree *tree = open_tree(s, fill(s));
    sp_entries entries = {0};
    assert_int_equal(chmod(scratch_path(s, "top/b"), 0), 0);
    uid_t before = geteuid();
    if (before == 0)
        assert_int_equal(seteuid(65534), 0); /* nobody */
    int rc = sp_tree_list(tree, s->pool, "b", &entries, &s->err);
    if (before == 0)
        assert_int_equal(seteuid(0), 0);
    assert_fails(s, rc, SP_ERROR_SYSTEM, "/b");
    assert_int_equal(chmod(scratch_path(s, "top/b"), 0755), 0);
}

static void test_choice(void **state)
{
    struct scratch *s = *state;
    struct sp_tree *tree;

    /* a repository whose path holds an @ itself */
    const char *path = scratch_path(s, "a@b");
    git_repository *repo = new_repository(s, "a@b", true);
    commit(repo, write_tree(repo, NULL, 0), "refs/heads/v@1");
    git_repository_free(repo);

    const char *spec = sp_pool_printf(s->pool, "%s@v@1", path);
    assert_string_equal(open_tree(s, spec)->name, spec);
    assert_string_equal(names(s, open_tree(s, path), "refs"), "d:heads d:tags "); /* a directory */
    assert_fails(s, try_open(s, sp_pool_printf(s->pool, "%s@", path), &tree), SP_ERROR_REFUSED,
                 "no revision is named");
    assert_fails(s, try_open(s, sp_pool_printf(s->pool, "%s@none", path), &tree), SP_ERROR_REFUSED,
                 "revision 'none'");
    assert_fails(s, try_open(s, scratch_path(s, "none@master"), &tree), SP_ERROR_REFUSED,
                 "neither a directory, nor an archive, nor REPOSITORY@REVISION");
    assert_fails(s, try_open(s, "@master", &tree), SP_ERROR_REFUSED, "there is no tree @master");
    assert_fails(s, try_open(s, "", &tree), SP_ERROR_REFUSED, "there is no tree ");
    assert_fails(s, try_open(s, "no\nthing", &tree), SP_ERROR_REFUSED, "no\\nthing");
    assert_int_equal(mkfifo(scratch_path(s, "fifo"), 0600), 0);
    assert_fails(s, try_open(s, scratch_path(s, "fifo"), &tree), SP_ERROR_REFUSED,
                 "neither a directory nor an archive");
    assert_fails(s, try_open(s, scratch_puts(s, "file", "no archive"), &tree), SP_ERROR_REFUSED,
                 "can't read the archive");
    /* a plain file before the @ is no repository */
    assert_fails(s, try_open(s, scratch_path(s, "file@master"), &tree), SP_ERROR_REFUSED,
                 "is not a git repository");
}

/* sp_links_resolve() on a tree that is made up: "l" is a link to whatever ctx says. */
static int probe(void *ctx, SP_UNUSED struct sp_pool *pool, const char *path,
                 enum sp_entry_kind *kind, const char **target, struct sp_error *err)
{
    if (strcmp(path, "broken") == 0)
        return sp_error_set(err, SP_ERROR_REFUSED, "broken");
    *kind = strcmp(path, "d") == 0     ? SP_ENTRY_DIRECTORY
            : strcmp(path, "d/f") == 0 ? SP_ENTRY_FILE
            : strcmp(path, "l") == 0   ? SP_ENTRY_LINK
                                       : SP_ENTRY_ABSENT;
    *target = ctx;
    return 0;
}

static void test_walk(void **state)
{
    struct scratch *s = *state;
    static const struct {
        const char *path, *target;
        bool absolute;
        enum sp_entry_kind kind;
        const char *real;
    } cases[] = {
        {"", "", false, SP_ENTRY_DIRECTORY, ""},
        {"//d//./f", "", false, SP_ENTRY_FILE, "d/f"},
        {"d/f/", "", false, SP_ENTRY_FILE, "d/f"},
        {"d/..", "", false, SP_ENTRY_DIRECTORY, ""},
        {"d/../..", "", false, SP_ENTRY_ABSENT, NULL},
        {"d/f/..", "", false, SP_ENTRY_ABSENT, NULL},
        {"d/f/.", "", false, SP_ENTRY_ABSENT, NULL},
        {"l", "", false, SP_ENTRY_OTHER, NULL},
        {"l", "d/f", false, SP_ENTRY_FILE, "d/f"},
        {"l/f", "./d/", false, SP_ENTRY_FILE, "d/f"},
        {"l/f", "/d", false, SP_ENTRY_ABSENT, NULL},
        {"l/f", "/d", true, SP_ENTRY_FILE, "d/f"},
        {"l", "/d", false, SP_ENTRY_OTHER, NULL},
        {"l", "..", false, SP_ENTRY_OTHER, NULL},
        {"l", "..", true, SP_ENTRY_OTHER, NULL},
        {"l", "l", false, SP_ENTRY_OTHER, NULL},
        {"l/x", "l", false, SP_ENTRY_ABSENT, NULL},
        {"l", "none", false, SP_ENTRY_OTHER, NULL},
        {"l/../d", "d/f", false, SP_ENTRY_ABSENT, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *target = sp_pool_strdup(s->pool, cases[i].target);
        const struct sp_links_walk walk = {probe, target, cases[i].absolute};
        enum sp_entry_kind found;
        const char *real = "untouched";
        assert_ok(s, sp_links_resolve(&walk, s->pool, cases[i].path, &found, &real, &s->err));
        if (found != cases[i].kind)
            fail_msg("%s (link to %s): %d", cases[i].path, cases[i].target, (int)found);
        if (cases[i].real)
            assert_string_equal(real, cases[i].real);
        else
            assert_null(real);
    }
    const struct sp_links_walk walk = {probe, NULL, false};
    enum sp_entry_kind found;
    const char *real;
    assert_fails(s, sp_links_resolve(&walk, s->pool, "broken/x", &found, &real, &s->err),
                 SP_ERROR_REFUSED, "broken");
    assert_string_equal(sp_walk_safe(s->pool, "a\x1b[0m"), "a\\x1b[0m");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_directory),
        SCRATCH_TEST(test_unreadable),
        SCRATCH_TEST(test_choice),
        SCRATCH_TEST(test_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
