/* SPDX-License-Identifier: Apache-2.0 */
/* A transaction of which the journal, or all but work/ID, is missing or damaged; for recover.c. */
#ifndef SP_RECOVER_LOST_H
#define SP_RECOVER_LOST_H

#include "base/error.h"
#include "base/pool.h"
#include "txn/workdir.h"

struct sp_lost {
    struct sp_pool *pool;
    const struct sp_workdir *workdir;
    unsigned id;
    bool force;
    sp_strv *messages; /* gets a sentence */
};

/* Drops a transaction without a journal, if its backup and its staged contents say that it had not
 * begun to change anything. Where they say nothing, it is set aside. SP_ERROR_NEEDS_RECOVERY if a
 * file is not as in the backup, or has the staged content; with force it is set aside then. */
int sp_lost_recover(const struct sp_lost *lost, struct sp_error *err) SP_MUST_CHECK;

/* Gives the directory another name, which is in the sentence: "transaction 7 WHY; ...". */
int sp_lost_set_aside(const struct sp_lost *lost, const char *why,
                      struct sp_error *err) SP_MUST_CHECK;

/* SP_ERROR_NEEDS_RECOVERY for one in place of whose directory there is something that is not followed
 * (sp_workdir_foreign()). */
int sp_lost_refuse_foreign(const struct sp_lost *lost, const char *foreign,
                           struct sp_error *err) SP_MUST_CHECK;

/* work/ID of which no transaction is known: it is removed where it has nothing but new contents that were
 * never put in place, as a transaction leaves it that was dropped. Another one gets another name, which is
 * in the sentence: it may be what tells of a transaction that was lost, or be somebody else's. */
int sp_lost_staged(const struct sp_lost *lost, struct sp_error *err) SP_MUST_CHECK;

#endif
