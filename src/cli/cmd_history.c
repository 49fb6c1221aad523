/* SPDX-License-Identifier: Apache-2.0 */
/* history, rollback and recover: the transactions so far, and undoing them. */
#include <stdlib.h>
#include <string.h>

#include "base/invocation.h"
#include "cli/cmd.h"
#include "cli/output_json.h"
#include "cli/output_text.h"
#include "cli/prepare.h"
#include "cli/services.h"
#include "fs/root.h"
#include "txn/recover.h"
#include "txn/revert.h"
#include "txn/transaction.h"

/* ---- history ------------------------------------------------------------------------------- */

/* Each name once: a component can be there in several environments. */
static sp_strv components_of(struct sp_pool *pool, const struct sp_journal *journal)
{
    sp_strv names = {NULL, 0, 0};
    for (size_t i = 0; i < journal->components.count; i++)
        sp_strv_add_once(pool, &names, journal->components.items[i].name);
    return names;
}

static void put_file(struct sp_json *json, const char *path, enum sp_action action)
{
    sp_json_object(json);
    sp_json_pair(json, "path", path);
    sp_json_pair(json, "action", sp_action_name(action));
    sp_json_end_object(json);
}

static void put_transaction(struct sp_json *json, struct sp_context *context,
                            const struct sp_history *history, const struct sp_journal *journal)
{
    sp_strv names = components_of(context->pool, journal);
    sp_json_object(json);
    sp_json_key(json, "id");
    sp_json_number(json, journal->id);
    sp_json_pair(json, "time", *journal->time ? journal->time : NULL);
    sp_json_pair(json, "command", *journal->command ? journal->command : NULL);
    sp_json_pair(json, "state", sp_history_state(history, journal));
    sp_output_strings(json, "components", &names);
    sp_json_key(json, "files");
    sp_json_array(json);
    for (size_t i = 0; i < journal->files.count; i++)
        put_file(json, sp_root_show(&context->root, context->pool, journal->files.items[i].path),
                 journal->files.items[i].action);
    sp_json_end_array(json);
    sp_json_end_object(json);
}

static void put_history(struct sp_context *context, const struct sp_history *history)
{
    struct sp_buffer buf = SP_BUFFER_INIT;
    struct sp_json json;
    sp_output_begin(&json, &buf, "history");
    sp_json_key(&json, "transactions");
    sp_json_array(&json);
    for (size_t i = 0; i < history->journals.count; i++)
        put_transaction(&json, context, history, &history->journals.items[i]);
    sp_json_end_array(&json);
    sp_json_key(&json, "interrupted");
    sp_json_array(&json);
    for (size_t i = 0; context->work->pending && i < history->pending.count; i++)
        sp_json_number(&json, history->pending.items[i]);
    sp_json_end_array(&json);
    sp_output_end(&json, context);
}

static void print_history(struct sp_context *context, const struct sp_history *history)
{
    struct sp_table table = {.columns = 6, .toned_column = -1};
    const char *head[] = {"ID", "TIME", "COMMAND", "STATE", "FILES", "COMPONENTS"};
    if (history->journals.count == 0) {
        sp_console_print(context->report, 0, "nothing was done yet");
        return;
    }
    sp_table_row(context->pool, &table, SP_TONE_NONE, head);
    for (size_t i = 0; i < history->journals.count; i++) {
        const struct sp_journal *journal = &history->journals.items[i];
        sp_strv names = components_of(context->pool, journal);
        const char *row[] = {sp_pool_printf(context->pool, "%u", journal->id),
                             *journal->time ? journal->time : "-",
                             *journal->command ? journal->command : "-",
                             sp_history_state(history, journal),
                             sp_pool_printf(context->pool, "%zu", journal->files.count),
                             sp_strv_join(context->pool, &names, " ")};
        sp_table_row(context->pool, &table, SP_TONE_NONE, row);
    }
    sp_table_print(context->report, &table);
    for (size_t i = 0; context->report->verbose > 0 && i < history->journals.count; i++) {
        const struct sp_journal *journal = &history->journals.items[i];
        sp_console_print(context->report, 1, "%u:", journal->id);
        for (size_t j = 0; j < journal->files.count; j++)
            sp_console_print(
                context->report, 1, "  %-7s  %s", sp_action_name(journal->files.items[j].action),
                sp_root_show(&context->root, context->pool, journal->files.items[j].path));
    }
}

