/* SPDX-License-Identifier: Apache-2.0 */
/* The second part of a transaction: everything about it on disk in the work directory. */
#include <time.h>

#include "base/build.h"
#include "base/cleanup.h"
#include "fs/write.h"
#include "txn/backup.h"
#include "txn/record.h"
#include "txn/recover.h"
#include "txn/system.h"

static int stage(struct sp_run *r, struct sp_error *err)
{
    for (size_t i = 0; i < r->steps.count; i++) {
        const struct sp_file_change *change = r->steps.items[i].change;
        struct sp_bytes back;
        if (!change->after.data)
            continue;
        if (sp_workdir_stage(r->pool, r->workdir, r->journal.id, change->path, change->after, err) <
                0 ||
            sp_workdir_staged(r->pool, r->workdir, r->journal.id, change->path, &back, err) < 0)
            return -1;
        if (!sp_bytes_equal(back, change->after))
            return sp_error_set(err, SP_ERROR_SYSTEM,
                                "the staged copy of '%s' reads back differently; do not trust the "
                                "disk of '%s'",
                                r->steps.items[i].shown, r->workdir->dir.shown);
    }
    return 0;
}

static int write_backup(struct sp_run *r, struct sp_error *err)
{
    size_t count = 0;
    struct sp_backup_entry *items =
        sp_pool_calloc(r->pool, r->steps.count + 1, sizeof(struct sp_backup_entry));
    for (size_t i = 0; i < r->steps.count; i++) {
        const struct sp_step *step = &r->steps.items[i];
        if (step->change->before.data)
            items[count++] = (struct sp_backup_entry){.path = step->change->path,
                                                      .content = step->change->before,
                                                      .meta = step->found.meta};
    }
    return sp_backup_write(&r->dir, SP_BACKUP_NAME, items, count, err);
}

static int write_patch(struct sp_run *r, struct sp_error *err)
{
    SP_CLEANUP_BUFFER struct sp_buffer patch = SP_BUFFER_INIT;
    for (size_t i = 0; i < r->steps.count; i++) {
        const struct sp_step *step = &r->steps.items[i];
        const struct sp_bytes *before = step->change->before.data ? &step->change->before : NULL;
        const struct sp_bytes *after = step->change->after.data ? &step->change->after : NULL;
        if (sp_blob_diff(step->change->path, before, after, step->meta.mode, &patch, err) < 0)
            return -1;
    }
    SP_CLEANUP_FD int fd = sp_fs_open_new(&r->dir, SP_PATCH_NAME, 0600, err);
    if (fd < 0)
        return -1;
    const struct sp_file file = {fd, &r->dir, SP_PATCH_NAME}; /* for people: nothing relies on it */
    return sp_fs_write(&file, (struct sp_bytes){patch.data, patch.len}, err);
}

static void fill_journal(struct sp_run *r)
{
    struct sp_journal *journal = &r->journal;
    journal->command = r->txn->command;
    journal->time = sp_journal_format_time(r->pool, time(NULL));
    journal->tool = sp_build_version;
    journal->machine = sp_system_machine(r->root, r->pool);
    for (size_t i = 0; i < r->txn->reverts.count; i++)
        *SP_PUSH(r->pool, &journal->reverts) = r->txn->reverts.items[i];
    for (size_t i = 0; i < r->txn->components.count; i++)
        *SP_PUSH(r->pool, &journal->components) = r->txn->components.items[i];
    for (size_t i = 0; i < r->steps.count; i++) {
        const struct sp_step *step = &r->steps.items[i];
        *SP_PUSH(r->pool, &journal->files) =
            (struct sp_journal_file){.component = step->change->component,
                                     .package = step->change->package ? step->change->package : "",
                                     .name = step->change->name ? step->change->name : "",
                                     .path = step->change->path,
                                     .action = step->change->action,
                                     .temp = step->temp,
                                     .before = step->before,
                                     .after = step->after};
    }
    for (size_t i = 0; i < r->places.count; i++) {
        const struct sp_place *place = r->places.items[i];
        *SP_PUSH(r->pool, &journal->dirs) = (struct sp_journal_dir){.path = place->path,
                                                                    .before = place->st.st_mtim,
                                                                    .after = place->st.st_mtim,
                                                                    .inode = place->st.st_ino};
    }
}

/* The next number, and its directory. */
static int open_transaction(struct sp_run *r, struct sp_error *err)
{
    sp_ids ids = {NULL, 0, 0};
    if (sp_workdir_ids(r->pool, r->workdir, &ids, NULL, err) < 0)
        return -1;
    r->journal.id = ids.count ? ids.items[ids.count - 1] + 1 : 1;
    return sp_workdir_new_transaction(r->pool, r->workdir, &r->journal.id, &r->dir, err);
}

int sp_run_save_journal(struct sp_run *r, enum sp_journal_state state, struct sp_error *err)
{
    r->journal.state = state;
    sp_boot_now(&r->journal.clock.boot);
    clock_gettime(CLOCK_REALTIME, &r->journal.clock.now);
    return sp_journal_save(r->pool, &r->dir, &r->journal, err);
}

int sp_run_record(struct sp_run *r, struct sp_error *err)
{
    /* nothing: the number is taken by an empty directory */
    if (open_transaction(r, err) < 0)
        return -1;
    /* work/ID holds the new contents, not yet synced: they are compared when they are used */
    if (stage(r, err) < 0)
        return -1;
    /* transactions/ID holds the backup, synced */
    if (write_backup(r, err) < 0 || write_patch(r, err) < 0)
        return -1;
    fill_journal(r);
    sp_out_of_memory_means(SP_ERROR_NEEDS_RECOVERY, sp_recover_out_of_memory);
    /* and the journal "prepared", synced, and with it the names of both and of work/ID */
    if (sp_workdir_sync_staging(r->workdir, err) < 0)
        return -1;
    return sp_run_save_journal(r, SP_JOURNAL_PREPARED, err);
}
