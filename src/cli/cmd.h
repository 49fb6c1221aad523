/* SPDX-License-Identifier: Apache-2.0 */
/* The commands. Each returns its exit status (enum sp_error_kind), or -1 with *err set. Its needs,
 * as commands.c declares them, were seen to by sp_prepare(). */
#ifndef SP_CMD_H
#define SP_CMD_H

#include "cli/context.h"
#include "model/prerequisites.h"
#include "txn/history.h"
#include "txn/transaction.h"

int sp_cmd_detect(struct sp_context *context, struct sp_error *err) SP_MUST_CHECK;
int sp_cmd_check(struct sp_context *context, struct sp_error *err) SP_MUST_CHECK;
int sp_cmd_diff(struct sp_context *context, struct sp_error *err) SP_MUST_CHECK;
int sp_cmd_matrix(struct sp_context *context, struct sp_error *err) SP_MUST_CHECK;
int sp_cmd_install(struct sp_context *context, struct sp_error *err) SP_MUST_CHECK;
int sp_cmd_uninstall(struct sp_context *context, struct sp_error *err) SP_MUST_CHECK;
int sp_cmd_rollback(struct sp_context *context, struct sp_error *err) SP_MUST_CHECK;
int sp_cmd_history(struct sp_context *context, struct sp_error *err) SP_MUST_CHECK;
int sp_cmd_recover(struct sp_context *context, struct sp_error *err) SP_MUST_CHECK;
int sp_cmd_reapply(struct sp_context *context, struct sp_error *err) SP_MUST_CHECK;
int sp_cmd_groups(struct sp_context *context, struct sp_error *err) SP_MUST_CHECK;
int sp_cmd_services(struct sp_context *context, struct sp_error *err) SP_MUST_CHECK;
int sp_cmd_doctor(struct sp_context *context, struct sp_error *err) SP_MUST_CHECK;
int sp_cmd_help(struct sp_context *context, struct sp_error *err) SP_MUST_CHECK;
int sp_cmd_version(struct sp_context *context, struct sp_error *err) SP_MUST_CHECK;

/* ---- shared among them --------------------------------------------------------------------- */

/* SP_ERROR_REFUSED, naming the path, for the first component that cannot be integrated: in conflict
 * or not supported. */
int sp_cmd_refuse(struct sp_context *context, const sp_selection *selection,
                  struct sp_error *err) SP_MUST_CHECK;

/* For a dry run, once its plan is printed: looks, changing nothing, whether the command could carry it
 * out, and fails as it would. For an ordinary user, who cannot do what root can, that is a warning. */
int sp_cmd_check_dry_run(struct sp_context *context, const struct sp_transaction *txn,
                         struct sp_error *err) SP_MUST_CHECK;

/* Warns of temporary files that another system's transaction left in the components, which were copied
 * in the middle of it. */
void sp_cmd_warn_leftovers(struct sp_context *context, const sp_selection *selection);

/* After an uninstall, or a look: warns of integrated copies that stay so, since another copy is imported
 * in their place, or since they are in no environment that was found (then the history knows them), each
 * with the command that takes it out. */
void sp_cmd_warn_remaining(struct sp_context *context, const sp_selection *selection);

/* The command, to be typed, that works on this copy of the component; with --path if it is not the only
 * one that was found. */
const char *sp_cmd_suggest(struct sp_context *context, const char *command,
                           const struct sp_target *one);

/* Whether an interrupted transaction concerns one of the components that count: what is known of them is
 * half of it. */
bool sp_cmd_is_pending(struct sp_context *context, const sp_selection *selection);

/* Adds the times that the directories of the changes get back, as the history knows them from
 * transactions with numbers from `since` on. */
void sp_cmd_add_times(struct sp_context *context, const struct sp_history *history, unsigned since,
                      struct sp_transaction *txn);

/* The group and the spool directory, for these accounts (--user comes before them); each change is
 * printed and added to *done (may be NULL). */
int sp_cmd_ensure_groups(struct sp_context *context, const sp_strv *accounts, sp_strv *done,
                         struct sp_error *err) SP_MUST_CHECK;

/* Adds the accounts of the selected components, each once; without `all` only of those that get
 * drivers. */
void sp_cmd_add_accounts(struct sp_context *context, const sp_selection *selection, bool all,
                         sp_strv *out);

/* The latest transaction that gave the file the content that it has, NULL if none did. */
int sp_cmd_find_writer(struct sp_context *context, const struct sp_file_snapshot *file,
                       const struct sp_journal **out, struct sp_error *err) SP_MUST_CHECK;

#endif
