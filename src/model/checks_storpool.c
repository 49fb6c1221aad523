/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of StorPool's part of a host: who may read its configuration (of which model/checks_conf.c
 * are the others), its client services, the Python bindings, the group and the spool directory. */
#include <string.h>

#include "model/checks.h"

#define GUIDE SP_CHECK_CLIENT_GUIDE

/* ---- looking ------------------------------------------------------------------------------- */

static const struct sp_storpool_facts *facts_of(const struct sp_checking *c)
{
    return &c->facts->host.client;
}

static struct sp_check_place in_file(const char *shown)
{
    return (struct sp_check_place){shown, 0};
}

/* ---- S06: who may read it ---------------------------------------------------------------------- */

/* path_resolution(7): directories have to be searched; the file, and a directory in the end, to be
 * read. */
static bool may_use(const struct sp_conf_reader *reader, const struct sp_mode *on, bool last)
{
    mode_t wanted = (on->is_directory ? 1U : 0U) | (last ? 4U : 0U);
    unsigned shift = 0;
    if (reader->uid == 0)
        return true;
    for (size_t i = 0; i < reader->groups.count; i++)
        if (reader->groups.items[i] == on->gid)
            shift = 3;
    if (reader->uid == on->uid)
        shift = 6;
    return ((on->mode >> shift) & wanted) == wanted;
}

static void report_mode(struct sp_checking *c, const struct sp_conf_reader *reader,
                        const struct sp_mode *on)
{
    const char *remedy =
        on->is_directory
            ? "give the account the right to enter the directory, as mode 0755 does"
            : "give the account the right to read the file: its group spopenstack, mode 0640";
    sp_check_report(c, on->has_acl ? SP_CHECK_UNKNOWN : SP_CHECK_ERROR, in_file(on->shown), remedy,
                    "the account %s may not %s it: mode %04o, owner %u, group %u%s", reader->name,
                    on->is_directory ? "enter" : "read", (unsigned)on->mode, (unsigned)on->uid,
                    (unsigned)on->gid,
                    on->has_acl ? ", unless its access control list says so" : "");
}

static void check_modes(struct sp_checking *c)
{
    const struct sp_storpool_facts *facts = facts_of(c);
    sp_strv said = {NULL, 0, 0}; /* a directory is on the way to several files */
    bool any = false;
    for (size_t i = 0; i < facts->readers.count; i++)
        for (size_t j = 0; j < facts->files.count; j++)
            for (size_t k = 0; k < facts->files.items[j].modes.count; k++) {
                const sp_modes *modes = &facts->files.items[j].modes;
                const struct sp_mode *on = &modes->items[k];
                const char *key =
                    sp_pool_printf(c->pool, "%s:%s", facts->readers.items[i].name, on->shown);
                if (may_use(&facts->readers.items[i], on, k + 1 == modes->count))
                    continue;
                if (!sp_strv_has(&said, key))
                    report_mode(c, &facts->readers.items[i], on);
                *SP_PUSH(c->pool, &said) = key;
                break; /* behind it nothing is reached */
            }
    for (size_t i = 0; i < facts->files.count; i++)
        any |= facts->files.items[i].access != SP_CONF_MISSING;
    if (!any || facts->readers.count == 0)
        sp_check_report(c, SP_CHECK_SKIPPED, SP_CHECK_NOWHERE, NULL,
                        any ? "no account of the services is here" : "there is no file");
}

/* ---- S07: the bindings ------------------------------------------------------------------------- */

