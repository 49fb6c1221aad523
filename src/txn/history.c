/* SPDX-License-Identifier: Apache-2.0 */
#include "txn/history.h"

#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "fs/meta.h"
#include "txn/backup.h"
#include "txn/system.h"

#define ARCHIVE "backup.tar"

/* ---- loading --------------------------------------------------------------------------------- */

/* The same few paths and names are in each journal: their texts are kept once. */
struct texts {
    struct sp_pool *pool;
    const char *recent[64];
    size_t count;
};

static const char *keep(struct texts *texts, const char *text)
{
    size_t room = sizeof(texts->recent) / sizeof(texts->recent[0]);
    for (size_t i = 0; i < texts->count && i < room; i++)
        if (strcmp(texts->recent[i], text) == 0)
            return texts->recent[i];
    return texts->recent[texts->count++ % room] = sp_pool_strdup(texts->pool, text);
}

/* A list of that length, without the rooms that a growing one leaves behind. */
#define COPY_LIST(pool, to, from)                                                                  \
    do {                                                                                           \
        (to)->count = (to)->room = (from)->count;                                                  \
        (to)->items = sp_pool_calloc((pool), (from)->count + 1, sizeof(*(to)->items));             \
        for (size_t i_ = 0; i_ < (from)->count; i_++)                                              \
            (to)->items[i_] = (from)->items[i_];                                                   \
    } while (0)

static struct sp_journal copy_journal(struct texts *texts, const struct sp_journal *from)
{
    struct sp_journal to = *from;
    to.command = keep(texts, from->command);
    to.time = sp_pool_strdup(texts->pool, from->time);
    to.tool = keep(texts, from->tool);
    to.machine = keep(texts, from->machine);
    COPY_LIST(texts->pool, &to.reverts, &from->reverts);
    COPY_LIST(texts->pool, &to.components, &from->components);
    COPY_LIST(texts->pool, &to.files, &from->files);
    COPY_LIST(texts->pool, &to.dirs, &from->dirs);
    for (size_t i = 0; i < to.components.count; i++) {
        struct sp_journal_component *component = &to.components.items[i];
        component->name = keep(texts, component->name);
        component->version = keep(texts, component->version);
        component->release = keep(texts, component->release);
        component->layout = keep(texts, component->layout);
        component->path = keep(texts, component->path);
    }
    for (size_t i = 0; i < to.files.count; i++) {
        struct sp_journal_file *file = &to.files.items[i];
        file->component = keep(texts, file->component);
        file->package = keep(texts, file->package);
        file->name = keep(texts, file->name);
        file->path = keep(texts, file->path);
        file->temp = sp_pool_strdup(texts->pool, file->temp);
    }
    for (size_t i = 0; i < to.dirs.count; i++)
        to.dirs.items[i].path = keep(texts, to.dirs.items[i].path);
    return to;
}

/* Reads one journal with a pool of its own, and adds what it is. One that was removed since it was listed
 * had come to nothing. */
static int load_one(struct texts *texts, unsigned id, struct sp_history *out, struct sp_error *err)
{
    const struct sp_workdir *workdir = out->workdir;
    struct sp_pool *pool = texts->pool;
    struct sp_journal journal;
    SP_CLEANUP_DIR struct sp_dir dir = SP_DIR_NONE;
    SP_CLEANUP_POOL struct sp_pool *scratch = sp_pool_new();
    SP_CLEANUP_ERROR struct sp_error damage = SP_ERROR_INIT, reason = SP_ERROR_INIT;
    if (sp_workdir_transaction(scratch, workdir, id, &dir, &reason) < 0)
        return sp_error_is_gone(&reason) ? 0 : sp_error_set(err, reason.kind, "%s", reason.message);
    int rc = sp_journal_load(scratch, &dir, id, &journal, &damage);
    if (journal.record == SP_RECORD_READABLE || sp_journal_is_finished(&journal))
        *SP_PUSH(pool, &out->journals) = copy_journal(texts, &journal);
    if (rc < 0 && sp_journal_is_finished(&journal))
        *SP_PUSH(pool, &out->damaged) =
            (struct sp_history_damage){id, sp_pool_strdup(pool, damage.message)};
    if (!sp_journal_is_finished(&journal)) /* recover says in full what is wrong with it */
        *SP_PUSH(pool, &out->pending) = id;
    return 0;
}

