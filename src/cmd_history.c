/* SPDX-License-Identifier: Apache-2.0 */
/* history, rollback and recover: what was done, and taking it back. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "document.h"
#include "path.h"
#include "transaction.h"
#include "undo.h"

/* ---- history ------------------------------------------------------------------------------- */

static const char *state_of(const struct sp_history *history, const struct sp_journal *journal)
{
    if (sp_history_is_rolled_back(history, journal->id))
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

static void history_document(struct sp_session *s, const struct sp_history *history)
{
    struct sp_buffer buf = SP_BUFFER_INIT;
    struct sp_json json;
    sp_document_begin(&json, &buf, "history");
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
    sp_document_end(&json, s);
}

static void history_table(struct sp_session *s, const struct sp_history *history)
{
    struct sp_table table = {.columns = 6, .state_column = -1};
    const char *head[] = {"ID", "TIME", "COMMAND", "STATE", "FILES", "COMPONENTS"};
    if (history->journals.count == 0) {
        sp_report_say(s->report, 0, "nothing was done yet");
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
        sp_report_say(s->report, 1, "%u:", journal->id);
        for (size_t j = 0; j < journal->files.count; j++)
            sp_report_say(s->report, 1, "  %-7s  %s",
                          sp_action_name(journal->files.items[j].action),
                          sp_root_show(&s->root, s->pool, journal->files.items[j].path));
    }
}

int sp_cmd_history(struct sp_session *s, struct sp_error *err)
{
    struct sp_workdir workdir;
    struct sp_history history;
    bool hidden;
    int pending = sp_cmd_announce_pending(s, err);
    if (pending < 0 || sp_workdir_open(s->pool, &s->root, s->work_dir, &workdir, &hidden, err) < 0)
        return -1;
    if (hidden) {
        sp_workdir_close(&workdir);
        return sp_error_set(err, SP_ERROR_SYSTEM,
                            "you may not read the work directory %s; run this as root",
                            workdir.path);
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
    struct sp_session *s;
    struct sp_workdir workdir;
    struct sp_history history;
    struct sp_transaction txn;
    unsigned from; /* this transaction and all after it */
    sp_strv left;  /* files that something else changed since */
};

static bool can_be_undone(const struct rollback *r, const struct sp_journal *journal)
{
    return journal->state == SP_JOURNAL_COMMITTED && strcmp(journal->command, "rollback") != 0 &&
           !sp_history_is_rolled_back(&r->history, journal->id);
}

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
            return sp_error_set(err, SP_ERROR_CANNOT,
                                "there is no transaction %s; `sp-openstack history` lists them",
                                text);
        if (!can_be_undone(r, journal))
            return sp_error_set(
                err, SP_ERROR_CANNOT, "transaction %s can't be taken back: it is %s", text,
                strcmp(journal->command, "rollback") == 0 ? "a rollback itself"
                                                          : state_of(&r->history, journal));
        return 0;
    }
    for (size_t i = r->history.journals.count; i-- > 0;)
        if (can_be_undone(r, &r->history.journals.items[i])) {
            r->from = r->history.journals.items[i].id;
            return 0;
        }
    return 0;
}

/* How a file was before the range of transactions, and what the last of them made of it. */
struct span {
    const struct sp_journal_file *first, *last;
    const struct sp_journal *journal; /* of the first */
};

/* What the manifest of the journal's release says of the file; NULL if nothing. */
static const struct sp_file_spec *spec_of(const struct rollback *r, const struct span *span)
{
    const struct sp_manifests *manifests = &r->s->manifests;
    for (size_t i = 0; i < span->journal->components.count; i++) {
        const struct sp_journal_component *component = &span->journal->components.items[i];
        for (size_t j = 0; j < manifests->releases.count; j++) {
            const struct sp_component *spec =
                sp_release_find(manifests->releases.items[j], component->name);
            if (!spec || strcmp(spec->release->name, component->release) != 0)
                continue;
            for (size_t k = 0; k < spec->layouts.count; k++)
                for (size_t l = 0; l < spec->layouts.items[k].files.count; l++) {
                    const struct sp_file_spec *file = &spec->layouts.items[k].files.items[l];
                    const char *path = sp_path_join(r->s->pool, component->path, file->path);
                    if (file->edits.count && strcmp(path, span->first->path) == 0)
                        return file;
                }
        }
    }
    return NULL;
}

