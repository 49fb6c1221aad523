/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of storpool.conf, and of the variables in the environment of services that count more. Of
 * SP_AUTH_TOKEN nothing is said but whether it is set. */
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "model/checks.h"

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

bool sp_storpool_is_no_concern(struct sp_checking *c)
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

/* ---- S01, S02: the files ------------------------------------------------------------------------ */

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
        else if (file->access == SP_CONF_MISSING && sp_storpool_is_no_concern(c))
            sp_check_report(c, SP_CHECK_NOTE, in_file(file->shown), NULL,
                            "StorPool's client is not set up here");
        else if (file->access == SP_CONF_MISSING)
            sp_check_report(c, SP_CHECK_ERROR, in_file(file->shown), SP_CHECK_CLIENT_GUIDE,
                            "the file is missing; the drivers do not start without it");
    }
}

static void check_grammar(struct sp_checking *c)
{
    const sp_storpool_files *files = &c->facts->host.storpool;
    if (files->count == 0)
        sp_check_report(c, SP_CHECK_SKIPPED, SP_CHECK_NOWHERE, NULL, "no file was read");
    for (size_t i = 0; i < files->count; i++) {
        const struct sp_config_content *file = files->items[i];
        const char *remedy = sp_check_mark_remedy(c, file);
        if (!sp_check_fault(c, file, "StorPool's bindings cannot read the file",
                            "write the line anew") &&
            remedy)
            sp_check_report(c, SP_CHECK_ERROR, in_file(file->name), remedy,
                            "the file begins with a byte order mark, which is part of its first "
                            "name");
    }
}

/* The sections' names, those that are plain words; a line that was swallowed may be in another one. */
static const char *sections_of(struct sp_checking *c)
{
    sp_strv names = {NULL, 0, 0};
    const sp_storpool_files *files = &c->facts->host.storpool;
    for (size_t i = 0; i < files->count; i++)
        for (size_t j = 0; j < files->items[i]->headings.count; j++) {
            const char *name = sp_check_show(c, files->items[i]->headings.items[j].name);
            sp_strv_add_once(c->pool, &names, name);
        }
    return names.count ? sp_strv_join(c->pool, &names, ", ") : "none";
}

/* ---- the environment of the services ------------------------------------------------------------ */

/* Whether the bindings of that service look at the variables of model/storpool_variables.h. */
static enum sp_answer reads_variables(const struct sp_checking *c, enum sp_subject subject)
{
    const sp_prerequisites *all = &facts_of(c)->prerequisites;
    bool any[2] = {false, false}, own[2] = {false, false};
    for (size_t i = 0; i < all->count; i++) {
        const struct sp_prerequisite *one = &all->items[i];
        if (!one->version || strcmp(one->need->name, "storpool") != 0)
            continue;
        bool reads = strtol(one->version, NULL, 10) >= 7;
        any[reads] = true;
        own[reads] |= strcmp(one->needed_by, sp_subject_name(subject)) == 0;
    }
    const bool *told = any[0] && any[1] ? own : any;
    return told[0] == told[1] ? SP_ANSWER_UNKNOWN : told[1] ? SP_ANSWER_YES : SP_ANSWER_NO;
}

static const char *version_of(const struct sp_checking *c)
{
    const sp_prerequisites *all = &facts_of(c)->prerequisites;
    for (size_t i = 0; i < all->count; i++)
        if (all->items[i].version && strcmp(all->items[i].need->name, "storpool") == 0 &&
            strtol(all->items[i].version, NULL, 10) < 7)
            return all->items[i].version;
    return "before 7.0";
}

/* The processes and units of one kind, for a sentence. */
typedef SP_VEC(const struct sp_service_user *) users;

/* "cinder-volume (process 11, process 12 and 7 more), nova-compute (process 5)" */
static const char *describe(struct sp_checking *c, const users *list)
{
    enum {
        SHOWN = 3 /* of one program */
    };
    sp_strv programs = {NULL, 0, 0}, words = {NULL, 0, 0};
    for (size_t i = 0; i < list->count; i++)
        sp_strv_add_once(c->pool, &programs, list->items[i]->program);
    for (size_t i = 0; i < programs.count; i++) {
        sp_strv sources = {NULL, 0, 0};
        size_t more = 0;
        for (size_t j = 0; j < list->count; j++)
            if (strcmp(list->items[j]->program, programs.items[i]) != 0)
                continue;
            else if (sources.count < SHOWN)
                *SP_PUSH(c->pool, &sources) = list->items[j]->source;
            else
                more++;
        *SP_PUSH(c->pool, &words) = sp_pool_printf(
            c->pool, "%s (%s%s)", programs.items[i], sp_strv_join(c->pool, &sources, ", "),
            more ? sp_pool_printf(c->pool, " and %zu more", more) : "");
    }
    return sp_strv_join(c->pool, &words, ", ");
}

