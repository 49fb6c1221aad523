/* SPDX-License-Identifier: Apache-2.0 */
/* Which copies of which components a command works on. Pure: from scan results and a request to a
 * list of targets, with no I/O.
 *
 * Environments are worlds of their own. A component is the copy that an environment imports; its
 * requirements are met by the copies that the same environment imports; copies further down the
 * search path are shadowed. Where several environments have a component, the one counts in which
 * its service runs. */
#ifndef SP_SELECT_H
#define SP_SELECT_H

#include "base/error.h"
#include "base/pool.h"
#include "model/manifest.h"
#include "model/plan.h"
#include "model/scan.h"

enum sp_select_mode {
    SP_SELECT_DETECT, /* every copy; a component that is missing is a target too */
    SP_SELECT_REPORT, /* the same, and what is required */
    SP_SELECT_CHANGE, /* those that count; what they require comes first */
    SP_SELECT_REMOVE  /* those of all environments; what they require stays */
};

struct sp_request {
    const sp_scans *scans;
    const struct sp_manifests *manifests;
    enum sp_select_mode mode;
    const sp_strv *names; /* components that were named; none: all */
    bool no_deps, allow_mixed;
};

/* A component that a command works on, or only reports. */
struct sp_target {
    struct sp_scan *scan;
    const struct sp_environment *environment; /* which imports it */
    const struct sp_detection *detection;     /* NULL: it was named, and is not here */
    const char *name;
    const char *needed_by;                  /* NULL: it was asked for itself */
    const struct sp_detection *shadowed_by; /* it is reported only: this one is imported */
    const char *unused; /* it is reported only: its service runs elsewhere, in words; NULL */
    struct sp_component_plan plan;
};
typedef SP_VEC(struct sp_target) sp_selection;

/* Whether the target counts: for the changes of a command, and for its exit status. */
bool sp_target_counts(const struct sp_target *target);

/* Chooses the targets of the scans. Plans nothing. Facts that the operator should know are added to
 * *warnings. SP_ERROR_USAGE: a name that no manifest has. SP_ERROR_REFUSED: a component that was
 * named or is required is not found, not found in the directories of --path that were given for it,
 * or is in several environments and nothing tells which of them its service uses. */
int sp_select(struct sp_pool *pool, const struct sp_request *request, sp_selection *out,
              sp_strv *warnings, struct sp_error *err) SP_MUST_CHECK;

/* Puts each component behind those that it needs; otherwise the order stays. A circle stays as it is. */
void sp_select_order(sp_selection *selection);

/* SP_ERROR_USAGE for the first of the names that no manifest describes. */
int sp_select_check_names(struct sp_pool *pool, const struct sp_manifests *manifests,
                          const sp_strv *names, struct sp_error *err) SP_MUST_CHECK;

/* SP_ERROR_REFUSED with a list, when components of one environment are of different releases and
 * that was not allowed; else a warning names the risk. */
int sp_select_check_mixed(struct sp_pool *pool, const sp_selection *selection,
                          const struct sp_request *request, sp_strv *warnings,
                          struct sp_error *err) SP_MUST_CHECK;

/* The components that an environment imports together with a target which they require, and that
 * are no targets themselves. needed_by is the name of the target. */
void sp_select_dependents(struct sp_pool *pool, const sp_selection *selection, sp_selection *out);

#endif