/* A file that was edited since: takes back just what the range did to it. Whether that worked. */
static bool take_back_edit(const struct rollback *r, const struct span *span,
                           struct sp_bytes original, struct sp_change *change)
{
    struct sp_pool *pool = r->s->pool;
    const struct sp_file_spec *spec = spec_of(r, span);
    struct sp_bytes clean;
    struct sp_edit_found found;
    struct sp_error ignored = SP_ERROR_INIT;
    bool done = false;
    if (spec && sp_edit_apply(pool, spec, original, SP_GOAL_OUT, &clean, &found, &ignored) == 0) {
        enum sp_goal goal = sp_bytes_equal(clean, original) ? SP_GOAL_OUT : SP_GOAL_IN;
        done = sp_edit_apply(pool, spec, change->before, goal, &change->after, &found, &ignored) ==
                   0 &&
               !sp_bytes_equal(change->before, change->after);
    }
    sp_error_clear(&ignored);
    change->meta = NULL;
    return done;
}

/* Undoes what was done to one file in the range, if it still is as the range left it. */
static int add_file(struct rollback *r, const struct span *span, struct sp_error *err)
{
    struct sp_pool *pool = r->s->pool;
    const char *path = span->first->path, *real;
    struct sp_change change = {.component = span->first->component, .path = path};
    struct sp_blob_id now = {""};
    bool whole;
    if (sp_fs_resolve(&r->s->root, pool, sp_path_dirname(pool, path), &real, NULL, err) < 0)
        return -1;
    if (real) {
        int dir = sp_fs_open_dir(&r->s->root, real, err);
        if (dir < 0)
            return -1;
        int rc = sp_fs_read_at(dir, pool, sp_path_basename(path), SP_MAX_SOURCE, &change.before,
                               &whole, NULL, err);
        close(dir);
        if (rc < 0)
            return sp_error_prefix(err, "%s", sp_root_show(&r->s->root, pool, path));
    }
    if (change.before.data && sp_blob_hash(change.before, &now, err) < 0)
        return -1;
    if (sp_blob_equal(&now, &span->first->before))
        return 0; /* as it was */
    bool edited = change.before.data && *span->last->after.hex && *span->first->before.hex;
    bool same = real && sp_blob_equal(&now, &span->last->after);
    if (!same && !edited) {
        *SP_PUSH(pool, &r->left) = sp_root_show(&r->s->root, pool, path);
        return 0;
    }
    if (*span->first->before.hex) {
        struct sp_meta *meta = sp_pool_alloc(pool, sizeof(*meta));
        if (sp_history_original(pool, &r->history, span->journal->id, path, &span->first->before,
                                &change.after, meta, err) < 0)
            return -1;
        change.meta = meta;
        change.action = change.before.data ? SP_ACTION_REPLACE : SP_ACTION_ADD;
        if (!same && !take_back_edit(r, span, change.after, &change)) {
            *SP_PUSH(pool, &r->left) = sp_root_show(&r->s->root, pool, path);
            return 0;
        }
        if (!same)
            sp_report_warn(pool, r->s->report,
                           "%s was edited since; only what transaction %u did to it is taken back",
                           sp_root_show(&r->s->root, pool, path), span->journal->id);
    } else {
        change.action = SP_ACTION_REMOVE;
    }
    *SP_PUSH(pool, &r->txn.changes) = change;
    return 0;
}

static struct span *span_of(struct span *spans, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(spans[i].first->path, path) == 0)
            return &spans[i];
    return NULL;
}

static int build_changes(struct rollback *r, struct sp_error *err)
{
    struct sp_pool *pool = r->s->pool;
    SP_VEC(struct span) spans = {NULL, 0, 0};
    for (size_t i = 0; i < r->history.journals.count; i++) {
        const struct sp_journal *journal = &r->history.journals.items[i];
        if (journal->id < r->from || journal->state != SP_JOURNAL_COMMITTED)
            continue;
        if (can_be_undone(r, journal))
            *SP_PUSH(pool, &r->txn.undoes) = journal->id;
        for (size_t j = 0; j < journal->components.count; j++) {
            bool known = false;
            for (size_t k = 0; k < r->txn.components.count; k++)
                known |=
                    strcmp(r->txn.components.items[k].path, journal->components.items[j].path) == 0;
            if (!known)
                *SP_PUSH(pool, &r->txn.components) = journal->components.items[j];
        }
        for (size_t j = 0; j < journal->files.count; j++) {
            const struct sp_journal_file *file = &journal->files.items[j];
            struct span *span = span_of(spans.items, spans.count, file->path);
            if (span)
                span->last = file;
            else
                *SP_PUSH(pool, &spans) =
                    (struct span){.first = file, .last = file, .journal = journal};
        }
    }
    for (size_t i = spans.count; i-- > 0;) /* the other way round than they were made */
        if (add_file(r, &spans.items[i], err) < 0)
            return -1;
    return 0;
}

