/* SPDX-License-Identifier: Apache-2.0 */
/* services: which services run, which need a restart, and restarting those. */
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/invocation.h"
#include "cli/cmd.h"
#include "cli/output_json.h"
#include "cli/prepare.h"
#include "cli/services.h"
#include "host/manager.h"
#include "host/process.h"

enum {
    RESTART_SECONDS = 120, /* for systemctl or service to come back */
    VERIFY_TRIES = 60,     /* half a second each, until a new process is there */
    VERIFY_PAUSE = 500     /* milliseconds */
};

/* ---- output ------------------------------------------------------------------------------------ */

static void print_reasons(struct sp_context *context, const struct sp_service *service)
{
    for (size_t i = 0; i < service->processes.count; i++) {
        const struct sp_service_process *one = &service->processes.items[i];
        for (size_t k = 0; k < one->reasons.count; k++)
            sp_console_print(context->report, 0, "process %u of %s: %s", one->process->pid,
                             service->program, one->reasons.items[k].text);
    }
    for (size_t i = 0; i < service->elsewhere.count; i++) {
        const struct sp_running *one = service->elsewhere.items[i];
        sp_console_print(context->report, 0, "process %u of %s is in %s, and has files of its own",
                         one->pid, service->program,
                         one->container
                             ? sp_pool_printf(context->pool, "the container '%s'", one->container)
                             : "a container or a chroot");
    }
}

static void print_services(struct sp_context *context, const sp_services *services)
{
    struct sp_table table = {.columns = 5, .toned_column = 2};
    const char *head[] = {"PROGRAM", "SERVICE", "STATE", "PROCESS", "STARTED"};
    sp_table_row(context->pool, &table, SP_TONE_NONE, head);
    for (size_t i = 0; i < services->count; i++) {
        const struct sp_service *one = &services->items[i];
        enum sp_service_state state = sp_service_state(one);
        size_t rows = one->processes.count ? one->processes.count : 1;
        for (size_t j = 0; j < rows; j++) {
            const struct sp_service_process *process =
                one->processes.count ? &one->processes.items[j] : NULL;
            if (process)
                state = sp_service_process_is_stale(process) ? SP_SERVICE_STALE
                        : process->reasons.count             ? SP_SERVICE_UNKNOWN
                                                             : SP_SERVICE_FRESH;
            const char *row[] = {
                one->program, one->starts.count ? sp_service_name(one) : NULL,
                context->options->root ? "not-looked-at" : sp_service_state_name(state),
                process ? sp_pool_printf(context->pool, "%u", process->process->pid) : NULL,
                process ? sp_journal_format_time(context->pool, process->started.tv_sec) : NULL};
            sp_table_row(context->pool, &table,
                         state == SP_SERVICE_FRESH   ? SP_TONE_GOOD
                         : state == SP_SERVICE_STALE ? SP_TONE_OPEN
                                                     : SP_TONE_NONE,
                         row);
        }
    }
    sp_table_print(context->report, &table);
    for (size_t i = 0; i < services->count; i++)
        print_reasons(context, &services->items[i]);
}

static void put_process(struct sp_json *json, struct sp_context *context,
                        const struct sp_service_process *one)
{
    sp_json_object(json);
    sp_json_key(json, "pid");
    sp_json_number(json, one->process->pid);
    sp_json_pair(json, "service", one->start ? one->start->name : NULL);
    sp_json_pair(json, "started", sp_journal_format_time(context->pool, one->started.tv_sec));
    sp_json_key(json, "needs_restart");
    sp_json_bool(json, sp_service_process_is_stale(one));
    sp_strv reasons = {NULL, 0, 0};
    for (size_t i = 0; i < one->reasons.count; i++)
        *SP_PUSH(context->pool, &reasons) = one->reasons.items[i].text;
    sp_output_strings(json, "reasons", &reasons);
    sp_json_end_object(json);
}

/* Their names or ids, as far as they are known. */
static void put_containers(struct sp_json *json, struct sp_context *context,
                           const struct sp_service *one)
{
    sp_strv names = {NULL, 0, 0};
    for (size_t i = 0; i < one->elsewhere.count; i++) {
        const char *name = one->elsewhere.items[i]->container;
        if (name)
            sp_strv_add_once(context->pool, &names, name);
    }
    sp_output_strings(json, "containers", &names);
}

static bool is_stale(const struct sp_service *service)
{
    return sp_service_state(service) == SP_SERVICE_STALE;
}

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

