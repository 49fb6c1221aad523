/* SPDX-License-Identifier: Apache-2.0 */
#include "originals.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "path.h"

enum {
    MAX_FILES = 1000,                 /* a transaction has about ten */
    MAX_ARCHIVE_BYTES = 64 * 1 << 20, /* of the archive file */
    MAX_XATTR = 1 << 16               /* XATTR_SIZE_MAX of xattr(7) */
};

/* ---- writing ----------------------------------------------------------------------------------
 */

struct writer {
    int fd;
    const char *where;
    struct sp_error *err;
};

static la_ssize_t write_block(struct archive *archive, void *data, const void *block, size_t len)
{
    struct writer *w = data;
    if (sp_fs_write(w->fd, (struct sp_bytes){block, len}, w->where, w->err) == 0)
        return (la_ssize_t)len;
    archive_set_error(archive, w->err->errnum, "%s", "write failed");
    return -1;
}

static int archive_failed(struct archive *archive, const char *where, struct sp_error *err)
{
    const char *reason = archive_error_string(archive);
    return sp_error_set(err, SP_ERROR_SYSTEM, "can't write %s: %s", where,
                        reason ? reason : "libarchive gives no reason");
}

static int write_entry(struct archive *archive, const struct sp_original *item, const char *where,
                       struct sp_error *err)
{
    struct archive_entry *entry = archive_entry_new();
    if (!entry)
        sp_out_of_memory();
    archive_entry_set_pathname(entry, item->path);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, item->meta.mode);
    archive_entry_set_uid(entry, item->meta.uid);
    archive_entry_set_gid(entry, item->meta.gid);
    archive_entry_set_mtime(entry, item->meta.mtime.tv_sec, item->meta.mtime.tv_nsec);
    archive_entry_set_size(entry, (la_int64_t)item->content.len);
    for (size_t i = 0; i < item->meta.xattrs.count; i++) {
        const struct sp_xattr *xattr = &item->meta.xattrs.items[i];
        archive_entry_xattr_add_entry(entry, xattr->name, xattr->value, xattr->len);
    }
    int rc = 0;
    if (archive_write_header(archive, entry) != ARCHIVE_OK ||
        archive_write_data(archive, item->content.data, item->content.len) !=
            (la_ssize_t)item->content.len)
        rc = archive_failed(archive, where, err);
    archive_entry_free(entry);
    return rc;
}

static int write_all(struct writer *w, const struct sp_original *items, size_t count)
{
    struct archive *archive = archive_write_new();
    if (!archive)
        sp_out_of_memory();
    int rc = 0;
    if (archive_write_set_format_pax(archive) != ARCHIVE_OK ||
        archive_write_add_filter_none(archive) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(archive, 512) != ARCHIVE_OK ||
        archive_write_open(archive, w, NULL, write_block, NULL) != ARCHIVE_OK)
        rc = archive_failed(archive, w->where, w->err);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = write_entry(archive, &items[i], w->where, w->err);
    if (rc == 0 && archive_write_close(archive) != ARCHIVE_OK)
        rc = archive_failed(archive, w->where, w->err);
    archive_write_free(archive);
    return rc;
}

