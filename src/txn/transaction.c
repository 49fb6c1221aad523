/* SPDX-License-Identifier: Apache-2.0 */
#include "txn/transaction.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/build.h"
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
#include "txn/pyc.h"
#include "txn/recover.h"

#define PATCH "changes.patch"

/* A directory that targets are in. */
struct place {
    const char *path; /* the real one */
    struct sp_dir dir;
    struct stat st;
    uint64_t needed; /* bytes of new files */
};

/* One file on its way. */
struct step {
    const struct sp_file_change *change;
    struct place *place;
    const char *name, *temp, *shown;
    struct stat st;      /* of the target */
    struct sp_meta meta; /* of the target, or for a new file what it gets */
    struct sp_blob_id before, after;
};

struct run {
    struct sp_pool *pool;
    const struct sp_root *root;
    struct sp_workdir *workdir;
    const struct sp_transaction *txn;
    struct sp_journal journal;
    struct sp_dir dir; /* transactions/ID */
    SP_VEC(struct place *) places;
    SP_VEC(struct step) steps;
};

/* ---- signals ------------------------------------------------------------------------------- */

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
    caught = number;
}

void sp_transaction_catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct sigaction old;
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    }
    /* the call that fails is better met than the signal, which would end it halfway */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

static int check_signals(struct sp_error *err)
{
    if (!caught)
        return 0;
    return sp_error_set(err, SP_ERROR_SYSTEM, "interrupted (%s); everything is as it was",
                        strsignal(caught));
}

/* ---- looking at the targets ---------------------------------------------------------------- */

static int find_place(struct run *r, const char *path, struct place **out, struct sp_error *err)
{
    const char *dir = sp_path_dirname(r->pool, path);
    for (size_t i = 0; i < r->places.count; i++)
        if (strcmp(r->places.items[i]->path, dir) == 0) {
            *out = r->places.items[i];
            return 0;
        }
    struct place *place = sp_pool_alloc(r->pool, sizeof(*place));
    place->path = dir;
    if (sp_fs_open_dir(r->root, r->pool, dir, &place->dir, err) < 0)
        return -1;
    *SP_PUSH(r->pool, &r->places) = place;
    if (fstat(place->dir.fd, &place->st) < 0)
        return sp_error_errno(err, errno, "cannot look at '%s'", place->dir.shown);
    *out = place;
    return sp_fs_check_writable(&place->dir, err);
}

/* Whether the target is still what was planned for. */
static int check_target(struct run *r, struct step *step, struct sp_error *err)
{
    struct sp_content now;
    const struct sp_bytes *before = &step->change->before;
    if (sp_fs_read_at(&step->place->dir, r->pool, step->name, SP_MAX_SOURCE, &now, err) < 0)
        return -1;
    if (!now.complete || (now.bytes.data != NULL) != (before->data != NULL) ||
        !sp_bytes_equal(now.bytes, *before))
        return sp_error_set(err, SP_ERROR_REFUSED,
                            "'%s' was changed by something else since it was looked at; it was "
                            "left alone, run the command again",
                            step->shown);
    if (now.bytes.data)
        step->st = now.st;
    return 0;
}

static int hash_if(struct sp_bytes content, struct sp_blob_id *out, struct sp_error *err)
{
    out->hex[0] = '\0';
    return content.data ? sp_blob_hash(content, out, err) : 0;
}

/* What hashes of the content vouch for must not be taken over by another content. */
static void drop_hashes(struct sp_meta *meta)
{
    size_t kept = 0;
    for (size_t i = 0; i < meta->xattrs.count; i++) {
        const char *name = meta->xattrs.items[i].name;
        if (strcmp(name, "security.ima") != 0 && strcmp(name, "security.evm") != 0)
            meta->xattrs.items[kept++] = meta->xattrs.items[i];
    }
    meta->xattrs.count = kept;
}

