/* SPDX-License-Identifier: Apache-2.0 */
/* Opening what is in the work directory; for workdir.c, workdir_ids.c and staging.c. */
#ifndef SP_WORKDIR_PART_H
#define SP_WORKDIR_PART_H

#include "fs/dir.h"
#include "txn/workdir.h"

/* Opens the directory `name` in dir, following no link. out->fd is -1, and errno says why, if that
 * fails; out->shown is set in any case, in pool. */
void sp_workdir_open_part(struct sp_pool *pool, const struct sp_dir *dir, const char *name,
                          struct sp_dir *out);

/* Why what has the name in dir is no directory of the work directory's owner: "is a FIFO, not a directory".
 * NULL: it is one, or there is nothing. */
const char *sp_workdir_misfit(struct sp_pool *pool, const struct sp_workdir *workdir,
                              const struct sp_dir *dir, const char *name);

/* Gives what has the name in dir another one, durably: "NAME.kept-1a2b3c4d"; *kept is how it is shown. */
int sp_workdir_keep(struct sp_pool *pool, const struct sp_dir *dir, const char *name,
                    const char **kept, struct sp_error *err) SP_MUST_CHECK;

#endif
