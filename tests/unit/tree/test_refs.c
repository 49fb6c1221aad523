/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include "tree/refs.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "cccccccccccccccccccccccccccccccccccccccc"

/* A repository without any object, DIR or DIR/.git. */
static void make_repository(struct scratch *s, const char *git)
{
    static const char *const directories[] = {"",          "objects", "refs",        "refs/heads",
                                              "refs/tags", "logs",    "refs/remotes"};
    for (size_t i = 0; i < COUNT(directories); i++)
        scratch_mkdir(s, sp_pool_printf(s->pool, "%s/%s", git, directories[i]), 0755);
    scratch_puts(s, sp_pool_printf(s->pool, "%s/HEAD", git), "ref: refs/heads/master\n");
    scratch_puts(s, sp_pool_printf(s->pool, "%s/refs/heads/master", git), A "\n");
}

static struct sp_repository find(struct scratch *s, const char *dir)
{
    struct sp_repository repository;
    assert_ok(s, sp_repository_find(s->pool, scratch_path(s, dir), &repository, &s->err));
    return repository;
}

static void assert_no_repository(struct scratch *s, const char *dir, const char *why)
{
    struct sp_repository repository;
    assert_fails(s, sp_repository_find(s->pool, scratch_path(s, dir), &repository, &s->err),
                 SP_ERROR_REFUSED, why);
}

/* id NULL: there is no such name. */
static void assert_ref(struct scratch *s, const char *dir, const char *name, const char *id)
{
    const struct sp_repository repository = find(s, dir);
    char found[SP_REFS_HEX + 1];
    int rc = sp_refs_find(s->pool, &repository, name, found, &s->err);
    if (rc < 0)
        fail_msg("%s: %s", name, s->err.message);
    assert_int_equal(rc, id ? 0 : 1);
    if (id)
        assert_string_equal(found, id);
}

static void assert_refused(struct scratch *s, const char *dir, const char *name, const char *why)
{
    const struct sp_repository repository = find(s, dir);
    char found[SP_REFS_HEX + 1];
    assert_fails(s, sp_refs_find(s->pool, &repository, name, found, &s->err), SP_ERROR_REFUSED,
                 why);
}

static void test_layouts(void **state)
{
    struct scratch *s = *state;
    make_repository(s, "bare");
    assert_string_equal(find(s, "bare").git, scratch_path(s, "bare"));
    assert_string_equal(find(s, "bare").common, scratch_path(s, "bare"));
    scratch_mkdir(s, "work", 0755);
    make_repository(s, "work/.git");
    assert_string_equal(find(s, "work").git, scratch_path(s, "work/.git"));
    scratch_mkdir(s, "linked", 0755);
    scratch_puts(s, "linked/.git", "gitdir: ../bare\n");
    assert_string_equal(find(s, "linked").git, scratch_path(s, "linked/../bare"));
    scratch_puts(s, "linked/.git", sp_pool_printf(s->pool, "gitdir: %s/bare\n", s->dir));
    assert_string_equal(find(s, "linked").git, scratch_path(s, "bare"));
}

/* gitrepository-layout(5): HEAD is the worktree's own, the branches are not. */
static void test_worktree(void **state)
{
    struct scratch *s = *state;
    make_repository(s, "r");
    scratch_mkdir(s, "r/worktrees", 0755);
    scratch_mkdir(s, "r/worktrees/w", 0755);
    scratch_puts(s, "r/worktrees/w/HEAD", "ref: refs/heads/topic\n");
    scratch_puts(s, "r/worktrees/w/commondir", "../..\n");
    scratch_puts(s, "r/refs/heads/topic", B "\n");
    scratch_mkdir(s, "w", 0755);
    scratch_puts(s, "w/.git", "gitdir: ../r/worktrees/w\n");
    assert_string_equal(find(s, "w").common, scratch_path(s, "w/../r/worktrees/w/../.."));
    assert_ref(s, "w", "HEAD", B);
    assert_ref(s, "w", "master", A);
    assert_ref(s, "r", "HEAD", A);
}

static void test_no_repository(void **state)
{
    struct scratch *s = *state;
    make_repository(s, "r");
    scratch_mkdir(s, "empty", 0755);
    assert_no_repository(s, "empty", "is not a git repository");
    assert_no_repository(s, "none", "is not a git repository");
    assert_no_repository(s, "r/refs", "is not a git repository"); /* one further up is not meant */
    scratch_puts(s, "empty/.git", "elsewhere\n");
    assert_no_repository(s, "empty", "it names no directory");
    scratch_puts(s, "empty/.git", "gitdir: ../none\n");
    assert_no_repository(s, "empty", "is not a git repository");
    scratch_puts(s, "r/commondir", "../empty");
    assert_no_repository(s, "r", "is not a git repository");
    scratch_unlink(s, "r/commondir");
    scratch_unlink(s, "r/HEAD");
    assert_int_equal(mkfifo(scratch_path(s, "r/HEAD"), 0600), 0);
    assert_no_repository(s, "r", "is not a regular file");
    scratch_unlink(s, "r/HEAD");
    scratch_write(s, "r/HEAD", sp_pool_alloc(s->pool, 8193), 8193);
    assert_no_repository(s, "r", "too large");
}

