/* SPDX-License-Identifier: Apache-2.0 */
/* install and uninstall: the same plan towards opposite goals, and a transaction. */
#include <string.h>
#include <unistd.h>

#include "base/invocation.h"
#include "cli/cmd.h"
#include "cli/doctor.h"
#include "cli/job.h"
#include "cli/output_text.h"
#include "cli/prepare.h"
#include "txn/integrated.h"
#include "txn/revert.h"
#include "txn/transaction.h"

/* Selects the components and plans their way to the goal, unless they are half changed. */
static int open_job(struct sp_job *job, enum sp_select_mode mode, struct sp_error *err)
{
    sp_strv dirs = {NULL, 0, 0};
    if (sp_context_select(job->context, mode, &job->selection, err) < 0)
        return -1;
    for (size_t i = 0; i < job->selection.count; i++)
        if (sp_target_counts(&job->selection.items[i]) && job->selection.items[i].detection)
            *SP_PUSH(job->context->pool, &dirs) = job->selection.items[i].detection->dir;
    if (sp_prepare_check_pending(job->context, &dirs, err) < 0)
        return -1;
    return sp_context_plan(job->context, &job->selection, job->goal, err);
}

static int finish(struct sp_job *job, int rc)
{
    if (rc < 0)
        return -1;
    if (job->context->report->json)
        sp_job_put_document(job);
    return SP_ERROR_NONE;
}

/* With --no-deps: what the components need and is not among them. */
static void warn_left_out(struct sp_job *job)
{
    for (size_t i = 0; job->context->options->no_deps && i < job->selection.count; i++) {
        const struct sp_target *one = &job->selection.items[i];
        static const sp_strv none;
        const sp_strv *needs = sp_target_counts(one) ? &one->detection->spec->requires : &none;
        for (size_t j = 0; j < needs->count; j++) {
            bool here = false;
            for (size_t k = 0; k < job->selection.count; k++)
                here |= strcmp(job->selection.items[k].name, needs->items[j]) == 0;
            if (!here)
                sp_console_warn(job->context->pool, job->context->report,
                                "%s needs %s, which is left out (--no-deps); unless it is "
                                "integrated, no volume can be attached",
                                one->name, needs->items[j]);
        }
    }
}

/* On a live host or in an image that is worked on by root; not for components that need no drivers. */
static bool wants_groups(const struct sp_job *job)
{
    const struct sp_options *options = job->context->options;
    if (geteuid() != 0 || options->no_groups || options->dry_run || options->trees.count)
        return false;
    for (size_t i = 0; i < job->selection.count; i++) {
        const struct sp_detection *found = job->selection.items[i].detection;
        if (found && found->spec && found->spec->release->support == SP_SUPPORTED)
            return true;
    }
    return false;
}

static int set_up_groups(struct sp_job *job, struct sp_error *err)
{
    sp_strv accounts = {NULL, 0, 0};
    sp_cmd_add_accounts(job->context, &job->selection, false, &accounts);
    if (sp_cmd_ensure_groups(job->context, &accounts, &job->groups, err) < 0)
        return sp_error_prefix(err, "the drivers are in place, but");
    return 0;
}

static int install(struct sp_job *job, struct sp_error *err)
{
    struct sp_context *context = job->context;
    if (open_job(job, SP_SELECT_CHANGE, err) < 0 ||
        sp_context_check_mixed(context, &job->selection, err) < 0 ||
        sp_cmd_refuse(context, &job->selection, err) < 0 ||
        sp_prerequisites_find(context->pool, &job->selection, &job->prerequisites, err) < 0 ||
        sp_job_build(job, err) < 0 || sp_job_make_diff(job, err) < 0)
        return -1;
    warn_left_out(job);
    sp_job_print_plan(job);
    if (sp_job_run(job, err) < 0)
        return -1;
    sp_job_print_outcome(job);
    sp_cmd_warn_leftovers(context, &job->selection);
    sp_output_warn_prerequisites(context, &job->prerequisites);
    if (wants_groups(job) && set_up_groups(job, err) < 0)
        return -1;
    if (!context->options->dry_run && !context->report->json)
        sp_examine_print_count(
            context, sp_examine_count(context, &job->selection, &job->prerequisites, true));
    return 0;
}

int sp_cmd_install(struct sp_context *context, struct sp_error *err)
{
    struct sp_job job = {.context = context, .goal = SP_GOAL_INSTALL};
    return finish(&job, install(&job, err));
}

/* Refuses to take away what an integrated component needs, unless that goes too. */
static int check_dependents(struct sp_job *job, struct sp_error *err)
{
    struct sp_context *context = job->context;
    sp_selection gone = {NULL, 0, 0}, others = {NULL, 0, 0};
    if (context->options->no_deps)
        return 0;
    for (size_t i = 0; i < job->selection.count; i++)
        if (sp_target_counts(&job->selection.items[i]) && job->selection.items[i].plan.integrated)
            *SP_PUSH(context->pool, &gone) = job->selection.items[i];
    sp_select_dependents(context->pool, &gone, &others);
    if (sp_context_plan(context, &others, SP_GOAL_INSTALL, err) < 0)
        return -1;
    for (size_t i = 0; i < others.count; i++)
        if (others.items[i].plan.integrated)
            return sp_error_set(err, SP_ERROR_REFUSED,
                                "%s is integrated and needs %s; uninstall both, or add --no-deps",
                                others.items[i].name, others.items[i].needed_by);
    return 0;
}

