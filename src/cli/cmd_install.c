/* SPDX-License-Identifier: Apache-2.0 */
/* install and uninstall: the same plan towards opposite goals, and a transaction. */
#include <string.h>
#include <unistd.h>

#include "base/invocation.h"
#include "base/path.h"
#include "cli/cmd.h"
#include "cli/output_json.h"
#include "cli/output_text.h"
#include "cli/prepare.h"
#include "format/diff.h"
#include "fs/meta.h"
#include "txn/revert.h"
#include "txn/transaction.h"

struct job {
    struct sp_context *s;
    enum sp_goal goal;
    sp_selection selection;
    sp_prerequisites prerequisites;
    struct sp_transaction txn;
    unsigned id;    /* 0: nothing was changed */
    sp_strv edited; /* drivers that are replaced or removed, and hold what nobody else has */
    SP_VEC(const struct sp_scan *) scans; /* of each change */
    sp_strv services, groups, notes;
};

/* ---- from the plan to the transaction ------------------------------------------------------ */

/* The metadata of the file when it last had this content, if we remember. */
static int remembered_meta(struct job *job, const char *path, struct sp_bytes content,
                           const struct sp_meta **out, struct sp_error *err)
{
    const struct sp_history *history = &job->s->work->history;
    struct sp_blob_id id;
    *out = NULL;
    if (history->journals.count == 0)
        return 0;
    if (sp_blob_hash(content, &id, err) < 0)
        return -1;
    return sp_history_meta(job->s->pool, history, path, &id, out, err);
}

/* Whether one of our transactions wrote this content to the path. */
static int is_recorded(struct job *job, const char *path, struct sp_bytes content,
                       struct sp_error *err)
{
    const struct sp_history *history = &job->s->work->history;
    struct sp_blob_id id;
    if (sp_blob_hash(content, &id, err) < 0)
        return -1;
    for (size_t i = 0; i < history->journals.count; i++) {
        const struct sp_journal *journal = &history->journals.items[i];
        bool counts =
            journal->state == SP_JOURNAL_COMMITTED && sp_history_is_here(history, journal);
        for (size_t j = 0; counts && j < journal->files.count; j++)
            if (strcmp(journal->files.items[j].path, path) == 0 &&
                sp_blob_equal(&journal->files.items[j].after, &id))
                return 1;
    }
    return 0;
}

/* An administrator may have edited a driver in place: what is lost with it is only in the backup. */
static int note_edited(struct job *job, const struct sp_target *one,
                       const struct sp_file_plan *file, const char *path, struct sp_error *err)
{
    if (!file->unknown)
        return 0;
    int recorded = is_recorded(job, path, file->snapshot->content, err);
    if (recorded == 0)
        *SP_PUSH(job->s->pool, &job->edited) = sp_output_path(job->s, one, file);
    return recorded < 0 ? -1 : 0;
}

static int add_change(struct job *job, const struct sp_target *one, const struct sp_file_plan *file,
                      struct sp_error *err)
{
    struct sp_pool *pool = job->s->pool;
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
                                sp_output_path(job->s, one, file));
    if (job->goal == SP_GOAL_UNINSTALL && file->action == SP_ACTION_REPLACE &&
        remembered_meta(job, change.path, file->after, &change.meta, err) < 0)
        return -1;
    if (note_edited(job, one, file, change.path, err) < 0)
        return -1;
    *SP_PUSH(pool, &job->txn.changes) = change;
    *SP_PUSH(pool, &job->scans) = one->scan;
    return 0;
}

/* The i-th component in the order of the changes: what others need comes first, and goes last. */
static const struct sp_target *in_order(const struct job *job, size_t i)
{
    size_t count = job->selection.count;
    return &job->selection.items[job->goal == SP_GOAL_INSTALL ? i : count - 1 - i];
}

typedef SP_VEC(const struct sp_file_plan *) sp_file_order;

/* Its files in the order of the changes: modules before the files that refer to them, and after
 * them when they are taken out. */
