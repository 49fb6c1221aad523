/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/restart.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "host/process.h"

enum {
    RESTART_SECONDS = 120, /* for systemctl or service to come back */
    VERIFY_TRIES = 60,     /* half a second each, until a new process is there */
    VERIFY_PAUSE = 500     /* milliseconds */
};

/* ---- what is in the way ------------------------------------------------------------------------ */

/* A restart of its unit would not end a process that somebody started in another one: in the scope of a
 * session (pam_systemd(8)), or of another service. */
static const char *find_stranger(struct sp_pool *pool, const struct sp_service *service,
                                 const char *name)
{
    const struct sp_start *start = &service->starts.items[0];
    for (size_t i = 0; i < service->processes.count; i++) {
        const struct sp_service_process *one = &service->processes.items[i];
        if (sp_service_process_is_stale(one) && one->process->unit && !one->start &&
            start->kind == SP_START_UNIT && strcmp(name, sp_service_name(service)) == 0)
            return sp_pool_printf(pool,
                                  "process %u is of '%s', not of '%s.service'; end it, then run: "
                                  "systemctl start %s",
                                  one->process->pid, one->process->unit, start->name, start->name);
    }
    return NULL;
}

const char *sp_restart_obstacle(struct sp_context *context, const struct sp_manager *manager,
                                const struct sp_service *service, const char *name)
{
    const struct sp_start *start = service->starts.items;
    if (service->starts.count == 0 || !start) /* those that were left out are behind the end */
        return "neither a unit nor a script is known that starts it";
    if (start->kind == SP_START_CONTAINER)
        return sp_pool_printf(context->pool, "it is started in the container '%s'; restart that",
                              start->name);
    const char *why = sp_manager_obstacle(context->pool, manager, name, service->program);
    return why ? why : find_stranger(context->pool, service, name);
}

/* ---- restarting -------------------------------------------------------------------------------- */

static const struct sp_service *find_service(const sp_services *services, const char *program)
{
    for (size_t i = 0; i < services->count; i++)
        if (strcmp(services->items[i].program, program) == 0)
            return &services->items[i];
    return NULL;
}

/* A process of one of the units that has loaded the code of today, if none is left that has not; 0. */
static unsigned find_fresh(struct sp_restart *r, const struct sp_service *service,
                           const sp_strv *names)
{
    sp_strv stale = {NULL, 0, 0};
    unsigned pid = 0;
    sp_service_names(r->context->pool, service, true, &stale);
    for (size_t i = 0; i < stale.count; i++)
        if (sp_strv_has(names, stale.items[i]))
            return 0;
    for (size_t i = 0; i < service->processes.count && !pid; i++) {
        const struct sp_service_process *one = &service->processes.items[i];
        if (one->reasons.count == 0 &&
            sp_strv_has(names, one->start ? one->start->name : sp_service_name(service)))
            pid = one->process->pid;
    }
    return pid;
}

/* A new process is there, stays for a moment, and no old one is left. */
static int verify(struct sp_restart *r, const char *program, const sp_strv *names,
                  struct sp_error *err)
{
    unsigned seen = 0;
    for (int i = 0; i < VERIFY_TRIES; i++) {
        sp_services now = {NULL, 0, 0};
        sp_context_forget_running(r->context);
        if (sp_services_find(r->context, r->selection, &now, err) < 0)
            return -1;
        const struct sp_service *one = find_service(&now, program);
        unsigned pid = one ? find_fresh(r, one, names) : 0;
        if (pid && pid == seen)
            return 0;
        seen = pid;
        poll(NULL, 0, VERIFY_PAUSE);
    }
    return sp_error_set(err, SP_ERROR_SYSTEM,
                        "%s was restarted, and no new process of %s is there that stays; look "
                        "into its log",
                        sp_strv_join(r->context->pool, names, ", "), program);
}

static int restart_unit(struct sp_restart *r, const struct sp_manager *manager, const char *name,
                        bool is_unit, struct sp_error *err)
{
    static const struct sp_process_limits limits = {RESTART_SECONDS, false};
    struct sp_context *context = r->context;
    const char *argv[4];
    if (sp_manager_command(context->pool, manager, name, is_unit, argv, err) < 0)
        return -1;
    *SP_PUSH(context->pool, &r->done) = name;
    sp_console_print(context->report, 0, "%s: %s %s %s",
                     context->options->dry_run ? "would run" : "run", argv[0], argv[1], argv[2]);
    if (!context->options->dry_run && sp_process_run_within(argv, &limits, NULL, err) < 0)
        return sp_error_prefix(err, "cannot restart '%s'", name);
    return 0;
}

