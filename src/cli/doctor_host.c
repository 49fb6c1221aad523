/* SPDX-License-Identifier: Apache-2.0 */
/* The facts about the host, for doctor: by host/facts.h, and what the scan and the history know. */
#include "cli/cmd.h"
#include "cli/doctor.h"
#include "cli/services.h"
#include "host/accounts.h"
#include "host/facts.h"

/* The reasons why processes of the services are to be restarted. */
static int find_stale(struct sp_context *context, const sp_selection *selection,
                      struct sp_storpool_facts *out, struct sp_error *err)
{
    sp_services services = {NULL, 0, 0};
    if (sp_services_find(context, selection, &services, err) < 0)
        return -1;
    for (size_t i = 0; i < services.count; i++) {
        const struct sp_service *service = &services.items[i];
        out->unknown_processes |= service->unknown;
        for (size_t j = 0; j < service->processes.count; j++)
            for (size_t k = 0; k < service->processes.items[j].reasons.count; k++) {
                const struct sp_service_process *one = &service->processes.items[j];
                *SP_PUSH(context->pool, &out->stale) = (struct sp_stale_process){
                    service->program, one->process->pid, one->reasons.items[k].kind,
                    one->reasons.items[k].text};
            }
    }
    return 0;
}

int sp_examine_host(struct sp_context *context, const sp_selection *selection,
                    const sp_prerequisites *known, struct sp_host_facts *out, struct sp_error *err)
{
    struct sp_storpool_query query = {.root = &context->root,
                                      .tree = context->scans.items[0]->tree,
                                      .proc = "/proc",
                                      .dev = "/dev",
                                      .group = SP_ACCOUNTS_GROUP};
    sp_cmd_add_accounts(context, selection, false, &query.accounts);
    if (sp_host_facts_read(context->pool, &query, out, err) < 0)
        return -1;
    for (size_t i = 0; i < selection->count; i++)
        out->client.wanted |= selection->items[i].plan.integrated;
    if (known) {
        out->client.prerequisites = *known;
        return 0;
    }
    return sp_prerequisites_find(context->pool, selection, &out->client.prerequisites, err) < 0
               ? -1
               : find_stale(context, selection, &out->client, err);
}
