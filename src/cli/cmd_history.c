/* SPDX-License-Identifier: Apache-2.0 */
/* history, rollback and recover: what was done, and taking it back. */
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/output.h"
#include "fs/root.h"
#include "txn/recover.h"
#include "txn/revert.h"
#include "txn/transaction.h"

/* ---- history ------------------------------------------------------------------------------- */

static const char *state_of(const struct sp_history *history, const struct sp_journal *journal)
{
    if (sp_history_is_reverted(history, journal->id))
        return "rolled-back";
    return sp_journal_state_name(journal->state);
}

static const char *components_of(struct sp_pool *pool, const struct sp_journal *journal)
{
    const char *text = "";
    for (size_t i = 0; i < journal->components.count; i++)
        text =
            sp_pool_printf(pool, "%s%s%s", text, i ? " " : "", journal->components.items[i].name);
    return text;
}

static void history_document(struct sp_context *s, const struct sp_history *history)
{
    struct sp_buffer buf = SP_BUFFER_INIT;
    struct sp_json json;
    sp_output_begin(&json, &buf, "history");
    sp_json_key(&json, "transactions");
    sp_json_array(&json);
    for (size_t i = 0; i < history->journals.count; i++) {
        const struct sp_journal *journal = &history->journals.items[i];
        sp_json_object(&json);
        sp_json_key(&json, "id");
        sp_json_number(&json, journal->id);
        sp_json_pair(&json, "time", journal->time);
        sp_json_pair(&json, "command", journal->command);
        sp_json_pair(&json, "state", state_of(history, journal));
        sp_json_key(&json, "components");
        sp_json_array(&json);
        for (size_t j = 0; j < journal->components.count; j++)
            sp_json_string(&json, journal->components.items[j].name);
        sp_json_end_array(&json);
        sp_json_key(&json, "files");
        sp_json_array(&json);
        for (size_t j = 0; j < journal->files.count; j++) {
            const struct sp_journal_file *file = &journal->files.items[j];
            sp_json_object(&json);
            sp_json_pair(&json, "path", sp_root_show(&s->root, s->pool, file->path));
            sp_json_pair(&json, "action", sp_action_name(file->action));
            sp_json_end_object(&json);
        }
        sp_json_end_array(&json);
        sp_json_end_object(&json);
    }
    sp_json_end_array(&json);
    sp_output_end(&json, s);
}

static void history_table(struct sp_context *s, const struct sp_history *history)
{
    struct sp_table table = {.columns = 6, .state_column = -1};
    const char *head[] = {"ID", "TIME", "COMMAND", "STATE", "FILES", "COMPONENTS"};
    if (history->journals.count == 0) {
        sp_console_print(s->report, 0, "nothing was done yet");
        return;
    }
    sp_table_row(s->pool, &table, -1, head);
    for (size_t i = 0; i < history->journals.count; i++) {
        const struct sp_journal *journal = &history->journals.items[i];
        const char *row[] = {sp_pool_printf(s->pool, "%u", journal->id),
                             journal->time,
                             journal->command,
                             state_of(history, journal),
                             sp_pool_printf(s->pool, "%zu", journal->files.count),
                             components_of(s->pool, journal)};
        sp_table_row(s->pool, &table, -1, row);
    }
    sp_table_print(s->report, &table);
    for (size_t i = 0; s->report->verbose > 0 && i < history->journals.count; i++) {
        const struct sp_journal *journal = &history->journals.items[i];
        sp_console_print(s->report, 1, "%u:", journal->id);
        for (size_t j = 0; j < journal->files.count; j++)
            sp_console_print(s->report, 1, "  %-7s  %s",
                             sp_action_name(journal->files.items[j].action),
                             sp_root_show(&s->root, s->pool, journal->files.items[j].path));
    }
}

int sp_cmd_history(struct sp_context *s, struct sp_error *err)
{
    struct sp_workdir workdir;
    struct sp_history history;
    bool unreadable;
    int pending = sp_cmd_warn_unfinished(s, err);
    if (pending < 0 ||
        sp_workdir_open(s->pool, &s->root, s->work_dir, &workdir, &unreadable, err) < 0)
        return -1;
    if (unreadable) {
        sp_workdir_close(&workdir);
        return sp_error_set(err, SP_ERROR_SYSTEM,
                            "you may not read the work directory %s; run this as root",
                            workdir.dir.shown);
    }
    int rc = sp_history_load(s->pool, &workdir, &history, err);
    sp_workdir_close(&workdir);
    if (rc < 0)
        return -1;
    if (s->report->json)
        history_document(s, &history);
    else
        history_table(s, &history);
    return pending ? 5 : 0;
}

/* ---- rollback ------------------------------------------------------------------------------ */

