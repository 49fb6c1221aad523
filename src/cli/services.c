/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/services.h"

#include <string.h>

#include "base/cleanup.h"
#include "cli/service_changes.h"
#include "host/accounts.h"
#include "host/lookup.h"
#include "host/running.h"

static bool is_concerned(const struct sp_target *one)
{
    return sp_target_counts(one) && one->detection && one->detection->spec &&
           one->detection->spec->release->support == SP_SUPPORTED;
}

/* ---- the group --------------------------------------------------------------------------------- */

static const char *group_of(const struct sp_context *context)
{
    return context->options->group ? context->options->group : SP_ACCOUNTS_GROUP;
}

static bool has_group(const sp_gids *groups, gid_t gid)
{
    for (size_t i = 0; i < groups->count; i++)
        if (groups->items[i] == gid)
            return true;
    return false;
}

/* A process of that account would have the group if it were started now. */
static bool lacks_group(struct sp_context *context, const struct sp_running *process, gid_t gid)
{
    const struct sp_identity *account = sp_lookup_uid(context->pool, process->uid);
    sp_gids groups = {NULL, 0, 0};
    for (size_t i = 0; i < process->groups.count; i++)
        if (process->groups.items[i] == gid)
            return false;
    return process->uid != 0 && account &&
           sp_lookup_groups(context->pool, &context->root, account, &groups, NULL) == 0 &&
           has_group(&groups, gid);
}

/* ---- processes --------------------------------------------------------------------------------- */

struct search {
    struct sp_context *context;
    const sp_selection *selection; /* NULL: of a transaction */
    const struct sp_transaction *txn;
    sp_strv programs;
    struct sp_tree *tree;      /* of the system */
    struct sp_change *changes; /* to the targets, in their order */
    bool has_group;            /* the service group exists */
    gid_t group;
    struct sp_error *err;
};

/* Of a process that is started with settings of its own; NULL: not known. */
static const struct sp_environment *environment_of_settings(const struct search *f,
                                                            const struct sp_running *process)
{
    const struct sp_environments *all = &f->context->scans.items[0]->environments;
    for (size_t i = 0; i < all->uses.count; i++)
        if (all->uses.items[i].pid == process->pid)
            return all->uses.items[i].environment;
    return NULL;
}

/* The environment that a process runs in; NULL: not known. */
static int find_environment(struct search *f, const struct sp_running *process,
                            const struct sp_environment **out)
{
    struct sp_scan *scan = f->context->scans.count ? f->context->scans.items[0] : NULL;
    const struct sp_identity *account = sp_lookup_uid(f->context->pool, process->uid);
    const char *interpreter;
    *out = NULL;
    if (!scan)
        return 0;
    if (sp_usage_of_process(f->context->pool, scan->tree, process, &interpreter, f->err) < 0)
        return -1;
    if (interpreter && sp_python_settings_matter(&process->settings))
        *out = environment_of_settings(f, process);
    if (!interpreter || sp_python_settings_matter(&process->settings))
        return 0;
    return sp_environment_of(&scan->environments, interpreter, account ? account->name : NULL, out,
                             f->err);
}

/* Whether the process loads that copy. One that finds none in its environment may have a way to it that is
 * not known. */
static bool imports(const struct sp_target *one, const struct sp_environment *environment)
{
    const struct sp_detection *found =
        environment ? sp_scan_import(one->scan, environment, one->name) : NULL;
    return !found || found == one->detection;
}

/* Whether the transaction changed a copy that the process loads. */
static int is_changed(struct search *f, const struct sp_running *process, bool *is)
{
    const struct sp_environment *environment;
    *is = false;
    if (find_environment(f, process, &environment) < 0)
        return -1;
    for (size_t i = 0; i < f->txn->changes.count && !*is; i++) {
        const struct sp_file_change *change = &f->txn->changes.items[i];
        const struct sp_component *spec = sp_services_component(f->context, f->txn, change);
        const struct sp_detection *found =
            environment ? sp_scan_import(f->context->scans.items[0], environment, change->component)
                        : NULL;
        *is = spec && sp_strv_has(&spec->programs, process->program) &&
              (!found || sp_detection_is_at(f->context->pool, found, change->package));
    }
    return 0;
}

