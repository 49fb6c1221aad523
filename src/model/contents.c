/* SPDX-License-Identifier: Apache-2.0 */
#include "model/contents.h"

#include <string.h>

#include "model/manifest.h"

static struct sp_known_file *file_of(struct sp_contents *contents, const char *path)
{
    for (size_t i = 0; i < contents->files.count; i++)
        if (strcmp(contents->files.items[i].path, path) == 0)
            return &contents->files.items[i];
    struct sp_known_file *file = SP_PUSH(contents->pool, &contents->files);
    *file = (struct sp_known_file){.path = path};
    return file;
}

/* Reads the file, unless that was done. One that has vanished since it was looked at is not there. */
static int read_file(struct sp_contents *contents, struct sp_known_file *file, struct sp_error *err)
{
    struct sp_tree *tree = contents->tree;
    if (file->is_read)
        return 0;
    file->content = (struct sp_excerpt){{NULL, 0}, true};
    if (sp_tree_kind(tree, contents->pool, file->path, &file->kind, err) < 0)
        return -1;
    struct sp_error own = SP_ERROR_INIT;
    if (file->kind == SP_ENTRY_FILE &&
        sp_tree_read(tree, contents->pool, file->path, SP_MAX_SOURCE, &file->content, &own) < 0) {
        if (!sp_error_forgive_gone(&own, err))
            return -1;
        file->kind = SP_ENTRY_ABSENT;
        file->content.bytes = (struct sp_bytes){NULL, 0};
    }
    file->is_read = true;
    return 0;
}

int sp_contents_look(struct sp_contents *contents, const char *path, enum sp_entry_kind *kind,
                     struct sp_excerpt *out, struct sp_error *err)
{
    struct sp_known_file *file = file_of(contents, path);
    if (read_file(contents, file, err) < 0)
        return -1;
    *kind = file->kind;
    *out = file->content;
    return 0;
}

int sp_contents_read(struct sp_contents *contents, const char *path, struct sp_bytes *out,
                     struct sp_error *err)
{
    struct sp_known_file *file = file_of(contents, path);
    if (read_file(contents, file, err) < 0)
        return -1;
    *out = file->content.bytes;
    return 0;
}

int sp_contents_id(struct sp_contents *contents, const char *path, struct sp_blob_id *out,
                   struct sp_error *err)
{
    struct sp_known_file *file = file_of(contents, path);
    struct sp_bytes content = {NULL, 0};
    if (!file->has_id) {
        if (sp_tree_blob(contents->tree, contents->pool, path, &file->id, err) < 0)
            return -1;
        if (!*file->id.hex && (sp_contents_read(contents, path, &content, err) < 0 ||
                               (content.data && sp_blob_hash(content, &file->id, err) < 0)))
            return -1;
        file->has_id = true;
    }
    *out = file->id;
    return 0;
}
