/* SPDX-License-Identifier: Apache-2.0 */
/* The archive that a transaction keeps the old files in.
 *
 * sample() makes entries with all that is kept: modes, owners, times to the nanosecond and before
 * 1970, extended attributes with any bytes, long and non-ASCII names, a directory, large and empty
 * files. What is written is read back and compared; the programs tar and bsdtar extract it, too.
 * Archives that our writer would not make come from libarchive (forge()), or from a good one that is
 * cut or changed at every byte. */
#include "scratch.h"

#include <archive.h>
#include <archive_entry.h>
#include <linux/fs.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "fs/meta.h"
#include "txn/backup.h"

static int write_to(struct fixture *f, const char *name, const struct sp_backup_entry *items,
                    size_t count)
{
    struct sp_dir dir = {scratch_open(f), f->dir};
    int rc = sp_backup_write(&dir, name, items, count, &f->err);
    sp_dir_close(&dir);
    return rc;
}

static int read_from(struct fixture *f, const char *name, struct sp_backup_entry **items,
                     size_t *count)
{
    struct sp_dir dir = {scratch_open(f), f->dir};
    int rc = sp_backup_read(f->pool, &dir, name, items, count, &f->err);
    sp_dir_close(&dir);
    return rc;
}

static struct sp_backup_entry file(const char *path, const char *text)
{
    return (struct sp_backup_entry){
        .path = path,
        .content = {text, strlen(text)},
        .meta = {.mode = 0644, .mtime = {.tv_sec = 1500000000, .tv_nsec = 123456789}}};
}

static void add_xattr(struct fixture *f, struct sp_backup_entry *item, const char *name,
                      const void *value, size_t len)
{
    *SP_PUSH(f->pool, &item->meta.xattrs) = (struct sp_xattr){name, value, len};
}

/* Files and a directory with everything that is kept. */
static size_t sample(struct fixture *f, struct sp_backup_entry items[6])
{
    static const char binary[] = "a\0b\n=\xff";
    char *large = sp_pool_alloc(f->pool, 70001);
    memset(large, 'x', 70000);
    items[0] = file("usr/lib/python2.7/dist-packages/nova/driver.py", "driver\n");
    items[0].meta.uid = 12345;
    items[0].meta.gid = 2000000000;
    items[0].meta.mode = 04755;
    add_xattr(f, &items[0], "security.selinux", "system_u:object_r:lib_t:s0", 27);
    add_xattr(f, &items[0], "system.posix_acl_access",
              "\x02\0\0\0\x01\0\x06\0\xff\xff\xff\xff\x04\0\x04\0\xff\xff\xff\xff", 20);
    add_xattr(f, &items[0], "user.binary", binary, sizeof(binary) - 1);
    add_xattr(f, &items[0], "user.empty", "", 0);
    items[1] = file("empty.py", "");
    items[1].meta.mtime = (struct timespec){0, 0};
    items[2] = (struct sp_backup_entry){
        .path = "usr/lib",
        .is_dir = true,
        .meta = {.mode = 01777, .mtime = {.tv_sec = 1600000000, .tv_nsec = 1}}};
    add_xattr(f, &items[2], "system.posix_acl_default", "\x02\0\0\0", 4);
    items[3] = file("sm\xc3\xb6r/\xe2\x82\xac.py", "non-ASCII\n");
    items[4] = file(sp_pool_printf(f->pool, "%0150d/%0120d.py", 1, 2), "long name\n");
    items[4].meta.mtime = (struct timespec){-5, 300000000};
    items[5] = file("large.py", large);
    return 6;
}

static void assert_same(const struct sp_backup_entry *a, const struct sp_backup_entry *b)
{
    assert_string_equal(a->path, b->path);
    assert_int_equal(a->is_dir, b->is_dir);
    assert_true(sp_bytes_equal(a->content, b->content));
    assert_int_equal(!a->content.data, !b->content.data);
    assert_int_equal(a->meta.mode, b->meta.mode);
    assert_int_equal(a->meta.uid, b->meta.uid);
    assert_int_equal(a->meta.gid, b->meta.gid);
    assert_int_equal(a->meta.mtime.tv_sec, b->meta.mtime.tv_sec);
    assert_int_equal(a->meta.mtime.tv_nsec, b->meta.mtime.tv_nsec);
    assert_int_equal(a->meta.xattrs.count, b->meta.xattrs.count);
    for (size_t i = 0; i < a->meta.xattrs.count; i++) {
        const struct sp_xattr *x = &a->meta.xattrs.items[i], *y = NULL;
        for (size_t k = 0; k < b->meta.xattrs.count; k++)
            if (strcmp(b->meta.xattrs.items[k].name, x->name) == 0)
                y = &b->meta.xattrs.items[k];
        if (!y) {
            fail_msg("the attribute %s is lost", x->name);
            return;
        }
        assert_int_equal(x->len, y->len);
        if (x->len > 0)
            assert_memory_equal(x->value, y->value, x->len);
    }
}

