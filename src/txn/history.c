/* SPDX-License-Identifier: Apache-2.0 */
#include "txn/history.h"

#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "fs/meta.h"
#include "txn/backup.h"

#define ARCHIVE "backup.tar"

int sp_history_load(struct sp_pool *pool, const struct sp_workdir *workdir, struct sp_history *out,
                    struct sp_error *err)
{
    sp_ids ids = {NULL, 0, 0};
    memset(out, 0, sizeof(*out));
    out->workdir = workdir;
    if (sp_workdir_ids(pool, workdir, &ids, err) < 0)
        return -1;
    for (size_t i = 0; i < ids.count; i++) {
        struct sp_journal journal;
        bool found = false;
        struct sp_error damaged = SP_ERROR_INIT;
        struct sp_dir dir;
        if (sp_workdir_transaction(pool, workdir, ids.items[i], &dir, err) < 0)
            return -1;
        int rc = sp_journal_load(pool, &dir, ids.items[i], &journal, &found, &damaged);
        sp_dir_close(&dir);
        if (rc == 0 && found)
            *SP_PUSH(pool, &out->journals) = journal;
        if (rc < 0 || !found || journal.state == SP_JOURNAL_PREPARED ||
            journal.state == SP_JOURNAL_APPLYING)
            *SP_PUSH(pool, &out->pending) = ids.items[i];
        sp_error_clear(&damaged); /* recover says it in full */
    }
    return 0;
}

const struct sp_journal *sp_history_find(const struct sp_history *history, unsigned id)
{
    for (size_t i = 0; i < history->journals.count; i++)
        if (history->journals.items[i].id == id)
            return &history->journals.items[i];
    return NULL;
}

bool sp_history_is_reverted(const struct sp_history *history, unsigned id)
{
    for (size_t i = 0; i < history->journals.count; i++) {
        const struct sp_journal *journal = &history->journals.items[i];
        for (size_t j = 0; journal->state == SP_JOURNAL_COMMITTED && j < journal->undoes.count; j++)
            if (journal->undoes.items[j] == id)
                return true;
    }
    return false;
}

int sp_history_backup(struct sp_pool *pool, const struct sp_history *history, unsigned id,
                      const char *path, const struct sp_blob_id *expected, struct sp_bytes *content,
                      struct sp_meta *meta, struct sp_error *err)
{
    struct sp_backup_entry *items;
    size_t count;
    struct sp_blob_id found = {""};
    const char *shown =
        sp_path_join(pool, sp_workdir_show(pool, history->workdir, "transactions", id), ARCHIVE);
    struct sp_dir dir;
    if (sp_workdir_transaction(pool, history->workdir, id, &dir, err) < 0)
        return -1;
    int rc = sp_backup_read(pool, &dir, ARCHIVE, &items, &count, err);
    sp_dir_close(&dir);
    if (rc < 0) {
        if (err && err->kind == SP_ERROR_REFUSED)
            err->kind = SP_ERROR_NEEDS_RECOVERY;
        return -1;
    }
    for (size_t i = 0; i < count; i++)
        if (strcmp(items[i].path, path) == 0) {
            *content = items[i].content;
            *meta = items[i].meta;
            if (sp_blob_hash(*content, &found, err) < 0)
                return -1;
        }
    if (!sp_blob_equal(&found, expected))
        return sp_error_set(err, SP_ERROR_NEEDS_RECOVERY,
                            "the backup of '%s' in '%s' is missing or damaged",
                            sp_root_show(history->workdir->root, pool, path), shown);
    return 0;
}

int sp_history_meta(struct sp_pool *pool, const struct sp_history *history, const char *path,
                    const struct sp_blob_id *content, struct sp_meta *meta, bool *found,
                    struct sp_error *err)
{
    struct sp_bytes ignored;
    *found = false;
    for (size_t i = history->journals.count; i-- > 0;) {
        const struct sp_journal *journal = &history->journals.items[i];
        for (size_t j = 0; journal->state == SP_JOURNAL_COMMITTED && j < journal->files.count;
             j++) {
            const struct sp_journal_file *file = &journal->files.items[j];
            if (strcmp(file->path, path) != 0 || !sp_blob_equal(&file->before, content))
                continue;
            *found = true;
            return sp_history_backup(pool, history, journal->id, path, content, &ignored, meta,
                                     err);
        }
    }
    return 0;
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

struct timespec sp_history_dir_time(const struct sp_history *history, const char *path,
                                    struct timespec now, unsigned since)
{
    for (size_t i = history->journals.count; i-- > 0;) {
        const struct sp_journal *journal = &history->journals.items[i];
        if (journal->id < since)
            break;
        for (size_t j = 0; journal->state == SP_JOURNAL_COMMITTED && j < journal->dirs.count; j++) {
            const struct sp_journal_dir *dir = &journal->dirs.items[j];
            if (strcmp(dir->path, path) == 0 && same_time(dir->after, now))
                now = dir->before;
        }
    }
    return now;
}
