/* SPDX-License-Identifier: Apache-2.0 */
/* The work directory and its lock.
 *
 * Each test has an empty root directory, the scratch directory, and makes the work directory in it,
 * mostly as "/work". The tests of the lock fork: the child tries to take the lock that the parent
 * holds, with a descriptor of its own, and returns the result as its exit status. */
#include "txn/workdir.h"

#include <signal.h>
#include <sys/wait.h>

#include "fs/lock.h"
#include "fs/root.h"
#include "scratch.h"

struct place {
    struct fixture *f;
    struct sp_root root;
    struct sp_workdir workdir;
};

static void open_place(struct fixture *f)
{
    struct place *p = f->own = sp_pool_alloc(f->pool, sizeof(*p));
    p->f = f;
    assert_ok(f, sp_root_open(f->dir, &p->root, &f->err));
}

static void close_place(struct fixture *f)
{
    struct place *p = f->own;
    sp_workdir_close(&p->workdir);
    sp_root_close(&p->root);
}

#define TEST_IN_ROOT(name) TEST_IN_DIR_WITH(name, struct place *p, open_place, close_place)

static int lock(struct place *p, const char *path)
{
    return sp_workdir_lock(p->f->pool, &p->root, path, &p->workdir, &p->f->err);
}

static mode_t mode_of(struct place *p, const char *name)
{
    struct stat st;
    if (lstat(scratch_path(p->f, name), &st) < 0)
        return 0;
    return st.st_mode & 07777;
}

TEST_IN_ROOT(made_when_it_is_missing)
{
    mode_t old = umask(0);
    assert_ok(f, lock(p, "var/lib/work"));
    umask(old);
    assert_int_equal(mode_of(p, "var"), 0755);
    assert_int_equal(mode_of(p, "var/lib"), 0755);
    assert_int_equal(mode_of(p, "var/lib/work"), 0700);
    assert_int_equal(mode_of(p, "var/lib/work/transactions"), 0700);
    assert_int_equal(mode_of(p, "var/lib/work/work"), 0700);
    assert_int_equal(mode_of(p, "var/lib/work/lock"), 0600);
    assert_true(p->workdir.dir.fd >= 0 && p->workdir.lock >= 0 && p->workdir.transactions.fd >= 0 &&
                p->workdir.staging.fd >= 0);
    assert_string_equal(p->workdir.dir.shown, scratch_path(f, "var/lib/work"));
    sp_workdir_close(&p->workdir);
    assert_int_equal(p->workdir.lock, -1);
    assert_int_equal(p->workdir.dir.fd, -1);
}

TEST_IN_ROOT(reading_makes_nothing)
{
    bool unreadable = true;
    sp_ids ids = {NULL, 0, 0};
    assert_ok(f, sp_workdir_open(f->pool, &p->root, "work", &p->workdir, &unreadable, &f->err));
    assert_int_equal(p->workdir.dir.fd, -1);
    assert_false(unreadable);
    assert_ok(f, sp_workdir_ids(f->pool, &p->workdir, &ids, NULL, &f->err));
    assert_int_equal(ids.count, 0);
    assert_int_equal(mode_of(p, "work"), 0);
}

TEST_IN_ROOT(link_in_its_place)
{
    scratch_mkdir(f, "other", 0700);
    scratch_symlink(f, "other", "work");
    assert_int_equal(lock(p, "work"), -1);
    assert_non_null(strstr(f->err.message, "/work"));
    sp_error_clear(&f->err);
    assert_int_equal(mode_of(p, "other/lock"), 0);
    /* on the way to it, a link is the administrator's */
    assert_ok(f, lock(p, "work/deeper"));
    assert_int_equal(mode_of(p, "other/deeper"), 0700);
}

TEST_IN_ROOT(not_a_directory)
{
    scratch_puts(f, "work", "");
    assert_int_equal(lock(p, "work"), -1);
    assert_non_null(strstr(f->err.message, "/work"));
    sp_error_clear(&f->err);
    assert_fails(f, sp_workdir_open(f->pool, &p->root, "work", &p->workdir, NULL, &f->err),
                 SP_ERROR_REFUSED, "/work");
}

TEST_IN_ROOT(what_others_could_change)
{
    static const mode_t bad[] = {0720, 0702, 0777, 01777};
    scratch_mkdir(f, "work", 0700);
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(chmod(scratch_path(f, "work"), bad[i]), 0);
        assert_fails(f, lock(p, "work"), SP_ERROR_REFUSED, "chmod 0700");
    }
    assert_int_equal(chmod(scratch_path(f, "work"), 0755), 0); /* reading is no danger */
    assert_ok(f, lock(p, "work"));
}

TEST_IN_ROOT(another_owner)
{
    if (geteuid() != 0)
        skip();
    scratch_mkdir(f, "work", 0700);
    assert_int_equal(chown(scratch_path(f, "work"), 1234, 1234), 0);
    assert_fails(f, lock(p, "work"), SP_ERROR_SYSTEM, "user 1234");
}