static void order_files(const struct job *job, const struct sp_target *one, sp_file_order *out)
{
    for (int round = 0; round < 2; round++) {
        bool modules = (round == 0) == (job->goal == SP_GOAL_INSTALL);
        for (size_t i = 0; i < one->plan.files.count; i++)
            if ((one->plan.files.items[i].snapshot->spec->copy != NULL) == modules)
                *SP_PUSH(job->s->pool, out) = &one->plan.files.items[i];
    }
}

static int add_changes_of(struct job *job, const struct sp_target *one, struct sp_error *err)
{
    sp_file_order files = {NULL, 0, 0};
    order_files(job, one, &files);
    for (size_t i = 0; i < files.count; i++)
        if (files.items[i]->action != SP_ACTION_NONE &&
            add_change(job, one, files.items[i], err) < 0)
            return -1;
    return 0;
}

/* The directory is recorded as it is found, in its site, so that it is found again where it is a link. */
static void add_component(struct job *job, const struct sp_target *one)
{
    struct sp_pool *pool = job->s->pool;
    const struct sp_detection *found = one->detection;
    const char *path = sp_path_join(pool, found->site->path, found->name);
    const struct sp_component *spec = found->spec;
    *SP_PUSH(pool, &job->txn.components) = (struct sp_journal_component){
        .name = one->name,
        .version = found->version ? found->version : "",
        .release = spec->release->name,
        .layout = found->layout && found->layout->name ? found->layout->name : "",
        .path = sp_path_is_safe_relative(path) ? path : found->dir};
    for (size_t i = 0; i < spec->services.count; i++)
        if (!sp_strv_has(&job->services, spec->services.items[i]))
            *SP_PUSH(pool, &job->services) = spec->services.items[i];
}

static int build(struct job *job, struct sp_error *err)
{
    job->txn.command = job->goal == SP_GOAL_INSTALL ? "install" : "uninstall";
    for (size_t i = 0; i < job->selection.count; i++) {
        const struct sp_target *one = in_order(job, i);
        if (!sp_plan_changes(&one->plan))
            continue;
        add_component(job, one);
        if (add_changes_of(job, one, err) < 0)
            return -1;
    }
    if (job->goal == SP_GOAL_UNINSTALL && job->s->work->locked)
        sp_cmd_add_times(job->s, &job->s->work->history, 0, &job->txn);
    return 0;
}

/* ---- output ------------------------------------------------------------------------------- */

static void print_file(struct job *job, const struct sp_target *one,
                       const struct sp_file_plan *file)
{
    struct sp_context *s = job->s;
    const char *note = file->note;
    /* a package upgrade put the original back, say */
    if (!note && job->goal == SP_GOAL_UNINSTALL && file->state == SP_STATE_NOT_INSTALLED &&
        file->snapshot->content.data && sp_plan_changes(&one->plan))
        note = "nothing of ours is in it, and it is left alone";
    bool worth = file->action != SP_ACTION_NONE || note;
    sp_console_print(s->report, worth ? 0 : 1, "  %-7s  %s%s%s%s",
                     file->action == SP_ACTION_NONE ? "keep" : sp_action_name(file->action),
                     sp_output_path(s, one, file), note ? " (" : "", note ? note : "",
                     note ? ")" : "");
}

static void print_plan(struct job *job)
{
    struct sp_context *s = job->s;
    for (size_t i = 0; i < job->selection.count; i++) {
        const struct sp_target *one = in_order(job, i);
        const char *title = sp_output_title(s->pool, one);
        sp_file_order files = {NULL, 0, 0};
        if (one->plan.state == SP_STATE_INCLUDED || (one->plan.note && one->plan.files.count == 0))
            sp_console_print(s->report, 0, "%s: nothing to do; %s", title, one->plan.note);
        else if (!sp_plan_changes(&one->plan))
            sp_console_print(s->report, 0, "%s: nothing to do, %s", title,
                             job->goal == SP_GOAL_INSTALL ? "it is integrated"
                                                          : "it is not integrated");
        else
            sp_console_print(s->report, 0, "%s%s%s:", title, one->needed_by ? ", needed by " : "",
                             one->needed_by ? one->needed_by : "");
        order_files(job, one, &files);
        for (size_t j = 0; j < files.count; j++)
            print_file(job, one, files.items[j]);
    }
}

