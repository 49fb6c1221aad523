/* SPDX-License-Identifier: Apache-2.0 */
#include "txn/revert.h"

#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "fs/meta.h"
#include "fs/read.h"
#include "fs/resolve.h"
#include "fs/root.h"
#include "model/edit.h"

/* What one transaction did to one file. */
struct file_operation {
    const struct sp_journal *journal;
    const struct sp_journal_file *file;
};

/* One file, and what the transactions did to it, the earliest first. */
struct file_history {
    const char *path;
    SP_VEC(struct file_operation) operations;
};

struct plan {
    struct sp_pool *pool;
    const struct sp_root *root;
    const struct sp_manifests *manifests;
    const struct sp_history *history;
    struct sp_revert *out;
    struct sp_error *err;
};

/* A file on its way back. */
struct state {
    struct sp_bytes content;    /* data NULL: there is none */
    const struct sp_meta *meta; /* what it had with this content, if an archive says so */
    bool edited;                /* by something else, at some time */
};

bool sp_revert_applies(const struct sp_history *history, const struct sp_journal *journal)
{
    return journal->state == SP_JOURNAL_COMMITTED && strcmp(journal->command, "rollback") != 0 &&
           !sp_history_is_reverted(history, journal->id);
}

/* ---- what the manifests say ------------------------------------------------------------------ */

static const struct sp_manifest_file *find_file(struct plan *p, const struct sp_component *spec,
                                                const char *package, const char *path)
{
    for (size_t i = 0; i < spec->layouts.count; i++)
        for (size_t j = 0; j < spec->layouts.items[i].files.count; j++) {
            const struct sp_manifest_file *file = &spec->layouts.items[i].files.items[j];
            if (file->edits.count && strcmp(sp_path_join(p->pool, package, file->path), path) == 0)
                return file;
        }
    return NULL;
}

/* The edits of the file in the release that the transaction was for; NULL if there are none. */
static const struct sp_manifest_file *edits_of(struct plan *p,
                                               const struct file_operation *file_operation)
{
    for (size_t i = 0; i < file_operation->journal->components.count; i++) {
        const struct sp_journal_component *component =
            &file_operation->journal->components.items[i];
        for (size_t j = 0; j < p->manifests->releases.count; j++) {
            const struct sp_release *release = p->manifests->releases.items[j];
            const struct sp_component *spec = sp_release_find(release, component->name);
            const struct sp_manifest_file *file = NULL;
            if (spec && strcmp(release->name, component->release) == 0)
                file = find_file(p, spec, component->path, file_operation->file->path);
            if (file)
                return file;
        }
    }
    return NULL;
}

/* ---- one step back --------------------------------------------------------------------------- */

static int original_of(struct plan *p, const struct file_operation *file_operation,
                       struct sp_bytes *content, struct sp_meta **meta)
{
    *meta = sp_pool_alloc(p->pool, sizeof(**meta));
    return sp_history_backup(p->pool, p->history, file_operation->journal->id,
                             file_operation->file->path, &file_operation->file->before, content,
                             *meta, p->err);
}

/* Takes back what the transaction did to a content that it did not leave so. 1: done; 0: that
 * can't be said of this file. */
static int step_in_part(struct plan *p, const struct file_operation *file_operation,
                        struct state *state)
{
    const struct sp_manifest_file *spec = edits_of(p, file_operation);
    struct sp_bytes original, clean, back;
    struct sp_meta *meta;
    struct sp_edit_count found;
    struct sp_error ignored = SP_ERROR_INIT;
    if (!spec || !state->content.data || !*file_operation->file->before.hex ||
        !*file_operation->file->after.hex)
        return 0;
    if (original_of(p, file_operation, &original, &meta) < 0)
        return -1;
    bool done = false;
    if (sp_edit_apply(p->pool, spec, original, SP_GOAL_UNINSTALL, &clean, &found, &ignored) == 0) {
        enum sp_goal goal = sp_bytes_equal(clean, original) ? SP_GOAL_UNINSTALL : SP_GOAL_INSTALL;
        done = sp_edit_apply(p->pool, spec, state->content, goal, &back, &found, &ignored) == 0;
    }
    sp_error_clear(&ignored);
    if (!done)
        return 0;
    state->edited = true;
    if (!sp_bytes_equal(state->content, back)) {
        state->content = back;
        state->meta = NULL;
    }
    return 1;
}