/* Refuses to go on where a driver of somebody else is registered: by their text the lines could be
 * ours, and by their provenance they are not ours to take out. */
static int refuse_foreign(struct sp_job *job, struct sp_error *err)
{
    struct sp_context *context = job->context;
    for (size_t i = 0; i < job->selection.count; i++) {
        const struct sp_target *one = &job->selection.items[i];
        for (size_t j = 0; one->plan.state == SP_STATE_FOREIGN && j < one->plan.files.count; j++) {
            const struct sp_file_plan *file = &one->plan.files.items[j];
            if (file->state == SP_STATE_FOREIGN && !file->snapshot->spec->copy)
                return sp_error_set(err, SP_ERROR_REFUSED,
                                    "%s: what registers a driver %s; nothing was changed, name the "
                                    "components to take out if there are others",
                                    sp_output_path(context, one, file), file->note);
        }
    }
    return 0;
}

static bool is_meant(const struct sp_options *options, const char *name)
{
    return options->components.count == 0 || sp_strv_has(&options->components, name);
}

static bool is_found(struct sp_context *context, const char *name)
{
    for (size_t i = 0; i < context->scans.count; i++)
        for (size_t j = 0; j < context->scans.items[i]->detections.items.count; j++)
            if (strcmp(context->scans.items[i]->detections.items.items[j]->name, name) == 0)
                return true;
    return false;
}

/* A package that was removed leaves our modules behind, which no component is found by. The first
 * transaction that can be rolled back and was for such a component, or NULL. */
static const struct sp_journal *find_orphan(struct sp_context *context)
{
    const struct sp_history *history = &context->work->history;
    for (size_t i = 0; i < history->journals.count; i++) {
        const struct sp_journal *journal = &history->journals.items[i];
        bool counts = sp_revert_applies(history, journal) && sp_history_is_here(history, journal);
        for (size_t j = 0; counts && j < journal->components.count; j++)
            if (is_meant(context->options, journal->components.items[j].name) &&
                !is_found(context, journal->components.items[j].name))
                return journal;
    }
    return NULL;
}

static bool is_selected(struct sp_job *job, const struct sp_journal_component *component)
{
    for (size_t i = 0; i < job->selection.count; i++) {
        const struct sp_detection *found = job->selection.items[i].detection;
        if (found && strcmp(found->name, component->name) == 0 &&
            sp_detection_is_at(job->context->pool, found, component->path) &&
            !sp_plan_changes(&job->selection.items[i].plan))
            return true;
    }
    return false;
}

/* Adds to the transaction the components of which an upgrade left nothing: that they were removed is
 * recorded, or reapply would integrate the next version again. */
static void add_recorded(struct sp_job *job)
{
    sp_integrations known = {NULL, 0, 0};
    sp_integrated_find(job->context->pool, &job->context->work->history, &known);
    for (size_t i = 0; i < known.count; i++)
        if (is_selected(job, known.items[i].component))
            *SP_PUSH(job->context->pool, &job->txn.components) = *known.items[i].component;
}

static int uninstall(struct sp_job *job, struct sp_error *err)
{
    struct sp_context *context = job->context;
    if (open_job(job, SP_SELECT_REMOVE, err) < 0) {
        const struct sp_journal *orphan = find_orphan(context);
        if (orphan && err->kind == SP_ERROR_REFUSED)
            sp_error_suffix(err,
                            "; to remove what transaction %u installed, and undo all after it, "
                            "run: %s rollback %u",
                            orphan->id, sp_invocation(), orphan->id);
        return -1;
    }
    for (size_t i = 0; i < job->selection.count; i++) /* there is nothing of ours in the others */
        if (job->selection.items[i].plan.state == SP_STATE_CONFLICT &&
            sp_cmd_refuse(context, &job->selection, err) < 0)
            return -1;
    if (check_dependents(job, err) < 0 || sp_job_build(job, err) < 0 ||
        sp_job_make_diff(job, err) < 0)
        return -1;
    add_recorded(job);
    sp_job_print_plan(job);
    if (refuse_foreign(job, err) < 0 || sp_job_run(job, err) < 0)
        return -1;
    sp_job_print_outcome(job);
    sp_cmd_warn_remaining(context, &job->selection);
    sp_cmd_warn_leftovers(context, &job->selection);
    return 0;
}

int sp_cmd_uninstall(struct sp_context *context, struct sp_error *err)
{
    struct sp_job job = {.context = context, .goal = SP_GOAL_UNINSTALL};
    return finish(&job, uninstall(&job, err));
}