static void check_bindings(struct sp_checking *c)
{
    const struct sp_storpool_facts *facts = facts_of(c);
    sp_prerequisite_warnings warnings = {NULL, 0, 0};
    sp_strv lines = {NULL, 0, 0};
    sp_prerequisites_describe(c->pool, &facts->prerequisites, &lines, &warnings);
    for (size_t i = 0; i < warnings.count; i++) {
        bool works = warnings.items[i].fitness == SP_FITNESS_POOR;
        sp_check_report(c, works ? SP_CHECK_WARNING : SP_CHECK_ERROR, SP_CHECK_NOWHERE,
                        sp_pool_printf(c->pool, "run: %s", warnings.items[i].command), "%s",
                        warnings.items[i].text);
    }
    for (size_t i = 0; i < facts->prerequisites.count; i++) {
        const struct sp_prerequisite *item = &facts->prerequisites.items[i];
        bool runs_it = item->version && strcmp(item->need->name, "storpool") == 0 &&
                       strchr("1234", *item->version) && item->version[1] == '.';
        if (runs_it && facts->confget == SP_ANSWER_NO)
            sp_check_report(c, SP_CHECK_ERROR, SP_CHECK_NOWHERE, GUIDE,
                            "storpool %s runs /usr/sbin/storpool_confget, which is not there",
                            item->version);
    }
}

/* ---- S08, S09: the client ---------------------------------------------------------------------- */

static const char *command_of(struct sp_checking *c, const struct sp_client_service *one,
                              const char *verb)
{
    if (one->is_unit)
        return sp_pool_printf(c->pool, "run: systemctl %s %s", verb, one->name);
    return strcmp(verb, "enable") == 0
               ? sp_pool_printf(c->pool, "run: update-rc.d %s defaults; or: chkconfig %s on",
                                one->name, one->name)
               : sp_pool_printf(c->pool, "run: service %s %s", one->name, verb);
}

static void check_services(struct sp_checking *c)
{
    const struct sp_storpool_facts *facts = facts_of(c);
    if (sp_storpool_is_no_concern(c)) {
        sp_check_report(c, SP_CHECK_SKIPPED, SP_CHECK_NOWHERE, NULL,
                        "StorPool's client is not set up here");
        return;
    }
    for (size_t i = 0; i < facts->services.count; i++) {
        const struct sp_client_service *one = &facts->services.items[i];
        if (one->running == SP_ANSWER_UNKNOWN && facts->container)
            sp_check_report(c, SP_CHECK_UNKNOWN, SP_CHECK_NOWHERE, "look on the container's host",
                            "this is a container ('%s'), from which %s is not seen",
                            facts->container, one->name);
        else if (one->running != SP_ANSWER_YES && !one->installed)
            sp_check_report(c, SP_CHECK_ERROR, SP_CHECK_NOWHERE, GUIDE,
                            "the service %s is not installed", one->name);
        else if (one->running == SP_ANSWER_NO)
            sp_check_report(c, SP_CHECK_ERROR, SP_CHECK_NOWHERE, command_of(c, one, "start"),
                            "the service %s does not run", one->name);
        else if (one->running == SP_ANSWER_UNKNOWN)
            sp_check_report(c, SP_CHECK_UNKNOWN, SP_CHECK_NOWHERE, NULL,
                            "whether %s runs cannot be told with --root", one->name);
        if (one->enabled == SP_ANSWER_NO)
            sp_check_report(c, SP_CHECK_WARNING, SP_CHECK_NOWHERE, command_of(c, one, "enable"),
                            "the service %s is not started with the host", one->name);
    }
}

static void check_module(struct sp_checking *c)
{
    const struct sp_storpool_facts *facts = facts_of(c);
    if (sp_storpool_is_no_concern(c))
        sp_check_report(c, SP_CHECK_SKIPPED, SP_CHECK_NOWHERE, NULL,
                        "StorPool's client is not set up here");
    else if (!facts->is_live)
        sp_check_report(c, SP_CHECK_UNKNOWN, SP_CHECK_NOWHERE, NULL,
                        "kernel and devices cannot be looked at with --root");
    else if (facts->module == SP_ANSWER_UNKNOWN)
        sp_check_report(c, SP_CHECK_UNKNOWN, SP_CHECK_NOWHERE, NULL,
                        "/proc/devices cannot be read");
    else if (facts->module == SP_ANSWER_NO)
        sp_check_report(c, SP_CHECK_ERROR, SP_CHECK_NOWHERE,
                        "start the service storpool_block, which loads it",
                        "the kernel module of StorPool's block devices is not loaded");
    else if (facts->attached && facts->links == SP_ANSWER_NO)
        sp_check_report(
            c, SP_CHECK_ERROR, SP_CHECK_NOWHERE, "run: udevadm trigger --subsystem-match=block",
            "volumes are attached (%u), and '/dev/storpool' is missing, by which the drivers find "
            "them",
            facts->attached);
}