static int prepare_step(struct run *r, const struct sp_file_change *change, const char *random,
                        struct sp_error *err)
{
    struct step *step = SP_PUSH(r->pool, &r->steps);
    step->change = change;
    step->name = sp_path_basename(change->path);
    step->shown = sp_root_show(r->root, r->pool, change->path);
    step->temp = sp_pool_printf(r->pool, ".%s.sp-openstack-%s", step->name, random);
    if (!sp_path_is_safe_relative(change->path))
        return sp_error_set(err, SP_ERROR_REFUSED,
                            "the path '%s' has control characters, a backslash, or bytes that are "
                            "not UTF-8 in it; a journal cannot hold it",
                            step->shown);
    if (find_place(r, change->path, &step->place, err) < 0 || check_target(r, step, err) < 0)
        return -1;
    if (r->workdir && (hash_if(change->before, &step->before, err) < 0 ||
                       hash_if(change->after, &step->after, err) < 0))
        return -1; /* hashes are for the journal: a mere look needs none */
    step->place->needed += change->after.len;
    if (change->before.data)
        return sp_fs_get_meta(&step->place->dir, r->pool, step->name, &step->meta, err);
    step->meta = (struct sp_meta){
        .mode = 0644, .uid = step->place->st.st_uid, .gid = step->place->st.st_gid};
    return 0;
}

enum {
    SPARE = 64 * 1024
};

/* Room for the new files, with some to spare: a full disk is better met before than in between. */
static int check_space(struct run *r, struct sp_error *err)
{
    uint64_t free_bytes;
    for (size_t i = 0; i < r->places.count; i++) {
        const struct place *place = r->places.items[i];
        if (sp_fs_free_bytes(&place->dir, &free_bytes, err) < 0)
            return -1;
        if (free_bytes < place->needed + SPARE)
            return sp_error_set(err, SP_ERROR_SYSTEM, "there is not enough free space in '%s'",
                                place->dir.shown);
    }
    return 0;
}

static int check_archive_space(struct run *r, struct sp_error *err)
{
    uint64_t archived = SPARE, free_bytes;
    for (size_t i = 0; i < r->steps.count; i++)
        archived += 2 * r->steps.items[i].change->before.len + r->steps.items[i].change->after.len;
    if (sp_fs_free_bytes(&r->workdir->dir, &free_bytes, err) < 0)
        return -1;
    if (free_bytes < archived)
        return sp_error_set(err, SP_ERROR_SYSTEM,
                            "there is not enough free space in the work directory '%s'",
                            r->workdir->dir.shown);
    return 0;
}

static int prepare(struct run *r, struct sp_error *err)
{
    char random[9];
    sp_fs_random_name(random);
    for (size_t i = 0; i < r->txn->changes.count; i++)
        if (prepare_step(r, &r->txn->changes.items[i], random, err) < 0)
            return -1;
    return check_space(r, err);
}

/* ---- staging and recording ----------------------------------------------------------------- */

static int stage(struct run *r, struct sp_error *err)
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

static int write_backup(struct run *r, struct sp_error *err)
{
    size_t count = 0;
    struct sp_backup_entry *items =
        sp_pool_calloc(r->pool, r->steps.count + 1, sizeof(struct sp_backup_entry));
    for (size_t i = 0; i < r->steps.count; i++) {
        const struct step *step = &r->steps.items[i];
        if (!step->change->before.data)
            continue;
        items[count].path = step->change->path;
        items[count].content = step->change->before;
        items[count].meta = step->meta;
        count++;
    }
    return sp_backup_write(&r->dir, "backup.tar", items, count, err);
}

static int write_patch(struct run *r, struct sp_error *err)
{
    SP_CLEANUP_BUFFER struct sp_buffer patch = SP_BUFFER_INIT;
    for (size_t i = 0; i < r->steps.count; i++) {
        const struct step *step = &r->steps.items[i];
        const struct sp_bytes *before = step->change->before.data ? &step->change->before : NULL;
        const struct sp_bytes *after = step->change->after.data ? &step->change->after : NULL;
        if (sp_blob_diff(step->change->path, before, after, step->meta.mode, &patch, err) < 0)
            return -1;
    }
    SP_CLEANUP_FD int fd = sp_fs_open_new(&r->dir, PATCH, 0600, err);
    if (fd < 0)
        return -1;
    const struct sp_file file = {fd, &r->dir, PATCH}; /* for people: nothing relies on it */
    return sp_fs_write(&file, (struct sp_bytes){patch.data, patch.len}, err);
}

