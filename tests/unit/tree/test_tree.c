/* SPDX-License-Identifier: Apache-2.0 */
#include "repository.h"
#include "trees.h"

#include "base/escape.h"
#include "tree/links.h"

static int try_open(struct fixture *f, const char *spec, struct sp_tree **tree)
{
    sp_strv wanted = {0};
    *tree = NULL;
    return sp_tree_open(f->pool, spec, &wanted, tree, &f->err);
}

static struct sp_tree *open_tree(struct fixture *f, const char *spec)
{
    struct sp_tree *tree;
    assert_ok(f, try_open(f, spec, &tree));
    return tree;
}

/* A directory with files, and links of all sorts. */
static const char *fill(struct fixture *f)
{
    const char *top = scratch_mkdir(f, "top", 0755);
    scratch_mkdir(f, "top/b", 0755);
    scratch_puts(f, "top/b/x.py", "x = 1\n");
    scratch_puts(f, "top/b.txt", "text\n");
    scratch_puts(f, "outside", "secret\n");
    scratch_symlink(f, "/b/x.py", "top/absolute");
    scratch_symlink(f, "../outside", "top/above");
    scratch_symlink(f, "chain2", "top/chain");
    scratch_symlink(f, "b/x.py", "top/chain2");
    scratch_symlink(f, "circle", "top/circle");
    scratch_symlink(f, "nothing", "top/dangling");
    scratch_symlink(f, "b", "top/dir");
    assert_int_equal(link(scratch_path(f, "top/b.txt"), scratch_path(f, "top/hard")), 0);
    assert_int_equal(mkfifo(scratch_path(f, "top/fifo"), 0600), 0);
    return top;
}

TEST_IN_DIR(directory)
{
    const char *top = fill(f);
    struct sp_tree *tree = open_tree(f, top);
    assert_string_equal(tree->name, top);
    assert_false(tree->is_system);
    assert_string_equal(names(f, tree, ""),
                        "l:above l:absolute d:b f:b.txt l:chain l:chain2 l:circle l:dangling "
                        "l:dir o:fifo f:hard ");
    assert_string_equal(names(f, tree, "dir"), "f:x.py ");
    assert_string_equal(names(f, tree, "b.txt"), "");
    assert_string_equal(names(f, tree, "none/x"), "");
    assert_string_equal(names(f, tree, "circle/x"), "");

    assert_int_equal(kind(f, tree, ""), SP_ENTRY_DIRECTORY);
    assert_int_equal(kind(f, tree, "b"), SP_ENTRY_DIRECTORY);
    assert_int_equal(kind(f, tree, "chain"), SP_ENTRY_FILE);
    assert_int_equal(kind(f, tree, "absolute"), SP_ENTRY_FILE);
    assert_int_equal(kind(f, tree, "dir/x.py"), SP_ENTRY_FILE);
    assert_int_equal(kind(f, tree, "fifo"), SP_ENTRY_OTHER);
    assert_int_equal(kind(f, tree, "circle"), SP_ENTRY_OTHER);
    assert_int_equal(kind(f, tree, "dangling"), SP_ENTRY_OTHER);
    assert_int_equal(kind(f, tree, "above"), SP_ENTRY_OTHER); /* there is no /outside in there */
    assert_int_equal(kind(f, tree, "dangling/x"), SP_ENTRY_ABSENT);
    assert_int_equal(kind(f, tree, "circle/x"), SP_ENTRY_ABSENT);
    assert_int_equal(kind(f, tree, "b.txt/x"), SP_ENTRY_ABSENT);
    assert_int_equal(kind(f, tree, "none"), SP_ENTRY_ABSENT);

    assert_string_equal(id(f, tree, "chain"), id(f, tree, "b/x.py"));
    assert_string_equal(id(f, tree, "hard"), id(f, tree, "b.txt"));
    assert_string_equal(id(f, tree, "dir"), id(f, tree, "b"));
    assert_string_not_equal(id(f, tree, "b"), id(f, tree, ""));

    struct sp_excerpt out;
    assert_ok(f, sp_tree_read(tree, f->pool, "chain", 100, &out, &f->err));
    assert_true(out.complete);
    assert_string_equal(out.bytes.data, "x = 1\n");
    assert_ok(f, sp_tree_read(tree, f->pool, "chain", 5, &out, &f->err));
    assert_false(out.complete);
    assert_string_equal(out.bytes.data, "x = 1");
    static const char *const bad[] = {"fifo", "circle", "above", "b", ""};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_fails(f, sp_tree_read(tree, f->pool, bad[i], 9, &out, &f->err), SP_ERROR_REFUSED,
                     "not a regular file");
    int rc = sp_tree_read(tree, f->pool, "none", 9, &out, &f->err);
    assert_true(sp_error_is_gone(&f->err));
    assert_fails(f, rc, SP_ERROR_SYSTEM, "top/none': No such file");
}