static void check_round_trip(struct fixture *f, const char *name,
                             const struct sp_backup_entry *items, size_t count)
{
    struct sp_backup_entry *back;
    size_t found;
    assert_ok(f, write_to(f, name, items, count));
    assert_ok(f, read_from(f, name, &back, &found));
    assert_int_equal(found, count);
    for (size_t i = 0; i < count; i++)
        assert_same(&items[i], &back[i]);
}

TEST_IN_DIR(round_trip)
{
    struct sp_backup_entry items[6];
    size_t count = sample(f, items);
    struct stat st;
    umask(0);
    check_round_trip(f, "a.tar", items, count);
    umask(022);
    assert_int_equal(stat(scratch_path(f, "a.tar"), &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0600);
    check_round_trip(f, "none.tar", NULL, 0);

    /* the same bytes each time */
    check_round_trip(f, "b.tar", items, count);
    assert_true(sp_bytes_equal(scratch_slurp(f, scratch_path(f, "a.tar")),
                               scratch_slurp(f, scratch_path(f, "b.tar"))));

    add_xattr(f, &items[1], "user.a=b", "c=d", 3);
    add_xattr(f, &items[1], "user.per%cent nt", "%41", 3);
    add_xattr(f, &items[1], "user.sm\xc3\xb6r", "", 0);
    check_round_trip(f, "c.tar", items, count);
}

/* What is kept of a real file, given back by tar. */
TEST_IN_DIR(tar_reads_it)
{
    const char *path = scratch_puts(f, "real.py", "real\n");
    struct sp_dir dir = {scratch_open(f), f->dir};
    setxattr(path, "user.note", "kept", 4, 0); /* not every file system has them */
    struct sp_backup_entry items[7];
    size_t count = sample(f, items);
    items[4].meta.mtime.tv_sec = 1500000000; /* GNU tar complains about times before 1970 */
    items[count] = file("real.py", "real\n");
    assert_ok(f, sp_fs_get_meta(&dir, f->pool, "real.py", &items[count].meta, &f->err));
    sp_dir_close(&dir);
    check_round_trip(f, "a.tar", items, count + 1);

    static const char *const programs[] = {"tar", "bsdtar"};
    for (size_t i = 0; i < COUNT(programs); i++) {
        const char *probe = sp_pool_printf(f->pool, "command -v %s >/dev/null 2>&1", programs[i]);
        if (system(probe) != 0) {
            if (i == 0)
                fail_msg("there is no tar");
            continue;
        }
        const char *command = sp_pool_printf(
            f->pool,
            "cd %s && rm -rf out && mkdir out && %s tvf a.tar > list 2> complaints && "
            "%s xf a.tar -C out --no-same-owner 2>> complaints && cmp out/real.py real.py && "
            "test $(wc -l < list) = %zu && test \"$(stat -c %%Y out/real.py)\" = "
            "\"$(stat -c %%Y real.py)\" && test -d out/usr/lib && test ! -s complaints",
            f->dir, programs[i], programs[i], count + 1);
        if (system(command) != 0) {
            struct sp_bytes text = scratch_slurp(f, scratch_path(f, "complaints"));
            fail_msg("%s: %s", programs[i], text.data);
        }
        assert_int_equal(system(sp_pool_printf(f->pool, "chmod -R u+rwX %s/out", f->dir)), 0);
    }
}

/* Cut at every byte. */
TEST_IN_DIR(truncated)
{
    struct sp_backup_entry items[6], *back;
    size_t found, count = sample(f, items);
    (void)count;
    const struct sp_backup_entry last = {
        .path = "zeros", .content = {sp_pool_alloc(f->pool, 2000), 2000}, .meta = {.mode = 0600}};
    const struct sp_backup_entry few[] = {items[0], items[2], items[1], last};
    assert_ok(f, write_to(f, "a.tar", few, COUNT(few)));
    struct sp_bytes complete = scratch_slurp(f, scratch_path(f, "a.tar"));
    for (size_t len = 0; len < complete.len; len++) {
        scratch_write(f, "cut.tar", complete.data, len);
        int rc = read_from(f, "cut.tar", &back, &found);
        if (rc == 0)
            fail_msg("cut from %zu to %zu bytes it was read", complete.len, len);
        assert_non_null(strstr(f->err.message, scratch_path(f, "cut.tar")));
        assert_int_equal(f->err.kind, SP_ERROR_REFUSED);
        sp_error_clear(&f->err);
    }
    char *longer = sp_pool_alloc(f->pool, complete.len + 512);
    memcpy(longer, complete.data, complete.len);
    scratch_write(f, "long.tar", longer, complete.len + 1);
    assert_fails(f, read_from(f, "long.tar", &back, &found), SP_ERROR_REFUSED, "at its end");
    scratch_write(f, "long.tar", longer, complete.len + 512);
    assert_fails(f, read_from(f, "long.tar", &back, &found), SP_ERROR_REFUSED, "at its end");
}

/* Every byte changed: no crash, and no file outside. */
TEST_IN_DIR(flipped)
{
    struct sp_backup_entry items[6], *back;
    size_t found, failures = 0;
    sample(f, items);
    assert_ok(f, write_to(f, "a.tar", items, 4));
    struct sp_bytes good = scratch_slurp(f, scratch_path(f, "a.tar"));
    for (size_t at = 0; at < good.len; at++) {
        char *bad = sp_pool_memdup(f->pool, good.data, good.len);
        bad[at] = (char)(bad[at] ^ (1 << at % 8));
        scratch_write(f, "bad.tar", bad, good.len);
        int rc = read_from(f, "bad.tar", &back, &found);
        failures += rc < 0;
        assert_int_equal(sp_error_is_set(&f->err), rc < 0);
        sp_error_clear(&f->err);
    }
    assert_true(failures > 1000);
}

TEST_IN_DIR(refused_to_write)
{
    static const char *const bad[] = {"/etc/passwd", "../x", "a/../b", "", "a//b", "a\nb", "a\\b"};
    struct stat st;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct sp_backup_entry item = file(bad[i], "x");
        assert_fails(f, write_to(f, "a.tar", &item, 1), SP_ERROR_REFUSED, "cannot be archived");
    }
    const struct sp_backup_entry twice[] = {file("a", "1"), file("b", "2"), file("a", "3")};
    assert_fails(f, write_to(f, "a.tar", twice, 3), SP_ERROR_REFUSED, "'a' is there twice");
    struct sp_backup_entry large = file("a", "");
    large.content.len = SP_MAX_SOURCE + 1;
    assert_fails(f, write_to(f, "a.tar", &large, 1), SP_ERROR_REFUSED, "too large");
    assert_int_equal(stat(scratch_path(f, "a.tar"), &st), -1);

    /* never over something that is there, a link least of all */
    struct sp_backup_entry item = file("a", "x");
    scratch_puts(f, "a.tar", "mine");
    assert_fails(f, write_to(f, "a.tar", &item, 1), SP_ERROR_SYSTEM, "a.tar");
    assert_string_equal(scratch_slurp(f, scratch_path(f, "a.tar")).data, "mine");
    scratch_symlink(f, "elsewhere", "link.tar");
    assert_fails(f, write_to(f, "link.tar", &item, 1), SP_ERROR_SYSTEM, "link.tar");
    assert_int_equal(stat(scratch_path(f, "elsewhere"), &st), -1);
}