static void fill_journal(struct run *r)
{
    time_t now = time(NULL);
    struct tm utc;
    char text[32] = "";
    if (gmtime_r(&now, &utc))
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
    r->journal.command = r->txn->command;
    r->journal.time = sp_pool_strdup(r->pool, text);
    r->journal.tool = sp_build_version;
    for (size_t i = 0; i < r->txn->reverts.count; i++)
        *SP_PUSH(r->pool, &r->journal.reverts) = r->txn->reverts.items[i];
    for (size_t i = 0; i < r->txn->components.count; i++)
        *SP_PUSH(r->pool, &r->journal.components) = r->txn->components.items[i];
    for (size_t i = 0; i < r->steps.count; i++) {
        const struct step *step = &r->steps.items[i];
        *SP_PUSH(r->pool, &r->journal.files) =
            (struct sp_journal_file){.component = step->change->component,
                                     .package = step->change->package ? step->change->package : "",
                                     .name = step->change->name ? step->change->name : "",
                                     .path = step->change->path,
                                     .action = step->change->action,
                                     .temp = step->temp,
                                     .before = step->before,
                                     .after = step->after};
    }
    for (size_t i = 0; i < r->places.count; i++)
        *SP_PUSH(r->pool, &r->journal.dirs) =
            (struct sp_journal_dir){.path = r->places.items[i]->path,
                                    .before = r->places.items[i]->st.st_mtim,
                                    .after = r->places.items[i]->st.st_mtim};
}

static int save_journal(struct run *r, enum sp_journal_state state, struct sp_error *err)
{
    r->journal.state = state;
    return sp_journal_save(r->pool, &r->dir, &r->journal, err);
}

/* The next number, and its directory. */
static int open_transaction(struct run *r, struct sp_error *err)
{
    sp_ids ids = {NULL, 0, 0};
    if (sp_workdir_ids(r->pool, r->workdir, &ids, err) < 0)
        return -1;
    r->journal.id = ids.count ? ids.items[ids.count - 1] + 1 : 1;
    return sp_workdir_new_transaction(r->pool, r->workdir, r->journal.id, &r->dir, err);
}

/* ---- changing ------------------------------------------------------------------------------ */

/* Python 2 takes a compiled file for current when it names the source's modification time in
 * seconds: a new content must not have the time of the old one. */
static void avoid_stale_pyc(struct step *step, unsigned *keep)
{
    time_t old = step->st.st_mtim.tv_sec;
    if (*keep & SP_KEEP_MTIME || !step->change->before.data || time(NULL) != old)
        return;
    step->meta.mtime = (struct timespec){.tv_sec = old + 1};
    *keep |= SP_KEEP_MTIME;
}

static int write_beside(struct run *r, struct step *step, struct sp_error *err)
{
    struct sp_bytes staged;
    if (!step->change->after.data)
        return 0;
    if (sp_workdir_staged(r->pool, r->workdir, r->journal.id, step->change->path, &staged, err) < 0)
        return -1;
    if (!sp_bytes_equal(staged, step->change->after))
        return sp_error_set(err, SP_ERROR_SYSTEM, "the staged copy of '%s' was altered meanwhile",
                            step->shown);
    unsigned keep = SP_KEEP_MODE | SP_KEEP_OWNER | SP_KEEP_XATTRS;
    if (step->change->meta) {
        step->meta = *step->change->meta;
        keep = SP_KEEP_ALL;
    } else {
        drop_hashes(&step->meta);
        avoid_stale_pyc(step, &keep);
    }
    return sp_fs_create(&step->place->dir, step->temp, staged, &step->meta, keep | SP_SYNC_LATER,
                        err);
}

/* All new contents on disk, before any of them is given its name. */
static int sync_beside(struct run *r, struct sp_error *err)
{
    for (size_t i = 0; i < r->steps.count; i++) {
        const struct step *step = &r->steps.items[i];
        if (step->change->after.data && sp_fs_sync_name(&step->place->dir, step->temp, err) < 0)
            return -1;
    }
    return 0;
}

static int sync_places(struct run *r, struct sp_error *err)
{
    for (size_t i = 0; i < r->places.count; i++)
        if (sp_fs_sync_dir(&r->places.items[i]->dir, err) < 0)
            return -1;
    return 0;
}

static int put_in_place(struct run *r, struct step *step, struct sp_error *err)
{
    if (check_signals(err) < 0 || check_target(r, step, err) < 0)
        return -1;
    const struct sp_dir *dir = &step->place->dir;
    switch (step->change->action) {
    case SP_ACTION_ADD:
        return sp_fs_rename_new(dir, step->temp, step->name, err);
    case SP_ACTION_REPLACE:
        return sp_fs_replace(dir, step->temp, step->name, &step->st, err);
    case SP_ACTION_REMOVE:
        if (sp_fs_remove_expected(dir, step->name, step->temp, &step->st, err) < 0)
            return -1;
        return sp_pyc_remove(dir, step->name, err);
    case SP_ACTION_NONE:
        break;
    }
    return 0;
}

