/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include "tree/refs.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "cccccccccccccccccccccccccccccccccccccccc"

/* A repository without any object, DIR or DIR/.git. */
static void make_repository(struct fixture *f, const char *git)
{
    static const char *const directories[] = {"",          "objects", "refs",        "refs/heads",
                                              "refs/tags", "logs",    "refs/remotes"};
    for (size_t i = 0; i < COUNT(directories); i++)
        scratch_mkdir(f, sp_pool_printf(f->pool, "%s/%s", git, directories[i]), 0755);
    scratch_puts(f, sp_pool_printf(f->pool, "%s/HEAD", git), "ref: refs/heads/master\n");
    scratch_puts(f, sp_pool_printf(f->pool, "%s/refs/heads/master", git), A "\n");
}

static struct sp_repository find(struct fixture *f, const char *dir)
{
    struct sp_repository repository;
    assert_ok(f, sp_repository_find(f->pool, scratch_path(f, dir), &repository, &f->err));
    return repository;
}

static void assert_no_repository(struct fixture *f, const char *dir, const char *why)
{
    struct sp_repository repository;
    assert_fails(f, sp_repository_find(f->pool, scratch_path(f, dir), &repository, &f->err),
                 SP_ERROR_REFUSED, why);
}

/* id NULL: there is no such name. */
static void assert_ref(struct fixture *f, const char *dir, const char *name, const char *id)
{
    const struct sp_repository repository = find(f, dir);
    char found[SP_REFS_HEX + 1];
    int rc = sp_refs_find(f->pool, &repository, name, found, &f->err);
    if (rc < 0)
        fail_msg("%s: %s", name, f->err.message);
    assert_int_equal(rc, id ? 0 : 1);
    if (id)
        assert_string_equal(found, id);
}

static void assert_refused(struct fixture *f, const char *dir, const char *name, const char *why)
{
    const struct sp_repository repository = find(f, dir);
    char found[SP_REFS_HEX + 1];
    assert_fails(f, sp_refs_find(f->pool, &repository, name, found, &f->err), SP_ERROR_REFUSED,
                 why);
}

TEST_IN_DIR(layouts)
{
    make_repository(f, "bare");
    assert_string_equal(find(f, "bare").git, scratch_path(f, "bare"));
    assert_string_equal(find(f, "bare").common, scratch_path(f, "bare"));
    scratch_mkdir(f, "work", 0755);
    make_repository(f, "work/.git");
    assert_string_equal(find(f, "work").git, scratch_path(f, "work/.git"));
    scratch_mkdir(f, "linked", 0755);
    scratch_puts(f, "linked/.git", "gitdir: ../bare\n");
    assert_string_equal(find(f, "linked").git, scratch_path(f, "linked/../bare"));
    scratch_puts(f, "linked/.git", sp_pool_printf(f->pool, "gitdir: %s/bare\n", f->dir));
    assert_string_equal(find(f, "linked").git, scratch_path(f, "bare"));
}

/* gitrepository-layout(5): HEAD is the worktree's own, the branches are not. */
TEST_IN_DIR(worktree)
{
    make_repository(f, "r");
    scratch_mkdir(f, "r/worktrees", 0755);
    scratch_mkdir(f, "r/worktrees/w", 0755);
    scratch_puts(f, "r/worktrees/w/HEAD", "ref: refs/heads/topic\n");
    scratch_puts(f, "r/worktrees/w/commondir", "../..\n");
    scratch_puts(f, "r/refs/heads/topic", B "\n");
    scratch_mkdir(f, "w", 0755);
    scratch_puts(f, "w/.git", "gitdir: ../r/worktrees/w\n");
    assert_string_equal(find(f, "w").common, scratch_path(f, "w/../r/worktrees/w/../.."));
    assert_ref(f, "w", "HEAD", B);
    assert_ref(f, "w", "master", A);
    assert_ref(f, "r", "HEAD", A);
}

TEST_IN_DIR(no_repository)
{
    make_repository(f, "r");
    scratch_mkdir(f, "empty", 0755);
    assert_no_repository(f, "empty", "is not a git repository");
    assert_no_repository(f, "none", "is not a git repository");
    assert_no_repository(f, "r/refs", "is not a git repository"); /* one further up is not meant */
    scratch_puts(f, "empty/.git", "elsewhere\n");
    assert_no_repository(f, "empty", "it names no directory");
    scratch_puts(f, "empty/.git", "gitdir: ../none\n");
    assert_no_repository(f, "empty", "is not a git repository");
    scratch_puts(f, "r/commondir", "../empty");
    assert_no_repository(f, "r", "is not a git repository");
    scratch_unlink(f, "r/commondir");
    scratch_unlink(f, "r/HEAD");
    assert_int_equal(mkfifo(scratch_path(f, "r/HEAD"), 0600), 0);
    assert_no_repository(f, "r", "is not a regular file");
    scratch_unlink(f, "r/HEAD");
    scratch_write(f, "r/HEAD", sp_pool_alloc(f->pool, 8193), 8193);
    assert_no_repository(f, "r", "too large");
}