static bool has(const sp_ids *ids, unsigned id)
{
    for (size_t i = 0; i < ids->count; i++)
        if (ids->items[i] == id)
            return true;
    return false;
}

/* The name of a transaction is taken by something else, which is not followed. As long as work/ID is
 * there, it may have left something, and waits for recover; else it is known to be finished. */
static void add_foreign(struct texts *texts, unsigned id, const sp_ids *staged,
                        struct sp_history *out)
{
    struct sp_pool *pool = texts->pool;
    if (has(staged, id)) {
        *SP_PUSH(pool, &out->pending) = id;
        return;
    }
    *SP_PUSH(pool, &out->journals) = (struct sp_journal){.id = id,
                                                         .state = SP_JOURNAL_COMMITTED,
                                                         .command = "",
                                                         .time = "",
                                                         .tool = "",
                                                         .machine = "",
                                                         .record = SP_RECORD_DAMAGED};
    *SP_PUSH(pool, &out->damaged) = (struct sp_history_damage){
        id, sp_pool_printf(pool,
                           "'%s' %s, and is passed over; put back the directory of the "
                           "transaction, or remove it",
                           sp_workdir_show(pool, out->workdir, "transactions", id),
                           sp_workdir_foreign(pool, out->workdir, id))};
}

int sp_history_load(struct sp_pool *pool, const struct sp_workdir *workdir, struct sp_history *out,
                    struct sp_error *err)
{
    struct texts texts = {.pool = pool};
    sp_ids ids = {NULL, 0, 0}, foreign = {NULL, 0, 0}, staged = {NULL, 0, 0};
    memset(out, 0, sizeof(*out));
    out->workdir = workdir;
    out->machine = sp_system_machine(workdir->root, pool);
    if (sp_workdir_ids(pool, workdir, &ids, &foreign, err) < 0 ||
        (foreign.count && sp_workdir_staged_ids(pool, workdir, &staged, err) < 0))
        return -1;
    unsigned last = 0;
    for (size_t i = 0, j = 0; i < ids.count || j < foreign.count;) { /* by number */
        if (j < foreign.count && (i == ids.count || foreign.items[j] < ids.items[i])) {
            unsigned id = foreign.items[j++];
            bool is_next = i < ids.count || id == last + 1; /* else it is a file with a number */
            if (!is_next && !has(&staged, id))
                continue;
            add_foreign(&texts, last = id, &staged, out);
        } else if (load_one(&texts, last = ids.items[i++], out, err) < 0) {
            return -1;
        }
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

bool sp_history_is_here(const struct sp_history *history, const struct sp_journal *journal)
{
    const char *here = history->machine ? history->machine : "";
    const char *there = journal->machine ? journal->machine : "";
    return !*here || !*there || strcmp(here, there) == 0;
}

bool sp_history_is_reverted(const struct sp_history *history, unsigned id)
{
    for (size_t i = 0; i < history->journals.count; i++) {
        const struct sp_journal *journal = &history->journals.items[i];
        for (size_t j = 0; journal->state == SP_JOURNAL_COMMITTED && j < journal->reverts.count;
             j++)
            if (journal->reverts.items[j] == id)
                return true;
    }
    return false;
}

const char *sp_history_state(const struct sp_history *history, const struct sp_journal *journal)
{
    if (journal->record == SP_RECORD_DAMAGED)
        return "damaged";
    if (sp_history_is_reverted(history, journal->id))
        return "rolled-back";
    return sp_journal_state_name(journal->state);
}

/* ---- backups --------------------------------------------------------------------------------- */

/* The entry of that path; NULL if the backup has none. */
static const struct sp_backup_entry *find_entry(const struct sp_backup_entry *items, size_t count,
                                                const char *path)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(items[i].path, path) == 0)
            return &items[i];
    return NULL;
}

static struct sp_meta copy_meta(struct sp_pool *pool, const struct sp_meta *from)
{
    struct sp_meta meta = *from;
    memset(&meta.xattrs, 0, sizeof(meta.xattrs));
    for (size_t i = 0; i < from->xattrs.count; i++) {
        const struct sp_xattr *xattr = &from->xattrs.items[i];
        *SP_PUSH(pool, &meta.xattrs) =
            (struct sp_xattr){sp_pool_strdup(pool, xattr->name),
                              sp_pool_memdup(pool, xattr->value, xattr->len), xattr->len};
    }
    return meta;
}