TEST_IN_DIR(unreadable)
{
    struct sp_tree *tree = open_tree(f, fill(f));
    sp_entries entries = {0};
    assert_int_equal(chmod(scratch_path(f, "top/b"), 0), 0);
    uid_t before = geteuid();
    if (before == 0)
        assert_int_equal(seteuid(65534), 0); /* nobody */
    int rc = sp_tree_list(tree, f->pool, "b", &entries, &f->err);
    if (before == 0)
        assert_int_equal(seteuid(0), 0);
    assert_fails(f, rc, SP_ERROR_SYSTEM, "/b");
    assert_int_equal(chmod(scratch_path(f, "top/b"), 0755), 0);
}

TEST_IN_DIR(choice)
{
    struct sp_tree *tree;

    /* a repository whose path holds an @ itself */
    const char *path = scratch_path(f, "a@b");
    git_repository *repo = new_repository(f, "a@b", true);
    commit(repo, write_tree(repo, NULL, 0), "refs/heads/v@1");
    git_repository_free(repo);

    const char *spec = sp_pool_printf(f->pool, "%s@v@1", path);
    assert_string_equal(open_tree(f, spec)->name, spec);
    assert_string_equal(names(f, open_tree(f, path), "refs"), "d:heads d:tags "); /* a directory */
    assert_fails(f, try_open(f, sp_pool_printf(f->pool, "%s@", path), &tree), SP_ERROR_REFUSED,
                 "no revision is named");
    assert_fails(f, try_open(f, sp_pool_printf(f->pool, "%s@none", path), &tree), SP_ERROR_REFUSED,
                 "revision 'none'");
    assert_fails(f, try_open(f, scratch_path(f, "none@master"), &tree), SP_ERROR_REFUSED,
                 "neither a directory, nor an archive, nor REPOSITORY@REVISION");
    assert_fails(f, try_open(f, "@master", &tree), SP_ERROR_REFUSED, "there is no tree @master");
    assert_fails(f, try_open(f, "", &tree), SP_ERROR_REFUSED, "there is no tree ");
    assert_fails(f, try_open(f, "no\nthing", &tree), SP_ERROR_REFUSED, "no\\nthing");
    assert_int_equal(mkfifo(scratch_path(f, "fifo"), 0600), 0);
    assert_fails(f, try_open(f, scratch_path(f, "fifo"), &tree), SP_ERROR_REFUSED,
                 "neither a directory nor an archive");
    assert_fails(f, try_open(f, scratch_puts(f, "file", "no archive"), &tree), SP_ERROR_REFUSED,
                 "cannot read the archive");
    /* a plain file before the @ is no repository */
    assert_fails(f, try_open(f, scratch_path(f, "file@master"), &tree), SP_ERROR_REFUSED,
                 "cannot open it as a git repository");
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

TEST_IN_DIR(walk)
{
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
        char *target = sp_pool_strdup(f->pool, cases[i].target);
        const struct sp_links_walk walk = {probe, target, cases[i].absolute};
        enum sp_entry_kind found;
        const char *real = "untouched";
        assert_ok(f, sp_links_resolve(&walk, f->pool, cases[i].path, &found, &real, &f->err));
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
    assert_fails(f, sp_links_resolve(&walk, f->pool, "broken/x", &found, &real, &f->err),
                 SP_ERROR_REFUSED, "broken");
    assert_string_equal(sp_escape(f->pool, "a\x1b[0m"), "a\\x1b[0m");
}
