/* SPDX-License-Identifier: Apache-2.0 */
/* An archive as a tree: tar with any compression, zip (wheels), rpm, deb.
 *
 * The file is read once, when it is opened. All names go into an index; of the contents only what
 * was asked for stays in memory. Nothing is ever written.
 *
 * What is read passes through one or more libarchive handles, each drawing on the one before it:
 *
 *     tar.gz, rpm   file -> decompress ("raw" format) -> tar or cpio
 *     deb           file -> ar, member data.tar.* -> decompress -> tar
 *     zip           file -> zip
 *
 * so that every decompressed byte can be counted, and so that the compressed stream can be read to
 * its very end, where a truncated one shows. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/path.h"
#include "base/utf8_locale.h"
#include "tree/links.h"
#include "tree/tree.h"

#define READ_BLOCK ((size_t)64 << 10)
#define MAX_NAMES  ((size_t)32 << 20) /* bytes of all names together */
#define MAX_KEPT   ((size_t)64 << 20) /* bytes of all kept contents together */
/* A bomb is what unpacks to more than this many times its size. Sources shrink to a fifth, or with
 * much repetition to a twentieth; zeros by deflate to a thousandth. Small files may do as they
 * like. */
#define BOMB_RATIO 200
#define BOMB_SMALL ((uint64_t)64 << 20)

struct node {
    const char *path; /* the first len bytes of it; an implied directory shares its child's */
    size_t len;
    size_t order; /* of appearance; a later entry replaces an earlier one of the same path */
    size_t end;   /* the index after the last node below this one */
    enum sp_entry_kind kind;
    const char *target;   /* of a link */
    const char *hard;     /* the path that this is another name of */
    struct sp_bytes kept; /* data is NULL when the content was not kept */
    bool kept_whole, has_data;
};
typedef SP_VEC(struct node) nodes;

struct archive_backend {
    struct sp_tree base;
    nodes nodes; /* sorted by compare_paths(): a directory stands before all that is in it */
    bool is_package;
};

/* The state of the one pass. */
struct reading {
    struct archive_backend *tree;
    struct sp_pool *pool;
    const sp_strv *wanted;
    struct sp_error *err;
    struct archive *handles[4]; /* the first one reads the file */
    unsigned depth;
    uint64_t file_size, unpacked;
    size_t names, kept;
};

/* ---- errors -------------------------------------------------------------------------------- */

static int cannot(struct reading *r, const char *fmt, ...) SP_PRINTF(2, 3);
static int cannot(struct reading *r, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const char *text = sp_pool_vprintf(r->pool, fmt, args);
    va_end(args);
    return sp_error_set(r->err, SP_ERROR_REFUSED, "%s: %s", r->tree->base.name, text);
}

static int broken(struct reading *r, struct archive *handle)
{
    const char *reason = archive_error_string(handle);
    return cannot(r, "can't read the archive: %s",
                  reason ? sp_escape(r->pool, reason) : "it is damaged or truncated");
}

static int bad_name(struct reading *r, const char *name, const char *what)
{
    return cannot(r, "refused: the archive's entry '%s' %s", sp_escape(r->pool, name), what);
}

static int count_unpacked(struct reading *r, uint64_t bytes)
{
    r->unpacked += bytes;
    if (r->unpacked > SP_MAX_ARCHIVE)
        return cannot(r, "refused: the archive unpacks to more than %llu bytes",
                      (unsigned long long)SP_MAX_ARCHIVE);
    if (r->unpacked > BOMB_SMALL && r->unpacked / BOMB_RATIO > r->file_size)
        return cannot(r, "refused: the archive unpacks to more than %d times its %llu bytes",
                      BOMB_RATIO, (unsigned long long)r->file_size);
    return 0;
}

/* ---- names --------------------------------------------------------------------------------- */

/* By components, so that all below a directory follows it at once: '/' sorts before any byte. */
static int compare_paths(const char *a, size_t alen, const char *b, size_t blen)
{
    size_t min = alen < blen ? alen : blen;
    for (size_t i = 0; i < min; i++) {
        unsigned char x = (unsigned char)a[i], y = (unsigned char)b[i];
        if (x != y)
            return x == '/' ? -1 : y == '/' ? 1 : x < y ? -1 : 1;
    }
    return alen < blen ? -1 : alen > blen;
}

