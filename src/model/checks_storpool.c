/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of StorPool's part of a host: its configuration, its client services, the Python bindings,
 * the group and the spool directory. Of SP_AUTH_TOKEN nothing is said but whether it is set. */
#include <limits.h>
#include <string.h>

#include "model/checks.h"

#define GUIDE "set StorPool's client up on this host"

/* ---- looking ------------------------------------------------------------------------------- */

static const struct sp_storpool_facts *facts_of(const struct sp_checking *c)
{
    return &c->facts->host.client;
}

static struct sp_check_place in_file(const char *shown)
{
    return (struct sp_check_place){shown, 0};
}

/* Of an entry, if there is one. */
static struct sp_check_place at(struct sp_storpool_found found)
{
    return (struct sp_check_place){found.file ? found.file->name : NULL,
                                   found.entry ? found.entry->line : 0};
}

/* Nothing of StorPool is here, and no driver of ours is, or is to be. */
static bool is_no_concern(struct sp_checking *c)
{
    const struct sp_storpool_facts *facts = facts_of(c);
    bool here = facts->wanted || facts->module == SP_ANSWER_YES || sp_drivers_are_missing(c->facts);
    for (size_t i = 0; i < facts->files.count; i++)
        here |= facts->files.items[i].access != SP_CONF_MISSING;
    for (size_t i = 0; i < facts->services.count; i++)
        here |= facts->services.items[i].installed != NULL;
    return !here;
}

static struct sp_storpool_found find(struct sp_checking *c, const char *name)
{
    const struct sp_host_facts *host = &c->facts->host;
    return sp_storpool_find(&host->storpool, host->name ? host->name : "", name);
}

/* As Python's int() takes one. */
static bool is_number(struct sp_bytes text, long least, long most)
{
    long number;
    return sp_oslo_int(text, &number) == SP_OSLO_INT && number >= least && number <= most;
}

/* ---- S01 to S05: storpool.conf ----------------------------------------------------------------- */

static void check_files(struct sp_checking *c)
{
    const struct sp_storpool_facts *facts = facts_of(c);
    for (size_t i = 0; i < facts->files.count; i++) {
        const struct sp_conf_file *file = &facts->files.items[i];
        if (file->access == SP_CONF_DENIED)
            sp_check_report(c, SP_CHECK_UNKNOWN, in_file(file->shown), "run this as root",
                            "this user may not read it");
        else if (file->access == SP_CONF_UNFIT)
            sp_check_report(c, SP_CHECK_ERROR, in_file(file->shown), NULL, "%s", file->obstacle);
        else if (file->access == SP_CONF_MISSING && is_no_concern(c))
            sp_check_report(c, SP_CHECK_NOTE, in_file(file->shown), NULL,
                            "StorPool's client is not set up here");
        else if (file->access == SP_CONF_MISSING)
            sp_check_report(c, SP_CHECK_ERROR, in_file(file->shown), GUIDE,
                            "the file is missing; the drivers do not start without it");
    }
}

static void check_grammar(struct sp_checking *c)
{
    const sp_storpool_files *files = &c->facts->host.storpool;
    if (files->count == 0)
        sp_check_report(c, SP_CHECK_SKIPPED, SP_CHECK_NOWHERE, NULL, "no file was read");
    for (size_t i = 0; i < files->count; i++)
        if (files->items[i]->fault.reason)
            sp_check_report(
                c, SP_CHECK_ERROR,
                (struct sp_check_place){files->items[i]->name, files->items[i]->fault.line},
                "write the line anew", "StorPool's bindings cannot read the file: %s",
                files->items[i]->fault.reason);
}

/* The sections' names, those that are plain words; a line that was swallowed may be in another one. */
static const char *sections_of(struct sp_checking *c)
{
    sp_strv names = {NULL, 0, 0};
    const sp_storpool_files *files = &c->facts->host.storpool;
    for (size_t i = 0; i < files->count; i++)
        for (size_t j = 0; j < files->items[i]->headings.count; j++) {
            const char *name = sp_check_show(c, files->items[i]->headings.items[j].name);
            if (!sp_strv_has(&names, name))
                *SP_PUSH(c->pool, &names) = name;
        }
    return names.count ? sp_strv_join(c->pool, &names, ", ") : "none";
}

static void check_client_number(struct sp_checking *c)
{
    const struct sp_host_facts *host = &c->facts->host;
    struct sp_storpool_found found = find(c, "SP_OURID");
    if (found.entry && !is_number(found.entry->value, 0, INT_MAX))
        sp_check_report(c, SP_CHECK_ERROR, at(found),
                        "write: SP_OURID = NUMBER, the client's number in the cluster",
                        "SP_OURID is not a number");
    else if (!found.entry && !host->name)
        sp_check_report(c, SP_CHECK_UNKNOWN, SP_CHECK_NOWHERE, NULL,
                        "SP_OURID is not set for all hosts, and the name of this one is not known");
    else if (!found.entry)
        sp_check_report(
            c, SP_CHECK_ERROR, in_file(host->storpool.count ? host->storpool.items[0]->name : NULL),
            sp_pool_printf(c->pool, "write: SP_OURID = NUMBER in a section [%s]", host->name),
            "SP_OURID is not set for this host, '%s'; sections: %s", host->name, sections_of(c));
}

static void check_token(struct sp_checking *c)
{
    struct sp_storpool_found found = find(c, "SP_AUTH_TOKEN");
    if (found.entry && found.entry->value.len > 0)
        return;
    sp_check_report(c, SP_CHECK_ERROR, at(found), "write: SP_AUTH_TOKEN = TOKEN",
                    "SP_AUTH_TOKEN is %s", found.entry ? "empty" : "not set");
}

static void check_address(struct sp_checking *c)
{
    struct sp_storpool_found host = find(c, "SP_API_HTTP_HOST"), port = find(c, "SP_API_HTTP_PORT");
    if (host.entry && host.entry->value.len == 0)
        sp_check_report(c, SP_CHECK_ERROR, at(host),
                        "write: SP_API_HTTP_HOST = ADDRESS of the cluster's API",
                        "SP_API_HTTP_HOST is empty");
    if (port.entry && !is_number(port.entry->value, 1, 65535))
        sp_check_report(c, SP_CHECK_ERROR, at(port), "write: SP_API_HTTP_PORT = 81",
                        "SP_API_HTTP_PORT is not a number from 1 to 65535");
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
    if (is_no_concern(c)) {
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
    if (is_no_concern(c))
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
        sp_check_report(c, SP_CHECK_ERROR, SP_CHECK_NOWHERE, remedy, "the command groups %s",
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

const struct sp_check sp_checks_storpool_conf[] = {
    {"S01", "StorPool's configuration is there, and can be read", check_files, SP_CHECK_FIRST},
    {"S02", "it can be read by StorPool's bindings", check_grammar, SP_CHECK_FIRST},
    {"S03", "SP_OURID is a number, and set for this host", check_client_number, 0},
    {"S04", "SP_AUTH_TOKEN is set", check_token, 0},
    {"S05", "the address of the API is one", check_address, 0},
    {NULL, NULL, NULL, 0},
};

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
