/* SPDX-License-Identifier: Apache-2.0 */
#include "host/storpool.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "format/yaml.h"
#include "fs/read.h"
#include "fs/resolve.h"
#include "host/accounts.h"
#include "host/container.h"
#include "host/lookup.h"
#include "host/proc.h"
#include "host/running.h"
#include "host/spool.h"
#include "host/storpool_files.h"
#include "model/look.h"
#include "model/unit.h"

/* Which the documentation of StorPool's integration with OpenStack asks for on each host. */
static const char *const services[] = {"storpool_beacon", "storpool_block"};
#define SERVICES (sizeof(services) / sizeof(services[0]))

struct facts {
    struct sp_look look; /* pool, tree, err */
    const struct sp_storpool_query *query;
    struct sp_storpool_facts *out;
};

static const char *show(struct facts *f, const char *path)
{
    return sp_root_show(f->query->root, f->look.pool, path);
}

/* ---- the kernel ---------------------------------------------------------------------------------- */

/* "Block devices:", then lines such as "252 StorPool". */
static enum sp_answer find_module(struct facts *f)
{
    const char *text =
        sp_proc_text(f->look.pool, sp_path_join(f->look.pool, f->query->proc, "devices"));
    const char *blocks = text ? strstr(text, "Block devices:") : NULL;
    if (!blocks)
        return SP_ANSWER_UNKNOWN;
    return strstr(blocks, " StorPool\n") ? SP_ANSWER_YES : SP_ANSWER_NO;
}

/* The nodes sp-N of the attached volumes. */
static unsigned count_attached(const char *dev)
{
    unsigned count = 0;
    const struct dirent *entry;
    DIR *dir = opendir(dev);
    while (dir && (entry = readdir(dir)))
        count += strncmp(entry->d_name, "sp-", 3) == 0 && entry->d_name[3] &&
                 entry->d_name[3 + strspn(entry->d_name + 3, "0123456789")] == '\0';
    if (dir)
        closedir(dir);
    return count;
}

/* ---- the host ----------------------------------------------------------------------------------- */

static void find_readers(struct facts *f)
{
    struct sp_pool *pool = f->look.pool;
    for (size_t i = 0; i < f->query->accounts.count; i++) {
        struct sp_identity account = {.name = NULL};
        sp_gids groups = {NULL, 0, 0};
        if (sp_lookup_account(pool, f->query->root, f->query->accounts.items[i], &account, NULL) !=
                SP_FOUND ||
            sp_lookup_groups(pool, f->query->root, &account, &groups, NULL) < 0)
            continue;
        struct sp_conf_reader *reader = SP_PUSH(pool, &f->out->readers);
        *reader = (struct sp_conf_reader){.name = account.name, .uid = (uid_t)account.id};
        for (size_t j = 0; j < groups.count; j++)
            *SP_PUSH(pool, &reader->groups) = groups.items[j];
    }
}

/* ---- client services ---------------------------------------------------------------------------- */

/* Whether a directory has a name that begins and ends so, with two characters in between at the most. */
static int has_link(struct facts *f, const char *dir, const char *begin, const char *end, bool *is)
{
    sp_entries entries = {NULL, 0, 0};
    size_t len = strlen(begin);
    if (sp_tree_list(f->look.tree, f->look.pool, dir, &entries, f->look.err) < 0)
        return -1;
    for (size_t i = 0; i < entries.count; i++) {
        const char *name = entries.items[i].name;
        if (strncmp(name, begin, len) == 0 && strlen(name) == len + 2 + strlen(end) &&
            strcmp(name + len + 2, end) == 0)
            *is = true;
    }
    return 0;
}

/* A script in /etc/init.d is started with the host when it has a link S??NAME in a runlevel of those
 * with a network: insserv(8), chkconfig(8). */
static int find_script(struct facts *f, struct sp_client_service *one)
{
    static const char *const levels[] = {"etc/rc2.d", "etc/rc3.d", "etc/rc4.d", "etc/rc5.d",
                                         "etc/rc.d/rc3.d"};
    const char *path = sp_path_join(f->look.pool, "etc/init.d", one->name);
    bool is, enabled = false;
    if (sp_look_is_file(&f->look, path, &is) < 0)
        return -1;
    if (!is)
        return 0;
    one->installed = show(f, path);
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
        if (has_link(f, levels[i], "S", one->name, &enabled) < 0)
            return -1;
    one->enabled = enabled ? SP_ANSWER_YES : SP_ANSWER_NO;
    return 0;
}

static int find_unit(struct facts *f, const sp_units *units, struct sp_client_service *one)
{
    const char *name = sp_pool_printf(f->look.pool, "%s.service", one->name);
    for (size_t i = 0; i < units->count; i++)
        if (strcmp(units->items[i].name, name) == 0 && !units->items[i].masked) {
            one->installed = show(f, units->items[i].path);
            one->is_unit = true;
            one->enabled = units->items[i].enabled ? SP_ANSWER_YES : SP_ANSWER_NO;
            return 0;
        }
    return 0;
}

/* Where neither starts it, the program is a sign that it is there. */
static int find_program(struct facts *f, struct sp_client_service *one)
{
    const char *path = sp_pool_printf(f->look.pool, "usr/sbin/%s.bin", one->name);
    bool is;
    if (sp_look_is_file(&f->look, path, &is) < 0)
        return -1;
    if (is)
        one->installed = show(f, path);
    return 0;
}

