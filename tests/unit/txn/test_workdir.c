/* SPDX-License-Identifier: Apache-2.0 */
/* The work directory and its lock. */
#include "txn/workdir.h"

#include <signal.h>
#include <sys/wait.h>

#include "fs/lock.h"
#include "fs/root.h"
#include "scratch.h"

struct place {
    struct scratch *s;
    struct sp_root root;
    struct sp_workdir workdir;
};

static void open_place(void **state, struct place *p)
{
    memset(p, 0, sizeof(*p));
    p->s = *state;
    assert_ok(p->s, sp_root_open(p->s->dir, &p->root, &p->s->err));
}

static void close_place(struct place *p)
{
    sp_workdir_close(&p->workdir);
    sp_root_close(&p->root);
}

static int lock(struct place *p, const char *path)
{
    return sp_workdir_lock(p->s->pool, &p->root, path, &p->workdir, &p->s->err);
}

static mode_t mode_of(struct place *p, const char *name)
{
    struct stat st;
    if (lstat(scratch_path(p->s, name), &st) < 0)
        return 0;
    return st.st_mode & 07777;
}

static void test_made_when_it_is_missing(void **state)
{
    struct place p;
    open_place(state, &p);
    mode_t old = umask(0);
    assert_ok(p.s, lock(&p, "var/lib/work"));
    umask(old);
    assert_int_equal(mode_of(&p, "var"), 0755);
    assert_int_equal(mode_of(&p, "var/lib"), 0755);
    assert_int_equal(mode_of(&p, "var/lib/work"), 0700);
    assert_int_equal(mode_of(&p, "var/lib/work/transactions"), 0700);
    assert_int_equal(mode_of(&p, "var/lib/work/work"), 0700);
    assert_int_equal(mode_of(&p, "var/lib/work/lock"), 0600);
    assert_true(p.workdir.dir.fd >= 0 && p.workdir.lock >= 0 && p.workdir.transactions.fd >= 0 &&
                p.workdir.staging.fd >= 0);
    assert_string_equal(p.workdir.dir.shown, scratch_path(p.s, "var/lib/work"));
    close_place(&p);
    assert_int_equal(p.workdir.lock, -1);
    assert_int_equal(p.workdir.dir.fd, -1);
}

static void test_reading_makes_nothing(void **state)
{
    struct place p;
    bool unreadable = true;
    sp_ids ids = {NULL, 0, 0};
    open_place(state, &p);
    assert_ok(p.s, sp_workdir_open(p.s->pool, &p.root, "work", &p.workdir, &unreadable, &p.s->err));
    assert_int_equal(p.workdir.dir.fd, -1);
    assert_false(unreadable);
    assert_ok(p.s, sp_workdir_ids(p.s->pool, &p.workdir, &ids, &p.s->err));
    assert_int_equal(ids.count, 0);
    assert_int_equal(mode_of(&p, "work"), 0);
    close_place(&p);
}

static void test_link_in_its_place(void **state)
{
    struct place p;
    open_place(state, &p);
    scratch_mkdir(p.s, "other", 0700);
    scratch_symlink(p.s, "other", "work");
    assert_int_equal(lock(&p, "work"), -1);
    assert_non_null(strstr(p.s->err.message, "/work"));
    sp_error_clear(&p.s->err);
    assert_int_equal(mode_of(&p, "other/lock"), 0);
    /* on the way to it, a link is the administrator's */
    assert_ok(p.s, lock(&p, "work/deeper"));
    assert_int_equal(mode_of(&p, "other/deeper"), 0700);
    close_place(&p);
}

static void test_not_a_directory(void **state)
{
    struct place p;
    open_place(state, &p);
    scratch_puts(p.s, "work", "");
    assert_int_equal(lock(&p, "work"), -1);
    assert_non_null(strstr(p.s->err.message, "/work"));
    sp_error_clear(&p.s->err);
    assert_fails(p.s, sp_workdir_open(p.s->pool, &p.root, "work", &p.workdir, NULL, &p.s->err),
                 SP_ERROR_REFUSED, "/work");
    close_place(&p);
}