/* The backup of a file that an administrator may miss. */
static void warn_edited(struct job *job)
{
    struct sp_context *s = job->s;
    const char *done = job->goal == SP_GOAL_INSTALL ? "replaced" : "removed";
    for (size_t i = 0; i < job->edited.count; i++) {
        const char *path = job->edited.items[i];
        if (job->id)
            sp_console_warn(s->pool, s->report,
                            "'%s' was edited, or is of an unknown version, and was %s; its backup "
                            "is in '%s/backup.tar'",
                            path, done,
                            sp_workdir_show(s->pool, &s->work->dir, "transactions", job->id));
        else
            sp_console_warn(s->pool, s->report,
                            "'%s' was edited, or is of an unknown version, and would be %s; a "
                            "backup would be kept",
                            path, done);
    }
}

static void print_outcome(struct job *job)
{
    struct sp_context *s = job->s;
    const char *files = sp_output_files(s->pool, job->txn.changes.count);
    warn_edited(job);
    if (job->txn.changes.count == 0)
        return;
    if (s->options->dry_run) {
        sp_console_print(s->report, 0, "%s would be changed; nothing was (--dry-run)", files);
        return;
    }
    sp_console_print(s->report, 0, "transaction %u: %s changed; to undo it, run: %s rollback",
                     job->id, files, sp_invocation());
    if (job->services.count)
        sp_console_print(s->report, 0, "restart those of these services that run on this host: %s",
                         sp_strv_join(s->pool, &job->services, ", "));
}

static void put_document(struct job *job)
{
    struct sp_context *s = job->s;
    struct sp_buffer buf = SP_BUFFER_INIT;
    struct sp_json json;
    static const sp_strv none;
    sp_output_begin(&json, &buf, job->txn.command);
    sp_json_key(&json, "dry_run");
    sp_json_bool(&json, s->options->dry_run);
    sp_output_id(&json, "transaction", job->id);
    sp_json_key(&json, "changed");
    sp_json_number(&json, (long long)job->txn.changes.count);
    sp_output_components(&json, s, &job->selection, true);
    sp_output_prerequisites(&json, &job->prerequisites);
    sp_output_strings(&json, "services", job->id ? &job->services : &none);
    sp_output_strings(&json, "groups", &job->groups);
    sp_output_end(&json, s);
}

/* ---- running ------------------------------------------------------------------------------- */

static int run(struct job *job, struct sp_error *err)
{
    struct sp_context *s = job->s;
    if (s->options->dry_run)
        return sp_cmd_check_dry_run(s, &job->txn, err);
    if (job->txn.changes.count == 0)
        return 0;
    /* what is refused anyway leaves no work directory behind */
    if (!s->work->locked && sp_transaction_check(s->pool, &s->root, &job->txn, err) < 0)
        return -1;
    if (sp_prepare_lock(s, err) < 0)
        return -1;
    sp_transaction_catch_signals();
    job->txn.notes = &job->notes;
    int rc = sp_transaction_run(s->pool, &s->work->dir, &job->txn, &job->id, err);
    for (size_t i = 0; i < job->notes.count; i++)
        sp_console_warn(s->pool, s->report, "%s", job->notes.items[i]);
    return rc;
}

/* Selects the components and plans their way to the goal, unless they are half changed. */
static int open_job(struct job *job, enum sp_select_mode mode, struct sp_error *err)
{
    sp_strv dirs = {NULL, 0, 0};
    if (sp_context_select(job->s, mode, &job->selection, err) < 0)
        return -1;
    for (size_t i = 0; i < job->selection.count; i++)
        if (sp_target_counts(&job->selection.items[i]) && job->selection.items[i].detection)
            *SP_PUSH(job->s->pool, &dirs) = job->selection.items[i].detection->dir;
    if (sp_prepare_check_pending(job->s, &dirs, err) < 0)
        return -1;
    return sp_context_plan(job->s, &job->selection, job->goal, err);
}

