/* SPDX-License-Identifier: Apache-2.0 */
/* An entry of an archive: its name, its kind, and as much of its content as is kept. */
#include <errno.h>
#include <string.h>

#include "base/escape.h"
#include "base/path.h"
#include "tree/archive.h"
#include "tree/links.h"

#define MAX_NAMES ((size_t)32 << 20) /* bytes of all names together */
#define MAX_KEPT  ((size_t)64 << 20) /* bytes of all kept contents together */
/* A bomb unpacks to more than this many times its size. Sources shrink to a fifth, or with
 * much repetition to a twentieth; zeros by deflate to a thousandth. Small files may do as they
 * like. */
#define BOMB_RATIO 200
#define BOMB_SMALL ((uint64_t)64 << 20)

/* ---- errors -------------------------------------------------------------------------------- */

int sp_archive_cannot(struct sp_archive_pass *r, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const char *text = sp_pool_vprintf(r->pool, fmt, args);
    va_end(args);
    return sp_error_set(r->err, SP_ERROR_REFUSED, "%s: %s", r->tree->base.name, text);
}

int sp_archive_broken(struct sp_archive_pass *r, struct archive *handle)
{
    const char *reason = archive_error_string(handle);
    if (archive_errno(handle) == ENOMEM)
        sp_out_of_memory();
    return sp_archive_cannot(r, "cannot read the archive: %s",
                             reason ? sp_escape(r->pool, reason) : "it is damaged or truncated");
}

int sp_archive_bad_name(struct sp_archive_pass *r, const char *name, const char *what)
{
    return sp_archive_cannot(r, "refused: the archive's entry '%s' %s", sp_escape(r->pool, name),
                             what);
}

int sp_archive_count(struct sp_archive_pass *r, uint64_t bytes)
{
    r->unpacked += bytes;
    if (r->unpacked > SP_MAX_ARCHIVE)
        return sp_archive_cannot(r, "refused: the archive unpacks to more than %llu bytes",
                                 (unsigned long long)SP_MAX_ARCHIVE);
    if (r->unpacked > BOMB_SMALL && r->unpacked / BOMB_RATIO > r->file_size)
        return sp_archive_cannot(
            r, "refused: the archive unpacks to more than %d times its %llu bytes", BOMB_RATIO,
            (unsigned long long)r->file_size);
    return 0;
}

/* ---- names --------------------------------------------------------------------------------- */

/* "./a/b/" -> "a/b"; "." and "./" -> "". NULL, with the error set, for a name that is refused. */
static const char *normalise(struct sp_archive_pass *r, const char *name)
{
    const char *start = name;
    while (start[0] == '.' && start[1] == '/')
        start += 1 + strspn(start + 1, "/");
    size_t len = strlen(start);
    if (len > 1 && start[len - 1] == '/') /* a directory */
        len--;
    if ((len == 0 && start != name) || strcmp(start, ".") == 0)
        return "";
    if (len >= SP_LINKS_MAX_PATH) {
        sp_archive_bad_name(r, sp_pool_memdup(r->pool, start, 60),
                            "(and so on) has too long a name");
        return NULL;
    }
    char *path = sp_pool_memdup(r->pool, start, len);
    if (path[0] == '/')
        sp_archive_bad_name(r, name, "has an absolute name");
    else if (!sp_path_is_safe_relative(path))
        sp_archive_bad_name(
            r, name,
            "has a name that is empty, climbs with '..', or has a backslash, a control "
            "character, or bytes that are not UTF-8");
    else
        return path;
    return NULL;
}

static bool is_metadata(const char *path)
{
    const char *name = sp_path_basename(path);
    static const char *const endings[] = {".egg-info", ".pth", ".egg-link"};
    if (strcmp(name, "PKG-INFO") == 0 || strcmp(name, "METADATA") == 0)
        return true;
    size_t len = strlen(name);
    for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
        size_t elen = strlen(endings[i]);
        if (len > elen && strcmp(name + len - elen, endings[i]) == 0)
            return true;
    }
    return false;
}

/* How many bytes of the file are kept. */
static size_t bytes_to_keep(const struct sp_archive_pass *r, const char *path)
{
    for (size_t i = 0; r->wanted && i < r->wanted->count; i++)
        if (sp_path_has_suffix(path, r->wanted->items[i]))
            return SP_MAX_SOURCE;
    return is_metadata(path) ? SP_MAX_METADATA : 0;
}

/* ---- contents ------------------------------------------------------------------------------ */

/* Reads what the entry holds, to the end; the first `keep` bytes go to the node. `counted`: the
 * bytes were counted where they were decompressed. */
static int read_content(struct sp_archive_pass *r, struct archive *handle,
                        struct sp_archive_node *node, size_t keep, bool counted)
{
    struct sp_buffer buf = SP_BUFFER_INIT;
    const void *block;
    size_t len;
    la_int64_t offset;
    int rc;

