/* SPDX-License-Identifier: Apache-2.0 */
/* The states of services, and the names by which they are restarted. */
#include <string.h>

#include "cli/services.h"
#include "host/manager.h"

bool sp_service_process_is_stale(const struct sp_service_process *process)
{
    for (size_t i = 0; i < process->reasons.count; i++)
        if (process->reasons.items[i].kind != SP_STALE_UNKNOWN)
            return true;
    return false;
}

enum sp_service_state sp_service_state(const struct sp_service *service)
{
    bool unknown = service->unknown;
    for (size_t i = 0; i < service->processes.count; i++) {
        if (sp_service_process_is_stale(&service->processes.items[i]))
            return SP_SERVICE_STALE;
        unknown |= service->processes.items[i].reasons.count > 0;
    }
    return unknown                    ? SP_SERVICE_UNKNOWN
           : service->processes.count ? SP_SERVICE_FRESH
           : service->elsewhere.count ? SP_SERVICE_ELSEWHERE
                                      : SP_SERVICE_IDLE;
}

const char *sp_service_state_name(enum sp_service_state state)
{
    static const char *const names[] = {[SP_SERVICE_FRESH] = "up-to-date",
                                        [SP_SERVICE_STALE] = "needs-restart",
                                        [SP_SERVICE_IDLE] = "not-running",
                                        [SP_SERVICE_ELSEWHERE] = "in-a-container",
                                        [SP_SERVICE_UNKNOWN] = "unknown"};
    return names[state];
}

const char *sp_service_name(const struct sp_service *service)
{
    for (size_t i = 0; i < service->processes.count; i++)
        if (service->processes.items[i].start)
            return service->processes.items[i].start->name;
    return service->starts.count ? service->starts.items[0].name : service->program;
}

void sp_service_names(struct sp_pool *pool, const struct sp_service *service, bool stale,
                      sp_strv *out)
{
    for (size_t i = 0; i < service->processes.count; i++) {
        const struct sp_service_process *one = &service->processes.items[i];
        const char *name = one->start ? one->start->name : sp_service_name(service);
        if (!stale || sp_service_process_is_stale(one))
            sp_strv_add_once(pool, out, name);
    }
}

/* "systemctl restart a b", "service a restart; service b restart". */
static const char *command_for(struct sp_pool *pool, const sp_strv *names)
{
    struct sp_manager manager;
    sp_strv commands = {NULL, 0, 0};
    sp_manager_find(pool, &manager);
    if (manager.systemd)
        return sp_pool_printf(pool, "systemctl restart %s", sp_strv_join(pool, names, " "));
    for (size_t i = 0; i < names->count; i++)
        *SP_PUSH(pool, &commands) = sp_pool_printf(pool, "service %s restart", names->items[i]);
    return sp_strv_join(pool, &commands, "; ");
}

void sp_services_print_restart(struct sp_context *context, const sp_strv *names)
{
    if (names->count && context->options->root)
        sp_console_print(context->report, 0,
                         "restart those of these services that run on this host: %s",
                         sp_strv_join(context->pool, names, ", "));
    else if (names->count)
        sp_console_print(context->report, 0,
                         "to restart the services that run the old code, run: %s",
                         command_for(context->pool, names));
}