/* The latest change to a copy that the process loads. */
static int find_change(struct search *f, const struct sp_running *process, struct sp_change *out)
{
    const struct sp_environment *environment;
    if (find_environment(f, process, &environment) < 0)
        return -1;
    for (size_t i = 0; i < f->selection->count; i++) {
        const struct sp_target *one = &f->selection->items[i];
        if (f->changes[i].path && imports(one, environment) &&
            sp_strv_has(&one->detection->spec->programs, process->program))
            sp_change_merge(out, &f->changes[i]);
    }
    return 0;
}

static void add_reason(struct search *f, struct sp_service_process *one, enum sp_stale_reason kind,
                       const char *text)
{
    *SP_PUSH(f->context->pool, &one->reasons) = (struct sp_service_reason){kind, text};
}

static int find_reasons(struct search *f, struct sp_service_process *one)
{
    struct sp_change latest = {.path = NULL};
    const char *path;
    if (find_change(f, one->process, &latest) < 0)
        return -1;
    switch (sp_change_order(&latest, one->process->since_boot, &path)) {
    case SP_CHANGE_BEFORE:
        break;
    case SP_CHANGE_AFTER:
        add_reason(f, one, SP_STALE_FILES,
                   sp_pool_printf(f->context->pool, "%s was changed after it started", path));
        break;
    case SP_CHANGE_UNKNOWN:
        add_reason(f, one, SP_STALE_UNKNOWN,
                   sp_pool_printf(f->context->pool,
                                  "the clock was set, so it cannot be told whether %s was changed "
                                  "after it started",
                                  path));
    }
    if (f->has_group && lacks_group(f->context, one->process, f->group))
        add_reason(f, one, SP_STALE_GROUP,
                   sp_pool_printf(f->context->pool, "it started without the group %s",
                                  group_of(f->context)));
    return 0;
}

/* Of the ways in which the service is started the one whose unit the process is of; NULL. */
static const struct sp_start *start_of(const struct sp_service *service,
                                       const struct sp_running *process)
{
    for (size_t i = 0; i < service->starts.count; i++)
        if (sp_start_is_unit(&service->starts.items[i], process->unit))
            return &service->starts.items[i];
    return NULL;
}

static int add_process(struct search *f, struct sp_service *service,
                       const struct sp_running *process)
{
    service->unknown |= process->view == SP_RUNNING_UNKNOWN;
    if (process->view == SP_RUNNING_ELSEWHERE)
        *SP_PUSH(f->context->pool, &service->elsewhere) = process;
    if (process->view != SP_RUNNING_HERE)
        return 0;
    bool concerned = true;
    if (f->txn && is_changed(f, process, &concerned) < 0)
        return -1;
    if (!concerned)
        return 0;
    struct sp_service_process *one = SP_PUSH(f->context->pool, &service->processes);
    one->process = process;
    one->start = start_of(service, process);
    one->started = sp_running_started(process);
    return f->selection ? find_reasons(f, one) : 0;
}

/* Fills in the processes of the services. */
static int add_processes(struct search *f, sp_services *services)
{
    const sp_running_list *running = services->count ? sp_context_running(f->context) : NULL;
    for (size_t i = 0; i < services->count; i++)
        for (size_t j = 0; j < running->count; j++)
            if (strcmp(running->items[j].program, services->items[i].program) == 0 &&
                add_process(f, &services->items[i], &running->items[j]) < 0)
                return -1;
    return 0;
}

/* ---- services ---------------------------------------------------------------------------------- */

/* A command that looks at no packages has opened no tree. */
static int find_starts(struct search *f, const char *program, sp_starts *out)
{
    struct sp_context *context = f->context;
    if (context->scans.count)
        f->tree = context->scans.items[0]->tree;
    if (!f->tree &&
        sp_tree_open_root(context->pool, &context->root, context->root.path, &f->tree, f->err) < 0)
        return -1;
    return sp_starts_find(context->pool, f->tree, program, out, f->err);
}

static int add_service(struct search *f, const char *program, sp_services *out)
{
    struct sp_service service = {.program = program};
    bool is_ours = !f->selection;
    for (size_t i = 0; f->selection && i < f->selection->count; i++)
        is_ours |= f->changes[i].path &&
                   sp_strv_has(&f->selection->items[i].detection->spec->programs, program);
    if (!is_ours) /* nothing of ours is, or was, in it */
        return 0;
    if (find_starts(f, program, &service.starts) < 0)
        return -1;
    *SP_PUSH(f->context->pool, out) = service;
    return 0;
}

