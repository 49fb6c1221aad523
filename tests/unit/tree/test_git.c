/* SPDX-License-Identifier: Apache-2.0 */
#include "repository.h"
#include "trees.h"

#include <zlib.h>

#define F         GIT_FILEMODE_BLOB
#define D         GIT_FILEMODE_TREE
#define L         GIT_FILEMODE_LINK
#define SUBMODULE GIT_FILEMODE_COMMIT

/* nova/ with files, links of all sorts, and a submodule. */
static void fill(git_repository *repo)
{
    git_oid driver = write_text(repo, "driver = 1\n");
    struct entry libvirt[] = {{"driver.py", F, driver},
                              {"shell.py", GIT_FILEMODE_BLOB_EXECUTABLE, driver}};
    git_oid libvirt_oid = write_tree(repo, libvirt, COUNT(libvirt));
    struct entry nova[] = {{"above", L, write_text(repo, "../..")},
                           {"absolute", L, write_text(repo, "/etc/passwd")},
                           {"chain", L, write_text(repo, "link.py")},
                           {"circle", L, write_text(repo, "circle2")},
                           {"circle2", L, write_text(repo, "./circle")},
                           {"dangling", L, write_text(repo, "nothing/here")},
                           {"empty", F, write_text(repo, "")},
                           {"foo", D, libvirt_oid},
                           {"foo.py", F, driver},
                           {"libvirt", D, libvirt_oid},
                           {"link.py", L, write_text(repo, "libvirt/../libvirt//driver.py")},
                           {"linkdir", L, write_text(repo, "../nova/libvirt/")},
                           {"nul", L, write_blob(repo, "foo.py\0x", 8)},
                           {"sub", SUBMODULE, driver}};
    git_oid nova_oid = write_tree(repo, nova, COUNT(nova));
    struct entry top[] = {{"nova", D, nova_oid}};
    commit(repo, write_tree(repo, top, 1), "refs/heads/master");
}

static struct sp_tree *open_tree(struct scratch *s, const char *repo, const char *rev)
{
    struct sp_tree *tree = NULL;
    assert_ok(s, sp_tree_open_git(s->pool, scratch_path(s, repo), rev, &tree, &s->err));
    return tree;
}

static void check_filled(struct scratch *s, struct sp_tree *tree)
{
    assert_string_equal(names(s, tree, ""), "d:nova ");
    assert_string_equal(names(s, tree, "nova"),
                        "l:above l:absolute l:chain l:circle l:circle2 l:dangling f:empty d:foo "
                        "f:foo.py d:libvirt l:link.py l:linkdir l:nul o:sub ");
    assert_string_equal(names(s, tree, "nova/linkdir"), "f:driver.py f:shell.py ");
    assert_string_equal(names(s, tree, "nova/above"), "");
    assert_string_equal(names(s, tree, "nova/foo.py"), "");
    assert_string_equal(names(s, tree, "absent"), "");

    assert_int_equal(kind(s, tree, ""), SP_ENTRY_DIRECTORY);
    assert_int_equal(kind(s, tree, "nova"), SP_ENTRY_DIRECTORY);
    assert_int_equal(kind(s, tree, "nova/foo.py"), SP_ENTRY_FILE);
    assert_int_equal(kind(s, tree, "nova/libvirt/shell.py"), SP_ENTRY_FILE);
    assert_int_equal(kind(s, tree, "nova/chain"), SP_ENTRY_FILE);
    assert_int_equal(kind(s, tree, "nova/linkdir"), SP_ENTRY_DIRECTORY);
    assert_int_equal(kind(s, tree, "nova/linkdir/driver.py"), SP_ENTRY_FILE);
    assert_int_equal(kind(s, tree, "nova/sub"), SP_ENTRY_OTHER);
    assert_int_equal(kind(s, tree, "nova/sub/x"), SP_ENTRY_ABSENT);
    assert_int_equal(kind(s, tree, "nova/above"), SP_ENTRY_OTHER);
    assert_int_equal(kind(s, tree, "nova/absolute"), SP_ENTRY_OTHER);
    assert_int_equal(kind(s, tree, "nova/circle"), SP_ENTRY_OTHER);
    assert_int_equal(kind(s, tree, "nova/circle/x"), SP_ENTRY_ABSENT);
    assert_int_equal(kind(s, tree, "nova/dangling"), SP_ENTRY_OTHER);
    assert_int_equal(kind(s, tree, "nova/nul"), SP_ENTRY_OTHER);
    assert_int_equal(kind(s, tree, "nova/foo.py/x"), SP_ENTRY_ABSENT);
    assert_int_equal(kind(s, tree, "nova/foo.py/.."), SP_ENTRY_ABSENT);
    assert_int_equal(kind(s, tree, "nova/nothing"), SP_ENTRY_ABSENT);
    assert_int_equal(kind(s, tree, "../nova"), SP_ENTRY_ABSENT);
    assert_int_equal(kind(s, tree, "nova/../nova"), SP_ENTRY_DIRECTORY);

    assert_string_equal(text(s, tree, "nova/chain"), "driver = 1\n");
    assert_string_equal(text(s, tree, "nova/linkdir/shell.py"), "driver = 1\n");
    assert_string_equal(text(s, tree, "nova/empty"), "");

    /* one file by two names; two directories that merely hold the same */
    assert_string_equal(id(s, tree, "nova/chain"), id(s, tree, "nova/libvirt/driver.py"));
    assert_string_equal(id(s, tree, "nova/linkdir"), id(s, tree, "nova/libvirt"));
    assert_string_not_equal(id(s, tree, "nova/foo"), id(s, tree, "nova/libvirt"));
}

