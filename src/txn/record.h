/* SPDX-License-Identifier: Apache-2.0 */
/* The record of a transaction, on disk before anything changes. */
#ifndef SP_RECORD_H
#define SP_RECORD_H

#include "txn/run.h"

/* Takes the next number; stages and verifies the new contents; writes the backup and the journal
 * "prepared", all of it durable. */
int sp_run_record(struct sp_run *r, struct sp_error *err) SP_MUST_CHECK;

/* Saves the journal in another state, durably. */
int sp_run_save_journal(struct sp_run *r, enum sp_journal_state state,
                        struct sp_error *err) SP_MUST_CHECK;

#endif
