/* SPDX-License-Identifier: Apache-2.0 */
#include "txn/recover.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/invocation.h"
#include "base/path.h"
#include "fs/meta.h"
#include "fs/read.h"
#include "fs/replace.h"
#include "fs/resolve.h"
#include "fs/root.h"
#include "fs/write.h"
#include "txn/backup.h"
#include "txn/history.h"
#include "txn/prune.h"
#include "txn/pyc.h"

const char sp_recover_out_of_memory[] =
    "sp-openstack: out of memory in the middle of a transaction; "
    "run: sp-openstack recover\n";

/* How a target stands, compared with the journal. */
enum standing {
    STANDS_OLD,
    STANDS_NEW,
    STANDS_OTHER
};

struct target {
    const struct sp_journal_file *file;
    struct sp_dir dir; /* not open: its directory is gone */
    const char *name, *shown, *aside;
    struct stat st;
    enum standing standing;
};

struct undo {
    struct sp_pool *pool;
    struct sp_workdir *workdir;
    struct sp_journal *journal;
    struct target *targets;
    struct sp_backup_entry *originals;
    size_t original_count;
};

static int look(struct undo *u, struct target *target, struct sp_error *err)
{
    const struct sp_root *root = u->workdir->root;
    const char *dir = sp_path_dirname(u->pool, target->file->path), *real;
    target->name = sp_path_basename(target->file->path);
    target->shown = sp_root_show(root, u->pool, target->file->path);
    target->aside = sp_pool_printf(u->pool, "%s~", target->file->temp);
    target->standing = STANDS_OTHER;
    target->dir = (struct sp_dir)SP_DIR_NONE;
    if (sp_fs_resolve(root, u->pool, dir, &real, NULL, err) < 0)
        return -1;
    if (!real) { /* the package was removed: an added file is as gone as it was before */
        target->standing = target->file->action == SP_ACTION_ADD ? STANDS_OLD : STANDS_OTHER;
        return 0;
    }
    if (sp_fs_open_dir(root, u->pool, real, &target->dir, err) < 0)
        return -1;
    struct sp_content now;
    struct sp_blob_id id = {""};
    SP_CLEANUP_ERROR struct sp_error other = SP_ERROR_INIT;
    if (sp_fs_read_at(&target->dir, u->pool, target->name, SP_MAX_SOURCE, &now, &other) < 0)
        return other.kind == SP_ERROR_SYSTEM
                   ? sp_error_set(err, SP_ERROR_SYSTEM, "%s", other.message)
                   : 0; /* not a regular file any more: other */
    target->st = now.st;
    if (now.bytes.data && sp_blob_hash(now.bytes, &id, err) < 0)
        return -1;
    if (now.complete && sp_blob_equal(&id, &target->file->before))
        target->standing = STANDS_OLD;
    else if (now.complete && sp_blob_equal(&id, &target->file->after))
        target->standing = STANDS_NEW;
    return 0;
}

static const struct sp_backup_entry *original_of(const struct undo *u, const char *path)
{
    for (size_t i = 0; i < u->original_count; i++)
        if (strcmp(u->originals[i].path, path) == 0)
            return &u->originals[i];
    return NULL;
}

