/* SPDX-License-Identifier: Apache-2.0 */
/* The work of install, uninstall and reapply, from the selection to the outcome; for cmd_install.c,
 * cmd_reapply.c, job.c and job_output.c. */
#ifndef SP_JOB_H
#define SP_JOB_H

#include "cli/context.h"
#include "format/json.h"
#include "model/prerequisites.h"
#include "txn/transaction.h"

struct sp_job {
    struct sp_context *context;
    enum sp_goal goal;
    sp_selection selection;
    sp_prerequisites prerequisites;
    struct sp_transaction txn;
    unsigned id;    /* 0: nothing was changed */
    sp_strv edited; /* drivers that are replaced or removed, and hold what nobody else has */
    SP_VEC(const struct sp_scan *) scans; /* of each change */
    sp_strv services, groups, notes;
    const char *diff; /* for the document; NULL: it is not in it */
};

typedef SP_VEC(const struct sp_file_plan *) sp_file_order;

/* The i-th component in the order of the changes: what others need comes first, and goes last. */
const struct sp_target *sp_job_target(const struct sp_job *job, size_t i);

/* Its files in the order of the changes: modules before the files that refer to them, and after
 * them when they are taken out. */
void sp_job_files(const struct sp_job *job, const struct sp_target *one, sp_file_order *out);

/* Fills in the transaction from the plans; its command, unless it has one, from the goal.
 * SP_ERROR_REFUSED if a file would be changed twice. */
int sp_job_build(struct sp_job *job, struct sp_error *err) SP_MUST_CHECK;

/* Runs the transaction, if it has anything to do; in a dry run, looks whether it could be. Errors:
 * those of sp_prepare_lock() and sp_transaction_run(). */
int sp_job_run(struct sp_job *job, struct sp_error *err) SP_MUST_CHECK;

/* Makes the diff, if the document is to have it: with --verbose. */
int sp_job_make_diff(struct sp_job *job, struct sp_error *err) SP_MUST_CHECK;

void sp_job_print_plan(struct sp_job *job);
void sp_job_print_outcome(struct sp_job *job);
void sp_job_put_document(struct sp_job *job);
/* The members of the document, for a command that adds others. */
void sp_job_put_members(struct sp_json *json, struct sp_job *job);

#endif
