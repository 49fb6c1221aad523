/* SPDX-License-Identifier: Apache-2.0 */
/* The contents of files of a tree, each read and hashed once at the most. */
#ifndef SP_CONTENTS_H
#define SP_CONTENTS_H

#include "tree/tree.h"

struct sp_known_file {
    const char *path;
    bool is_read, has_id;
    enum sp_entry_kind kind;
    struct sp_excerpt content; /* of a regular file; data NULL: it is none */
    struct sp_blob_id id;
};

/* Both members first are set by the owner; the files live in the pool. */
struct sp_contents {
    struct sp_pool *pool;
    struct sp_tree *tree;
    SP_VEC(struct sp_known_file) files;
};

/* The kind of an entry, and, of a regular file, its content up to SP_MAX_SOURCE bytes. The path
 * lives as long as the pool. Errors: those of the tree. */
int sp_contents_look(struct sp_contents *contents, const char *path, enum sp_entry_kind *kind,
                     struct sp_excerpt *out, struct sp_error *err) SP_MUST_CHECK;

/* The content of a regular file, up to SP_MAX_SOURCE bytes; data is NULL if there is none; otherwise
 * like sp_contents_look(). */
int sp_contents_read(struct sp_contents *contents, const char *path, struct sp_bytes *out,
                     struct sp_error *err) SP_MUST_CHECK;

/* Its id as a git blob, "" if there is none: from the tree where that knows it, which saves the
 * reading, else from the content. */
int sp_contents_id(struct sp_contents *contents, const char *path, struct sp_blob_id *out,
                   struct sp_error *err) SP_MUST_CHECK;

#endif
