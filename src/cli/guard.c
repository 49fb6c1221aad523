/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/guard.h"

#include <signal.h>
#include <string.h>

#include "host/worker.h"

/* As the worker ended, so that whoever started this sees the same. */
static int end_likewise(int signal_number)
{
    signal(signal_number, SIG_DFL);
    raise(signal_number);
    return 128 + signal_number; /* as shells say it */
}

static void print_reason(struct sp_console *console, const char *tree, const char *reason)
{
    struct sp_error err = SP_ERROR_INIT;
    sp_error_set(&err, SP_ERROR_REFUSED, "%s: %s; it was not read further", tree, reason);
    sp_console_error(console, &err);
    sp_error_clear(&err);
}

static void drop(sp_strv *trees, size_t item)
{
    trees->count--;
    memmove(trees->items + item, trees->items + item + 1,
            (trees->count - item) * sizeof(*trees->items));
}

int sp_guard_trees(struct sp_pool *pool, struct sp_options *options, struct sp_console *console,
                   int *status, struct sp_error *err)
{
    sp_strv *trees = &options->trees;
    if (trees->count == 0)
        return 0;
    *status = 0;
    while (trees->count > 0) {
        struct sp_worker worker;
        struct sp_worker_result result;
        int started = sp_worker_start(&worker, err);
        if (started <= 0)
            return started;
        sp_worker_wait(&worker, pool, &result);
        if (result.end == SP_WORKER_KILLED)
            *status = end_likewise(result.status);
        else if (result.end == SP_WORKER_EXITED && *status == 0)
            *status = result.status;
        if (result.end == SP_WORKER_KILLED || result.end == SP_WORKER_EXITED)
            return 1;
        if (result.end == SP_WORKER_BROKEN)
            print_reason(console, trees->items[result.item], result.reason);
        if (*status == 0)
            *status = result.end == SP_WORKER_BROKEN ? SP_ERROR_REFUSED : result.status;
        drop(trees, result.item);
    }
    return 1;
}