/* gitrevisions(7): the first of these that is there. */
static void test_order(void **state)
{
    struct scratch *s = *state;
    static const char *const places[] = {"r/refs/remotes/x", "r/refs/heads/x", "r/refs/tags/x",
                                         "r/refs/x"};
    make_repository(s, "r");
    assert_ref(s, "r", "x", NULL);
    for (size_t i = 0; i < COUNT(places); i++) {
        const char id[] = {(char)('1' + i), '\0'};
        char hex[SP_REFS_HEX + 1] = "";
        for (size_t k = 0; k < SP_REFS_HEX; k++)
            strcat(hex, id);
        scratch_puts(s, places[i], sp_pool_printf(s->pool, "%s\n", hex));
        assert_ref(s, "r", "x", hex);
    }
    scratch_mkdir(s, "r/refs/remotes/origin", 0755);
    scratch_puts(s, "r/refs/remotes/origin/HEAD", "ref: refs/remotes/origin/main\n");
    scratch_puts(s, "r/refs/remotes/origin/main", C "\n");
    assert_ref(s, "r", "origin", C);
    assert_ref(s, "r", "origin/main", C);
    assert_ref(s, "r", "@", A);
    assert_ref(s, "r", "refs/heads/master", A);
    assert_ref(s, "r", "heads/master", A);
}

static void test_packed(void **state)
{
    struct scratch *s = *state;
    make_repository(s, "r");
    scratch_puts(s, "r/packed-refs",
                 "# pack-refs with: peeled fully-peeled sorted \n" B " refs/heads/master\n" B
                 " refs/heads/topic\n" C " refs/tags/1.0\n^" A "\n" A " refs/tags/1.0.1");
    assert_ref(s, "r", "master", A); /* a file of its own is newer */
    assert_ref(s, "r", "topic", B);
    assert_ref(s, "r", "1.0", C);
    assert_ref(s, "r", "1.0.1", A);
    assert_ref(s, "r", "1.0.", NULL);
    assert_ref(s, "r", "1", NULL);
    scratch_puts(s, "r/packed-refs", "zaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa refs/tags/1.0\n");
    assert_refused(s, "r", "1.0", "damaged");
}

/* Names that lead out of the repository, and files in it that are no names. */
static void test_names_that_are_none(void **state)
{
    struct scratch *s = *state;
    static const char *const names[] = {
        "",       "../secret", "refs/../../secret", "/etc/passwd", "a//b", "heads/",  "./HEAD",
        "config", "refs",      "refs/heads",        "objects/x",   "a\nb", "heads/.."};
    make_repository(s, "r");
    scratch_puts(s, "secret", A "\n");
    scratch_puts(s, "r/config", A "\n");
    scratch_puts(s, "r/objects/x", A "\n");
    for (size_t i = 0; i < COUNT(names); i++)
        assert_ref(s, "r", names[i], NULL);
    scratch_puts(s, "r/refs/heads/out", "ref: ../secret\n");
    assert_refused(s, "r", "out", "neither the id of an object nor a name");
}

static void test_damaged(void **state)
{
    struct scratch *s = *state;
    make_repository(s, "r");
    static const char *const contents[] = {
        "", "\n", "aaaa\n", "ref:\n", "PASSWORD", "Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"};
    for (size_t i = 0; i < COUNT(contents); i++) {
        scratch_puts(s, "r/refs/heads/bad", contents[i]);
        assert_refused(s, "r", "bad", "neither the id of an object nor a name");
    }
    scratch_unlink(s, "r/refs/heads/bad");
    assert_int_equal(mkfifo(scratch_path(s, "r/refs/heads/bad"), 0600), 0);
    assert_refused(s, "r", "bad", "not a regular file");
    scratch_puts(s, "r/refs/heads/lost", "ref: refs/heads/none\n");
    assert_ref(s, "r", "lost", NULL);
    scratch_puts(s, "r/refs/heads/one", "ref: refs/heads/two\n");
    scratch_puts(s, "r/refs/heads/two", "ref: refs/heads/one\n");
    assert_refused(s, "r", "one", "leads to too many others");
}

static void test_reflog(void **state)
{
    struct scratch *s = *state;
    static const struct {
        size_t back;
        const char *id;
    } vectors[] = {{0, C}, {1, B}, {2, A}};
    char id[SP_REFS_HEX + 1];
    make_repository(s, "r");
    scratch_puts(s, "r/logs/HEAD",
                 A " " A " A <a@b> 1 +0000\tclone\n" A " " B " A <a@b> 2 +0000\tcommit\n" B " " C
                   " A <a@b> 3 +0000\tcommit\n");
    const struct sp_repository repository = find(s, "r");
    for (size_t i = 0; i < COUNT(vectors); i++) {
        assert_ok(s,
                  sp_refs_find_earlier(s->pool, &repository, "HEAD", vectors[i].back, id, &s->err));
        assert_string_equal(id, vectors[i].id);
    }
    assert_fails(s, sp_refs_find_earlier(s->pool, &repository, "HEAD", 3, id, &s->err),
                 SP_ERROR_REFUSED, "no log of 4 changes of HEAD");
    assert_fails(s, sp_refs_find_earlier(s->pool, &repository, "master", 0, id, &s->err),
                 SP_ERROR_REFUSED, "no log of 1 changes");
    assert_int_equal(sp_refs_find_earlier(s->pool, &repository, "none", 0, id, &s->err), 1);
    static const char *const damaged[] = {"\n",    "x", A, A " ", A " " A, A "\n" A " xyz\n",
                                          "\n\n\n"};
    for (size_t i = 0; i < COUNT(damaged); i++) {
        scratch_puts(s, "r/logs/HEAD", damaged[i]);
        int rc = sp_refs_find_earlier(s->pool, &repository, "HEAD", 0, id, &s->err);
        assert_int_equal(rc, i == 4 ? 0 : -1);
        sp_error_clear(&s->err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_layouts),       SCRATCH_TEST(test_worktree),
        SCRATCH_TEST(test_no_repository), SCRATCH_TEST(test_order),
        SCRATCH_TEST(test_packed),        SCRATCH_TEST(test_names_that_are_none),
        SCRATCH_TEST(test_damaged),       SCRATCH_TEST(test_reflog),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
