/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

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
    struct sp_service_facts *facts;
};

/* ---- the way in which it is started -------------------------------------------------------------- */

struct way {
    const char *program;
    const struct sp_running *process; /* NULL: none that can be seen */
    const struct sp_start *start;     /* NULL: none is known */
};

/* A process that tells its arguments; of the first program that has one. */
static bool find_process(const struct reading *r, struct way *out)
{
    const sp_strv *programs = r->query->programs;
    const sp_running_list *running = r->query->running;
    for (size_t i = 0; i < programs->count; i++)
        for (size_t j = 0; running && j < running->count; j++) {
            const struct sp_running *one = &running->items[j];
            if (strcmp(one->program, programs->items[i]) != 0 || one->view != SP_RUNNING_HERE ||
                one->argv.count == 0)
                continue;
            *out = (struct way){programs->items[i], one, NULL};
            return true;
        }
    return false;
}

static int find_way(struct reading *r, struct way *out)
{
    const sp_strv *programs = r->query->programs;
    if (find_process(r, out))
        return 0;
    for (size_t i = 0; i < programs->count; i++) {
        sp_starts starts = {NULL, 0, 0};
        if (sp_starts_find(r->look.pool, r->look.tree, programs->items[i], &starts, r->look.err) <
            0)
            return -1;
        if (starts.count) {
            *out = (struct way){programs->items[i], NULL, &starts.items[0]};
            return 0;
        }
    }
    *out = (struct way){programs->items[0], NULL, NULL};
    return 0;
}

static const char *show(struct reading *r, const char *path)
{
    return sp_pool_printf(r->look.pool, "%s/%s", r->query->root_prefix, path);
}

static const char *source_of(struct reading *r, const struct way *way)
{
    if (way->process)
        return sp_pool_printf(r->look.pool, "process %u", way->process->pid);
    return way->start ? show(r, way->start->path) : NULL;
}

/* ---- the files ----------------------------------------------------------------------------------- */

static int read_file(struct reading *r, const struct sp_config_file *file)
{
    struct sp_error why = SP_ERROR_INIT;
    struct sp_excerpt text;
    struct sp_service_file *out = SP_PUSH(r->look.pool, &r->facts->files);
    out->shown = file->path ? show(r, file->path) : file->called;
    out->access = file->missing ? SP_FILE_MISSING : SP_FILE_ELSEWHERE;
    if (file->missing || !file->path)
        return 0;
    if (sp_tree_read(r->look.tree, r->look.pool, file->path, SP_CONFIG_MAX_SIZE, &text, &why) < 0) {
        out->access =
            why.errnum == EACCES || why.errnum == EPERM ? SP_FILE_DENIED : SP_FILE_MISSING;
        sp_error_clear(&why);
        return 0;
    }
    struct sp_config_content *content = sp_pool_alloc(r->look.pool, sizeof(*content));
    out->access = SP_FILE_READ;
    out->content = content;
    content->name = out->shown;
    if (text.complete)
        sp_oslo_parse(r->look.pool, out->shown, text.bytes, content);
    else
        sp_config_refuse(content, 0, 0, "it is larger than 4 MiB");
    *SP_PUSH(r->look.pool, &r->facts->contents) = content;
    return 0;
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

/* /etc/PROJECT is open to the account alone as some packages have it: then that directory is denied. */
static int find_all_files(struct reading *r, const struct way *way, sp_config_files *out)
{
    struct sp_error *outer = r->look.err, why = SP_ERROR_INIT;
    r->look.err = &why;
    int rc = find_files(r, way, out);
    r->look.err = outer;
    if (rc == 0)
        return 0;
    if (why.errnum != EACCES && why.errnum != EPERM) {
        *outer = why;
        return -1;
    }
    sp_error_clear(&why);
    const char *project = sp_words_project(r->look.pool, way->program);
    *SP_PUSH(r->look.pool, &r->facts->files) = (struct sp_service_file){
        .shown = show(r, sp_path_join(r->look.pool, "etc", project)), .access = SP_FILE_DENIED};
    return 0;
}

int sp_service_facts_read(struct sp_pool *pool, struct sp_tree *tree,
                          const struct sp_service_query *query, const struct sp_service_facts **out,
                          struct sp_error *err)
{
    struct sp_service_facts *facts = sp_pool_alloc(pool, sizeof(*facts));
    struct reading r = {{pool, tree, err}, query, facts};
    sp_config_files files = {NULL, 0, 0};
    struct way way;
    *out = NULL;
    if (find_way(&r, &way) < 0 || find_all_files(&r, &way, &files) < 0)
        return -1;
    if (!query->integrated && !way.process && !way.start && !files.count && !facts->files.count)
        return 0;
    facts->program = way.program;
    facts->series = query->series;
    facts->integrated = query->integrated;
    facts->source = source_of(&r, &way);
    for (size_t i = 0; i < files.count && i < SP_CONFIG_MAX_FILES; i++)
        if (read_file(&r, &files.items[i]) < 0)
            return -1;
    *out = facts;
    return 0;
}
