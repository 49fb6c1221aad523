/* SPDX-License-Identifier: Apache-2.0 */
/* A recovery on its way: what recover.c and recover_undo.c share, and nobody else. */
#ifndef SP_RECOVERY_H
#define SP_RECOVERY_H

#include "base/error.h"
#include "base/pool.h"
#include "fs/replace.h"
#include "txn/backup.h"
#include "txn/journal.h"
#include "txn/workdir.h"

/* How a target compares with the journal. */
enum sp_target_state {
    TARGET_OLD,
    TARGET_NEW,
    TARGET_OTHER
};

struct sp_recover_target {
    const struct sp_journal_file *file;
    struct sp_dir dir; /* not open: its directory is gone */
    const char *name, *shown, *aside;
    enum sp_target_state state;
    struct sp_expected now; /* of a regular file */
    bool has_temp;          /* a name that only this transaction gives */
};

struct sp_recovery {
    struct sp_pool *pool;
    struct sp_workdir *workdir;
    struct sp_journal *journal;
    bool force;
    struct sp_recover_target *targets;
    struct sp_backup_entry *backup;
    size_t backup_count;
    sp_strv *messages;
};

/* The blob id of a regular file; "" for none, and for one that is not regular or too large. */
int sp_recover_hash(struct sp_pool *pool, const struct sp_dir *dir, const char *name,
                    struct sp_blob_id *out, struct sp_error *err) SP_MUST_CHECK;

/* Loads the backup if something has to be restored from it, and checks it against the journal:
 * SP_ERROR_NEEDS_RECOVERY if it is damaged. */
int sp_recover_load_backup(struct sp_recovery *r, struct sp_error *err) SP_MUST_CHECK;

/* Undoes what was done to one target. Names that an interrupted run left are removed before and after. */
int sp_recover_undo(struct sp_recovery *r, const struct sp_recover_target *target,
                    struct sp_error *err) SP_MUST_CHECK;

#endif
