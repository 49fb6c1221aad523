/* SPDX-License-Identifier: Apache-2.0 */
/* The trees of --tree are read in a process of its own, under limits: host/worker.h. */
#ifndef SP_GUARD_H
#define SP_GUARD_H

#include "cli/cli.h"
#include "cli/console.h"

/* 0 in the process that runs the command: this one when there is no --tree, else a worker, whose
 * items are the numbers of the trees. 1 in the process that waited for it; *status is the exit
 * status. One tree that cannot be read costs its own sentence: where there are others, the command
 * is run on them, and *status is that of the first one that failed. -1: no process could be
 * started. */
int sp_guard_trees(struct sp_pool *pool, struct sp_options *options, struct sp_console *console,
                   int *status, struct sp_error *err) SP_MUST_CHECK;

#endif
