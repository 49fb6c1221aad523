/* SPDX-License-Identifier: Apache-2.0 */
#include "format/diff.h"
#include "format/libgit2.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <git2.h>

#include "scratch.h"

TEST(hash_is_that_of_git)
{
    static const struct {
        struct sp_bytes content;
        const char *id; /* by `git hash-object` */
    } vectors[] = {
        {{"", 0}, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"},
        {{NULL, 0}, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"},
        {{"hello\n", 6}, "ce013625030ba8dba906f756967f9e9ca394464a"},
        {{"a\0b", 3}, "20b5be91886d0b6f26dc98a225c0dac05fe2c86e"},
        {{"x\r\n", 3}, "db127bf6be70c2285b1d852d39387a37b01c3032"},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct sp_blob_id id;
        assert_ok(f, sp_blob_hash(vectors[i].content, &id, &f->err));
        assert_string_equal(id.hex, vectors[i].id);
        assert_true(sp_blob_is_id(id.hex));
    }
}

TEST(ids)
{
    const struct sp_blob_id a = {"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"}, none = {""};
    struct sp_blob_id b = a;
    assert_true(sp_blob_equal(&a, &b));
    assert_true(sp_blob_equal(&none, &none));
    assert_false(sp_blob_equal(&a, &none));
    b.hex[39] = '2';
    assert_false(sp_blob_equal(&a, &b));
    assert_true(sp_blob_is_id(a.hex));
    assert_false(sp_blob_is_id(""));
    assert_false(sp_blob_is_id("e69de29bb2d1d6434b8b29ae775ad8c2e48c539"));
    assert_false(sp_blob_is_id("e69de29bb2d1d6434b8b29ae775ad8c2e48c53911"));
    assert_false(sp_blob_is_id("E69de29bb2d1d6434b8b29ae775ad8c2e48c5391"));
    assert_false(sp_blob_is_id("g69de29bb2d1d6434b8b29ae775ad8c2e48c5391"));
}

/* before and after: NULL for no file. */
static void diff(struct fixture *f, const char *path, const char *before, const char *after,
                 unsigned mode, struct sp_buffer *out)
{
    struct sp_bytes old = SP_BYTES_STR(before ? before : ""),
                    new = SP_BYTES_STR(after ? after : "");
    assert_ok(f, sp_blob_diff(path, before ? &old : NULL, after ? &new : NULL, mode, out, &f->err));
}

static void assert_diff(struct fixture *f, const char *path, const char *before, const char *after,
                        unsigned mode, const char *expected)
{
    struct sp_buffer out = SP_BUFFER_INIT;
    sp_buffer_puts(&out, "<"); /* it appends */
    diff(f, path, before, after, mode, &out);
    assert_string_equal(sp_buffer_str(&out) + 1, expected);
    sp_buffer_free(&out);
}

#define ZERO  "0000000000000000000000000000000000000000"
#define EMPTY "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391" /* of "" */
#define A     "78981922613b2afb6025042ff6bd878ac1994e85" /* of "a\n" */
#define B     "61780798228d17af2d34fce4cfbdf35556832472" /* of "b\n" */
#define OPEN  "2e65efe2a145dda7ee51d1741299f848e5bf752e" /* of "a" */

/* As `git diff --full-index` prints them. */
TEST(headers)
{
    assert_diff(f, "d/f.py", "a\n", "b\n", 0644,
                "diff --git a/d/f.py b/d/f.py\nindex " A ".." B " 100644\n"
                "--- a/d/f.py\n+++ b/d/f.py\n@@ -1 +1 @@\n-a\n+b\n");
    assert_diff(f, "f", "a\n", "b\n", 0755,
                "diff --git a/f b/f\nindex " A ".." B " 100755\n"
                "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n");
    assert_diff(f, "f", NULL, "a\n", 0640,
                "diff --git a/f b/f\nnew file mode 100644\nindex " ZERO ".." A "\n"
                "--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+a\n");
    assert_diff(f, "f", "a\n", NULL, 0700,
                "diff --git a/f b/f\ndeleted file mode 100755\nindex " A ".." ZERO "\n"
                "--- a/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n");
    assert_diff(f, "f", "", "a\n", 0644,
                "diff --git a/f b/f\nindex " EMPTY ".." A " 100644\n"
                "--- a/f\n+++ b/f\n@@ -0,0 +1 @@\n+a\n");
}

TEST(equal_contents_give_nothing)
{
    assert_diff(f, "f", "a\n", "a\n", 0644, "");
    assert_diff(f, "f", "", "", 0644, "");
    assert_diff(f, "f", NULL, NULL, 0644, "");
}

TEST(empty_files_come_and_go)
{
    assert_diff(f, "f", NULL, "", 0644,
                "diff --git a/f b/f\nnew file mode 100644\nindex " ZERO ".." EMPTY "\n");
    assert_diff(f, "f", "", NULL, 0644,
                "diff --git a/f b/f\ndeleted file mode 100644\nindex " EMPTY ".." ZERO "\n");
}

TEST(missing_final_newline)
{
    assert_diff(f, "f", "a", "a\n", 0644,
                "diff --git a/f b/f\nindex " OPEN ".." A " 100644\n--- a/f\n+++ b/f\n"
                "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n");
    assert_diff(f, "f", "a\n", "a", 0644,
                "diff --git a/f b/f\nindex " A ".." OPEN " 100644\n--- a/f\n+++ b/f\n"
                "@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n");
    assert_diff(f, "f", NULL, "a", 0644,
                "diff --git a/f b/f\nnew file mode 100644\nindex " ZERO ".." OPEN
                "\n--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+a\n\\ No newline at end of file\n");
}

TEST(names_are_quoted_as_git_does)
{
    static const struct {
        const char *path, *names, *sides;
    } vectors[] = {
        {"a b.py", "a/a b.py b/a b.py", "--- a/a b.py\t\n+++ b/a b.py\t\n"},
        {"\xc3\xa9.py", "\"a/\\303\\251.py\" \"b/\\303\\251.py\"",
         "--- \"a/\\303\\251.py\"\n+++ \"b/\\303\\251.py\"\n"},
        {"\xc3\xa9 x", "\"a/\\303\\251 x\" \"b/\\303\\251 x\"",
         "--- \"a/\\303\\251 x\"\t\n+++ \"b/\\303\\251 x\"\t\n"},
        {"q\"\\\t\n\x01\x7f", "\"a/q\\\"\\\\\\t\\n\\001\\177\" \"b/q\\\"\\\\\\t\\n\\001\\177\"",
         "--- \"a/q\\\"\\\\\\t\\n\\001\\177\"\n+++ \"b/q\\\"\\\\\\t\\n\\001\\177\"\n"},
        {"~!x", "a/~!x b/~!x", "--- a/~!x\n+++ b/~!x\n"},
    };
    for (size_t i = 0; i < COUNT(vectors); i++)
        assert_diff(f, vectors[i].path, "a\n", "b\n", 0644,
                    sp_pool_printf(f->pool,
                                   "diff --git %s\nindex " A ".." B " 100644\n%s@@ -1 +1 @@\n"
                                   "-a\n+b\n",
                                   vectors[i].names, vectors[i].sides));
}

TEST(hunks_have_three_lines_of_context)
{
    struct sp_buffer out = SP_BUFFER_INIT;
    diff(f, "f", "def f():\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n",
         "def f():\n1\n2\n3\n4\nnew\n5\n6\n7\n8\n9\n10\n11\n13\n14\n15\n", 0644, &out);
    const char *hunks = strstr(sp_buffer_str(&out), "@@");
    assert_string_equal(hunks, "@@ -3,6 +3,7 @@ def f():\n 2\n 3\n 4\n+new\n 5\n 6\n 7\n"
                               "@@ -10,7 +11,6 @@ def f():\n 9\n 10\n 11\n-12\n 13\n 14\n 15\n");
    sp_buffer_free(&out);
}

#if LIBGIT2_VER_MAJOR > 0 || LIBGIT2_VER_MINOR >= 27
/* An added block is shown as it was written, from its own first line on. */
TEST(hunks_begin_where_blocks_do)
{
    struct sp_buffer out = SP_BUFFER_INIT;
    diff(f, "f", "class A:\n    @x\n    def f():\n        pass\n",
         "class A:\n    @x\n    def new():\n        pass\n\n    @x\n    def f():\n        pass\n",
         0644, &out);
    const char *hunk = "\n+    @x\n+    def new():\n+        pass\n+\n     @x\n     def f";
    assert_non_null(strstr(sp_buffer_str(&out), hunk));
    sp_buffer_free(&out);
}
#endif

/* ---- what git apply and patch make of it ---- */

struct change {
    const char *path, *before, *after;
    unsigned mode;
};

static const struct change changes[] = {
    {"nova/virt/driver.py", "a\nb\nc\nd\ne\nf\ng\nh\n", "a\nb\nc\nnew\nd\ne\nf\nh\n", 0644},
    {"new.py", NULL, "import os\n", 0644},
    {"new script", NULL, "#!/bin/sh\n", 0755},
    {"gone/old.py", "x\ny\n", NULL, 0644},
    {"open end", "one\ntwo", "one\nthree", 0644},
    {"closed", "one\ntwo", "one\ntwo\n", 0644},
    {"opened", "one\ntwo\n", "one\ntwo", 0755},
    {"\xc3\xa9/\xc3\xb1 x.py", "1\n2\n", "1\n2\n3\n", 0644},
    {"quote\"back\\slash", "1\n", "2\n", 0644},
    {"crlf", "a\r\nb\r\n", "a\r\nc\r\n", 0644},
    {"from-empty", "", "x\n", 0644},
    {"to-empty", "x\n", "", 0644},
    {"dashes", "-- a\n++ b\n", "++ b\n-- a\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n", 0644},
    {"form-feed", "a\f\n\vb\n", "a\f\n\vb\n\x1b\n", 0644},
    {"latin1", "\xe9\n", "\xe9\n\xff\n", 0644},
};

static void put_file(const char *dir, const char *path, const char *text, unsigned mode,
                     struct fixture *f)
{
    char *name = sp_pool_printf(f->pool, "%s/%s", dir, path);
    for (char *slash = name + strlen(dir) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(name, 0755);
        *slash = '/';
    }
    write_file(name, text, strlen(text));
    assert_int_equal(chmod(name, mode), 0);
}

static void assert_file(const char *dir, const struct change *change, struct fixture *f)
{
    const char *name = sp_pool_printf(f->pool, "%s/%s", dir, change->path);
    struct stat st;
    if (!change->after) {
        assert_int_not_equal(stat(name, &st), 0);
        return;
    }
    char text[256] = "";
    FILE *file = fopen(name, "rb");
    if (!file)
        fail_msg("%s is missing", change->path);
    size_t len = fread(text, 1, sizeof(text) - 1, file);
    assert_int_equal(fstat(fileno(file), &st), 0);
    fclose(file);
    if (len != strlen(change->after) || strcmp(text, change->after) != 0)
        fail_msg("%s: '%s'", change->path, text);
    assert_int_equal(st.st_mode & 0111, change->mode & 0111);
}

/* Puts the old files into the scratch directory, pipes the diff of all changes into the command
 * there, and looks for the new ones. */
static void assert_applies(struct fixture *f, const char *command)
{
    struct sp_buffer out = SP_BUFFER_INIT;
    for (size_t i = 0; i < COUNT(changes); i++) {
        const struct change *change = &changes[i];
        if (change->before)
            put_file(f->dir, change->path, change->before, change->mode, f);
        diff(f, change->path, change->before, change->after, change->mode, &out);
    }
    FILE *pipe = popen(sp_pool_printf(f->pool, "cd '%s' && %s", f->dir, command), "w");
    assert_non_null(pipe);
    assert_int_equal(fwrite(out.data, 1, out.len, pipe), out.len);
    assert_int_equal(pclose(pipe), 0);
    for (size_t i = 0; i < COUNT(changes); i++)
        assert_file(f->dir, &changes[i], f);
    sp_buffer_free(&out);
}

TEST_IN_DIR(git_apply_takes_it)
{
    if (system("git --version >/dev/null 2>&1") != 0)
        skip();
    assert_applies(
        f, "GIT_CEILING_DIRECTORIES=\"$(dirname \"$PWD\")\" git apply --whitespace=nowarn -");
}

TEST_IN_DIR(patch_takes_it)
{
    if (system("patch --version >/dev/null 2>&1") != 0)
        skip();
    assert_applies(f, "patch --silent --binary --no-backup-if-mismatch -p1");
}

TEST(contents_with_nul_bytes)
{
    struct sp_bytes before = {"a\0\nb\n", 5}, after = {"a\0\nc\n", 5};
    struct sp_buffer out = SP_BUFFER_INIT;
    assert_ok(f, sp_blob_diff("f", &before, &after, 0644, &out, &f->err));
    static const char end[] = "@@ -1,2 +1,2 @@\n a\0\n-b\n+c\n";
    assert_true(out.len > sizeof(end));
    assert_memory_equal(out.data + out.len - (sizeof(end) - 1), end, sizeof(end) - 1);
    sp_buffer_free(&out);
}

/* ---- the library ---- */

/* libgit2 looks for HOME when it is initialized, so all tests of this file have one of their own. */
static char home[] = "/tmp/sp-test-XXXXXX";

static void set_up_home(void)
{
    if (!mkdtemp(home) || setenv("HOME", home, 1) != 0 || setenv("XDG_CONFIG_HOME", home, 1) != 0)
        fail_msg("cannot make '%s'", home);
}

static void remove_home(void)
{
    remove_tree(home);
}

GROUP(set_up_home, remove_home)

/* The account's configuration names a user; libgit2 must not see it. */
TEST(no_configuration_is_read)
{
    assert_ok(f, sp_libgit2_init(&f->err));
    assert_ok(f, sp_libgit2_init(&f->err));
    put_file(getenv("HOME"), ".gitconfig", "[user]\n\tname = from-home\n", 0644, f);
    put_file(getenv("HOME"), "git/config", "[user]\n\temail = from-xdg\n", 0644, f);
    git_config *config = NULL;
    git_buf found = {NULL, 0, 0};
    assert_int_equal(git_config_open_default(&config), 0);
    assert_int_equal(git_config_get_string_buf(&found, config, "user.name"), GIT_ENOTFOUND);
    assert_int_equal(git_config_get_string_buf(&found, config, "user.email"), GIT_ENOTFOUND);
    git_config_free(config);
    assert_int_equal(git_config_find_system(&found), GIT_ENOTFOUND);
}