static void test_bare(void **state)
{
    struct scratch *s = *state;
    git_repository *repo = new_repository(s, "r", true);
    fill(repo);
    git_repository_free(repo);
    struct sp_tree *tree = open_tree(s, "r", "master");
    assert_string_equal(tree->name, sp_pool_printf(s->pool, "%s/r@master", s->dir));
    assert_false(tree->is_system);
    check_filled(s, tree);
}

static void test_not_bare(void **state)
{
    struct scratch *s = *state;
    git_repository *repo = new_repository(s, "r", false);
    fill(repo);
    git_repository_free(repo);
    check_filled(s, open_tree(s, "r", "HEAD"));
    /* gitrepository-layout(5): ".git" may be a file that names the directory */
    scratch_mkdir(s, "w", 0755);
    scratch_puts(s, "w/.git", "gitdir: ../r/.git\n");
    check_filled(s, open_tree(s, "w", "HEAD"));
}

static void test_revisions(void **state)
{
    struct scratch *s = *state;
    git_repository *repo = new_repository(s, "r", true);
    fill(repo);
    git_object *head;
    git_oid tag;
    git_signature *who;
    assert_int_equal(git_revparse_single(&head, repo, "master"), 0);
    assert_int_equal(git_signature_new(&who, "T", "t@example.com", 1500000000, 0), 0);
    assert_int_equal(git_tag_create(&tag, repo, "16.1.8", head, who, "a tag", 0), 0);
    char hex[41];
    git_oid_tostr(hex, sizeof(hex), git_object_id(head));
    git_signature_free(who);
    git_object_free(head);
    git_repository_free(repo);

    check_filled(s, open_tree(s, "r", "16.1.8"));
    check_filled(s, open_tree(s, "r", "refs/tags/16.1.8^{}"));
    check_filled(s, open_tree(s, "r", hex));
    hex[9] = '\0';
    check_filled(s, open_tree(s, "r", hex));
    assert_string_equal(text(s, open_tree(s, "r", "master:nova/libvirt"), "driver.py"),
                        "driver = 1\n");

    struct sp_tree *tree;
    const char *path = scratch_path(s, "r");
    assert_fails(s, sp_tree_open_git(s->pool, path, "17.0", &tree, &s->err), SP_ERROR_REFUSED,
                 "revision '17.0'");
    assert_fails(s, sp_tree_open_git(s->pool, path, "a\nb", &tree, &s->err), SP_ERROR_REFUSED,
                 "'a\\nb'");
    assert_fails(s, sp_tree_open_git(s->pool, path, "master:nova/foo.py", &tree, &s->err),
                 SP_ERROR_REFUSED, "leads to no tree");
    assert_fails(s, sp_tree_open_git(s->pool, scratch_path(s, "none"), "master", &tree, &s->err),
                 SP_ERROR_REFUSED, "git repository");
    /* a repository further up is not meant */
    assert_fails(s, sp_tree_open_git(s->pool, scratch_path(s, "r/refs"), "master", &tree, &s->err),
                 SP_ERROR_REFUSED, "git repository");
}