static int restart_one(struct sp_restart *r, const struct sp_manager *manager,
                       const struct sp_service *service, const sp_strv *names, struct sp_error *err)
{
    bool is_unit = service->starts.count && service->starts.items[0].kind == SP_START_UNIT;
    for (size_t i = 0; i < names->count; i++)
        if (restart_unit(r, manager, names->items[i], is_unit, err) < 0)
            return -1;
    if (r->context->options->dry_run || !names->count)
        return 0;
    if (verify(r, service->program, names, err) < 0)
        return -1;
    for (size_t i = 0; i < names->count; i++)
        sp_console_print(r->context->report, 0, "%s is restarted", names->items[i]);
    return 0;
}

static int check_restart(struct sp_restart *r, struct sp_error *err)
{
    if (r->context->options->root)
        return sp_error_set(err, SP_ERROR_REFUSED,
                            "with --root no service is restarted: it does not run here");
    if (geteuid() != 0 && !r->context->options->dry_run)
        return sp_error_set(err, SP_ERROR_SYSTEM,
                            "services --restart has to be run by root; use sudo, or --dry-run");
    return 0;
}

/* The names of those that can be restarted; of the others the obstacles. */
static void sort_names(struct sp_restart *r, const struct sp_manager *manager,
                       const struct sp_service *service, sp_strv *out)
{
    sp_strv names = {NULL, 0, 0};
    sp_service_names(r->context->pool, service, true, &names);
    for (size_t i = 0; i < names.count; i++) {
        const char *why = sp_restart_obstacle(r->context, manager, service, names.items[i]);
        if (why)
            *SP_PUSH(r->context->pool, &r->obstacles) = (struct sp_obstacle){names.items[i], why};
        else
            *SP_PUSH(r->context->pool, out) = names.items[i];
    }
}

/* One after the other; the first that fails is the last, and the error names those that are left. */
static int restart_all(struct sp_restart *r, const struct sp_manager *manager,
                       const sp_services *services, const sp_strv *names, struct sp_error *err)
{
    SP_CLEANUP_ERROR struct sp_error reason = SP_ERROR_INIT;
    sp_strv left = {NULL, 0, 0};
    size_t i = 0;
    while (i < services->count &&
           restart_one(r, manager, &services->items[i], &names[i], &reason) == 0)
        i++;
    if (i == services->count)
        return 0;
    for (; i < services->count; i++)
        for (size_t j = 0; j < names[i].count; j++)
            if (!sp_strv_has(&r->done, names[i].items[j]))
                *SP_PUSH(r->context->pool, &left) = names[i].items[j];
    return sp_error_set(err, reason.kind, "%s%s%s", reason.message,
                        left.count ? "; still to be restarted: " : "",
                        sp_strv_join(r->context->pool, &left, ", "));
}

int sp_restart_run(struct sp_restart *r, const sp_services *services, struct sp_error *err)
{
    struct sp_context *context = r->context;
    struct sp_manager manager;
    sp_strv *names = sp_pool_calloc(context->pool, services->count + 1, sizeof(*names));
    sp_manager_find(context->pool, &manager);
    if (check_restart(r, err) < 0)
        return -1;
    for (size_t i = 0; i < services->count; i++)
        sort_names(r, &manager, &services->items[i], &names[i]);
    if (restart_all(r, &manager, services, names, err) < 0)
        return -1;
    for (size_t i = r->done.count == 0; i < r->obstacles.count; i++)
        sp_console_warn(context->pool, context->report, "cannot restart '%s': %s",
                        r->obstacles.items[i].name, r->obstacles.items[i].why);
    if (r->done.count == 0 && r->obstacles.count)
        return sp_error_set(err, SP_ERROR_REFUSED, "cannot restart '%s': %s",
                            r->obstacles.items[0].name, r->obstacles.items[0].why);
    if (r->done.count == 0)
        sp_console_print(context->report, 0, "no service needs a restart");
    return 0;
}
