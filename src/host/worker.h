/* SPDX-License-Identifier: Apache-2.0 */
/* A process that does work which may hang, crash or eat memory - it reads untrusted
 * files with large libraries - under limits, and is watched by the process that started it.
 *
 * The worker does one item after another and says so by sp_worker_enter() and sp_worker_leave(); in
 * between the limits hold. A worker that reaches one is ended by the kernel: it needs no handler,
 * and whatever state a library is in does not matter. The other process waits for the end, and has
 * the sentence that tells it. They share a page of memory, which the kernel keeps. */
#ifndef SP_WORKER_H
#define SP_WORKER_H

#include <sys/types.h>

#include "base/error.h"
#include "base/pool.h"

/* For each item. Where the caller's own limits are lower, they hold. */
#define SP_WORKER_PROCESSOR 20                /* seconds of processor time */
#define SP_WORKER_ELAPSED   60                /* seconds by the clock */
#define SP_WORKER_MEMORY    ((size_t)1 << 30) /* bytes of address space of the whole process */

#define SP_WORKER_NO_ITEM SIZE_MAX

struct sp_worker_page; /* what both processes see */

struct sp_worker {
    pid_t pid;
    struct sp_worker_page *page;
};

enum sp_worker_end {
    SP_WORKER_EXITED, /* by itself */
    SP_WORKER_FAILED, /* by itself, after sp_worker_fail(): it has said why */
    SP_WORKER_BROKEN, /* by a limit or a crash in the middle of an item */
    SP_WORKER_KILLED  /* by a signal that has nothing to do with an item */
};

/* How a worker ended. */
struct sp_worker_result {
    enum sp_worker_end end;
    int status;         /* the exit status, or of SP_WORKER_KILLED the signal */
    size_t item;        /* of SP_WORKER_FAILED and SP_WORKER_BROKEN */
    const char *reason; /* of SP_WORKER_BROKEN: "reading it took more than ..."; of the pool */
};

/* Starts one, as fork(2): 0 in the worker, 1 in the process that goes on, -1 with *err set. The
 * worker does not outlive it. */
int sp_worker_start(struct sp_worker *out, struct sp_error *err) SP_MUST_CHECK;

/* Waits until the worker has ended. */
void sp_worker_wait(struct sp_worker *worker, struct sp_pool *pool, struct sp_worker_result *out);

/* In a worker; elsewhere they do nothing. Inside an item a further one is part of it. */
void sp_worker_enter(size_t item);
void sp_worker_leave(void);
/* Leaves the item with all that was entered in it and, after an error, not left. */
void sp_worker_leave_all(void);
/* Before it ends with an error: when that is an item's, since it was not left, the result is
 * SP_WORKER_FAILED. */
void sp_worker_fail(void);

#endif
