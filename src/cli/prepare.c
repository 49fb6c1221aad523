/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/prepare.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/invocation.h"
#include "txn/pending.h"

/* For a command that waits for locks: how long, and how often it tries. Milliseconds. */
enum {
    WAIT_MAX = 30000,
    WAIT_STEP = 100
};

static int check_user(struct sp_context *context, struct sp_error *err)
{
    const char *name = context->options->command->name;
    if (geteuid() == 0 || context->options->dry_run)
        return 0;
    return sp_error_set(err, SP_ERROR_SYSTEM, "%s has to be run by root; use sudo, or --dry-run",
                        name);
}

/* ---- the work directory ---------------------------------------------------------------------- */

static int load_history(struct sp_context *context, struct sp_error *err)
{
    struct sp_work *work = context->work;
    if (sp_history_load(context->pool, &work->dir, &work->history, err) < 0)
        return -1;
    work->pending = work->history.pending.count > 0;
    return 0;
}

static int open_work_dir(struct sp_context *context, bool must_read, struct sp_error *err)
{
    struct sp_work *work = context->work;
    bool unreadable = false;
    if (sp_workdir_open(context->pool, &context->root, context->work_dir, &work->dir, &unreadable,
                        err) < 0)
        return -1;
    work->exists = true; /* to be closed */
    if (unreadable && must_read)
        return sp_error_set(err, SP_ERROR_SYSTEM,
                            "you may not read the work directory %s; run this as root",
                            work->dir.dir.shown);
    return load_history(context, err);
}

/* A finished transaction whose journal cannot be read concerns only those who want to undo it. */
static void warn_damaged(struct sp_context *context)
{
    const struct sp_work *work = context->work;
    for (size_t i = 0; i < work->history.damaged.count; i++)
        sp_console_warn(context->pool, context->report, "%s",
                        work->history.damaged.items[i].reason);
}

static void warn_pending(struct sp_context *context)
{
    sp_console_warn(context->pool, context->report,
                    "transaction %u was interrupted, and its files may be half changed; run: %s "
                    "recover",
                    context->work->history.pending.items[0], sp_invocation());
}

static const struct sp_recover_failure *failure_of(const struct sp_work *work, unsigned id)
{
    for (size_t i = 0; i < work->recovered.failures.count; i++)
        if (work->recovered.failures.items[i].id == id)
            return &work->recovered.failures.items[i];
    return NULL;
}

int sp_prepare_find_pending(struct sp_context *context, const sp_strv *dirs, struct sp_error *err)
{
    const struct sp_work *work = context->work;
    for (size_t i = 0; work->pending && i < work->history.pending.count; i++) {
        unsigned id = work->history.pending.items[i];
        const struct sp_recover_failure *failure = failure_of(work, id);
        if (!sp_pending_concerns(context->pool, &work->history, id, dirs))
            continue;
        if (failure)
            return sp_error_set(err, failure->kind, "%s", failure->message);
        return sp_error_set(err, SP_ERROR_NEEDS_RECOVERY,
                            "transaction %u was interrupted, and has to be recovered before a plan "
                            "can be made; run: %s recover",
                            id, sp_invocation());
    }
    return 0;
}

int sp_prepare_check_pending(struct sp_context *context, const sp_strv *dirs, struct sp_error *err)
{
    const struct sp_work *work = context->work;
    if (sp_prepare_find_pending(context, dirs, err) < 0)
        return -1;
    for (size_t i = 0; i < work->recovered.failures.count; i++)
        sp_console_warn(context->pool, context->report, "%s",
                        work->recovered.failures.items[i].message);
    return 0;
}

/* A transaction that cannot be recovered is in the way of its own packages only. */
static int recover(struct sp_context *context, struct sp_error *err)
{
    struct sp_work *work = context->work;
    struct sp_error reason = SP_ERROR_INIT;
    int rc = sp_recover(context->pool, &work->dir, false, &work->recovered, &reason);
    if (rc < 0 && work->recovered.failures.count == 0)
        sp_error_set(err, reason.kind, "%s", reason.message);
    else
        rc = 0;
    sp_error_clear(&reason);
    for (size_t i = 0; i < work->recovered.messages.count; i++)
        sp_console_warn(context->pool, context->report, "%s", work->recovered.messages.items[i]);
    return rc;
}

bool sp_prepare_wait(struct sp_context *context, const struct sp_error *held)
{
    struct sp_work *work = context->work;
    const struct timespec moment = {0, WAIT_STEP * 1000000L};
    if (held->errnum != EAGAIN || !(context->options->command->needs & SP_NEEDS_WAIT) ||
        work->waited >= WAIT_MAX)
        return false;
    if (work->waited == 0)
        sp_console_print(context->report, 0, "%s; waiting, up to %d seconds", held->message,
                         WAIT_MAX / 1000);
    nanosleep(&moment, NULL); /* cut short by a signal: then it is tried earlier */
    work->waited += WAIT_STEP;
    return true;
}

static int take_lock(struct sp_context *context, struct sp_error *err)
{
    for (;;) {
        SP_CLEANUP_ERROR struct sp_error reason = SP_ERROR_INIT;
        if (sp_workdir_lock(context->pool, &context->root, context->work_dir, &context->work->dir,
                            &reason) == 0)
            return 0;
        if (!sp_prepare_wait(context, &reason))
            return sp_error_set(err, reason.kind, "%s", reason.message);
    }
}