/* Calls fn for each process, and each unit that none is of, of the services. */
static void for_each_user(struct sp_checking *c,
                          void (*fn)(struct sp_checking *c, const struct sp_service_user *user,
                                     enum sp_answer reads, void *data),
                          void *data)
{
    for (int subject = 0; subject < SP_SUBJECT_HOST; subject++) {
        const sp_service_list *services = &c->facts->services[subject];
        enum sp_answer reads = reads_variables(c, (enum sp_subject)subject);
        for (size_t i = 0; i < services->count; i++)
            for (size_t j = 0; j < services->items[i]->users.count; j++)
                if (services->items[i]->users.items[j].source)
                    fn(c, &services->items[i]->users.items[j], reads, data);
    }
}

/* A variable that is wrong, and counts more than the files: of several users one finding. */
struct wrong {
    size_t member; /* in struct sp_storpool_variables */
    enum sp_variable_state state;
    users sure, possible; /* by whether the bindings are known to look at it */
};

static void find_wrong(struct sp_checking *c, const struct sp_service_user *user,
                       enum sp_answer reads, void *data)
{
    struct wrong *wrong = data;
    const void *member = (const char *)&user->variables + wrong->member;
    if (*(const enum sp_variable_state *)member == wrong->state && reads != SP_ANSWER_NO)
        *SP_PUSH(c->pool, reads == SP_ANSWER_YES ? &wrong->sure : &wrong->possible) = user;
}

static void check_variable(struct sp_checking *c, const char *name, size_t member,
                           enum sp_variable_state state)
{
    struct wrong wrong = {.member = member, .state = state};
    const char *fault = state == SP_VARIABLE_EMPTY ? "empty" : "not a number from 1 to 65535";
    for_each_user(c, find_wrong, &wrong);
    if (wrong.sure.count)
        sp_check_report(c, SP_CHECK_ERROR, SP_CHECK_NOWHERE,
                        "take the variable out of the service's environment, and restart it",
                        "%s is %s in the environment of %s, which counts more than the files", name,
                        fault, describe(c, &wrong.sure));
    if (wrong.possible.count)
        sp_check_report(
            c, SP_CHECK_UNKNOWN, SP_CHECK_NOWHERE,
            "take the variable out of the service's environment",
            "%s is %s in the environment of %s, which counts for storpool 7.0 and later", name,
            fault, describe(c, &wrong.possible));
}

/* ---- S03 to S05: what they say ------------------------------------------------------------------ */

static void add_numbered(struct sp_checking *c, const struct sp_service_user *user,
                         SP_UNUSED enum sp_answer reads, void *data)
{
    users *list = data;
    if (user->variables.number != SP_VARIABLE_UNSET)
        *SP_PUSH(c->pool, list) = user;
}

/* For a sentence about SP_OURID, which was written where nothing reads it. */
static const char *misplaced_number(struct sp_checking *c)
{
    users list = {NULL, 0, 0};
    for_each_user(c, add_numbered, &list);
    return list.count ? sp_pool_printf(c->pool, "; it is not read from the environment of %s",
                                       describe(c, &list))
                      : "";
}

/* A value that is not as it was meant: without comments behind it, and without quotes. */
static void check_value(struct sp_checking *c, const char *name, struct sp_storpool_found found)
{
    if (!found.entry || found.entry->value.len == 0)
        return;
    struct sp_bytes value = found.entry->value;
    char first = value.data[0], last = value.data[value.len - 1];
    if (sp_check_has_comment(value))
        sp_check_report(c, SP_CHECK_ERROR, at(found), "write the comment into a line of its own",
                        "there are no comments behind a value: all of the line is that of %s",
                        name);
    else if (value.len > 1 && first == last && (first == '"' || first == '\''))
        sp_check_report(c, SP_CHECK_ERROR, at(found), "write the value without quotes",
                        "the quotes are part of the value of %s", name);
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
            "SP_OURID is not set for this host, '%s'; sections: %s%s", host->name, sections_of(c),
            misplaced_number(c));
}

/* Those whose files have no token, by how their environment has it. */
struct tokens {
    users have, old, undecided, hidden, without;
    bool told; /* of one it was said that its environment has an empty one */
};