TEST_IN_ROOT(numbers)
{
    sp_ids ids = {NULL, 0, 0};
    static const char *const names[] = {"10", "2",  "1",  "99999999",  "0",  "01",
                                        "x",  "1x", "-1", "100000000", " 3", "1.0"};
    assert_ok(f, lock(p, "work"));
    for (size_t i = 0; i < COUNT(names); i++)
        assert_int_equal(mkdirat(p->workdir.transactions.fd, names[i], 0700), 0);
    scratch_puts(f, "work/transactions/4", "a file");
    assert_ok(f, sp_workdir_ids(f->pool, &p->workdir, &ids, NULL, &f->err));
    assert_int_equal(ids.count, 4);
    static const unsigned expected[] = {1, 2, 10, 99999999};
    for (size_t i = 0; i < ids.count; i++)
        assert_int_equal(ids.items[i], expected[i]);
}

/* An administrator's copy may have a date for its name: what is not made here is no transaction. */
TEST_IN_ROOT(directory_of_somebody_else)
{
    struct sp_dir dir;
    sp_ids ids = {NULL, 0, 0};
    unsigned id = 20261125;
    assert_ok(f, lock(p, "work"));
    scratch_mkdir(f, "work/transactions/20261125", 0700);
    scratch_puts(f, "work/transactions/20261125/backup.tar", "");
    assert_ok(f, sp_workdir_ids(f->pool, &p->workdir, &ids, NULL, &f->err));
    assert_int_equal(ids.count, 1); /* the beginning of one */
    scratch_puts(f, "work/transactions/20261125/notes", "");
    ids.count = 0;
    assert_ok(f, sp_workdir_ids(f->pool, &p->workdir, &ids, NULL, &f->err));
    assert_int_equal(ids.count, 0);
    /* and it is not used for a new one */
    assert_ok(f, sp_workdir_new_transaction(f->pool, &p->workdir, &id, &dir, &f->err));
    assert_int_equal(id, 20261126);
    sp_dir_close(&dir);
    scratch_puts(f, "work/transactions/20261125/aborted.json", "");
    ids.count = 0;
    assert_ok(f, sp_workdir_ids(f->pool, &p->workdir, &ids, NULL, &f->err));
    assert_int_equal(ids.count, 2); /* with a journal it is one, whatever else is in it */
}

/* What is not made here stays, by whatever name, and is in nobody's way. */
TEST_IN_ROOT(staging_of_somebody_else)
{
    sp_ids ids = {NULL, 0, 0};
    assert_ok(f, lock(p, "work"));
    scratch_puts(f, "work/work/note", "");
    scratch_puts(f, "work/work/4", "");
    scratch_mkdir(f, "work/work/keep", 0700);
    scratch_mkdir(f, "work/work/3", 0700);
    assert_ok(f, sp_workdir_staged_ids(f->pool, &p->workdir, &ids, &f->err));
    assert_int_equal(ids.count, 1);
    assert_int_equal(ids.items[0], 3);
}

/* It is private also where there is no root of its own: SECURITY.md, "Permissions". */
TEST_IN_ROOT(private_without_a_root)
{
    struct sp_root system;
    assert_ok(f, sp_root_open("/", &system, &f->err));
    mode_t old = umask(0);
    assert_ok(f, sp_workdir_lock(f->pool, &system, scratch_path(f, "deep/er/work"), &p->workdir,
                                 &f->err));
    umask(old);
    assert_int_equal(mode_of(p, "deep/er"), 0755);
    assert_int_equal(mode_of(p, "deep/er/work"), 0700);
    sp_root_close(&system);
}

/* All commands give the same answer. */
TEST_IN_ROOT(reading_through_a_link)
{
    scratch_mkdir(f, "other", 0700);
    scratch_symlink(f, "other", "work");
    assert_fails(f, sp_workdir_open(f->pool, &p->root, "work", &p->workdir, NULL, &f->err),
                 SP_ERROR_REFUSED, "symbolic link");
    assert_fails(f, lock(p, "work"), SP_ERROR_REFUSED, "symbolic link");
}

TEST_IN_ROOT(transaction_directory)
{
    struct sp_dir dir;
    unsigned id = 5;
    assert_ok(f, lock(p, "work"));
    assert_int_equal(sp_workdir_transaction(f->pool, &p->workdir, 5, &dir, &f->err), -1);
    sp_error_clear(&f->err);
    assert_ok(f, sp_workdir_new_transaction(f->pool, &p->workdir, &id, &dir, &f->err));
    sp_dir_close(&dir);
    assert_int_equal(mode_of(p, "work/transactions/5"), 0700);
    scratch_puts(f, "work/transactions/5/backup.tar", "x");
    assert_ok(f, sp_workdir_drop(&p->workdir, 5, &f->err));
    assert_int_equal(mode_of(p, "work/transactions/5"), 0);
    assert_ok(f, sp_workdir_drop(&p->workdir, 5, &f->err));
    scratch_symlink(f, "/", "work/transactions/6");
    assert_int_equal(sp_workdir_transaction(f->pool, &p->workdir, 6, &dir, &f->err), -1);
    assert_string_equal(sp_workdir_show(f->pool, &p->workdir, "transactions", 6),
                        scratch_path(f, "work/transactions/6"));
}

