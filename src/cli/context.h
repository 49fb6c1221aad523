/* SPDX-License-Identifier: Apache-2.0 */
/* The data of every command: the root, the manifests, the trees with their sites, and the
 * selected components, planned. */
#ifndef SP_CONTEXT_H
#define SP_CONTEXT_H

#include "base/error.h"
#include "base/pool.h"
#include "cli/cli.h"
#include "cli/console.h"
#include "fs/root.h"
#include "model/detect.h"
#include "model/manifest.h"
#include "model/plan.h"
#include "model/site.h"
#include "tree/tree.h"

/* One tree with the components that were found in it. Components of different trees have nothing to
 * do with each other. */
struct sp_scan {
    struct sp_tree *tree;
    size_t number; /* of --tree, from 0 */
    sp_sites sites;
    sp_detections found;
};

struct sp_work;

struct sp_context {
    struct sp_pool *pool;
    const struct sp_options *options;
    struct sp_console *report;
    struct sp_root root;      /* of the system */
    struct sp_root data_root; /* the data directory */
    const char *work_dir;     /* absolute, as seen from the root */
    struct sp_manifests manifests;
    SP_VEC(struct sp_scan *) scans;
    struct sp_work *work; /* cli/prepare.h */
};

/* Nothing is open yet: what a command needs is done by sp_prepare(), by way of the following. */
void sp_context_init(struct sp_pool *pool, const struct sp_options *options,
                     struct sp_console *report, struct sp_context *out);

/* Opens the root and finds the work directory's path. */
int sp_context_open(struct sp_context *context, struct sp_error *err) SP_MUST_CHECK;

/* Finds the data directory and reads the manifests. */
int sp_context_load_manifests(struct sp_context *context, struct sp_error *err) SP_MUST_CHECK;

/* Opens the trees and looks for all components in them. */
int sp_scan_all(struct sp_context *session, struct sp_error *err) SP_MUST_CHECK;

void sp_context_close(struct sp_context *session);

/* A path in a tree, as it is shown. */
const char *sp_context_show(struct sp_context *session, const struct sp_scan *view,
                            const char *path);

/* A component that a command works on. */
struct sp_target {
    struct sp_scan *view;
    const struct sp_detection *found; /* NULL: it was named, and is not here */
    const char *name;
    const char *needed_by; /* NULL: it was meant itself */
    struct sp_component_plan plan;
};
typedef SP_VEC(struct sp_target) sp_selection;

enum sp_select_mode {
    SP_SELECT_DETECT, /* as SELECT_REPORT, without what is required */
    SP_SELECT_REPORT, /* every place counts; a component that is missing is a row */
    SP_SELECT_CHANGE, /* one place a component; what it needs comes first */
    SP_SELECT_REMOVE  /* one place a component; what it needs stays */
};

/* Chooses the components: those that were named, or all that are found; with SELECT_REPORT and
 * SELECT_CHANGE also those that they require, in the same site if it is there, before them. Plans
 * nothing. SP_ERROR_REFUSED: one that was named or is required is not found, or is in several
 * places. */
int sp_select(struct sp_context *session, enum sp_select_mode mode, sp_selection *out,
              struct sp_error *err) SP_MUST_CHECK;

/* Takes the snapshots and plans all of them towards the goal. */
int sp_plan_targets(struct sp_context *session, sp_selection *selection, enum sp_goal goal,
                    struct sp_error *err) SP_MUST_CHECK;

/* SP_ERROR_REFUSED with a list, when the components of one tree are of different releases and
 * --allow-mixed was not given (then a warning names the risk). */
int sp_select_check_mixed(struct sp_context *session, const sp_selection *selection,
                          struct sp_error *err) SP_MUST_CHECK;

/* A distribution that drivers need at run time. */
struct sp_prerequisite {
    const char *name;
    const char *version; /* NULL: missing */
    const char *needed_by;
    const char *pip; /* the pip of its environment */
    bool python2;    /* in a directory of Python 2 */
};
typedef SP_VEC(struct sp_prerequisite) sp_prerequisites;

/* Looks in the environment of each selected component that is supported; each distribution and site
 * once. */
int sp_prerequisites_find(struct sp_context *session, const sp_selection *selection,
                          sp_prerequisites *out, struct sp_error *err) SP_MUST_CHECK;

#endif