static void rollback_document(struct rollback *r, unsigned id)
{
    struct sp_buffer buf = SP_BUFFER_INIT;
    struct sp_json json;
    sp_document_begin(&json, &buf, "rollback");
    sp_json_key(&json, "dry_run");
    sp_json_bool(&json, r->s->options->dry_run);
    sp_json_key(&json, "transaction");
    if (id)
        sp_json_number(&json, id);
    else
        sp_json_string(&json, NULL);
    sp_json_key(&json, "undoes");
    sp_json_array(&json);
    for (size_t i = 0; i < r->txn.undoes.count; i++)
        sp_json_number(&json, r->txn.undoes.items[i]);
    sp_json_end_array(&json);
    sp_json_key(&json, "files");
    sp_json_array(&json);
    for (size_t i = 0; i < r->txn.changes.count; i++) {
        sp_json_object(&json);
        sp_json_pair(&json, "path",
                     sp_root_show(&r->s->root, r->s->pool, r->txn.changes.items[i].path));
        sp_json_pair(&json, "action", sp_action_name(r->txn.changes.items[i].action));
        sp_json_end_object(&json);
    }
    sp_json_end_array(&json);
    sp_document_strings(&json, "left", &r->left);
    sp_document_end(&json, r->s);
}

static int rollback(struct rollback *r, struct sp_error *err)
{
    struct sp_session *s = r->s;
    unsigned id = 0;
    if (choose_from(r, err) < 0)
        return -1;
    r->txn.command = "rollback";
    if (r->from == 0)
        sp_report_say(s->report, 0, "there is nothing to take back");
    else if (build_changes(r, err) < 0)
        return -1;
    sp_cmd_add_times(s, &r->history, r->from, &r->txn);
    for (size_t i = 0; i < r->left.count; i++)
        sp_report_warn(s->pool, s->report,
                       "%s is not what was installed any more; it was left alone",
                       r->left.items[i]);
    for (size_t i = 0; i < r->txn.changes.count; i++)
        sp_report_say(s->report, 0, "  %-7s  %s", sp_action_name(r->txn.changes.items[i].action),
                      sp_root_show(&s->root, s->pool, r->txn.changes.items[i].path));
    if (s->options->dry_run) {
        sp_report_say(s->report, 0, "%zu files would be changed; nothing was (--dry-run)",
                      r->txn.changes.count);
    } else if (r->from) {
        sp_transaction_catch_signals();
        if (sp_transaction_run(s->pool, &r->workdir, &r->txn, &id, err) < 0)
            return -1;
        sp_report_say(s->report, 0,
                      "Transaction %u: %zu files are as they were before transaction %u.", id,
                      r->txn.changes.count, r->from);
    }
    if (s->report->json)
        rollback_document(r, id);
    return 0;
}

int sp_cmd_rollback(struct sp_session *s, struct sp_error *err)
{
    struct rollback r = {.s = s};
    bool locked = false;
    int rc;
    if (s->options->dry_run) {
        rc = sp_cmd_announce_pending(s, err);
        if (rc >= 0)
            rc = sp_workdir_open(s->pool, &s->root, s->work_dir, &r.workdir, NULL, err);
        locked = rc == 0;
    } else {
        rc = sp_cmd_settle(s, &r.workdir, &locked, err);
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

int sp_cmd_recover(struct sp_session *s, struct sp_error *err)
{
    struct sp_workdir workdir;
    sp_strv said = {NULL, 0, 0};
    bool hidden;
    if (sp_workdir_open(s->pool, &s->root, s->work_dir, &workdir, &hidden, err) < 0)
        return -1;
    bool exists = workdir.fd >= 0 || hidden;
    sp_workdir_close(&workdir);
    if (exists) {
        if (sp_workdir_lock(s->pool, &s->root, s->work_dir, &workdir, err) < 0)
            return -1;
        int rc = sp_recover(s->pool, &workdir, s->options->force, &said, err);
        sp_workdir_close(&workdir);
        if (rc < 0)
            return -1;
    }
    if (said.count == 0)
        sp_report_say(s->report, 0, "there is nothing to settle");
    for (size_t i = 0; i < said.count; i++)
        sp_report_say(s->report, 0, "%s", said.items[i]);
    if (s->report->json) {
        struct sp_buffer buf = SP_BUFFER_INIT;
        struct sp_json json;
        sp_document_begin(&json, &buf, "recover");
        sp_document_strings(&json, "settled", &said);
        sp_document_end(&json, s);
    }
    return 0;
}
