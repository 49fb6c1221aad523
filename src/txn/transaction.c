/* SPDX-License-Identifier: Apache-2.0 */
/* How several files are changed as one.
 *
 * A transaction has a number ID, a directory transactions/ID with a journal and a backup, and a
 * directory work/ID with the new contents. The journal has a state, which only its two users change:
 *
 *                 sp_transaction_run()                         sp_recover()
 *
 *     (none) ---> PREPARED ---> APPLYING ---> COMMITTED        COMMITTED: clears temporary names
 *        |            |             |
 *        |            +------+------+
 *        v                   v
 *     (none)              ABORTED                              PREPARED, APPLYING ---> ABORTED
 *
 * To abort is to undo in the process that began (abort.c), to recover is to undo after a crash
 * (recover.c), and to revert is to undo what was committed, by another transaction (revert.c).
 *
 * Each target has a temporary name in its own directory, ".NAME.sp-openstack-RANDOM", which is in the
 * journal. It has the new content until the two names are exchanged, and the old file after that, until
 * the transaction is committed. NAME~ with it is where a file goes that is being removed again.
 *
 * Invariants, each with the test that holds it (of tests/unit/txn/test_transaction.c unless another file
 * is named; "run" and "race" are tests/fault/run.py and race.py):
 *
 *  1. The backup and the journal are on disk before any other name appears.
 *     [run: a crash at each call, and at each of recover's]
 *  2. A new content is on disk before its name shows it; the directories are, before "committed".
 *     [run: check_order]
 *  3. A target changes only if it still is the file that was planned for: content, mode, owner and
 *     attributes. Where names can be exchanged there is no moment in which that is not so.
 *     [fs/test_fs.c: replace_of_other_metadata; race: race, race_metadata]
 *  4. All names are in the directories that were opened first, and these still are at their paths
 *     before the first rename and before "committed". [race: race_directory]
 *  5. A file that is replaced keeps mode, owner, attributes and flags, read back and compared: no
 *     transaction changes them, so none has to give them back. [metadata_that_is_asked_for;
 *     fs/test_fs.c: default_acl_is_not_inherited, attributes_are_made_equal, flags]
 *  6. A process undoes the steps that it did, by its own record; content alone is evidence only for
 *     recover, which has no other. [race: race]
 *  7. Undoing in the process writes no content and needs no room where names can be exchanged; a
 *     journal that cannot be saved is removed instead. [run: no_room_from]
 *  8. A journal is about one system, and is used for no other. [another_system,
 *     nothing_of_it_here; cli/test_pending.py]
 *  9. One process at a time works on a package, whatever its work directory.
 *     [package_is_locked; race: race_second]
 * 10. Nothing is removed that has a name which is not made here, and a journal that is missing proves
 *     nothing. [recover_without_a_journal; test_workdir.c: directory_of_somebody_else,
 *     staging_of_somebody_else; cli/test_pending.py: test_staging_without_its_transaction]
 * 11. An interrupted transaction that cannot be undone is in the way of its own packages only.
 *     [one_record_does_not_lock_out_others;
 *     cli/test_pending.py]
 * 12. A file that may be created may not always be renamed: that is tried in each directory before the first
 *     target changes. [fs/test_fs.c: try_rename, append_only_directory]
 *
 * Crashed here            on disk is                                   recover does
 * ----------------------  -------------------------------------------  ---------------------------------
 * before the journal      transactions/ID, part of a backup; work/ID   compares the backup and the new
 *                                                                      contents with the targets, and
 *                                                                      drops both; where nothing tells
 *                                                                      what it is about, sets it aside
 * PREPARED                also temporary names, with part of a new      removes them; the directories get
 *                         content or all of it                         their times back
 * APPLYING                targets old or new; temporary names with      exchanges back what is new, from
 *                         new or old files                             the temporary name or the backup;
 *                                                                      removes temporary names
 * COMMITTED               targets new; old files at temporary names,    removes them and work/ID
 *                         until work/ID is gone
 * ABORTED                 targets old; perhaps work/ID                 removes work/ID
 */
#include "txn/transaction.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/invocation.h"
#include "fs/write.h"
#include "txn/history.h"
#include "txn/pending.h"
#include "txn/pyc.h"
#include "txn/record.h"
#include "txn/run.h"

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

/* ---- what waits for recover ---------------------------------------------------------------- */

/* An interrupted transaction that recover could not undo is in the way of its packages. */
static int check_pending(struct sp_run *r, struct sp_error *err)
{
    struct sp_history history;
    sp_strv dirs = {NULL, 0, 0};
    if (sp_history_load(r->pool, r->workdir, &history, err) < 0)
        return -1;
    for (size_t i = 0; i < r->txn->components.count; i++)
        *SP_PUSH(r->pool, &dirs) = r->txn->components.items[i].path;
    for (size_t i = 0; i < r->places.count; i++)
        *SP_PUSH(r->pool, &dirs) = r->places.items[i]->path;
    for (size_t i = 0; i < history.pending.count; i++)
        if (sp_pending_concerns(r->pool, &history, history.pending.items[i], &dirs))
            return sp_error_set(err, SP_ERROR_NEEDS_RECOVERY,
                                "transaction %u was interrupted and concerns the same packages; "
                                "run: %s recover",
                                history.pending.items[i], sp_invocation());
    return 0;
}

