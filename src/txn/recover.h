/* SPDX-License-Identifier: Apache-2.0 */
/* Undoes what transactions left that were interrupted. Idempotent: it may itself be interrupted and
 * run again. */
#ifndef SP_RECOVER_H
#define SP_RECOVER_H

#include "base/error.h"
#include "base/pool.h"
#include "txn/workdir.h"

/* For sp_out_of_memory_means(), while a transaction is recorded and not finished. */
extern const char sp_recover_out_of_memory[];

/* A transaction that could not be undone, or whose old files could not be removed. */
struct sp_recover_failure {
    unsigned id;
    enum sp_error_kind kind; /* as of an error */
    const char *message;
};

struct sp_recover_report {
    sp_strv messages; /* a sentence for each transaction that was undone */
    SP_VEC(struct sp_recover_failure) failures;
};

/* Undoes every unfinished transaction in the work directory, the latest first, and clears what
 * committed ones left at temporary names. One that cannot be undone does not keep the others from it;
 * of it, nothing at all was touched. The first one in report->failures is the error in the end; an
 * error without any is one of the work directory as a whole.
 *
 * SP_ERROR_NEEDS_RECOVERY: a target is neither what it was nor what the transaction wrote; the backup
 * is damaged; the journal is damaged, is about another system, or is missing while files differ from
 * the backup. With force such a target is left alone, the journal is taken to be about this system,
 * and a transaction without a readable one is set aside with its backup. SP_ERROR_SYSTEM: the system
 * refused, or another process works on the package. */
int sp_recover(struct sp_pool *pool, struct sp_workdir *workdir, bool force,
               struct sp_recover_report *report, struct sp_error *err) SP_MUST_CHECK;

#endif
