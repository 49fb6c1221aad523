/* SPDX-License-Identifier: Apache-2.0 */
/* A transaction on its way: what transaction.c, prepare.c and abort.c share, and nobody else. */
#ifndef SP_RUN_H
#define SP_RUN_H

#include "fs/replace.h"
#include "txn/package_lock.h"
#include "txn/transaction.h"

#define SP_BACKUP_NAME "backup.tar"
#define SP_PATCH_NAME  "changes.patch"
#define SP_TEMP_MARK   ".sp-openstack-"

/* A directory that targets are in. It is opened once, and everything in it, the way back too, goes
 * through this descriptor. */
struct sp_place {
    const char *path; /* the real one */
    struct sp_dir dir;
    struct stat st;  /* when it was opened */
    uint64_t needed; /* bytes of new files */
};

/* How far one file is. */
enum sp_progress {
    SP_STEP_PLANNED,
    SP_STEP_WRITTEN, /* the new content has the temporary name */
    SP_STEP_DONE     /* the name has the new content, or is gone */
};

struct sp_step {
    const struct sp_file_change *change;
    struct sp_place *place;
    const char *name, *temp, *shown;
    enum sp_progress progress;
    bool kept;                /* DONE: what was at the name has the temporary name now */
    struct sp_expected found; /* the target as it was planned for; not of a new file */
    struct sp_expected made;  /* the new file, once WRITTEN */
    struct sp_meta meta;      /* what the new file gets */
    unsigned keep;            /* of it: enum sp_keep */
    struct sp_blob_id before, after;
};

struct sp_run {
    struct sp_pool *pool;
    const struct sp_root *root;
    struct sp_workdir *workdir; /* NULL: only a look whether it could be run */
    const struct sp_transaction *txn;
    struct sp_journal journal;
    struct sp_dir dir; /* transactions/ID */
    sp_package_locks locks;
    SP_VEC(struct sp_place *) places;
    SP_VEC(struct sp_step) steps;
};

/* Opens the directories, and looks whether the targets are what was planned for and can be changed.
 * Changes nothing. */
int sp_run_prepare(struct sp_run *r, struct sp_error *err) SP_MUST_CHECK;

/* Whether the target is unchanged since then: content, mode, owner and attributes. */
int sp_run_check_target(struct sp_run *r, struct sp_step *step, struct sp_error *err) SP_MUST_CHECK;

/* Whether the directories, and that of the transaction, still are at their paths. */
int sp_run_check_places(struct sp_run *r, struct sp_error *err) SP_MUST_CHECK;

/* Undoes what this process did, by its own record, through the descriptors that it used, and marks the
 * transaction so. *left (sentences) gets the files that something else changed meanwhile. */
int sp_run_abort(struct sp_run *r, sp_strv *left, struct sp_error *err) SP_MUST_CHECK;

/* Removes a name if there is one. */
int sp_run_clear(const struct sp_dir *dir, const char *name, struct sp_error *err) SP_MUST_CHECK;

#endif
