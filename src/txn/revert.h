/* SPDX-License-Identifier: Apache-2.0 */
/* Reverting committed transactions: the changes by `rollback` to the files as they are today.
 *
 * A file that the transaction changed and nobody else becomes the file that the transaction found.
 * Of a file that was edited or replaced since, only the transaction's part is undone. Whose a line
 * or a module is, is decided by where it comes from, not by its text: nothing is taken from a
 * release that includes the drivers, nor from a module that is not ours.
 *
 * The files of a component depend on each other - the services import every module that an entry
 * names - and a component on those that it requires: they are reverted together or not at all. */
#ifndef SP_REVERT_H
#define SP_REVERT_H

#include "base/error.h"
#include "base/pool.h"
#include "model/detect.h"
#include "model/manifest.h"
#include "txn/history.h"
#include "txn/transaction.h"

/* The request to sp_revert_plan(). */
struct sp_revert_request {
    const struct sp_root *root;
    const struct sp_manifests *manifests;
    const struct sp_history *history;
    unsigned from; /* this transaction, and all after it */
    /* The components as they are today, in the directories that sp_revert_sites() named. */
    const struct sp_detections *detections;
};

/* A file that is left as it is, although a transaction changed it. */
struct sp_revert_left {
    const char *shown;
    const char *reason;
};

struct sp_revert {
    struct sp_transaction txn; /* its components, changes and reverts; the rest is the caller's */
    SP_VEC(struct sp_revert_left) left;
    /* files that something else edited, as shown: */
    sp_strv edited;  /* only our part is reverted */
    sp_strv dropped; /* our modules: their edits are in the backup of the rollback alone */
};

/* Whether a transaction can be rolled back: it is committed, can be read, is no rollback itself, and
 * not rolled back yet. */
bool sp_revert_applies(const struct sp_history *history, const struct sp_journal *journal);

/* Chooses the transaction from which on to revert: the one with the number id, or for 0 the latest
 * that is committed, no rollback itself, and not rolled back yet; *from is 0 when there is none.
 * SP_ERROR_REFUSED: id cannot be reverted, or the latest one's journal is damaged. */
int sp_revert_choose(const struct sp_history *history, unsigned id, unsigned *from,
                     struct sp_error *err) SP_MUST_CHECK;

/* A work directory may be shared or copied: SP_ERROR_REFUSED if a committed transaction with a number from
 * `from` on is about another system. *unproven is the number of one, or 0, of which neither
 * machine-id(5) nor a directory tells, while no file has the content that such a transaction left:
 * nothing may be changed for it, but that nothing of it is left can be said. */
int sp_revert_check_system(struct sp_pool *pool, const struct sp_root *root,
                           const struct sp_history *history, unsigned from, unsigned *unproven,
                           struct sp_error *err) SP_MUST_CHECK;

/* Adds the packages that transactions with numbers from `from` on changed. */
void sp_revert_packages(struct sp_pool *pool, const struct sp_history *history, unsigned from,
                        sp_strv *out);

/* Adds the directories, in a tree, of the packages that transactions with numbers from `from` on
 * changed: where to look for the components of today. */
void sp_revert_sites(struct sp_pool *pool, const struct sp_history *history, unsigned from,
                     sp_strv *out);

/* Plans to revert, the latest first, the transactions from request->from on. *out points into pool.
 * Errors: SP_ERROR_REFUSED, naming the file, when it cannot be told what in a file is ours: then
 * nothing can be reverted; SP_ERROR_NEEDS_RECOVERY for a damaged backup; SP_ERROR_SYSTEM. */
int sp_revert_plan(struct sp_pool *pool, const struct sp_revert_request *request,
                   struct sp_revert *out, struct sp_error *err) SP_MUST_CHECK;

#endif
