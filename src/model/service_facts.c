/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "format/oslo_config.h"
#include "model/config_files.h"
#include "model/facts.h"
#include "model/look.h"
#include "model/passwd.h"
#include "model/words.h"

enum sp_series sp_series_of(const char *release)
{
    if (!release || tolower((unsigned char)*release) < 'm')
        return SP_SERIES_UNKNOWN;
    static const enum sp_series of_letter[] = {SP_SERIES_MITAKA, SP_SERIES_NEWTON, SP_SERIES_OCATA};
    size_t index = (size_t)(tolower((unsigned char)*release) - 'm');
    return index < sizeof(of_letter) / sizeof(of_letter[0]) ? of_letter[index] : SP_SERIES_PIKE;
}

struct reading {
    struct sp_look look;
    const struct sp_service_query *query;
    sp_oslo_files known; /* contents that were read already, for another service */
    sp_service_list *out;
};

/* ---- the ways in which they are started ----------------------------------------------------------- */

struct way {
    const char *program;
    const struct sp_running *process; /* NULL: none that can be seen */
    const struct sp_start *start;     /* NULL: none is known */
};
typedef SP_VEC(struct way) sp_ways;

/* The processes that tell their arguments. */
static void add_processes(const struct reading *r, const char *program, sp_ways *out)
{
    const sp_running_list *running = r->query->running;
    for (size_t i = 0; running && i < running->count; i++) {
        const struct sp_running *one = &running->items[i];
        if (strcmp(one->program, program) == 0 && one->view == SP_RUNNING_HERE && one->argv.count)
            *SP_PUSH(r->look.pool, out) = (struct way){program, one, NULL};
    }
}

/* Whether one of the processes is of that start: then it tells more. Of a start whose command is not known
 * each may be. */
static bool is_running(const sp_ways *ways, size_t first, const struct sp_start *start)
{
    for (size_t i = first; i < ways->count; i++) {
        const struct sp_running *process = ways->items[i].process;
        if (process && (!start->argv.count || sp_start_is_unit(start, process->unit)))
            return true;
    }
    return false;
}

static int add_starts(struct reading *r, const char *program, size_t first, sp_ways *out)
{
    sp_starts *starts = sp_pool_calloc(r->look.pool, 1, sizeof(*starts));
    if (sp_starts_find(r->look.pool, r->look.tree, program, starts, r->look.err) < 0)
        return -1;
    for (size_t i = 0; i < starts->count; i++)
        if (!is_running(out, first, &starts->items[i]))
            *SP_PUSH(r->look.pool, out) = (struct way){program, NULL, &starts->items[i]};
    return 0;
}

static int find_ways(struct reading *r, sp_ways *out)
{
    const sp_strv *programs = r->query->programs;
    for (size_t i = 0; i < programs->count; i++) {
        size_t first = out->count;
        add_processes(r, programs->items[i], out);
        if (add_starts(r, programs->items[i], first, out) < 0)
            return -1;
    }
    if (out->count == 0)
        *SP_PUSH(r->look.pool, out) = (struct way){programs->items[0], NULL, NULL};
    return 0;
}

static const char *show(struct reading *r, const char *path)
{
    return sp_pool_printf(r->look.pool, "%s/%s", r->query->root_prefix, path);
}

/* A process of the program has variables that this user may not look at. */
static bool is_hidden(const struct reading *r, const char *program)
{
    const sp_running_list *running = r->query->running;
    for (size_t i = 0; running && i < running->count; i++)
        if (strcmp(running->items[i].program, program) == 0 &&
            running->items[i].view == SP_RUNNING_UNKNOWN)
            return true;
    return false;
}

static struct sp_service_user user_of(struct reading *r, const struct way *way)
{
    struct sp_service_user user = {.program = way->program};
    if (way->process) {
        user.source = sp_pool_printf(r->look.pool, "process %u", way->process->pid);
        user.variables = way->process->variables;
    } else if (way->start) {
        user.source = show(r, way->start->path);
        user.variables = way->start->variables;
        user.variables.unknown |= is_hidden(r, way->program);
    }
    return user;
}

/* ---- the files ----------------------------------------------------------------------------------- */

static const struct sp_config_content *find_known(const struct reading *r, const char *shown)
{
    for (size_t i = 0; i < r->known.count; i++)
        if (strcmp(r->known.items[i]->name, shown) == 0)
            return r->known.items[i];
    return NULL;
}

static const struct sp_config_content *parse(struct reading *r, const char *shown,
                                             const struct sp_excerpt *text)
{
    struct sp_config_content *content = sp_pool_calloc(r->look.pool, 1, sizeof(*content));
    content->name = shown;
    if (text->complete)
        sp_oslo_parse(r->look.pool, shown, text->bytes, content);
    else
        sp_config_refuse_size(content, 0, "it is larger than 4 MiB");
    *SP_PUSH(r->look.pool, &r->known) = content;
    return content;
}