static void test_what_others_could_change(void **state)
{
    struct place p;
    static const mode_t bad[] = {0720, 0702, 0777, 01777};
    open_place(state, &p);
    scratch_mkdir(p.s, "work", 0700);
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(chmod(scratch_path(p.s, "work"), bad[i]), 0);
        assert_fails(p.s, lock(&p, "work"), SP_ERROR_REFUSED, "chmod 0700");
    }
    assert_int_equal(chmod(scratch_path(p.s, "work"), 0755), 0); /* reading is no danger */
    assert_ok(p.s, lock(&p, "work"));
    close_place(&p);
}

static void test_another_owner(void **state)
{
    struct place p;
    if (geteuid() != 0)
        skip();
    open_place(state, &p);
    scratch_mkdir(p.s, "work", 0700);
    assert_int_equal(chown(scratch_path(p.s, "work"), 1234, 1234), 0);
    assert_fails(p.s, lock(&p, "work"), SP_ERROR_SYSTEM, "user 1234");
    close_place(&p);
}

static void test_numbers(void **state)
{
    struct place p;
    sp_ids ids = {NULL, 0, 0};
    static const char *const names[] = {"10", "2",  "1",  "99999999",  "0",  "01",
                                        "x",  "1x", "-1", "100000000", " 3", "1.0"};
    open_place(state, &p);
    assert_ok(p.s, lock(&p, "work"));
    for (size_t i = 0; i < COUNT(names); i++)
        assert_int_equal(mkdirat(p.workdir.transactions.fd, names[i], 0700), 0);
    scratch_puts(p.s, "work/transactions/4", "a file");
    assert_ok(p.s, sp_workdir_ids(p.s->pool, &p.workdir, &ids, &p.s->err));
    assert_int_equal(ids.count, 4);
    static const unsigned expected[] = {1, 2, 10, 99999999};
    for (size_t i = 0; i < ids.count; i++)
        assert_int_equal(ids.items[i], expected[i]);
    close_place(&p);
}

/* An administrator's copy may have a date for its name: what is not made here is no transaction. */
static void test_directory_of_somebody_else(void **state)
{
    struct place p;
    struct sp_dir dir;
    sp_ids ids = {NULL, 0, 0};
    unsigned id = 20261125;
    open_place(state, &p);
    assert_ok(p.s, lock(&p, "work"));
    scratch_mkdir(p.s, "work/transactions/20261125", 0700);
    scratch_puts(p.s, "work/transactions/20261125/backup.tar", "");
    assert_ok(p.s, sp_workdir_ids(p.s->pool, &p.workdir, &ids, &p.s->err));
    assert_int_equal(ids.count, 1); /* the beginning of one */
    scratch_puts(p.s, "work/transactions/20261125/notes", "");
    ids.count = 0;
    assert_ok(p.s, sp_workdir_ids(p.s->pool, &p.workdir, &ids, &p.s->err));
    assert_int_equal(ids.count, 0);
    /* and it is not used for a new one */
    assert_ok(p.s, sp_workdir_new_transaction(p.s->pool, &p.workdir, &id, &dir, &p.s->err));
    assert_int_equal(id, 20261126);
    sp_dir_close(&dir);
    scratch_puts(p.s, "work/transactions/20261125/journal.yaml", "");
    ids.count = 0;
    assert_ok(p.s, sp_workdir_ids(p.s->pool, &p.workdir, &ids, &p.s->err));
    assert_int_equal(ids.count, 2); /* with a journal it is one, whatever else is in it */
    close_place(&p);
}

/* What is not made here stays, by whatever name, and is in nobody's way. */
static void test_staging_of_somebody_else(void **state)
{
    struct place p;
    sp_ids ids = {NULL, 0, 0};
    open_place(state, &p);
    assert_ok(p.s, lock(&p, "work"));
    scratch_puts(p.s, "work/work/note", "");
    scratch_puts(p.s, "work/work/4", "");
    scratch_mkdir(p.s, "work/work/keep", 0700);
    scratch_mkdir(p.s, "work/work/3", 0700);
    assert_ok(p.s, sp_workdir_staged_ids(p.s->pool, &p.workdir, &ids, &p.s->err));
    assert_int_equal(ids.count, 1);
    assert_int_equal(ids.items[0], 3);
    close_place(&p);
}