/* ---- changing ------------------------------------------------------------------------------ */

static int write_beside(struct sp_run *r, struct sp_step *step, struct sp_error *err)
{
    struct sp_bytes staged;
    const struct sp_dir *dir = &step->place->dir;
    if (sp_workdir_staged(r->pool, r->workdir, r->journal.id, step->change->path, &staged, err) < 0)
        return -1;
    if (!sp_bytes_equal(staged, step->change->after))
        return sp_error_set(err, SP_ERROR_SYSTEM, "the staged copy of '%s' was altered meanwhile",
                            step->shown);
    if (sp_fs_create(dir, step->temp, staged, &step->meta, step->keep | SP_SYNC_LATER, err) < 0) {
        if (!err || err->errnum != EEXIST) /* else that name is somebody else's */
            step->progress = SP_STEP_WRITTEN;
        return sp_error_prefix(err, "the new content of '%s'", step->shown);
    }
    step->progress = SP_STEP_WRITTEN;
    if (sp_fs_expect(dir, r->pool, step->temp, &step->made, err) == SP_FOUND)
        return 0;
    return sp_error_set(err, SP_ERROR_REFUSED, "the new content of '%s' was removed meanwhile",
                        step->shown);
}

static int write_all(struct sp_run *r, struct sp_error *err)
{
    for (size_t i = 0; i < r->steps.count; i++)
        if (check_signals(err) < 0 ||
            (r->steps.items[i].change->after.data && write_beside(r, &r->steps.items[i], err) < 0))
            return -1;
    for (size_t i = 0; i < r->steps.count; i++) {
        const struct sp_step *step = &r->steps.items[i];
        if (step->change->after.data && sp_fs_sync_name(&step->place->dir, step->temp, err) < 0)
            return -1;
    }
    return 0;
}

/* Renames a file of our own in each directory: what may be created there need not be renamed. */
static int try_place(struct sp_run *r, const struct sp_place *place, struct sp_error *err)
{
    struct sp_step *any = NULL;
    for (size_t i = 0; i < r->steps.count && (!any || any->progress != SP_STEP_WRITTEN); i++)
        if (r->steps.items[i].place == place)
            any = &r->steps.items[i];
    if (!any)
        return 0;
    const char *other = sp_pool_printf(r->pool, "%s~", any->temp);
    if (any->progress == SP_STEP_WRITTEN)
        return sp_fs_try_rename(&place->dir, any->temp, other, err);
    any->progress = SP_STEP_WRITTEN; /* files are only removed here, so an empty one is tried */
    if (sp_fs_create(&place->dir, any->temp, (struct sp_bytes){"", 0}, NULL, 0, err) < 0 ||
        sp_fs_try_rename(&place->dir, any->temp, other, err) < 0 ||
        sp_fs_unlink(&place->dir, any->temp, err) < 0)
        return -1;
    any->progress = SP_STEP_PLANNED;
    return 0;
}

static int try_places(struct sp_run *r, struct sp_error *err)
{
    for (size_t i = 0; i < r->places.count; i++)
        if (try_place(r, r->places.items[i], err) < 0)
            return -1;
    return 0;
}

static int change_name(struct sp_run *r, struct sp_step *step, struct sp_error *err)
{
    const struct sp_dir *dir = &step->place->dir;
    int rc = 0;
    if (check_signals(err) < 0 || sp_run_check_target(r, step, err) < 0)
        return -1;
    switch (step->change->action) {
    case SP_ACTION_ADD:
        rc = sp_fs_rename_new(dir, step->temp, step->name, err);
        break;
    case SP_ACTION_REPLACE:
        rc = sp_fs_replace(dir, step->temp, step->name, &step->found, &step->kept, err);
        break;
    case SP_ACTION_REMOVE:
        rc = sp_fs_set_aside(dir, step->name, step->temp, &step->found, &step->kept, err);
        break;
    case SP_ACTION_NONE:
        return 0;
    }
    if (rc == 0 || step->kept) /* also when what was put there meanwhile could not be given back */
        step->progress = SP_STEP_DONE;
    if (rc == 0 && step->change->action == SP_ACTION_REMOVE)
        rc = sp_pyc_remove(dir, step->name, err);
    return rc;
}

/* Gives directories the times that are asked for, and notes the ones that they have in the end. A
 * time is not worth failing for. */