static void test_limits(void **state)
{
    struct scratch *s = *state;
    git_repository *repo = new_repository(s, "r", true);
    fill(repo);
    struct entry long_link[] = {{"a", L, write_text(repo, "")},
                                {"b", L, write_blob(repo, sp_pool_alloc(s->pool, 5000), 5000)}};
    commit(repo, write_tree(repo, long_link, 2), "refs/heads/links");
    git_repository_free(repo);

    struct sp_tree *tree = open_tree(s, "r", "master");
    struct sp_bytes out;
    bool complete = true;
    assert_ok(s, sp_tree_read(tree, s->pool, "nova/foo.py", 6, &out, &complete, &s->err));
    assert_false(complete);
    assert_int_equal(out.len, 6);
    assert_memory_equal(out.data, "driver", 7); /* and a NUL */
    assert_ok(s, sp_tree_read(tree, s->pool, "nova/foo.py", 11, &out, &complete, &s->err));
    assert_true(complete);
    assert_fails(s, sp_tree_read(tree, s->pool, "nova", 6, &out, &complete, &s->err),
                 SP_ERROR_REFUSED, "not a regular file");
    assert_fails(s, sp_tree_read(tree, s->pool, "nova/circle", 6, &out, &complete, &s->err),
                 SP_ERROR_REFUSED, "not a regular file");
    assert_fails(s, sp_tree_read(tree, s->pool, "nova/x\x1b[1m", 6, &out, &complete, &s->err),
                 SP_ERROR_REFUSED, "nova/x\\x1b[1m is not");

    tree = open_tree(s, "r", "links");
    assert_int_equal(kind(s, tree, "a"), SP_ENTRY_OTHER);
    assert_int_equal(kind(s, tree, "b"), SP_ENTRY_OTHER);
}

static void test_forty_links(void **state)
{
    struct scratch *s = *state;
    git_repository *repo = new_repository(s, "r", true);
    struct entry links[42];
    for (int i = 0; i < 42; i++) {
        links[i] = (struct entry){sp_pool_printf(s->pool, "%02d", i), i ? L : F, {{0}}};
        links[i].oid = write_text(repo, i ? sp_pool_printf(s->pool, "%02d", i - 1) : "content");
    }
    commit(repo, write_tree(repo, links, 42), "refs/heads/master");
    git_repository_free(repo);
    struct sp_tree *tree = open_tree(s, "r", "master");
    assert_int_equal(kind(s, tree, "40"), SP_ENTRY_FILE);
    assert_int_equal(kind(s, tree, "41"), SP_ENTRY_OTHER);
}

static void test_deep(void **state)
{
    struct scratch *s = *state;
    git_repository *repo = new_repository(s, "r", true);
    struct entry below = {"f", F, write_text(repo, "deep")};
    for (int i = 0; i < 3000; i++)
        below = (struct entry){"d", D, write_tree(repo, &below, 1)};
    commit(repo, below.oid, "refs/heads/master");
    git_repository_free(repo);
    struct sp_tree *tree = open_tree(s, "r", "master");
    struct sp_buffer path = SP_BUFFER_INIT;
    for (int i = 0; i < 2000; i++)
        sp_buffer_puts(&path, "d/");
    assert_int_equal(kind(s, tree, sp_buffer_str(&path)), SP_ENTRY_DIRECTORY);
    assert_string_equal(names(s, tree, sp_buffer_str(&path)), "d:d ");
    for (int i = 0; i < 999; i++)
        sp_buffer_puts(&path, "d/");
    sp_buffer_puts(&path, "f"); /* beyond PATH_MAX */
    assert_int_equal(kind(s, tree, sp_buffer_str(&path)), SP_ENTRY_ABSENT);
    sp_buffer_free(&path);
}

/* Another file of that name; the old one may be mapped still. */
static void replace(const char *path, const void *data, size_t len)
{
    assert_int_equal(unlink(path), 0);
    write_file(path, data, len);
}

static const char *object_file(struct scratch *s, const char *repo, git_oid oid)
{
    char hex[41];
    git_oid_tostr(hex, sizeof(hex), &oid);
    return sp_pool_printf(s->pool, "%s/%s/objects/%.2s/%s", s->dir, repo, hex, hex + 2);
}

/* Opens the tree anew each time: libgit2 remembers what it has read. */
static void assert_damaged(struct scratch *s, git_oid oid, const char *file)
{
    struct sp_bytes out;
    bool complete;
    char hex[41];
    git_oid_tostr(hex, sizeof(hex), &oid);
    struct sp_tree *tree = open_tree(s, "r", "master");
    int rc = sp_tree_read(tree, s->pool, file, 1000, &out, &complete, &s->err);
    if (rc == 0)
        fail_msg("a damaged object was read: %s", hex);
    assert_non_null(strstr(s->err.message, scratch_path(s, "r@master")));
    assert_fails(s, rc, SP_ERROR_REFUSED, hex);
}

