/* SPDX-License-Identifier: Apache-2.0 */
#include "model/config_files.h"

#include <string.h>

#include "base/path.h"
#include "model/look.h"

struct search {
    struct sp_look look;
    const struct sp_config_query *query;
    const char *project, *prog; /* "cinder", "cinder-volume" */
    sp_config_files *out;
};

static const char *in_tree(struct search *s, const char *called)
{
    return sp_start_config_path(s->look.pool, s->query->start, called);
}

static void add_file(struct search *s, const char *called, const char *dir, bool missing)
{
    const char *path = in_tree(s, called);
    *SP_PUSH(s->look.pool, s->out) = (struct sp_config_file){
        .path = path, .called = called, .dir = dir, .missing = missing && path};
}

static int is_file(struct search *s, const char *called, bool *is)
{
    const char *path = in_tree(s, called);
    *is = false;
    return path ? sp_look_is_file(&s->look, path, is) : 0;
}

/* ---- paths that are given ---------------------------------------------------------------------- */

/* "~/x", and what is relative to the working directory, made absolute. */
static const char *make_absolute(struct search *s, const char *path)
{
    const char *home = s->query->home ? s->query->home : "/";
    const char *dir = s->query->start ? s->query->start->work_dir : NULL;
    if (*path == '/')
        return path;
    if (path[0] == '~' && (path[1] == '/' || path[1] == '\0'))
        return sp_path_join(s->look.pool, home, path + 1);
    if (dir && strcmp(dir, "~") == 0)
        dir = home;
    return sp_path_join(s->look.pool, dir && *dir == '/' ? dir : "/", path);
}

/* *.conf as glob(3) has them: in the order of bytes, no hidden ones. A file that is a link counts. */
static int add_dir(struct search *s, const char *called, bool given)
{
    sp_entries entries = {NULL, 0, 0};
    const char *dir = in_tree(s, called);
    bool there = false;
    if (dir && sp_look_is_directory(&s->look, dir, &there) < 0)
        return -1;
    if (!there && given)
        add_file(s, called, called, true);
    if (!there)
        return 0;
    if (sp_tree_list(s->look.tree, s->look.pool, dir, &entries, s->look.err) < 0)
        return -1;
    for (size_t i = 0; i < entries.count; i++) {
        const char *name = entries.items[i].name;
        size_t len = strlen(name);
        if (*name != '.' && len > 5 && strcmp(name + len - 5, ".conf") == 0)
            add_file(s, sp_path_join(s->look.pool, called, name), called, false);
    }
    return 0;
}

static int add_given_file(struct search *s, const char *path)
{
    bool there;
    const char *called = make_absolute(s, path);
    if (is_file(s, called, &there) < 0)
        return -1;
    add_file(s, called, NULL, !there);
    return 0;
}

/* ---- defaults ---------------------------------------------------------------------------------- */

/* The first of the usual directories that has the name, a file or a directory; NULL. */
static int find_usual(struct search *s, const char *name, enum sp_entry_kind wanted,
                      const char **out)
{
    struct sp_pool *pool = s->look.pool;
    const char *home = s->query->start && s->query->start->config_dir ? NULL : s->query->home;
    const char *const dirs[] = {home ? sp_pool_printf(pool, "%s/.%s", home, s->project) : NULL,
                                home, sp_pool_printf(pool, "/etc/%s", s->project), "/etc"};
    *out = NULL;
    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]) && !*out; i++) {
        enum sp_entry_kind kind;
        const char *called = dirs[i] ? sp_path_join(pool, dirs[i], name) : NULL;
        if (!called || !in_tree(s, called))
            continue;
        if (sp_tree_kind(s->look.tree, pool, in_tree(s, called), &kind, s->look.err) < 0)
            return -1;
        if (kind == wanted)
            *out = called;
    }
    return 0;
}

static int add_dist(struct search *s, const char *name)
{
    const char *called =
        sp_pool_printf(s->look.pool, "/usr/share/%s/%s-dist.conf", s->project, name);
    bool there;
    if (is_file(s, called, &there) < 0)
        return -1;
    if (there)
        add_file(s, called, NULL, false);
    return 0;
}

