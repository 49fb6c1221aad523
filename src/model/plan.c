/* SPDX-License-Identifier: Apache-2.0 */
#include "model/plan.h"

#include <string.h>

bool sp_state_is_integrated(enum sp_state state)
{
    return state == SP_STATE_INSTALLED || state == SP_STATE_PARTIAL || state == SP_STATE_OUTDATED;
}

const char *sp_state_name(enum sp_state state)
{
    static const char *const names[] = {
        [SP_STATE_INSTALLED] = "installed", [SP_STATE_NOT_INSTALLED] = "not-installed",
        [SP_STATE_PARTIAL] = "partial",     [SP_STATE_OUTDATED] = "outdated",
        [SP_STATE_CONFLICT] = "conflict",   [SP_STATE_UNTOUCHED] = "untouched",
        [SP_STATE_FOREIGN] = "foreign",     [SP_STATE_SHADOWED] = "shadowed",
        [SP_STATE_INCLUDED] = "included",   [SP_STATE_UNSUPPORTED] = "unsupported",
        [SP_STATE_NOT_FOUND] = "not-found"};
    return names[state];
}

/* The entry for the file in a list of known contents; NULL: nothing. */
static const char *known_as(const struct sp_file_snapshot *file, const struct sp_known *known,
                            size_t count)
{
    struct sp_blob_id id;
    struct sp_error ignored = SP_ERROR_INIT;
    if (count == 0)
        return NULL;
    if (sp_blob_hash(file->content, &id, &ignored) < 0) {
        sp_error_clear(&ignored);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        if (sp_blob_equal(&known[i].id, &id))
            return known[i].what;
    return NULL;
}

/* Which older tool's module the content is; NULL if none's. */
static const char *legacy_module(const struct sp_file_snapshot *file)
{
    return known_as(file, file->spec->legacy.items, file->spec->legacy.count);
}

static bool has_marker(const struct sp_file_snapshot *file)
{
    struct sp_error ignored = SP_ERROR_INIT;
    int hit = sp_regex_test(file->spec->marker, file->content, &ignored);
    sp_error_clear(&ignored);
    return hit == 1;
}

static void conflict(struct sp_file_plan *out, const char *note)
{
    out->state = SP_STATE_CONFLICT;
    out->action = SP_ACTION_NONE;
    out->note = note;
}

/* A module that is copied as a whole. */
static void plan_module(struct sp_pool *pool, enum sp_goal goal, struct sp_file_plan *out)
{
    const struct sp_file_snapshot *file = out->snapshot;
    bool same = file->content.data && sp_bytes_equal(file->content, file->driver);
    const char *older = file->content.data && !same ? legacy_module(file) : NULL;
    if (!file->content.data) {
        out->state = SP_STATE_NOT_INSTALLED;
        out->action = goal == SP_GOAL_INSTALL ? SP_ACTION_ADD : SP_ACTION_NONE;
    } else if (same) {
        out->state = SP_STATE_INSTALLED;
        out->action = goal == SP_GOAL_INSTALL ? SP_ACTION_NONE : SP_ACTION_REMOVE;
    } else if (older || has_marker(file)) {
        out->state = SP_STATE_OUTDATED;
        out->action = goal == SP_GOAL_INSTALL ? SP_ACTION_REPLACE : SP_ACTION_REMOVE;
        out->note = older ? sp_pool_printf(pool, "the driver of %s", older)
                          : "another version of our driver, or an edited one";
        out->unknown = !older;
    } else {
        const char *whose = known_as(file, file->spec->foreign.items, file->spec->foreign.count);
        if (!whose)
            whose = "an unknown file";
        if (goal == SP_GOAL_INSTALL)
            conflict(out,
                     sp_pool_printf(pool, "%s is in the place of our driver; move it away", whose));
        out->state = goal == SP_GOAL_INSTALL ? SP_STATE_CONFLICT : SP_STATE_FOREIGN;
        if (goal == SP_GOAL_UNINSTALL)
            out->note = sp_pool_printf(pool, "%s, which is left alone", whose);
    }
    if (out->action == SP_ACTION_ADD || out->action == SP_ACTION_REPLACE)
        out->after = file->driver;
}

/* A file that only the older tool, or our integration of another layout, leaves. */
static void plan_leftover(struct sp_pool *pool, struct sp_file_plan *out)
{
    const struct sp_file_snapshot *file = out->snapshot;
    const char *older = file->content.data ? legacy_module(file) : NULL;
    bool ours = file->content.data && file->spec->marker && has_marker(file);
    out->state = older || ours ? SP_STATE_OUTDATED : SP_STATE_UNTOUCHED;
    out->action = older || ours ? SP_ACTION_REMOVE : SP_ACTION_NONE;
    if (older)
        out->note = sp_pool_printf(pool, "left by %s", older);
    else if (ours)
        out->note = "our driver for another version of the package";
}

/* An edit must be reversible to the byte, and be found in place the next time; anything else
 * is a manifest that does not fit. */
static bool is_reversible(struct sp_pool *pool, const struct sp_file_snapshot *file,
                          struct sp_bytes edited)
{
    struct sp_edited clean, back, again;
    struct sp_error ignored = SP_ERROR_INIT;
    bool good =
        sp_edit_apply(pool, file->spec, file->content, SP_GOAL_UNINSTALL, &clean, &ignored) == 0 &&
        sp_edit_apply(pool, file->spec, edited, SP_GOAL_UNINSTALL, &back, &ignored) == 0 &&
        sp_bytes_equal(clean.text, back.text) &&
        sp_edit_apply(pool, file->spec, edited, SP_GOAL_INSTALL, &again, &ignored) == 0 &&
        sp_bytes_equal(again.text, edited);
    sp_error_clear(&ignored);
    return good;
}

static void plan_edits(struct sp_pool *pool, enum sp_goal goal, struct sp_file_plan *out)
{
    const struct sp_file_snapshot *file = out->snapshot;
    struct sp_edited edited;
    const struct sp_edit_count *found = &edited.found;
    struct sp_error err = SP_ERROR_INIT;
    if (!file->content.data) {
        if (goal == SP_GOAL_INSTALL)
            conflict(out, "there is no such file; the package is not complete");
        else
            out->state = SP_STATE_UNTOUCHED;
        return;
    }
    if (sp_edit_apply(pool, file->spec, file->content, goal, &edited, &err) < 0) {
        conflict(out, sp_pool_strdup(pool, err.message));
        sp_error_clear(&err);
        return;
    }
    if (found->legacy)
        out->state = SP_STATE_OUTDATED;
    else if (found->wanted == 0)
        out->state = SP_STATE_UNTOUCHED;
    else if (found->ours == found->wanted)
        out->state = SP_STATE_INSTALLED;
    else
        out->state = found->ours ? SP_STATE_PARTIAL : SP_STATE_NOT_INSTALLED;
    if (found->legacy)
        out->note = "edited by the older tool";
    if (sp_bytes_equal(edited.text, file->content))
        return;
    if (goal == SP_GOAL_INSTALL && !is_reversible(pool, file, edited.text)) {
        conflict(out, "the edits could not be removed again; the manifest does not fit this file");
        return;
    }
    out->action = SP_ACTION_REPLACE;
    out->after = edited.text;
}

static void plan_file(struct sp_pool *pool, enum sp_goal goal, struct sp_file_plan *out)
{
    if (out->snapshot->obstacle)
        conflict(out, out->snapshot->obstacle);
    else if (out->snapshot->spec->copy)
        plan_module(pool, goal, out);
    else if (out->snapshot->spec->edits.count)
        plan_edits(pool, goal, out);
    else
        plan_leftover(pool, out);
}

/* With a driver of somebody else, everything that registers a driver is left: it is theirs. */
static void leave_to_foreign(struct sp_component_plan *plan)
{
    const struct sp_file_plan *module = NULL;
    for (size_t i = 0; !module && i < plan->files.count; i++)
        if (plan->files.items[i].state == SP_STATE_FOREIGN)
            module = &plan->files.items[i];
    for (size_t i = 0; module && i < plan->files.count; i++) {
        struct sp_file_plan *file = &plan->files.items[i];
        if (file->snapshot->spec->copy || file->action == SP_ACTION_NONE)
            continue;
        file->state = SP_STATE_FOREIGN;
        file->action = SP_ACTION_NONE;
        file->after = (struct sp_bytes){NULL, 0};
        file->note = "belongs to a driver that is not ours; left alone";
    }
}

/* The state of the whole from those of its files. */
static enum sp_state sum_up(const struct sp_component_plan *plan)
{
    size_t installed = 0, missing = 0, some = 0;
    bool outdated = false, foreign = false;
    for (size_t i = 0; i < plan->files.count; i++)
        foreign |= plan->files.items[i].state == SP_STATE_FOREIGN;
    if (foreign)
        return SP_STATE_FOREIGN;
    for (size_t i = 0; i < plan->files.count; i++) {
        enum sp_state state = plan->files.items[i].state;
        if (state == SP_STATE_CONFLICT)
            return SP_STATE_CONFLICT;
        outdated |= state == SP_STATE_OUTDATED;
        installed += state == SP_STATE_INSTALLED;
        missing += state == SP_STATE_NOT_INSTALLED;
        some += state == SP_STATE_PARTIAL;
    }
    if (outdated)
        return SP_STATE_OUTDATED;
    if (installed == 0 && some == 0)
        return SP_STATE_NOT_INSTALLED;
    return missing || some ? SP_STATE_PARTIAL : SP_STATE_INSTALLED;
}

void sp_plan_component(struct sp_pool *pool, const struct sp_detection *found,
                       const struct sp_file_snapshot *files, size_t count, enum sp_goal goal,
                       struct sp_component_plan *out)
{
    memset(out, 0, sizeof(*out));
    out->found = found;
    if (found->obstacle) {
        out->state = SP_STATE_CONFLICT;
        out->note = found->obstacle;
        return;
    }
    if (!found->spec) {
        out->state = SP_STATE_UNSUPPORTED;
        out->note = found->version
                        ? sp_pool_printf(pool, "version %s belongs to no release that is known",
                                         found->version)
                        : "its release is unknown";
        return;
    }
    if (found->spec->release->support != SP_SUPPORTED) {
        bool included = found->spec->release->support == SP_INCLUDED;
        out->state = included ? SP_STATE_INCLUDED : SP_STATE_UNSUPPORTED;
        out->note = found->spec->release->note;
        return;
    }
    if (!found->layout) {
        out->state = SP_STATE_CONFLICT;
        out->note =
            sp_pool_printf(pool, "its files are laid out as in no version of %s that is known",
                           found->spec->release->name);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct sp_manifest_file *spec = files[i].spec;
        bool leftover = !spec->copy && spec->edits.count == 0;
        if (leftover && !files[i].content.data && !files[i].obstacle)
            continue; /* what might have been left is not there */
        struct sp_file_plan *file = SP_PUSH(pool, &out->files);
        file->snapshot = &files[i];
        plan_file(pool, goal, file);
    }
    leave_to_foreign(out);
    out->state = sum_up(out);
    out->integrated = sp_state_is_integrated(out->state);
}

void sp_plan_report(struct sp_component_plan *plan, const struct sp_detection *found,
                    enum sp_state state, const char *why)
{
    *plan = (struct sp_component_plan){
        .found = found, .state = state, .note = why, .integrated = plan->integrated};
}

bool sp_plan_changes(const struct sp_component_plan *plan)
{
    for (size_t i = 0; i < plan->files.count; i++)
        if (plan->files.items[i].action != SP_ACTION_NONE)
            return true;
    return false;
}