/* Damage is found or does no harm: where only zlib's checksum is missing, git's own one holds. */
static void assert_harmless(struct scratch *s, const char *file, const char *content)
{
    struct sp_bytes out;
    bool complete;
    struct sp_tree *tree = open_tree(s, "r", "master");
    int rc = sp_tree_read(tree, s->pool, file, 1000, &out, &complete, &s->err);
    if (rc == 0)
        assert_string_equal(out.data, content);
    else
        assert_fails(s, rc, SP_ERROR_REFUSED, "git object");
}

static void test_damaged_objects(void **state)
{
    struct scratch *s = *state;
    git_repository *repo = new_repository(s, "r", true);
    git_oid content = write_text(repo, "import os\nimport sys\n");
    struct entry inner[] = {{"file", F, content}};
    git_oid directory = write_tree(repo, inner, 1);
    struct entry top[] = {{"d", D, directory}, {"wrong", D, content}, {"wrongfile", F, directory}};
    commit(repo, write_tree(repo, top, 3), "refs/heads/master");
    git_repository_free(repo);
    assert_string_equal(text(s, open_tree(s, "r", "master"), "d/file"), "import os\nimport sys\n");

    /* an object of another type than the entry says */
    assert_damaged(s, content, "wrong/x");
    assert_damaged(s, directory, "wrongfile");

    const git_oid objects[] = {content, directory};
    for (size_t k = 0; k < COUNT(objects); k++) {
        const char *path = object_file(s, "r", objects[k]);
        struct sp_bytes good = scratch_slurp(s, path);
        /* cut at every byte */
        for (size_t len = 0; len < good.len; len++) {
            replace(path, good.data, len);
            assert_harmless(s, "d/file", "import os\nimport sys\n");
        }
        /* each byte changed */
        for (size_t at = 0; at < good.len; at++) {
            char *bad = sp_pool_memdup(s->pool, good.data, good.len);
            bad[at] = (char)(bad[at] ^ 0x55);
            replace(path, bad, good.len);
            assert_harmless(s, "d/file", "import os\nimport sys\n");
        }
        assert_int_equal(unlink(path), 0);
        assert_damaged(s, objects[k], "d/file");
        write_file(path, good.data, good.len);
        assert_string_equal(text(s, open_tree(s, "r", "master"), "d/file"),
                            "import os\nimport sys\n");
    }
}

/* Puts a loose object together by hand, under a name of the caller's choice. */
static void write_loose(const char *path, const void *data, size_t len)
{
    unsigned char out[512];
    uLongf out_len = sizeof(out);
    assert_int_equal(compress(out, &out_len, data, len), Z_OK);
    replace(path, out, out_len);
}

static void test_forged_objects(void **state)
{
    struct scratch *s = *state;
    git_repository *repo = new_repository(s, "r", true);
    git_oid content = write_text(repo, "import os\n");
    struct entry top[] = {{"file", F, content}};
    commit(repo, write_tree(repo, top, 1), "refs/heads/master");
    git_repository_free(repo);
    const char *path = object_file(s, "r", content);
    static const struct {
        const char *raw;
        size_t len;
    } bad[] = {
        {"", 0},
        {"blob", 4},
        {"blob 10", 7},
        {"blob \0import os\n", 16},
        {"blob -1\0import os\n", 18},
        {"blob 9\0import os\n", 17},  /* longer than it says: libgit2 issue 7177 */
        {"blob 1\0import os\n", 17},  /* the same, by more */
        {"blob 11\0import os\n", 18}, /* shorter */
        {"blob 10x\0import os\n", 19},
        {"tree 10\0import os\n", 18},
        {"bleb 10\0import os\n", 18},
        {"blob 10\0import as\n", 18}, /* what another name belongs to */
        {"blob 99999999999999999999999999999999\0import os\n", 43},
        {"blob 99999999999999999999999999999999999999999999999999999999999999999\0x", 72},
        {"blob 1000000000\0import os\n", 26},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        write_loose(path, bad[i].raw, bad[i].len);
        assert_damaged(s, content, "file");
    }
    write_loose(path, "blob 10\0import os\n", 18);
    assert_string_equal(text(s, open_tree(s, "r", "master"), "file"), "import os\n");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0644), 0);
    assert_damaged(s, content, "file");
}

