/* SPDX-License-Identifier: Apache-2.0 */
/* The commands. Each returns the exit status of the contract, or -1 with *err set. */
#ifndef SP_CMD_H
#define SP_CMD_H

#include "cli/context.h"
#include "txn/history.h"
#include "txn/transaction.h"
#include "txn/workdir.h"

int sp_cmd_detect(struct sp_context *session, struct sp_error *err) SP_MUST_CHECK;
int sp_cmd_check(struct sp_context *session, struct sp_error *err) SP_MUST_CHECK;
int sp_cmd_diff(struct sp_context *session, struct sp_error *err) SP_MUST_CHECK;
int sp_cmd_install(struct sp_context *session, struct sp_error *err) SP_MUST_CHECK;
int sp_cmd_uninstall(struct sp_context *session, struct sp_error *err) SP_MUST_CHECK;
int sp_cmd_rollback(struct sp_context *session, struct sp_error *err) SP_MUST_CHECK;
int sp_cmd_history(struct sp_context *session, struct sp_error *err) SP_MUST_CHECK;
int sp_cmd_recover(struct sp_context *session, struct sp_error *err) SP_MUST_CHECK;
int sp_cmd_groups(struct sp_context *session, struct sp_error *err) SP_MUST_CHECK;

/* ---- shared among them --------------------------------------------------------------------- */

/* Warns when a transaction waits to be settled; for commands that only read. Returns whether one
 * does, or -1. */
int sp_cmd_warn_unfinished(struct sp_context *session, struct sp_error *err) SP_MUST_CHECK;

/* For commands that write. Settles what is unfinished in a work directory that exists; *locked
 * tells whether it exists (and is locked now). */
int sp_cmd_recover_first(struct sp_context *session, struct sp_workdir *workdir, bool *locked,
                         struct sp_error *err) SP_MUST_CHECK;

/* SP_ERROR_REFUSED, naming the path, for the first component that can't be integrated: in conflict
 * or not supported. */
int sp_cmd_refuse(struct sp_context *session, const sp_selection *selection,
                  struct sp_error *err) SP_MUST_CHECK;

/* Adds the times that the directories of the changes get back, as the history knows them from
 * transactions with numbers from `since` on. */
void sp_cmd_add_times(struct sp_context *session, const struct sp_history *history, unsigned since,
                      struct sp_transaction *txn);

/* The group and the spool directory, for the accounts of the components (or --user); what was done
 * is added to *done (may be NULL) and said. */
int sp_cmd_ensure_groups(struct sp_context *session, const sp_selection *selection, sp_strv *done,
                         struct sp_error *err) SP_MUST_CHECK;

#endif
