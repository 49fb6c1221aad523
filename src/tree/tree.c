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

/* None of these is in the name of a reference: git-check-ref-format(1). With ':', '^' and '{' they
 * may be in a revision: "main^{/fix.*}". */
static bool is_pattern(const char *rev)
{
    return strpbrk(rev, "*?[") && !strpbrk(rev, ":^{");
}

int sp_tree_expand(struct sp_pool *pool, const char *spec, sp_strv *out, struct sp_error *err)
{
    static const char *const prefixes[] = {"refs/tags/", "refs/heads/", "refs/remotes/"};
    const char *rev = "", *repo = NULL;
    struct stat st;
    sp_strv names = {NULL, 0, 0};
    if (stat(spec, &st) < 0)
        repo = split_revision(pool, spec, &rev);
    if (!repo || !is_pattern(rev)) {
        *SP_PUSH(pool, out) = spec;
        return 0;
    }
    bool full = strncmp(rev, "refs/", strlen("refs/")) == 0;
    for (size_t i = 0; names.count == 0 && i < (full ? 1 : sizeof(prefixes) / sizeof(*prefixes));
         i++)
        if (sp_tree_git_references(pool, repo, full ? "" : prefixes[i], rev, &names, err) < 0)
            return -1;
    for (size_t i = 0; i < names.count; i++)
        *SP_PUSH(pool, out) = sp_pool_printf(pool, "%s@%s", repo, names.items[i]);
    if (names.count)
        return 0;
    return sp_error_set(err, SP_ERROR_REFUSED, "%s: no tag and no branch matches '%s'",
                        sp_escape(pool, repo), sp_escape(pool, rev));
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

int sp_tree_blob(struct sp_tree *tree, struct sp_pool *pool, const char *path,
                 struct sp_blob_id *out, struct sp_error *err)
{
    out->hex[0] = '\0';
    return tree->ops->blob ? tree->ops->blob(tree, pool, path, out, err) : 0;
}