/* It is private also where there is no root of its own: SECURITY.md, "Permissions". */
static void test_private_without_a_root(void **state)
{
    struct place p;
    open_place(state, &p);
    struct sp_root system;
    assert_ok(p.s, sp_root_open("/", &system, &p.s->err));
    mode_t old = umask(0);
    assert_ok(p.s, sp_workdir_lock(p.s->pool, &system, scratch_path(p.s, "deep/er/work"),
                                   &p.workdir, &p.s->err));
    umask(old);
    assert_int_equal(mode_of(&p, "deep/er"), 0755);
    assert_int_equal(mode_of(&p, "deep/er/work"), 0700);
    sp_root_close(&system);
    close_place(&p);
}

/* All commands give the same answer. */
static void test_reading_through_a_link(void **state)
{
    struct place p;
    open_place(state, &p);
    scratch_mkdir(p.s, "other", 0700);
    scratch_symlink(p.s, "other", "work");
    assert_fails(p.s, sp_workdir_open(p.s->pool, &p.root, "work", &p.workdir, NULL, &p.s->err),
                 SP_ERROR_REFUSED, "symbolic link");
    assert_fails(p.s, lock(&p, "work"), SP_ERROR_REFUSED, "symbolic link");
    close_place(&p);
}

static void test_transaction_directory(void **state)
{
    struct place p;
    struct sp_dir dir;
    unsigned id = 5;
    open_place(state, &p);
    assert_ok(p.s, lock(&p, "work"));
    assert_int_equal(sp_workdir_transaction(p.s->pool, &p.workdir, 5, &dir, &p.s->err), -1);
    sp_error_clear(&p.s->err);
    assert_ok(p.s, sp_workdir_new_transaction(p.s->pool, &p.workdir, &id, &dir, &p.s->err));
    sp_dir_close(&dir);
    assert_int_equal(mode_of(&p, "work/transactions/5"), 0700);
    scratch_puts(p.s, "work/transactions/5/backup.tar", "x");
    assert_ok(p.s, sp_workdir_drop(&p.workdir, 5, &p.s->err));
    assert_int_equal(mode_of(&p, "work/transactions/5"), 0);
    assert_ok(p.s, sp_workdir_drop(&p.workdir, 5, &p.s->err));
    scratch_symlink(p.s, "/", "work/transactions/6");
    assert_int_equal(sp_workdir_transaction(p.s->pool, &p.workdir, 6, &dir, &p.s->err), -1);
    assert_string_equal(sp_workdir_show(p.s->pool, &p.workdir, "transactions", 6),
                        scratch_path(p.s, "work/transactions/6"));
    close_place(&p);
}

static void test_staging(void **state)
{
    struct place p;
    struct sp_bytes back;
    open_place(state, &p);
    assert_ok(p.s, lock(&p, "work"));
    static const char *const paths[] = {"usr/lib/a.py", "usr/lib/b.py", "c.py"};
    for (size_t i = 0; i < COUNT(paths); i++)
        assert_ok(p.s, sp_workdir_stage(p.s->pool, &p.workdir, 3, paths[i], SP_BYTES_STR(paths[i]),
                                        &p.s->err));
    for (size_t i = 0; i < COUNT(paths); i++) {
        assert_ok(p.s, sp_workdir_staged(p.s->pool, &p.workdir, 3, paths[i], &back, &p.s->err));
        assert_string_equal(back.data, paths[i]);
    }
    assert_int_equal(mode_of(&p, "work/work/3/usr/lib/a.py"), 0600);
    assert_int_equal(sp_workdir_staged(p.s->pool, &p.workdir, 3, "usr/lib/none", &back, &p.s->err),
                     -1);
    sp_error_clear(&p.s->err);
    /* never over something that is there */
    assert_int_equal(
        sp_workdir_stage(p.s->pool, &p.workdir, 3, "c.py", SP_BYTES_STR("new"), &p.s->err), -1);
    sp_error_clear(&p.s->err);
    assert_ok(p.s, sp_workdir_unstage(&p.workdir, 3, &p.s->err));
    assert_int_equal(mode_of(&p, "work/work/3"), 0);
    assert_ok(p.s, sp_workdir_unstage(&p.workdir, 3, &p.s->err));
    close_place(&p);
}

