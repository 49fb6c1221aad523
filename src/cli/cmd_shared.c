/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of several commands. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/invocation.h"
#include "base/path.h"
#include "cli/cmd.h"
#include "cli/output_text.h"
#include "cli/prepare.h"
#include "fs/resolve.h"
#include "txn/integrated.h"
#include "txn/leftovers.h"

int sp_cmd_refuse(struct sp_context *context, const sp_selection *selection, struct sp_error *err)
{
    for (size_t i = 0; i < selection->count; i++) {
        const struct sp_target *one = &selection->items[i];
        if (!sp_target_counts(one) ||
            (one->plan.state != SP_STATE_CONFLICT && one->plan.state != SP_STATE_UNSUPPORTED))
            continue;
        if (one->plan.note)
            return sp_error_set(err, SP_ERROR_REFUSED, "%s: %s",
                                sp_output_title(context->pool, one), one->plan.note);
        for (size_t j = 0; j < one->plan.files.count; j++)
            if (one->plan.files.items[j].state == SP_STATE_CONFLICT)
                return sp_error_set(err, SP_ERROR_REFUSED, "%s: %s",
                                    sp_output_path(context, one, &one->plan.files.items[j]),
                                    one->plan.files.items[j].note);
    }
    return 0;
}

void sp_cmd_add_times(struct sp_context *context, const struct sp_history *history, unsigned since,
                      struct sp_transaction *txn)
{
    for (size_t i = 0; i < txn->changes.count; i++) {
        struct stat st;
        const char *dir = sp_path_dirname(context->pool, txn->changes.items[i].path), *real;
        struct sp_error ignored = SP_ERROR_INIT; /* a time is not worth failing for */
        if (sp_fs_resolve(&context->root, context->pool, dir, &real, &st, &ignored) == 0 && real)
            *SP_PUSH(context->pool, &txn->dirs) = (struct sp_journal_dir){
                .path = dir, .before = sp_history_dir_time(history, dir, st.st_mtim, since)};
        sp_error_clear(&ignored);
    }
}

static int check_run(struct sp_context *context, const struct sp_transaction *txn,
                     struct sp_error *err)
{
    if (sp_workdir_check(context->pool, &context->root, context->work_dir,
                         sp_transaction_space(txn), err) < 0)
        return -1;
    return sp_transaction_check(context->pool, &context->root, txn, err);
}

int sp_cmd_check_dry_run(struct sp_context *context, const struct sp_transaction *txn,
                         struct sp_error *err)
{
    SP_CLEANUP_ERROR struct sp_error reason = SP_ERROR_INIT;
    if (context->options->trees.count || txn->changes.count == 0)
        return 0;
    pid_t holder = context->work->exists ? sp_workdir_holder(&context->work->dir) : 0;
    if (holder && context->work->history.pending.count == 0) /* else it was said already */
        sp_console_warn(
            context->pool, context->report,
            "another sp-openstack (process %ld) is at work in '%s'; until it has ended, "
            "the command would fail",
            (long)holder, context->work->dir.dir.shown);
    if (check_run(context, txn, &reason) == 0)
        return 0;
    if (geteuid() == 0 || (reason.errnum != EACCES && reason.errnum != EPERM))
        return sp_error_set(err, reason.kind, "%s", reason.message);
    sp_console_warn(context->pool, context->report, "as this user, the command would fail: %s",
                    reason.message);
    return 0;
}

bool sp_cmd_is_pending(struct sp_context *context, const sp_selection *selection)
{
    SP_CLEANUP_ERROR struct sp_error ignored = SP_ERROR_INIT; /* it was warned of */
    sp_strv dirs = {NULL, 0, 0};
    for (size_t i = 0; i < selection->count; i++)
        if (sp_target_counts(&selection->items[i]) && selection->items[i].detection)
            *SP_PUSH(context->pool, &dirs) = selection->items[i].detection->dir;
    return sp_prepare_find_pending(context, &dirs, &ignored) < 0;
}

