/* SPDX-License-Identifier: Apache-2.0 */
#include "model/snapshot.h"

#include "base/path.h"

/* Where the change would really go: links are shown as their targets. */
static int find_real(struct sp_pool *pool, struct sp_tree *tree, struct sp_file_snapshot *out,
                     struct sp_error *err)
{
    const char *real = NULL;
    if (!tree->ops->real)
        return 0;
    if (tree->ops->real(tree, pool, out->real, &real, err) < 0)
        return -1;
    if (real)
        out->real = real;
    return 0;
}

/* Whether there is a directory for a new file. */
static int check_place(struct sp_pool *pool, struct sp_tree *tree, struct sp_file_snapshot *out,
                       struct sp_error *err)
{
    enum sp_entry_kind kind;
    const char *dir = sp_path_dirname(pool, out->real);
    if (sp_tree_kind(tree, pool, dir, &kind, err) < 0)
        return -1;
    if (kind == SP_ENTRY_ABSENT)
        out->obstacle = "the directory that it goes into is missing; the package is not complete";
    else if (kind != SP_ENTRY_DIRECTORY)
        out->obstacle = "what it goes into is not a directory";
    return 0;
}

/* Where a file that is edited is missing: Python may import what was compiled of it. */
static int check_compiled(struct sp_pool *pool, struct sp_tree *tree, struct sp_file_snapshot *out,
                          struct sp_error *err)
{
    enum sp_entry_kind kind;
    if (out->spec->edits.count == 0)
        return 0;
    if (sp_tree_kind(tree, pool, sp_pool_printf(pool, "%sc", out->real), &kind, err) < 0)
        return -1;
    if (kind == SP_ENTRY_FILE)
        out->obstacle = "only its compiled file (.pyc) is there, which cannot be changed; "
                        "install the package with its sources";
    return 0;
}

static int take_one(struct sp_contents *contents, const struct sp_manifests *manifests,
                    struct sp_file_snapshot *out, struct sp_error *err)
{
    struct sp_pool *pool = contents->pool;
    struct sp_tree *tree = contents->tree;
    enum sp_entry_kind kind;
    struct sp_excerpt text;
    if (find_real(pool, tree, out, err) < 0)
        return -1;
    if (out->spec->copy &&
        sp_manifests_driver(pool, manifests, out->spec->copy, &out->driver, err) < 0)
        return -1;
    if (sp_contents_look(contents, out->real, &kind, &text, err) < 0)
        return -1;
    if (kind == SP_ENTRY_ABSENT)
        return out->spec->copy ? check_place(pool, tree, out, err)
                               : check_compiled(pool, tree, out, err);
    if (kind == SP_ENTRY_DIRECTORY)
        out->obstacle = "a directory is in the place of the file";
    else if (kind != SP_ENTRY_FILE)
        out->obstacle = "something other than a regular file is there (a FIFO, a device, a "
                        "socket, or a link that leads nowhere or in a circle)";
    out->content = text.bytes;
    if (!text.complete)
        out->obstacle = sp_pool_printf(pool, "it is larger than %zu bytes", SP_MAX_SOURCE);
    return 0;
}

int sp_snapshot_take(struct sp_contents *contents, const struct sp_manifests *manifests,
                     const struct sp_detection *found, sp_file_snapshots *out, struct sp_error *err)
{
    struct sp_pool *pool = contents->pool;
    for (size_t i = 0; found->layout && i < found->layout->files.count; i++) {
        struct sp_file_snapshot *file = SP_PUSH(pool, out);
        file->spec = &found->layout->files.items[i];
        file->path = sp_path_join(pool, found->name, file->spec->path);
        file->real = sp_path_join(pool, found->dir, file->spec->path);
        if (take_one(contents, manifests, file, err) < 0)
            return -1;
    }
    return 0;
}
