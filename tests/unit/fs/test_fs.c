/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/meta.h"
#include "fs/read.h"
#include "fs/replace.h"
#include "fs/resolve.h"
#include "fs/root.h"
#include "fs/write.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <time.h>

#include "scratch.h"

#define TEXT(s) ((struct sp_bytes){(s), strlen(s)})

struct fs {
    struct scratch *s;
    struct sp_root root;
    struct sp_dir dir; /* the scratch directory, for reading */
};

static struct fs open_fs(void **state)
{
    struct fs fs = {.s = *state};
    assert_ok(fs.s, sp_root_open(fs.s->dir, &fs.root, &fs.s->err));
    fs.dir = (struct sp_dir){scratch_open(fs.s), fs.s->dir};
    return fs;
}

static void close_fs(struct fs *fs)
{
    sp_dir_close(&fs->dir);
    sp_root_close(&fs->root);
    assert_int_equal(fs->root.fd, -1);
}

static struct stat stat_of(struct fs *fs, const char *name)
{
    struct stat st;
    assert_int_equal(lstat(scratch_path(fs->s, name), &st), 0);
    return st;
}

/* ---- roots ------------------------------------------------------------------------------------
 */

static void test_root(void **state)
{
    struct scratch *s = *state;
    struct sp_root root;
    assert_ok(s, sp_root_open("/", &root, &s->err));
    assert_string_equal(root.path, "");
    assert_string_equal(sp_root_show(&root, s->pool, "/usr/lib"), "/usr/lib");
    sp_root_close(&root);
    assert_ok(s, sp_root_open(s->dir, &root, &s->err));
    assert_string_equal(sp_root_show(&root, s->pool, "/usr/lib"),
                        sp_pool_printf(s->pool, "%s/usr/lib", s->dir));
    sp_root_close(&root);
    const char *file = scratch_puts(s, "file", "");
    assert_fails(s, sp_root_open(file, &root, &s->err), SP_ERROR_SYSTEM, file);
    const char *none = scratch_path(s, "none");
    assert_fails(s, sp_root_open(none, &root, &s->err), SP_ERROR_SYSTEM, none);
}

static void resolves(struct fs *fs, const char *path, const char *expected)
{
    const char *real = "unset";
    struct stat st;
    assert_ok(fs->s, sp_fs_resolve(&fs->root, fs->s->pool, path, &real, &st, &fs->s->err));
    if (!expected && real)
        fail_msg("%s leads to %s", path, real);
    if (expected && (!real || strcmp(real, expected) != 0))
        fail_msg("%s leads to %s, not to %s", path, real ? real : "nothing", expected);
    if (real) {
        struct stat there;
        assert_int_equal(lstat(scratch_path(fs->s, real), &there), 0);
        assert_int_equal(there.st_ino, st.st_ino);
    }
}

static void test_resolve(void **state)
{
    struct fs fs = open_fs(state);
    scratch_mkdir(fs.s, "a", 0755);
    scratch_mkdir(fs.s, "a/b", 0755);
    scratch_puts(fs.s, "a/b/file", "");
    static const struct {
        const char *path, *real;
    } vectors[] = {
        {"/", ""},
        {"", ""},
        {"/a", "a"},
        {"/a/", "a"},
        {"a/b", "a/b"},
        {"//a//b//file", "a/b/file"},
        {"/a/./b/.", "a/b"},
        {"/a/../a/b/..", "a"},
        {"/../../a", "a"}, /* above the root is the root */
        {"/..", ""},
        {"/none", NULL},
        {"/a/none/file", NULL},
        {"/a/b/file/more", NULL},
    };
    for (size_t i = 0; i < COUNT(vectors); i++)
        resolves(&fs, vectors[i].path, vectors[i].real);
    close_fs(&fs);
}

static void test_resolve_links(void **state)
{
    struct fs fs = open_fs(state);
    scratch_mkdir(fs.s, "a", 0755);
    scratch_mkdir(fs.s, "a/b", 0755);
    scratch_puts(fs.s, "a/b/file", "");
    scratch_symlink(fs.s, "a/b", "relative");
    scratch_symlink(fs.s, "/a/b", "absolute"); /* from this root */
    scratch_symlink(fs.s, "../../a/b/file", "a/up");
    scratch_symlink(fs.s, "../../../../../../../../../a", "climbs");
    scratch_symlink(fs.s, "relative", "twice");
    scratch_symlink(fs.s, "nowhere", "dangling");
    scratch_symlink(fs.s, "absolute/../b/./file", "mixed");
    scratch_symlink(fs.s, "/", "top");
    static const struct {
        const char *path, *real;
    } vectors[] = {
        {"/relative/file", "a/b/file"},
        {"/absolute/file", "a/b/file"},
        {"/a/up", "a/b/file"},
        {"/climbs/b", "a/b"},
        {"/twice/file", "a/b/file"},
        {"/twice", "a/b"},
        {"/mixed", "a/b/file"},
        {"/top/top/a", "a"},
        {"/dangling", NULL},
        {"/dangling/more", NULL},
        {"/twice/..", "a"}, /* of where the link leads */
    };
    for (size_t i = 0; i < COUNT(vectors); i++)
        resolves(&fs, vectors[i].path, vectors[i].real);
    close_fs(&fs);
}

