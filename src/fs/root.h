/* SPDX-License-Identifier: Apache-2.0 */
/* The root of the system that is worked on.
 *
 * Every path in the program is relative to it and has no leading slash: "usr/lib" with --root /mnt is
 * /mnt/usr/lib, "" is the root itself, and a link to "/etc" in there leads to /mnt/etc. The slash is
 * added where a path is shown, by sp_root_show(), and nowhere else. */
#ifndef SP_ROOT_H
#define SP_ROOT_H

#include "base/error.h"
#include "base/pool.h"

struct sp_root {
    int fd;           /* of the directory */
    const char *path; /* "" for the running system, else the directory as the operator named it */
};

/* Opens dir ("/" for the running system). */
int sp_root_open(const char *dir, struct sp_root *root, struct sp_error *err) SP_MUST_CHECK;

void sp_root_close(struct sp_root *root);

/* How people see a path: absolute, the root's own path before it. A path from outside, with a slash
 * already, is shown the same. In pool, or root->path. Where it is printed, control characters are
 * made visible (console.h, json.h). */
const char *sp_root_show(const struct sp_root *root, struct sp_pool *pool, const char *path);

#endif