struct rollback {
    struct sp_context *s;
    struct sp_workdir workdir;
    struct sp_history history;
    struct sp_revert plan;
    unsigned from; /* this transaction and all after it; 0: there is none */
};

static int choose_from(struct rollback *r, struct sp_error *err)
{
    const sp_strv *arguments = &r->s->options->arguments;
    if (arguments->count) {
        const char *text = arguments->items[0];
        size_t len = strlen(text);
        if (len > 8 || strspn(text, "0123456789") != len)
            return sp_error_set(
                err, SP_ERROR_USAGE,
                "'%s' is no transaction's number; `sp-openstack history` lists them", text);
        r->from = (unsigned)strtoul(text, NULL, 10);
        const struct sp_journal *journal = sp_history_find(&r->history, r->from);
        if (!journal)
            return sp_error_set(err, SP_ERROR_REFUSED,
                                "there is no transaction %s; `sp-openstack history` lists them",
                                text);
        if (!sp_revert_applies(&r->history, journal))
            return sp_error_set(
                err, SP_ERROR_REFUSED, "transaction %s can't be taken back: it is %s", text,
                strcmp(journal->command, "rollback") == 0 ? "a rollback itself"
                                                          : state_of(&r->history, journal));
        return 0;
    }
    for (size_t i = r->history.journals.count; i-- > 0;)
        if (sp_revert_applies(&r->history, &r->history.journals.items[i])) {
            r->from = r->history.journals.items[i].id;
            return 0;
        }
    return 0;
}

static void rollback_document(struct rollback *r, unsigned id)
{
    struct sp_buffer buf = SP_BUFFER_INIT;
    struct sp_json json;
    sp_output_begin(&json, &buf, "rollback");
    sp_json_key(&json, "dry_run");
    sp_json_bool(&json, r->s->options->dry_run);
    sp_json_key(&json, "transaction");
    if (id)
        sp_json_number(&json, id);
    else
        sp_json_string(&json, NULL);
    sp_json_key(&json, "reverts");
    sp_json_array(&json);
    for (size_t i = 0; i < r->plan.txn.reverts.count; i++)
        sp_json_number(&json, r->plan.txn.reverts.items[i]);
    sp_json_end_array(&json);
    sp_json_key(&json, "files");
    sp_json_array(&json);
    for (size_t i = 0; i < r->plan.txn.changes.count; i++) {
        sp_json_object(&json);
        sp_json_pair(&json, "path",
                     sp_root_show(&r->s->root, r->s->pool, r->plan.txn.changes.items[i].path));
        sp_json_pair(&json, "action", sp_action_name(r->plan.txn.changes.items[i].action));
        sp_json_end_object(&json);
    }
    sp_json_end_array(&json);
    sp_json_key(&json, "left");
    sp_json_array(&json);
    for (size_t i = 0; i < r->plan.left.count; i++) {
        sp_json_object(&json);
        sp_json_pair(&json, "path", r->plan.left.items[i].shown);
        sp_json_pair(&json, "reason", r->plan.left.items[i].reason);
        sp_json_end_object(&json);
    }
    sp_json_end_array(&json);
    sp_output_end(&json, r->s);
}

/* Looks for the components of today where the transactions changed some, and plans. */
static int plan_rollback(struct rollback *r, struct sp_error *err)
{
    struct sp_context *s = r->s;
    struct sp_site_query query = {.only = true};
    sp_sites sites = {NULL, 0, 0};
    sp_detections detections = {NULL, 0, 0};
    struct sp_tree *tree;
    sp_strv named = {NULL, 0, 0};
    sp_revert_sites(s->pool, &r->history, r->from, &named);
    if (sp_tree_open_root(s->pool, &s->root, "/", &tree, err) < 0)
        return -1;
    for (size_t i = 0; i < named.count; i++) {
        enum sp_entry_kind kind;
        if (sp_tree_kind(tree, s->pool, named.items[i], &kind, err) < 0)
            return -1;
        if (kind == SP_ENTRY_DIRECTORY)
            *SP_PUSH(s->pool, &query.pythonpath) = named.items[i];
    }
    if (sp_sites_find(s->pool, tree, &query, &sites, err) < 0)
        return -1;
    for (size_t i = 0; i < s->manifests.components.count; i++)
        if (sp_detect(s->pool, tree, &sites, &s->manifests, s->manifests.components.items[i],
                      &detections, err) < 0)
            return -1;
    struct sp_revert_request request = {&s->root, &s->manifests, &r->history, r->from, &detections};
    return sp_revert_plan(s->pool, &request, &r->plan, err);
}