static void test_resolve_circles(void **state)
{
    struct fs fs = open_fs(state);
    const char *real;
    scratch_symlink(fs.s, "self", "self");
    scratch_symlink(fs.s, "two", "one");
    scratch_symlink(fs.s, "/one", "two");
    scratch_symlink(fs.s, "grow/a", "grow");
    static const char *const paths[] = {"/self", "/one/x", "/grow"};
    for (size_t i = 0; i < COUNT(paths); i++)
        assert_fails(fs.s, sp_fs_resolve(&fs.root, fs.s->pool, paths[i], &real, NULL, &fs.s->err),
                     SP_ERROR_REFUSED, paths[i]);
    close_fs(&fs);
}

/* As many links as the kernel follows, and not one more. */
static void test_resolve_many_links(void **state)
{
    struct fs fs = open_fs(state);
    const char *real;
    scratch_puts(fs.s, "link0", "");
    for (int i = 1; i <= 41; i++)
        scratch_symlink(fs.s, sp_pool_printf(fs.s->pool, "link%d", i - 1),
                        sp_pool_printf(fs.s->pool, "link%d", i));
    resolves(&fs, "/link40", "link0");
    assert_fails(fs.s, sp_fs_resolve(&fs.root, fs.s->pool, "/link41", &real, NULL, &fs.s->err),
                 SP_ERROR_REFUSED, "/link41");
    close_fs(&fs);
}

