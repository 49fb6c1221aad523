/* SPDX-License-Identifier: Apache-2.0 */
#include "txn/backup.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/path.h"
#include "base/utf8_locale.h"
#include "fs/write.h"

enum {
    BLOCK = 64 * 1024,
    END_MARK = 1024 /* two blocks of zeros */
};

static int archive_failed(struct archive *archive, const char *shown, const char *verb,
                          struct sp_error *err)
{
    const char *reason = archive_error_string(archive);
    SP_CLEANUP_FREE char *safe = sp_escape_alloc(reason ? reason : "no reason given");
    return sp_error_set(err, SP_ERROR_REFUSED, "cannot %s '%s': %s", verb, shown, safe);
}

static int refuse(const char *shown, const char *path, const char *fact, struct sp_error *err)
{
    SP_CLEANUP_FREE char *safe = sp_escape_alloc(path);
    return sp_error_set(err, SP_ERROR_REFUSED, "%s: the file '%s' %s", shown, safe, fact);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Whether every path is there once. */
static int check_unique(const struct sp_backup_entry *items, size_t count, const char *shown,
                        struct sp_error *err)
{
    if (count == 0)
        return 0;
    const char **paths = sp_xmalloc(count * sizeof(*paths));
    int rc = 0;
    for (size_t i = 0; i < count; i++)
        paths[i] = items[i].path;
    qsort(paths, count, sizeof(*paths), by_path);
    for (size_t i = 1; i < count && rc == 0; i++)
        if (strcmp(paths[i - 1], paths[i]) == 0)
            rc = refuse(shown, paths[i], "is there twice", err);
    free(paths);
    return rc;
}

/* ---- writing ------------------------------------------------------------------------------- */

struct sink {
    const struct sp_file *file;
    struct sp_error *err;
    bool failed; /* nothing more is written: libarchive would go on while it is closed */
};

static la_ssize_t sink_write(struct archive *archive, void *data, const void *bytes, size_t len)
{
    struct sink *sink = data;
    if (!sink->failed && sp_fs_write(sink->file, (struct sp_bytes){bytes, len}, sink->err) == 0)
        return (la_ssize_t)len;
    sink->failed = true;
    archive_set_error(archive, EIO, "cannot write"); /* the reason is in *err already */
    return -1;
}

static int check_items(const struct sp_backup_entry *items, size_t count, const char *shown,
                       struct sp_error *err)
{
    size_t total = 0;
    if (count > SP_BACKUP_MAX_ENTRIES)
        return sp_error_set(err, SP_ERROR_REFUSED, "%s: more than %zu files", shown,
                            SP_BACKUP_MAX_ENTRIES);
    for (size_t i = 0; i < count; i++) {
        const struct sp_backup_entry *item = &items[i];
        if (!sp_path_is_safe_relative(item->path))
            return refuse(shown, item->path, "has a name that cannot be archived", err);
        if (item->content.len > SP_MAX_SOURCE)
            return refuse(shown, item->path, "is too large", err);
        total += item->content.len;
        if (total > SP_BACKUP_MAX_BYTES)
            return sp_error_set(err, SP_ERROR_REFUSED, "%s: the files have more than %zu bytes",
                                shown, SP_BACKUP_MAX_BYTES);
    }
    return check_unique(items, count, shown, err);
}

static bool is_plain(const char *name)
{
    for (; *name; name++)
        if (*name <= ' ' || *name >= 0x7f || *name == '%' || *name == '=')
            return false;
    return true;
}

/* libarchive writes each attribute in two forms: SCHILY.xattr.NAME, which GNU tar understands, and
 * one of its own, which GNU tar complains about. The former garbles unusual names (3.6.2 writes
 * "a b" as "a%20b" and reads it back so): if there is one the archive gets the latter, and else the
 * former. An older libarchive, which cannot be told, writes both. */
static int choose_xattr_form(struct archive *archive, const struct sp_backup_entry *items,
                             size_t count, const char *shown, struct sp_error *err)
{
    const struct sp_backup_entry *unusual = NULL;
    for (size_t i = 0; i < count && !unusual; i++)
        for (size_t k = 0; k < items[i].meta.xattrs.count && !unusual; k++)
            if (!is_plain(items[i].meta.xattrs.items[k].name))
                unusual = &items[i];
    int rc = archive_write_set_format_option(archive, "pax", "xattrheader",
                                             unusual ? "LIBARCHIVE" : "SCHILY");
    if (rc != ARCHIVE_OK && unusual)
        return refuse(shown, unusual->path,
                      "has an extended attribute whose name cannot be archived", err);
    return 0;
}

static int write_item(struct archive *archive, const struct sp_backup_entry *item,
                      const char *shown, struct sp_error *err)
{
    struct archive_entry *entry = archive_entry_new();
    if (!entry)
        sp_out_of_memory();
    archive_entry_copy_pathname(entry, item->path);
    archive_entry_set_filetype(entry, item->is_dir ? AE_IFDIR : AE_IFREG);
    archive_entry_set_perm(entry, item->meta.mode & 07777);
    archive_entry_set_uid(entry, item->meta.uid);
    archive_entry_set_gid(entry, item->meta.gid);
    archive_entry_set_mtime(entry, item->meta.mtime.tv_sec, item->meta.mtime.tv_nsec);
    archive_entry_set_size(entry, item->is_dir ? 0 : (la_int64_t)item->content.len);
    if (item->meta.has_flags && item->meta.flags) /* SCHILY.fflags, in words */
        archive_entry_set_fflags(entry, item->meta.flags, 0);
    for (size_t i = 0; i < item->meta.xattrs.count; i++) {
        const struct sp_xattr *xattr = &item->meta.xattrs.items[i];
        archive_entry_xattr_add_entry(entry, xattr->name, xattr->value, xattr->len);
    }
    int rc = archive_write_header(archive, entry);
    archive_entry_free(entry);
    if (rc != ARCHIVE_OK)
        return archive_failed(archive, shown, "write", err);
    if (!item->is_dir && item->content.len > 0 &&
        archive_write_data(archive, item->content.data, item->content.len) !=
            (la_ssize_t)item->content.len)
        return archive_failed(archive, shown, "write", err);
    return 0;
}

static int write_items(const struct sp_file *file, const struct sp_backup_entry *items,
                       size_t count, const char *shown, struct sp_error *err)
{
    struct sink sink = {file, err, false};
    struct archive *archive = archive_write_new();
    if (!archive)
        sp_out_of_memory();
    int rc = 0;
    if (archive_write_set_format_pax(archive) != ARCHIVE_OK ||
        choose_xattr_form(archive, items, count, shown, err) < 0 ||
        archive_write_set_bytes_per_block(archive, BLOCK) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(archive, 1) != ARCHIVE_OK || /* no padding */
        archive_write_open(archive, &sink, NULL, sink_write, NULL) != ARCHIVE_OK)
        rc = archive_failed(archive, shown, "write", err);
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = write_item(archive, &items[i], shown, err);
    if (rc == 0 && archive_write_close(archive) != ARCHIVE_OK)
        rc = archive_failed(archive, shown, "write", err);
    sink.failed = rc < 0;
    archive_write_free(archive);
    return rc;
}

int sp_backup_write(const struct sp_dir *dir, const char *name, const struct sp_backup_entry *items,
                    size_t count, struct sp_error *err)
{
    SP_CLEANUP_POOL struct sp_pool *pool = sp_pool_new();
    const char *shown = sp_pool_printf(pool, SP_AT, SP_AT_ARGS(dir, name));
    if (check_items(items, count, shown, err) < 0)
        return -1;
    SP_CLEANUP_FD int fd = sp_fs_open_new(dir, name, 0600, err);
    if (fd < 0)
        return -1;
    const struct sp_file file = {fd, dir, name};
    struct sp_utf8_locale charset;
    sp_utf8_locale_enter(&charset);
    int rc = write_items(&file, items, count, shown, err);
    sp_utf8_locale_leave(&charset);
    if (rc == 0)
        rc = sp_fs_sync(&file, err);
    if (rc < 0 && sp_fs_unlink(dir, name, NULL) < 0)
        return -1; /* the first error is the one that counts */
    return rc;
}

/* ---- reading ------------------------------------------------------------------------------- */

struct reader {
    struct sp_pool *pool;
    const char *shown;
    struct sp_error *err;
    SP_VEC(struct sp_backup_entry) items;
    size_t total;
};

/* Each attribute may come in two forms: see choose_xattr_form(). */
static int read_xattrs(struct reader *r, struct archive_entry *entry, struct sp_backup_entry *item)
{
    const char *name;
    const void *value;
    size_t len;
    archive_entry_xattr_reset(entry);
    while (archive_entry_xattr_next(entry, &name, &value, &len) == ARCHIVE_OK) {
        if (!name || !*name || (!value && len > 0))
            return refuse(r->shown, item->path, "has a damaged attribute", r->err);
        const struct sp_xattr *known = NULL;
        for (size_t i = 0; i < item->meta.xattrs.count && !known; i++)
            if (strcmp(item->meta.xattrs.items[i].name, name) == 0)
                known = &item->meta.xattrs.items[i];
        if (!known) {
            *SP_PUSH(r->pool, &item->meta.xattrs) = (struct sp_xattr){
                sp_pool_strdup(r->pool, name), sp_pool_memdup(r->pool, value, len), len};
        } else if (!sp_bytes_equal((struct sp_bytes){known->value, known->len},
                                   (struct sp_bytes){value, len})) {
            return refuse(r->shown, item->path, "has a damaged attribute", r->err);
        }
    }
    return 0;
}

static int read_content(struct reader *r, struct archive *archive, struct archive_entry *entry,
                        struct sp_backup_entry *item)
{
    la_int64_t size = archive_entry_size_is_set(entry) ? archive_entry_size(entry) : -1;
    if (size < 0 || (uint64_t)size > (item->is_dir ? 0 : SP_MAX_SOURCE))
        return refuse(r->shown, item->path, "has an impossible size", r->err);
    size_t len = (size_t)size;
    r->total += len;
    if (r->total > SP_BACKUP_MAX_BYTES)
        return refuse(r->shown, item->path, "makes too much together with those before it", r->err);
    if (item->is_dir)
        return 0;
    char *data = sp_pool_alloc(r->pool, len + 1);
    la_ssize_t got = archive_read_data(archive, data, len);
    if (got < 0)
        return archive_failed(archive, r->shown, "read", r->err);
    if ((size_t)got != len)
        return refuse(r->shown, item->path, "is truncated", r->err);
    item->content = (struct sp_bytes){data, len};
    return 0;
}

/* None at all is said, too: a file gets some from its directory. */
static void read_flags(struct archive_entry *entry, struct sp_meta *meta)
{
    unsigned long set = 0, clear = 0;
    archive_entry_fflags(entry, &set, &clear);
    meta->has_flags = true;
    meta->flags = (unsigned)set & SP_META_FLAGS;
}

static int read_item(struct reader *r, struct archive *archive, struct archive_entry *entry)
{
    const char *name = archive_entry_pathname(entry);
    if (!name)
        name = archive_entry_pathname_utf8(entry);
    if (!name)
        return refuse(r->shown, "", "has a name that is not UTF-8", r->err);
    /* an entry that needs no extended header has none */
    if (archive_format(archive) != ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE &&
        archive_format(archive) != ARCHIVE_FORMAT_TAR_USTAR)
        return refuse(r->shown, name, "is not in the format that is written here", r->err);
    if (r->items.count == SP_BACKUP_MAX_ENTRIES)
        return refuse(r->shown, name, "is one too many", r->err);

    struct sp_backup_entry item = {.is_dir = archive_entry_filetype(entry) == AE_IFDIR};
    size_t len = strlen(name);
    if (item.is_dir && len > 1 && name[len - 1] == '/')
        len--;
    item.path = sp_pool_memdup(r->pool, name, len);
    if (!sp_path_is_safe_relative(item.path))
        return refuse(r->shown, name, "has a name that may not be", r->err);
    if ((!item.is_dir && archive_entry_filetype(entry) != AE_IFREG) ||
        archive_entry_hardlink(entry) || archive_entry_symlink(entry) ||
        archive_entry_sparse_count(entry) > 0)
        return refuse(r->shown, name, "is neither a plain file nor a directory", r->err);
    read_flags(entry, &item.meta);
    la_int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);
    item.meta.mode = archive_entry_perm(entry) & 07777;
    item.meta.uid = (uid_t)uid;
    item.meta.gid = (gid_t)gid;
    item.meta.mtime.tv_sec = archive_entry_mtime(entry);
    item.meta.mtime.tv_nsec = archive_entry_mtime_nsec(entry);
    if (uid < 0 || gid < 0 || (la_int64_t)item.meta.uid != uid || (la_int64_t)item.meta.gid != gid)
        return refuse(r->shown, name, "has an impossible owner", r->err);
    if (!archive_entry_mtime_is_set(entry) || item.meta.mtime.tv_nsec < 0 ||
        item.meta.mtime.tv_nsec > 999999999)
        return refuse(r->shown, name, "has an impossible time", r->err);
    if (read_xattrs(r, entry, &item) < 0 || read_content(r, archive, entry, &item) < 0)
        return -1;
    *SP_PUSH(r->pool, &r->items) = item;
    return 0;
}

