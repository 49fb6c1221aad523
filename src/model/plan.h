/* SPDX-License-Identifier: Apache-2.0 */
/* The state of the integration, and the changes to a goal. Pure: from a snapshot to a plan, with no
 * I/O, no clock and no environment. check, diff, install (dry or not) and uninstall share it. */
#ifndef SP_PLAN_H
#define SP_PLAN_H

#include "base/error.h"
#include "base/pool.h"
#include "model/action.h"
#include "model/detect.h"
#include "model/edit.h"
#include "model/manifest.h"
#include "model/snapshot.h"

enum sp_state {
    SP_STATE_INSTALLED,
    SP_STATE_NOT_INSTALLED,
    SP_STATE_PARTIAL,  /* of a component: some of it */
    SP_STATE_OUTDATED, /* an older driver of ours, or the older tool's work */
    SP_STATE_CONFLICT,
    SP_STATE_UNTOUCHED, /* of a file that only the older tool's work would be in: none is */
    SP_STATE_FOREIGN,   /* a driver of somebody else, and the lines that register it */
    SP_STATE_SHADOWED,  /* of a component: another copy is imported in its place */
    SP_STATE_INCLUDED,
    SP_STATE_UNSUPPORTED,
    SP_STATE_NOT_FOUND
};

struct sp_file_plan {
    const struct sp_file_snapshot *snapshot;
    enum sp_state state;
    enum sp_action action;
    struct sp_bytes after; /* ADD, REPLACE */
    const char *note;      /* the conflict, or the content that was recognised; may be NULL */
    bool unknown;          /* a driver of ours, of a content that is not known: perhaps edited */
};

struct sp_component_plan {
    const struct sp_detection *found;
    enum sp_state state;
    const char *note; /* the reason of the state, where that needs words; may be NULL */
    SP_VEC(struct sp_file_plan) files;
};

/* Plans the change of one component towards the goal. files: a snapshot of each file of
 * found->layout, in its order; none if there is no layout. Conflicts are states, not errors.
 * With SP_GOAL_UNINSTALL a foreign module is left alone, and with it every line of the component that
 * registers one: by their text they could be ours, but they belong to that module (FOREIGN). */
void sp_plan_component(struct sp_pool *pool, const struct sp_detection *found,
                       const struct sp_file_snapshot *files, size_t count, enum sp_goal goal,
                       struct sp_component_plan *out);

/* The plan of a component that is only reported: it has the state, and changes nothing. */
void sp_plan_report(struct sp_component_plan *plan, const struct sp_detection *found,
                    enum sp_state state, const char *why);

/* Whether the plan changes anything. */
bool sp_plan_changes(const struct sp_component_plan *plan);

/* Whether something of ours, or of the older tool, is in the component, or the file. */
bool sp_state_is_integrated(enum sp_state state);

/* "installed", "not-installed", ... */
const char *sp_state_name(enum sp_state state);

#endif
