/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, writing and resolving paths below a root.
 *
 * Most tests have the scratch directory as their root (fs->root), and open as a directory (fs->dir).
 * Messages name a file by the path of the directory as it is shown, here that of the scratch
 * directory. */
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

#define TEXT(text) ((struct sp_bytes){(text), strlen(text)})

struct fs {
    struct fixture *f;
    struct sp_root root;
    struct sp_dir dir; /* the scratch directory, for reading */
};

static void open_fs(struct fixture *f)
{
    struct fs *fs = f->own = sp_pool_alloc(f->pool, sizeof(*fs));
    fs->f = f;
    assert_ok(f, sp_root_open(f->dir, &fs->root, &f->err));
    fs->dir = (struct sp_dir){scratch_open(f), f->dir};
}

static void close_fs(struct fixture *f)
{
    struct fs *fs = f->own;
    sp_dir_close(&fs->dir);
    sp_root_close(&fs->root);
    assert_int_equal(fs->root.fd, -1);
}

/* The body sees `fs`: the scratch directory as a root, and open for reading. */
#define TEST_IN_ROOT(name) TEST_IN_DIR_WITH(name, struct fs *fs, open_fs, close_fs)

static struct stat stat_of(struct fs *fs, const char *name)
{
    struct stat st;
    assert_int_equal(lstat(scratch_path(fs->f, name), &st), 0);
    return st;
}

static struct sp_expected expect(struct fs *fs, const char *name)
{
    struct sp_expected out;
    assert_int_equal(sp_fs_expect(&fs->dir, fs->f->pool, name, &out, &fs->f->err), SP_FOUND);
    return out;
}

static int replace(struct fs *fs, const struct sp_expected *expected)
{
    bool kept = true;
    int rc = sp_fs_replace(&fs->dir, "temp", "target", expected, &kept, &fs->f->err);
    if (rc < 0)
        assert_false(kept);
    return rc;
}

/* What was there gets the temporary name: giving up needs nothing but another exchange. */
TEST_IN_ROOT(replace)
{
    bool kept;
    scratch_puts(f, "target", "old");
    scratch_puts(f, "temp", "new");
    struct sp_expected expected = expect(fs, "target");
    assert_ok(f, sp_fs_replace(&fs->dir, "temp", "target", &expected, &kept, &f->err));
    assert_content(f, "target", "new");
    assert_int_equal(kept, scratch_exists(f, "temp"));
    if (kept)
        assert_content(f, "temp", "old");
}

/* A target that is not the expected one any more is left as it is. */
TEST_IN_ROOT(replace_of_another_file)
{
    scratch_puts(f, "temp", "new");
    scratch_puts(f, "target", "old");
    struct sp_expected expected = expect(fs, "target");
    scratch_puts(f, "target", "another"); /* another inode, or size */
    assert_fails(f, replace(fs, &expected), SP_ERROR_REFUSED, f->dir);
    assert_content(f, "target", "another");
    assert_content(f, "temp", "new");

    expected = expect(fs, "target"); /* the same file, written to */
    struct timespec times[2] = {
        {.tv_nsec = UTIME_OMIT},
        {expected.st.st_mtim.tv_sec, (expected.st.st_mtim.tv_nsec + 1) % 1000}};
    assert_int_equal(utimensat(fs->dir.fd, "target", times, 0), 0);
    assert_fails(f, replace(fs, &expected), SP_ERROR_REFUSED, f->dir);

    scratch_unlink(f, "target");
    assert_fails(f, replace(fs, &expected), SP_ERROR_REFUSED, f->dir);
    scratch_symlink(f, "temp", "target");
    assert_fails(f, replace(fs, &expected), SP_ERROR_REFUSED, f->dir);
    assert_int_equal(sp_fs_expect(&fs->dir, f->pool, "target", &expected, &f->err), SP_ABSENT);
}

/* The change time of a file may be as coarse as a tick of the kernel's clock. */
static void wait_for_another_time(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
}

