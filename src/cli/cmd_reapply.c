/* SPDX-License-Identifier: Apache-2.0 */
/* reapply: integrates again the components that package upgrades changed, and nothing else.
 *
 * People type it, and the triggers of our packages run it while dpkg or rpm is at work. So it begins
 * with cheap looks, waits for a lock, warns of the components that it must not touch, and goes on
 * with the other environments after a failure. */
#include <string.h>

#include "base/cleanup.h"
#include "base/invocation.h"
#include "cli/cmd.h"
#include "cli/job.h"
#include "cli/output_json.h"
#include "cli/output_text.h"
#include "cli/prepare.h"
#include "cli/reapply.h"
#include "fs/resolve.h"
#include "host/syslog.h"

#define SWITCH "etc/sp-openstack/no-reapply"

struct reapply {
    struct sp_context *context;
    struct sp_reapply_work work;
    struct sp_job total; /* of all transactions, for the document */
    sp_strv done;        /* sentences for the log */
    sp_strv problems;
    SP_VEC(unsigned) ids;
    enum sp_error_kind status; /* the worst of all */
};

/* ---- what comes out -------------------------------------------------------------------------- */

static void add_problem(struct reapply *r, enum sp_error_kind kind, const char *text)
{
    *SP_PUSH(r->context->pool, &r->problems) = text;
    if (kind > r->status)
        r->status = kind;
}

/* An error of one environment: the others are not passed over for it. */
static void add_error(struct reapply *r, const struct sp_error *err)
{
    sp_console_error(r->context->report, err);
    add_problem(r, err->kind, sp_pool_strdup(r->context->pool, err->message));
}

/* apt's terminal is gone when somebody looks. The log is that of this host, not of another root. */
static void write_log(struct reapply *r, const struct sp_error *err)
{
    struct sp_pool *pool = r->context->pool;
    const struct sp_options *options = r->context->options;
    const char *text = "reapply:";
    if (err->kind)
        *SP_PUSH(pool, &r->problems) = err->message;
    if (options->root || options->dry_run || (r->done.count == 0 && r->problems.count == 0))
        return;
    if (r->done.count)
        text = sp_pool_printf(pool, "%s %s", text, sp_strv_join(pool, &r->done, "; "));
    if (r->problems.count)
        text = sp_pool_printf(pool, "%s%s not done: %s", text, r->done.count ? ";" : "",
                              sp_strv_join(pool, &r->problems, "; "));
    sp_host_syslog(r->problems.count > 0, text);
}

static void put_document(struct reapply *r)
{
    struct sp_buffer buf = SP_BUFFER_INIT;
    struct sp_json json;
    r->total.txn.command = "reapply";
    sp_output_begin(&json, &buf, r->total.txn.command);
    sp_job_put_members(&json, &r->total);
    sp_json_key(&json, "transactions");
    sp_json_array(&json);
    for (size_t i = 0; i < r->ids.count; i++)
        sp_json_number(&json, r->ids.items[i]);
    sp_json_end_array(&json);
    sp_output_strings(&json, "problems", &r->problems);
    sp_output_end(&json, r->context);
}

/* ---- one environment ------------------------------------------------------------------------- */

/* Waits also for one that works on a package with another work directory. */
static int run_job(struct sp_job *job, struct sp_error *err)
{
    for (;;) {
        SP_CLEANUP_ERROR struct sp_error reason = SP_ERROR_INIT;
        if (sp_job_run(job, &reason) == 0)
            return 0;
        if (!sp_prepare_wait(job->context, &reason))
            return sp_error_set(err, reason.kind, "%s", reason.message);
    }
}

static const char *describe(struct reapply *r, const struct sp_job *job)
{
    sp_strv titles = {NULL, 0, 0};
    for (size_t i = 0; i < job->selection.count; i++)
        *SP_PUSH(r->context->pool, &titles) =
            sp_output_title(r->context->pool, &job->selection.items[i]);
    return sp_pool_printf(r->context->pool, "transaction %u integrated %s (%s)", job->id,
                          sp_strv_join(r->context->pool, &titles, ", "),
                          sp_output_files(r->context->pool, job->txn.changes.count));
}

/* Adds the changes of the job to the document and the log. */
static void add_done(struct reapply *r, const struct sp_job *job)
{
    struct sp_pool *pool = r->context->pool;
    for (size_t i = 0; i < job->txn.changes.count; i++)
        *SP_PUSH(pool, &r->total.txn.changes) = job->txn.changes.items[i];
    sp_strv_add_all_once(pool, &r->total.services, &job->services);
    if (job->id == 0)
        return;
    r->total.id = job->id;
    *SP_PUSH(pool, &r->ids) = job->id;
    *SP_PUSH(pool, &r->done) = describe(r, job);
}

