/* SPDX-License-Identifier: Apache-2.0 */
/* Many items that are worked on in several processes, each under the limits of host/worker.h. An
 * item on which a process breaks costs its own result, and a new process goes on with the rest. */
#ifndef SP_WORKERS_H
#define SP_WORKERS_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/pool.h"

/* The result of an item. */
struct sp_workers_result {
    size_t item;
    struct sp_bytes bytes; /* those that run() added */
    const char *broken; /* NULL, or why there are none: "reading it ended in a crash (SIGSEGV)" */
};

struct sp_workers {
    size_t count; /* of the items, which are 0 to count - 1 */
    size_t jobs;  /* processes at a time, at least 1 */
    void *data;   /* for both functions */
    /* In a process of its own: works on the item, and adds its result to *out. */
    void (*run)(void *data, size_t item, struct sp_buffer *out);
    /* In the calling process, once for each item, in their order and as early as that allows. The
     * result is valid during the call. */
    void (*done)(void *data, const struct sp_workers_result *result);
};

/* Runs them all. SP_ERROR_SYSTEM: a process could not be started, or was ended by a signal that has
 * nothing to do with its item; some items have no result then. No process is left behind. */
int sp_workers_run(const struct sp_workers *workers, struct sp_error *err) SP_MUST_CHECK;

/* The number of processors that this process may use, at least 1: sched_getaffinity(2). */
size_t sp_workers_processors(void);

#endif
