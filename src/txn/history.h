/* SPDX-License-Identifier: Apache-2.0 */
/* The transactions of a work directory, and what they know about the files of today. */
#ifndef SP_HISTORY_H
#define SP_HISTORY_H

#include "base/error.h"
#include "base/pool.h"
#include "fs/meta.h"
#include "txn/journal.h"
#include "txn/workdir.h"

struct sp_history {
    const struct sp_workdir *workdir;
    SP_VEC(struct sp_journal) journals; /* by number, ascending */
    sp_ids pending; /* unfinished: no journal, a damaged one, prepared or applying */
};

/* Reads all journals. Damaged ones count as pending. */
int sp_history_load(struct sp_pool *pool, const struct sp_workdir *workdir, struct sp_history *out,
                    struct sp_error *err) SP_MUST_CHECK;

/* The journal of that number, or NULL. */
const struct sp_journal *sp_history_find(const struct sp_history *history, unsigned id);

/* Whether a committed rollback took the transaction back. */
bool sp_history_is_reverted(const struct sp_history *history, unsigned id);

/* Looks for the latest committed transaction that replaced or removed the file with this content:
 * *meta is what the file had then. *found is false if there is none. */
int sp_history_meta(struct sp_pool *pool, const struct sp_history *history, const char *path,
                    const struct sp_blob_id *content, struct sp_meta *meta, bool *found,
                    struct sp_error *err) SP_MUST_CHECK;

/* The content and metadata of a file before the transaction. SP_ERROR_NEEDS_RECOVERY when the archive is
 * damaged, or holds a content of another id than the one expected. */
int sp_history_backup(struct sp_pool *pool, const struct sp_history *history, unsigned id,
                      const char *path, const struct sp_blob_id *expected, struct sp_bytes *content,
                      struct sp_meta *meta, struct sp_error *err) SP_MUST_CHECK;

/* The modification time that the directory had before our transactions with numbers from `since`
 * on, if it still has the one that the latest of them left (nothing else changed it); else `now`.
 */
struct timespec sp_history_dir_time(const struct sp_history *history, const char *path,
                                    struct timespec now, unsigned since);

#endif