int sp_cmd_history(struct sp_context *context, SP_UNUSED struct sp_error *err)
{
    if (context->report->json)
        put_history(context, &context->work->history);
    else
        print_history(context, &context->work->history);
    return context->work->pending ? SP_ERROR_NEEDS_RECOVERY : SP_ERROR_NONE;
}

/* ---- rollback ------------------------------------------------------------------------------ */

struct rollback {
    struct sp_context *context;
    const struct sp_history *history;
    struct sp_revert plan;
    unsigned from;    /* this transaction and all after it; 0: there is none */
    sp_strv notes;    /* of the transaction */
    sp_strv services; /* to be restarted */
};

static int choose_named(struct rollback *r, const char *text, struct sp_error *err)
{
    size_t len = strlen(text);
    if (len > 8 || strspn(text, "0123456789") != len)
        return sp_error_set(err, SP_ERROR_USAGE,
                            "'%s' is not the number of a transaction; run: %s history", text,
                            sp_invocation());
    unsigned id = (unsigned)strtoul(text, NULL, 10);
    if (id == 0 || !sp_history_find(r->history, id))
        return sp_error_set(err, SP_ERROR_REFUSED, "there is no transaction %s; run: %s history",
                            text, sp_invocation());
    return sp_revert_choose(r->history, id, &r->from, err);
}

/* All after it are rolled back, too: an interrupted one that cannot be recovered is in the way, whatever
 * it is about. */
static int check_later(struct rollback *r, struct sp_error *err)
{
    const sp_ids *pending = &r->history->pending;
    sp_strv all = {NULL, 0, 0};
    if (pending->count == 0 || *SP_LAST(pending) < r->from)
        return 0;
    *SP_PUSH(r->context->pool, &all) = "";
    return sp_prepare_check_pending(r->context, &all, err);
}

static int choose_from(struct rollback *r, struct sp_error *err)
{
    const sp_strv *arguments = &r->context->options->arguments;
    int rc = arguments->count ? choose_named(r, arguments->items[0], err)
                              : sp_revert_choose(r->history, 0, &r->from, err);
    return rc < 0 ? -1 : check_later(r, err);
}

static void put_rollback(struct rollback *r, unsigned id)
{
    struct sp_context *context = r->context;
    const struct sp_transaction *txn = &r->plan.txn;
    struct sp_buffer buf = SP_BUFFER_INIT;
    struct sp_json json;
    sp_output_begin(&json, &buf, "rollback");
    sp_json_key(&json, "dry_run");
    sp_json_bool(&json, context->options->dry_run);
    sp_output_id(&json, "transaction", id);
    sp_json_key(&json, "reverts");
    sp_json_array(&json);
    for (size_t i = 0; i < txn->reverts.count; i++)
        sp_json_number(&json, txn->reverts.items[i]);
    sp_json_end_array(&json);
    sp_json_key(&json, "files");
    sp_json_array(&json);
    for (size_t i = 0; i < txn->changes.count; i++)
        put_file(&json, sp_root_show(&context->root, context->pool, txn->changes.items[i].path),
                 txn->changes.items[i].action);
    sp_json_end_array(&json);
    sp_output_strings(&json, "edited", &r->plan.edited);
    sp_output_strings(&json, "dropped", &r->plan.dropped);
    sp_output_strings(&json, "services", &r->services);
    sp_json_key(&json, "left");
    sp_json_array(&json);
    for (size_t i = 0; i < r->plan.left.count; i++) {
        sp_json_object(&json);
        sp_json_pair(&json, "path", r->plan.left.items[i].shown);
        sp_json_pair(&json, "reason", r->plan.left.items[i].reason);
        sp_json_end_object(&json);
    }
    sp_json_end_array(&json);
    sp_output_end(&json, context);
}

