/* SPDX-License-Identifier: Apache-2.0 */
/* Undoing after a crash: what was done is known from the journal and from the files themselves. How a
 * transaction goes is told at the head of transaction.c. */
#include "txn/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/invocation.h"
#include "base/path.h"
#include "fs/read.h"
#include "fs/resolve.h"
#include "fs/write.h"
#include "txn/history.h"
#include "txn/prune.h"
#include "txn/recover_lost.h"
#include "txn/recovery.h"
#include "txn/run.h"
#include "txn/system.h"

const char sp_recover_out_of_memory[] =
    "sp-openstack: out of memory in the middle of a transaction; "
    "run: sp-openstack recover\n";

/* ---- looking ------------------------------------------------------------------------------- */

static bool exists(const struct sp_dir *dir, const char *name)
{
    struct stat st;
    return fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int look_at_file(struct sp_recovery *r, struct sp_recover_target *target,
                        struct sp_error *err)
{
    struct sp_blob_id id;
    enum sp_found found = sp_fs_expect(&target->dir, r->pool, target->name, &target->now, err);
    if (found == SP_FAILED || sp_recover_hash(r->pool, &target->dir, target->name, &id, err) < 0)
        return -1;
    target->state = TARGET_OTHER;
    if (found == SP_ABSENT && exists(&target->dir, target->name))
        return 0; /* a directory, a link, ... */
    if (found == SP_FOUND && !*id.hex)
        return 0; /* too large, or replaced just now */
    if (sp_blob_equal(&id, &target->file->before))
        target->state = TARGET_OLD;
    else if (sp_blob_equal(&id, &target->file->after))
        target->state = TARGET_NEW;
    return 0;
}

/* Opens the directory by the same rule by which it is looked for: by way of links, which may be newer
 * than the journal (a full disk, usr-merge). */
static int look(struct sp_recovery *r, struct sp_recover_target *target, struct sp_error *err)
{
    const struct sp_root *root = r->workdir->root;
    const struct sp_journal_file *file = target->file;
    const char *real;
    struct stat st;
    target->name = sp_path_basename(file->path);
    target->shown = sp_root_show(root, r->pool, file->path);
    target->aside = sp_pool_printf(r->pool, "%s~", file->temp);
    if (sp_fs_resolve(root, r->pool, sp_path_dirname(r->pool, file->path), &real, &st, err) < 0)
        return -1;
    if (!real || !S_ISDIR(st.st_mode)) {
        /* the package was removed: an added file is as gone as it was before */
        target->state = file->action == SP_ACTION_ADD ? TARGET_OLD : TARGET_OTHER;
        return 0;
    }
    if (sp_fs_open_dir(root, r->pool, real, &target->dir, err) < 0 ||
        look_at_file(r, target, err) < 0)
        return -1;
    target->has_temp = exists(&target->dir, file->temp) || exists(&target->dir, target->aside);
    return 0;
}

static int refuse_other(const struct sp_recovery *r, const struct sp_recover_target *target,
                        struct sp_error *err)
{
    return sp_error_set(
        err, SP_ERROR_NEEDS_RECOVERY,
        "'%s' has neither its old content nor that of transaction %u; restore one of them (the old "
        "one is in '%s/" SP_BACKUP_NAME "'), or, to leave this file as it is, run: "
        "%s recover --force",
        target->shown, r->journal->id,
        sp_workdir_show(r->pool, r->workdir, "transactions", r->journal->id), sp_invocation());
}

static int look_at_all(struct sp_recovery *r, bool *evidence, struct sp_error *err)
{
    for (size_t i = 0; i < r->journal->files.count; i++) {
        struct sp_recover_target *target = &r->targets[i];
        target->file = &r->journal->files.items[i];
        if (look(r, target, err) < 0)
            return -1;
        *evidence |= target->has_temp || target->state == TARGET_NEW;
        /* nothing was renamed yet: a file there is somebody else's */
        if (r->journal->state == SP_JOURNAL_PREPARED)
            target->state = TARGET_OLD;
    }
    return 0;
}

/* The files told that the journal is about this system, with other directories than it names (it was
 * restored, or cloned): they are named in it now, so that the next one, should this one be interrupted
 * when no file tells any more, need not ask again. */
static int adopt(struct sp_recovery *r, struct sp_error *err)
{
    SP_CLEANUP_DIR struct sp_dir dir = SP_DIR_NONE;
    const struct sp_root *root = r->workdir->root;
    for (size_t i = 0; i < r->journal->dirs.count; i++) {
        const char *real;
        struct stat st;
        if (sp_fs_resolve(root, r->pool, r->journal->dirs.items[i].path, &real, &st, NULL) == 0 &&
            real)
            r->journal->dirs.items[i].inode = st.st_ino;
    }
    r->journal->machine = sp_system_machine(root, r->pool);
    if (sp_workdir_transaction(r->pool, r->workdir, r->journal->id, &dir, err) < 0)
        return -1;
    return sp_journal_save(r->pool, &dir, r->journal, err);
}

/* A journal is about one system. That none of its files is here proves nothing about the other. */
static int check_system(struct sp_recovery *r, bool evidence, struct sp_error *err)
{
    enum sp_system system = sp_system_of(r->workdir->root, r->pool, r->journal);
    if (system == SP_SYSTEM_SAME)
        return 0;
    if (r->force || (system != SP_SYSTEM_OTHER && evidence))
        return adopt(r, err);
    return sp_error_set(err, SP_ERROR_NEEDS_RECOVERY,
                        "transaction %u in '%s' is about %s; recover it there, or, if it is this "
                        "one, run: %s recover --force",
                        r->journal->id, r->workdir->dir.shown,
                        system == SP_SYSTEM_OTHER
                            ? "another system (its machine id differs)"
                            : "another system, it seems: none of its files is here, and no "
                              "directory is the one that it names",
                        sp_invocation());
}

/* ---- undoing ------------------------------------------------------------------------------- */

static int finish_dir(struct sp_recovery *r, const struct sp_journal_dir *dir,
                      struct timespec mtime, struct sp_error *err)
{
    const struct sp_root *root = r->workdir->root;
    const char *real;
    struct stat st;
    SP_CLEANUP_DIR struct sp_dir open = SP_DIR_NONE;
    if (sp_fs_resolve(root, r->pool, dir->path, &real, &st, err) < 0)
        return -1;
    if (!real || !S_ISDIR(st.st_mode))
        return 0;
    if (sp_fs_open_dir(root, r->pool, real, &open, err) < 0)
        return -1;
    const struct sp_file itself = sp_dir_itself(&open);
    if (sp_fs_set_mtime(&itself, mtime, NULL) < 0)
        errno = 0; /* a time is not worth failing for */
    return sp_fs_sync(&itself, err);
}

static int mark_aborted(struct sp_recovery *r, struct sp_error *err)
{
    SP_CLEANUP_DIR struct sp_dir dir = SP_DIR_NONE;
    if (sp_workdir_transaction(r->pool, r->workdir, r->journal->id, &dir, err) < 0)
        return -1;
    r->journal->state = SP_JOURNAL_ABORTED;
    if (sp_journal_save(r->pool, &dir, r->journal, err) < 0)
        return -1;
    return sp_workdir_unstage(r->workdir, r->journal->id, err);
}

static int undo_all(struct sp_recovery *r, struct sp_error *err)
{
    bool evidence = false;
    size_t count = r->journal->files.count;
    if (look_at_all(r, &evidence, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (r->targets[i].state == TARGET_OTHER && !r->force)
            return refuse_other(r, &r->targets[i], err);
    if (sp_recover_load_backup(r, err) < 0 || check_system(r, evidence, err) < 0)
        return -1;
    *SP_PUSH(r->pool, r->messages) =
        sp_pool_printf(r->pool, "transaction %u (%s, %s) was interrupted; it was undone",
                       r->journal->id, r->journal->command, r->journal->time);
    for (size_t i = count; i-- > 0;)
        if (sp_recover_undo(r, &r->targets[i], err) < 0)
            return -1;
    for (size_t i = 0; i < r->journal->dirs.count; i++)
        if (finish_dir(r, &r->journal->dirs.items[i], r->journal->dirs.items[i].before, err) < 0)
            return -1;
    for (size_t i = 0; i < count; i++)
        if (r->targets[i].state == TARGET_OTHER)
            *SP_PUSH(r->pool, r->messages) =
                sp_pool_printf(r->pool, "'%s' was left as it is", r->targets[i].shown);
    return mark_aborted(r, err);
}

static int with_targets(struct sp_recovery *r, int (*fn)(struct sp_recovery *, struct sp_error *),
                        struct sp_error *err)
{
    size_t count = r->journal->files.count;
    sp_package_locks locks = {NULL, 0, 0};
    r->targets = sp_pool_calloc(r->pool, count + 1, sizeof(*r->targets));
    for (size_t i = 0; i < count; i++)
        r->targets[i].dir = (struct sp_dir)SP_DIR_NONE;
    if (sp_package_locks_take(r->pool, r->workdir->root, r->journal->components.items,
                              r->journal->components.count, &locks, err) < 0)
        return -1;
    int rc = fn(r, err);
    for (size_t i = 0; i < count; i++)
        sp_dir_close(&r->targets[i].dir);
    sp_package_locks_drop(&locks);
    return rc;
}

/* ---- one transaction ----------------------------------------------------------------------- */

static int recover_one(struct sp_recovery *r, unsigned id, struct sp_error *err)
{
    struct sp_journal *journal = sp_pool_alloc(r->pool, sizeof(*journal));
    SP_CLEANUP_DIR struct sp_dir dir = SP_DIR_NONE;
    SP_CLEANUP_ERROR struct sp_error reason = SP_ERROR_INIT;
    const struct sp_lost lost = {r->pool, r->workdir, id, r->force, r->messages};
    const char *foreign = sp_workdir_foreign(r->pool, r->workdir, id);
    if (foreign)
        return r->force ? sp_lost_set_aside(&lost, "has no directory", err)
                        : sp_lost_refuse_foreign(&lost, foreign, err);
    if (sp_workdir_transaction(r->pool, r->workdir, id, &dir, err) < 0)
        return -1;
    if (sp_journal_load(r->pool, &dir, id, journal, &reason) < 0)
        return r->force && reason.kind == SP_ERROR_NEEDS_RECOVERY
                   ? sp_lost_set_aside(&lost, "has a damaged journal", err)
                   : sp_error_set(err, reason.kind, "%s", reason.message);
    if (journal->record == SP_RECORD_ABSENT)
        return sp_lost_recover(&lost, err);
    r->journal = journal;
    sp_out_of_memory_means(SP_ERROR_NEEDS_RECOVERY, sp_recover_out_of_memory);
    return with_targets(r, undo_all, err);
}

/* A committed transaction may have ended before the old files were removed from their temporary names. */
static int clear_committed(struct sp_recovery *r, struct sp_error *err)
{
    for (size_t i = 0; i < r->journal->files.count; i++) {
        struct sp_recover_target *target = &r->targets[i];
        target->file = &r->journal->files.items[i];
        if (look(r, target, err) < 0)
            return -1;
        if (target->dir.fd >= 0 && target->has_temp &&
            (sp_run_clear(&target->dir, target->file->temp, err) < 0 ||
             sp_run_clear(&target->dir, target->aside, err) < 0))
            return -1;
    }
    for (size_t i = 0; i < r->journal->dirs.count; i++)
        if (finish_dir(r, &r->journal->dirs.items[i], r->journal->dirs.items[i].after, err) < 0)
            return -1;
    return sp_workdir_unstage(r->workdir, r->journal->id, err);
}

static bool is_pending(const struct sp_history *history, unsigned id)
{
    for (size_t i = 0; i < history->pending.count; i++)
        if (history->pending.items[i] == id)
            return true;
    return false;
}

/* As long as work/ID is there, a committed transaction may have left old files; others left none. */
static int clear_one(struct sp_recovery *r, const struct sp_history *history, unsigned id,
                     struct sp_error *err)
{
    const struct sp_journal *journal = sp_history_find(history, id);
    if (is_pending(history, id) || (journal && !sp_history_is_here(history, journal)))
        return 0; /* it is for recover, or for another system */
    if (!journal) {
        const struct sp_lost lost = {r->pool, r->workdir, id, r->force, r->messages};
        return sp_lost_staged(&lost, err);
    }
    if (journal->state != SP_JOURNAL_COMMITTED)
        return sp_workdir_unstage(r->workdir, id, err);
    r->journal = sp_pool_alloc(r->pool, sizeof(*r->journal));
    *r->journal = *journal;
    return with_targets(r, clear_committed, err);
}

/* ---- all of them --------------------------------------------------------------------------- */

/* One that fails does not keep others waiting. */
static void note_failure(struct sp_recovery *r, struct sp_recover_report *report, unsigned id,
                         struct sp_error *reason)
{
    *SP_PUSH(r->pool, &report->failures) =
        (struct sp_recover_failure){id, reason->kind, sp_pool_strdup(r->pool, reason->message)};
    sp_error_clear(reason);
}

/* Of those that are finished: what has their names is in nobody's way, but it is warned of for ever. */
static int keep_foreign(struct sp_recovery *r, const struct sp_history *history,
                        struct sp_error *err)
{
    for (size_t i = 0; i < history->damaged.count; i++) {
        unsigned id = history->damaged.items[i].id;
        const struct sp_lost lost = {r->pool, r->workdir, id, true, r->messages};
        if (sp_workdir_foreign(r->pool, r->workdir, id) &&
            sp_lost_set_aside(&lost, "has no directory", err) < 0)
            return -1;
    }
    return 0;
}

int sp_recover(struct sp_pool *pool, struct sp_workdir *workdir, bool force,
               struct sp_recover_report *report, struct sp_error *err)
{
    struct sp_history history;
    struct sp_error reason = SP_ERROR_INIT;
    sp_ids staged = {NULL, 0, 0};
    struct sp_recovery r = {
        .pool = pool, .workdir = workdir, .force = force, .messages = &report->messages};
    if (sp_history_load(pool, workdir, &history, err) < 0)
        return -1;
    for (size_t i = history.pending.count; i-- > 0;) {
        r.backup_count = 0;
        if (recover_one(&r, history.pending.items[i], &reason) < 0)
            note_failure(&r, report, history.pending.items[i], &reason);
    }
    if (force && keep_foreign(&r, &history, err) < 0)
        return -1;
    sp_prune(workdir);
    if (sp_workdir_staged_ids(pool, workdir, &staged, err) < 0)
        return -1;
    for (size_t i = 0; i < staged.count; i++)
        if (clear_one(&r, &history, staged.items[i], &reason) < 0)
            note_failure(&r, report, staged.items[i], &reason);
    if (report->failures.count == 0)
        return 0;
    return sp_error_set(err, report->failures.items[0].kind, "%s",
                        report->failures.items[0].message);
}