static int integrate(struct reapply *r, struct sp_job *job, struct sp_error *err)
{
    if (sp_job_build(job, err) < 0)
        return -1;
    sp_job_print_plan(job);
    if (run_job(job, err) < 0)
        return -1;
    sp_job_print_outcome(job);
    add_done(r, job);
    return 0;
}

/* All components of the group that are to be integrated, in one transaction. */
static void integrate_group(struct reapply *r, size_t group)
{
    SP_CLEANUP_ERROR struct sp_error err = SP_ERROR_INIT;
    struct sp_job *job = sp_pool_alloc(r->context->pool, sizeof(*job));
    *job =
        (struct sp_job){.context = r->context, .goal = SP_GOAL_INSTALL, .txn.command = "reapply"};
    for (size_t i = 0; i < r->work.items.count; i++)
        if (r->work.items.items[i].group == group &&
            r->work.items.items[i].verdict == SP_REAPPLY_INSTALL &&
            !r->work.items.items[i].pending && !r->work.items.items[i].target.shadowed_by)
            *SP_PUSH(r->context->pool, &job->selection) = r->work.items.items[i].target;
    if (job->selection.count == 0)
        return;
    sp_select_order(&job->selection);
    if (integrate(r, job, &err) < 0)
        add_error(r, &err);
}

/* ---- what is left alone ---------------------------------------------------------------------- */

/* The first reason in the plan. */
static const char *reason_of(struct sp_context *context, const struct sp_target *one)
{
    if (one->plan.note)
        return one->plan.note;
    for (size_t i = 0; i < one->plan.files.count; i++)
        if (one->plan.files.items[i].state == SP_STATE_CONFLICT)
            return sp_pool_printf(context->pool, "%s: %s",
                                  sp_output_path(context, one, &one->plan.files.items[i]),
                                  one->plan.files.items[i].note);
    return sp_state_name(one->plan.state);
}

/* Without the full stop of a note that is a sentence of its own. */
static const char *without_stop(struct sp_pool *pool, const char *text)
{
    size_t len = strlen(text);
    return len && text[len - 1] == '.' ? sp_pool_memdup(pool, text, len - 1) : text;
}

static void leave_alone(struct reapply *r, const struct sp_reapply_item *item)
{
    struct sp_context *context = r->context;
    const struct sp_target *one = &item->target;
    const char *title = sp_output_title(context->pool, one), *why;
    const char *purpose = "integrate it again", *command = "install";
    switch (item->verdict) {
    case SP_REAPPLY_REMOVED:
        why = "nothing of the integration is there, and no upgrade within its release tells why";
        break;
    case SP_REAPPLY_UNSURE:
        why = "nothing of the integration is there, and a later transaction cannot be read, which "
              "may have removed it";
        break;
    default:
        why = without_stop(context->pool, reason_of(context, one));
        purpose = "have it passed over from now on";
        command = "uninstall";
        break;
    }
    const char *text = sp_pool_printf(context->pool, "%s: %s; it is left alone", title, why);
    add_problem(r, SP_ERROR_REFUSED, text);
    sp_console_warn(context->pool, context->report, "%s; to %s, run: %s", text, purpose,
                    sp_cmd_suggest(context, command, one));
}

static void print_item(struct reapply *r, const struct sp_reapply_item *item)
{
    struct sp_context *context = r->context;
    const struct sp_target *one = &item->target;
    const char *title = sp_output_title(context->pool, one);
    if (one->shadowed_by)
        sp_console_print(context->report, 0, "%s in %s: nothing to do; %s", title,
                         sp_scan_show(context->pool, one->scan, one->detection->site->path),
                         one->plan.note);
    else if (item->pending)
        return; /* it was said */
    else if (item->verdict == SP_REAPPLY_NOTHING)
        sp_console_print(context->report, 0, "%s: nothing to do, it is integrated", title);
    else if (item->verdict == SP_REAPPLY_EDITED)
        sp_console_print(
            context->report, 0,
            "%s: nothing to do; it is integrated, with a driver that was edited, which "
            "only install replaces",
            title);
    else if (item->verdict != SP_REAPPLY_INSTALL)
        leave_alone(r, item);
}

/* ---- all of it ------------------------------------------------------------------------------- */

