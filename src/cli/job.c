/* SPDX-License-Identifier: Apache-2.0 */
/* From the plans to the transaction. */
#include "cli/job.h"

#include <string.h>

#include "base/path.h"
#include "cli/cmd.h"
#include "cli/output_text.h"
#include "cli/prepare.h"
#include "cli/services.h"
#include "format/diff.h"
#include "fs/meta.h"

/* The metadata of the file when it last had the content that it gets, if we remember. */
static int recall_meta(struct sp_job *job, struct sp_file_change *change, struct sp_error *err)
{
    const struct sp_history *history = &job->context->work->history;
    if (history->journals.count == 0)
        return 0;
    if (sp_blob_hash(change->after, &change->after_id, err) < 0)
        return -1;
    return sp_history_meta(job->context->pool, history, change->path, &change->after_id,
                           &change->meta, err);
}

/* An administrator may have edited a driver in place: what is lost with it is only in the backup. */
static int note_edited(struct sp_job *job, const struct sp_target *one,
                       const struct sp_file_plan *file, struct sp_error *err)
{
    const struct sp_journal *by;
    if (!file->unknown)
        return 0;
    if (sp_cmd_find_writer(job->context, file->snapshot, &by, err) < 0)
        return -1;
    if (!by)
        *SP_PUSH(job->context->pool, &job->edited) = sp_output_path(job->context, one, file);
    return 0;
}

static int add_change(struct sp_job *job, const struct sp_target *one,
                      const struct sp_file_plan *file, struct sp_error *err)
{
    struct sp_pool *pool = job->context->pool;
    struct sp_file_change change = {.component = one->name,
                                    .package = SP_LAST(&job->txn.components)->path,
                                    .name = file->snapshot->spec->path,
                                    .action = file->action,
                                    .before = file->snapshot->content,
                                    .after = file->after};
    change.path = file->snapshot->real;
    for (size_t i = 0; i < job->txn.changes.count; i++)
        if (job->scans.items[i] == one->scan &&
            strcmp(job->txn.changes.items[i].path, change.path) == 0)
            return sp_error_set(err, SP_ERROR_REFUSED,
                                "%s is the same file as another one that would be changed",
                                sp_output_path(job->context, one, file));
    if (job->goal == SP_GOAL_UNINSTALL && file->action == SP_ACTION_REPLACE &&
        recall_meta(job, &change, err) < 0)
        return -1;
    if (note_edited(job, one, file, err) < 0)
        return -1;
    *SP_PUSH(pool, &job->txn.changes) = change;
    *SP_PUSH(pool, &job->scans) = one->scan;
    return 0;
}

const struct sp_target *sp_job_target(const struct sp_job *job, size_t i)
{
    size_t count = job->selection.count;
    return &job->selection.items[job->goal == SP_GOAL_INSTALL ? i : count - 1 - i];
}

void sp_job_files(const struct sp_job *job, const struct sp_target *one, sp_file_order *out)
{
    for (int round = 0; round < 2; round++) {
        bool modules = (round == 0) == (job->goal == SP_GOAL_INSTALL);
        for (size_t i = 0; i < one->plan.files.count; i++)
            if ((one->plan.files.items[i].snapshot->spec->copy != NULL) == modules)
                *SP_PUSH(job->context->pool, out) = &one->plan.files.items[i];
    }
}

static int add_changes_of(struct sp_job *job, const struct sp_target *one, struct sp_error *err)
{
    sp_file_order files = {NULL, 0, 0};
    sp_job_files(job, one, &files);
    for (size_t i = 0; i < files.count; i++)
        if (files.items[i]->action != SP_ACTION_NONE &&
            add_change(job, one, files.items[i], err) < 0)
            return -1;
    return 0;
}

/* The directory is recorded as it is found, in its site, so that it is found again where it is a link. */
static void add_component(struct sp_job *job, const struct sp_target *one)
{
    struct sp_pool *pool = job->context->pool;
    const struct sp_detection *found = one->detection;
    const char *path = sp_path_join(pool, found->site->path, found->name);
    const struct sp_component *spec = found->spec;
    *SP_PUSH(pool, &job->txn.components) = (struct sp_journal_component){
        .name = one->name,
        .version = found->version ? found->version : "",
        .release = spec->release->name,
        .layout = found->layout && found->layout->name ? found->layout->name : "",
        .path = sp_path_is_safe_relative(path) ? path : found->dir};
    sp_strv_add_all_once(pool, &job->services, &spec->services);
}

/* Of the services of the changed components those that run the old code, by the names that they have here. */
static int find_services(struct sp_job *job, struct sp_error *err)
{
    sp_strv names = {NULL, 0, 0};
    if (job->context->options->root)
        return 0;
    if (sp_services_after(job->context, &job->selection, &names, err) < 0)
        return sp_error_prefix(err, "the changes are in place, but");
    job->services = names;
    return 0;
}

int sp_job_run(struct sp_job *job, struct sp_error *err)
{
    struct sp_context *context = job->context;
    if (context->options->dry_run)
        return sp_cmd_check_dry_run(context, &job->txn, err);
    if (job->txn.components.count == 0)
        return 0;
    /* what is refused anyway leaves no work directory behind */
    if (!context->work->locked &&
        sp_transaction_check(context->pool, &context->root, &job->txn, err) < 0)
        return -1;
    if (sp_prepare_lock(context, err) < 0)
        return -1;
    sp_transaction_catch_signals();
    job->txn.notes = &job->notes;
    int rc = sp_transaction_run(context->pool, &context->work->dir, &job->txn, &job->id, err);
    if (rc == 0)
        rc = find_services(job, err);
    for (size_t i = 0; i < job->notes.count; i++)
        sp_console_warn(context->pool, context->report, "%s", job->notes.items[i]);
    return rc;
}

int sp_job_build(struct sp_job *job, struct sp_error *err)
{
    if (!job->txn.command)
        job->txn.command = job->goal == SP_GOAL_INSTALL ? "install" : "uninstall";
    for (size_t i = 0; i < job->selection.count; i++) {
        const struct sp_target *one = sp_job_target(job, i);
        if (!sp_plan_changes(&one->plan))
            continue;
        add_component(job, one);
        if (add_changes_of(job, one, err) < 0)
            return -1;
    }
    if (job->goal == SP_GOAL_UNINSTALL && job->context->work->locked)
        sp_cmd_add_times(job->context, &job->context->work->history, 0, &job->txn);
    return 0;
}
