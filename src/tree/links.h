/* SPDX-License-Identifier: Apache-2.0 */
/* Following links inside a tree that no kernel knows: a git revision, an archive. */
#ifndef SP_LINKS_H
#define SP_LINKS_H

#include "base/error.h"
#include "base/pool.h"
#include "tree/tree.h"

#define SP_LINKS_MAX_PATH 4096 /* PATH_MAX of Linux: a longer path or link target leads nowhere */
#define SP_LINKS_MAX      40   /* as many as the kernel follows: path_resolution(7) */

struct sp_links_walk {
    /* The kind of file at `path` ("" is the top; no "." or ".."), links not followed;
     * SP_ENTRY_ABSENT when nothing is there. The text of a link goes to *target. */
    int (*probe)(void *ctx, struct sp_pool *pool, const char *path, enum sp_entry_kind *kind,
                 const char **target, struct sp_error *err);
    void *ctx;
    bool absolute; /* links to absolute paths start at the top (a package that is unpacked to "/");
                      else they lead out of the tree */
};

/* Follows path with the rules of path_resolution(7). *kind is the kind of file there, and *real the
 * path without links. A path that is missing, lies beyond something that is no directory, or climbs
 * above the top is SP_ENTRY_ABSENT; when path itself names a link that leads to such a place, or in
 * a circle, it is SP_ENTRY_OTHER. *real is NULL then. Errors: only those of probe. */
int sp_links_resolve(const struct sp_links_walk *walk, struct sp_pool *pool, const char *path,
                     enum sp_entry_kind *kind, const char **real,
                     struct sp_error *err) SP_MUST_CHECK;

#endif