static int is_switched_off(struct reapply *r, bool *off, struct sp_error *err)
{
    const char *real;
    if (sp_fs_resolve(&r->context->root, r->context->pool, SWITCH, &real, NULL, err) < 0)
        return -1;
    *off = real != NULL;
    return 0;
}

static void print_switched_off(struct reapply *r)
{
    sp_console_print(r->context->report, 0, "reapply is switched off: '%s' is there",
                     sp_root_show(&r->context->root, r->context->pool, SWITCH));
}

/* Finds the components that an interrupted transaction is in the way of, and says why. */
static void find_pending(struct reapply *r)
{
    struct sp_context *context = r->context;
    const struct sp_recover_report *recovered = &context->work->recovered;
    for (size_t i = 0; i < r->work.items.count; i++) {
        SP_CLEANUP_ERROR struct sp_error err = SP_ERROR_INIT;
        struct sp_reapply_item *item = &r->work.items.items[i];
        sp_strv dirs = {NULL, 0, 0};
        *SP_PUSH(context->pool, &dirs) = item->target.detection->dir;
        item->pending = sp_prepare_find_pending(context, &dirs, &err) < 0;
        if (item->pending && !sp_strv_has(&r->problems, err.message))
            add_error(r, &err);
    }
    for (size_t i = 0; i < recovered->failures.count; i++)
        if (!sp_strv_has(&r->problems, recovered->failures.items[i].message))
            sp_console_warn(context->pool, context->report, "%s",
                            recovered->failures.items[i].message);
}

static int check_names(struct sp_context *context, struct sp_error *err)
{
    const sp_strv *names = &context->options->components;
    if (names->count == 0)
        return 0;
    if (sp_context_load_manifests(context, err) < 0)
        return -1;
    return sp_select_check_names(context->pool, &context->manifests, names, err);
}

/* The records of the components that are named, or all. */
static void find_records(struct reapply *r)
{
    struct sp_context *context = r->context;
    const sp_strv *names = &context->options->components;
    sp_integrations all = {NULL, 0, 0};
    r->work.records.count = 0;
    sp_integrated_find(context->pool, &context->work->history, &all);
    for (size_t i = 0; i < all.count; i++)
        if (names->count == 0 || sp_strv_has(names, all.items[i].component->name))
            *SP_PUSH(context->pool, &r->work.records) = all.items[i];
}

/* Whether there is anything to look after. Without a history, or after an uninstall, this is all that
 * is done; what was interrupted has to be recovered first. A dry run tells also when it is switched
 * off whether anything is integrated: our packages ask that when they are removed. */
static int is_needed(struct reapply *r, bool *needed, struct sp_error *err)
{
    bool off;
    *needed = false;
    if (is_switched_off(r, &off, err) < 0)
        return -1;
    if (off && !r->context->options->dry_run) {
        print_switched_off(r);
        return 0;
    }
    if (check_names(r->context, err) < 0 || sp_prepare_look(r->context, err) < 0)
        return -1;
    find_records(r);
    *needed = r->work.records.count > 0 || r->context->work->history.pending.count > 0;
    if (!*needed)
        sp_console_print(r->context->report, 0, "nothing to do; nothing is recorded as integrated");
    else if (off)
        print_switched_off(r);
    *needed = *needed && !off;
    return 0;
}

static int reapply(struct reapply *r, struct sp_error *err)
{
    bool needed;
    if (is_needed(r, &needed, err) < 0)
        return -1;
    if (!needed)
        return 0;
    if (sp_prepare_rest(r->context, err) < 0)
        return -1;
    find_records(r); /* of the history as it is now that it is locked and recovered */
    if (sp_reapply_find(&r->work, err) < 0)
        return -1;
    find_pending(r);
    if (sp_reapply_plan(&r->work, err) < 0)
        return -1;
    for (size_t i = 0; i < r->work.items.count; i++) {
        *SP_PUSH(r->context->pool, &r->total.selection) = r->work.items.items[i].target;
        print_item(r, &r->work.items.items[i]);
    }
    for (size_t i = 0; i < r->work.items.count; i++)
        integrate_group(r, i);
    if (r->work.items.count == 0)
        sp_console_print(r->context->report, 0,
                         "nothing to do; nothing that is recorded as integrated is here");
    return 0;
}

int sp_cmd_reapply(struct sp_context *context, struct sp_error *err)
{
    struct reapply r = {.context = context,
                        .work.context = context,
                        .total = {.context = context, .goal = SP_GOAL_INSTALL}};
    int rc = reapply(&r, err);
    write_log(&r, err);
    if (rc < 0)
        return -1;
    if (context->report->json)
        put_document(&r);
    return (int)r.status;
}
