/* SPDX-License-Identifier: Apache-2.0 */
/* Temporary files of transactions that this system knows nothing of: a copy that was made of a directory
 * in the middle of one (rsync, an image, a snapshot by hard links) has them for ever. */
#ifndef SP_LEFTOVERS_H
#define SP_LEFTOVERS_H

#include "base/pool.h"
#include "txn/history.h"

/* Adds the temporary files, by their paths as shown, that are in the directories of the files (real
 * paths), are named after one of them, and are in no journal. A directory that cannot be read has
 * none. */
void sp_leftovers_find(struct sp_pool *pool, const struct sp_root *root,
                       const struct sp_history *history, const sp_strv *files, sp_strv *out);

#endif