/* Looks for the components of today where the transactions changed some. */
static int find_components(struct rollback *r, struct sp_detections *out, struct sp_error *err)
{
    struct sp_context *context = r->context;
    struct sp_tree *tree;
    sp_strv named = {NULL, 0, 0};
    sp_revert_sites(context->pool, r->history, r->from, &named);
    if (sp_tree_open_root(context->pool, &context->root, "/", &tree, err) < 0)
        return -1;
    return sp_scan_dirs(context->pool, tree, &named, &context->manifests, out, err);
}

static int plan_rollback(struct rollback *r, struct sp_error *err)
{
    struct sp_context *context = r->context;
    struct sp_detections detections = {.items = {NULL, 0, 0}};
    sp_strv dirs = {NULL, 0, 0};
    unsigned unproven;
    sp_revert_packages(context->pool, r->history, r->from, &dirs);
    if (sp_revert_check_system(context->pool, &context->root, r->history, r->from, &unproven, err) <
            0 ||
        sp_prepare_check_pending(context, &dirs, err) < 0 ||
        find_components(r, &detections, err) < 0)
        return -1;
    struct sp_revert_request request = {&context->root, &context->manifests, r->history, r->from,
                                        &detections};
    if (sp_revert_plan(context->pool, &request, &r->plan, err) < 0)
        return -1;
    if (!unproven || (r->plan.txn.changes.count == 0 && r->plan.left.count))
        return 0;
    return sp_error_set(err, SP_ERROR_REFUSED,
                        "cannot roll back transaction %u in '%s': it is about another system, it "
                        "seems: no file has its content, and no directory is the one that it names",
                        unproven, context->work->dir.dir.shown);
}

/* Finished transactions with journals that cannot be read, from a number on. */
static void warn_damaged(struct sp_context *context, unsigned from)
{
    const struct sp_history *history = &context->work->history;
    for (size_t i = 0; i < history->damaged.count; i++)
        if (history->damaged.items[i].id >= from)
            sp_console_warn(context->pool, context->report, "%s", history->damaged.items[i].reason);
}

static void print_plan(const struct rollback *r)
{
    struct sp_context *context = r->context;
    const struct sp_transaction *txn = &r->plan.txn;
    warn_damaged(context, r->from);
    for (size_t i = 0; i < r->plan.left.count; i++)
        sp_console_warn(context->pool, context->report, "'%s' is left as it is: %s",
                        r->plan.left.items[i].shown, r->plan.left.items[i].reason);
    for (size_t i = 0; i < r->plan.edited.count; i++)
        sp_console_warn(context->pool, context->report,
                        "'%s' was edited since; only the changes of the transactions are reverted",
                        r->plan.edited.items[i]);
    for (size_t i = 0; i < r->plan.dropped.count; i++)
        sp_console_warn(context->pool, context->report,
                        "'%s' is ours and was edited since; the edited file is in the backup of "
                        "this rollback",
                        r->plan.dropped.items[i]);
    for (size_t i = 0; i < txn->changes.count; i++)
        sp_console_print(context->report, 0, "  %-7s  %s",
                         sp_action_name(txn->changes.items[i].action),
                         sp_root_show(&context->root, context->pool, txn->changes.items[i].path));
}