/* Why the unit or script of that name is not restarted; NULL: it may be. */
static const char *obstacle_of(struct sp_context *context, const struct sp_manager *manager,
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

/* Of the units that need a restart, or else of the first one. */
static const char *find_obstacle(struct sp_context *context, const struct sp_manager *manager,
                                 const struct sp_service *service)
{
    sp_strv names = {NULL, 0, 0};
    const char *why = NULL;
    sp_service_names(context->pool, service, true, &names);
    if (names.count == 0)
        *SP_PUSH(context->pool, &names) = sp_service_name(service);
    for (size_t i = 0; i < names.count && !why; i++)
        why = obstacle_of(context, manager, service, names.items[i]);
    return why;
}

static void put_services(struct sp_context *context, const sp_services *services,
                         const sp_strv *restarted)
{
    struct sp_manager manager;
    sp_manager_find(context->pool, &manager);
    struct sp_buffer buf = SP_BUFFER_INIT;
    struct sp_json json;
    sp_output_begin(&json, &buf, "services");
    sp_json_key(&json, "services");
    sp_json_array(&json);
    for (size_t i = 0; i < services->count; i++) {
        const struct sp_service *one = &services->items[i];
        const struct sp_start *start = one->starts.count ? &one->starts.items[0] : NULL;
        sp_json_object(&json);
        sp_json_pair(&json, "program", one->program);
        sp_json_pair(&json, "service", start ? start->name : NULL);
        sp_json_pair(&json, "path",
                     start ? sp_root_show(&context->root, context->pool, start->path) : NULL);
        sp_json_pair(&json, "state",
                     context->options->root ? NULL : sp_service_state_name(sp_service_state(one)));
        sp_json_pair(&json, "obstacle",
                     context->options->root ? NULL : find_obstacle(context, &manager, one));
        sp_json_key(&json, "processes");
        sp_json_array(&json);
        for (size_t j = 0; j < one->processes.count; j++)
            put_process(&json, context, &one->processes.items[j]);
        sp_json_end_array(&json);
        put_containers(&json, context, one);
        sp_json_end_object(&json);
    }
    sp_json_end_array(&json);
    if (context->options->restart)
        sp_output_strings(&json, context->options->dry_run ? "would_restart" : "restarted",
                          restarted);
    sp_output_end(&json, context);
}

/* ---- restarting -------------------------------------------------------------------------------- */

struct obstacle {
    const char *name, *why;
};

struct restart {
    struct sp_context *context;
    const sp_selection *selection;
    SP_VEC(struct obstacle) obstacles;
    sp_strv done;
};

static const struct sp_service *find_service(const sp_services *services, const char *program)
{
    for (size_t i = 0; i < services->count; i++)
        if (strcmp(services->items[i].program, program) == 0)
            return &services->items[i];
    return NULL;
}

/* A process of one of the units that has loaded the code of today, if none is left that has not; 0. */
static unsigned find_fresh(struct restart *r, const struct sp_service *service,
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
static int verify(struct restart *r, const char *program, const sp_strv *names,
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

static int restart_unit(struct restart *r, const struct sp_manager *manager, const char *name,
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

static int restart_one(struct restart *r, const struct sp_manager *manager,
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

static int check_restart(struct restart *r, struct sp_error *err)
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
static void sort_names(struct restart *r, const struct sp_manager *manager,
                       const struct sp_service *service, sp_strv *out)
{
    sp_strv names = {NULL, 0, 0};
    sp_service_names(r->context->pool, service, true, &names);
    for (size_t i = 0; i < names.count; i++) {
        const char *why = obstacle_of(r->context, manager, service, names.items[i]);
        if (why)
            *SP_PUSH(r->context->pool, &r->obstacles) = (struct obstacle){names.items[i], why};
        else
            *SP_PUSH(r->context->pool, out) = names.items[i];
    }
}

/* Those that nobody else has to restart; all are looked at before the first. The others are named: each in
 * a warning, or, if none was restarted, the first as the error. */
static int restart(struct restart *r, const sp_services *services, struct sp_error *err)
{
    struct sp_context *context = r->context;
    struct sp_manager manager;
    sp_strv *names = sp_pool_calloc(context->pool, services->count + 1, sizeof(*names));
    sp_manager_find(context->pool, &manager);
    if (check_restart(r, err) < 0)
        return -1;
    for (size_t i = 0; i < services->count; i++)
        sort_names(r, &manager, &services->items[i], &names[i]);
    for (size_t i = 0; i < services->count; i++)
        if (restart_one(r, &manager, &services->items[i], &names[i], err) < 0)
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

/* ---- the command ------------------------------------------------------------------------------- */

static int status_of(struct sp_context *context, const sp_services *services, struct sp_error *err)
{
    int status = SP_ERROR_NONE;
    for (size_t i = 0; i < services->count; i++) {
        if (services->items[i].unknown && !is_stale(&services->items[i]))
            return sp_error_set(err, SP_ERROR_SYSTEM,
                                "you may not look at the processes of %s; run this as root",
                                services->items[i].program);
        if (is_stale(&services->items[i]) ||
            sp_service_state(&services->items[i]) == SP_SERVICE_UNKNOWN)
            status = SP_ERROR_INCOMPLETE;
    }
    return context->work->pending ? SP_ERROR_NEEDS_RECOVERY : status;
}

int sp_cmd_services(struct sp_context *context, struct sp_error *err)
{
    sp_selection selection = {NULL, 0, 0};
    sp_services services = {NULL, 0, 0};
    if (sp_context_select(context, SP_SELECT_REPORT, &selection, err) < 0 ||
        sp_context_plan(context, &selection, SP_GOAL_INSTALL, err) < 0 ||
        sp_services_find(context, &selection, &services, err) < 0)
        return -1;
    struct restart r = {.context = context, .selection = &selection};
    if (!context->options->restart && !context->report->json && services.count)
        print_services(context, &services);
    if (context->options->root)
        sp_console_print(context->report, 0, "processes cannot be looked at with --root");
    if (services.count == 0)
        sp_console_print(context->report, 0, "nothing is integrated, so no service is concerned");
    if (context->options->restart && context->work->pending)
        return sp_error_set(err, SP_ERROR_NEEDS_RECOVERY,
                            "a transaction was interrupted; before a restart, run: %s recover",
                            sp_invocation());
    if (context->options->restart && restart(&r, &services, err) < 0)
        return -1;
    if (context->report->json)
        put_services(context, &services, &r.done);
    if (context->options->restart)
        return r.obstacles.count ? SP_ERROR_INCOMPLETE : SP_ERROR_NONE;
    return status_of(context, &services, err);
}