static void sort_by_token(struct sp_checking *c, const struct sp_service_user *user,
                          enum sp_answer reads, void *data)
{
    struct tokens *tokens = data;
    users *list = &tokens->without;
    if (user->variables.token == SP_VARIABLE_EMPTY && reads == SP_ANSWER_YES) {
        tokens->told = true;
        return;
    }
    if (user->variables.token == SP_VARIABLE_SET)
        list = reads == SP_ANSWER_YES  ? &tokens->have
               : reads == SP_ANSWER_NO ? &tokens->old
                                       : &tokens->undecided;
    else if (user->variables.token == SP_VARIABLE_UNSET && user->variables.unknown)
        list = &tokens->hidden;
    *SP_PUSH(c->pool, list) = user;
}

static void report_no_token(struct sp_checking *c, struct sp_storpool_found found,
                            const struct tokens *tokens)
{
    static const char remedy[] = "write: SP_AUTH_TOKEN = TOKEN";
    const char *fault = found.entry ? "empty" : "not set";
    if (tokens->old.count)
        sp_check_report(
            c, SP_CHECK_ERROR, at(found), remedy,
            "SP_AUTH_TOKEN is only in the environment of %s, where storpool %s does not "
            "look for it",
            describe(c, &tokens->old), version_of(c));
    else if (tokens->without.count && (tokens->have.count || tokens->undecided.count))
        sp_check_report(c, SP_CHECK_ERROR, at(found), remedy,
                        "SP_AUTH_TOKEN is %s, and is not in the environment of %s", fault,
                        describe(c, &tokens->without));
    else if (tokens->undecided.count)
        sp_check_report(
            c, SP_CHECK_UNKNOWN, at(found), remedy,
            "SP_AUTH_TOKEN is only in the environment of %s, where storpool looks for it "
            "from 7.0 on",
            describe(c, &tokens->undecided));
    else if (tokens->hidden.count)
        sp_check_report(c, SP_CHECK_UNKNOWN, at(found), "run this as root",
                        "SP_AUTH_TOKEN is %s; this user may not see whether it is in the "
                        "environment of %s",
                        fault, describe(c, &tokens->hidden));
    else if (!tokens->have.count && !tokens->told)
        sp_check_report(c, SP_CHECK_ERROR, at(found), remedy, "SP_AUTH_TOKEN is %s", fault);
}

static void check_token(struct sp_checking *c)
{
    struct sp_storpool_found found = find(c, "SP_AUTH_TOKEN");
    struct tokens tokens = {.have = {NULL, 0, 0}};
    check_value(c, "SP_AUTH_TOKEN", found);
    check_variable(c, "SP_AUTH_TOKEN", offsetof(struct sp_storpool_variables, token),
                   SP_VARIABLE_EMPTY);
    if (found.entry && found.entry->value.len > 0)
        return;
    for_each_user(c, sort_by_token, &tokens);
    report_no_token(c, found, &tokens);
}

static void check_address(struct sp_checking *c)
{
    struct sp_storpool_found host = find(c, "SP_API_HTTP_HOST"), port = find(c, "SP_API_HTTP_PORT");
    if (host.entry && host.entry->value.len == 0)
        sp_check_report(c, SP_CHECK_ERROR, at(host),
                        "write: SP_API_HTTP_HOST = ADDRESS of the cluster's API",
                        "SP_API_HTTP_HOST is empty");
    check_value(c, "SP_API_HTTP_HOST", host);
    if (port.entry && !is_number(port.entry->value, 1, 65535))
        sp_check_report(c, SP_CHECK_ERROR, at(port), "write: SP_API_HTTP_PORT = 81",
                        "SP_API_HTTP_PORT is not a number from 1 to 65535");
    check_variable(c, "SP_API_HTTP_HOST", offsetof(struct sp_storpool_variables, host),
                   SP_VARIABLE_EMPTY);
    check_variable(c, "SP_API_HTTP_PORT", offsetof(struct sp_storpool_variables, port),
                   SP_VARIABLE_EMPTY);
    check_variable(c, "SP_API_HTTP_PORT", offsetof(struct sp_storpool_variables, port),
                   SP_VARIABLE_BAD);
}

const struct sp_check sp_checks_storpool_conf[] = {
    {"S01", "StorPool's configuration is there, and can be read", check_files, SP_CHECK_FIRST},
    {"S02", "it can be read by StorPool's bindings", check_grammar, SP_CHECK_FIRST},
    {"S03", "SP_OURID is a number, and set for this host", check_client_number, 0},
    {"S04", "SP_AUTH_TOKEN is set", check_token, 0},
    {"S05", "the address of the API is one", check_address, 0},
    {NULL, NULL, NULL, 0},
};
