/* SPDX-License-Identifier: Apache-2.0 */
#include "txn/pending.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "fs/resolve.h"
#include "txn/backup.h"
#include "txn/run.h"

static const char *real_of(struct sp_pool *pool, const struct sp_root *root, const char *path)
{
    const char *real;
    return sp_fs_resolve(root, pool, path, &real, NULL, NULL) == 0 && real ? real : path;
}

static void add_journal(struct sp_pool *pool, const struct sp_journal *journal, sp_strv *out)
{
    for (size_t i = 0; i < journal->components.count; i++)
        *SP_PUSH(pool, out) = journal->components.items[i].path;
    for (size_t i = 0; i < journal->dirs.count; i++)
        *SP_PUSH(pool, out) = journal->dirs.items[i].path;
}

/* A damaged archive says nothing: what is missing from it is not known. */
static void add_contents(struct sp_pool *pool, const struct sp_workdir *workdir, unsigned id,
                         sp_strv *out)
{
    SP_CLEANUP_DIR struct sp_dir dir = SP_DIR_NONE;
    struct sp_backup_entry *items = NULL;
    size_t count = 0;
    sp_strv staged = {NULL, 0, 0};
    if (sp_workdir_transaction(pool, workdir, id, &dir, NULL) < 0 ||
        sp_backup_read(pool, &dir, SP_BACKUP_NAME, &items, &count, NULL) < 0 ||
        sp_workdir_staged_files(pool, workdir, id, &staged, NULL) < 0)
        return;
    for (size_t i = 0; i < count; i++)
        *SP_PUSH(pool, out) = sp_path_dirname(pool, items[i].path);
    for (size_t i = 0; i < staged.count; i++)
        *SP_PUSH(pool, out) = sp_path_dirname(pool, staged.items[i]);
}

static bool is_in(const char *path, const char *dir)
{
    size_t len = strlen(dir);
    return len == 0 || (strncmp(path, dir, len) == 0 && (path[len] == '/' || !path[len]));
}

bool sp_pending_concerns(struct sp_pool *pool, const struct sp_history *history, unsigned id,
                         const sp_strv *dirs)
{
    const struct sp_root *root = history->workdir->root;
    const struct sp_journal *journal = sp_history_find(history, id);
    sp_strv touched = {NULL, 0, 0};
    if (journal)
        add_journal(pool, journal, &touched);
    else
        add_contents(pool, history->workdir, id, &touched);
    if (touched.count == 0)
        return true;
    for (size_t i = 0; i < touched.count; i++)
        for (size_t j = 0; j < dirs->count; j++) {
            const char *a = real_of(pool, root, touched.items[i]);
            const char *b = real_of(pool, root, dirs->items[j]);
            if (is_in(a, b) || is_in(b, a))
                return true;
        }
    return false;
}
