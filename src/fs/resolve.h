/* SPDX-License-Identifier: Apache-2.0 */
/* From a path to the file that it leads to, inside the root. A real path is one that holds no link
 * any more; it is opened without following any, so a link that is planted later makes the call fail,
 * not wander. */
#ifndef SP_RESOLVE_H
#define SP_RESOLVE_H

#include <sys/stat.h>

#include "fs/dir.h"
#include "fs/root.h"

/* The real path of path, which may come from outside (leading and double slashes, "." and ".."): links
 * (at most 40, none leaving the root; ".." above the root stays at the root) followed, the last
 * component too. *st (may be NULL) is the file there. *real is NULL when there is none: a component
 * is missing, or a link's target. Errors: SP_ERROR_SYSTEM; SP_ERROR_REFUSED for links that loop. */
int sp_fs_resolve(const struct sp_root *root, struct sp_pool *pool, const char *path,
                  const char **real, struct stat *st, struct sp_error *err) SP_MUST_CHECK;

/* Opens the directory at a real path, following no link. O_RDONLY|O_DIRECTORY|O_CLOEXEC. The caller
 * closes it; its name is in pool. */
int sp_fs_open_dir(const struct sp_root *root, struct sp_pool *pool, const char *real,
                   struct sp_dir *out, struct sp_error *err) SP_MUST_CHECK;

#endif
