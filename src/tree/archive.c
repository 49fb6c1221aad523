/* SPDX-License-Identifier: Apache-2.0 */
/* An archive as a tree: tar with any compression, zip (wheels), rpm, deb.
 *
 * The file is read once, when it is opened. All names go into an index; of the contents only the part
 * that was asked for stays in memory. Nothing is ever written. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/utf8_locale.h"
#include "tree/archive.h"
#include "tree/links.h"

static int probe(void *ctx, struct sp_pool *pool, const char *path, enum sp_entry_kind *kind,
                 const char **target, SP_UNUSED struct sp_error *err)
{
    const struct sp_archive *tree = ctx;
    const struct sp_archive_node *node = sp_archive_find(tree, path, strlen(path));
    (void)pool;
    *kind = SP_ENTRY_ABSENT;
    if (!node)
        return 0;
    if (node->hard)
        node = sp_archive_follow(tree, node);
    *kind = node ? node->kind : SP_ENTRY_OTHER;
    if (node)
        *target = node->target;
    return 0;
}

/* *node is the one that path leads to; NULL for the top, and where *kind says that there is nothing. */
static int resolve(struct sp_archive *tree, struct sp_pool *pool, const char *path,
                   enum sp_entry_kind *kind, const struct sp_archive_node **node,
                   struct sp_error *err)
{
    const struct sp_links_walk walk = {probe, tree, tree->is_package};
    const char *real;
    *node = NULL;
    if (sp_links_resolve(&walk, pool, path, kind, &real, err) < 0)
        return -1;
    if (real && *real) {
        *node = sp_archive_find(tree, real, strlen(real));
        if (*node && (*node)->hard)
            *node = sp_archive_follow(tree, *node);
    }
    return 0;
}

static int archive_list(struct sp_tree *tree, struct sp_pool *pool, const char *path,
                        sp_entries *out, struct sp_error *err)
{
    struct sp_archive *archive = (struct sp_archive *)tree;
    const sp_archive_nodes *all = &archive->nodes;
    const struct sp_archive_node *directory;
    enum sp_entry_kind kind;
    if (resolve(archive, pool, path, &kind, &directory, err) < 0)
        return -1;
    if (kind != SP_ENTRY_DIRECTORY)
        return 0;
    size_t i = directory ? (size_t)(directory - all->items) + 1 : 0;
    size_t end = directory ? directory->end : all->count, skip = directory ? directory->len + 1 : 0;
    for (; i < end; i = all->items[i].end) {
        const struct sp_archive_node *node = &all->items[i];
        const struct sp_archive_node *first = node->hard ? sp_archive_follow(archive, node) : node;
        *SP_PUSH(pool, out) =
            (struct sp_entry){sp_pool_memdup(pool, node->path + skip, node->len - skip),
                              first ? first->kind : SP_ENTRY_OTHER};
    }
    return 0;
}

static int archive_stat(struct sp_tree *tree, struct sp_pool *pool, const char *path,
                        enum sp_entry_kind *kind, const char **id, struct sp_error *err)
{
    const struct sp_archive_node *node;
    if (resolve((struct sp_archive *)tree, pool, path, kind, &node, err) < 0)
        return -1;
    if (id)
        *id = node ? sp_pool_memdup(pool, node->path, node->len) : "";
    return 0;
}

/* Only what was asked for when the archive was opened is in memory; a link can lead to more. */
static int not_kept(const struct sp_archive *archive, struct sp_pool *pool, const char *path,
                    const struct sp_archive_node *node, struct sp_error *err)
{
    const struct sp_archive_node *named = sp_archive_find(archive, path, strlen(path));
    const char *how = !named                         ? "leads by a link"
                      : named->hard                  ? "is a hard link"
                      : named->kind == SP_ENTRY_LINK ? "is a symbolic link"
                                                     : NULL;
    const char *shown = sp_escape(pool, path);
    if (!how)
        return sp_error_set(
            err, SP_ERROR_REFUSED,
            "%s: %s is not among the files that were kept when the archive was read",
            archive->base.name, shown);
    return sp_error_set(err, SP_ERROR_REFUSED,
                        "%s: %s %s to %s, and contents of that name are not read from an archive; "
                        "unpack it and name the directory",
                        archive->base.name, shown, how,
                        sp_escape(pool, sp_pool_memdup(pool, node->path, node->len)));
}

static int archive_read(struct sp_tree *tree, struct sp_pool *pool, const char *path, size_t limit,
                        struct sp_excerpt *out, struct sp_error *err)
{
    const struct sp_archive_node *node;
    enum sp_entry_kind kind;
    if (resolve((struct sp_archive *)tree, pool, path, &kind, &node, err) < 0)
        return -1;
    if (kind != SP_ENTRY_FILE || !node)
        return sp_error_set(err, SP_ERROR_REFUSED, "%s: %s is not a regular file", tree->name,
                            sp_escape(pool, path));
    if (!node->kept.data)
        return not_kept((struct sp_archive *)tree, pool, path, node, err);
    out->complete = node->kept_whole && node->kept.len <= limit;
    out->bytes.len = node->kept.len < limit ? node->kept.len : limit;
    out->bytes.data = sp_pool_memdup(pool, node->kept.data, out->bytes.len);
    return 0;
}

static void archive_close_tree(SP_UNUSED struct sp_tree *tree)
{
}

static const struct sp_tree_ops archive_ops = {archive_list, archive_stat,       archive_read,
                                               NULL,         archive_close_tree, NULL};

int sp_tree_open_archive(struct sp_pool *pool, const char *file, const sp_strv *wanted,
                         struct sp_tree **out, struct sp_error *err)
{
    struct sp_archive *tree = sp_pool_alloc(pool, sizeof(*tree));
    tree->base.ops = &archive_ops;
    tree->base.name = sp_pool_strdup(pool, file);

    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return sp_error_errno(err, errno, "cannot open '%s'", file);
    struct sp_archive_pass r = {.tree = tree, .pool = pool, .wanted = wanted, .err = err};
    struct stat st;
    int rc = -1;
    if (fstat(fd, &st) < 0) {
        sp_error_errno(err, errno, "cannot look at '%s'", file);
    } else if (!S_ISREG(st.st_mode)) {
        sp_archive_cannot(&r, "is not a regular file");
    } else {
        r.file_size = (uint64_t)st.st_size;
        struct sp_utf8_locale charset;
        sp_utf8_locale_enter(&charset);
        rc = sp_archive_read_file(&r, fd);
        sp_utf8_locale_leave(&charset);
        if (rc == 0)
            rc = sp_archive_build_index(&r);
    }
    while (r.depth > 0) /* the innermost first: it draws on the others */
        archive_read_free(r.handles[--r.depth]);
    close(fd);
    if (rc < 0)
        return -1;
    sp_archive_share_contents(tree);
    *out = &tree->base;
    return 0;
}