/* gitrevisions(7): the first of these that is there. */
TEST_IN_DIR(order)
{
    static const char *const places[] = {"r/refs/remotes/x", "r/refs/heads/x", "r/refs/tags/x",
                                         "r/refs/x"};
    make_repository(f, "r");
    assert_ref(f, "r", "x", NULL);
    for (size_t i = 0; i < COUNT(places); i++) {
        const char id[] = {(char)('1' + i), '\0'};
        char hex[SP_REFS_HEX + 1] = "";
        for (size_t k = 0; k < SP_REFS_HEX; k++)
            strcat(hex, id);
        scratch_puts(f, places[i], sp_pool_printf(f->pool, "%s\n", hex));
        assert_ref(f, "r", "x", hex);
    }
    scratch_mkdir(f, "r/refs/remotes/origin", 0755);
    scratch_puts(f, "r/refs/remotes/origin/HEAD", "ref: refs/remotes/origin/main\n");
    scratch_puts(f, "r/refs/remotes/origin/main", C "\n");
    assert_ref(f, "r", "origin", C);
    assert_ref(f, "r", "origin/main", C);
    assert_ref(f, "r", "@", A);
    assert_ref(f, "r", "refs/heads/master", A);
    assert_ref(f, "r", "heads/master", A);
}

TEST_IN_DIR(packed)
{
    make_repository(f, "r");
    scratch_puts(f, "r/packed-refs",
                 "# pack-refs with: peeled fully-peeled sorted \n" B " refs/heads/master\n" B
                 " refs/heads/topic\n" C " refs/tags/1.0\n^" A "\n" A " refs/tags/1.0.1");
    assert_ref(f, "r", "master", A); /* a file of its own is newer */
    assert_ref(f, "r", "topic", B);
    assert_ref(f, "r", "1.0", C);
    assert_ref(f, "r", "1.0.1", A);
    assert_ref(f, "r", "1.0.", NULL);
    assert_ref(f, "r", "1", NULL);
    scratch_puts(f, "r/packed-refs", "zaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa refs/tags/1.0\n");
    assert_refused(f, "r", "1.0", "damaged");
}

/* Names that lead out of the repository, and files in it that are no names. */
TEST_IN_DIR(names_that_are_none)
{
    static const char *const names[] = {
        "",       "../secret", "refs/../../secret", "/etc/passwd", "a//b", "heads/",  "./HEAD",
        "config", "refs",      "refs/heads",        "objects/x",   "a\nb", "heads/.."};
    make_repository(f, "r");
    scratch_puts(f, "secret", A "\n");
    scratch_puts(f, "r/config", A "\n");
    scratch_puts(f, "r/objects/x", A "\n");
    for (size_t i = 0; i < COUNT(names); i++)
        assert_ref(f, "r", names[i], NULL);
    scratch_puts(f, "r/refs/heads/out", "ref: ../secret\n");
    assert_refused(f, "r", "out", "neither the id of an object nor a name");
}

TEST_IN_DIR(damaged)
{
    make_repository(f, "r");
    static const char *const contents[] = {
        "", "\n", "aaaa\n", "ref:\n", "PASSWORD", "Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"};
    for (size_t i = 0; i < COUNT(contents); i++) {
        scratch_puts(f, "r/refs/heads/bad", contents[i]);
        assert_refused(f, "r", "bad", "neither the id of an object nor a name");
    }
    scratch_unlink(f, "r/refs/heads/bad");
    assert_int_equal(mkfifo(scratch_path(f, "r/refs/heads/bad"), 0600), 0);
    assert_refused(f, "r", "bad", "not a regular file");
    scratch_puts(f, "r/refs/heads/lost", "ref: refs/heads/none\n");
    assert_ref(f, "r", "lost", NULL);
    scratch_puts(f, "r/refs/heads/one", "ref: refs/heads/two\n");
    scratch_puts(f, "r/refs/heads/two", "ref: refs/heads/one\n");
    assert_refused(f, "r", "one", "leads to too many others");
}

TEST_IN_DIR(reflog)
{
    static const struct {
        size_t back;
        const char *id;
    } vectors[] = {{0, C}, {1, B}, {2, A}};
    char id[SP_REFS_HEX + 1];
    make_repository(f, "r");
    scratch_puts(f, "r/logs/HEAD",
                 A " " A " A <a@b> 1 +0000\tclone\n" A " " B " A <a@b> 2 +0000\tcommit\n" B " " C
                   " A <a@b> 3 +0000\tcommit\n");
    const struct sp_repository repository = find(f, "r");
    for (size_t i = 0; i < COUNT(vectors); i++) {
        assert_ok(f,
                  sp_refs_find_earlier(f->pool, &repository, "HEAD", vectors[i].back, id, &f->err));
        assert_string_equal(id, vectors[i].id);
    }
    assert_fails(f, sp_refs_find_earlier(f->pool, &repository, "HEAD", 3, id, &f->err),
                 SP_ERROR_REFUSED, "no log of 4 changes of HEAD");
    assert_fails(f, sp_refs_find_earlier(f->pool, &repository, "master", 0, id, &f->err),
                 SP_ERROR_REFUSED, "no log of 1 changes");
    assert_int_equal(sp_refs_find_earlier(f->pool, &repository, "none", 0, id, &f->err), 1);
    static const char *const damaged[] = {"\n",    "x", A, A " ", A " " A, A "\n" A " xyz\n",
                                          "\n\n\n"};
    for (size_t i = 0; i < COUNT(damaged); i++) {
        scratch_puts(f, "r/logs/HEAD", damaged[i]);
        int rc = sp_refs_find_earlier(f->pool, &repository, "HEAD", 0, id, &f->err);
        assert_int_equal(rc, i == 4 ? 0 : -1);
        sp_error_clear(&f->err);
    }
}