static void read_file(struct reading *r, const struct sp_config_file *file,
                      struct sp_service_file *out)
{
    SP_CLEANUP_ERROR struct sp_error why = SP_ERROR_INIT;
    struct sp_excerpt text;
    out->shown = file->path ? show(r, file->path) : file->called;
    out->access = file->missing ? SP_FILE_MISSING : SP_FILE_ELSEWHERE;
    if (file->missing || !file->path)
        return;
    out->access = SP_FILE_READ;
    out->content = find_known(r, out->shown);
    if (out->content)
        return;
    if (sp_tree_read(r->look.tree, r->look.pool, file->path, SP_CONFIG_MAX_SIZE, &text, &why) < 0)
        out->access = sp_look_is_denied(&why) ? SP_FILE_DENIED : SP_FILE_MISSING;
    else
        out->content = parse(r, out->shown, &text);
}

static int find_files(struct reading *r, const struct way *way, sp_config_files *out)
{
    const char *passwd = NULL, *home = NULL;
    if (r->query->account && sp_look_read_small(&r->look, "etc/passwd", &passwd) < 0)
        return -1;
    if (passwd)
        home = sp_passwd_home(r->look.pool, passwd, r->query->account);
    const struct sp_config_query query = {
        .program = way->program,
        .argv = way->process ? &way->process->argv
                : way->start ? &way->start->argv
                             : NULL,
        .start = way->start,
        .home = home ? sp_path_join(r->look.pool, "/", home) : NULL,
        .default_dirs =
            r->query->series == SP_SERIES_UNKNOWN || r->query->series >= SP_SERIES_OCATA,
    };
    return sp_config_files_find(r->look.pool, r->look.tree, &query, out, r->look.err);
}

/* /etc/PROJECT is open to the account alone as some packages have it: then *denied is that directory. */
static int find_all_files(struct reading *r, const struct way *way, sp_config_files *out,
                          const char **denied)
{
    struct sp_error *outer = r->look.err, why = SP_ERROR_INIT;
    r->look.err = &why;
    int rc = find_files(r, way, out);
    r->look.err = outer;
    *denied = NULL;
    if (rc == 0)
        return 0;
    if (!sp_look_is_denied(&why)) {
        *outer = why;
        return -1;
    }
    sp_error_clear(&why);
    const char *project = sp_words_project(r->look.pool, way->program);
    *denied = show(r, sp_path_join(r->look.pool, "etc", project));
    return 0;
}

/* ---- services ------------------------------------------------------------------------------------ */

static bool has_same_files(const struct sp_service_facts *a, const struct sp_service_facts *b)
{
    if (a->files.count != b->files.count || a->too_many != b->too_many)
        return false;
    for (size_t i = 0; i < a->files.count; i++)
        if (strcmp(a->files.items[i].shown, b->files.items[i].shown) != 0 ||
            a->files.items[i].access != b->files.items[i].access)
            return false;
    return true;
}

/* Into the service that reads the same files, or as one of its own. */
static void add_service(struct reading *r, struct sp_service_facts *facts)
{
    for (size_t i = 0; i < r->out->count; i++) {
        struct sp_service_facts *one = r->out->items[i];
        if (has_same_files(one, facts)) {
            *SP_PUSH(r->look.pool, &one->users) = facts->users.items[0];
            return;
        }
    }
    *SP_PUSH(r->look.pool, r->out) = facts;
}

static int read_way(struct reading *r, const struct way *way)
{
    struct sp_service_facts *facts = sp_pool_calloc(r->look.pool, 1, sizeof(*facts));
    sp_config_files files = {NULL, 0, 0};
    const char *denied;
    if (find_all_files(r, way, &files, &denied) < 0)
        return -1;
    if (!r->query->integrated && !way->process && !way->start && !files.count && !denied)
        return 0;
    const struct sp_service_user user = user_of(r, way);
    *facts = (struct sp_service_facts){.program = user.program,
                                       .source = user.source,
                                       .series = r->query->series,
                                       .integrated = r->query->integrated,
                                       .too_many = files.count > SP_CONFIG_MAX_FILES};
    *SP_PUSH(r->look.pool, &facts->users) = user;
    if (denied)
        *SP_PUSH(r->look.pool, &facts->files) =
            (struct sp_service_file){.shown = denied, .access = SP_FILE_DENIED};
    for (size_t i = 0; i < files.count && i < SP_CONFIG_MAX_FILES; i++) {
        struct sp_service_file file = {.content = NULL};
        read_file(r, &files.items[i], &file);
        *SP_PUSH(r->look.pool, &facts->files) = file;
        if (file.content)
            *SP_PUSH(r->look.pool, &facts->contents) = file.content;
    }
    add_service(r, facts);
    return 0;
}

int sp_service_facts_read(struct sp_pool *pool, struct sp_tree *tree,
                          const struct sp_service_query *query, sp_service_list *out,
                          struct sp_error *err)
{
    struct reading r = {.look = {pool, tree, err}, .query = query, .out = out};
    sp_ways ways = {NULL, 0, 0};
    if (find_ways(&r, &ways) < 0)
        return -1;
    for (size_t i = 0; i < ways.count; i++)
        if (read_way(&r, &ways.items[i]) < 0)
            return -1;
    return 0;
}