static int finish(struct job *job, int rc)
{
    if (rc < 0)
        return -1;
    if (job->s->report->json)
        put_document(job);
    return SP_ERROR_NONE;
}

/* With --no-deps: what the components need and is not among them. */
static void warn_left_out(struct job *job)
{
    for (size_t i = 0; job->s->options->no_deps && i < job->selection.count; i++) {
        const struct sp_target *one = &job->selection.items[i];
        static const sp_strv none;
        const sp_strv *needs = sp_target_counts(one) ? &one->detection->spec->requires : &none;
        for (size_t j = 0; j < needs->count; j++) {
            bool here = false;
            for (size_t k = 0; k < job->selection.count; k++)
                here |= strcmp(job->selection.items[k].name, needs->items[j]) == 0;
            if (!here)
                sp_console_warn(job->s->pool, job->s->report,
                                "%s needs %s, which is left out (--no-deps); unless it is "
                                "integrated, no volume can be attached",
                                one->name, needs->items[j]);
        }
    }
}

/* On a live host or in an image that is worked on by root; not for components that need no drivers. */
static bool wants_groups(const struct job *job)
{
    const struct sp_options *options = job->s->options;
    if (geteuid() != 0 || options->no_groups || options->dry_run || options->trees.count)
        return false;
    for (size_t i = 0; i < job->selection.count; i++) {
        const struct sp_detection *found = job->selection.items[i].detection;
        if (found && found->spec && found->spec->release->support == SP_SUPPORTED)
            return true;
    }
    return false;
}

static int set_up_groups(struct job *job, struct sp_error *err)
{
    sp_strv accounts = {NULL, 0, 0};
    sp_cmd_add_accounts(job->s, &job->selection, false, &accounts);
    if (sp_cmd_ensure_groups(job->s, &accounts, &job->groups, err) < 0)
        return sp_error_prefix(err, "the drivers are in place, but");
    return 0;
}

static int install(struct job *job, struct sp_error *err)
{
    struct sp_context *s = job->s;
    if (open_job(job, SP_SELECT_CHANGE, err) < 0 ||
        sp_context_check_mixed(s, &job->selection, err) < 0 ||
        sp_cmd_refuse(s, &job->selection, err) < 0 ||
        sp_prerequisites_find(s->pool, &job->selection, &job->prerequisites, err) < 0 ||
        build(job, err) < 0)
        return -1;
    warn_left_out(job);
    print_plan(job);
    if (run(job, err) < 0)
        return -1;
    print_outcome(job);
    sp_cmd_warn_leftovers(s, &job->selection);
    sp_output_warn_prerequisites(s, &job->prerequisites);
    return wants_groups(job) ? set_up_groups(job, err) : 0;
}

int sp_cmd_install(struct sp_context *s, struct sp_error *err)
{
    struct job job = {.s = s, .goal = SP_GOAL_INSTALL};
    return finish(&job, install(&job, err));
}

/* Whether the component is integrated, at least in part. */
static bool is_integrated(const struct sp_component_plan *plan)
{
    return plan->state == SP_STATE_INSTALLED || plan->state == SP_STATE_PARTIAL ||
           plan->state == SP_STATE_OUTDATED;
}