/* link(2) sets the change time, of a file that it does not change. */
TEST_IN_ROOT(replace_of_a_file_with_a_new_link)
{
    scratch_puts(f, "temp", "new");
    scratch_puts(f, "target", "old");
    struct sp_expected expected = expect(fs, "target");
    wait_for_another_time();
    assert_int_equal(linkat(fs->dir.fd, "target", fs->dir.fd, "backup", 0), 0);
    assert_ok(f, replace(fs, &expected));
    assert_content(f, "target", "new");
    assert_content(f, "backup", "old");
}

/* The same content with another mode, owner or attribute is not the expected file. */
TEST_IN_ROOT(replace_of_other_metadata)
{
    scratch_puts(f, "temp", "new");
    scratch_puts(f, "target", "old");
    struct sp_expected expected = expect(fs, "target");
    wait_for_another_time();
    assert_int_equal(fchmodat(fs->dir.fd, "target", 0600, 0), 0);
    assert_fails(f, replace(fs, &expected), SP_ERROR_REFUSED, f->dir);
    expected = expect(fs, "target");
    wait_for_another_time();
    if (setxattr(scratch_path(f, "target"), "user.mark", "x", 1, 0) == 0)
        assert_fails(f, replace(fs, &expected), SP_ERROR_REFUSED, f->dir);
    /* also when only what was swapped out shows it: another mode than the one that was seen */
    expected = expect(fs, "target");
    expected.meta.mode ^= 0040;
    assert_fails(f, replace(fs, &expected), SP_ERROR_REFUSED, f->dir);
    assert_content(f, "target", "old");
    assert_content(f, "temp", "new");
}

/* ---- roots ----------------------------------------------------------------------------------- */

TEST_IN_DIR(root)
{
    struct sp_root root;
    assert_ok(f, sp_root_open("/", &root, &f->err));
    assert_string_equal(root.path, "");
    assert_string_equal(sp_root_show(&root, f->pool, "/usr/lib"), "/usr/lib");
    sp_root_close(&root);
    assert_ok(f, sp_root_open(f->dir, &root, &f->err));
    assert_string_equal(sp_root_show(&root, f->pool, "/usr/lib"),
                        sp_pool_printf(f->pool, "%s/usr/lib", f->dir));
    sp_root_close(&root);
    const char *file = scratch_puts(f, "file", "");
    assert_fails(f, sp_root_open(file, &root, &f->err), SP_ERROR_SYSTEM, file);
    const char *none = scratch_path(f, "none");
    assert_fails(f, sp_root_open(none, &root, &f->err), SP_ERROR_SYSTEM, none);
}

static void resolves(struct fs *fs, const char *path, const char *expected)
{
    const char *real = "unset";
    struct stat st;
    assert_ok(fs->f, sp_fs_resolve(&fs->root, fs->f->pool, path, &real, &st, &fs->f->err));
    if (!expected && real)
        fail_msg("%s leads to %s", path, real);
    if (expected && (!real || strcmp(real, expected) != 0))
        fail_msg("%s leads to %s, not to %s", path, real ? real : "nothing", expected);
    if (real) {
        struct stat there;
        assert_int_equal(lstat(scratch_path(fs->f, real), &there), 0);
        assert_int_equal(there.st_ino, st.st_ino);
    }
}

TEST_IN_ROOT(resolve)
{
    scratch_mkdir(f, "a", 0755);
    scratch_mkdir(f, "a/b", 0755);
    scratch_puts(f, "a/b/file", "");
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
        resolves(fs, vectors[i].path, vectors[i].real);
}

TEST_IN_ROOT(resolve_links)
{
    scratch_mkdir(f, "a", 0755);
    scratch_mkdir(f, "a/b", 0755);
    scratch_puts(f, "a/b/file", "");
    scratch_symlink(f, "a/b", "relative");
    scratch_symlink(f, "/a/b", "absolute"); /* from this root */
    scratch_symlink(f, "../../a/b/file", "a/up");
    scratch_symlink(f, "../../../../../../../../../a", "climbs");
    scratch_symlink(f, "relative", "twice");
    scratch_symlink(f, "nowhere", "dangling");
    scratch_symlink(f, "absolute/../b/./file", "mixed");
    scratch_symlink(f, "/", "top");
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
        resolves(fs, vectors[i].path, vectors[i].real);
}