static int compare_nodes(const void *a, const void *b)
{
    const struct node *x = a, *y = b;
    int order = compare_paths(x->path, x->len, y->path, y->len);
    if (order == 0)
        order = x->order < y->order ? -1 : x->order > y->order;
    return order;
}

static struct node *find_node(const struct archive_backend *tree, const char *path, size_t len)
{
    size_t low = 0, high = tree->nodes.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct node *node = &tree->nodes.items[middle];
        int order = compare_paths(path, len, node->path, node->len);
        if (order == 0)
            return node;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* "./a/b/" -> "a/b"; "." and "./" -> "". NULL, with the error set, for what may not be. */
static const char *normalise(struct reading *r, const char *name)
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
        bad_name(r, sp_pool_memdup(r->pool, start, 60), "(and so on) has too long a name");
        return NULL;
    }
    char *path = sp_pool_memdup(r->pool, start, len);
    if (path[0] == '/')
        bad_name(r, name, "has an absolute name");
    else if (!sp_path_is_safe_relative(path))
        bad_name(r, name,
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
static size_t bytes_to_keep(const struct reading *r, const char *path)
{
    for (size_t i = 0; r->wanted && i < r->wanted->count; i++)
        if (sp_path_has_suffix(path, r->wanted->items[i]))
            return SP_MAX_SOURCE;
    return is_metadata(path) ? SP_MAX_METADATA : 0;
}

/* ---- one pass over the file ---------------------------------------------------------------- */

/* Reads what the entry holds, to the end; the first `keep` bytes go to the node. `counted`: the
 * bytes were counted where they were decompressed. */
static int read_content(struct reading *r, struct archive *handle, struct node *node, size_t keep,
                        bool counted)
{
    struct sp_buffer buf = SP_BUFFER_INIT;
    const void *block;
    size_t len;
    la_int64_t offset;
    int rc;

    node->kept_whole = true;
    while ((rc = archive_read_data_block(handle, &block, &len, &offset)) == ARCHIVE_OK) {
        if (!counted && count_unpacked(r, len) < 0)
            goto fail;
        if (len > 0)
            node->has_data = true;
        if (keep == 0)
            continue;
        if (offset < 0 || (uint64_t)offset < buf.len) {
            cannot(r, "can't read the archive: parts of '%s' overlap", node->path);
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
        broken(r, handle);
        goto fail;
    }
    if (keep > 0) {
        r->kept += buf.len;
        if (r->kept > MAX_KEPT) {
            cannot(r, "refused: the files of interest in the archive have more than %zu bytes",
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

static int read_entry(struct reading *r, struct archive *handle, struct archive_entry *entry,
                      bool counted)
{
    const char *name = archive_entry_pathname(entry);
    if (!name) /* the locale has no such characters; UTF-8 has them all */
        name = archive_entry_pathname_utf8(entry);
    if (!name)
        return cannot(r, "refused: the archive has an entry whose name is not UTF-8");
    const char *path = normalise(r, name);
    if (!path)
        return -1;

    struct node node = {.path = path, .len = strlen(path), .order = r->tree->nodes.count};
    const char *hard = archive_entry_hardlink(entry), *soft = archive_entry_symlink(entry);
    if (!hard)
        hard = archive_entry_hardlink_utf8(entry);
    if (!soft)
        soft = archive_entry_symlink_utf8(entry);
    switch (archive_entry_filetype(entry)) {
    case AE_IFDIR:
        node.kind = SP_ENTRY_DIRECTORY;
        break;
    case AE_IFLNK:
        node.kind = SP_ENTRY_LINK;
        break;
    case AE_IFREG:
        node.kind = SP_ENTRY_FILE;
        break;
    default:
        node.kind = SP_ENTRY_OTHER;
    }
    if (hard) {
        if (!(node.hard = normalise(r, hard)))
            return -1;
        node.kind = SP_ENTRY_FILE;
    } else if (node.kind == SP_ENTRY_LINK) {
        node.target = sp_pool_strdup(r->pool, soft ? soft : "");
        r->names += strlen(node.target);
    }
    if (!*path && node.kind != SP_ENTRY_DIRECTORY)
        return bad_name(r, name, "is the top, and no directory");

    r->names += node.len;
    if (r->names > MAX_NAMES)
        return cannot(r, "refused: the names in the archive have more than %zu bytes", MAX_NAMES);
    if (r->tree->nodes.count >= SP_MAX_ENTRIES)
        return cannot(r, "refused: the archive has more than %zu entries", SP_MAX_ENTRIES);

    if (archive_entry_size_is_set(entry) &&
        (archive_entry_size(entry) < 0 || (uint64_t)archive_entry_size(entry) > SP_MAX_ARCHIVE))
        return bad_name(r, name, "claims to be larger than a whole archive may be");

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

static int read_entries(struct reading *r, struct archive *handle, bool counted)
{
    struct archive_entry *entry;
    int rc;
    while ((rc = archive_read_next_header(handle, &entry)) != ARCHIVE_EOF) {
        /* ARCHIVE_WARN: typically a name that the locale cannot show */
        if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
            return broken(r, handle);
        if (read_entry(r, handle, entry, counted) < 0)
            return -1;
    }
    return 0;
}

/* A new handle, freed with the others when the pass is over. */
static struct archive *new_handle(struct reading *r)
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
    struct reading *r;
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
        broken(bridge->r, bridge->from);
    } else if (!bridge->count || count_unpacked(bridge->r, len) == 0) {
        return (la_ssize_t)len;
    }
    archive_set_error(to, EIO, "%s", bridge->r->err->message);
    return -1;
}

/* Reads the rest of what the bridge brings: the padding, and the end of the compressed stream,
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
static int read_plain(struct reading *r, struct archive *from)
{
    struct bridge bridge = {r, from, true};
    struct archive *handle = new_handle(r);
    archive_read_support_format_tar(handle);
    archive_read_support_format_cpio(handle);
    if (archive_read_open(handle, &bridge, NULL, bridge_read, NULL) != ARCHIVE_OK ||
        read_entries(r, handle, true) < 0)
        return sp_error_is_set(r->err) ? -1 : broken(r, handle);

    /* A tar archive ends with two blocks of zeros (pax: pax(1) in POSIX.1-2017, "ustar Interchange
     * Format"); libarchive is content with the end of the file in their place. It has read past
     * the place where the next header would stand only if it found one of them. */
    if ((archive_format(handle) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR &&
        archive_filter_bytes(handle, 0) < archive_read_header_position(handle) + 512)
        return cannot(r, "can't read the archive: it is truncated (no end-of-archive mark)");
    return drain(&bridge);
}

/* The data.tar.* of a Debian package: deb(5). */
static int read_deb(struct reading *r, struct archive *from, struct archive_entry *entry)
{
    for (int rc = ARCHIVE_OK; rc != ARCHIVE_EOF; rc = archive_read_next_header(from, &entry)) {
        if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
            return broken(r, from);
        const char *name = archive_entry_pathname(entry);
        if (!name || strncmp(name, "data.tar", strlen("data.tar")) != 0)
            continue;
        struct bridge bridge = {r, from, false};
        struct archive *handle = new_handle(r);
        add_filters(handle);
        archive_read_support_format_raw(handle);
        if (archive_read_open(handle, &bridge, NULL, bridge_read, NULL) != ARCHIVE_OK ||
            archive_read_next_header(handle, &entry) != ARCHIVE_OK)
            return sp_error_is_set(r->err) ? -1 : broken(r, handle);
        if (read_plain(r, handle) < 0)
            return -1;
        return drain(&bridge);
    }
    return cannot(r, "is an ar archive without a member data.tar: no Debian package");
}

static int read_file(struct reading *r, int fd)
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
        return broken(r, handle);
    int rc = archive_read_next_header(handle, &entry);
    int format = archive_format(handle) & ARCHIVE_FORMAT_BASE_MASK;
    if (rc == ARCHIVE_EOF && format == ARCHIVE_FORMAT_ZIP)
        return 0;
    if (rc == ARCHIVE_EOF)
        return cannot(r, "the file is empty, and no archive");
    if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
        return broken(r, handle);

    for (int i = 0; i < archive_filter_count(handle); i++)
        if (archive_filter_code(handle, i) == ARCHIVE_FILTER_RPM)
            r->tree->is_package = true;
    if (format == ARCHIVE_FORMAT_AR) {
        r->tree->is_package = true;
        return read_deb(r, handle, entry);
    }
    if (format == ARCHIVE_FORMAT_ZIP) {
        if (read_entry(r, handle, entry, false) < 0)
            return -1;
        return read_entries(r, handle, false);
    }
    return read_plain(r, handle);
}

/* ---- the index ----------------------------------------------------------------------------- */

/* Sorts the nodes, lets the later one of two with the same path win, and adds the directories
 * that are only implied by what is in them. */
static int build_index(struct reading *r)
{
    nodes *all = &r->tree->nodes, out = {0};
    size_t *open = NULL; /* the chain of directories around the current node */
    size_t depth = 0, room = 0;
    int rc = -1;

    if (all->count)
        qsort(all->items, all->count, sizeof(*all->items), compare_nodes);
    for (size_t i = 0; i < all->count; i++) {
        const struct node *node = &all->items[i], *next = node + 1;
        if (i + 1 < all->count &&
            compare_paths(node->path, node->len, next->path, next->len) == 0) {
            if ((node->kind == SP_ENTRY_DIRECTORY) != (next->kind == SP_ENTRY_DIRECTORY)) {
                bad_name(r, node->path, "is there twice, as a directory and as something else");
                goto done;
            }
            continue;
        }
        /* leave the directories that do not hold this one */
        while (depth > 0) {
            const struct node *top = &out.items[open[depth - 1]];
            if (node->len > top->len && node->path[top->len] == '/' &&
                strncmp(node->path, top->path, top->len) == 0)
                break;
            out.items[open[--depth]].end = out.count;
        }
        /* enter those between the innermost open one and this one, and then this one */
        size_t from = depth ? out.items[open[depth - 1]].len + 1 : 0;
        if (depth && out.items[open[depth - 1]].kind != SP_ENTRY_DIRECTORY) {
            bad_name(r, node->path, "lies below an entry that is no directory");
            goto done;
        }
        for (;;) {
            const char *slash = memchr(node->path + from, '/', node->len - from);
            if (out.count >= SP_MAX_ENTRIES) {
                cannot(r, "refused: the archive has more than %zu entries", SP_MAX_ENTRIES);
                goto done;
            }
            if (depth == room) {
                room = room ? room * 2 : 64;
                open = sp_xrealloc(open, room * sizeof(*open));
            }
            open[depth++] = out.count;
            if (!slash) {
                *SP_PUSH(r->pool, &out) = *node;
                break;
            }
            *SP_PUSH(r->pool, &out) = (struct node){.path = node->path,
                                                    .len = (size_t)(slash - node->path),
                                                    .kind = SP_ENTRY_DIRECTORY};
            from = out.items[out.count - 1].len + 1;
        }
    }
    while (depth > 0)
        out.items[open[--depth]].end = out.count;
    *all = out;
    rc = 0;
done:
    free(open);
    return rc;
}

/* In a cpio archive the content of a file with several names comes with the last one of them;
 * gives it to the name that the others point to. */
static void settle_hard_links(struct archive_backend *tree)
{
    for (size_t i = 0; i < tree->nodes.count; i++) {
        const struct node *node = &tree->nodes.items[i];
        if (!node->hard || !node->has_data)
            continue;
        struct node *first = find_node(tree, node->hard, strlen(node->hard));
        if (first && first->kind == SP_ENTRY_FILE && !first->hard && !first->has_data) {
            first->kept = node->kept;
            first->kept_whole = node->kept_whole;
            first->has_data = true;
        }
    }
}

/* The node that a chain of hard links ends at; NULL when it ends nowhere. */
static const struct node *follow_hard(const struct archive_backend *tree, const struct node *node)
{
    for (int i = 0; node && node->hard && i < SP_LINKS_MAX; i++)
        node = find_node(tree, node->hard, strlen(node->hard));
    return node && !node->hard && node->kind != SP_ENTRY_DIRECTORY ? node : NULL;
}

/* ---- the operations ------------------------------------------------------------------------ */

static int probe(void *ctx, struct sp_pool *pool, const char *path, enum sp_entry_kind *kind,
                 const char **target, SP_UNUSED struct sp_error *err)
{
    const struct archive_backend *tree = ctx;
    const struct node *node = find_node(tree, path, strlen(path));
    (void)pool;
    *kind = SP_ENTRY_ABSENT;
    if (!node)
        return 0;
    if (node->hard)
        node = follow_hard(tree, node);
    *kind = node ? node->kind : SP_ENTRY_OTHER;
    if (node)
        *target = node->target;
    return 0;
}

/* *node is what path leads to; NULL for the top, and where *kind says that there is nothing. */
static int resolve(struct archive_backend *tree, struct sp_pool *pool, const char *path,
                   enum sp_entry_kind *kind, const struct node **node, struct sp_error *err)
{
    const struct sp_links_walk walk = {probe, tree, tree->is_package};
    const char *real;
    *node = NULL;
    if (sp_links_resolve(&walk, pool, path, kind, &real, err) < 0)
        return -1;
    if (real && *real) {
        *node = find_node(tree, real, strlen(real));
        if (*node && (*node)->hard)
            *node = follow_hard(tree, *node);
    }
    return 0;
}

static int archive_list(struct sp_tree *tree, struct sp_pool *pool, const char *path,
                        sp_entries *out, struct sp_error *err)
{
    struct archive_backend *archive = (struct archive_backend *)tree;
    const nodes *all = &archive->nodes;
    const struct node *directory;
    enum sp_entry_kind kind;
    if (resolve(archive, pool, path, &kind, &directory, err) < 0)
        return -1;
    if (kind != SP_ENTRY_DIRECTORY)
        return 0;
    size_t i = directory ? (size_t)(directory - all->items) + 1 : 0;
    size_t end = directory ? directory->end : all->count, skip = directory ? directory->len + 1 : 0;
    for (; i < end; i = all->items[i].end) {
        const struct node *node = &all->items[i];
        const struct node *first = node->hard ? follow_hard(archive, node) : node;
        *SP_PUSH(pool, out) =
            (struct sp_entry){sp_pool_memdup(pool, node->path + skip, node->len - skip),
                              first ? first->kind : SP_ENTRY_OTHER};
    }
    return 0;
}

static int archive_stat(struct sp_tree *tree, struct sp_pool *pool, const char *path,
                        enum sp_entry_kind *kind, const char **id, struct sp_error *err)
{
    const struct node *node;
    if (resolve((struct archive_backend *)tree, pool, path, kind, &node, err) < 0)
        return -1;
    if (id)
        *id = node ? sp_pool_memdup(pool, node->path, node->len) : "";
    return 0;
}

static int archive_read(struct sp_tree *tree, struct sp_pool *pool, const char *path, size_t limit,
                        struct sp_bytes *out, bool *complete, struct sp_error *err)
{
    const struct node *node;
    enum sp_entry_kind kind;
    if (resolve((struct archive_backend *)tree, pool, path, &kind, &node, err) < 0)
        return -1;
    if (kind != SP_ENTRY_FILE || !node)
        return sp_error_set(err, SP_ERROR_REFUSED, "%s: %s is not a regular file", tree->name,
                            sp_escape(pool, path));
    if (!node->kept.data)
        return sp_error_set(
            err, SP_ERROR_REFUSED,
            "%s: %s is not among the files that were kept when the archive was read", tree->name,
            sp_escape(pool, path));
    *complete = node->kept_whole && node->kept.len <= limit;
    out->len = node->kept.len < limit ? node->kept.len : limit;
    out->data = sp_pool_memdup(pool, node->kept.data, out->len);
    return 0;
}

static void archive_close_tree(SP_UNUSED struct sp_tree *tree)
{
}

static const struct sp_tree_ops archive_ops = {archive_list, archive_stat, archive_read, NULL,
                                               archive_close_tree};

int sp_tree_open_archive(struct sp_pool *pool, const char *file, const sp_strv *wanted,
                         struct sp_tree **out, struct sp_error *err)
{
    struct archive_backend *tree = sp_pool_alloc(pool, sizeof(*tree));
    tree->base.ops = &archive_ops;
    tree->base.name = sp_pool_strdup(pool, file);

    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return sp_error_errno(err, errno, "can't open %s", file);
    struct reading r = {.tree = tree, .pool = pool, .wanted = wanted, .err = err};
    struct stat st;
    int rc = -1;
    if (fstat(fd, &st) < 0) {
        sp_error_errno(err, errno, "can't look at %s", file);
    } else if (!S_ISREG(st.st_mode)) {
        cannot(&r, "is not a regular file");
    } else {
        r.file_size = (uint64_t)st.st_size;
        struct sp_utf8_locale charset;
        sp_utf8_locale_enter(&charset);
        rc = read_file(&r, fd);
        sp_utf8_locale_leave(&charset);
        if (rc == 0)
            rc = build_index(&r);
    }
    while (r.depth > 0) /* the innermost first: it draws on the others */
        archive_read_free(r.handles[--r.depth]);
    close(fd);
    if (rc < 0)
        return -1;
    settle_hard_links(tree);
    *out = &tree->base;
    return 0;
}
