/* SPDX-License-Identifier: Apache-2.0 */
/* What it takes to undo a transaction and all after it, on the files as they are today. */
#ifndef SP_REVERT_H
#define SP_REVERT_H

#include "base/error.h"
#include "base/pool.h"
#include "model/manifest.h"
#include "txn/history.h"
#include "txn/transaction.h"

struct sp_revert {
    struct sp_transaction txn; /* its components, changes and undoes; the rest is the caller's */
    sp_strv left;   /* files that are not what was left there any more, and stay as they are */
    sp_strv edited; /* files of which only what the transactions did is taken back */
};

/* Whether a transaction can be rolled back: it is committed, no rollback itself, and not taken
 * back yet. */
bool sp_revert_applies(const struct sp_history *history, const struct sp_journal *journal);

/* Undoes, in thought, the transactions from number `from` on, the latest first, for each file
 * that they touched. Where a file is what the transaction made of it, it becomes what the
 * transaction found. Where it is not - it was edited or replaced before or after - only the
 * insertions of the manifest are taken out (or put in, when the transaction took them out); a
 * module of which that can't be said is left. Errors: SP_ERROR_SYSTEM; SP_ERROR_NEEDS_RECOVERY for an
 * backups that is damaged. */
int sp_revert_plan(struct sp_pool *pool, const struct sp_root *root,
                   const struct sp_manifests *manifests, const struct sp_history *history,
                   unsigned from, struct sp_revert *out, struct sp_error *err) SP_MUST_CHECK;

#endif