/* Loads the archive if something has to be restored from it, and checks it against the journal. */
static int load_backup(struct undo *u, struct sp_error *err)
{
    bool needed = false;
    for (size_t i = 0; i < u->journal->files.count; i++)
        needed |=
            u->targets[i].standing == STANDS_NEW && u->targets[i].file->action != SP_ACTION_ADD;
    if (!needed)
        return 0;
    SP_CLEANUP_DIR struct sp_dir dir = SP_DIR_NONE;
    if (sp_workdir_transaction(u->pool, u->workdir, u->journal->id, &dir, err) < 0)
        return -1;
    int rc = sp_backup_read(u->pool, &dir, "backup.tar", &u->originals, &u->original_count, err);
    if (rc < 0 && err && err->kind == SP_ERROR_REFUSED)
        err->kind = SP_ERROR_NEEDS_RECOVERY; /* what should be put back is not there */
    for (size_t i = 0; rc == 0 && i < u->journal->files.count; i++) {
        const struct target *target = &u->targets[i];
        if (target->standing != STANDS_NEW || target->file->action == SP_ACTION_ADD)
            continue;
        const struct sp_backup_entry *original = original_of(u, target->file->path);
        struct sp_blob_id id;
        if (original && sp_blob_hash(original->content, &id, err) < 0)
            return -1;
        if (!original || !sp_blob_equal(&id, &target->file->before))
            return sp_error_set(err, SP_ERROR_NEEDS_RECOVERY,
                                "the backup of '%s' in '%s/backup.tar' is missing or damaged",
                                target->shown, dir.shown);
    }
    return rc;
}

static int put_back(struct undo *u, const struct target *target, struct sp_error *err)
{
    const struct sp_journal_file *file = target->file;
    if (file->action == SP_ACTION_ADD) {
        if (sp_fs_remove_expected(&target->dir, target->name, target->aside, &target->st, err) < 0)
            return -1;
        return sp_pyc_remove(&target->dir, target->name, err);
    }
    const struct sp_backup_entry *original = original_of(u, file->path);
    if (!original) /* load_backup() saw to it */
        return sp_error_set(err, SP_ERROR_NEEDS_RECOVERY, "the backup of '%s' is missing",
                            target->shown);
    if (sp_fs_create(&target->dir, target->aside, original->content, &original->meta, SP_KEEP_ALL,
                     err) < 0)
        return -1;
    if (file->action == SP_ACTION_REMOVE)
        return sp_fs_rename_new(&target->dir, target->aside, target->name, err);
    return sp_fs_replace(&target->dir, target->aside, target->name, &target->st, err);
}

/* One file: the latest first. Names that an interrupted run left are removed before and after. */
static int undo_one(struct undo *u, const struct target *target, struct sp_error *err)
{
    if (target->dir.fd < 0)
        return 0;
    if (sp_fs_unlink(&target->dir, target->aside, err) < 0)
        return -1;
    if (target->standing == STANDS_NEW && put_back(u, target, err) < 0)
        return -1;
    return sp_fs_unlink(&target->dir, target->file->temp, err);
}

static int settle_dir(struct undo *u, const struct sp_journal_dir *dir, struct sp_error *err)
{
    const struct sp_root *root = u->workdir->root;
    const char *real;
    if (sp_fs_resolve(root, u->pool, dir->path, &real, NULL, err) < 0)
        return -1;
    if (!real)
        return 0;
    SP_CLEANUP_DIR struct sp_dir open = SP_DIR_NONE;
    if (sp_fs_open_dir(root, u->pool, real, &open, err) < 0)
        return -1;
    const struct sp_file itself = sp_dir_itself(&open);
    if (sp_fs_set_mtime(&itself, dir->before, NULL) < 0)
        errno = 0; /* a time is not worth failing for */
    return sp_fs_sync(&itself, err);
}

static int mark_undone(struct undo *u, struct sp_error *err)
{
    SP_CLEANUP_DIR struct sp_dir dir = SP_DIR_NONE;
    if (sp_workdir_transaction(u->pool, u->workdir, u->journal->id, &dir, err) < 0)
        return -1;
    u->journal->state = SP_JOURNAL_ABORTED;
    if (sp_journal_save(u->pool, &dir, u->journal, err) < 0)
        return -1;
    return sp_workdir_unstage(u->workdir, u->journal->id, err);
}

