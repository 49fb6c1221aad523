/* SPDX-License-Identifier: Apache-2.0 */
/* The output of install and uninstall. */
#include "base/cleanup.h"
#include "base/invocation.h"
#include "cli/job.h"
#include "cli/output_diff.h"
#include "cli/output_json.h"
#include "cli/output_text.h"
#include "cli/prepare.h"
#include "cli/services.h"

static void print_file(struct sp_job *job, const struct sp_target *one,
                       const struct sp_file_plan *file)
{
    struct sp_context *context = job->context;
    const char *note = file->note;
    /* a package upgrade put the original back, say */
    if (!note && job->goal == SP_GOAL_UNINSTALL && file->state == SP_STATE_NOT_INSTALLED &&
        file->snapshot->content.data && sp_plan_changes(&one->plan))
        note = "nothing of ours is in it, and it is left alone";
    bool worth = file->action != SP_ACTION_NONE || note;
    sp_console_print(context->report, worth ? 0 : 1, "  %-7s  %s%s%s%s",
                     file->action == SP_ACTION_NONE ? "keep" : sp_action_name(file->action),
                     sp_output_path(context, one, file), note ? " (" : "", note ? note : "",
                     note ? ")" : "");
}

void sp_job_print_plan(struct sp_job *job)
{
    struct sp_context *context = job->context;
    for (size_t i = 0; i < job->selection.count; i++) {
        const struct sp_target *one = sp_job_target(job, i);
        const char *title = sp_output_title(context->pool, one);
        sp_file_order files = {NULL, 0, 0};
        if (one->plan.state == SP_STATE_INCLUDED || (one->plan.note && one->plan.files.count == 0))
            sp_console_print(context->report, 0, "%s: nothing to do; %s", title, one->plan.note);
        else if (!sp_plan_changes(&one->plan))
            sp_console_print(context->report, 0, "%s: nothing to do, %s", title,
                             job->goal == SP_GOAL_INSTALL ? "it is integrated"
                                                          : "it is not integrated");
        else
            sp_console_print(context->report, 0, "%s%s%s:", title,
                             one->needed_by ? ", needed by " : "",
                             one->needed_by ? one->needed_by : "");
        sp_job_files(job, one, &files);
        for (size_t j = 0; j < files.count; j++)
            print_file(job, one, files.items[j]);
    }
}

/* The backup of a file that an administrator may miss. */
static void warn_edited(struct sp_job *job)
{
    struct sp_context *context = job->context;
    const char *done = job->goal == SP_GOAL_INSTALL ? "replaced" : "removed";
    for (size_t i = 0; i < job->edited.count; i++) {
        const char *path = job->edited.items[i];
        if (job->id)
            sp_console_warn(
                context->pool, context->report,
                "'%s' was edited, or is of an unknown version, and was %s; its backup "
                "is in '%s/backup.tar'",
                path, done,
                sp_workdir_show(context->pool, &context->work->dir, "transactions", job->id));
        else
            sp_console_warn(context->pool, context->report,
                            "'%s' was edited, or is of an unknown version, and would be %s; a "
                            "backup would be kept",
                            path, done);
    }
}

/* Nothing of it was left, but it was known as integrated. */
static void print_recorded(struct sp_job *job)
{
    struct sp_context *context = job->context;
    sp_strv all = {NULL, 0, 0};
    for (size_t i = 0; i < job->txn.components.count; i++)
        sp_strv_add_once(context->pool, &all, job->txn.components.items[i].name);
    const char *list = sp_strv_join(context->pool, &all, ", ");
    if (job->id)
        sp_console_print(context->report, 0,
                         "transaction %u: no file changed; recorded as removed, so that reapply "
                         "leaves it alone: %s",
                         job->id, list);
    else
        sp_console_print(context->report, 0,
                         "would be recorded as removed: %s; nothing was (--dry-run)", list);
}

void sp_job_print_outcome(struct sp_job *job)
{
    struct sp_context *context = job->context;
    const char *files = sp_output_files(context->pool, job->txn.changes.count);
    warn_edited(job);
    if (job->txn.components.count == 0)
        return;
    if (job->txn.changes.count == 0) {
        print_recorded(job);
        return;
    }
    if (context->options->dry_run) {
        sp_console_print(context->report, 0, "%s would be changed; nothing was (--dry-run)", files);
        return;
    }
    sp_console_print(context->report, 0, "transaction %u: %s changed; to undo it, run: %s rollback",
                     job->id, files, sp_invocation());
    sp_services_print_restart(context, &job->services);
}

int sp_job_make_diff(struct sp_job *job, struct sp_error *err)
{
    SP_CLEANUP_BUFFER struct sp_buffer diff = SP_BUFFER_INIT;
    struct sp_context *context = job->context;
    if (!context->report->json || context->report->verbose < 1)
        return 0;
    if (sp_output_diff(context, &job->selection, &diff, err) < 0)
        return -1;
    job->diff = sp_pool_strdup(context->pool, sp_buffer_str(&diff));
    return 0;
}

void sp_job_put_members(struct sp_json *json, struct sp_job *job)
{
    struct sp_context *context = job->context;
    static const sp_strv none;
    sp_json_key(json, "dry_run");
    sp_json_bool(json, context->options->dry_run);
    sp_output_id(json, "transaction", job->id);
    sp_json_key(json, "changed");
    sp_json_number(json, (long long)job->txn.changes.count);
    sp_output_components(json, context, &job->selection, true);
    sp_output_prerequisites(json, &job->prerequisites);
    sp_output_strings(json, "services", job->id ? &job->services : &none);
    sp_output_strings(json, "groups", &job->groups);
    if (job->diff)
        sp_json_pair(json, "diff", job->diff);
}

void sp_job_put_document(struct sp_job *job)
{
    struct sp_buffer buf = SP_BUFFER_INIT;
    struct sp_json json;
    sp_output_begin(&json, &buf, job->txn.command);
    sp_job_put_members(&json, job);
    sp_output_end(&json, job->context);
}
