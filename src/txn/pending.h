/* SPDX-License-Identifier: Apache-2.0 */
/* Which packages an interrupted transaction is about: it is in the way of those, and of no others. */
#ifndef SP_PENDING_H
#define SP_PENDING_H

#include "base/error.h"
#include "base/pool.h"
#include "txn/history.h"

/* Whether transaction id, one of history->pending, concerns one of the directories: it changed files
 * in, above or below them. The paths are compared by where they lead today. Of one whose journal
 * cannot be read, its backup and its staged contents tell; one of which nothing tells concerns all. */
bool sp_pending_concerns(struct sp_pool *pool, const struct sp_history *history, unsigned id,
                         const sp_strv *dirs);

#endif
