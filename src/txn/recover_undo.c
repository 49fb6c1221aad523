/* SPDX-License-Identifier: Apache-2.0 */
/* Undoing one target: the old file itself if it is still there, else a new one from the backup. */
#include <string.h>

#include "base/cleanup.h"
#include "fs/read.h"
#include "fs/write.h"
#include "txn/pyc.h"
#include "txn/recovery.h"
#include "txn/run.h"

int sp_recover_hash(struct sp_pool *pool, const struct sp_dir *dir, const char *name,
                    struct sp_blob_id *out, struct sp_error *err)
{
    struct sp_content content;
    SP_CLEANUP_ERROR struct sp_error reason = SP_ERROR_INIT;
    out->hex[0] = '\0';
    if (sp_fs_read_at(dir, pool, name, SP_MAX_SOURCE, &content, &reason) < 0)
        return reason.kind == SP_ERROR_SYSTEM
                   ? sp_error_set(err, SP_ERROR_SYSTEM, "%s", reason.message)
                   : 0;
    if (!content.bytes.data || !content.complete)
        return 0;
    return sp_blob_hash(content.bytes, out, err);
}

/* ---- the backup ---------------------------------------------------------------------------- */

static bool needs_backup(const struct sp_recover_target *target)
{
    return target->state == TARGET_NEW && target->file->action != SP_ACTION_ADD;
}

static const struct sp_backup_entry *backup_of(const struct sp_recovery *r, const char *path)
{
    for (size_t i = 0; i < r->backup_count; i++)
        if (strcmp(r->backup[i].path, path) == 0)
            return &r->backup[i];
    return NULL;
}

static int check_backup(struct sp_recovery *r, const struct sp_recover_target *target,
                        struct sp_error *err)
{
    const struct sp_backup_entry *entry = backup_of(r, target->file->path);
    struct sp_blob_id id = {""};
    if (entry && sp_blob_hash(entry->content, &id, err) < 0)
        return -1;
    if (entry && sp_blob_equal(&id, &target->file->before))
        return 0;
    return sp_error_set(err, SP_ERROR_NEEDS_RECOVERY,
                        "the backup of '%s' in '%s/" SP_BACKUP_NAME "' is missing or damaged",
                        target->shown,
                        sp_workdir_show(r->pool, r->workdir, "transactions", r->journal->id));
}

int sp_recover_load_backup(struct sp_recovery *r, struct sp_error *err)
{
    bool needed = false;
    for (size_t i = 0; i < r->journal->files.count; i++)
        needed |= needs_backup(&r->targets[i]);
    if (!needed)
        return 0;
    SP_CLEANUP_DIR struct sp_dir dir = SP_DIR_NONE;
    if (sp_workdir_transaction(r->pool, r->workdir, r->journal->id, &dir, err) < 0)
        return -1;
    if (sp_backup_read(r->pool, &dir, SP_BACKUP_NAME, &r->backup, &r->backup_count, err) < 0) {
        if (err && err->kind == SP_ERROR_REFUSED)
            err->kind = SP_ERROR_NEEDS_RECOVERY; /* there is nothing to put back */
        return -1;
    }
    for (size_t i = 0; i < r->journal->files.count; i++)
        if (needs_backup(&r->targets[i]) && check_backup(r, &r->targets[i], err) < 0)
            return -1;
    return 0;
}

/* ---- undoing ------------------------------------------------------------------------------- */

/* The metadata for the old content: those of the backup; but mode, owner and attributes that something else gave to
 * the new file meanwhile stay. */
static struct sp_meta choose_meta(struct sp_recovery *r, const struct sp_recover_target *target,
                                  const struct sp_meta *before, bool *differs)
{
    *differs =
        target->file->action == SP_ACTION_REPLACE && !sp_meta_is_same(before, &target->now.meta);
    struct sp_meta meta = *before;
    if (target->file->action == SP_ACTION_REPLACE) {
        meta.has_flags = target->now.meta.has_flags;
        meta.flags = target->now.meta.flags;
    }
    if (!*differs)
        return meta;
    meta = target->now.meta;
    meta.mtime = before->mtime;
    *SP_PUSH(r->pool, r->messages) = sp_pool_printf(
        r->pool, "the mode, owner or attributes of '%s' were changed since; they stay",
        target->shown);
    return meta;
}

/* A file with the old content: the old one itself if it still has the temporary name, else a new one
 * from the backup. */
static int make_old(struct sp_recovery *r, const struct sp_recover_target *target,
                    const char **source, struct sp_error *err)
{
    bool differs;
    struct sp_blob_id id;
    const struct sp_backup_entry *entry = backup_of(r, target->file->path);
    if (!entry) /* sp_recover_load_backup() saw to it */
        return sp_error_set(err, SP_ERROR_NEEDS_RECOVERY, "the backup of '%s' is missing",
                            target->shown);
    struct sp_meta meta = choose_meta(r, target, &entry->meta, &differs);
    if (sp_recover_hash(r->pool, &target->dir, target->file->temp, &id, err) < 0)
        return -1;
    *source = target->file->temp;
    if (!differs && sp_blob_equal(&id, &target->file->before))
        return 0;
    *source = target->aside;
    return sp_fs_create(&target->dir, target->aside, entry->content, &meta, SP_KEEP_ALL, err);
}

static int undo_new(struct sp_recovery *r, const struct sp_recover_target *target,
                    struct sp_error *err)
{
    const char *source = target->aside;
    bool kept;
    if (target->file->action == SP_ACTION_ADD) {
        if (sp_fs_set_aside(&target->dir, target->name, target->aside, &target->now, &kept, err) <
            0)
            return -1;
        return sp_pyc_remove(&target->dir, target->name, err);
    }
    if (make_old(r, target, &source, err) < 0)
        return -1;
    if (target->file->action == SP_ACTION_REMOVE)
        return sp_fs_rename_new(&target->dir, source, target->name, err);
    return sp_fs_replace(&target->dir, source, target->name, &target->now, &kept, err);
}

int sp_recover_undo(struct sp_recovery *r, const struct sp_recover_target *target,
                    struct sp_error *err)
{
    if (target->dir.fd < 0)
        return 0;
    if (sp_run_clear(&target->dir, target->aside, err) < 0 ||
        (target->state == TARGET_NEW && undo_new(r, target, err) < 0) ||
        sp_run_clear(&target->dir, target->aside, err) < 0)
        return -1;
    return sp_run_clear(&target->dir, target->file->temp, err);
}