/* Of the programs whose components are concerned. */
static struct search new_search(struct sp_context *context, const sp_selection *selection,
                                struct sp_error *err)
{
    struct search f = {.context = context, .selection = selection, .err = err};
    f.changes = sp_pool_calloc(context->pool, selection->count + 1, sizeof(*f.changes));
    for (size_t i = 0; i < selection->count; i++) {
        const struct sp_target *one = &selection->items[i];
        if (is_concerned(one))
            sp_strv_add_all_once(context->pool, &f.programs, &one->detection->spec->programs);
    }
    return f;
}

static int find_all(struct search *f, sp_services *out)
{
    struct sp_identity group = {.name = NULL};
    for (size_t i = 0; i < f->programs.count; i++)
        if (add_service(f, f->programs.items[i], out) < 0)
            return -1;
    f->has_group = f->selection && out->count &&
                   sp_lookup_group(f->context->pool, &f->context->root, group_of(f->context),
                                   &group, NULL) == SP_FOUND;
    f->group = (gid_t)group.id;
    return add_processes(f, out);
}

int sp_services_find(struct sp_context *context, const sp_selection *selection, sp_services *out,
                     struct sp_error *err)
{
    struct search f = new_search(context, selection, err);
    for (size_t i = 0; i < selection->count; i++)
        if (is_concerned(&selection->items[i]))
            sp_change_note_target(context, &selection->items[i], &f.changes[i]);
    return find_all(&f, out);
}

/* Of those of which it cannot be told, the first name. */
static void add_names(struct sp_context *context, const sp_services *services, bool stale,
                      sp_strv *out)
{
    for (size_t i = 0; i < services->count; i++) {
        sp_service_names(context->pool, &services->items[i], stale, out);
        if (services->items[i].unknown)
            sp_strv_add_once(context->pool, out, sp_service_name(&services->items[i]));
    }
}

int sp_services_after(struct sp_context *context, const sp_selection *selection, sp_strv *names,
                      struct sp_error *err)
{
    sp_services services = {NULL, 0, 0};
    struct search f = new_search(context, selection, err);
    struct sp_moment now;
    sp_context_forget_running(context); /* some may have ended since */
    clock_gettime(CLOCK_BOOTTIME, &now.least);
    now.most = now.least;
    for (size_t i = 0; i < selection->count; i++)
        if (is_concerned(&selection->items[i]) && sp_plan_changes(&selection->items[i].plan))
            sp_change_note(&f.changes[i], now, selection->items[i].detection->dir);
    if (find_all(&f, &services) < 0)
        return -1;
    add_names(context, &services, true, names);
    return 0;
}

const struct sp_component *sp_services_component(const struct sp_context *context,
                                                 const struct sp_transaction *txn,
                                                 const struct sp_file_change *change)
{
    for (size_t i = 0; i < txn->components.count; i++)
        if (strcmp(txn->components.items[i].name, change->component) == 0)
            return sp_manifests_find(&context->manifests, txn->components.items[i].release,
                                     change->component);
    return NULL;
}

int sp_services_of_transaction(struct sp_context *context, const struct sp_transaction *txn,
                               sp_strv *names, struct sp_error *err)
{
    SP_CLEANUP_ERROR struct sp_error ignored = SP_ERROR_INIT; /* then all that run are named */
    sp_services services = {NULL, 0, 0};
    struct search f = {.context = context, .txn = txn, .err = err};
    for (size_t i = 0; i < txn->changes.count; i++) {
        const struct sp_component *spec =
            sp_services_component(context, txn, &txn->changes.items[i]);
        if (spec)
            sp_strv_add_all_once(context->pool, &f.programs,
                                 context->options->root ? &spec->services : &spec->programs);
    }
    if (context->options->root)
        *names = f.programs;
    if (context->options->root || f.programs.count == 0)
        return 0;
    sp_context_forget_running(context); /* some may have ended since */
    if (!context->scans.count && sp_context_scan(context, &ignored) < 0)
        context->scans.count = 0;
    if (find_all(&f, &services) < 0)
        return -1;
    add_names(context, &services, false, names);
    return 0;
}
