/* SPDX-License-Identifier: Apache-2.0 */
/* The data of every command: the root, the manifests, and what was found in the trees. */
#ifndef SP_CONTEXT_H
#define SP_CONTEXT_H

#include "base/error.h"
#include "base/pool.h"
#include "cli/cli.h"
#include "cli/console.h"
#include "fs/root.h"
#include "model/edit.h"
#include "model/manifest.h"
#include "model/scan.h"
#include "model/select.h"

struct sp_work;

struct sp_context {
    struct sp_pool *pool;
    const struct sp_options *options;
    struct sp_console *report;
    struct sp_root root;      /* of the system */
    struct sp_root data_root; /* the data directory */
    const char *work_dir;     /* absolute, as seen from the root */
    struct sp_manifests manifests;
    sp_strv wanted; /* the files that trees are read for; empty until it is needed */
    sp_scans scans;
    struct sp_work *work;           /* cli/prepare.h */
    const sp_running_list *running; /* see sp_context_running(); NULL: not looked for yet */
};

/* Nothing is open yet: what a command needs is done by sp_prepare(), by way of the following. */
void sp_context_init(struct sp_pool *pool, const struct sp_options *options,
                     struct sp_console *report, struct sp_context *out);

/* Opens the root and finds the work directory's path. */
int sp_context_open(struct sp_context *context, struct sp_error *err) SP_MUST_CHECK;

/* Finds the data directory and reads the manifests. */
int sp_context_load_manifests(struct sp_context *context, struct sp_error *err) SP_MUST_CHECK;

/* For a command that looks at many trees in processes of its own: does beforehand, once, what is
 * the same for all of them. */
int sp_context_expect_trees(struct sp_context *context, struct sp_error *err) SP_MUST_CHECK;

/* Opens the trees and looks for all components in them. */
int sp_context_scan(struct sp_context *context, struct sp_error *err) SP_MUST_CHECK;

/* Adds a scan of the system with a directory (relative to the root) as if --path named it. */
int sp_context_scan_path(struct sp_context *context, const char *path,
                         struct sp_error *err) SP_MUST_CHECK;

/* The processes of the programs in the manifests, on a system that runs; none with --root. They are
 * looked for once, until they are forgotten: by a command that has changed something since. */
const sp_running_list *sp_context_running(struct sp_context *context);
void sp_context_forget_running(struct sp_context *context);

void sp_context_close(struct sp_context *context);

/* sp_select() with the options of the command line; prints its warnings. */
int sp_context_select(struct sp_context *context, enum sp_select_mode mode, sp_selection *out,
                      struct sp_error *err) SP_MUST_CHECK;

/* sp_select_check_mixed(), likewise. */
int sp_context_check_mixed(struct sp_context *context, const sp_selection *selection,
                           struct sp_error *err) SP_MUST_CHECK;

/* Takes the snapshots of those that count and plans them towards the goal; the others get a state
 * and a note. */
int sp_context_plan(struct sp_context *context, sp_selection *selection, enum sp_goal goal,
                    struct sp_error *err) SP_MUST_CHECK;

#endif
