/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions, recovery and history together: they read each other's files.
 *
 * Each test has the scratch directory as its root. In it are
 *     lib/a.py        "old a\n", mode 0640, from 2017 (1500000000)
 *     lib/sub/b.py    "old b\n", the same
 *     lib, lib/sub    from 2014 (1400000000); all times end in 123456789 ns
 *     var/work        the work directory, locked
 * and a transaction "install" of the component "toy" without changes; most tests add those of
 * usual(): lib/sub/new.py is added, lib/a.py is replaced, lib/sub/b.py is removed.
 *
 * A crash is simulated: the transaction runs to its end, then set_state() writes an earlier state
 * into its journal, and the test makes the files that such a crash leaves. tests/fault/ has the real
 * crashes, at every call. A failure half-way comes from a file that is in the way of a step. */
#include "txn/transaction.h"

#include <signal.h>
#include <sys/wait.h>

#include "fs/meta.h"
#include "fs/read.h"
#include "fs/root.h"
#include "scratch.h"
#include "txn/history.h"
#include "txn/package_lock.h"
#include "txn/recover.h"
#include "txn/system.h"

#define WORK "var/work"

struct run {
    struct fixture *f;
    struct sp_root root;
    struct sp_workdir workdir;
    struct sp_transaction txn;
    unsigned id;
};

static void set_time(struct run *r, const char *name, time_t seconds)
{
    struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds, .tv_nsec = 123456789}};
    assert_int_equal(utimensat(AT_FDCWD, scratch_path(r->f, name), times, 0), 0);
}

static void put(struct run *r, const char *name, const char *text)
{
    scratch_puts(r->f, name, text);
    assert_int_equal(chmod(scratch_path(r->f, name), 0640), 0);
    set_time(r, name, 1500000000);
}

static void open_run(struct fixture *f)
{
    static const char *const dirs[] = {"lib", "lib/sub", "var"};
    struct run *r = f->own = sp_pool_alloc(f->pool, sizeof(*r));
    r->f = f;
    for (size_t i = 0; i < COUNT(dirs); i++)
        scratch_mkdir(f, dirs[i], 0755);
    put(r, "lib/a.py", "old a\n");
    put(r, "lib/sub/b.py", "old b\n");
    set_time(r, "lib/sub", 1400000000);
    set_time(r, "lib", 1400000000);
    assert_ok(f, sp_root_open(f->dir, &r->root, &f->err));
    assert_ok(f, sp_workdir_lock(f->pool, &r->root, WORK, &r->workdir, &f->err));
    r->txn.command = "install";
    *SP_PUSH(r->f->pool, &r->txn.components) =
        (struct sp_journal_component){"toy", "1.0", "newton", "", "lib"};
}

static void close_run(struct fixture *f)
{
    struct run *r = f->own;
    sp_workdir_close(&r->workdir);
    sp_root_close(&r->root);
}

#define TEST_IN_ROOT(name) TEST_IN_DIR_WITH(name, struct run *r, open_run, close_run)

static struct sp_bytes text_or_none(const char *text)
{
    return text ? SP_BYTES_STR(text) : (struct sp_bytes){NULL, 0};
}

/* NULL: no file. */
static struct sp_file_change *change(struct run *r, const char *path, const char *before,
                                     const char *after)
{
    struct sp_file_change *one = SP_PUSH(r->f->pool, &r->txn.changes);
    *one = (struct sp_file_change){.component = "toy",
                                   .path = path,
                                   .action = !before ? SP_ACTION_ADD
                                             : after ? SP_ACTION_REPLACE
                                                     : SP_ACTION_REMOVE,
                                   .before = text_or_none(before),
                                   .after = text_or_none(after)};
    return one;
}

/* The usual: one added, one replaced, one removed. */
static void usual(struct run *r)
{
    change(r, "lib/sub/new.py", NULL, "new\n");
    change(r, "lib/a.py", "old a\n", "new a\n");
    change(r, "lib/sub/b.py", "old b\n", NULL);
}

static int run(struct run *r)
{
    return sp_transaction_run(r->f->pool, &r->workdir, &r->txn, &r->id, &r->f->err);
}