/* Gives directories the times that are asked for, and notes the ones that they have in the end. A
 * time is not worth failing for. */
static void settle_times(struct run *r)
{
    for (size_t i = 0; i < r->places.count; i++) {
        const struct place *place = r->places.items[i];
        const struct sp_file itself = sp_dir_itself(&place->dir);
        struct stat st;
        for (size_t j = 0; j < r->txn->dirs.count; j++)
            if (strcmp(r->txn->dirs.items[j].path, place->path) == 0 &&
                sp_fs_set_mtime(&itself, r->txn->dirs.items[j].before, NULL) < 0)
                break;
        if (fstat(place->dir.fd, &st) == 0)
            r->journal.dirs.items[i].after = st.st_mtim;
    }
}

static int apply(struct run *r, struct sp_error *err)
{
    for (size_t i = 0; i < r->steps.count; i++)
        if (check_signals(err) < 0 || write_beside(r, &r->steps.items[i], err) < 0)
            return -1;
    /* The directories are synced once, after the renames: recover copes with a temporary name
     * that was lost as well as with one that is there. */
    if (sync_beside(r, err) < 0 || save_journal(r, SP_JOURNAL_APPLYING, err) < 0)
        return -1;
    for (size_t i = 0; i < r->steps.count; i++)
        if (put_in_place(r, &r->steps.items[i], err) < 0)
            return -1;
    settle_times(r);
    if (sync_places(r, err) < 0)
        return -1;
    return save_journal(r, SP_JOURNAL_COMMITTED, err);
}

/* ---- all together -------------------------------------------------------------------------- */

/* Puts everything back after a failure; the first error stays the one that is reported. */
static void take_back(struct run *r, bool recorded, struct sp_error *err)
{
    SP_CLEANUP_ERROR struct sp_error second = SP_ERROR_INIT;
    sp_strv left = {NULL, 0, 0};
    int rc = 0;
    if (recorded)
        rc = sp_abort(r->pool, r->workdir, &r->journal, true, &left, &second);
    else if (r->dir.fd >= 0 && (rc = sp_workdir_unstage(r->workdir, r->journal.id, &second)) == 0)
        rc = sp_workdir_drop(r->workdir, r->journal.id, &second);
    if (rc < 0) {
        sp_error_suffix(err, "; and undoing it failed: %s; run: %s recover", second.message,
                        sp_invocation());
        err->kind = SP_ERROR_NEEDS_RECOVERY;
    }
}

static void close_run(struct run *r)
{
    for (size_t i = 0; i < r->places.count; i++)
        sp_dir_close(&r->places.items[i]->dir);
    sp_dir_close(&r->dir);
}

int sp_transaction_check(struct sp_pool *pool, const struct sp_root *root,
                         const struct sp_transaction *txn, struct sp_error *err)
{
    struct run r = {.pool = pool, .root = root, .txn = txn, .dir = SP_DIR_NONE};
    int rc = prepare(&r, err);
    close_run(&r);
    return rc;
}

int sp_transaction_run(struct sp_pool *pool, struct sp_workdir *workdir,
                       const struct sp_transaction *txn, unsigned *id, struct sp_error *err)
{
    struct run r = {
        .pool = pool, .root = workdir->root, .workdir = workdir, .txn = txn, .dir = SP_DIR_NONE};
    bool recorded = false;
    int rc = prepare(&r, err);
    if (rc == 0)
        rc = check_archive_space(&r, err);
    if (rc == 0)
        rc = open_transaction(&r, err);
    if (rc == 0)
        rc = stage(&r, err);
    if (rc == 0)
        rc = write_backup(&r, err);
    if (rc == 0)
        rc = write_patch(&r, err);
    if (rc == 0)
        rc = check_signals(err);
    if (rc == 0) {
        fill_journal(&r);
        recorded = true; /* a failed save may have left either journal */
        sp_out_of_memory_means(SP_ERROR_NEEDS_RECOVERY, sp_recover_out_of_memory);
        rc = save_journal(&r, SP_JOURNAL_PREPARED, err);
    }
    if (rc == 0)
        rc = apply(&r, err);
    if (rc < 0) {
        take_back(&r, recorded, err);
    } else {
        *id = r.journal.id;
        if (sp_workdir_unstage(workdir, r.journal.id, NULL) < 0)
            rc = 0; /* the next writing command cleans up as well */
    }
    close_run(&r);
    return rc;
}
