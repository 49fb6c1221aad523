/* SPDX-License-Identifier: Apache-2.0 */
/* The transactions of a work directory, and their knowledge of today's files. */
#ifndef SP_HISTORY_H
#define SP_HISTORY_H

#include "base/error.h"
#include "base/pool.h"
#include "fs/meta.h"
#include "txn/journal.h"
#include "txn/workdir.h"

/* A finished transaction whose journal cannot be read. */
struct sp_history_damage {
    unsigned id;
    const char *reason; /* a sentence with the path of the journal */
};

struct sp_history {
    const struct sp_workdir *workdir;
    const char *machine; /* machine-id(5) of the system at hand; "": it has none */
    /* By number, ascending. Of a finished one whose journal cannot be read, record, id and state
     * are known, and all else is empty: nobody has to wait for it. */
    SP_VEC(struct sp_journal) journals;
    SP_VEC(struct sp_history_damage) damaged; /* why, by number, ascending */
    sp_ids
        pending; /* unfinished: no journal, or one that is damaged, prepared or applying; or a thing
                     * that is no directory has its name, while there is work/ID */
};

/* Reads all journals. Memory: some 2 KB a transaction. */
int sp_history_load(struct sp_pool *pool, const struct sp_workdir *workdir, struct sp_history *out,
                    struct sp_error *err) SP_MUST_CHECK;

/* The journal of that number, or NULL. */
const struct sp_journal *sp_history_find(const struct sp_history *history, unsigned id);

/* False for a transaction of another system: its machine id differs. A work directory may be shared,
 * and the same paths have other files there. */
bool sp_history_is_here(const struct sp_history *history, const struct sp_journal *journal);

/* Whether a committed rollback reverted the transaction. */
bool sp_history_is_reverted(const struct sp_history *history, unsigned id);

/* Its state as people are shown it: prepared, applying, committed, aborted, rolled-back or damaged. */
const char *sp_history_state(const struct sp_history *history, const struct sp_journal *journal);

/* Looks for the latest committed transaction on this system that replaced or removed the file with this content:
 * *out is the metadata that the file had then, in pool, or NULL if there is none. */
int sp_history_meta(struct sp_pool *pool, const struct sp_history *history, const char *path,
                    const struct sp_blob_id *content, const struct sp_meta **out,
                    struct sp_error *err) SP_MUST_CHECK;

/* The latest committed transaction on this system that gave the file this content, or NULL. */
const struct sp_journal *sp_history_writer(const struct sp_history *history, const char *path,
                                           const struct sp_blob_id *content);

/* A file before a transaction: what is looked for, and where it goes. */
struct sp_history_entry {
    const char *path;
    const struct sp_blob_id *id; /* of the content that is expected */
    struct sp_bytes *content;
    struct sp_meta *meta;
};

/* Copies the content and metadata of a file before the transaction out of its backup, into pool.
 * SP_ERROR_NEEDS_RECOVERY when the backup is damaged, or has another content than the one expected. */
int sp_history_backup(struct sp_pool *pool, const struct sp_history *history, unsigned id,
                      const struct sp_history_entry *wanted, struct sp_error *err) SP_MUST_CHECK;

/* The modification time that the directory had before our transactions with numbers from `since`
 * on, if it still has the one that the latest of them left (nothing else changed it); else `now`.
 */
struct timespec sp_history_dir_time(const struct sp_history *history, const char *path,
                                    struct timespec now, unsigned since);

#endif