/* libarchive is content when a tar archive ends without its mark; it is written here always, and
 * nothing after it. */
static int check_end(struct reader *r, struct archive *archive, int fd)
{
    char mark[END_MARK];
    static const char zeros[END_MARK];
    struct stat st;
    off_t at = (off_t)archive_read_header_position(archive);
    if (fstat(fd, &st) < 0)
        return sp_error_errno(r->err, errno, "cannot look at '%s'", r->shown);
    if (st.st_size != at + END_MARK || pread(fd, mark, END_MARK, at) != END_MARK ||
        memcmp(mark, zeros, END_MARK) != 0)
        return sp_error_set(r->err, SP_ERROR_REFUSED, "'%s' is truncated or damaged at its end",
                            r->shown);
    return 0;
}

static int read_items(struct reader *r, int fd)
{
    struct archive_entry *entry;
    struct archive *archive = archive_read_new();
    if (!archive)
        sp_out_of_memory();
    int rc = 0, state;
    if (archive_read_support_format_tar(archive) != ARCHIVE_OK ||
        archive_read_open_fd(archive, fd, BLOCK) != ARCHIVE_OK)
        rc = archive_failed(archive, r->shown, "read", r->err);
    while (rc == 0 && (state = archive_read_next_header(archive, &entry)) != ARCHIVE_EOF)
        rc = state == ARCHIVE_OK ? read_item(r, archive, entry)
                                 : archive_failed(archive, r->shown, "read", r->err);
    if (rc == 0)
        rc = check_end(r, archive, fd);
    archive_read_free(archive);
    if (rc == 0)
        rc = check_unique(r->items.items, r->items.count, r->shown, r->err);
    return rc;
}

int sp_backup_read(struct sp_pool *pool, const struct sp_dir *dir, const char *name,
                   struct sp_backup_entry **items, size_t *count, struct sp_error *err)
{
    struct stat st;
    const char *shown = sp_pool_printf(pool, SP_AT, SP_AT_ARGS(dir, name));
    *count = 0;
    SP_CLEANUP_FD int fd =
        openat(dir->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ELOOP))
        return sp_error_set(err, SP_ERROR_REFUSED, "'%s' is %s", shown,
                            errno == ENOENT ? "missing" : "a symbolic link");
    if (fd < 0)
        return sp_error_errno(err, errno, "cannot open '%s'", shown);
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return sp_error_set(err, SP_ERROR_REFUSED, "'%s' is not a regular file", shown);
    struct reader r = {.pool = pool, .shown = shown, .err = err};
    struct sp_utf8_locale charset;
    sp_utf8_locale_enter(&charset);
    int rc = read_items(&r, fd);
    sp_utf8_locale_leave(&charset);
    *items = r.items.items;
    *count = r.items.count;
    return rc;
}
