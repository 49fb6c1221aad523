/* SPDX-License-Identifier: Apache-2.0 */
#include "host/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct sp_worker_page {
    size_t item;
    rlim_t processor, memory; /* the limits of the item: seconds, bytes */
    bool failed, short_of_memory;
};

static struct sp_worker_page *page;     /* NULL in a process that is no worker */
static unsigned depth;                  /* how many times an item was entered and not left */
static struct rlimit processor, memory; /* as they were inherited */

/* The signals that end a worker for a fault of its own, or at a limit. */
static const struct {
    int number;
    const char *name;
} endings[] = {{SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"}, {SIGABRT, "SIGABRT"}, {SIGFPE, "SIGFPE"},
               {SIGILL, "SIGILL"},   {SIGSYS, "SIGSYS"}, {SIGTRAP, "SIGTRAP"}, {SIGKILL, "SIGKILL"},
               {SIGXCPU, NULL},      {SIGALRM, NULL}};

/* ---- in the worker ------------------------------------------------------------------------- */

/* An address sanitizer has terabytes mapped. */
#if defined(__SANITIZE_ADDRESS__)
#define LIMITS_MEMORY false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LIMITS_MEMORY false
#endif
#endif
#ifndef LIMITS_MEMORY
#define LIMITS_MEMORY true
#endif

static void out_of_memory(void)
{
    if (page->item == SP_WORKER_NO_ITEM)
        return;
    page->short_of_memory = true;
    _exit(SP_ERROR_REFUSED);
}

/* A caller may have blocked the signals, or ignores them: signal(7), both are inherited. */
static void unblock_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        struct sigaction action;
        sigaddset(&set, endings[i].number);
        if (sigaction(endings[i].number, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
            signal(endings[i].number, SIG_DFL);
    }
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void become_worker(pid_t parent)
{
    static const struct rlimit none = {0, 0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it had ended before */
        _exit(SP_ERROR_SYSTEM);
    setrlimit(RLIMIT_CORE, &none); /* of a file that somebody else made */
    getrlimit(RLIMIT_CPU, &processor);
    getrlimit(RLIMIT_AS, &memory);
    unblock_signals();
    sp_out_of_memory_calls(out_of_memory);
}

static rlim_t least(rlim_t a, rlim_t b) /* RLIM_INFINITY is the largest: getrlimit(2) */
{
    return a < b ? a : b;
}

static void set_soft(int resource, const struct rlimit *inherited, rlim_t wanted)
{
    const struct rlimit limit = {least(wanted, inherited->rlim_cur), inherited->rlim_max};
    setrlimit(resource, &limit);
}

static void set_timer(time_t seconds)
{
    const struct itimerval timer = {.it_value = {.tv_sec = seconds}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

void sp_worker_enter(size_t item)
{
    struct timespec used = {0, 0};
    if (!page || depth++ > 0)
        return;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    rlim_t begun = (rlim_t)used.tv_sec + (used.tv_nsec > 0); /* the limit counts whole seconds */
    rlim_t end = least(begun + SP_WORKER_PROCESSOR, processor.rlim_cur);
    page->processor = end > begun ? end - begun : 1;
    page->memory = least(SP_WORKER_MEMORY, memory.rlim_cur);
    page->item = item;
    set_soft(RLIMIT_CPU, &processor, end);
    if (LIMITS_MEMORY)
        set_soft(RLIMIT_AS, &memory, SP_WORKER_MEMORY);
    set_timer(SP_WORKER_ELAPSED);
}

void sp_worker_leave(void)
{
    if (!page || --depth > 0)
        return;
    set_timer(0);
    set_soft(RLIMIT_CPU, &processor, RLIM_INFINITY);
    if (LIMITS_MEMORY)
        set_soft(RLIMIT_AS, &memory, RLIM_INFINITY);
    page->item = SP_WORKER_NO_ITEM;
}

void sp_worker_leave_all(void)
{
    depth = 1;
    sp_worker_leave();
}

void sp_worker_fail(void)
{
    if (!page)
        return;
    page->failed = page->item != SP_WORKER_NO_ITEM;
    set_timer(0); /* from here on it only speaks */
}

/* ---- in the process that waits ------------------------------------------------------------- */

int sp_worker_start(struct sp_worker *out, struct sp_error *err)
{
    out->page =
        mmap(NULL, sizeof(*out->page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (out->page == MAP_FAILED)
        return sp_error_errno(err, errno, "cannot share memory with a process");
    out->page->item = SP_WORKER_NO_ITEM;
    pid_t parent = getpid();
    out->pid = fork();
    if (out->pid < 0) {
        int saved = errno;
        munmap(out->page, sizeof(*out->page));
        return sp_error_errno(err, saved, "cannot start a process");
    }
    if (out->pid > 0)
        return 1;
    page = out->page;
    depth = 0;
    become_worker(parent);
    return 0;
}

/* Why a worker broke; NULL when it did not. */
static const char *reason_of(struct sp_pool *pool, const struct sp_worker_page *seen, int status)
{
    if (seen->short_of_memory)
        return sp_pool_printf(pool, "reading it took more than %llu MiB of memory",
                              (unsigned long long)seen->memory >> 20);
    if (!WIFSIGNALED(status) || seen->item == SP_WORKER_NO_ITEM)
        return NULL;
    if (WTERMSIG(status) == SIGXCPU)
        return sp_pool_printf(pool, "reading it took more than %llu seconds of processor time",
                              (unsigned long long)seen->processor);
    if (WTERMSIG(status) == SIGALRM)
        return sp_pool_printf(pool, "reading it took more than %d seconds", SP_WORKER_ELAPSED);
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
        if (endings[i].number == WTERMSIG(status))
            return sp_pool_printf(pool, "reading it ended in a crash (%s)", endings[i].name);
    return NULL;
}

void sp_worker_wait(struct sp_worker *worker, struct sp_pool *pool, struct sp_worker_result *out)
{
    int status = 0;
    while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
        ;
    memset(out, 0, sizeof(*out));
    out->item = worker->page->item;
    out->status = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    out->reason = reason_of(pool, worker->page, status);
    out->end = out->reason            ? SP_WORKER_BROKEN
               : WIFSIGNALED(status)  ? SP_WORKER_KILLED
               : worker->page->failed ? SP_WORKER_FAILED
                                      : SP_WORKER_EXITED;
    munmap(worker->page, sizeof(*worker->page));
    worker->page = NULL;
}
