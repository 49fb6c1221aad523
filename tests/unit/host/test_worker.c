/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/worker.h"

static volatile unsigned sink;

static void do_nothing(void)
{
}

static void crash(void)
{
    signal(SIGSEGV, SIG_DFL); /* cmocka's handler is none of a worker's */
    raise(SIGSEGV);
}

static void spin(void)
{
    for (;;)
        sink++;
}

static void eat_memory(void)
{
    for (;;)
        memset(sp_xmalloc(64 << 20), 1, 64 << 20);
}

static void give_up(void)
{
    sp_worker_fail();
}

static void end_by_a_signal(void)
{
    raise(SIGTERM);
}

/* What becomes of a worker that does the item 7, and then `after` outside of it. */
static struct sp_worker_result result_of(struct fixture *f, void (*inside)(void),
                                         void (*after)(void))
{
    struct sp_worker worker;
    struct sp_worker_result result;
    int started = sp_worker_start(&worker, &f->err);
    if (started == 0) {
        sp_worker_enter(7);
        inside();
        if (inside != give_up)
            sp_worker_leave();
        after();
        _exit(9);
    }
    assert_int_equal(started, 1);
    sp_worker_wait(&worker, f->pool, &result);
    return result;
}

TEST(exit_status)
{
    struct sp_worker_result result = result_of(f, do_nothing, do_nothing);
    assert_int_equal(result.end, SP_WORKER_EXITED);
    assert_int_equal(result.status, 9);
}

TEST(failure_of_an_item)
{
    struct sp_worker_result result = result_of(f, give_up, do_nothing);
    assert_int_equal(result.end, SP_WORKER_FAILED);
    assert_int_equal(result.item, 7);
    assert_int_equal(result.status, 9);
    /* the same after the item is the command's */
    assert_int_equal(result_of(f, do_nothing, give_up).end, SP_WORKER_EXITED);
}

TEST(crash)
{
    struct sp_worker_result result = result_of(f, crash, do_nothing);
    assert_int_equal(result.end, SP_WORKER_BROKEN);
    assert_int_equal(result.item, 7);
    assert_string_equal(result.reason, "reading it ended in a crash (SIGSEGV)");
    result = result_of(f, do_nothing, crash);
    assert_int_equal(result.end, SP_WORKER_KILLED);
    assert_int_equal(result.status, SIGSEGV);
}

TEST(other_signals)
{
    struct sp_worker_result result = result_of(f, end_by_a_signal, do_nothing);
    assert_int_equal(result.end, SP_WORKER_KILLED);
    assert_int_equal(result.status, SIGTERM);
}

/* A caller that ignores and blocks the signals of the limits does not switch them off. */
TEST(processor_time)
{
    struct rlimit before, low;
    struct rusage used;
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGXCPU);
    assert_int_equal(getrusage(RUSAGE_SELF, &used), 0);
    assert_int_equal(getrlimit(RLIMIT_CPU, &before), 0);
    low =
        (struct rlimit){(rlim_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + 3, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_CPU, &low), 0);
    assert_int_equal(sigprocmask(SIG_BLOCK, &set, &old), 0);
    signal(SIGXCPU, SIG_IGN);
    struct sp_worker_result result = result_of(f, spin, do_nothing);
    signal(SIGXCPU, SIG_DFL);
    assert_int_equal(sigprocmask(SIG_SETMASK, &old, NULL), 0);
    assert_int_equal(setrlimit(RLIMIT_CPU, &before), 0);
    assert_int_equal(result.end, SP_WORKER_BROKEN);
    assert_int_equal(result.item, 7);
    assert_non_null(strstr(result.reason, "seconds of processor time"));
}

TEST(memory)
{
#ifdef __SANITIZE_ADDRESS__
    skip(); /* terabytes are mapped */
#else
    struct sp_worker_result result = result_of(f, eat_memory, do_nothing);
    assert_int_equal(result.end, SP_WORKER_BROKEN);
    assert_string_equal(result.reason, "reading it took more than 1024 MiB of memory");
#endif
}

/* In a process that is no worker nothing is limited. */
TEST(no_worker)
{
    struct rlimit before, after;
    assert_int_equal(getrlimit(RLIMIT_CPU, &before), 0);
    sp_worker_enter(1);
    assert_int_equal(getrlimit(RLIMIT_CPU, &after), 0);
    assert_int_equal(before.rlim_cur, after.rlim_cur);
    sp_worker_fail();
    sp_worker_leave();
}