int sp_prepare_lock(struct sp_context *context, struct sp_error *err)
{
    struct sp_work *work = context->work;
    if (work->locked)
        return 0;
    if (work->exists)
        sp_workdir_close(&work->dir);
    work->exists = false;
    if (take_lock(context, err) < 0)
        return -1;
    work->exists = work->locked = true;
    return 0;
}

/* Locks a work directory that is there; one that is missing is created by the first change. */
static int lock_work_dir(struct sp_context *context, unsigned needs, struct sp_error *err)
{
    struct sp_work *work = context->work;
    bool unreadable = false;
    if ((context->options->force && /* of recover */
         sp_workdir_repair(context->pool, &context->root, context->work_dir,
                           &work->recovered.messages, err) < 0) ||
        sp_workdir_open(context->pool, &context->root, context->work_dir, &work->dir, &unreadable,
                        err) < 0)
        return -1;
    bool there = work->dir.dir.fd >= 0 || unreadable;
    sp_workdir_close(&work->dir);
    if (!there)
        return 0;
    if (sp_prepare_lock(context, err) < 0)
        return -1;
    if (needs & SP_NEEDS_RECOVERED)
        return recover(context, err) < 0 ? -1 : load_history(context, err);
    return 0;
}

/* The process that works on the transaction that looks interrupted; 0: none. One that has ended since the
 * history was read has left another history: that one counts. */
static int find_holder(struct sp_context *context, pid_t *holder, struct sp_error *err)
{
    struct sp_work *work = context->work;
    *holder = work->pending ? sp_workdir_holder(&work->dir) : 0;
    if (!work->pending || *holder)
        return 0;
    if (load_history(context, err) < 0)
        return -1;
    *holder = work->pending ? sp_workdir_holder(&work->dir) : 0;
    return 0;
}

static int prepare_work_dir(struct sp_context *context, unsigned needs, struct sp_error *err)
{
    bool changes = needs & SP_NEEDS_LOCK;
    if (context->options->trees.count ||
        !(needs & (SP_NEEDS_WORK_DIR | SP_NEEDS_HISTORY | SP_NEEDS_LOCK)))
        return 0;
    if (changes && !context->options->dry_run)
        return lock_work_dir(context, needs, err);
    if (open_work_dir(context, needs & SP_NEEDS_HISTORY, err) < 0)
        return -1;
    pid_t holder;
    if (find_holder(context, &holder, err) < 0)
        return -1;
    if (holder) { /* not interrupted, but under way */
        sp_console_warn(context->pool, context->report,
                        "transaction %u is under way (process %ld); files may change meanwhile",
                        context->work->history.pending.items[0], (long)holder);
        context->work->pending = false;
    }
    if (context->work->pending)
        warn_pending(context);
    if (needs & SP_NEEDS_HISTORY)
        warn_damaged(context);
    return 0;
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* The accounts come from the manifests of the components that are found, unless they were named;
 * the group and the directory are set up on a host with a broken data directory, too. */
static int prepare_accounts(struct sp_context *context, struct sp_error *err)
{
    struct sp_error unread = SP_ERROR_INIT;
    if (context->options->users.count)
        return 0;
    if (sp_context_load_manifests(context, &unread) == 0)
        return sp_context_scan(context, err);
    sp_console_warn(context->pool, context->report,
                    "%s; the accounts are taken from the names of the components", unread.message);
    sp_error_clear(&unread);
    return 0;
}

int sp_prepare_look(struct sp_context *context, struct sp_error *err)
{
    return open_work_dir(context, true, err);
}

int sp_prepare_rest(struct sp_context *context, struct sp_error *err)
{
    unsigned needs = context->options->command->needs;
    if (context->work->exists)
        sp_workdir_close(&context->work->dir);
    context->work->exists = false;
    if (needs & SP_NEEDS_MANIFESTS && context->manifests.components.count == 0 &&
        sp_context_load_manifests(context, err) < 0)
        return -1;
    if (prepare_work_dir(context, needs, err) < 0)
        return -1;
    if (needs & SP_NEEDS_SCAN && sp_context_scan(context, err) < 0)
        return -1;
    return needs & SP_NEEDS_ACCOUNTS ? prepare_accounts(context, err) : 0;
}

int sp_prepare(struct sp_pool *pool, const struct sp_options *options, struct sp_console *console,
               struct sp_context *out, struct sp_error *err)
{
    unsigned needs = options->command->needs;
    sp_context_init(pool, options, console, out);
    out->work = sp_pool_alloc(pool, sizeof(*out->work));
    if (needs & SP_NEEDS_SUPERUSER && check_user(out, err) < 0)
        return -1;
    if (needs & SP_NEEDS_ROOT && sp_context_open(out, err) < 0)
        return -1;
    return needs & SP_NEEDS_LATER ? 0 : sp_prepare_rest(out, err);
}

void sp_prepare_close(struct sp_context *context)
{
    if (context->work->exists)
        sp_workdir_close(&context->work->dir);
    sp_context_close(context);
}
