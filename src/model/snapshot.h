/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the files that a layout names, for the plan. */
#ifndef SP_SNAPSHOT_H
#define SP_SNAPSHOT_H

#include "model/plan.h"

/* One snapshot a file of found->layout, in its order (none without a layout). What can't be edited
 * - a directory, a FIFO, a loop of links, a file that is too large - becomes an obstacle, in words;
 * what can't be read for other reasons is an error. */
int sp_snapshot_take(struct sp_pool *pool, struct sp_tree *tree,
                     const struct sp_manifests *manifests, const struct sp_found *found,
                     struct sp_snapshot **out, size_t *count, struct sp_error *err) SP_MUST_CHECK;

#endif