static int run(struct undo *u, bool leave, sp_strv *left, struct sp_error *err)
{
    size_t count = u->journal->files.count;
    for (size_t i = 0; i < count; i++) {
        u->targets[i].file = &u->journal->files.items[i];
        if (look(u, &u->targets[i], err) < 0)
            return -1;
        /* nothing was renamed yet: whatever stands there is not our doing */
        if (u->journal->state == SP_JOURNAL_PREPARED)
            u->targets[i].standing = STANDS_OLD;
        if (u->targets[i].standing != STANDS_OTHER)
            continue;
        if (!leave)
            return sp_error_set(
                err, SP_ERROR_NEEDS_RECOVERY,
                "'%s' has neither its old content nor that of transaction %u; restore one of them "
                "(the old one is in '%s/backup.tar'), or, to leave this file as it is, run: "
                "%s recover --force",
                u->targets[i].shown, u->journal->id,
                sp_workdir_show(u->pool, u->workdir, "transactions", u->journal->id),
                sp_invocation());
        if (left)
            *SP_PUSH(u->pool, left) = u->targets[i].shown;
    }
    if (load_backup(u, err) < 0)
        return -1;
    for (size_t i = count; i-- > 0;)
        if (undo_one(u, &u->targets[i], err) < 0)
            return -1;
    for (size_t i = 0; i < u->journal->dirs.count; i++)
        if (settle_dir(u, &u->journal->dirs.items[i], err) < 0)
            return -1;
    return mark_undone(u, err);
}

int sp_abort(struct sp_pool *pool, struct sp_workdir *workdir, struct sp_journal *journal,
             bool leave, sp_strv *left, struct sp_error *err)
{
    size_t count = journal->files.count;
    struct undo u = {.pool = pool, .workdir = workdir, .journal = journal};
    u.targets = sp_pool_calloc(pool, count + 1, sizeof(*u.targets));
    for (size_t i = 0; i < count; i++)
        u.targets[i].dir.fd = -1;
    sp_out_of_memory_means(SP_ERROR_NEEDS_RECOVERY, sp_recover_out_of_memory);
    int rc = run(&u, leave, left, err);
    for (size_t i = 0; i < count; i++)
        sp_dir_close(&u.targets[i].dir);
    return rc;
}

/* ---- recover ------------------------------------------------------------------------------- */

static int recover_one(struct sp_pool *pool, struct sp_workdir *workdir, unsigned id, bool leave,
                       sp_strv *messages, struct sp_error *err)
{
    struct sp_journal journal;
    SP_CLEANUP_DIR struct sp_dir dir = SP_DIR_NONE;
    if (sp_workdir_transaction(pool, workdir, id, &dir, err) < 0 ||
        sp_journal_load(pool, &dir, id, &journal, err) < 0)
        return -1;
    if (journal.record ==
        SP_RECORD_ABSENT) { /* it ended before anything was recorded, and so before anything was changed */
        if (sp_workdir_unstage(workdir, id, err) < 0 || sp_workdir_drop(workdir, id, err) < 0)
            return -1;
        *SP_PUSH(pool, messages) = sp_pool_printf(
            pool, "transaction %u had not begun to change anything; it was dropped", id);
        return 0;
    }
    sp_strv left = {NULL, 0, 0};
    if (sp_abort(pool, workdir, &journal, leave, &left, err) < 0)
        return -1;
    *SP_PUSH(pool, messages) =
        sp_pool_printf(pool, "transaction %u (%s, %s) was interrupted; it was undone", id,
                       journal.command, journal.time);
    for (size_t i = 0; i < left.count; i++)
        *SP_PUSH(pool, messages) = sp_pool_printf(pool, "%s was left as it is", left.items[i]);
    return 0;
}

int sp_recover(struct sp_pool *pool, struct sp_workdir *workdir, bool leave, sp_strv *messages,
               struct sp_error *err)
{
    struct sp_history history;
    if (sp_history_load(pool, workdir, &history, err) < 0)
        return -1;
    for (size_t i = history.pending.count; i-- > 0;)
        if (recover_one(pool, workdir, history.pending.items[i], leave, messages, err) < 0)
            return -1;
    sp_prune(workdir);
    /* what was committed may have ended before it cleaned up */
    return sp_workdir_unstage_all(pool, workdir, err);
}