    node->kept_whole = true;
    while ((rc = archive_read_data_block(handle, &block, &len, &offset)) == ARCHIVE_OK) {
        if (!counted && sp_archive_count(r, len) < 0)
            goto fail;
        if (len > 0)
            node->has_data = true;
        if (keep == 0)
            continue;
        if (offset < 0 || (uint64_t)offset < buf.len) {
            sp_archive_cannot(r, "cannot read the archive: parts of '%s' overlap", node->path);
            goto fail;
        }
        static const char zeros[4096];
        while (buf.len < keep && buf.len < (uint64_t)offset) { /* a hole in a sparse file */
            uint64_t gap = (uint64_t)offset - buf.len;
            size_t room = keep - buf.len, part = room < sizeof(zeros) ? room : sizeof(zeros);
            sp_buffer_add(&buf, zeros, gap < part ? (size_t)gap : part);
        }
        size_t room = keep - buf.len;
        if (len > room)
            node->kept_whole = false;
        sp_buffer_add(&buf, block, len < room ? len : room);
    }
    if (rc != ARCHIVE_EOF) {
        sp_archive_broken(r, handle);
        goto fail;
    }
    if (keep > 0) {
        r->kept += buf.len;
        if (r->kept > MAX_KEPT) {
            sp_archive_cannot(
                r, "refused: the files of interest in the archive have more than %zu bytes",
                MAX_KEPT);
            goto fail;
        }
        node->kept.data = sp_pool_memdup(r->pool, sp_buffer_str(&buf), buf.len);
        node->kept.len = buf.len;
    }
    sp_buffer_free(&buf);
    return 0;

fail:
    sp_buffer_free(&buf);
    return -1;
}

static enum sp_entry_kind kind_of_entry(struct archive_entry *entry)
{
    switch (archive_entry_filetype(entry)) {
    case AE_IFDIR:
        return SP_ENTRY_DIRECTORY;
    case AE_IFLNK:
        return SP_ENTRY_LINK;
    case AE_IFREG:
        return SP_ENTRY_FILE;
    default:
        return SP_ENTRY_OTHER;
    }
}

/* Where a link leads: the node's target, or the file that it is another name of. */
static int read_links(struct sp_archive_pass *r, struct archive_entry *entry,
                      struct sp_archive_node *node)
{
    const char *hard = archive_entry_hardlink(entry), *soft = archive_entry_symlink(entry);
    if (!hard)
        hard = archive_entry_hardlink_utf8(entry);
    if (!soft)
        soft = archive_entry_symlink_utf8(entry);
    if (hard) {
        if (!(node->hard = normalise(r, hard)))
            return -1;
        node->kind = SP_ENTRY_FILE;
    } else if (node->kind == SP_ENTRY_LINK) {
        node->target = sp_pool_strdup(r->pool, soft ? soft : "");
        r->names += strlen(node->target);
    }
    return 0;
}

static int check_entry(struct sp_archive_pass *r, struct archive_entry *entry, const char *name,
                       const struct sp_archive_node *node)
{
    if (!*node->path && node->kind != SP_ENTRY_DIRECTORY)
        return sp_archive_bad_name(r, name, "is the top, and no directory");
    r->names += node->len;
    if (r->names > MAX_NAMES)
        return sp_archive_cannot(r, "refused: the names in the archive have more than %zu bytes",
                                 MAX_NAMES);
    if (r->tree->nodes.count >= SP_MAX_ENTRIES)
        return sp_archive_cannot(r, "refused: the archive has more than %zu entries",
                                 SP_MAX_ENTRIES);
    if (archive_entry_size_is_set(entry) &&
        (archive_entry_size(entry) < 0 || (uint64_t)archive_entry_size(entry) > SP_MAX_ARCHIVE))
        return sp_archive_bad_name(r, name, "claims to be larger than a whole archive may be");
    return 0;
}

int sp_archive_read_entry(struct sp_archive_pass *r, struct archive *handle,
                          struct archive_entry *entry, bool counted)
{
    const char *name = archive_entry_pathname(entry);
    if (!name) /* the locale has no such characters; UTF-8 has them all */
        name = archive_entry_pathname_utf8(entry);
    if (!name)
        return sp_archive_cannot(r, "refused: the archive has an entry whose name is not UTF-8");
    const char *path = normalise(r, name);
    if (!path)
        return -1;

    struct sp_archive_node node = {.path = path,
                                   .len = strlen(path),
                                   .order = r->tree->nodes.count,
                                   .kind = kind_of_entry(entry)};
    if (read_links(r, entry, &node) < 0 || check_entry(r, entry, name, &node) < 0)
        return -1;
    size_t keep = 0;
    if (node.kind == SP_ENTRY_FILE) {
        keep = bytes_to_keep(r, path);
        if (node.hard && keep == 0)
            keep = bytes_to_keep(r, node.hard);
    }
    if (read_content(r, handle, &node, keep, counted) < 0)
        return -1;
    if (*path)
        *SP_PUSH(r->pool, &r->tree->nodes) = node;
    return 0;
}

int sp_archive_read_entries(struct sp_archive_pass *r, struct archive *handle, bool counted)
{
    struct archive_entry *entry;
    int rc;
    while ((rc = archive_read_next_header(handle, &entry)) != ARCHIVE_EOF) {
        /* ARCHIVE_WARN: typically a name that the locale cannot show */
        if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
            return sp_archive_broken(r, handle);
        if (sp_archive_read_entry(r, handle, entry, counted) < 0)
            return -1;
    }
    return 0;
}
