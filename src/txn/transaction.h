/* SPDX-License-Identifier: Apache-2.0 */
/* Changes several files as one: all of them, or none. How is told at the head of transaction.c. */
#ifndef SP_TRANSACTION_H
#define SP_TRANSACTION_H

#include "base/error.h"
#include "base/pool.h"
#include "fs/meta.h"
#include "fs/root.h"
#include "txn/journal.h"
#include "txn/workdir.h"

struct sp_file_change {
    const char *component;
    const char *package, *name; /* as in struct sp_journal_file; NULL: no manifest has it */
    const char *path;           /* the real path, relative to the root */
    enum sp_action action;
    struct sp_bytes before, after; /* data NULL where there is no file */
    struct sp_blob_id after_id;    /* of `after`, where the caller knows it; else empty */
    const struct sp_meta
        *meta; /* of a content that goes back. A new file gets all of it (NULL: mode
                                   0644 and the owner of its directory); one that is replaced keeps
                                   mode, owner and attributes, and only gets the time */
};

struct sp_transaction {
    const char *command;
    SP_VEC(struct sp_journal_component) components;
    SP_VEC(struct sp_file_change) changes; /* in the order of the renames */
    SP_VEC(unsigned) reverts;
    SP_VEC(struct sp_journal_dir) dirs; /* directories that get the time `before` in the end */
    sp_strv *notes;                     /* gets sentences for the operator; may be NULL */
};

/* The bytes that have to be free for the work directory, with some to spare. */
uint64_t sp_transaction_space(const struct sp_transaction *txn);

/* Looks whether it could be run: the targets are what was planned for, their directories can be
 * written to and have room. Changes nothing. Errors as of sp_transaction_run(). */
int sp_transaction_check(struct sp_pool *pool, const struct sp_root *root,
                         const struct sp_transaction *txn, struct sp_error *err) SP_MUST_CHECK;

/* Runs it; the work directory is locked and nothing is pending in it. *id is its number.
 * SP_ERROR_REFUSED: a target, or its directory, is not what was planned for. SP_ERROR_SYSTEM: the
 * system refused, another process works on a package, or a signal came. Either way everything is as it
 * was; should undoing fail, or an interrupted transaction be in the way, SP_ERROR_NEEDS_RECOVERY.
 */
int sp_transaction_run(struct sp_pool *pool, struct sp_workdir *workdir,
                       const struct sp_transaction *txn, unsigned *id,
                       struct sp_error *err) SP_MUST_CHECK;

/* From now on SIGINT, SIGTERM and SIGHUP are noted, and end a transaction between two steps. */
void sp_transaction_catch_signals(void);

#endif