static void assert_time(struct run *r, const char *name, time_t seconds)
{
    struct stat st;
    assert_int_equal(stat(scratch_path(r->f, name), &st), 0);
    if (st.st_mtim.tv_sec != seconds || st.st_mtim.tv_nsec != 123456789)
        fail_msg("%s has the time %ld.%09ld", name, (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

/* Everything is as open_run() made it, with its metadata, and there are no other files. */
static void assert_old(struct run *r)
{
    struct stat st;
    static const char *const dirs[] = {"lib", "lib/sub"};
    static const char *const entries[] = {"a.py sub", "b.py"};
    assert_content(r->f, "lib/a.py", "old a\n");
    assert_content(r->f, "lib/sub/b.py", "old b\n");
    assert_int_equal(stat(scratch_path(r->f, "lib/sub/b.py"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_time(r, "lib/a.py", 1500000000);
    assert_time(r, "lib/sub/b.py", 1500000000);
    for (size_t i = 0; i < COUNT(dirs); i++) {
        sp_strv names = {NULL, 0, 0};
        struct sp_dir dir = {open(scratch_path(r->f, dirs[i]), O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                             dirs[i]};
        assert_ok(r->f, sp_fs_list(&dir, r->f->pool, &names, &r->f->err));
        sp_dir_close(&dir);
        assert_string_equal(sp_strv_join(r->f->pool, &names, " "), entries[i]);
    }
}

static void assert_nothing_staged(struct run *r)
{
    sp_strv names = {NULL, 0, 0};
    assert_ok(r->f, sp_fs_list(&r->workdir.staging, r->f->pool, &names, &r->f->err));
    assert_int_equal(names.count, 0);
}

static struct sp_history history_of(struct run *r)
{
    struct sp_history history;
    assert_ok(r->f, sp_history_load(r->f->pool, &r->workdir, &history, &r->f->err));
    return history;
}

/* ---- running -------------------------------------------------------------------------------- */

TEST_IN_ROOT(run)
{
    struct stat st;
    usual(r);
    assert_ok(f, run(r));
    assert_int_equal(r->id, 1);
    assert_content(f, "lib/a.py", "new a\n");
    assert_content(f, "lib/sub/new.py", "new\n");
    assert_false(scratch_exists(f, "lib/sub/b.py"));
    assert_int_equal(stat(scratch_path(f, "lib/a.py"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640); /* of the one that was there */
    assert_true(st.st_mtim.tv_sec != 1500000000);
    assert_int_equal(stat(scratch_path(f, "lib/sub/new.py"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_nothing_staged(r);

    struct sp_history history = history_of(r);
    assert_int_equal(history.journals.count, 1);
    assert_int_equal(history.pending.count, 0);
    const struct sp_journal *journal = sp_history_find(&history, 1);
    assert_non_null(journal);
    assert_null(sp_history_find(&history, 2));
    assert_int_equal(journal->state, SP_JOURNAL_COMMITTED);
    assert_string_equal(journal->command, "install");
    assert_int_equal(journal->files.count, 3);
    assert_string_equal(journal->files.items[1].path, "lib/a.py");
    assert_int_equal(journal->files.items[2].action, SP_ACTION_REMOVE);
    assert_int_equal(journal->dirs.count, 2);
}

/* A content that goes back brings its time; mode, owner and attributes are the file's own, whoever set
 * them since, and that is said. */
TEST_IN_ROOT(metadata_that_is_asked_for)
{
    struct sp_meta meta = {.mode = 0600,
                           .uid = geteuid(),
                           .gid = getegid(),
                           .mtime = {.tv_sec = 1300000000, .tv_nsec = 123456789}};
    struct stat st;
    sp_strv notes = {NULL, 0, 0};
    r->txn.notes = &notes;
    change(r, "lib/a.py", "old a\n", "older a\n")->meta = &meta;
    change(r, "lib/new.py", NULL, "new\n")->meta = &meta;
    *SP_PUSH(f->pool, &r->txn.dirs) = (struct sp_journal_dir){
        .path = "lib", .before = {.tv_sec = 1200000000, .tv_nsec = 123456789}};
    assert_ok(f, run(r));
    assert_int_equal(stat(scratch_path(f, "lib/a.py"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_time(r, "lib/a.py", 1300000000);
    assert_int_equal(stat(scratch_path(f, "lib/new.py"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600); /* a new file has none of its own */
    assert_time(r, "lib/new.py", 1300000000);
    assert_time(r, "lib", 1200000000);
    assert_int_equal(notes.count, 1);
    assert_non_null(strstr(notes.items[0], "/lib/a.py"));
}

/* Content that was made in this second gets another second: Python 2 compares no more of it. */
TEST_IN_ROOT(time_of_a_file_that_is_just_written)
{
    struct stat before, after;
    scratch_puts(f, "lib/a.py", "old a\n");
    assert_int_equal(stat(scratch_path(f, "lib/a.py"), &before), 0);
    change(r, "lib/a.py", "old a\n", "new a\n");
    assert_ok(f, run(r));
    assert_int_equal(stat(scratch_path(f, "lib/a.py"), &after), 0);
    assert_true(before.st_mtime != after.st_mtime);
}

TEST_IN_ROOT(pyc_files_are_removed_with_a_module)
{
    scratch_puts(f, "lib/sub/b.pyc", "");
    scratch_puts(f, "lib/sub/a.pyc", "");
    change(r, "lib/sub/b.py", "old b\n", NULL);
    assert_ok(f, run(r));
    assert_false(scratch_exists(f, "lib/sub/b.pyc"));
    assert_true(scratch_exists(f, "lib/sub/a.pyc"));
}

TEST_IN_ROOT(nothing_to_change)
{
    assert_ok(f, run(r)); /* a rollback without changes is recorded, too */
    assert_int_equal(history_of(r).journals.count, 1);
}

TEST_IN_ROOT(numbers)
{
    scratch_puts(f, "var/work/transactions/notes", "");
    change(r, "lib/a.py", "old a\n", "new a\n");
    assert_ok(f, run(r));
    assert_int_equal(r->id, 1);
    assert_int_equal(rename(scratch_path(f, "var/work/transactions/1"),
                            scratch_path(f, "var/work/transactions/9")),
                     0);
    r->txn.changes.count = 0;
    change(r, "lib/a.py", "new a\n", "newer a\n");
    assert_ok(f, run(r));
    assert_int_equal(r->id, 10);
}

/* ---- refusing ------------------------------------------------------------------------------- */

static void refused(struct run *r, enum sp_error_kind kind, const char *part)
{
    assert_fails(r->f, run(r), kind, part);
    assert_nothing_staged(r);
    assert_int_equal(history_of(r).pending.count, 0);
}

TEST_IN_ROOT(target_other_than_planned)
{
    static const struct {
        const char *path, *before, *after;
    } vectors[] = {
        {"lib/a.py", "another\n", "new a\n"}, {"lib/a.py", "old a\n ", "new a\n"},
        {"lib/a.py", NULL, "new a\n"},        {"lib/none.py", "old\n", "new\n"},
        {"lib/none.py", "old\n", NULL},       {"lib/sub", NULL, "new\n"},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        r->txn.changes.count = 0;
        change(r, "lib/sub/new.py", NULL, "new\n");
        change(r, vectors[i].path, vectors[i].before, vectors[i].after);
        assert_fails(f, sp_transaction_check(f->pool, &r->root, &r->txn, &f->err), SP_ERROR_REFUSED,
                     vectors[i].path);
        refused(r, SP_ERROR_REFUSED, vectors[i].path);
        assert_old(r);
        assert_time(r, "lib", 1400000000); /* nothing was even tried */
    }
    assert_int_equal(history_of(r).journals.count, 0);
}

TEST_IN_ROOT(directory_that_is_missing)
{
    change(r, "lib/a.py", "old a\n", "new a\n");
    change(r, "lib/none/new.py", NULL, "new\n");
    refused(r, SP_ERROR_SYSTEM, "/lib/none");
    assert_old(r);
}

TEST_IN_ROOT(path_that_a_journal_can_not_hold)
{
    change(r, "lib/a\n.py", NULL, "new\n");
    refused(r, SP_ERROR_REFUSED, "control characters");
    assert_old(r);
}

/* A link in the way is not followed: the paths are real ones. */
TEST_IN_ROOT(link_in_place_of_a_target)
{
    scratch_symlink(f, "a.py", "lib/link.py");
    set_time(r, "lib", 1400000000);
    change(r, "lib/link.py", "old a\n", "new a\n");
    refused(r, SP_ERROR_REFUSED, "/lib/link.py");
    assert_content(f, "lib/a.py", "old a\n");
}

/* ---- failing half-way ----------------------------------------------------------------------- */

/* While the temporary files are written: the second time that name is taken. */
TEST_IN_ROOT(failure_before_the_first_rename)
{
    change(r, "lib/a.py", "old a\n", "new a\n");
    change(r, "lib/sub/new.py", NULL, "new\n");
    change(r, "lib/sub/new.py", NULL, "new\n");
    refused(r, SP_ERROR_SYSTEM, "/lib/sub/new.py");
    assert_old(r);
    assert_time(r, "lib", 1400000000);
    assert_time(r, "lib/sub", 1400000000);
}

/* Among the renames: a directory has the name of a .pyc file and cannot be removed. */
TEST_IN_ROOT(failure_among_the_renames)
{
    scratch_mkdir(f, "lib/sub/__pycache__", 0755);
    scratch_mkdir(f, "lib/sub/__pycache__/b.cpython-36.pyc", 0755);
    set_time(r, "lib/sub", 1400000000);
    usual(r);
    refused(r, SP_ERROR_SYSTEM, "/lib/sub/__pycache__/b.cpython-36.pyc");
    assert_time(r, "lib", 1400000000);
    assert_time(r, "lib/sub", 1400000000);
    struct sp_history history = history_of(r);
    assert_int_equal(history.journals.count, 1);
    assert_int_equal(history.journals.items[0].state, SP_JOURNAL_ABORTED);
    /* without it all is as it was, and the next one works */
    assert_int_equal(rmdir(scratch_path(f, "lib/sub/__pycache__/b.cpython-36.pyc")), 0);
    assert_int_equal(rmdir(scratch_path(f, "lib/sub/__pycache__")), 0);
    assert_old(r);
    assert_ok(f, run(r));
    assert_int_equal(r->id, 2);
}

/* SIGTERM is noted and ends it before the next step; in a process of its own, since it stays noted.
 */
TEST_IN_ROOT(signal)
{
    usual(r);
    pid_t child = fork();
    if (child == 0) {
        sp_transaction_catch_signals();
        raise(SIGTERM);
        int rc = run(r);
        _exit(rc == -1 && f->err.kind == SP_ERROR_SYSTEM && strstr(f->err.message, "interrupted")
                  ? 0
                  : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_old(r);
    assert_nothing_staged(r);
    assert_int_equal(history_of(r).pending.count, 0);
}

/* ---- recovering ----------------------------------------------------------------------------- */

/* The journal of transaction 1 as it was in that state. */
static void set_state_of(struct run *r, unsigned id, enum sp_journal_state state)
{
    struct sp_journal journal;
    struct sp_dir dir;
    assert_ok(r->f, sp_workdir_transaction(r->f->pool, &r->workdir, id, &dir, &r->f->err));
    assert_ok(r->f, sp_journal_load(r->f->pool, &dir, id, &journal, &r->f->err));
    assert_int_equal(journal.record, SP_RECORD_READABLE);
    journal.state = state;
    unlinkat(dir.fd, "committed.json", 0); /* it would count before the unfinished one */
    unlinkat(dir.fd, "aborted.json", 0);
    assert_ok(r->f, sp_journal_save(r->f->pool, &dir, &journal, &r->f->err));
    sp_dir_close(&dir);
}

static void set_state(struct run *r, enum sp_journal_state state)
{
    set_state_of(r, 1, state);
}

static int recover(struct run *r, bool leave, sp_strv *messages)
{
    struct sp_recover_report report = {.messages = {NULL, 0, 0}};
    int rc = sp_recover(r->f->pool, &r->workdir, leave, &report, &r->f->err);
    *messages = report.messages;
    return rc;
}

TEST_IN_ROOT(recover)
{
    sp_strv messages = {NULL, 0, 0};
    usual(r);
    assert_ok(f, run(r));
    assert_ok(f, recover(r, false, &messages)); /* nothing is pending */
    assert_int_equal(messages.count, 0);
    assert_content(f, "lib/a.py", "new a\n");

    set_state(r, SP_JOURNAL_APPLYING);
    assert_int_equal(history_of(r).pending.count, 1);
    assert_ok(f, recover(r, false, &messages));
    assert_int_equal(messages.count, 1);
    assert_non_null(strstr(messages.items[0], "transaction 1"));
    assert_old(r);
    assert_time(r, "lib", 1400000000);
    assert_time(r, "lib/sub", 1400000000);
    assert_ok(f, recover(r, false, &messages));
    assert_int_equal(messages.count, 0);

    /* once more, as after a crash in the middle of recovering: some is back already */
    set_state(r, SP_JOURNAL_APPLYING);
    assert_ok(f, recover(r, false, &messages));
    assert_old(r);
}

/* Some files were renamed, some were not, and the temporary files are still there. */
TEST_IN_ROOT(recover_in_the_middle)
{
    sp_strv messages = {NULL, 0, 0};
    usual(r);
    assert_ok(f, run(r));
    struct sp_history history = history_of(r);
    const struct sp_journal *journal = &history.journals.items[0];
    put(r, "lib/sub/b.py", "old b\n");
    scratch_puts(f, sp_pool_printf(f->pool, "lib/sub/%s", journal->files.items[2].temp), "x");
    scratch_puts(f, sp_pool_printf(f->pool, "lib/%s", journal->files.items[1].temp), "y");
    scratch_puts(f, sp_pool_printf(f->pool, "lib/%s~", journal->files.items[1].temp), "z");
    set_state(r, SP_JOURNAL_APPLYING);
    assert_ok(f, recover(r, false, &messages));
    assert_old(r);
}

TEST_IN_ROOT(recover_of_a_prepared_one)
{
    sp_strv messages = {NULL, 0, 0};
    usual(r);
    assert_ok(f, run(r));
    set_state(r, SP_JOURNAL_PREPARED);
    /* nothing was renamed yet: the present contents are somebody else's */
    assert_ok(f, recover(r, false, &messages));
    assert_content(f, "lib/a.py", "new a\n");
    assert_content(f, "lib/sub/new.py", "new\n");
    assert_false(scratch_exists(f, "lib/sub/b.py"));
    assert_int_equal(history_of(r).journals.items[0].state, SP_JOURNAL_ABORTED);
}

TEST_IN_ROOT(recover_of_what_something_else_changed)
{
    sp_strv messages = {NULL, 0, 0};
    usual(r);
    assert_ok(f, run(r));
    set_state(r, SP_JOURNAL_APPLYING);
    scratch_puts(f, "lib/a.py", "another\n");
    for (int round = 0; round < 2; round++) {
        assert_fails(f, recover(r, false, &messages), SP_ERROR_NEEDS_RECOVERY, "/lib/a.py");
        assert_content(f, "lib/sub/new.py", "new\n"); /* nothing at all was touched */
        assert_false(scratch_exists(f, "lib/sub/b.py"));
    }
    assert_ok(f, recover(r, true, &messages));
    assert_int_equal(messages.count, 2);
    assert_non_null(strstr(messages.items[1], "/lib/a.py"));
    assert_content(f, "lib/a.py", "another\n");
    assert_content(f, "lib/sub/b.py", "old b\n");
    assert_false(scratch_exists(f, "lib/sub/new.py"));
}

TEST_IN_ROOT(recover_without_the_backup)
{
    sp_strv messages = {NULL, 0, 0};
    usual(r);
    assert_ok(f, run(r));
    set_state(r, SP_JOURNAL_APPLYING);
    scratch_unlink(f, "var/work/transactions/1/backup.tar");
    assert_int_equal(recover(r, false, &messages), -1);
    assert_non_null(strstr(f->err.message, "backup.tar"));
    sp_error_clear(&f->err);
    assert_content(f, "lib/a.py", "new a\n");
    assert_content(f, "lib/sub/new.py", "new\n");
    assert_int_equal(history_of(r).pending.count, 1);
}

TEST_IN_ROOT(recover_when_the_package_is_gone)
{
    sp_strv messages = {NULL, 0, 0};
    scratch_mkdir(f, "etc", 0755); /* else it could be another system */
    scratch_puts(f, "etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    change(r, "lib/sub/new.py", NULL, "new\n");
    assert_ok(f, run(r));
    set_state(r, SP_JOURNAL_APPLYING);
    assert_int_equal(rename(scratch_path(f, "lib/sub"), scratch_path(f, "gone")), 0);
    assert_ok(f, recover(r, false, &messages));
    assert_int_equal(history_of(r).pending.count, 0);
}

TEST_IN_ROOT(recover_without_a_journal)
{
    sp_strv messages = {NULL, 0, 0};
    /* ended early: part of a backup */
    scratch_mkdir(f, "var/work/transactions/4", 0700);
    scratch_puts(f, "var/work/transactions/4/backup.tar", "half");
    assert_int_equal(history_of(r).pending.count, 1);
    assert_ok(f, recover(r, false, &messages));
    assert_int_equal(messages.count, 1);
    assert_false(scratch_exists(f, "var/work/transactions/4"));
    /* ended before the journal: the backup is what the files are */
    usual(r);
    assert_ok(f, run(r));
    set_state(r, SP_JOURNAL_APPLYING);
    assert_ok(f, recover(r, false, &messages));
    scratch_unlink(f, "var/work/transactions/1/aborted.json");
    assert_ok(f, recover(r, false, &messages));
    assert_false(scratch_exists(f, "var/work/transactions/1"));
    /* the journal was lost: the backup is all that is left of the files */
    assert_ok(f, run(r));
    scratch_unlink(f, "var/work/transactions/1/committed.json");
    assert_fails(f, recover(r, false, &messages), SP_ERROR_NEEDS_RECOVERY, "has no journal");
    assert_true(scratch_exists(f, "var/work/transactions/1/backup.tar"));
    assert_ok(f, recover(r, true, &messages));
    assert_false(scratch_exists(f, "var/work/transactions/1"));
    assert_int_equal(messages.count, 1);
    const char *kept = strchr(messages.items[0], '\'') + 1;
    const char *tar = sp_pool_printf(f->pool, "%.*s/backup.tar", (int)strcspn(kept, "'"), kept);
    assert_true(scratch_slurp(f, tar).len > 1000);
    assert_int_equal(history_of(r).pending.count, 0);
}

/* A package that was moved to another disk, with a link in its place. */
TEST_IN_ROOT(recover_through_a_link)
{
    sp_strv messages = {NULL, 0, 0};
    usual(r);
    assert_ok(f, run(r));
    set_state(r, SP_JOURNAL_APPLYING);
    assert_int_equal(rename(scratch_path(f, "lib"), scratch_path(f, "moved")), 0);
    scratch_symlink(f, "moved", "lib");
    assert_ok(f, recover(r, false, &messages));
    assert_content(f, "moved/a.py", "old a\n");
    assert_old(r);
}

/* Mode, owner and attributes that something else gave to the new file stay. */
TEST_IN_ROOT(recover_keeps_a_changed_mode)
{
    sp_strv messages = {NULL, 0, 0};
    struct stat st;
    usual(r);
    assert_ok(f, run(r));
    set_state(r, SP_JOURNAL_APPLYING);
    assert_int_equal(chmod(scratch_path(f, "lib/a.py"), 0600), 0);
    assert_ok(f, recover(r, false, &messages));
    assert_content(f, "lib/a.py", "old a\n");
    assert_int_equal(stat(scratch_path(f, "lib/a.py"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(messages.count, 2);
    assert_non_null(strstr(messages.items[1], "/lib/a.py"));
}

/* What was committed, but not cleared: old files at temporary names, and work/1 that says so. */
TEST_IN_ROOT(recover_clears_what_was_committed)
{
    sp_strv messages = {NULL, 0, 0};
    struct stat before, after;
    usual(r);
    assert_ok(f, run(r));
    struct sp_history history = history_of(r);
    const struct sp_journal *journal = &history.journals.items[0];
    assert_int_equal(stat(scratch_path(f, "lib"), &before), 0);
    scratch_puts(f, sp_pool_printf(f->pool, "lib/%s", journal->files.items[1].temp), "old a\n");
    scratch_mkdir(f, "var/work/work/1", 0700);
    assert_ok(f, recover(r, false, &messages));
    assert_int_equal(messages.count, 0);
    assert_false(
        scratch_exists(f, sp_pool_printf(f->pool, "lib/%s", journal->files.items[1].temp)));
    assert_nothing_staged(r);
    assert_content(f, "lib/a.py", "new a\n");
    assert_int_equal(stat(scratch_path(f, "lib"), &after), 0);
    assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof(after.st_mtim));
}

/* One that cannot be undone keeps neither the other from it, nor other files from being changed. */
TEST_IN_ROOT(one_record_does_not_lock_out_others)
{
    sp_strv messages = {NULL, 0, 0};
    usual(r);
    assert_ok(f, run(r));
    scratch_mkdir(f, "other", 0755);
    put(r, "other/c.py", "old c\n");
    r->txn.components.items[0].path = "other";
    r->txn.changes.count = 0;
    change(r, "other/c.py", "old c\n", "new c\n");
    assert_ok(f, run(r));
    set_state(r, SP_JOURNAL_APPLYING);
    set_state_of(r, 2, SP_JOURNAL_APPLYING);
    scratch_puts(f, "lib/a.py", "edited\n");
    assert_fails(f, recover(r, false, &messages), SP_ERROR_NEEDS_RECOVERY, "/lib/a.py");
    assert_int_equal(messages.count, 1);
    assert_content(f, "other/c.py", "old c\n");
    assert_ok(f, run(r));
    assert_content(f, "other/c.py", "new c\n");
    r->txn.changes.count = 0;
    change(r, "lib/c.py", NULL, "new\n"); /* the same directory, whatever the component */
    assert_fails(f, run(r), SP_ERROR_NEEDS_RECOVERY, "transaction 1 was interrupted");
    r->txn.components.items[0].path = "lib"; /* the same component, whatever the directory */
    r->txn.changes.count = 0;
    change(r, "other/d.py", NULL, "new\n");
    assert_fails(f, run(r), SP_ERROR_NEEDS_RECOVERY, "transaction 1 was interrupted");
    assert_false(scratch_exists(f, "lib/c.py") || scratch_exists(f, "other/d.py"));
}

#define ID_A "0123456789abcdef0123456789abcdef\n"
#define ID_B "ffffffffffffffffffffffffffffffff\n"

static void set_machine(struct run *r, const char *id)
{
    scratch_puts(r->f, "etc/machine-id", id);
}

TEST_IN_ROOT(another_system)
{
    sp_strv messages = {NULL, 0, 0};
    scratch_mkdir(f, "etc", 0755);
    set_machine(r, ID_A);
    usual(r);
    assert_ok(f, run(r));
    struct sp_journal journal = history_of(r).journals.items[0];
    assert_memory_equal(journal.machine, ID_A, 32);
    assert_int_equal(sp_system_of(&r->root, f->pool, &journal), SP_SYSTEM_SAME);
    set_machine(r, ID_B);
    assert_int_equal(sp_system_of(&r->root, f->pool, &journal), SP_SYSTEM_OTHER);
    set_machine(r, "uninitialized\n"); /* the directories tell */
    assert_int_equal(sp_system_of(&r->root, f->pool, &journal), SP_SYSTEM_SAME);
    journal.dirs.items[0].inode++;
    assert_int_equal(sp_system_of(&r->root, f->pool, &journal), SP_SYSTEM_SAME);
    journal.dirs.items[1].inode += 2;
    assert_int_equal(sp_system_of(&r->root, f->pool, &journal), SP_SYSTEM_UNKNOWN);

    set_state(r, SP_JOURNAL_APPLYING);
    set_machine(r, ID_B);
    assert_fails(f, recover(r, false, &messages), SP_ERROR_NEEDS_RECOVERY, "another system");
    assert_content(f, "lib/a.py", "new a\n");
    assert_int_equal(history_of(r).pending.count, 1);
    assert_ok(f, recover(r, true, &messages)); /* the operator knows better */
    assert_old(r);
}

/* No machine id, other directories, and nothing of it in them: that proves no success. */
TEST_IN_ROOT(nothing_of_it_here)
{
    sp_strv messages = {NULL, 0, 0};
    usual(r);
    assert_ok(f, run(r));
    set_state(r, SP_JOURNAL_APPLYING);
    assert_int_equal(rename(scratch_path(f, "lib"), scratch_path(f, "there")), 0);
    scratch_mkdir(f, "lib", 0755);
    scratch_mkdir(f, "lib/sub", 0755);
    put(r, "lib/a.py", "old a\n");
    put(r, "lib/sub/b.py", "old b\n");
    assert_fails(f, recover(r, false, &messages), SP_ERROR_NEEDS_RECOVERY, "none of its files");
    assert_int_equal(history_of(r).pending.count, 1);
    assert_ok(f, recover(r, true, &messages));
    assert_old(r);
}

/* Whichever work directory the other one uses. */
TEST_IN_ROOT(package_is_locked)
{
    int ready[2], done[2];
    char byte = 0;
    scratch_puts(f, "lib/__init__.py", "");
    set_time(r, "lib", 1400000000);
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(done), 0);
    pid_t child = fork();
    if (child == 0) {
        sp_package_locks locks = {NULL, 0, 0};
        byte = sp_package_locks_take(f->pool, &r->root, r->txn.components.items, 1, &locks,
                                     &f->err) == 0
                   ? 'y'
                   : 'n';
        if (write(ready[1], &byte, 1) != 1 || read(done[0], &byte, 1) != 1)
            _exit(1);
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    usual(r);
    assert_fails(f, run(r), SP_ERROR_SYSTEM, sp_pool_printf(f->pool, "process %ld", (long)child));
    assert_time(r, "lib", 1400000000); /* nothing was even tried */
    assert_int_equal(history_of(r).journals.count, 0);
    assert_int_equal(write(done[1], &byte, 1), 1);
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_ok(f, run(r));
    for (int i = 0; i < 2; i++) {
        close(ready[i]);
        close(done[i]);
    }
}

TEST_IN_ROOT(recover_of_a_damaged_journal)
{
    sp_strv messages = {NULL, 0, 0};
    usual(r);
    assert_ok(f, run(r));
    set_state(r, SP_JOURNAL_APPLYING);
    scratch_puts(f, "var/work/transactions/1/journal.json", "{\"state\": \"committed\"}\n");
    assert_fails(f, recover(r, false, &messages), SP_ERROR_NEEDS_RECOVERY,
                 "transactions/1/journal.json");
    struct sp_history history = history_of(r);
    assert_int_equal(history.journals.count, 0);
    assert_int_equal(history.pending.count, 1);
    assert_int_equal(history.pending.items[0], 1);
    /* a way past it, which keeps the backup */
    assert_ok(f, recover(r, true, &messages));
    assert_int_equal(history_of(r).pending.count, 0);
    assert_non_null(strstr(messages.items[0], "transactions/1.kept-"));
    assert_content(f, "lib/a.py", "new a\n");
}

/* "committed" whose saving failed is on disk, or may be: what is undone then is not committed. */
TEST_IN_ROOT(journal_is_unfinished_again)
{
    struct sp_dir dir;
    sp_strv messages = {NULL, 0, 0};
    usual(r);
    assert_ok(f, run(r));
    struct sp_journal journal = history_of(r).journals.items[0];
    assert_ok(f, sp_workdir_transaction(f->pool, &r->workdir, 1, &dir, &f->err));
    journal.state = SP_JOURNAL_APPLYING;
    assert_ok(f, sp_journal_save(f->pool, &dir, &journal, &f->err));
    assert_int_equal(history_of(r).pending.count, 0);
    assert_ok(f, sp_journal_reopen(&dir, &f->err));
    sp_dir_close(&dir);
    assert_int_equal(history_of(r).pending.count, 1);
    assert_ok(f, recover(r, false, &messages));
    assert_old(r);
}

/* Of a finished one nothing has to be recovered. */
TEST_IN_ROOT(damaged_journal_of_a_finished_one)
{
    sp_strv messages = {NULL, 0, 0};
    usual(r);
    assert_ok(f, run(r));
    scratch_puts(f, "var/work/transactions/1/committed.json", "{\"state\": \"committed\"}\n");
    assert_ok(f, recover(r, false, &messages));
    assert_int_equal(messages.count, 0);
    struct sp_history history = history_of(r);
    assert_int_equal(history.journals.count, 1);
    assert_int_equal(history.journals.items[0].record, SP_RECORD_DAMAGED);
    assert_string_equal(sp_history_state(&history, &history.journals.items[0]), "damaged");
    assert_int_equal(history.pending.count, 0);
    assert_int_equal(history.damaged.count, 1);
    assert_int_equal(history.damaged.items[0].id, 1);
    assert_non_null(strstr(history.damaged.items[0].reason, "transactions/1/committed.json"));
    assert_content(f, "lib/a.py", "new a\n");
}

/* ---- the history ---------------------------------------------------------------------------- */

static int read_backup(struct run *r, const char *path, const char *expected,
                       struct sp_bytes *content, struct sp_meta *meta)
{
    struct sp_history history = history_of(r);
    struct sp_blob_id id;
    assert_ok(r->f, sp_blob_hash(SP_BYTES_STR(expected), &id, &r->f->err));
    struct sp_history_entry wanted = {path, &id, content, meta};
    return sp_history_backup(r->f->pool, &history, 1, &wanted, &r->f->err);
}

TEST_IN_ROOT(backup)
{
    struct sp_bytes content;
    struct sp_meta meta;
    usual(r);
    assert_ok(f, run(r));
    assert_ok(f, read_backup(r, "lib/a.py", "old a\n", &content, &meta));
    assert_int_equal(content.len, 6);
    assert_memory_equal(content.data, "old a\n", 6);
    assert_int_equal(meta.mode, 0640);
    assert_int_equal(meta.mtime.tv_sec, 1500000000);
    assert_int_equal(meta.mtime.tv_nsec, 123456789);
    assert_fails(f, read_backup(r, "lib/sub/new.py", "new\n", &content, &meta),
                 SP_ERROR_NEEDS_RECOVERY, "/lib/sub/new.py");
    assert_fails(f, read_backup(r, "lib/a.py", "another\n", &content, &meta),
                 SP_ERROR_NEEDS_RECOVERY, "backup.tar");
}

/* Content of the backup that is not the one in the journal is not returned. */
TEST_IN_ROOT(backup_that_was_altered)
{
    struct sp_bytes content;
    struct sp_meta meta;
    usual(r);
    assert_ok(f, run(r));
    const char *name = "var/work/transactions/1/backup.tar";
    struct sp_bytes tar = scratch_slurp(f, scratch_path(f, name));
    char *copy = sp_pool_memdup(f->pool, tar.data, tar.len);
    char *at = memmem(copy, tar.len, "old a\n", 6);
    assert_non_null(at);
    *at = 'O';
    scratch_write(f, name, copy, tar.len);
    assert_fails(f, read_backup(r, "lib/a.py", "old a\n", &content, &meta), SP_ERROR_NEEDS_RECOVERY,
                 "backup.tar");
}

TEST_IN_ROOT(meta_of_a_content)
{
    const struct sp_meta *meta;
    struct sp_blob_id id;
    usual(r);
    assert_ok(f, run(r));
    struct sp_history history = history_of(r);
    assert_ok(f, sp_blob_hash(SP_BYTES_STR("old a\n"), &id, &f->err));
    assert_ok(f, sp_history_meta(f->pool, &history, "lib/a.py", &id, &meta, &f->err));
    assert_non_null(meta);
    assert_int_equal(meta->mode, 0640);
    assert_ok(f, sp_history_meta(f->pool, &history, "lib/b.py", &id, &meta, &f->err));
    assert_null(meta);
    assert_ok(f, sp_blob_hash(SP_BYTES_STR("new a\n"), &id, &f->err));
    assert_ok(f, sp_history_meta(f->pool, &history, "lib/a.py", &id, &meta, &f->err));
    assert_null(meta);
}

TEST_IN_ROOT(is_reverted)
{
    change(r, "lib/a.py", "old a\n", "new a\n");
    assert_ok(f, run(r));
    r->txn.changes.count = 0;
    r->txn.command = "rollback";
    *SP_PUSH(f->pool, &r->txn.reverts) = 1;
    change(r, "lib/a.py", "new a\n", "old a\n");
    assert_ok(f, run(r));
    struct sp_history history = history_of(r);
    assert_true(sp_history_is_reverted(&history, 1));
    assert_false(sp_history_is_reverted(&history, 2));
    assert_false(sp_history_is_reverted(&history, 3));
    history.journals.items[1].state = SP_JOURNAL_ABORTED; /* a rollback that did not come to pass */
    assert_false(sp_history_is_reverted(&history, 1));
}

static struct timespec at(time_t seconds)
{
    return (struct timespec){.tv_sec = seconds, .tv_nsec = 5};
}

/* Back through all that is ours, as long as nothing else changed the directory in between. */
TEST_IN_DIR(time_of_a_directory)
{
    struct sp_history history = {.workdir = NULL};
    for (unsigned i = 1; i <= 3; i++) {
        struct sp_journal *journal = SP_PUSH(f->pool, &history.journals);
        journal->id = i;
        journal->state = SP_JOURNAL_COMMITTED;
        *SP_PUSH(f->pool, &journal->dirs) =
            (struct sp_journal_dir){"lib", at(10 * i), at(10 * i + 10), 0};
    }
    assert_int_equal(sp_history_dir_time(&history, "lib", at(40), 0).tv_sec, 10);
    assert_int_equal(sp_history_dir_time(&history, "lib", at(40), 1).tv_sec, 10);
    assert_int_equal(sp_history_dir_time(&history, "lib", at(40), 2).tv_sec, 20);
    assert_int_equal(sp_history_dir_time(&history, "lib", at(40), 3).tv_sec, 30);
    assert_int_equal(sp_history_dir_time(&history, "lib", at(40), 4).tv_sec, 40);
    assert_int_equal(sp_history_dir_time(&history, "lib", at(41), 0).tv_sec, 41);
    assert_int_equal(sp_history_dir_time(&history, "lib64", at(40), 0).tv_sec, 40);
    struct timespec other = at(40);
    other.tv_nsec++;
    assert_int_equal(sp_history_dir_time(&history, "lib", other, 0).tv_sec, 40);
    /* changed by something else between 1 and 2 */
    history.journals.items[1].dirs.items[0].before = at(25);
    assert_int_equal(sp_history_dir_time(&history, "lib", at(40), 0).tv_sec, 25);
    /* one that was undone left no trace */
    history.journals.items[2].state = SP_JOURNAL_ABORTED;
    assert_int_equal(sp_history_dir_time(&history, "lib", at(40), 0).tv_sec, 40);
    assert_int_equal(sp_history_dir_time(&history, "lib", at(30), 0).tv_sec, 25);
}
