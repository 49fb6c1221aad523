/* SPDX-License-Identifier: Apache-2.0 */
/* Opening what is in the work directory; for workdir.c, workdir_ids.c and staging.c. */
#ifndef SP_WORKDIR_PART_H
#define SP_WORKDIR_PART_H

#include "fs/dir.h"

/* Opens the directory `name` in dir, following no link. out->fd is -1, and errno says why, if that
 * fails; out->shown is set in any case, in pool. */
void sp_workdir_open_part(struct sp_pool *pool, const struct sp_dir *dir, const char *name,
                          struct sp_dir *out);

#endif