TEST_IN_ROOT(resolve_circles)
{
    const char *real;
    scratch_symlink(f, "self", "self");
    scratch_symlink(f, "two", "one");
    scratch_symlink(f, "/one", "two");
    scratch_symlink(f, "grow/a", "grow");
    static const char *const paths[] = {"/self", "/one/x", "/grow"};
    for (size_t i = 0; i < COUNT(paths); i++)
        assert_fails(f, sp_fs_resolve(&fs->root, f->pool, paths[i], &real, NULL, &f->err),
                     SP_ERROR_REFUSED, paths[i]);
}

/* As many links as the kernel follows, and not one more. */
TEST_IN_ROOT(resolve_many_links)
{
    const char *real;
    scratch_puts(f, "link0", "");
    for (int i = 1; i <= 41; i++)
        scratch_symlink(f, sp_pool_printf(f->pool, "link%d", i - 1),
                        sp_pool_printf(f->pool, "link%d", i));
    resolves(fs, "/link40", "link0");
    assert_fails(f, sp_fs_resolve(&fs->root, f->pool, "/link41", &real, NULL, &f->err),
                 SP_ERROR_REFUSED, "/link41");
}

TEST_IN_ROOT(open_dir_follows_no_link)
{
    scratch_mkdir(f, "a", 0755);
    scratch_mkdir(f, "a/b", 0755);
    scratch_symlink(f, "a", "link");
    scratch_puts(f, "file", "");
    static const char *const good[] = {"", "a", "a/b"};
    for (size_t i = 0; i < COUNT(good); i++) {
        struct sp_dir dir;
        assert_ok(f, sp_fs_open_dir(&fs->root, f->pool, good[i], &dir, &f->err));
        assert_int_equal(fcntl(dir.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        assert_string_equal(dir.shown, sp_root_show(&fs->root, f->pool, good[i]));
        sp_dir_close(&dir);
        assert_int_equal(dir.fd, -1);
    }
    static const char *const bad[] = {"/link", "/link/b", "/file", "/none", "/a/../../etc"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct sp_dir dir;
        assert_int_equal(sp_fs_open_dir(&fs->root, f->pool, bad[i], &dir, &f->err), -1);
        assert_non_null(strstr(f->err.message, bad[i]));
        sp_error_clear(&f->err);
    }
}

/* ---- reading --------------------------------------------------------------------------------- */

TEST_IN_ROOT(read)
{
    struct sp_content out;
    scratch_mkdir(f, "a", 0755);
    scratch_puts(f, "a/file", "0123456789");
    assert_ok(f, sp_fs_read(&fs->root, f->pool, "/a/file", 100, &out, &f->err));
    assert_true(out.complete);
    assert_int_equal(out.bytes.len, 10);
    assert_int_equal(out.st.st_size, 10);
    assert_string_equal(out.bytes.data, "0123456789"); /* a NUL is after it */
    static const struct {
        size_t limit, len;
        bool complete;
    } vectors[] = {{11, 10, true}, {10, 10, true}, {9, 9, false}, {1, 1, false}, {0, 0, false}};
    for (size_t i = 0; i < COUNT(vectors); i++) {
        assert_ok(f, sp_fs_read(&fs->root, f->pool, "/a/file", vectors[i].limit, &out, &f->err));
        assert_int_equal(out.bytes.len, vectors[i].len);
        assert_int_equal(out.complete, vectors[i].complete);
        assert_int_equal(out.bytes.data[out.bytes.len], '\0');
    }
    scratch_puts(f, "empty", "");
    assert_ok(f, sp_fs_read(&fs->root, f->pool, "/empty", 5, &out, &f->err));
    assert_non_null(out.bytes.data);
    assert_true(out.complete);
    assert_fails(f, sp_fs_read(&fs->root, f->pool, "/none", 5, &out, &f->err), SP_ERROR_REFUSED,
                 "/none");
}

/* Files of /proc say that they are empty. */
TEST_IN_DIR(read_of_unknown_size)
{
    struct sp_root root;
    struct sp_content out;
    assert_ok(f, sp_root_open("/proc", &root, &f->err));
    assert_ok(f, sp_fs_read(&root, f->pool, "/version", 10, &out, &f->err));
    assert_int_equal(out.bytes.len, 10);
    assert_false(out.complete);
    sp_root_close(&root);
}

TEST_IN_ROOT(read_at)
{
    struct sp_content out;
    assert_ok(f, sp_fs_read_at(&fs->dir, f->pool, "none", 5, &out, &f->err));
    assert_null(out.bytes.data);
    scratch_puts(f, "file", "abc");
    scratch_symlink(f, "file", "link");
    scratch_mkdir(f, "dir", 0755);
    assert_int_equal(mkfifo(scratch_path(f, "fifo"), 0600), 0);
    static const char *const bad[] = {"link", "dir", "fifo"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_fails(f, sp_fs_read_at(&fs->dir, f->pool, bad[i], 5, &out, &f->err),
                     SP_ERROR_REFUSED, "not a regular file");
}

TEST_IN_ROOT(list)
{
    sp_strv names = {NULL, 0, 0};
    static const char *const all[] = {"b", "a", "\xff", "B", ".hidden", "a b", "a\nb"};
    assert_ok(f, sp_fs_list(&fs->dir, f->pool, &names, &f->err));
    assert_int_equal(names.count, 0);
    for (size_t i = 0; i < COUNT(all); i++)
        scratch_puts(f, all[i], "");
    for (int round = 0; round < 2; round++) { /* the descriptor's position does not matter */
        names.count = 0;
        assert_ok(f, sp_fs_list(&fs->dir, f->pool, &names, &f->err));
        assert_string_equal(sp_strv_join(f->pool, &names, "|"), ".hidden|B|a|a\nb|a b|b|\xff");
    }
}

TEST_IN_ROOT(check_writable)
{
    assert_ok(f, sp_fs_check_writable(&fs->dir, &f->err));
    if (geteuid() != 0) { /* root may write everywhere */
        assert_int_equal(fchmod(fs->dir.fd, 0555), 0);
        assert_fails(f, sp_fs_check_writable(&fs->dir, &f->err), SP_ERROR_SYSTEM, f->dir);
        assert_int_equal(fchmod(fs->dir.fd, 0755), 0);
    }
}

/* Where files may be created and never renamed or removed: chattr +a. */
TEST_IN_ROOT(append_only_directory)
{
    int flags = 0;
    if (ioctl(fs->dir.fd, FS_IOC_GETFLAGS, &flags) < 0)
        skip();
    int with = flags | FS_APPEND_FL;
    if (ioctl(fs->dir.fd, FS_IOC_SETFLAGS, &with) < 0)
        skip(); /* not root, or not on this file system */
    int rc = sp_fs_check_writable(&fs->dir, &f->err);
    assert_int_equal(ioctl(fs->dir.fd, FS_IOC_SETFLAGS, &flags), 0);
    assert_fails(f, rc, SP_ERROR_SYSTEM, "append-only");
}

/* ---- creating -------------------------------------------------------------------------------- */

TEST_IN_ROOT(create_and_meta)
{
    struct sp_meta meta = {.mode = 04751,
                           .uid = geteuid(),
                           .gid = getegid(),
                           .mtime = {.tv_sec = 1500000000, .tv_nsec = 987654321}},
                   back;
    bool attributes = fsetxattr(fs->dir.fd, "user.test", "", 0, 0) == 0;
    if (attributes) {
        *SP_PUSH(f->pool, &meta.xattrs) = (struct sp_xattr){"user.one", "a\0b", 3};
        *SP_PUSH(f->pool, &meta.xattrs) = (struct sp_xattr){"user.two", "", 0};
    }
    if (geteuid() == 0) {
        meta.uid = 1234;
        meta.gid = 4321;
    }
    assert_ok(f, sp_fs_create(&fs->dir, "file", TEXT("content\n"), &meta, SP_KEEP_ALL, &f->err));
    assert_content(f, "file", "content\n");
    assert_ok(f, sp_fs_get_meta(&fs->dir, f->pool, "file", &back, &f->err));
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
}

TEST_IN_ROOT(create_keeps_what_it_is_told)
{
    struct sp_meta meta = {.mode = 0751, .uid = 1234, .gid = 4321, .mtime = {.tv_sec = 5}};
    time_t now = time(NULL);
    mode_t old = umask(077);
    assert_ok(f, sp_fs_create(&fs->dir, "none", TEXT(""), &meta, 0, &f->err));
    assert_ok(f, sp_fs_create(&fs->dir, "mode", TEXT(""), &meta, SP_KEEP_MODE, &f->err));
    assert_ok(f, sp_fs_create(&fs->dir, "time", TEXT(""), &meta, SP_KEEP_MTIME, &f->err));
    umask(old);
    struct stat st = stat_of(fs, "none");
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_int_equal(st.st_uid, geteuid());
    assert_true(st.st_mtime >= now - 2);
    st = stat_of(fs, "mode");
    assert_int_equal(st.st_mode & 07777, 0751);
    st = stat_of(fs, "time");
    assert_int_equal(st.st_mtime, 5);
    assert_int_equal(st.st_mode & 07777, 0644);
}

/* It is never the name of something else. */
TEST_IN_ROOT(create_is_exclusive)
{
    struct sp_meta meta = {.mode = 0600};
    scratch_puts(f, "file", "old");
    scratch_symlink(f, "target", "link");
    static const char *const names[] = {"file", "link"};
    for (size_t i = 0; i < COUNT(names); i++)
        assert_fails(f, sp_fs_create(&fs->dir, names[i], TEXT("new"), &meta, 0, &f->err),
                     SP_ERROR_SYSTEM, f->dir);
    assert_content(f, "file", "old");
    assert_false(scratch_exists(f, "target"));
}

/* What fails half-way leaves nothing: here, an owner that an ordinary user can't give. */
TEST_IN_ROOT(create_that_fails_leaves_nothing)
{
    struct sp_meta meta = {.mode = 0600, .uid = 1234, .gid = 4321};
    *SP_PUSH(f->pool, &meta.xattrs) = (struct sp_xattr){"nonsense", "", 0};
    assert_int_equal(
        sp_fs_create(&fs->dir, "file", TEXT("new"), &meta, SP_KEEP_OWNER | SP_KEEP_XATTRS, &f->err),
        -1);
    assert_int_equal(f->err.kind, SP_ERROR_SYSTEM);
    assert_non_null(strstr(f->err.message, f->dir));
    sp_error_clear(&f->err);
    assert_false(scratch_exists(f, "file"));
}

TEST_IN_ROOT(get_meta_of_the_directory)
{
    struct sp_meta meta;
    const struct sp_file itself = sp_dir_itself(&fs->dir);
    assert_int_equal(fchmod(fs->dir.fd, 0751), 0);
    assert_ok(f, sp_fs_set_mtime(&itself, (struct timespec){.tv_sec = 7, .tv_nsec = 8}, &f->err));
    assert_ok(f, sp_fs_get_meta(&fs->dir, f->pool, "", &meta, &f->err));
    assert_int_equal(meta.mode, 0751);
    assert_int_equal(meta.mtime.tv_sec, 7);
    assert_int_equal(meta.mtime.tv_nsec, 8);
    assert_int_equal(sp_fs_get_meta(&fs->dir, f->pool, "none", &meta, &f->err), -1);
}

/* ---- renaming -------------------------------------------------------------------------------- */

TEST_IN_ROOT(rename_new)
{
    scratch_puts(f, "temp", "new");
    assert_ok(f, sp_fs_rename_new(&fs->dir, "temp", "target", &f->err));
    assert_content(f, "target", "new");
    assert_false(scratch_exists(f, "temp"));
    scratch_puts(f, "temp", "newer");
    assert_fails(f, sp_fs_rename_new(&fs->dir, "temp", "target", &f->err), SP_ERROR_REFUSED,
                 f->dir);
    assert_content(f, "target", "new");
    assert_content(f, "temp", "newer");
    scratch_symlink(f, "nowhere", "link");
    assert_fails(f, sp_fs_rename_new(&fs->dir, "temp", "link", &f->err), SP_ERROR_REFUSED, f->dir);
}

TEST_IN_ROOT(set_aside)
{
    bool kept;
    scratch_puts(f, "file", "old");
    struct sp_expected expected = expect(fs, "file");
    scratch_puts(f, "file", "another");
    assert_fails(f, sp_fs_set_aside(&fs->dir, "file", "aside", &expected, &kept, &f->err),
                 SP_ERROR_REFUSED, f->dir);
    assert_content(f, "file", "another");
    assert_false(kept);
    expected = expect(fs, "file");
    expected.meta.mode ^= 0040; /* seen only once it has the other name */
    assert_fails(f, sp_fs_set_aside(&fs->dir, "file", "aside", &expected, &kept, &f->err),
                 SP_ERROR_REFUSED, f->dir);
    assert_content(f, "file", "another");
    expected = expect(fs, "file");
    assert_ok(f, sp_fs_set_aside(&fs->dir, "file", "aside", &expected, &kept, &f->err));
    assert_true(kept);
    assert_false(scratch_exists(f, "file"));
    assert_content(f, "aside", "another");
    assert_fails(f, sp_fs_set_aside(&fs->dir, "file", "aside", &expected, &kept, &f->err),
                 SP_ERROR_REFUSED, f->dir);
}

TEST_IN_ROOT(try_rename)
{
    scratch_puts(f, "temp", "x");
    assert_ok(f, sp_fs_try_rename(&fs->dir, "temp", "temp~", &f->err));
    assert_content(f, "temp", "x");
    assert_false(scratch_exists(f, "temp~"));
    assert_fails(f, sp_fs_try_rename(&fs->dir, "none", "none~", &f->err), SP_ERROR_SYSTEM,
                 "cannot rename files in");
}

/* Version 2; user:: rw-, user:UID: rwx, group:: r--, mask:: rwx, other:: r-- (acl(5), and
 * linux/posix_acl_xattr.h, little-endian). */
static const char list[] = "\x02\0\0\0"
                           "\x01\0\x06\0\xff\xff\xff\xff"
                           "\x02\0\x07\0\xfe\xff\0\0"
                           "\x04\0\x04\0\xff\xff\xff\xff"
                           "\x10\0\x07\0\xff\xff\xff\xff"
                           "\x20\0\x04\0\xff\xff\xff\xff";

TEST_IN_ROOT(default_acl_is_not_inherited)
{
    const char *const name = "system.posix_acl_access";
    struct sp_meta meta;
    scratch_puts(f, "target", "old");
    if (fsetxattr(fs->dir.fd, "system.posix_acl_default", list, sizeof(list) - 1, 0) < 0)
        skip(); /* this file system has none */
    assert_ok(f, sp_fs_get_meta(&fs->dir, f->pool, "target", &meta, &f->err));
    assert_ok(f, sp_fs_create(&fs->dir, "like", TEXT("new"), &meta,
                              SP_KEEP_MODE | SP_KEEP_OWNER | SP_KEEP_XATTRS, &f->err));
    assert_int_equal(getxattr(scratch_path(f, "like"), name, NULL, 0), -1);
    assert_int_equal(stat_of(fs, "like").st_mode & 07777, meta.mode);
    assert_ok(
        f, sp_fs_create(&fs->dir, "new", TEXT("new"), &meta, SP_KEEP_MODE | SP_MODE_ONLY, &f->err));
    assert_int_equal(getxattr(scratch_path(f, "new"), name, NULL, 0), -1);
    /* one that the target has itself is kept, whatever the directory gives */
    assert_int_equal(setxattr(scratch_path(f, "target"), name, list, sizeof(list) - 1, 0), 0);
    assert_int_equal(removexattr(f->dir, "system.posix_acl_default"), 0);
    assert_ok(f, sp_fs_get_meta(&fs->dir, f->pool, "target", &meta, &f->err));
    assert_ok(f, sp_fs_create(&fs->dir, "with", TEXT("new"), &meta,
                              SP_KEEP_MODE | SP_KEEP_OWNER | SP_KEEP_XATTRS, &f->err));
    char back[sizeof(list)];
    assert_int_equal(getxattr(scratch_path(f, "with"), name, back, sizeof(back)), sizeof(list) - 1);
    assert_memory_equal(back, list, sizeof(list) - 1);
}

/* What is there and not wanted goes; what is not wanted on reading back is an error. */
TEST_IN_ROOT(attributes_are_made_equal)
{
    struct sp_meta meta = {.mode = 0640, .uid = geteuid(), .gid = getegid()}, now;
    scratch_puts(f, "file", "");
    int fd = openat(fs->dir.fd, "file", O_RDONLY | O_CLOEXEC);
    const struct sp_file file = {fd, &fs->dir, "file"};
    if (fsetxattr(fd, "user.inherited", "x", 1, 0) < 0) {
        close(fd);
        skip();
    }
    assert_int_equal(fsetxattr(fd, "user.other", "x", 1, 0), 0);
    *SP_PUSH(f->pool, &meta.xattrs) = (struct sp_xattr){"user.other", "y", 1};
    *SP_PUSH(f->pool, &meta.xattrs) = (struct sp_xattr){"user.new", "", 0};
    assert_ok(
        f, sp_fs_apply_meta(&file, &meta, SP_KEEP_MODE | SP_KEEP_OWNER | SP_KEEP_XATTRS, &f->err));
    assert_ok(f, sp_fs_get_meta(&fs->dir, f->pool, "file", &now, &f->err));
    assert_true(sp_meta_is_same(&meta, &now));
    assert_int_equal(now.xattrs.count, 2);
    now.xattrs.items[0].value = "z";
    assert_false(sp_meta_is_same(&meta, &now));
    now.xattrs.count = 1;
    assert_false(sp_meta_is_same(&meta, &now) || sp_meta_is_same(&now, &meta));
    close(fd);
}

/* chattr +A stays with the name. */
TEST_IN_ROOT(flags)
{
    struct sp_meta meta, back;
    int flags = 0, fd = openat(fs->dir.fd, "target", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool works = ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0;
    flags |= FS_NOATIME_FL;
    works = works && ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
    close(fd);
    if (!works) {
        skip(); /* this file system has none */
    }
    assert_ok(f, sp_fs_get_meta(&fs->dir, f->pool, "target", &meta, &f->err));
    assert_true(meta.has_flags);
    assert_ok(f, sp_fs_create(&fs->dir, "new", TEXT("x"), &meta, SP_KEEP_FLAGS, &f->err));
    assert_ok(f, sp_fs_get_meta(&fs->dir, f->pool, "new", &back, &f->err));
    assert_int_equal(back.flags, meta.flags);
    assert_true(back.flags & FS_NOATIME_FL);
}

/* ---- removing, directories, saving ----------------------------------------------------------- */

TEST_IN_ROOT(unlink_and_rmdir)
{
    scratch_puts(f, "file", "");
    scratch_mkdir(f, "dir", 0755);
    scratch_mkdir(f, "dir/more", 0755);
    assert_ok(f, sp_fs_unlink(&fs->dir, "file", &f->err));
    assert_ok(f, sp_fs_unlink(&fs->dir, "file", &f->err)); /* absent is success */
    assert_fails(f, sp_fs_unlink(&fs->dir, "dir", &f->err), SP_ERROR_SYSTEM, f->dir);
    assert_fails(f, sp_fs_rmdir(&fs->dir, "dir", &f->err), SP_ERROR_SYSTEM, f->dir);
    assert_ok(f, sp_fs_rmdir(&fs->dir, "dir/more", &f->err));
    assert_ok(f, sp_fs_rmdir(&fs->dir, "dir/more", &f->err));
}

TEST_IN_ROOT(remove_tree)
{
    scratch_mkdir(f, "keep", 0755);
    scratch_puts(f, "keep/file", "kept");
    scratch_mkdir(f, "tree", 0755);
    scratch_mkdir(f, "tree/a", 0755);
    scratch_mkdir(f, "tree/a/b", 0755);
    scratch_puts(f, "tree/a/b/file", "");
    assert_int_equal(mkfifo(scratch_path(f, "tree/fifo"), 0600), 0);
    scratch_symlink(f, "../keep", "tree/link"); /* removed, not entered */
    assert_ok(f, sp_fs_remove_tree(&fs->dir, "tree", &f->err));
    assert_false(scratch_exists(f, "tree"));
    assert_content(f, "keep/file", "kept");
    assert_ok(f, sp_fs_remove_tree(&fs->dir, "tree", &f->err));
    scratch_symlink(f, "keep", "link");
    assert_int_equal(sp_fs_remove_tree(&fs->dir, "link", &f->err), -1);
    assert_content(f, "keep/file", "kept");
}

TEST_IN_ROOT(remove_tree_is_bounded)
{
    int at = dup(fs->dir.fd);
    for (int i = 0; i < 140; i++) {
        assert_int_equal(mkdirat(at, "d", 0700), 0);
        int next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(at);
        at = next;
    }
    close(at);
    assert_fails(f, sp_fs_remove_tree(&fs->dir, "d", &f->err), SP_ERROR_SYSTEM, f->dir);
}

TEST_IN_ROOT(mkdir)
{
    bool created = false;
    mode_t old = umask(077);
    assert_ok(f, sp_fs_mkdir(&fs->dir, "dir", 02755, &created, &f->err));
    umask(old);
    assert_true(created);
    assert_int_equal(stat_of(fs, "dir").st_mode & 07777, 02755);
    assert_ok(f, sp_fs_mkdir(&fs->dir, "dir", 0700, &created, &f->err));
    assert_false(created);
    assert_int_equal(stat_of(fs, "dir").st_mode & 07777, 02755);
    scratch_puts(f, "file", "");
    assert_fails(f, sp_fs_mkdir(&fs->dir, "file", 0700, &created, &f->err), SP_ERROR_REFUSED,
                 f->dir);
    scratch_symlink(f, "dir", "link");
    assert_fails(f, sp_fs_mkdir(&fs->dir, "link", 0700, &created, &f->err), SP_ERROR_REFUSED,
                 "a symbolic link");
}

TEST_IN_ROOT(save)
{
    assert_ok(f, sp_fs_save(&fs->dir, "file", TEXT("one"), &f->err));
    assert_content(f, "file", "one");
    assert_int_equal(stat_of(fs, "file").st_mode & 07777, 0600);
    scratch_puts(f, ".file.new", "that a crash left");
    assert_ok(f, sp_fs_save(&fs->dir, "file", TEXT("two"), &f->err));
    assert_content(f, "file", "two");
    assert_false(scratch_exists(f, ".file.new"));
    /* a link is replaced, not followed */
    scratch_puts(f, "target", "kept");
    scratch_symlink(f, "target", "link");
    assert_ok(f, sp_fs_save(&fs->dir, "link", TEXT("three"), &f->err));
    assert_content(f, "target", "kept");
    assert_true(S_ISREG(stat_of(fs, "link").st_mode));
    scratch_mkdir(f, "dir", 0755);
    scratch_mkdir(f, "dir/more", 0755);
    assert_fails(f, sp_fs_save(&fs->dir, "dir", TEXT("four"), &f->err), SP_ERROR_SYSTEM, f->dir);
    assert_false(scratch_exists(f, ".dir.new"));
}

TEST(random_name)
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

TEST_IN_ROOT(free_bytes)
{
    uint64_t bytes = 0;
    assert_ok(f, sp_fs_free_bytes(&fs->dir, &bytes, &f->err));
    assert_true(bytes > 0);
    assert_int_equal(sp_fs_free_bytes(&(struct sp_dir)SP_DIR_NONE, &bytes, &f->err), -1);
}