/* ---- S10: the group and the spool directory ---------------------------------------------------- */

static void check_spool(struct sp_checking *c)
{
    const struct sp_storpool_facts *facts = facts_of(c);
    const char *remedy = sp_pool_printf(c->pool, "run: %s groups", c->facts->command);
    if (!facts->wanted) {
        sp_check_report(c, SP_CHECK_SKIPPED, SP_CHECK_NOWHERE, NULL,
                        "no driver is installed that shares requests");
        return;
    }
    for (size_t i = 0; i < facts->to_set_up.count; i++)
        sp_check_report(c, SP_CHECK_ERROR, SP_CHECK_NOWHERE, remedy, "%s",
                        facts->to_set_up.items[i]);
    for (size_t i = 0; i < facts->spool_warnings.count; i++)
        sp_check_report(c, SP_CHECK_WARNING, SP_CHECK_NOWHERE, NULL, "%s",
                        facts->spool_warnings.items[i]);
    if (facts->spool_obstacle && facts->spool_denied)
        sp_check_report(c, SP_CHECK_UNKNOWN, SP_CHECK_NOWHERE, "run this as root", "%s",
                        facts->spool_obstacle);
    else if (facts->spool_obstacle)
        sp_check_report(c, SP_CHECK_ERROR, SP_CHECK_NOWHERE, NULL, "%s", facts->spool_obstacle);
    if (facts->old_requests)
        sp_check_report(c, SP_CHECK_NOTE, SP_CHECK_NOWHERE, NULL,
                        "the spool file has requests of StorPool's older drivers (%zu), which "
                        "these do not read",
                        facts->old_requests);
}

/* ---- S11, S12: the processes of OpenStack's services ------------------------------------------- */

static void report_stale(struct sp_checking *c, enum sp_stale_reason reason, const char *remedy)
{
    const struct sp_storpool_facts *facts = facts_of(c);
    if (!facts->is_live) {
        sp_check_report(c, SP_CHECK_UNKNOWN, SP_CHECK_NOWHERE, NULL,
                        "processes cannot be looked at with --root");
        return;
    }
    if (facts->unknown_processes)
        sp_check_report(c, SP_CHECK_UNKNOWN, SP_CHECK_NOWHERE, "run this as root",
                        "this user may not look at the processes of some services");
    for (size_t i = 0; i < facts->stale.count; i++) {
        const struct sp_stale_process *one = &facts->stale.items[i];
        bool is_unknown = one->reason == SP_STALE_UNKNOWN && reason == SP_STALE_FILES;
        if (one->reason == reason || is_unknown)
            sp_check_report(c, is_unknown ? SP_CHECK_UNKNOWN : SP_CHECK_ERROR, SP_CHECK_NOWHERE,
                            remedy, "process %u of %s: %s", one->pid, one->program, one->text);
    }
}

static const char *restart_of(struct sp_checking *c)
{
    return sp_pool_printf(c->pool, "run: %s services --restart", c->facts->command);
}

static void check_processes_groups(struct sp_checking *c)
{
    report_stale(c, SP_STALE_GROUP, restart_of(c));
}

static void check_processes_files(struct sp_checking *c)
{
    report_stale(c, SP_STALE_FILES, restart_of(c));
}

const struct sp_check sp_checks_storpool[] = {
    {"S06", "the services' accounts may read StorPool's configuration", check_modes, 0},
    {"S07", "the Python packages that the drivers need are installed", check_bindings,
     SP_CHECK_SHOWN},
    {"S08", "StorPool's client services run, and are started with the host", check_services, 0},
    {"S09", "the kernel module of StorPool's block devices is loaded", check_module, 0},
    {"S10", "the service group and the spool directory are set up", check_spool, 0},
    {"S11", "the services that run have the service group", check_processes_groups, SP_CHECK_SHOWN},
    {"S12", "the services that run have loaded the files of today", check_processes_files,
     SP_CHECK_SHOWN},
    {NULL, NULL, NULL, 0},
};
