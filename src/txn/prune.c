/* SPDX-License-Identifier: Apache-2.0 */
#include "txn/prune.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "fs/read.h"
#include "fs/write.h"
#include "txn/integrated.h"

/* How far back an install is looked for that a transaction may have undone. */
enum {
    MAX_RUN = 64
};

/* Transactions that did not come to nothing so far, the latest last. */
typedef SP_VEC(const struct sp_journal *) journals;

/* The content that the last operation on the path leaves. NULL: none of them changed it. */
static const struct sp_blob_id *last_content(const journals *all, size_t from, const char *path)
{
    for (size_t i = all->count; i-- > from;)
        for (size_t j = 0; j < all->items[i]->files.count; j++)
            if (strcmp(all->items[i]->files.items[j].path, path) == 0)
                return &all->items[i]->files.items[j].after;
    return NULL;
}

/* Whether an earlier one of them, from `from` on, changed the file too. */
static bool changed_before(const journals *all, size_t from, size_t to, const char *path)
{
    for (size_t i = from; i < to; i++)
        for (size_t j = 0; j < all->items[i]->files.count; j++)
            if (strcmp(all->items[i]->files.items[j].path, path) == 0)
                return true;
    return false;
}

/* Whether one of them is a rollback of another transaction than they. */
static bool reverts_others(const journals *all, size_t from)
{
    for (size_t i = from; i < all->count; i++)
        for (size_t j = 0; j < all->items[i]->reverts.count; j++)
            if (all->items[i]->reverts.items[j] < all->items[from]->id)
                return true;
    return false;
}

/* Whether every file is as it was before the transactions from `from` on. */
static bool came_to_nothing(const journals *all, size_t from)
{
    if (reverts_others(all, from))
        return false;
    for (size_t i = from; i < all->count; i++)
        for (size_t j = 0; j < all->items[i]->files.count; j++) {
            const struct sp_journal_file *file = &all->items[i]->files.items[j];
            if (!changed_before(all, from, i, file->path) &&
                !sp_blob_equal(&file->before, last_content(all, from, file->path)))
                return false;
        }
    return true;
}

/* Whether the components are integrated, or not, without the transactions from `from` on as they are
 * with them: what is left must not say that something is integrated which was removed. */
static bool tells_the_same(const journals *all, size_t from)
{
    for (size_t i = from; i < all->count; i++)
        for (size_t j = 0; j < all->items[i]->components.count; j++) {
            const struct sp_journal_component *one = &all->items[i]->components.items[j];
            if (!sp_integrated_by(all->items, from, one) !=
                !sp_integrated_by(all->items, all->count, one))
                return false;
        }
    return true;
}

/* Adds a committed transaction; takes it away again with those that it undid, into *out. */
static void add_committed(struct sp_pool *pool, journals *open, const struct sp_journal *journal,
                          sp_ids *out)
{
    *SP_PUSH(pool, open) = journal;
    size_t last = open->count - 1;
    if (sp_integrated_is_install(journal))
        return;
    for (size_t from = last; from-- > 0 && last - from < MAX_RUN;) {
        if (!sp_integrated_is_install(open->items[from]) || !came_to_nothing(open, from) ||
            !tells_the_same(open, from))
            continue;
        for (size_t i = from; i < open->count; i++)
            *SP_PUSH(pool, out) = open->items[i]->id;
        open->count = from;
        return;
    }
}

static int by_number(const void *a, const void *b)
{
    const unsigned *left = a, *right = b;
    return *left < *right ? -1 : *left > *right;
}

void sp_prune_choose(struct sp_pool *pool, const struct sp_history *history, sp_ids *out)
{
    journals open = {NULL, 0, 0};
    for (size_t i = 0; i + SP_PRUNE_KEEP < history->journals.count; i++) {
        const struct sp_journal *journal = &history->journals.items[i];
        if (journal->record != SP_RECORD_READABLE || !sp_history_is_here(history, journal))
            continue;
        if (journal->state == SP_JOURNAL_ABORTED)
            *SP_PUSH(pool, out) = journal->id;
        else if (journal->state == SP_JOURNAL_COMMITTED)
            add_committed(pool, &open, journal, out);
    }
    if (out->count)
        qsort(out->items, out->count, sizeof(out->items[0]), by_number);
}

/* ---- removing -------------------------------------------------------------------------------- */

/* All that a transaction's directory has; the journal last: without it the rest would look like a
 * transaction that was interrupted. */
static const char *const contents[] = {"changes.patch", "backup.tar", "committed.json",
                                       "aborted.json"};
enum {
    CONTENTS = sizeof(contents) / sizeof(contents[0]),
    JOURNALS = 2 /* of them */
};

static bool is_ours(const char *name)
{
    for (size_t i = 0; i < CONTENTS; i++)
        if (strcmp(name, contents[i]) == 0)
            return true;
    return false;
}

/* Whether all files in the directory are ours. */
static int check_contents(struct sp_pool *pool, const struct sp_dir *dir, bool *ours,
                          struct sp_error *err)
{
    sp_strv names = {NULL, 0, 0};
    *ours = true;
    if (sp_fs_list(dir, pool, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.count; i++)
        *ours &= is_ours(names.items[i]);
    return 0;
}

static int empty(struct sp_pool *pool, const struct sp_dir *dir, bool *emptied,
                 struct sp_error *err)
{
    struct sp_file itself = sp_dir_itself(dir);
    if (check_contents(pool, dir, emptied, err) < 0)
        return -1;
    for (size_t i = 0; *emptied && i < CONTENTS; i++) {
        if (i == CONTENTS - JOURNALS && sp_fs_sync(&itself, err) < 0)
            return -1;
        if (sp_fs_unlink(dir, contents[i], err) < 0)
            return -1;
    }
    return 0;
}

static int remove_one(struct sp_pool *pool, const struct sp_workdir *workdir, unsigned id,
                      struct sp_error *err)
{
    SP_CLEANUP_DIR struct sp_dir dir = SP_DIR_NONE;
    bool emptied = false;
    if (sp_workdir_transaction(pool, workdir, id, &dir, err) < 0 ||
        empty(pool, &dir, &emptied, err) < 0)
        return -1;
    return emptied ? sp_workdir_drop(workdir, id, err) : 0;
}

void sp_prune(const struct sp_workdir *workdir)
{
    SP_CLEANUP_POOL struct sp_pool *pool = sp_pool_new();
    struct sp_history history;
    sp_ids ids = {NULL, 0, 0}, chosen = {NULL, 0, 0};
    if (sp_workdir_ids(pool, workdir, &ids, NULL, NULL) < 0 || ids.count <= SP_PRUNE_KEEP ||
        sp_history_load(pool, workdir, &history, NULL) < 0)
        return;
    sp_prune_choose(pool, &history, &chosen);
    for (size_t i = 0; i < chosen.count; i++)
        if (remove_one(pool, workdir, chosen.items[i], NULL) < 0)
            return;
}