static int add_default_files(struct search *s)
{
    const char *const stems[] = {s->project, s->prog};
    for (size_t i = 0; i < 2; i++)
        if (add_dist(s, stems[i]) < 0)
            return -1;
    for (size_t i = 0; i < 2; i++) {
        const char *called;
        if (find_usual(s, sp_pool_printf(s->look.pool, "%s.conf", stems[i]), SP_ENTRY_FILE,
                       &called) < 0)
            return -1;
        if (called)
            add_file(s, called, NULL, false);
    }
    return 0;
}

static int add_default_dirs(struct search *s)
{
    const char *const stems[] = {s->project, s->prog};
    for (size_t i = 0; s->query->default_dirs && i < 2; i++) {
        const char *called;
        if (find_usual(s, sp_pool_printf(s->look.pool, "%s.conf.d", stems[i]), SP_ENTRY_DIRECTORY,
                       &called) < 0)
            return -1;
        if (called && add_dir(s, called, false) < 0)
            return -1;
    }
    return 0;
}

/* ---- the command line --------------------------------------------------------------------------- */

struct given {
    const char *path;
    bool dir;
};
typedef SP_VEC(struct given) sp_given_list;

/* Whether the word at *at is the option; its value is then in *value, and *at behind it. argparse
 * takes "--config-file X" and "--config-file=X"; a shorter spelling too, where nothing else begins
 * so: "--config-f", "--config-d". */
static bool is_option(const sp_strv *argv, size_t *at, const char *name, const char **value)
{
    static const char shortest[] = "--config-f"; /* as long as "--config-d" */
    const char *word = argv->items[*at];
    size_t len = strcspn(word, "=");
    if (len < sizeof(shortest) - 1 || strncmp(word, name, len) != 0)
        return false;
    if (word[len] == '=')
        *value = word + len + 1;
    else if (*at + 1 < argv->count)
        *value = argv->items[++*at];
    else
        return false;
    return true;
}

static void read_arguments(struct search *s, sp_given_list *out)
{
    static const sp_strv none;
    const sp_strv *argv = s->query->argv ? s->query->argv : &none;
    for (size_t i = 1; i < argv->count && strcmp(argv->items[i], "--") != 0; i++) {
        const char *value;
        if (is_option(argv, &i, "--config-file", &value))
            *SP_PUSH(s->look.pool, out) = (struct given){value, false};
        else if (is_option(argv, &i, "--config-dir", &value))
            *SP_PUSH(s->look.pool, out) = (struct given){value, true};
    }
}

/* sys.argv[0] without ".py", which is how oslo.config gets the program's name. A module that
 * `python -m` runs ("nova.cmd.compute") is a file of that name: "compute". */
static const char *prog_of(struct search *s)
{
    const sp_strv *argv = s->query->argv;
    if (!argv || argv->count == 0)
        return s->query->program;
    const char *name = sp_path_basename(argv->items[0]);
    const char *dot = strrchr(name, '.');
    return dot && strstr(name, ".cmd.") ? dot + 1 : s->query->program;
}

int sp_config_files_find(struct sp_pool *pool, struct sp_tree *tree,
                         const struct sp_config_query *query, sp_config_files *out,
                         struct sp_error *err)
{
    struct search s = {.look = {pool, tree, err}, .query = query, .out = out};
    sp_given_list given = {NULL, 0, 0};
    bool files = false, dirs = false;
    s.project = sp_pool_memdup(pool, query->program, strcspn(query->program, "-"));
    s.prog = prog_of(&s);
    read_arguments(&s, &given);
    for (size_t i = 0; i < given.count; i++) {
        files |= !given.items[i].dir;
        dirs |= given.items[i].dir;
    }
    if ((!files && add_default_files(&s) < 0) || (!dirs && add_default_dirs(&s) < 0))
        return -1;
    for (size_t i = 0; i < given.count; i++)
        if ((given.items[i].dir ? add_dir(&s, make_absolute(&s, given.items[i].path), true)
                                : add_given_file(&s, given.items[i].path)) < 0)
            return -1;
    return 0;
}
