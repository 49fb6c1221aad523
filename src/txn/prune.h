/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the work directory from growing without end.
 *
 * The latest transactions stay (SP_PRUNE_KEEP of them). Of the older ones these go:
 * - those that were aborted: they changed nothing;
 * - those that together came to nothing: an install, with all up to the uninstall or rollback after
 *   which every file that they changed is as it was before them, and no component is known as
 *   integrated (integrated.h) that was not before.
 * All others stay, and so do those that are damaged, unfinished, of another system, or have a file in
 * their directory that is not ours. The earlier content and metadata of each integrated file is in them. */
#ifndef SP_PRUNE_H
#define SP_PRUNE_H

#include "base/error.h"
#include "base/pool.h"
#include "txn/history.h"

enum {
    SP_PRUNE_KEEP = 20
};

/* Chooses what goes: numbers, ascending, into *out. */
void sp_prune_choose(struct sp_pool *pool, const struct sp_history *history, sp_ids *out);

/* Removes what goes; the work directory is locked. A crash leaves each transaction complete, without
 * its backup, or empty. Without more than SP_PRUNE_KEEP transactions nothing is read. One
 * that cannot be removed stays: it is not worth failing for. */
void sp_prune(const struct sp_workdir *workdir);

#endif