/* Moves all objects of `from` into a pack in `to`. Returns the path without ".pack". */
static const char *pack(struct scratch *s, const char *from, const char *to)
{
    git_repository *repo;
    git_packbuilder *builder;
    git_revwalk *walk;
    assert_int_equal(git_repository_open(&repo, scratch_path(s, from)), 0);
    assert_int_equal(git_packbuilder_new(&builder, repo), 0);
    git_packbuilder_set_threads(builder, 1);
    assert_int_equal(git_revwalk_new(&walk, repo), 0);
    assert_int_equal(git_revwalk_push_ref(walk, "refs/heads/master"), 0);
    assert_int_equal(git_packbuilder_insert_walk(builder, walk), 0);
    const char *dir = sp_pool_printf(s->pool, "%s/%s/objects/pack", s->dir, to);
    mkdir(dir, 0755);
    assert_int_equal(git_packbuilder_write(builder, dir, 0644, NULL, NULL), 0);
    char hex[41];
    git_oid_tostr(hex, sizeof(hex), git_packbuilder_hash(builder));
    git_revwalk_free(walk);
    git_packbuilder_free(builder);
    git_repository_free(repo);
    return sp_pool_printf(s->pool, "%s/pack-%s", dir, hex);
}

static void drop_loose(struct scratch *s, const char *repo)
{
    const char *command = sp_pool_printf(s->pool, "rm -rf %s/%s/objects/??", s->dir, repo);
    assert_int_equal(system(command), 0);
}

static void test_packed(void **state)
{
    struct scratch *s = *state;
    git_repository *repo = new_repository(s, "r", true);
    fill(repo);
    git_repository_free(repo);
    pack(s, "r", "r");
    drop_loose(s, "r");
    check_filled(s, open_tree(s, "r", "master"));
}

/* A damaged pack or index is an error or does no harm; it is never the wrong content. */
static void test_damaged_pack(void **state)
{
    struct scratch *s = *state;
    git_repository *repo = new_repository(s, "r", true);
    fill(repo);
    git_repository_free(repo);
    const char *base = pack(s, "r", "r");
    drop_loose(s, "r");
    static const char *const endings[] = {".pack", ".idx"};
    size_t failures = 0;
    for (size_t e = 0; e < COUNT(endings); e++) {
        const char *path = sp_pool_printf(s->pool, "%s%s", base, endings[e]);
        struct sp_bytes good = scratch_slurp(s, path);
        for (size_t at = 0; at < good.len; at += 3) {
            char *bad = sp_pool_memdup(s->pool, good.data, good.len);
            bad[at] = (char)(bad[at] ^ 0xff);
            replace(path, bad, at % 2 ? good.len : at);
            /* closed each time: libgit2 shares packs that are open, by their path */
            struct sp_pool *pool = sp_pool_new();
            struct sp_tree *tree;
            struct sp_bytes out;
            bool complete;
            int rc = sp_tree_open_git(pool, scratch_path(s, "r"), "master", &tree, &s->err);
            if (rc == 0)
                rc = sp_tree_read(tree, pool, "nova/linkdir/driver.py", 1000, &out, &complete,
                                  &s->err);
            if (rc == 0)
                assert_string_equal(out.data, "driver = 1\n");
            else
                failures++;
            assert_int_equal(sp_error_is_set(&s->err), rc < 0);
            sp_error_clear(&s->err);
            sp_pool_free(pool);
        }
        replace(path, good.data, good.len);
    }
    assert_true(failures > 50);
    check_filled(s, open_tree(s, "r", "master"));
}

static void test_alternates(void **state)
{
    struct scratch *s = *state;
    git_repository *repo = new_repository(s, "r", true);
    fill(repo);
    git_repository_free(repo);
    git_repository_free(new_repository(s, "second", true));
    git_repository_free(new_repository(s, "third", true));
    pack(s, "r", "third");
    drop_loose(s, "r");
    const char *third = scratch_path(s, "third/objects");
    /* a chain of two, one of them by a relative name, and a circle */
    scratch_puts(s, "r/objects/info/alternates", "# comment\n\n../../second/objects\n");
    scratch_puts(s, "second/objects/info/alternates", third);
    scratch_puts(s, "third/objects/info/alternates", third);
    check_filled(s, open_tree(s, "r", "master"));

    struct sp_buffer many = SP_BUFFER_INIT;
    for (int i = 0; i < 100; i++)
        sp_buffer_printf(&many, "/nonexistent/%d\n", i);
    scratch_puts(s, "third/objects/info/alternates", sp_buffer_str(&many));
    sp_buffer_free(&many);
    struct sp_tree *tree;
    assert_fails(s, sp_tree_open_git(s->pool, scratch_path(s, "r"), "master", &tree, &s->err),
                 SP_ERROR_REFUSED, "too many alternate");
}