TEST_IN_ROOT(staging)
{
    struct sp_bytes back;
    assert_ok(f, lock(p, "work"));
    static const char *const paths[] = {"usr/lib/a.py", "usr/lib/b.py", "c.py"};
    for (size_t i = 0; i < COUNT(paths); i++)
        assert_ok(f, sp_workdir_stage(f->pool, &p->workdir, 3, paths[i], SP_BYTES_STR(paths[i]),
                                      &f->err));
    for (size_t i = 0; i < COUNT(paths); i++) {
        assert_ok(f, sp_workdir_staged(f->pool, &p->workdir, 3, paths[i], &back, &f->err));
        assert_string_equal(back.data, paths[i]);
    }
    assert_int_equal(mode_of(p, "work/work/3/usr/lib/a.py"), 0600);
    assert_int_equal(sp_workdir_staged(f->pool, &p->workdir, 3, "usr/lib/none", &back, &f->err),
                     -1);
    sp_error_clear(&f->err);
    /* never over something that is there */
    assert_int_equal(
        sp_workdir_stage(f->pool, &p->workdir, 3, "c.py", SP_BYTES_STR("new"), &f->err), -1);
    sp_error_clear(&f->err);
    assert_ok(f, sp_workdir_unstage(&p->workdir, 3, &f->err));
    assert_int_equal(mode_of(p, "work/work/3"), 0);
    assert_ok(f, sp_workdir_unstage(&p->workdir, 3, &f->err));
}

/* A link that was planted in the staging directory is not followed. */
TEST_IN_ROOT(staging_follows_no_link)
{
    struct sp_bytes back;
    assert_ok(f, lock(p, "work"));
    scratch_mkdir(f, "elsewhere", 0700);
    scratch_mkdir(f, "work/work/3", 0700);
    scratch_symlink(f, "/elsewhere", "work/work/3/usr");
    assert_int_equal(
        sp_workdir_stage(f->pool, &p->workdir, 3, "usr/a.py", SP_BYTES_STR("x"), &f->err), -1);
    sp_error_clear(&f->err);
    assert_int_equal(mode_of(p, "elsewhere/a.py"), 0);
    scratch_puts(f, "elsewhere/a.py", "secret");
    assert_int_equal(sp_workdir_staged(f->pool, &p->workdir, 3, "usr/a.py", &back, &f->err), -1);
}

/* ---- the lock ------------------------------------------------------------------------------- */

/* What another process gets when it tries: 0, or the kind of the error; the message says who. */
static int status_of_another(struct place *p, pid_t holder)
{
    pid_t child = fork();
    if (child == 0) {
        struct sp_workdir workdir;
        int rc = sp_workdir_lock(p->f->pool, &p->root, "work", &workdir, &p->f->err);
        const char *who = sp_pool_printf(p->f->pool, "process %ld", (long)holder);
        if (rc < 0 && !strstr(p->f->err.message, who))
            _exit(99);
        _exit(rc < 0 ? (int)p->f->err.kind : 0);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_IN_ROOT(lock)
{
    assert_ok(f, lock(p, "work"));
    assert_int_equal(status_of_another(p, getpid()), SP_ERROR_SYSTEM);
    assert_int_equal(status_of_another(p, getpid()), SP_ERROR_SYSTEM); /* trying breaks nothing */
    sp_workdir_close(&p->workdir);
    assert_int_equal(status_of_another(p, 0), 0);
    assert_ok(f, lock(p, "work")); /* it goes with the process */
}

TEST_IN_ROOT(reading_is_not_kept_out)
{
    struct sp_workdir reader;
    assert_ok(f, lock(p, "work"));
    assert_ok(f, sp_workdir_open(f->pool, &p->root, "work", &reader, NULL, &f->err));
    assert_true(reader.transactions.fd >= 0);
    sp_workdir_close(&reader);
    assert_int_equal(status_of_another(p, getpid()), SP_ERROR_SYSTEM); /* still held */
}

TEST_IN_ROOT(lock_that_is_no_file)
{
    scratch_mkdir(f, "work", 0700);
    assert_int_equal(mkfifo(scratch_path(f, "work/lock"), 0600), 0);
    assert_fails(f, lock(p, "work"), SP_ERROR_REFUSED, "/work/lock");
    scratch_unlink(f, "work/lock");
    scratch_puts(f, "target", "");
    scratch_symlink(f, "../target", "work/lock");
    assert_int_equal(lock(p, "work"), -1);
    assert_non_null(strstr(f->err.message, "/work/lock"));
}
