/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/services.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/prepare.h"
#include "fs/resolve.h"
#include "host/accounts.h"
#include "host/manager.h"
#include "host/running.h"

enum {
    RECORD_MAX = 1 << 20, /* bytes of one entry of a group or account */
    GROUPS_MAX = 4096
};

static bool is_later(struct timespec a, struct timespec b)
{
    return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

static void note_change(struct sp_service_change *latest, struct timespec time, const char *path)
{
    if (!latest->path || is_later(time, latest->time))
        *latest = (struct sp_service_change){time, path};
}

/* ---- what we changed, and when ----------------------------------------------------------------- */

/* A file's status changes when it is renamed into place, whatever its other times are set to. */
static void note_file(struct sp_context *s, const char *path, time_t otherwise,
                      struct sp_service_change *latest)
{
    const char *real, *shown = sp_root_show(&s->root, s->pool, path);
    struct stat st;
    if (sp_fs_resolve(&s->root, s->pool, path, &real, &st, NULL) == 0 && real)
        note_change(latest, st.st_ctim, shown);
    else if (otherwise)
        note_change(latest, (struct timespec){otherwise, 0}, shown);
}

static void note_target(struct sp_context *s, const struct sp_target *one,
                        struct sp_service_change *latest)
{
    for (size_t i = 0; i < one->plan.files.count; i++)
        if (sp_state_is_integrated(one->plan.files.items[i].state) &&
            one->plan.files.items[i].snapshot->real)
            note_file(s, one->plan.files.items[i].snapshot->real, 0, latest);
    const struct sp_history *history = &s->work->history;
    for (size_t i = 0; i < history->journals.count; i++) {
        const struct sp_journal *journal = &history->journals.items[i];
        if (journal->state != SP_JOURNAL_COMMITTED || !sp_history_is_here(history, journal))
            continue;
        for (size_t j = 0; j < journal->files.count; j++)
            if (sp_detection_is_at(s->pool, one->detection, journal->files.items[j].package))
                note_file(s, journal->files.items[j].path, sp_journal_parse_time(journal->time),
                          latest);
    }
}

static bool is_concerned(const struct sp_target *one)
{
    return sp_target_counts(one) && one->detection && one->detection->spec &&
           one->detection->spec->release->support == SP_SUPPORTED;
}

/* ---- the group --------------------------------------------------------------------------------- */

/* false: there is no such group. */
static bool find_group(const char *name, gid_t *gid)
{
    struct group entry, *found = NULL;
    char *buf = sp_xmalloc(RECORD_MAX);
    if (getgrnam_r(name, &entry, buf, RECORD_MAX, &found) == 0 && found)
        *gid = found->gr_gid;
    free(buf);
    return found != NULL;
}

/* Whether a process of that account would have the group if it were started now. */
static bool would_have(uid_t uid, gid_t gid)
{
    struct passwd entry, *found = NULL;
    char *buf = sp_xmalloc(RECORD_MAX);
    gid_t groups[GROUPS_MAX];
    int count = GROUPS_MAX;
    bool has = false;
    if (getpwuid_r(uid, &entry, buf, RECORD_MAX, &found) == 0 && found &&
        getgrouplist(entry.pw_name, entry.pw_gid, groups, &count) >= 0)
        for (int i = 0; i < count; i++)
            has |= groups[i] == gid;
    free(buf);
    return has;
}

static bool lacks_group(const struct sp_running *process, gid_t gid)
{
    for (size_t i = 0; i < process->groups.count; i++)
        if (process->groups.items[i] == gid)
            return false;
    return process->uid != 0 && would_have(process->uid, gid);
}

/* ---- services ---------------------------------------------------------------------------------- */

static const char *group_of(const struct sp_context *s)
{
    return s->options->group ? s->options->group : SP_ACCOUNTS_GROUP;
}

/* latest: the change that it may not have seen; gid: of the service group, NULL if there is none. */
static void add_process(struct sp_context *s, struct sp_service *service,
                        const struct sp_running *process, const struct sp_service_change *latest,
                        const gid_t *gid)
{
    struct sp_service_process *one;
    service->elsewhere |= process->view == SP_RUNNING_ELSEWHERE;
    service->unknown |= process->view == SP_RUNNING_UNKNOWN;
    if (process->view != SP_RUNNING_HERE)
        return;
    one = SP_PUSH(s->pool, &service->processes);
    one->process = process;
    one->started = sp_running_started(process);
    if (latest->path && is_later(latest->time, one->started))
        *SP_PUSH(s->pool, &one->reasons) =
            sp_pool_printf(s->pool, "%s was changed after it started", latest->path);
    if (gid && lacks_group(process, *gid))
        *SP_PUSH(s->pool, &one->reasons) =
            sp_pool_printf(s->pool, "it started without the group %s", group_of(s));
}

/* Of several units the one that a process is in, if that is told. */
static void choose_start(struct sp_service *service)
{
    for (size_t i = 0; i < service->starts.count && service->starts.count > 1; i++)
        for (size_t j = 0; j < service->processes.count; j++) {
            const char *unit = service->processes.items[j].process->unit;
            size_t len = strlen(service->starts.items[i].name);
            if (unit && strncmp(unit, service->starts.items[i].name, len) == 0 &&
                strcmp(unit + len, ".service") == 0) {
                service->starts.items[0] = service->starts.items[i];
                return;
            }
        }
}

static void find_processes(struct sp_context *s, const sp_strv *programs, sp_running_list *out)
{
    if (!s->options->root)
        sp_running_find(s->pool, "/proc", programs, out);
}

static int add_service(struct sp_context *s, const char *program, const sp_selection *selection,
                       sp_services *out, struct sp_error *err)
{
    struct sp_service service = {.program = program};
    struct sp_service_change latest = {.path = NULL};
    for (size_t i = 0; i < selection->count; i++)
        if (is_concerned(&selection->items[i]) &&
            sp_strv_has(&selection->items[i].detection->spec->programs, program))
            note_target(s, &selection->items[i], &latest);
    if (!latest.path) /* nothing of ours is, or was, in it */
        return 0;
    if (sp_starts_find(s->pool, s->scans.items[0]->tree, program, &service.starts, err) < 0)
        return -1;
    service.changed = latest;
    *SP_PUSH(s->pool, out) = service;
    return 0;
}

/* Fills in the processes of the services. */
static void add_processes(struct sp_context *s, sp_services *services)
{
    gid_t gid = 0;
    bool has_group = services->count && find_group(group_of(s), &gid);
    sp_strv programs = {NULL, 0, 0};
    sp_running_list *running = sp_pool_alloc(s->pool, sizeof(*running));
    for (size_t i = 0; i < services->count; i++)
        *SP_PUSH(s->pool, &programs) = services->items[i].program;
    if (services->count)
        find_processes(s, &programs, running);
    for (size_t i = 0; i < services->count; i++) {
        struct sp_service *one = &services->items[i];
        for (size_t j = 0; j < running->count; j++)
            if (strcmp(running->items[j].program, one->program) == 0)
                add_process(s, one, &running->items[j], &one->changed, has_group ? &gid : NULL);
        choose_start(one);
    }
}

int sp_services_find(struct sp_context *s, const sp_selection *selection, sp_services *out,
                     struct sp_error *err)
{
    sp_strv programs = {NULL, 0, 0};
    for (size_t i = 0; i < selection->count; i++) {
        const struct sp_target *one = &selection->items[i];
        for (size_t j = 0; is_concerned(one) && j < one->detection->spec->programs.count; j++)
            if (!sp_strv_has(&programs, one->detection->spec->programs.items[j]))
                *SP_PUSH(s->pool, &programs) = one->detection->spec->programs.items[j];
    }
    for (size_t i = 0; i < programs.count; i++)
        if (add_service(s, programs.items[i], selection, out, err) < 0)
            return -1;
    add_processes(s, out);
    return 0;
}

enum sp_service_state sp_service_state(const struct sp_service *service)
{
    for (size_t i = 0; i < service->processes.count; i++)
        if (service->processes.items[i].reasons.count)
            return SP_SERVICE_STALE;
    return service->unknown           ? SP_SERVICE_UNKNOWN
           : service->processes.count ? SP_SERVICE_FRESH
           : service->elsewhere       ? SP_SERVICE_ELSEWHERE
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
    return service->starts.count ? service->starts.items[0].name : service->program;
}

int sp_services_of_programs(struct sp_context *s, const sp_strv *programs, sp_strv *names,
                            struct sp_error *err)
{
    sp_running_list running = {NULL, 0, 0};
    find_processes(s, programs, &running);
    for (size_t i = 0; i < programs->count; i++) {
        struct sp_service service = {.program = programs->items[i]};
        struct sp_service_change none = {.path = NULL};
        for (size_t j = 0; j < running.count; j++)
            if (strcmp(running.items[j].program, service.program) == 0)
                add_process(s, &service, &running.items[j], &none, NULL);
        if (!s->options->root && !service.processes.count && !service.unknown)
            continue;
        if (sp_starts_find(s->pool, s->scans.items[0]->tree, service.program, &service.starts,
                           err) < 0)
            return -1;
        choose_start(&service);
        *SP_PUSH(s->pool, names) = sp_service_name(&service);
    }
    return 0;
}

const char *sp_services_command(struct sp_pool *pool, const sp_strv *names)
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