static void print_outcome(const struct rollback *r, unsigned id)
{
    struct sp_context *context = r->context;
    size_t part = r->plan.edited.count, left = r->plan.left.count;
    size_t complete = r->plan.txn.changes.count - part;
    struct sp_buffer more = SP_BUFFER_INIT;
    if (part)
        sp_buffer_printf(&more, ", %s reverted in part", sp_output_files(context->pool, part));
    if (left)
        sp_buffer_printf(&more, ", %s left as %s", sp_output_files(context->pool, left),
                         left == 1 ? "it is" : "they are");
    sp_console_print(context->report, 0, "transaction %u: %s as before transaction %u%s", id,
                     sp_output_files(context->pool, complete), r->from, sp_buffer_str(&more));
    sp_buffer_free(&more);
}

static int run_rollback(struct rollback *r, unsigned *id, struct sp_error *err)
{
    struct sp_context *context = r->context;
    size_t count = r->plan.txn.changes.count;
    if (count == 0 && r->plan.left.count)
        return sp_error_set(err, SP_ERROR_REFUSED,
                            "nothing was rolled back: what is left of transaction %u belongs to "
                            "others, or is gone",
                            r->from);
    if (context->options->dry_run) {
        if (sp_cmd_check_dry_run(context, &r->plan.txn, err) < 0)
            return -1;
        sp_console_print(context->report, 0, "%s would be changed; nothing was (--dry-run)",
                         sp_output_files(context->pool, count));
        return 0;
    }
    sp_transaction_catch_signals();
    r->plan.txn.notes = &r->notes;
    if (sp_transaction_run(context->pool, &context->work->dir, &r->plan.txn, id, err) < 0)
        return -1;
    for (size_t i = 0; i < r->notes.count; i++)
        sp_console_warn(context->pool, context->report, "%s", r->notes.items[i]);
    print_outcome(r, *id);
    if (sp_services_of_transaction(context, &r->plan.txn, &r->services, err) < 0)
        return sp_error_prefix(err, "the changes are in place, but");
    sp_services_print_restart(context, &r->services);
    return 0;
}

int sp_cmd_rollback(struct sp_context *context, struct sp_error *err)
{
    struct rollback r = {.context = context, .history = &context->work->history};
    unsigned id = 0;
    if (choose_from(&r, err) < 0)
        return -1;
    if (r.from == 0) {
        sp_console_print(context->report, 0, "nothing to roll back");
    } else {
        if (plan_rollback(&r, err) < 0)
            return -1;
        r.plan.txn.command = "rollback";
        sp_cmd_add_times(context, r.history, r.from, &r.plan.txn);
        print_plan(&r);
        if (run_rollback(&r, &id, err) < 0)
            return -1;
    }
    if (context->report->json)
        put_rollback(&r, id);
    return r.plan.left.count ? SP_ERROR_INCOMPLETE : SP_ERROR_NONE;
}

/* ---- recover ------------------------------------------------------------------------------- */

static void put_recovered(struct sp_context *context)
{
    struct sp_buffer buf = SP_BUFFER_INIT;
    struct sp_json json;
    sp_output_begin(&json, &buf, "recover");
    sp_output_strings(&json, "recovered", &context->work->recovered.messages);
    sp_output_end(&json, context);
}

/* One that could not be recovered is the error; the others are not passed over for it. */
int sp_cmd_recover(struct sp_context *context, struct sp_error *err)
{
    struct sp_recover_report *done = &context->work->recovered;
    int rc = 0;
    if (context->work->locked)
        rc = sp_recover(context->pool, &context->work->dir, context->options->force, done, err);
    for (size_t i = 0; i < done->messages.count; i++)
        sp_console_print(context->report, 0, "%s", done->messages.items[i]);
    for (size_t i = 1; i < done->failures.count; i++)
        sp_console_warn(context->pool, context->report, "%s", done->failures.items[i].message);
    if (rc < 0 || (context->work->locked && sp_history_load(context->pool, &context->work->dir,
                                                            &context->work->history, err) < 0))
        return -1;
    warn_damaged(context, 0);
    if (done->messages.count == 0)
        sp_console_print(context->report, 0, "nothing to recover");
    if (context->report->json)
        put_recovered(context);
    return SP_ERROR_NONE;
}