void sp_cmd_warn_leftovers(struct sp_context *context, const sp_selection *selection)
{
    sp_strv files = {NULL, 0, 0}, found = {NULL, 0, 0};
    if (context->options->trees.count || context->work->history.pending.count)
        return; /* recover removes those of an interrupted one */
    for (size_t i = 0; i < selection->count; i++)
        for (size_t j = 0; j < selection->items[i].plan.files.count; j++)
            if (selection->items[i].plan.files.items[j].snapshot->real)
                *SP_PUSH(context->pool, &files) =
                    selection->items[i].plan.files.items[j].snapshot->real;
    sp_leftovers_find(context->pool, &context->root, &context->work->history, &files, &found);
    for (size_t i = 0; i < found.count; i++)
        sp_console_warn(context->pool, context->report,
                        "'%s' is a temporary file of a transaction that is not recorded here (was "
                        "the directory copied in the middle of one?); nothing uses it, remove it",
                        found.items[i]);
}

/* The command for the copy in a directory of packages, though it may not be the one in use. */
static const char *suggest_there(struct sp_context *context, const char *command, const char *site,
                                 const char *name)
{
    const char *path = sp_pool_printf(context->pool, "/%s", site);
    return sp_pool_printf(context->pool, "%s %s --path %s %s", sp_invocation(), command,
                          sp_cli_quoted(context->pool, path), name);
}

const char *sp_cmd_suggest(struct sp_context *context, const char *command,
                           const struct sp_target *one)
{
    for (size_t i = 0; i < context->scans.count; i++) {
        const struct sp_detections *found = &context->scans.items[i]->detections;
        for (size_t j = 0; j < found->items.count; j++)
            if (strcmp(found->items.items[j]->name, one->name) == 0 &&
                strcmp(found->items.items[j]->id, one->detection->id) != 0)
                return suggest_there(context, command, one->detection->site->path, one->name);
    }
    return sp_pool_printf(context->pool, "%s %s %s", sp_invocation(), command, one->name);
}

static bool is_looked_at(struct sp_context *context, const sp_selection *selection,
                         const struct sp_journal_component *component)
{
    for (size_t i = 0; i < selection->count; i++) {
        const struct sp_detection *found = selection->items[i].detection;
        if (found && strcmp(found->name, component->name) == 0 &&
            sp_detection_is_at(context->pool, found, component->path))
            return true;
    }
    return false;
}

/* Those of the history that are in no environment. */
static void warn_elsewhere(struct sp_context *context, const sp_selection *selection)
{
    sp_integrations known = {NULL, 0, 0};
    if (context->options->trees.count || context->options->paths.count || context->options->python)
        return;
    sp_integrated_find(context->pool, &context->work->history, &known);
    for (size_t i = 0; i < known.count; i++) {
        const struct sp_journal_component *component = known.items[i].component;
        const char *real = NULL;
        struct stat st;
        if (is_looked_at(context, selection, component) ||
            (context->options->components.count &&
             !sp_strv_has(&context->options->components, component->name)) ||
            sp_fs_resolve(&context->root, context->pool, component->path, &real, &st, NULL) < 0 ||
            !real)
            continue;
        sp_console_warn(context->pool, context->report,
                        "'%s' was integrated by transaction %u, and is in no environment that was "
                        "found; to take it out, run: %s",
                        sp_root_show(&context->root, context->pool, component->path),
                        known.items[i].journal->id,
                        suggest_there(context, "uninstall",
                                      sp_path_dirname(context->pool, component->path),
                                      component->name));
    }
}

void sp_cmd_warn_remaining(struct sp_context *context, const sp_selection *selection)
{
    for (size_t i = 0; i < selection->count; i++) {
        const struct sp_target *one = &selection->items[i];
        if (one->shadowed_by && one->plan.integrated)
            sp_console_warn(
                context->pool, context->report,
                "'%s' is integrated, and left so: %s imports '%s' in its place; to "
                "take it out, run: %s",
                sp_scan_show(context->pool, one->scan, one->detection->dir), one->environment->name,
                sp_scan_show(context->pool, one->scan, one->shadowed_by->dir),
                suggest_there(context, "uninstall", one->detection->site->path, one->name));
    }
    warn_elsewhere(context, selection);
}

int sp_cmd_find_writer(struct sp_context *context, const struct sp_file_snapshot *file,
                       const struct sp_journal **out, struct sp_error *err)
{
    struct sp_blob_id id;
    if (sp_blob_hash(file->content, &id, err) < 0)
        return -1;
    *out = sp_history_writer(&context->work->history, file->real, &id);
    return 0;
}
