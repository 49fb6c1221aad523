/* SPDX-License-Identifier: Apache-2.0 */
/* services: which services run, which need a restart, and restarting those. */
#include "base/invocation.h"
#include "cli/cmd.h"
#include "cli/output_json.h"
#include "cli/prepare.h"
#include "cli/restart.h"

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
        why = sp_restart_obstacle(context, manager, service, names.items[i]);
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
    struct sp_restart r = {.context = context, .selection = &selection};
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
    if (context->options->restart && sp_restart_run(&r, &services, err) < 0)
        return -1;
    if (context->report->json)
        put_services(context, &services, &r.done);
    if (context->options->restart)
        return r.obstacles.count ? SP_ERROR_INCOMPLETE : SP_ERROR_NONE;
    return status_of(context, &services, err);
}