/* 1: done; 0: the file has to be left as it is; -1: error. */
static int step(struct plan *p, const struct file_operation *file_operation, struct state *state)
{
    struct sp_blob_id id = {""};
    if (state->content.data && sp_blob_hash(state->content, &id, p->err) < 0)
        return -1;
    if (!sp_blob_equal(&id, &file_operation->file->after))
        return sp_blob_equal(&id, &file_operation->file->before)
                   ? 1
                   : step_in_part(p, file_operation, state);
    struct sp_meta *meta = NULL;
    struct sp_bytes before = {NULL, 0};
    if (*file_operation->file->before.hex && original_of(p, file_operation, &before, &meta) < 0)
        return -1;
    state->content = before;
    state->meta = meta;
    return 1;
}

/* ---- one file -------------------------------------------------------------------------------- */

/* What stands there today. *complete is false for what can't be looked at as a whole. */
static int read_today(struct plan *p, const char *path, struct sp_bytes *out, bool *there,
                      bool *complete)
{
    const char *real;
    *out = (struct sp_bytes){NULL, 0};
    *complete = true;
    *there = false;
    if (sp_fs_resolve(p->root, p->pool, sp_path_dirname(p->pool, path), &real, NULL, p->err) < 0)
        return -1;
    if (!real)
        return 0;
    struct sp_dir dir;
    struct sp_content content;
    if (sp_fs_open_dir(p->root, p->pool, real, &dir, p->err) < 0)
        return -1;
    *there = true;
    int rc = sp_fs_read_at(&dir, p->pool, sp_path_basename(path), SP_MAX_SOURCE, &content, p->err);
    sp_dir_close(&dir);
    *out = content.bytes;
    *complete = content.complete;
    return rc;
}

static int plan_file(struct plan *p, const struct file_history *file_history)
{
    struct sp_bytes today;
    bool there, complete;
    if (read_today(p, file_history->path, &today, &there, &complete) < 0)
        return -1;
    struct state state = {.content = today};
    int rc = complete ? 1 : 0;
    for (size_t i = file_history->operations.count; rc == 1 && i-- > 0;)
        rc = step(p, &file_history->operations.items[i], &state);
    if (rc < 0)
        return -1;
    const char *shown = sp_root_show(p->root, p->pool, file_history->path);
    bool changes = (today.data != NULL) != (state.content.data != NULL) ||
                   !sp_bytes_equal(today, state.content);
    if (rc == 0 || (!there && changes) || (state.edited && !changes)) {
        *SP_PUSH(p->pool, &p->out->left) = shown;
        return 0;
    }
    if (!changes)
        return 0;
    if (state.edited)
        *SP_PUSH(p->pool, &p->out->edited) = shown;
    *SP_PUSH(p->pool, &p->out->txn.changes) =
        (struct sp_file_change){.component = file_history->operations.items[0].file->component,
                                .path = file_history->path,
                                .action = sp_action_between(today.data, state.content.data),
                                .before = today,
                                .after = state.content,
                                .meta = state.meta};
    return 0;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void add_components(struct plan *p, const struct sp_journal *journal)
{
    struct sp_transaction *txn = &p->out->txn;
    for (size_t i = 0; i < journal->components.count; i++) {
        bool known = false;
        for (size_t j = 0; j < txn->components.count; j++)
            known |= strcmp(txn->components.items[j].path, journal->components.items[i].path) == 0;
        if (!known)
            *SP_PUSH(p->pool, &txn->components) = journal->components.items[i];
    }
}

int sp_revert_plan(struct sp_pool *pool, const struct sp_root *root,
                   const struct sp_manifests *manifests, const struct sp_history *history,
                   unsigned from, struct sp_revert *out, struct sp_error *err)
{
    struct plan p = {pool, root, manifests, history, out, err};
    SP_VEC(struct file_history) file_histories = {NULL, 0, 0};
    for (size_t i = 0; i < history->journals.count; i++) {
        const struct sp_journal *journal = &history->journals.items[i];
        if (journal->id < from || journal->state != SP_JOURNAL_COMMITTED)
            continue;
        if (sp_revert_applies(history, journal))
            *SP_PUSH(pool, &out->txn.undoes) = journal->id;
        add_components(&p, journal);
        for (size_t j = 0; j < journal->files.count; j++) {
            const struct sp_journal_file *file = &journal->files.items[j];
            struct file_history *file_history = NULL;
            for (size_t k = 0; k < file_histories.count && !file_history; k++)
                if (strcmp(file_histories.items[k].path, file->path) == 0)
                    file_history = &file_histories.items[k];
            if (!file_history) {
                file_history = SP_PUSH(pool, &file_histories);
                file_history->path = file->path;
            }
            *SP_PUSH(pool, &file_history->operations) = (struct file_operation){journal, file};
        }
    }
    for (size_t i = file_histories.count; i-- > 0;) /* the other way round than they were made */
        if (plan_file(&p, &file_histories.items[i]) < 0)
            return -1;
    return 0;
}
