/* SPDX-License-Identifier: Apache-2.0 */
/* Sees to the needs of a command (enum sp_needs) before it runs. */
#ifndef SP_PREPARE_H
#define SP_PREPARE_H

#include "cli/context.h"
#include "txn/history.h"
#include "txn/recover.h"
#include "txn/workdir.h"

/* The work directory of a command, opened once; part of the context. */
struct sp_work {
    struct sp_workdir dir;
    bool exists; /* dir is open */
    bool locked;
    struct sp_history history;          /* empty where there is no work directory */
    bool pending;                       /* a transaction waits to be recovered */
    struct sp_recover_report recovered; /* of a command that recovers first */
    unsigned waited;                    /* for locks that others held, so far: milliseconds */
};

/* Opens the context for the options' command, and does for it all that its needs say, in this
 * order: the user, the root, the manifests, the work directory (which may warn of an interrupted
 * transaction or recover it), the scan. To be closed with sp_prepare_close(), also after an error.
 * Errors: those of each step. A transaction that cannot be recovered is none: it is in the way of its own
 * packages only, which sp_prepare_check_pending() sees to. */
int sp_prepare(struct sp_pool *pool, const struct sp_options *options, struct sp_console *console,
               struct sp_context *out, struct sp_error *err) SP_MUST_CHECK;

void sp_prepare_close(struct sp_context *context);

/* For a command that declares SP_NEEDS_LATER: opens the work directory for reading, to see whether there
 * is anything to do, and sees to all the rest of its needs. Errors as above. */
int sp_prepare_look(struct sp_context *context, struct sp_error *err) SP_MUST_CHECK;
int sp_prepare_rest(struct sp_context *context, struct sp_error *err) SP_MUST_CHECK;

/* After a lock was found to be held: waits a moment, unless the command does not wait (SP_NEEDS_WAIT) or
 * has waited for 30 seconds in all; then false. */
bool sp_prepare_wait(struct sp_context *context, const struct sp_error *held);

/* Refuses to plan for packages (their directories) that an interrupted transaction concerns: with the
 * reason why it could not be recovered, or, in a dry run, with SP_ERROR_NEEDS_RECOVERY, since a plan on
 * half of it would be another one than that of the command. Warns of those that concern others. */
int sp_prepare_check_pending(struct sp_context *context, const sp_strv *dirs,
                             struct sp_error *err) SP_MUST_CHECK;

/* The same without the warning. */
int sp_prepare_find_pending(struct sp_context *context, const sp_strv *dirs,
                            struct sp_error *err) SP_MUST_CHECK;

/* Locks the work directory for a command that declares SP_NEEDS_LOCK, and creates it where it is
 * missing. Nothing to do if it is locked already. */
int sp_prepare_lock(struct sp_context *context, struct sp_error *err) SP_MUST_CHECK;

#endif