/* Refuses to take away what an integrated component needs, unless that goes too. */
static int check_dependents(struct job *job, struct sp_error *err)
{
    struct sp_context *s = job->s;
    sp_selection gone = {NULL, 0, 0}, others = {NULL, 0, 0};
    if (s->options->no_deps)
        return 0;
    for (size_t i = 0; i < job->selection.count; i++)
        if (is_integrated(&job->selection.items[i].plan))
            *SP_PUSH(s->pool, &gone) = job->selection.items[i];
    sp_select_dependents(s->pool, &gone, &others);
    if (sp_context_plan(s, &others, SP_GOAL_INSTALL, err) < 0)
        return -1;
    for (size_t i = 0; i < others.count; i++)
        if (is_integrated(&others.items[i].plan))
            return sp_error_set(err, SP_ERROR_REFUSED,
                                "%s is integrated and needs %s; uninstall both, or add --no-deps",
                                others.items[i].name, others.items[i].needed_by);
    return 0;
}

/* Refuses to go on where a driver of somebody else is registered: by their text the lines could be
 * ours, and by their provenance they are not ours to take out. */
static int refuse_foreign(struct job *job, struct sp_error *err)
{
    struct sp_context *s = job->s;
    for (size_t i = 0; i < job->selection.count; i++) {
        const struct sp_target *one = &job->selection.items[i];
        for (size_t j = 0; one->plan.state == SP_STATE_FOREIGN && j < one->plan.files.count; j++) {
            const struct sp_file_plan *file = &one->plan.files.items[j];
            if (file->state == SP_STATE_FOREIGN && !file->snapshot->spec->copy)
                return sp_error_set(err, SP_ERROR_REFUSED,
                                    "%s: what registers a driver %s; nothing was changed, name the "
                                    "components to take out if there are others",
                                    sp_output_path(s, one, file), file->note);
        }
    }
    return 0;
}

static bool is_meant(const struct sp_options *options, const char *name)
{
    return options->components.count == 0 || sp_strv_has(&options->components, name);
}

static bool is_found(struct sp_context *s, const char *name)
{
    for (size_t i = 0; i < s->scans.count; i++)
        for (size_t j = 0; j < s->scans.items[i]->detections.items.count; j++)
            if (strcmp(s->scans.items[i]->detections.items.items[j]->name, name) == 0)
                return true;
    return false;
}

/* A package that was removed leaves our modules behind, which no component is found by. The first
 * transaction that can be rolled back and was for such a component, or NULL. */
static const struct sp_journal *find_orphan(struct sp_context *s)
{
    const struct sp_history *history = &s->work->history;
    for (size_t i = 0; i < history->journals.count; i++) {
        const struct sp_journal *journal = &history->journals.items[i];
        bool counts = sp_revert_applies(history, journal) && sp_history_is_here(history, journal);
        for (size_t j = 0; counts && j < journal->components.count; j++)
            if (is_meant(s->options, journal->components.items[j].name) &&
                !is_found(s, journal->components.items[j].name))
                return journal;
    }
    return NULL;
}

static int uninstall(struct job *job, struct sp_error *err)
{
    struct sp_context *s = job->s;
    if (open_job(job, SP_SELECT_REMOVE, err) < 0) {
        const struct sp_journal *orphan = find_orphan(s);
        if (orphan && err->kind == SP_ERROR_REFUSED)
            sp_error_suffix(err,
                            "; to remove what transaction %u installed, and undo all after it, "
                            "run: %s rollback %u",
                            orphan->id, sp_invocation(), orphan->id);
        return -1;
    }
    for (size_t i = 0; i < job->selection.count; i++) /* there is nothing of ours in the others */
        if (job->selection.items[i].plan.state == SP_STATE_CONFLICT &&
            sp_cmd_refuse(s, &job->selection, err) < 0)
            return -1;
    if (check_dependents(job, err) < 0 || build(job, err) < 0)
        return -1;
    print_plan(job);
    if (refuse_foreign(job, err) < 0 || run(job, err) < 0)
        return -1;
    print_outcome(job);
    sp_cmd_warn_leftovers(s, &job->selection);
    return 0;
}

int sp_cmd_uninstall(struct sp_context *s, struct sp_error *err)
{
    struct job job = {.s = s, .goal = SP_GOAL_UNINSTALL};
    return finish(&job, uninstall(&job, err));
}
