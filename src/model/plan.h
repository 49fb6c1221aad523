/* SPDX-License-Identifier: Apache-2.0 */
/* What is integrated, and what would have to change. Pure: from a snapshot to a plan, with no I/O,
 * no clock and no environment. check, diff, install (dry or not) and uninstall share it. */
#ifndef SP_PLAN_H
#define SP_PLAN_H

#include "base/error.h"
#include "base/pool.h"
#include "model/detect.h"
#include "model/edit.h"
#include "model/manifest.h"

/* One file that the layout names, as it stands in the tree. */
struct sp_snapshot {
    const struct sp_file_spec *spec;
    const char *path;        /* relative to the site: "nova/virt/libvirt/driver.py" */
    const char *where;       /* the real path in the tree, and how it is shown */
    const char *obstacle;    /* something other than a readable regular file stands there */
    struct sp_bytes content; /* data NULL: absent */
    struct sp_bytes driver;  /* what spec->copy holds; data NULL if spec has none */
};

enum sp_state {
    SP_STATE_INSTALLED,
    SP_STATE_NOT_INSTALLED,
    SP_STATE_PARTIAL,  /* of a component: some of it */
    SP_STATE_OUTDATED, /* an older driver of ours, or the older tool's work */
    SP_STATE_CONFLICT,
    SP_STATE_NEUTRAL, /* of a file that only the older tool's work would be in: none is */
    SP_STATE_INCLUDED,
    SP_STATE_UNSUPPORTED,
    SP_STATE_NOT_FOUND
};

enum sp_action {
    SP_ACTION_NONE,
    SP_ACTION_ADD,     /* a new file */
    SP_ACTION_REPLACE, /* other content */
    SP_ACTION_REMOVE
};

struct sp_file_plan {
    const struct sp_snapshot *file;
    enum sp_state state;
    enum sp_action action;
    struct sp_bytes after; /* ADD, REPLACE */
    const char *note;      /* the conflict, or what was recognised; may be NULL */
};

struct sp_component_plan {
    const struct sp_found *found;
    enum sp_state state;
    const char *note; /* why the state is what it is, where that needs words; may be NULL */
    SP_VEC(struct sp_file_plan) files;
};

/* Plans the change of one component towards the goal. files: a snapshot of each file of
 * found->layout, in its order; none if there is no layout. Conflicts are states, not errors.
 * With SP_GOAL_OUT a foreign module is left alone (NEUTRAL, with a note). */
void sp_plan_component(struct sp_pool *pool, const struct sp_found *found,
                       const struct sp_snapshot *files, size_t count, enum sp_goal goal,
                       struct sp_component_plan *out);

/* Whether the plan changes anything. */
bool sp_plan_changes(const struct sp_component_plan *plan);

/* "installed", "not-installed", ...; "add", "replace", ... as the contract spells them. */
const char *sp_state_name(enum sp_state state);
const char *sp_action_name(enum sp_action action);

#endif