static void test_impossible_names(void **state)
{
    struct scratch *s = *state;
    static const char *const bad[] = {"..", ".", "a/b", ""};
    git_repository *repo = new_repository(s, "r", true);
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct entry inner[] = {{bad[i], F, write_text(repo, "x")}};
        struct entry top[] = {{"d", D, write_tree(repo, inner, 1)}};
        commit(repo, write_tree(repo, top, 1), sp_pool_printf(s->pool, "refs/heads/bad%zu", i));
    }
    git_repository_free(repo);
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct sp_tree *tree = open_tree(s, "r", sp_pool_printf(s->pool, "bad%zu", i));
        sp_entries entries = {0};
        assert_fails(s, sp_tree_list(tree, s->pool, "d", &entries, &s->err), SP_ERROR_REFUSED,
                     "git object");
        struct sp_bytes out;
        bool complete;
        assert_int_equal(sp_tree_read(tree, s->pool, "d/../d/..", 9, &out, &complete, &s->err), -1);
        sp_error_clear(&s->err);
    }
}

static void test_huge_blob(void **state)
{
    struct scratch *s = *state;
    git_repository *repo = new_repository(s, "r", true);
    size_t size = ((size_t)64 << 20) + 1;
    char *zeros = calloc(1, size);
    assert_non_null(zeros);
    struct entry top[] = {{"huge", F, write_blob(repo, zeros, size)},
                          {"large", F, write_blob(repo, zeros, 9 << 20)}};
    free(zeros);
    commit(repo, write_tree(repo, top, 2), "refs/heads/master");
    git_repository_free(repo);
    struct sp_tree *tree = open_tree(s, "r", "master");
    struct sp_bytes out;
    bool complete;
    assert_fails(s, sp_tree_read(tree, s->pool, "huge", 10, &out, &complete, &s->err),
                 SP_ERROR_REFUSED, "67108865 bytes");
    assert_ok(s, sp_tree_read(tree, s->pool, "large", SP_MAX_SOURCE, &out, &complete, &s->err));
    assert_false(complete);
    assert_int_equal(out.len, SP_MAX_SOURCE);
}

/* As root, a repository of somebody else's is read all the same. */
static void test_other_owner(void **state)
{
    struct scratch *s = *state;
    if (geteuid() != 0)
        skip();
    git_repository *repo = new_repository(s, "r", true);
    fill(repo);
    git_repository_free(repo);
    assert_int_equal(chown(scratch_path(s, "r"), 12345, 12345), 0);
    assert_int_equal(chown(scratch_path(s, "r/config"), 12345, 12345), 0);
    check_filled(s, open_tree(s, "r", "master"));
}

/* The account's configuration can't change, or break, what is read. */
static void test_no_global_config(void **state)
{
    struct scratch *s = *state;
    git_repository *repo = new_repository(s, "r", true);
    fill(repo);
    git_repository_free(repo);
    scratch_puts(s, ".gitconfig", "[this is = no configuration\n");
    const char *home = getenv("HOME");
    const char *old = home ? sp_pool_strdup(s->pool, home) : NULL;
    assert_int_equal(setenv("HOME", s->dir, 1), 0);
    git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, GIT_CONFIG_LEVEL_GLOBAL, s->dir);
    check_filled(s, open_tree(s, "r", "master"));
    if (old)
        setenv("HOME", old, 1);
    else
        unsetenv("HOME");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_bare),
        SCRATCH_TEST(test_not_bare),
        SCRATCH_TEST(test_revisions),
        SCRATCH_TEST(test_limits),
        SCRATCH_TEST(test_forty_links),
        SCRATCH_TEST(test_deep),
        SCRATCH_TEST(test_huge_blob),
        SCRATCH_TEST(test_forged_objects),
        SCRATCH_TEST(test_packed),
        SCRATCH_TEST(test_damaged_pack),
        SCRATCH_TEST(test_alternates),
        SCRATCH_TEST(test_damaged_objects),
        SCRATCH_TEST(test_impossible_names),
        SCRATCH_TEST(test_other_owner),
        SCRATCH_TEST(test_no_global_config),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
