/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/tree.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/escape.h"
#include "fs/root.h"
#include "tree/links.h"

static void close_root(void *root)
{
    sp_root_close(root);
}

static int open_directory(struct sp_pool *pool, const char *dir, struct sp_tree **out,
                          struct sp_error *err)
{
    struct sp_root *root = sp_pool_alloc(pool, sizeof(*root));
    if (sp_root_open(sp_pool_strdup(pool, dir), root, err) < 0)
        return -1;
    sp_pool_defer(pool, close_root, root);
    return sp_tree_open_root(pool, root, dir, out, err);
}

/* Splits REPO@REV at the last '@' after a name that exists: a revision can hold
 * one too, as HEAD@{1} does. The first half, or NULL. */
static const char *split_revision(struct sp_pool *pool, const char *spec, const char **rev)
{
    struct stat st;
    for (size_t at = strlen(spec); at-- > 1;) {
        if (spec[at] != '@')
            continue;
        const char *repo = sp_pool_memdup(pool, spec, at);
        if (stat(repo, &st) == 0) {
            *rev = spec + at + 1;
            return repo;
        }
    }
    return NULL;
}

int sp_tree_open(struct sp_pool *pool, const char *spec, const sp_strv *wanted,
                 struct sp_tree **out, struct sp_error *err)
{
    const char *shown = sp_escape(pool, spec);
    struct stat st;
    if (stat(spec, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return open_directory(pool, spec, out, err);
        if (S_ISREG(st.st_mode))
            return sp_tree_open_archive(pool, spec, wanted, out, err);
        return sp_error_set(err, SP_ERROR_REFUSED, "%s is neither a directory nor an archive",
                            shown);
    }
    if (errno != ENOENT && errno != ENOTDIR && errno != ENAMETOOLONG)
        return sp_error_errno(err, errno, "cannot look at '%s'", shown);

    const char *rev, *repo = split_revision(pool, spec, &rev);
    if (!repo)
        return sp_error_set(err, SP_ERROR_REFUSED,
                            "there is no tree %s: neither a directory, nor an archive, nor "
                            "REPOSITORY@REVISION of a git repository that exists",
                            shown);
    if (!*rev)
        return sp_error_set(err, SP_ERROR_REFUSED, "no revision is named after the @ of %s", shown);
    return sp_tree_open_git(pool, repo, rev, out, err);
}

int sp_tree_list(struct sp_tree *tree, struct sp_pool *pool, const char *path, sp_entries *out,
                 struct sp_error *err)
{
    return tree->ops->list(tree, pool, path, out, err);
}

int sp_tree_kind(struct sp_tree *tree, struct sp_pool *pool, const char *path,
                 enum sp_entry_kind *kind, struct sp_error *err)
{
    return tree->ops->stat(tree, pool, path, kind, NULL, err);
}

int sp_tree_read(struct sp_tree *tree, struct sp_pool *pool, const char *path, size_t limit,
                 struct sp_excerpt *out, struct sp_error *err)
{
    return tree->ops->read(tree, pool, path, limit, out, err);
}