/* Reads the whole backup into a pool of its own, and copies the one entry from there. */
static int copy_entry(struct sp_pool *pool, const struct sp_history *history,
                      const struct sp_dir *dir, const struct sp_history_entry *wanted,
                      struct sp_error *err)
{
    SP_CLEANUP_POOL struct sp_pool *scratch = sp_pool_new();
    struct sp_backup_entry *items;
    size_t count;
    struct sp_blob_id id = {""};
    if (sp_backup_read(scratch, dir, ARCHIVE, &items, &count, err) < 0) {
        if (err && err->kind == SP_ERROR_REFUSED)
            err->kind = SP_ERROR_NEEDS_RECOVERY;
        return -1;
    }
    const struct sp_backup_entry *entry = find_entry(items, count, wanted->path);
    if (entry && sp_blob_hash(entry->content, &id, err) < 0)
        return -1;
    if (!entry || !sp_blob_equal(&id, wanted->id))
        return sp_error_set(err, SP_ERROR_NEEDS_RECOVERY,
                            "the backup of '%s' in '%s/" ARCHIVE "' is missing or damaged",
                            sp_root_show(history->workdir->root, scratch, wanted->path),
                            dir->shown);
    wanted->content->len = entry->content.len;
    wanted->content->data = sp_pool_memdup(pool, entry->content.data, entry->content.len);
    *wanted->meta = copy_meta(pool, &entry->meta);
    return 0;
}

int sp_history_backup(struct sp_pool *pool, const struct sp_history *history, unsigned id,
                      const struct sp_history_entry *wanted, struct sp_error *err)
{
    SP_CLEANUP_DIR struct sp_dir dir = SP_DIR_NONE;
    if (sp_workdir_transaction(pool, history->workdir, id, &dir, err) < 0)
        return -1;
    return copy_entry(pool, history, &dir, wanted, err);
}

/* Whether the transaction is committed, and found that content in the file, or left it there (after). */
static bool has_content(const struct sp_journal *journal, const char *path,
                        const struct sp_blob_id *content, bool after)
{
    for (size_t i = 0; journal->state == SP_JOURNAL_COMMITTED && i < journal->files.count; i++) {
        const struct sp_journal_file *file = &journal->files.items[i];
        if (strcmp(file->path, path) == 0 &&
            sp_blob_equal(after ? &file->after : &file->before, content))
            return true;
    }
    return false;
}

/* The latest such transaction on this system; NULL. */
static const struct sp_journal *find_latest(const struct sp_history *history, const char *path,
                                            const struct sp_blob_id *content, bool after)
{
    for (size_t i = history->journals.count; i-- > 0;)
        if (sp_history_is_here(history, &history->journals.items[i]) &&
            has_content(&history->journals.items[i], path, content, after))
            return &history->journals.items[i];
    return NULL;
}

int sp_history_meta(struct sp_pool *pool, const struct sp_history *history, const char *path,
                    const struct sp_blob_id *content, const struct sp_meta **out,
                    struct sp_error *err)
{
    struct sp_bytes ignored;
    struct sp_meta *meta = sp_pool_alloc(pool, sizeof(*meta));
    *out = NULL;
    const struct sp_journal *journal = find_latest(history, path, content, false);
    if (!journal)
        return 0;
    *out = meta;
    return sp_history_backup(pool, history, journal->id,
                             &(struct sp_history_entry){path, content, &ignored, meta}, err);
}

const struct sp_journal *sp_history_writer(const struct sp_history *history, const char *path,
                                           const struct sp_blob_id *content)
{
    return find_latest(history, path, content, true);
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
        if (!sp_history_is_here(history, journal))
            continue;
        for (size_t j = 0; journal->state == SP_JOURNAL_COMMITTED && j < journal->dirs.count; j++) {
            const struct sp_journal_dir *dir = &journal->dirs.items[j];
            if (strcmp(dir->path, path) == 0 && same_time(dir->after, now))
                now = dir->before;
        }
    }
    return now;
}