/* running: the names of all processes, such as "storpool_block.bin". */
static enum sp_answer find_process(struct facts *f, const sp_strv *running,
                                   const struct sp_client_service *one)
{
    if (!f->out->is_live)
        return SP_ANSWER_UNKNOWN;
    for (size_t i = 0; i < running->count; i++)
        if (strncmp(running->items[i], one->name, strlen(one->name)) == 0)
            return SP_ANSWER_YES;
    return f->out->container ? SP_ANSWER_UNKNOWN : SP_ANSWER_NO;
}

static int find_services(struct facts *f)
{
    sp_units units = {NULL, 0, 0};
    sp_strv running = {NULL, 0, 0};
    if (sp_units_find(f->look.pool, f->look.tree, "storpool", &units, f->look.err) < 0)
        return -1;
    if (f->out->is_live)
        sp_running_names(f->look.pool, f->query->proc, &running);
    for (size_t i = 0; i < SERVICES; i++) {
        struct sp_client_service *one = SP_PUSH(f->look.pool, &f->out->services);
        one->name = services[i];
        if (find_unit(f, &units, one) < 0 || (!one->installed && find_script(f, one) < 0) ||
            (!one->installed && find_program(f, one) < 0))
            return -1;
        one->running = find_process(f, &running, one);
    }
    return 0;
}

/* ---- the group and the spool directory ---------------------------------------------------------- */

static int look_at_setup(struct facts *f, struct sp_host_report *report, struct sp_error *err)
{
    struct sp_accounts_request request = {.group = f->query->group,
                                          .users = f->query->accounts,
                                          .root = f->query->root,
                                          .dry_run = true};
    struct sp_group group;
    if (sp_accounts_ensure(f->look.pool, &request, &group, report, err) < 0)
        return -1;
    return sp_spool_ensure(f->look.pool, f->query->root, &group, true, report, err);
}

/* The requests are members of one object by their names; those of StorPool's drivers for releases before
 * Mitaka begin with "req-". */
static void count_old_requests(struct facts *f)
{
    SP_CLEANUP_ERROR struct sp_error ignored = SP_ERROR_INIT; /* host/spool.h says what is wrong */
    const char *real;
    struct sp_content content;
    struct sp_yaml document;
    if (sp_fs_resolve(f->query->root, f->look.pool, SP_SPOOL_DIR "/" SP_SPOOL_FILE, &real, NULL,
                      &ignored) < 0 ||
        !real ||
        sp_fs_read(f->query->root, f->look.pool, real, SP_MAX_SOURCE, &content, &ignored) < 0 ||
        sp_yaml_parse(f->look.pool, SP_SPOOL_FILE, content.bytes, &document, &ignored) < 0 ||
        document.root->kind != SP_YAML_MAPPING)
        return;
    for (size_t i = 0; i < document.root->count; i++)
        f->out->old_requests += strncmp(document.root->keys[i]->text, "req-", 4) == 0;
}

static void find_setup(struct facts *f)
{
    SP_CLEANUP_ERROR struct sp_error err = SP_ERROR_INIT;
    struct sp_host_report report = {{NULL, 0, 0}};
    if (look_at_setup(f, &report, &err) < 0) {
        f->out->spool_obstacle = sp_pool_strdup(f->look.pool, err.message);
        f->out->spool_denied = err.kind == SP_ERROR_SYSTEM;
    }
    for (size_t i = 0; i < report.lines.count; i++) {
        const struct sp_host_line *line = &report.lines.items[i];
        if (line->warning)
            *SP_PUSH(f->look.pool, &f->out->spool_warnings) =
                line->found ? line->found : line->text;
        else if (line->found)
            *SP_PUSH(f->look.pool, &f->out->to_set_up) = line->found;
    }
    count_old_requests(f);
}

/* ---- all of it ---------------------------------------------------------------------------------- */

static int find_devices(struct facts *f)
{
    struct stat st;
    bool is;
    if (sp_look_is_file(&f->look, "usr/sbin/storpool_confget", &is) < 0)
        return -1;
    f->out->confget = is ? SP_ANSWER_YES : SP_ANSWER_NO;
    if (!f->out->is_live)
        return 0;
    f->out->module = find_module(f);
    f->out->attached = count_attached(f->query->dev);
    f->out->links = stat(sp_path_join(f->look.pool, f->query->dev, "storpool"), &st) == 0
                        ? SP_ANSWER_YES
                        : SP_ANSWER_NO;
    return 0;
}

int sp_storpool_facts_read(struct sp_pool *pool, const struct sp_storpool_query *query,
                           struct sp_storpool_facts *out, struct sp_error *err)
{
    struct facts f = {.look = {pool, query->tree, err}, .query = query, .out = out};
    *out = (struct sp_storpool_facts){.is_live = !*query->root->path};
    if (out->is_live)
        out->container = sp_container_sign(pool, query->root, query->proc);
    sp_storpool_files_read(pool, query->root, &out->files);
    find_readers(&f);
    if (find_services(&f) < 0 || find_devices(&f) < 0)
        return -1;
    find_setup(&f);
    return 0;
}
