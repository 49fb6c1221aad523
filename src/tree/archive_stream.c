/* SPDX-License-Identifier: Apache-2.0 */
/* From the bytes of a file to the entries of an archive.
 *
 * The data passes through one or more libarchive handles, each drawing on the one before it:
 *
 *     tar.gz, rpm   file -> decompress ("raw" format) -> tar or cpio
 *     deb           file -> ar, member data.tar.* -> decompress -> tar
 *     zip           file -> zip
 *
 * so that every decompressed byte can be counted, and so that the compressed stream can be read to
 * its very end, where a truncated one shows. */
#include <errno.h>
#include <string.h>

#include "tree/archive.h"

#define READ_BLOCK ((size_t)64 << 10)

/* A new handle, freed with the others when the pass is over. */
static struct archive *new_handle(struct sp_archive_pass *r)
{
    struct archive *handle = archive_read_new();
    if (!handle)
        sp_out_of_memory();
    r->handles[r->depth++] = handle;
    return handle;
}

/* Adds the decompressors that libarchive has built in. Where it was built without one, it would
 * start a program of that name from PATH, and says so by ARCHIVE_WARN: never as root. */
static void add_filters(struct archive *handle)
{
    static int (*const filters[])(struct archive *) = {
        archive_read_support_filter_gzip,
        archive_read_support_filter_bzip2,
        archive_read_support_filter_xz,
        archive_read_support_filter_lzma,
        archive_read_support_filter_lzip,
        archive_read_support_filter_compress,
        archive_read_support_filter_rpm,
#if ARCHIVE_VERSION_NUMBER >= 3002000
        archive_read_support_filter_lz4,
#endif
#if ARCHIVE_VERSION_NUMBER >= 3003003
        archive_read_support_filter_zstd,
#endif
    };
    for (size_t i = 0; i < sizeof(filters) / sizeof(*filters); i++) {
        struct archive *scratch = archive_read_new();
        if (!scratch)
            sp_out_of_memory();
        if (filters[i](scratch) == ARCHIVE_OK)
            filters[i](handle);
        archive_read_free(scratch);
    }
}

/* Feeds the data of one handle's current entry to the next handle. */
struct bridge {
    struct sp_archive_pass *r;
    struct archive *from;
    bool count;
};

static la_ssize_t bridge_read(struct archive *to, void *data, const void **block)
{
    struct bridge *bridge = data;
    size_t len = 0;
    la_int64_t offset;
    int rc;
    do { /* 0 bytes would mean the end */
        rc = archive_read_data_block(bridge->from, block, &len, &offset);
    } while (rc == ARCHIVE_OK && len == 0);
    if (rc == ARCHIVE_EOF)
        return 0;
    if (rc != ARCHIVE_OK) {
        sp_archive_broken(bridge->r, bridge->from);
    } else if (!bridge->count || sp_archive_count(bridge->r, len) == 0) {
        return (la_ssize_t)len;
    }
    archive_set_error(to, EIO, "%s", bridge->r->err->message);
    return -1;
}

/* Reads the rest that the bridge brings: the padding, and the end of the compressed stream,
 * where its checksum is. */
static int drain(struct bridge *bridge)
{
    const void *block;
    la_ssize_t len;
    while ((len = bridge_read(bridge->from, bridge, &block)) > 0)
        continue;
    return len < 0 ? -1 : 0;
}

/* Indexes the tar or cpio archive that is the data of the handle's current entry. */
static int read_plain(struct sp_archive_pass *r, struct archive *from)
{
    struct bridge bridge = {r, from, true};
    struct archive *handle = new_handle(r);
    archive_read_support_format_tar(handle);
    archive_read_support_format_cpio(handle);
    if (archive_read_open(handle, &bridge, NULL, bridge_read, NULL) != ARCHIVE_OK ||
        sp_archive_read_entries(r, handle, true) < 0)
        return sp_error_is_set(r->err) ? -1 : sp_archive_broken(r, handle);

    /* A tar archive ends with two blocks of zeros (pax: pax(1) in POSIX.1-2017, "ustar Interchange
     * Format"); libarchive is content with the end of the file in their place. It has read past
     * the place of the next header only if it found one of them. */
    if ((archive_format(handle) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR &&
        archive_filter_bytes(handle, 0) < archive_read_header_position(handle) + 512)
        return sp_archive_cannot(
            r, "cannot read the archive: it is truncated (no end-of-archive mark)");
    return drain(&bridge);
}

/* The data.tar.* of a Debian package: deb(5). */
static int read_deb(struct sp_archive_pass *r, struct archive *from, struct archive_entry *entry)
{
    for (int rc = ARCHIVE_OK; rc != ARCHIVE_EOF; rc = archive_read_next_header(from, &entry)) {
        if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
            return sp_archive_broken(r, from);
        const char *name = archive_entry_pathname(entry);
        if (!name || strncmp(name, "data.tar", strlen("data.tar")) != 0)
            continue;
        struct bridge bridge = {r, from, false};
        struct archive *handle = new_handle(r);
        add_filters(handle);
        archive_read_support_format_raw(handle);
        if (archive_read_open(handle, &bridge, NULL, bridge_read, NULL) != ARCHIVE_OK ||
            archive_read_next_header(handle, &entry) != ARCHIVE_OK)
            return sp_error_is_set(r->err) ? -1 : sp_archive_broken(r, handle);
        if (read_plain(r, handle) < 0)
            return -1;
        return drain(&bridge);
    }
    return sp_archive_cannot(r, "is an ar archive without a member data.tar: no Debian package");
}

int sp_archive_read_file(struct sp_archive_pass *r, int fd)
{
    struct archive *handle = new_handle(r);
    struct archive_entry *entry;
    add_filters(handle);
    archive_read_support_format_ar(handle);
    archive_read_support_format_raw(handle);
#if ARCHIVE_VERSION_NUMBER >= 3002000
    /* by its central directory only: it has the modes, and is missing from a truncated file */
    archive_read_support_format_zip_seekable(handle);
#else
    archive_read_support_format_zip(handle);
#endif
    if (archive_read_open_fd(handle, fd, READ_BLOCK) != ARCHIVE_OK)
        return sp_archive_broken(r, handle);
    int rc = archive_read_next_header(handle, &entry);
    int format = archive_format(handle) & ARCHIVE_FORMAT_BASE_MASK;
    if (rc == ARCHIVE_EOF && format == ARCHIVE_FORMAT_ZIP)
        return 0;
    if (rc == ARCHIVE_EOF)
        return sp_archive_cannot(r, "the file is empty, and no archive");
    if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
        return sp_archive_broken(r, handle);

    for (int i = 0; i < archive_filter_count(handle); i++)
        if (archive_filter_code(handle, i) == ARCHIVE_FILTER_RPM)
            r->tree->is_package = true;
    if (format == ARCHIVE_FORMAT_AR) {
        r->tree->is_package = true;
        return read_deb(r, handle, entry);
    }
    if (format == ARCHIVE_FORMAT_ZIP) {
        if (sp_archive_read_entry(r, handle, entry, false) < 0)
            return -1;
        return sp_archive_read_entries(r, handle, false);
    }
    return read_plain(r, handle);
}