static void print_plan(const struct rollback *r)
{
    struct sp_context *s = r->s;
    for (size_t i = 0; i < r->plan.left.count; i++)
        sp_console_warn(s->pool, s->report, "'%s' is left as it is: %s",
                        r->plan.left.items[i].shown, r->plan.left.items[i].reason);
    for (size_t i = 0; i < r->plan.edited.count; i++)
        sp_console_warn(s->pool, s->report,
                        "'%s' was edited since; only what the transactions did to it is reverted",
                        r->plan.edited.items[i]);
    for (size_t i = 0; i < r->plan.txn.changes.count; i++)
        sp_console_print(s->report, 0, "  %-7s  %s",
                         sp_action_name(r->plan.txn.changes.items[i].action),
                         sp_root_show(&s->root, s->pool, r->plan.txn.changes.items[i].path));
}

static int run_rollback(struct rollback *r, unsigned *id, struct sp_error *err)
{
    struct sp_context *s = r->s;
    size_t left = r->plan.left.count, count = r->plan.txn.changes.count;
    if (count == 0 && left)
        return sp_error_set(err, SP_ERROR_REFUSED,
                            "nothing was rolled back: what is left of transaction %u belongs to "
                            "others, or is gone",
                            r->from);
    if (s->options->dry_run) {
        sp_console_print(s->report, 0, "%zu files would be changed; nothing was (--dry-run)",
                         count);
        return 0;
    }
    sp_transaction_catch_signals();
    if (sp_transaction_run(s->pool, &r->workdir, &r->plan.txn, id, err) < 0)
        return -1;
    if (left || r->plan.edited.count)
        sp_console_print(s->report, 0,
                         "Transaction %u: %zu files changed, %zu left as they are; transactions "
                         "from %u on are rolled back as far as the files are ours.",
                         *id, count, left, r->from);
    else
        sp_console_print(s->report, 0,
                         "Transaction %u: %zu files are as they were before transaction %u.", *id,
                         count, r->from);
    return 0;
}

static int rollback(struct rollback *r, struct sp_error *err)
{
    struct sp_context *s = r->s;
    unsigned id = 0;
    if (choose_from(r, err) < 0)
        return -1;
    r->plan.txn.command = "rollback";
    if (r->from == 0) {
        sp_console_print(s->report, 0, "nothing to roll back");
    } else {
        if (plan_rollback(r, err) < 0)
            return -1;
        sp_cmd_add_times(s, &r->history, r->from, &r->plan.txn);
        print_plan(r);
        if (run_rollback(r, &id, err) < 0)
            return -1;
    }
    if (s->report->json)
        rollback_document(r, id);
    return r->plan.left.count ? 1 : 0;
}

int sp_cmd_rollback(struct sp_context *s, struct sp_error *err)
{
    struct rollback r = {.s = s};
    bool locked = false;
    int rc;
    if (s->options->dry_run) {
        rc = sp_cmd_warn_unfinished(s, err);
        if (rc >= 0)
            rc = sp_workdir_open(s->pool, &s->root, s->work_dir, &r.workdir, NULL, err);
        locked = rc == 0;
    } else {
        rc = sp_cmd_recover_first(s, &r.workdir, &locked, err);
    }
    if (rc < 0)
        return -1;
    if (!locked) /* no work directory: nothing was ever done */
        return rollback(&r, err);
    rc = sp_history_load(s->pool, &r.workdir, &r.history, err);
    if (rc == 0)
        rc = rollback(&r, err);
    sp_workdir_close(&r.workdir);
    return rc;
}

/* ---- recover ------------------------------------------------------------------------------- */

int sp_cmd_recover(struct sp_context *s, struct sp_error *err)
{
    struct sp_workdir workdir;
    sp_strv messages = {NULL, 0, 0};
    bool unreadable;
    if (sp_workdir_open(s->pool, &s->root, s->work_dir, &workdir, &unreadable, err) < 0)
        return -1;
    bool exists = workdir.dir.fd >= 0 || unreadable;
    sp_workdir_close(&workdir);
    if (exists) {
        if (sp_workdir_lock(s->pool, &s->root, s->work_dir, &workdir, err) < 0)
            return -1;
        int rc = sp_recover(s->pool, &workdir, s->options->force, &messages, err);
        sp_workdir_close(&workdir);
        if (rc < 0)
            return -1;
    }
    if (messages.count == 0)
        sp_console_print(s->report, 0, "there is nothing to settle");
    for (size_t i = 0; i < messages.count; i++)
        sp_console_print(s->report, 0, "%s", messages.items[i]);
    if (s->report->json) {
        struct sp_buffer buf = SP_BUFFER_INIT;
        struct sp_json json;
        sp_output_begin(&json, &buf, "recover");
        sp_output_strings(&json, "settled", &messages);
        sp_output_end(&json, s);
    }
    return 0;
}