/* The file is removed when writing it fails: here, since it may not become that large. */
TEST_IN_DIR(no_space)
{
    struct sp_backup_entry items[6];
    size_t count = sample(f, items);
    struct stat st;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit limit = {20000, 20000};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        int rc = write_to(f, "a.tar", items, count);
        _exit(rc == -1 && f->err.kind == SP_ERROR_SYSTEM && f->err.errnum == EFBIG ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(stat(scratch_path(f, "a.tar"), &st), -1);
}

/* Archives that somebody else put there. */
static void forge(struct fixture *f, const char *format, const char *path, unsigned type,
                  const char *target, size_t size, int times)
{
    struct archive *archive = archive_write_new();
    unlink(scratch_path(f, "f.tar"));
    assert_int_equal(archive_write_set_format_by_name(archive, format), ARCHIVE_OK);
    archive_write_set_bytes_in_last_block(archive, 1);
    assert_int_equal(archive_write_open_filename(archive, scratch_path(f, "f.tar")), ARCHIVE_OK);
    for (int i = 0; i < times; i++) {
        struct archive_entry *entry = archive_entry_new();
        archive_entry_copy_pathname(entry, path);
        archive_entry_set_filetype(entry, type);
        archive_entry_set_perm(entry, 0644);
        archive_entry_set_mtime(entry, 1, 0);
        archive_entry_set_size(entry, (la_int64_t)size);
        if (type == AE_IFLNK)
            archive_entry_copy_symlink(entry, target);
        else if (target)
            archive_entry_copy_hardlink(entry, target);
        assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
        char zeros[1024] = {0};
        for (size_t done = 0; done < size && type == AE_IFREG && !target; done += sizeof(zeros))
            archive_write_data(archive, zeros, sizeof(zeros));
        archive_entry_free(entry);
    }
    assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
    archive_write_free(archive);
}

TEST_IN_DIR(refused_to_read)
{
    struct sp_backup_entry *back;
    size_t found;
    static const struct {
        const char *format, *path;
        unsigned type;
        const char *target;
        size_t size;
        int times;
        const char *part;
    } bad[] = {
        {"pax", "/etc/passwd", AE_IFREG, NULL, 0, 1, "has a name that may not be"},
        {"pax", "../x", AE_IFREG, NULL, 0, 1, "has a name that may not be"},
        {"pax", "a/../../x", AE_IFREG, NULL, 0, 1, "has a name that may not be"},
        {"pax", "a\x1b[1m", AE_IFREG, NULL, 0, 1, "'a\\x1b[1m' has a name"},
        {"pax", "a", AE_IFLNK, "/etc/passwd", 0, 1, "neither a plain file"},
        {"pax", "a", AE_IFREG, "b", 0, 1, "neither a plain file"},
        {"pax", "a", AE_IFIFO, NULL, 0, 1, "neither a plain file"},
        {"pax", "a", AE_IFCHR, NULL, 0, 1, "neither a plain file"},
        {"pax", "a", AE_IFREG, NULL, 0, 2, "twice"},
        {"pax", "a", AE_IFREG, NULL, SP_MAX_SOURCE + 1024, 1, "impossible size"},
        {"gnutar", "a", AE_IFREG, NULL, 0, 1, "not in the format"},
        {"zip", "a", AE_IFREG, NULL, 0, 1, "cannot read"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        forge(f, bad[i].format, bad[i].path, bad[i].type, bad[i].target, bad[i].size, bad[i].times);
        assert_fails(f, read_from(f, "f.tar", &back, &found), SP_ERROR_REFUSED, bad[i].part);
    }
    forge(f, "pax", "a", AE_IFREG, NULL, 0, 1); /* and what is fine is read */
    assert_ok(f, read_from(f, "f.tar", &back, &found));
    assert_int_equal(found, 1);

    assert_fails(f, read_from(f, "none.tar", &back, &found), SP_ERROR_REFUSED, "is missing");
    scratch_symlink(f, "f.tar", "link.tar");
    assert_fails(f, read_from(f, "link.tar", &back, &found), SP_ERROR_REFUSED, "symbolic link");
    assert_int_equal(mkfifo(scratch_path(f, "fifo"), 0600), 0);
    assert_fails(f, read_from(f, "fifo", &back, &found), SP_ERROR_REFUSED, "not a regular file");
}

/* Each of chattr(1)'s flags, and none at all. */
TEST_IN_DIR(flags)
{
    struct sp_backup_entry *back;
    size_t count;
    for (unsigned bit = 0; bit < 32; bit++) {
        struct sp_backup_entry item = file("a.py", "a\n");
        item.meta.has_flags = true;
        item.meta.flags = (1u << bit) & SP_META_FLAGS;
        const char *name = sp_pool_printf(f->pool, "%u.tar", bit);
        assert_ok(f, write_to(f, name, &item, 1));
        assert_ok(f, read_from(f, name, &back, &count));
        assert_true(back[0].meta.has_flags);
        assert_int_equal(back[0].meta.flags, item.meta.flags);
    }
}

/* Flags that take the right to change it from the file's owner are not taken from an archive. */
TEST_IN_DIR(flags_that_are_not_kept)
{
    struct sp_backup_entry *back, item = file("a.py", "a\n");
    size_t count;
    item.meta.has_flags = true;
    item.meta.flags = FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NOATIME_FL;
    assert_ok(f, write_to(f, "a.tar", &item, 1));
    assert_ok(f, read_from(f, "a.tar", &back, &count));
    assert_int_equal(back[0].meta.flags, FS_NOATIME_FL);
}
