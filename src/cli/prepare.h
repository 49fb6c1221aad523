/* SPDX-License-Identifier: Apache-2.0 */
/* Sees to the needs of a command (enum sp_needs) before it runs. */
#ifndef SP_PREPARE_H
#define SP_PREPARE_H

#include "cli/context.h"
#include "txn/history.h"
#include "txn/workdir.h"

/* The work directory of a command, opened once; part of the context. */
struct sp_work {
    struct sp_workdir dir;
    bool exists; /* dir is open */
    bool locked;
    struct sp_history history; /* empty where there is no work directory */
    bool pending;              /* a transaction waits to be recovered */
};

/* Opens the context for the options' command, and does for it all that its needs say, in this
 * order: the user, the root, the manifests, the work directory (which may warn of an interrupted
 * transaction or recover it), the scan. To be closed with sp_prepare_close(), also after an error.
 * Errors: those of each step; SP_ERROR_NEEDS_RECOVERY for a dry run of a command that changes
 * something while a transaction is interrupted, since a plan on half of it would be another one
 * than that of the command. */
int sp_prepare(struct sp_pool *pool, const struct sp_options *options, struct sp_console *console,
               struct sp_context *out, struct sp_error *err) SP_MUST_CHECK;

void sp_prepare_close(struct sp_context *context);

/* Locks the work directory for a command that declares SP_NEEDS_LOCK, and creates it where it is
 * missing. Nothing to do if it is locked already. */
int sp_prepare_lock(struct sp_context *context, struct sp_error *err) SP_MUST_CHECK;

#endif
