/* SPDX-License-Identifier: Apache-2.0 */
/* The work of reapply: from the recorded components to a verdict on each; for cmd_reapply.c and
 * reapply.c. */
#ifndef SP_CLI_REAPPLY_H
#define SP_CLI_REAPPLY_H

#include "cli/context.h"
#include "model/reapply.h"
#include "txn/integrated.h"

/* A component that is recorded as integrated, and is here. */
struct sp_reapply_item {
    const struct sp_integrated *record;
    struct sp_target target;
    enum sp_reapply verdict;
    bool pending; /* an interrupted transaction is in the way: it is not planned */
    size_t group; /* the same for components that one environment imports together */
};

struct sp_reapply_work {
    struct sp_context *context;
    sp_integrations records; /* those that were asked for */
    SP_VEC(struct sp_reapply_item) items;
};

/* Finds the components of the records among the scans; a directory that no environment searches is
 * scanned by itself. One that is not there any more is passed over. */
int sp_reapply_find(struct sp_reapply_work *work, struct sp_error *err) SP_MUST_CHECK;

/* Plans each that nothing is in the way of, and decides. */
int sp_reapply_plan(struct sp_reapply_work *work, struct sp_error *err) SP_MUST_CHECK;

#endif