static void test_open_dir_follows_no_link(void **state)
{
    struct fs fs = open_fs(state);
    scratch_mkdir(fs.s, "a", 0755);
    scratch_mkdir(fs.s, "a/b", 0755);
    scratch_symlink(fs.s, "a", "link");
    scratch_puts(fs.s, "file", "");
    static const char *const good[] = {"", "a", "a/b"};
    for (size_t i = 0; i < COUNT(good); i++) {
        struct sp_dir dir;
        assert_ok(fs.s, sp_fs_open_dir(&fs.root, fs.s->pool, good[i], &dir, &fs.s->err));
        assert_int_equal(fcntl(dir.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        assert_string_equal(dir.shown, sp_root_show(&fs.root, fs.s->pool, good[i]));
        sp_dir_close(&dir);
        assert_int_equal(dir.fd, -1);
    }
    static const char *const bad[] = {"/link", "/link/b", "/file", "/none", "/a/../../etc"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct sp_dir dir;
        assert_int_equal(sp_fs_open_dir(&fs.root, fs.s->pool, bad[i], &dir, &fs.s->err), -1);
        assert_non_null(strstr(fs.s->err.message, bad[i]));
        sp_error_clear(&fs.s->err);
    }
    close_fs(&fs);
}

/* ---- reading ----------------------------------------------------------------------------------
 */

static void test_read(void **state)
{
    struct fs fs = open_fs(state);
    struct sp_content out;
    scratch_mkdir(fs.s, "a", 0755);
    scratch_puts(fs.s, "a/file", "0123456789");
    assert_ok(fs.s, sp_fs_read(&fs.root, fs.s->pool, "/a/file", 100, &out, &fs.s->err));
    assert_true(out.complete);
    assert_int_equal(out.bytes.len, 10);
    assert_int_equal(out.st.st_size, 10);
    assert_string_equal(out.bytes.data, "0123456789"); /* a NUL is after it */
    static const struct {
        size_t limit, len;
        bool complete;
    } vectors[] = {{11, 10, true}, {10, 10, true}, {9, 9, false}, {1, 1, false}, {0, 0, false}};
    for (size_t i = 0; i < COUNT(vectors); i++) {
        assert_ok(fs.s,
                  sp_fs_read(&fs.root, fs.s->pool, "/a/file", vectors[i].limit, &out, &fs.s->err));
        assert_int_equal(out.bytes.len, vectors[i].len);
        assert_int_equal(out.complete, vectors[i].complete);
        assert_int_equal(out.bytes.data[out.bytes.len], '\0');
    }
    scratch_puts(fs.s, "empty", "");
    assert_ok(fs.s, sp_fs_read(&fs.root, fs.s->pool, "/empty", 5, &out, &fs.s->err));
    assert_non_null(out.bytes.data);
    assert_true(out.complete);
    assert_fails(fs.s, sp_fs_read(&fs.root, fs.s->pool, "/none", 5, &out, &fs.s->err),
                 SP_ERROR_REFUSED, "/none");
    close_fs(&fs);
}

/* Files of /proc say that they are empty. */
static void test_read_of_unknown_size(void **state)
{
    struct scratch *s = *state;
    struct sp_root root;
    struct sp_content out;
    assert_ok(s, sp_root_open("/proc", &root, &s->err));
    assert_ok(s, sp_fs_read(&root, s->pool, "/version", 10, &out, &s->err));
    assert_int_equal(out.bytes.len, 10);
    assert_false(out.complete);
    sp_root_close(&root);
}

static void test_read_at(void **state)
{
    struct fs fs = open_fs(state);
    struct sp_content out;
    assert_ok(fs.s, sp_fs_read_at(&fs.dir, fs.s->pool, "none", 5, &out, &fs.s->err));
    assert_null(out.bytes.data);
    scratch_puts(fs.s, "file", "abc");
    scratch_symlink(fs.s, "file", "link");
    scratch_mkdir(fs.s, "dir", 0755);
    assert_int_equal(mkfifo(scratch_path(fs.s, "fifo"), 0600), 0);
    static const char *const bad[] = {"link", "dir", "fifo"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_fails(fs.s, sp_fs_read_at(&fs.dir, fs.s->pool, bad[i], 5, &out, &fs.s->err),
                     SP_ERROR_REFUSED, "not a regular file");
    close_fs(&fs);
}

static void test_list(void **state)
{
    struct fs fs = open_fs(state);
    sp_strv names = {NULL, 0, 0};
    static const char *const all[] = {"b", "a", "\xff", "B", ".hidden", "a b", "a\nb"};
    assert_ok(fs.s, sp_fs_list(&fs.dir, fs.s->pool, &names, &fs.s->err));
    assert_int_equal(names.count, 0);
    for (size_t i = 0; i < COUNT(all); i++)
        scratch_puts(fs.s, all[i], "");
    for (int round = 0; round < 2; round++) { /* the descriptor's position does not matter */
        names.count = 0;
        assert_ok(fs.s, sp_fs_list(&fs.dir, fs.s->pool, &names, &fs.s->err));
        assert_string_equal(sp_strv_join(fs.s->pool, &names, "|"), ".hidden|B|a|a\nb|a b|b|\xff");
    }
    close_fs(&fs);
}

static void test_check_writable(void **state)
{
    struct fs fs = open_fs(state);
    assert_ok(fs.s, sp_fs_check_writable(&fs.dir, &fs.s->err));
    if (geteuid() != 0) { /* root may write everywhere */
        assert_int_equal(fchmod(fs.dir.fd, 0555), 0);
        assert_fails(fs.s, sp_fs_check_writable(&fs.dir, &fs.s->err), SP_ERROR_SYSTEM, fs.s->dir);
        assert_int_equal(fchmod(fs.dir.fd, 0755), 0);
    }
    close_fs(&fs);
}

/* ---- creating ---------------------------------------------------------------------------------
 */

static void test_create_and_meta(void **state)
{
    struct fs fs = open_fs(state);
    struct sp_meta meta = {.mode = 04751,
                           .uid = geteuid(),
                           .gid = getegid(),
                           .mtime = {.tv_sec = 1500000000, .tv_nsec = 987654321}},
                   back;
    bool attributes = fsetxattr(fs.dir.fd, "user.test", "", 0, 0) == 0;
    if (attributes) {
        *SP_PUSH(fs.s->pool, &meta.xattrs) = (struct sp_xattr){"user.one", "a\0b", 3};
        *SP_PUSH(fs.s->pool, &meta.xattrs) = (struct sp_xattr){"user.two", "", 0};
    }
    if (geteuid() == 0) {
        meta.uid = 1234;
        meta.gid = 4321;
    }
    assert_ok(fs.s,
              sp_fs_create(&fs.dir, "file", TEXT("content\n"), &meta, SP_KEEP_ALL, &fs.s->err));
    assert_content(fs.s, "file", "content\n");
    assert_ok(fs.s, sp_fs_get_meta(&fs.dir, fs.s->pool, "file", &back, &fs.s->err));
    assert_int_equal(back.mode, 04751);
    assert_int_equal(back.uid, meta.uid);
    assert_int_equal(back.gid, meta.gid);
    assert_int_equal(back.mtime.tv_sec, 1500000000);
    assert_int_equal(back.mtime.tv_nsec, 987654321);
    assert_int_equal(back.xattrs.count, meta.xattrs.count);
    for (size_t i = 0; i < back.xattrs.count; i++) {
        const struct sp_xattr *xattr = &back.xattrs.items[i];
        bool one = strcmp(xattr->name, "user.one") == 0;
        assert_string_equal(xattr->name, one ? "user.one" : "user.two");
        assert_int_equal(xattr->len, one ? 3 : 0);
        assert_memory_equal(xattr->value, "a\0b", xattr->len);
    }
    close_fs(&fs);
}

static void test_create_keeps_what_it_is_told(void **state)
{
    struct fs fs = open_fs(state);
    struct sp_meta meta = {.mode = 0751, .uid = 1234, .gid = 4321, .mtime = {.tv_sec = 5}};
    time_t now = time(NULL);
    mode_t old = umask(077);
    assert_ok(fs.s, sp_fs_create(&fs.dir, "none", TEXT(""), &meta, 0, &fs.s->err));
    assert_ok(fs.s, sp_fs_create(&fs.dir, "mode", TEXT(""), &meta, SP_KEEP_MODE, &fs.s->err));
    assert_ok(fs.s, sp_fs_create(&fs.dir, "time", TEXT(""), &meta, SP_KEEP_MTIME, &fs.s->err));
    umask(old);
    struct stat st = stat_of(&fs, "none");
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_int_equal(st.st_uid, geteuid());
    assert_true(st.st_mtime >= now - 2);
    st = stat_of(&fs, "mode");
    assert_int_equal(st.st_mode & 07777, 0751);
    st = stat_of(&fs, "time");
    assert_int_equal(st.st_mtime, 5);
    assert_int_equal(st.st_mode & 07777, 0644);
    close_fs(&fs);
}

/* It is never the name of something else. */
static void test_create_is_exclusive(void **state)
{
    struct fs fs = open_fs(state);
    struct sp_meta meta = {.mode = 0600};
    scratch_puts(fs.s, "file", "old");
    scratch_symlink(fs.s, "target", "link");
    static const char *const names[] = {"file", "link"};
    for (size_t i = 0; i < COUNT(names); i++)
        assert_fails(fs.s, sp_fs_create(&fs.dir, names[i], TEXT("new"), &meta, 0, &fs.s->err),
                     SP_ERROR_SYSTEM, fs.s->dir);
    assert_content(fs.s, "file", "old");
    assert_false(scratch_exists(fs.s, "target"));
    close_fs(&fs);
}

/* What fails half-way leaves nothing: here, an owner that an ordinary user can't give. */
static void test_create_that_fails_leaves_nothing(void **state)
{
    struct fs fs = open_fs(state);
    struct sp_meta meta = {.mode = 0600, .uid = 1234, .gid = 4321};
    *SP_PUSH(fs.s->pool, &meta.xattrs) = (struct sp_xattr){"nonsense", "", 0};
    assert_int_equal(sp_fs_create(&fs.dir, "file", TEXT("new"), &meta,
                                  SP_KEEP_OWNER | SP_KEEP_XATTRS, &fs.s->err),
                     -1);
    assert_int_equal(fs.s->err.kind, SP_ERROR_SYSTEM);
    assert_non_null(strstr(fs.s->err.message, fs.s->dir));
    sp_error_clear(&fs.s->err);
    assert_false(scratch_exists(fs.s, "file"));
    close_fs(&fs);
}

static void test_get_meta_of_the_directory(void **state)
{
    struct fs fs = open_fs(state);
    struct sp_meta meta;
    const struct sp_file itself = sp_dir_itself(&fs.dir);
    assert_int_equal(fchmod(fs.dir.fd, 0751), 0);
    assert_ok(fs.s,
              sp_fs_set_mtime(&itself, (struct timespec){.tv_sec = 7, .tv_nsec = 8}, &fs.s->err));
    assert_ok(fs.s, sp_fs_get_meta(&fs.dir, fs.s->pool, "", &meta, &fs.s->err));
    assert_int_equal(meta.mode, 0751);
    assert_int_equal(meta.mtime.tv_sec, 7);
    assert_int_equal(meta.mtime.tv_nsec, 8);
    assert_int_equal(sp_fs_get_meta(&fs.dir, fs.s->pool, "none", &meta, &fs.s->err), -1);
    close_fs(&fs);
}

/* ---- renaming ---------------------------------------------------------------------------------
 */

static struct sp_expected expect(struct fs *fs, const char *name)
{
    struct sp_expected out;
    assert_int_equal(sp_fs_expect(&fs->dir, fs->s->pool, name, &out, &fs->s->err), SP_FOUND);
    return out;
}

static int replace(struct fs *fs, const struct sp_expected *expected)
{
    bool kept = true;
    int rc = sp_fs_replace(&fs->dir, "temp", "target", expected, &kept, &fs->s->err);
    if (rc < 0)
        assert_false(kept);
    return rc;
}

/* What was there gets the temporary name: giving up needs nothing but another exchange. */
static void test_replace(void **state)
{
    struct fs fs = open_fs(state);
    bool kept;
    scratch_puts(fs.s, "target", "old");
    scratch_puts(fs.s, "temp", "new");
    struct sp_expected expected = expect(&fs, "target");
    assert_ok(fs.s, sp_fs_replace(&fs.dir, "temp", "target", &expected, &kept, &fs.s->err));
    assert_content(fs.s, "target", "new");
    assert_int_equal(kept, scratch_exists(fs.s, "temp"));
    if (kept)
        assert_content(fs.s, "temp", "old");
    close_fs(&fs);
}

/* A target that is not the expected one any more is left as it is. */
static void test_replace_of_another_file(void **state)
{
    struct fs fs = open_fs(state);
    scratch_puts(fs.s, "temp", "new");
    scratch_puts(fs.s, "target", "old");
    struct sp_expected expected = expect(&fs, "target");
    scratch_puts(fs.s, "target", "another"); /* another inode, or size */
    assert_fails(fs.s, replace(&fs, &expected), SP_ERROR_REFUSED, fs.s->dir);
    assert_content(fs.s, "target", "another");
    assert_content(fs.s, "temp", "new");

    expected = expect(&fs, "target"); /* the same file, written to */
    struct timespec times[2] = {
        {.tv_nsec = UTIME_OMIT},
        {expected.st.st_mtim.tv_sec, (expected.st.st_mtim.tv_nsec + 1) % 1000}};
    assert_int_equal(utimensat(fs.dir.fd, "target", times, 0), 0);
    assert_fails(fs.s, replace(&fs, &expected), SP_ERROR_REFUSED, fs.s->dir);

    scratch_unlink(fs.s, "target");
    assert_fails(fs.s, replace(&fs, &expected), SP_ERROR_REFUSED, fs.s->dir);
    scratch_symlink(fs.s, "temp", "target");
    assert_fails(fs.s, replace(&fs, &expected), SP_ERROR_REFUSED, fs.s->dir);
    assert_int_equal(sp_fs_expect(&fs.dir, fs.s->pool, "target", &expected, &fs.s->err), SP_ABSENT);
    close_fs(&fs);
}

/* The change time of a file may be as coarse as a tick of the kernel's clock. */
static void wait_for_another_time(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
}

/* The same content with another mode, owner or attribute is not the expected file. */
static void test_replace_of_other_metadata(void **state)
{
    struct fs fs = open_fs(state);
    scratch_puts(fs.s, "temp", "new");
    scratch_puts(fs.s, "target", "old");
    struct sp_expected expected = expect(&fs, "target");
    wait_for_another_time();
    assert_int_equal(fchmodat(fs.dir.fd, "target", 0600, 0), 0);
    assert_fails(fs.s, replace(&fs, &expected), SP_ERROR_REFUSED, fs.s->dir);
    expected = expect(&fs, "target");
    wait_for_another_time();
    if (setxattr(scratch_path(fs.s, "target"), "user.mark", "x", 1, 0) == 0)
        assert_fails(fs.s, replace(&fs, &expected), SP_ERROR_REFUSED, fs.s->dir);
    /* also when only what was swapped out shows it: another mode than the one that was seen */
    expected = expect(&fs, "target");
    expected.meta.mode ^= 0040;
    assert_fails(fs.s, replace(&fs, &expected), SP_ERROR_REFUSED, fs.s->dir);
    assert_content(fs.s, "target", "old");
    assert_content(fs.s, "temp", "new");
    close_fs(&fs);
}

static void test_rename_new(void **state)
{
    struct fs fs = open_fs(state);
    scratch_puts(fs.s, "temp", "new");
    assert_ok(fs.s, sp_fs_rename_new(&fs.dir, "temp", "target", &fs.s->err));
    assert_content(fs.s, "target", "new");
    scratch_puts(fs.s, "temp", "newer");
    assert_fails(fs.s, sp_fs_rename_new(&fs.dir, "temp", "target", &fs.s->err), SP_ERROR_REFUSED,
                 fs.s->dir);
    assert_content(fs.s, "target", "new");
    assert_content(fs.s, "temp", "newer");
    scratch_symlink(fs.s, "nowhere", "link");
    assert_fails(fs.s, sp_fs_rename_new(&fs.dir, "temp", "link", &fs.s->err), SP_ERROR_REFUSED,
                 fs.s->dir);
    close_fs(&fs);
}

static void test_set_aside(void **state)
{
    struct fs fs = open_fs(state);
    bool kept;
    scratch_puts(fs.s, "file", "old");
    struct sp_expected expected = expect(&fs, "file");
    scratch_puts(fs.s, "file", "another");
    assert_fails(fs.s, sp_fs_set_aside(&fs.dir, "file", "aside", &expected, &kept, &fs.s->err),
                 SP_ERROR_REFUSED, fs.s->dir);
    assert_content(fs.s, "file", "another");
    assert_false(kept);
    expected = expect(&fs, "file");
    expected.meta.mode ^= 0040; /* seen only once it has the other name */
    assert_fails(fs.s, sp_fs_set_aside(&fs.dir, "file", "aside", &expected, &kept, &fs.s->err),
                 SP_ERROR_REFUSED, fs.s->dir);
    assert_content(fs.s, "file", "another");
    expected = expect(&fs, "file");
    assert_ok(fs.s, sp_fs_set_aside(&fs.dir, "file", "aside", &expected, &kept, &fs.s->err));
    assert_true(kept);
    assert_false(scratch_exists(fs.s, "file"));
    assert_content(fs.s, "aside", "another");
    assert_fails(fs.s, sp_fs_set_aside(&fs.dir, "file", "aside", &expected, &kept, &fs.s->err),
                 SP_ERROR_REFUSED, fs.s->dir);
    close_fs(&fs);
}

static void test_try_rename(void **state)
{
    struct fs fs = open_fs(state);
    scratch_puts(fs.s, "temp", "x");
    assert_ok(fs.s, sp_fs_try_rename(&fs.dir, "temp", "temp~", &fs.s->err));
    assert_content(fs.s, "temp", "x");
    assert_false(scratch_exists(fs.s, "temp~"));
    assert_fails(fs.s, sp_fs_try_rename(&fs.dir, "none", "none~", &fs.s->err), SP_ERROR_SYSTEM,
                 "cannot rename files in");
    close_fs(&fs);
}

/* ---- what a new file gets from its directory -------------------------------------------------- */

/* Version 2; user:: rw-, user:UID: rwx, group:: r--, mask:: rwx, other:: r-- (acl(5), and
 * linux/posix_acl_xattr.h, little-endian). */
static const char list[] = "\x02\0\0\0"
                           "\x01\0\x06\0\xff\xff\xff\xff"
                           "\x02\0\x07\0\xfe\xff\0\0"
                           "\x04\0\x04\0\xff\xff\xff\xff"
                           "\x10\0\x07\0\xff\xff\xff\xff"
                           "\x20\0\x04\0\xff\xff\xff\xff";

static void test_default_acl_is_not_inherited(void **state)
{
    struct fs fs = open_fs(state);
    const char *const name = "system.posix_acl_access";
    struct sp_meta meta;
    scratch_puts(fs.s, "target", "old");
    if (fsetxattr(fs.dir.fd, "system.posix_acl_default", list, sizeof(list) - 1, 0) < 0)
        skip(); /* this file system has none */
    assert_ok(fs.s, sp_fs_get_meta(&fs.dir, fs.s->pool, "target", &meta, &fs.s->err));
    assert_ok(fs.s, sp_fs_create(&fs.dir, "like", TEXT("new"), &meta,
                                 SP_KEEP_MODE | SP_KEEP_OWNER | SP_KEEP_XATTRS, &fs.s->err));
    assert_int_equal(getxattr(scratch_path(fs.s, "like"), name, NULL, 0), -1);
    assert_int_equal(stat_of(&fs, "like").st_mode & 07777, meta.mode);
    assert_ok(fs.s, sp_fs_create(&fs.dir, "new", TEXT("new"), &meta, SP_KEEP_MODE | SP_MODE_ONLY,
                                 &fs.s->err));
    assert_int_equal(getxattr(scratch_path(fs.s, "new"), name, NULL, 0), -1);
    /* one that the target has itself is kept, whatever the directory gives */
    assert_int_equal(setxattr(scratch_path(fs.s, "target"), name, list, sizeof(list) - 1, 0), 0);
    assert_int_equal(removexattr(fs.s->dir, "system.posix_acl_default"), 0);
    assert_ok(fs.s, sp_fs_get_meta(&fs.dir, fs.s->pool, "target", &meta, &fs.s->err));
    assert_ok(fs.s, sp_fs_create(&fs.dir, "with", TEXT("new"), &meta,
                                 SP_KEEP_MODE | SP_KEEP_OWNER | SP_KEEP_XATTRS, &fs.s->err));
    char back[sizeof(list)];
    assert_int_equal(getxattr(scratch_path(fs.s, "with"), name, back, sizeof(back)),
                     sizeof(list) - 1);
    assert_memory_equal(back, list, sizeof(list) - 1);
    close_fs(&fs);
}

/* What is there and not wanted goes; what is not wanted on reading back is an error. */
static void test_attributes_are_made_equal(void **state)
{
    struct fs fs = open_fs(state);
    struct sp_meta meta = {.mode = 0640, .uid = geteuid(), .gid = getegid()}, now;
    scratch_puts(fs.s, "file", "");
    int fd = openat(fs.dir.fd, "file", O_RDONLY | O_CLOEXEC);
    const struct sp_file file = {fd, &fs.dir, "file"};
    if (fsetxattr(fd, "user.inherited", "x", 1, 0) < 0) {
        close(fd);
        close_fs(&fs);
        skip();
    }
    assert_int_equal(fsetxattr(fd, "user.other", "x", 1, 0), 0);
    *SP_PUSH(fs.s->pool, &meta.xattrs) = (struct sp_xattr){"user.other", "y", 1};
    *SP_PUSH(fs.s->pool, &meta.xattrs) = (struct sp_xattr){"user.new", "", 0};
    assert_ok(fs.s, sp_fs_apply_meta(&file, &meta, SP_KEEP_MODE | SP_KEEP_OWNER | SP_KEEP_XATTRS,
                                     &fs.s->err));
    assert_ok(fs.s, sp_fs_get_meta(&fs.dir, fs.s->pool, "file", &now, &fs.s->err));
    assert_true(sp_meta_is_same(&meta, &now));
    assert_int_equal(now.xattrs.count, 2);
    now.xattrs.items[0].value = "z";
    assert_false(sp_meta_is_same(&meta, &now));
    now.xattrs.count = 1;
    assert_false(sp_meta_is_same(&meta, &now) || sp_meta_is_same(&now, &meta));
    close(fd);
    close_fs(&fs);
}

/* chattr +A stays with the name. */
static void test_flags(void **state)
{
    struct fs fs = open_fs(state);
    struct sp_meta meta, back;
    int flags = 0, fd = openat(fs.dir.fd, "target", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool works = ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0;
    flags |= FS_NOATIME_FL;
    works = works && ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
    close(fd);
    if (!works) {
        close_fs(&fs);
        skip(); /* this file system has none */
    }
    assert_ok(fs.s, sp_fs_get_meta(&fs.dir, fs.s->pool, "target", &meta, &fs.s->err));
    assert_true(meta.has_flags);
    assert_ok(fs.s, sp_fs_create(&fs.dir, "new", TEXT("x"), &meta, SP_KEEP_FLAGS, &fs.s->err));
    assert_ok(fs.s, sp_fs_get_meta(&fs.dir, fs.s->pool, "new", &back, &fs.s->err));
    assert_int_equal(back.flags, meta.flags);
    assert_true(back.flags & FS_NOATIME_FL);
    close_fs(&fs);
}

/* ---- removing, directories, saving ------------------------------------------------------------
 */

static void test_unlink_and_rmdir(void **state)
{
    struct fs fs = open_fs(state);
    scratch_puts(fs.s, "file", "");
    scratch_mkdir(fs.s, "dir", 0755);
    scratch_mkdir(fs.s, "dir/more", 0755);
    assert_ok(fs.s, sp_fs_unlink(&fs.dir, "file", &fs.s->err));
    assert_ok(fs.s, sp_fs_unlink(&fs.dir, "file", &fs.s->err)); /* absent is success */
    assert_fails(fs.s, sp_fs_unlink(&fs.dir, "dir", &fs.s->err), SP_ERROR_SYSTEM, fs.s->dir);
    assert_fails(fs.s, sp_fs_rmdir(&fs.dir, "dir", &fs.s->err), SP_ERROR_SYSTEM, fs.s->dir);
    assert_ok(fs.s, sp_fs_rmdir(&fs.dir, "dir/more", &fs.s->err));
    assert_ok(fs.s, sp_fs_rmdir(&fs.dir, "dir/more", &fs.s->err));
    close_fs(&fs);
}

static void test_remove_tree(void **state)
{
    struct fs fs = open_fs(state);
    scratch_mkdir(fs.s, "keep", 0755);
    scratch_puts(fs.s, "keep/file", "kept");
    scratch_mkdir(fs.s, "tree", 0755);
    scratch_mkdir(fs.s, "tree/a", 0755);
    scratch_mkdir(fs.s, "tree/a/b", 0755);
    scratch_puts(fs.s, "tree/a/b/file", "");
    assert_int_equal(mkfifo(scratch_path(fs.s, "tree/fifo"), 0600), 0);
    scratch_symlink(fs.s, "../keep", "tree/link"); /* removed, not entered */
    assert_ok(fs.s, sp_fs_remove_tree(&fs.dir, "tree", &fs.s->err));
    assert_false(scratch_exists(fs.s, "tree"));
    assert_content(fs.s, "keep/file", "kept");
    assert_ok(fs.s, sp_fs_remove_tree(&fs.dir, "tree", &fs.s->err));
    scratch_symlink(fs.s, "keep", "link");
    assert_int_equal(sp_fs_remove_tree(&fs.dir, "link", &fs.s->err), -1);
    assert_content(fs.s, "keep/file", "kept");
    close_fs(&fs);
}

static void test_remove_tree_is_bounded(void **state)
{
    struct fs fs = open_fs(state);
    int at = dup(fs.dir.fd);
    for (int i = 0; i < 140; i++) {
        assert_int_equal(mkdirat(at, "d", 0700), 0);
        int next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(at);
        at = next;
    }
    close(at);
    assert_fails(fs.s, sp_fs_remove_tree(&fs.dir, "d", &fs.s->err), SP_ERROR_SYSTEM, fs.s->dir);
    close_fs(&fs);
}

static void test_mkdir(void **state)
{
    struct fs fs = open_fs(state);
    bool created = false;
    mode_t old = umask(077);
    assert_ok(fs.s, sp_fs_mkdir(&fs.dir, "dir", 02755, &created, &fs.s->err));
    umask(old);
    assert_true(created);
    assert_int_equal(stat_of(&fs, "dir").st_mode & 07777, 02755);
    assert_ok(fs.s, sp_fs_mkdir(&fs.dir, "dir", 0700, &created, &fs.s->err));
    assert_false(created);
    assert_int_equal(stat_of(&fs, "dir").st_mode & 07777, 02755);
    scratch_puts(fs.s, "file", "");
    assert_fails(fs.s, sp_fs_mkdir(&fs.dir, "file", 0700, &created, &fs.s->err), SP_ERROR_REFUSED,
                 fs.s->dir);
    scratch_symlink(fs.s, "dir", "link");
    assert_fails(fs.s, sp_fs_mkdir(&fs.dir, "link", 0700, &created, &fs.s->err), SP_ERROR_REFUSED,
                 "a symbolic link");
    close_fs(&fs);
}

static void test_save(void **state)
{
    struct fs fs = open_fs(state);
    assert_ok(fs.s, sp_fs_save(&fs.dir, "file", TEXT("one"), &fs.s->err));
    assert_content(fs.s, "file", "one");
    assert_int_equal(stat_of(&fs, "file").st_mode & 07777, 0600);
    scratch_puts(fs.s, ".file.new", "that a crash left");
    assert_ok(fs.s, sp_fs_save(&fs.dir, "file", TEXT("two"), &fs.s->err));
    assert_content(fs.s, "file", "two");
    assert_false(scratch_exists(fs.s, ".file.new"));
    /* a link is replaced, not followed */
    scratch_puts(fs.s, "target", "kept");
    scratch_symlink(fs.s, "target", "link");
    assert_ok(fs.s, sp_fs_save(&fs.dir, "link", TEXT("three"), &fs.s->err));
    assert_content(fs.s, "target", "kept");
    assert_true(S_ISREG(stat_of(&fs, "link").st_mode));
    scratch_mkdir(fs.s, "dir", 0755);
    scratch_mkdir(fs.s, "dir/more", 0755);
    assert_fails(fs.s, sp_fs_save(&fs.dir, "dir", TEXT("four"), &fs.s->err), SP_ERROR_SYSTEM,
                 fs.s->dir);
    assert_false(scratch_exists(fs.s, ".dir.new"));
    close_fs(&fs);
}

static void test_random_name(SP_UNUSED void **state)
{
    char names[32][9];
    for (size_t i = 0; i < COUNT(names); i++) {
        sp_fs_random_name(names[i]);
        assert_int_equal(strlen(names[i]), 8);
        assert_int_equal(strspn(names[i], "0123456789abcdef"), 8);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(names[i], names[j]);
    }
}

static void test_free_bytes(void **state)
{
    struct fs fs = open_fs(state);
    uint64_t bytes = 0;
    assert_ok(fs.s, sp_fs_free_bytes(&fs.dir, &bytes, &fs.s->err));
    assert_true(bytes > 0);
    assert_int_equal(sp_fs_free_bytes(&(struct sp_dir)SP_DIR_NONE, &bytes, &fs.s->err), -1);
    close_fs(&fs);
}

/* By way of links, but nothing that is no regular file: opening it might wait, or do something. */
static void test_open_file(void **state)
{
    struct scratch *s = *state;
    struct stat st;
    int dir = scratch_open(s), fd;
    scratch_puts(s, "file", "x");
    scratch_symlink(s, "file", "link");
    scratch_symlink(s, "/dev/zero", "device");
    scratch_symlink(s, "none", "nowhere");
    scratch_mkdir(s, "dir", 0755);
    assert_int_equal(mkfifo(scratch_path(s, "fifo"), 0600), 0);
    static const struct {
        const char *name;
        int errnum;
    } vectors[] = {{"file", 0},     {"link", 0},      {"device", ENXIO},   {"fifo", ENXIO},
                   {"dir", EISDIR}, {"none", ENOENT}, {"nowhere", ENOENT}, {"file/x", ENOTDIR}};
    for (size_t i = 0; i < COUNT(vectors); i++) {
        errno = 0;
        fd = sp_fs_open_file(dir, vectors[i].name, &st);
        assert_int_equal(fd < 0 ? errno : 0, vectors[i].errnum);
        if (fd >= 0) {
            assert_int_equal(st.st_size, 1);
            close(fd);
        }
    }
    close(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_open_file),
        SCRATCH_TEST(test_root),
        SCRATCH_TEST(test_resolve),
        SCRATCH_TEST(test_resolve_links),
        SCRATCH_TEST(test_resolve_circles),
        SCRATCH_TEST(test_resolve_many_links),
        SCRATCH_TEST(test_open_dir_follows_no_link),
        SCRATCH_TEST(test_read),
        SCRATCH_TEST(test_read_of_unknown_size),
        SCRATCH_TEST(test_read_at),
        SCRATCH_TEST(test_list),
        SCRATCH_TEST(test_check_writable),
        SCRATCH_TEST(test_create_and_meta),
        SCRATCH_TEST(test_create_keeps_what_it_is_told),
        SCRATCH_TEST(test_create_is_exclusive),
        SCRATCH_TEST(test_create_that_fails_leaves_nothing),
        SCRATCH_TEST(test_get_meta_of_the_directory),
        SCRATCH_TEST(test_replace),
        SCRATCH_TEST(test_replace_of_another_file),
        SCRATCH_TEST(test_rename_new),
        SCRATCH_TEST(test_replace_of_other_metadata),
        SCRATCH_TEST(test_set_aside),
        SCRATCH_TEST(test_try_rename),
        SCRATCH_TEST(test_default_acl_is_not_inherited),
        SCRATCH_TEST(test_attributes_are_made_equal),
        SCRATCH_TEST(test_flags),
        SCRATCH_TEST(test_unlink_and_rmdir),
        SCRATCH_TEST(test_remove_tree),
        SCRATCH_TEST(test_remove_tree_is_bounded),
        SCRATCH_TEST(test_mkdir),
        SCRATCH_TEST(test_save),
        SCRATCH_TEST(test_random_name),
        SCRATCH_TEST(test_free_bytes),
    };
    return cmocka_run_group_tests_name("fsio", tests, NULL, NULL);
}