static void set_times(struct sp_run *r)
{
    for (size_t i = 0; i < r->places.count; i++) {
        const struct sp_place *place = r->places.items[i];
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

static int sync_places(struct sp_run *r, struct sp_error *err)
{
    for (size_t i = 0; i < r->places.count; i++)
        if (sp_fs_sync_dir(&r->places.items[i]->dir, err) < 0)
            return -1;
    return 0;
}

static int apply(struct sp_run *r, struct sp_error *err)
{
    /* the new contents at temporary names, synced; the names themselves need not be: recover copes
     * with one that was lost as well as with one that is there */
    if (write_all(r, err) < 0)
        return -1;
    /* as before: each directory had a temporary name renamed, and renamed back */
    if (sp_run_check_places(r, err) < 0 || try_places(r, err) < 0)
        return -1;
    /* the journal "applying": from here on recover looks at every target */
    if (sp_run_save_journal(r, SP_JOURNAL_APPLYING, err) < 0)
        return -1;
    /* one target after the other new; the old file at the temporary name */
    for (size_t i = 0; i < r->steps.count; i++)
        if (change_name(r, &r->steps.items[i], err) < 0)
            return -1;
    /* all targets new, and the directories that say so synced, at the paths where they were */
    set_times(r);
    if (sync_places(r, err) < 0 || sp_run_check_places(r, err) < 0)
        return -1;
    /* the journal "committed": there is no way back any more */
    return sp_run_save_journal(r, SP_JOURNAL_COMMITTED, err);
}

static int remove_old_files(struct sp_run *r, struct sp_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < r->steps.count; i++)
        if (sp_run_clear(&r->steps.items[i].place->dir, r->steps.items[i].temp, err) < 0)
            rc = -1;                               /* the others go all the same */
    for (size_t i = 0; i < r->places.count; i++) { /* the time that the journal says */
        const struct sp_file itself = sp_dir_itself(&r->places.items[i]->dir);
        if (sp_fs_set_mtime(&itself, r->journal.dirs.items[i].after, NULL) < 0)
            continue;
    }
    return rc;
}

/* The old files go, then work/ID, which says that they may be there. The transaction is committed: what
 * fails here is for the next writing command. */
static void clean_up(struct sp_run *r)
{
    SP_CLEANUP_ERROR struct sp_error reason = SP_ERROR_INIT;
    if (remove_old_files(r, &reason) < 0 || sync_places(r, &reason) < 0 ||
        sp_workdir_unstage(r->workdir, r->journal.id, &reason) < 0)
        if (r->txn->notes)
            *SP_PUSH(r->pool, r->txn->notes) =
                sp_pool_printf(r->pool,
                               "all is changed, but temporary files are left: %s; run: %s "
                               "recover",
                               reason.message, sp_invocation());
}

/* ---- all together -------------------------------------------------------------------------- */

/* Undoes everything after a failure; the first error stays the one that is reported. */
static void give_up(struct sp_run *r, struct sp_error *err)
{
    SP_CLEANUP_ERROR struct sp_error second = SP_ERROR_INIT;
    sp_strv left = {NULL, 0, 0};
    int rc = sp_run_abort(r, &left, &second);
    if (left.count)
        sp_error_suffix(err, "; changed by something else meanwhile, and left alone: %s",
                        sp_strv_join(r->pool, &left, ", "));
    if (rc == 0)
        return;
    sp_error_suffix(err, "; and undoing it failed: %s; run: %s recover", second.message,
                    sp_invocation());
    if (err)
        err->kind = SP_ERROR_NEEDS_RECOVERY;
}

static void close_run(struct sp_run *r)
{
    for (size_t i = 0; i < r->places.count; i++)
        sp_dir_close(&r->places.items[i]->dir);
    sp_dir_close(&r->dir);
    sp_package_locks_drop(&r->locks);
}

int sp_transaction_check(struct sp_pool *pool, const struct sp_root *root,
                         const struct sp_transaction *txn, struct sp_error *err)
{
    struct sp_run r = {.pool = pool, .root = root, .txn = txn, .dir = SP_DIR_NONE};
    int rc = sp_run_prepare(&r, err);
    close_run(&r);
    return rc;
}

static int run(struct sp_run *r, struct sp_error *err)
{
    const struct sp_transaction *txn = r->txn;
    if (sp_package_locks_take(r->pool, r->root, txn->components.items, txn->components.count,
                              &r->locks, err) < 0 ||
        sp_run_prepare(r, err) < 0 || check_pending(r, err) < 0)
        return -1;
    if (sp_run_record(r, err) == 0 && check_signals(err) == 0 && apply(r, err) == 0)
        return 0;
    give_up(r, err);
    return -1;
}

int sp_transaction_run(struct sp_pool *pool, struct sp_workdir *workdir,
                       const struct sp_transaction *txn, unsigned *id, struct sp_error *err)
{
    struct sp_run r = {
        .pool = pool, .root = workdir->root, .workdir = workdir, .txn = txn, .dir = SP_DIR_NONE};
    int rc = run(&r, err);
    if (rc == 0) {
        clean_up(&r);
        *id = r.journal.id;
    }
    close_run(&r);
    return rc;
}
