/* SPDX-License-Identifier: Apache-2.0 */
/* Puts back what an unfinished transaction did. Idempotent: it may itself be interrupted and run
 * again. */
#ifndef SP_RECOVER_H
#define SP_RECOVER_H

#include "base/error.h"
#include "base/pool.h"
#include "txn/journal.h"
#include "txn/workdir.h"

/* For sp_out_of_memory_means(), while a transaction is recorded and not finished. */
extern const char sp_recover_out_of_memory[];

/* Undoes the transaction and marks it so. A target that is neither what it was nor what the
 * transaction wrote: with leave, it is left alone and its path added to *left (may be NULL);
 * without, nothing at all is touched and SP_ERROR_NEEDS_RECOVERY names it. */
int sp_abort(struct sp_pool *pool, struct sp_workdir *workdir, struct sp_journal *journal,
             bool leave, sp_strv *left, struct sp_error *err) SP_MUST_CHECK;

/* Recovers everything that is unfinished in the work directory, one sentence each in *messages.
 * leave as above. */
int sp_recover(struct sp_pool *pool, struct sp_workdir *workdir, bool leave, sp_strv *messages,
               struct sp_error *err) SP_MUST_CHECK;

#endif