int sp_originals_write(int dirfd, const char *name, const struct sp_original *items, size_t count,
                       const char *where, struct sp_error *err)
{
    struct sp_pool *pool = sp_pool_new();
    struct writer w = {.where = sp_path_join(pool, where, name), .err = err};
    w.fd = sp_fs_open_new(dirfd, name, 0600, w.where, err);
    int rc = w.fd < 0 ? -1 : write_all(&w, items, count);
    if (rc == 0)
        rc = sp_fs_sync(w.fd, w.where, err);
    if (w.fd >= 0)
        close(w.fd);
    if (rc == 0)
        rc = sp_fs_sync(dirfd, where, err);
    sp_pool_free(pool);
    return rc;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

struct reader {
    struct sp_pool *pool;
    const char *where;
    SP_VEC(struct sp_original) items;
    struct sp_error *err;
};

static int refuse(struct reader *r, const char *what)
{
    return sp_error_set(r->err, SP_ERROR_PENDING, "the archive %s is damaged: %s", r->where, what);
}

static int read_xattrs(struct reader *r, struct archive_entry *entry, struct sp_meta *meta)
{
    const char *name;
    const void *value;
    size_t len;
    archive_entry_xattr_reset(entry);
    while (archive_entry_xattr_next(entry, &name, &value, &len) == ARCHIVE_OK) {
        if (len > MAX_XATTR)
            return refuse(r, "an attribute is too large");
        struct sp_xattr *xattr = SP_PUSH(r->pool, &meta->xattrs);
        *xattr = (struct sp_xattr){sp_pool_strdup(r->pool, name),
                                   sp_pool_memdup(r->pool, value, len), len};
    }
    return 0;
}

static int read_content(struct reader *r, struct archive *archive, la_int64_t size,
                        struct sp_bytes *out)
{
    char *data = sp_pool_alloc(r->pool, (size_t)size + 1);
    size_t len = 0;
    while (len < (size_t)size) {
        la_ssize_t got = archive_read_data(archive, data + len, (size_t)size - len);
        if (got <= 0)
            return refuse(r, "a file in it is cut short");
        len += (size_t)got;
    }
    *out = (struct sp_bytes){data, len};
    return 0;
}

static int read_entry(struct reader *r, struct archive *archive, struct archive_entry *entry)
{
    const char *path = archive_entry_pathname(entry);
    la_int64_t size = archive_entry_size(entry);
    if (!path || !sp_path_is_safe_relative(path) || archive_entry_filetype(entry) != AE_IFREG ||
        archive_entry_hardlink(entry) || archive_entry_symlink(entry))
        return refuse(r, "it has an entry that no transaction writes");
    if (size < 0 || (size_t)size > SP_MAX_SOURCE || r->items.count >= MAX_FILES)
        return refuse(r, "it is larger than any that a transaction writes");
    for (size_t i = 0; i < r->items.count; i++)
        if (strcmp(r->items.items[i].path, path) == 0)
            return refuse(r, "a file is in it twice");
    struct sp_original *item = SP_PUSH(r->pool, &r->items);
    item->path = sp_pool_strdup(r->pool, path);
    item->meta.mode = archive_entry_perm(entry);
    item->meta.uid = (uid_t)archive_entry_uid(entry);
    item->meta.gid = (gid_t)archive_entry_gid(entry);
    item->meta.mtime = (struct timespec){.tv_sec = archive_entry_mtime(entry),
                                         .tv_nsec = archive_entry_mtime_nsec(entry)};
    if (read_xattrs(r, entry, &item->meta) < 0)
        return -1;
    return read_content(r, archive, size, &item->content);
}

/* The end of an archive is two blocks of zeros (pax); libarchive takes one that just stops for
 * complete. */
static bool has_end(struct sp_bytes bytes)
{
    if (bytes.len < 1024 || bytes.len % 512 != 0)
        return false;
    for (size_t i = bytes.len - 1024; i < bytes.len; i++)
        if (bytes.data[i])
            return false;
    return true;
}

static int read_all(struct reader *r, struct sp_bytes bytes)
{
    struct archive *archive = archive_read_new();
    struct archive_entry *entry;
    if (!archive)
        sp_out_of_memory();
    int rc = 0, status = ARCHIVE_OK;
    if (archive_read_support_format_tar(archive) != ARCHIVE_OK ||
        archive_read_open_memory(archive, bytes.data, bytes.len) != ARCHIVE_OK)
        rc = refuse(r, "it can't be opened");
    while (rc == 0 && (status = archive_read_next_header(archive, &entry)) == ARCHIVE_OK)
        rc = read_entry(r, archive, entry);
    if (rc == 0 && status != ARCHIVE_EOF)
        rc = refuse(r, archive_error_string(archive) ? archive_error_string(archive)
                                                     : "a header can't be read");
    archive_read_free(archive);
    return rc;
}

int sp_originals_read(struct sp_pool *pool, int dirfd, const char *name, const char *where,
                      struct sp_original **items, size_t *count, struct sp_error *err)
{
    struct reader r = {.pool = pool, .where = sp_path_join(pool, where, name), .err = err};
    struct sp_bytes bytes;
    bool whole;
    if (sp_fs_read_at(dirfd, pool, name, MAX_ARCHIVE_BYTES, &bytes, &whole, NULL, err) < 0)
        return sp_error_prefix(err, "%s", where);
    if (!bytes.data)
        return sp_error_set(err, SP_ERROR_PENDING, "the archive %s is gone", r.where);
    if (!whole || !has_end(bytes))
        return refuse(&r, "it is cut short, or something was added to it");
    if (read_all(&r, bytes) < 0)
        return -1;
    *items = r.items.items;
    *count = r.items.count;
    return 0;
}