/* A link that was planted in the staging directory is not followed. */
static void test_staging_follows_no_link(void **state)
{
    struct place p;
    struct sp_bytes back;
    open_place(state, &p);
    assert_ok(p.s, lock(&p, "work"));
    scratch_mkdir(p.s, "elsewhere", 0700);
    scratch_mkdir(p.s, "work/work/3", 0700);
    scratch_symlink(p.s, "/elsewhere", "work/work/3/usr");
    assert_int_equal(
        sp_workdir_stage(p.s->pool, &p.workdir, 3, "usr/a.py", SP_BYTES_STR("x"), &p.s->err), -1);
    sp_error_clear(&p.s->err);
    assert_int_equal(mode_of(&p, "elsewhere/a.py"), 0);
    scratch_puts(p.s, "elsewhere/a.py", "secret");
    assert_int_equal(sp_workdir_staged(p.s->pool, &p.workdir, 3, "usr/a.py", &back, &p.s->err), -1);
    close_place(&p);
}

/* ---- the lock ---------------------------------------------------------------------------------
 */

/* What another process gets when it tries: 0, or the kind of the error; the message says who. */
static int status_of_another(struct place *p, pid_t holder)
{
    pid_t child = fork();
    if (child == 0) {
        struct sp_workdir workdir;
        int rc = sp_workdir_lock(p->s->pool, &p->root, "work", &workdir, &p->s->err);
        const char *who = sp_pool_printf(p->s->pool, "process %ld", (long)holder);
        if (rc < 0 && !strstr(p->s->err.message, who))
            _exit(99);
        _exit(rc < 0 ? (int)p->s->err.kind : 0);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_lock(void **state)
{
    struct place p;
    open_place(state, &p);
    assert_ok(p.s, lock(&p, "work"));
    assert_int_equal(status_of_another(&p, getpid()), SP_ERROR_SYSTEM);
    assert_int_equal(status_of_another(&p, getpid()), SP_ERROR_SYSTEM); /* trying breaks nothing */
    sp_workdir_close(&p.workdir);
    assert_int_equal(status_of_another(&p, 0), 0);
    assert_ok(p.s, lock(&p, "work")); /* it goes with the process */
    close_place(&p);
}

static void test_reading_is_not_kept_out(void **state)
{
    struct place p;
    struct sp_workdir reader;
    open_place(state, &p);
    assert_ok(p.s, lock(&p, "work"));
    assert_ok(p.s, sp_workdir_open(p.s->pool, &p.root, "work", &reader, NULL, &p.s->err));
    assert_true(reader.transactions.fd >= 0);
    sp_workdir_close(&reader);
    assert_int_equal(status_of_another(&p, getpid()), SP_ERROR_SYSTEM); /* still held */
    close_place(&p);
}

static void test_lock_that_is_no_file(void **state)
{
    struct place p;
    open_place(state, &p);
    scratch_mkdir(p.s, "work", 0700);
    assert_int_equal(mkfifo(scratch_path(p.s, "work/lock"), 0600), 0);
    assert_fails(p.s, lock(&p, "work"), SP_ERROR_REFUSED, "/work/lock");
    scratch_unlink(p.s, "work/lock");
    scratch_puts(p.s, "target", "");
    scratch_symlink(p.s, "../target", "work/lock");
    assert_int_equal(lock(&p, "work"), -1);
    assert_non_null(strstr(p.s->err.message, "/work/lock"));
    close_place(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_made_when_it_is_missing),
        SCRATCH_TEST(test_reading_makes_nothing),
        SCRATCH_TEST(test_link_in_its_place),
        SCRATCH_TEST(test_not_a_directory),
        SCRATCH_TEST(test_what_others_could_change),
        SCRATCH_TEST(test_another_owner),
        SCRATCH_TEST(test_numbers),
        SCRATCH_TEST(test_directory_of_somebody_else),
        SCRATCH_TEST(test_staging_of_somebody_else),
        SCRATCH_TEST(test_private_without_a_root),
        SCRATCH_TEST(test_reading_through_a_link),
        SCRATCH_TEST(test_transaction_directory),
        SCRATCH_TEST(test_staging),
        SCRATCH_TEST(test_staging_follows_no_link),
        SCRATCH_TEST(test_lock),
        SCRATCH_TEST(test_reading_is_not_kept_out),
        SCRATCH_TEST(test_lock_that_is_no_file),
    };
    return cmocka_run_group_tests_name("workdir", tests, NULL, NULL);
}
