/* SPDX-License-Identifier: Apache-2.0 */
#include "model/environment.h"

#include <string.h>

#include "base/path.h"
#include "model/environment_search.h"
#include "model/passwd.h"

/* ---- user sites ---------------------------------------------------------------------------- */

/* The user site of the account for that Python, NULL if it has none. */
static int user_site_of(struct sp_environment_search *s, const char *home, const char *python,
                        const char **out)
{
    const char *lib = sp_path_join(s->pool, home, ".local/lib");
    sp_strv names = {NULL, 0, 0};
    *out = NULL;
    if (sp_look_match_names(&s->interpreters.look, lib, "python[0-9]*", &names) < 0)
        return -1;
    for (size_t i = 0; !*out && i < names.count; i++) {
        const char *version = names.items[i] + strlen("python");
        const char *path = sp_pool_printf(s->pool, "%s/%s/site-packages", lib, names.items[i]);
        bool is;
        if (sp_look_is_directory(&s->interpreters.look, path, &is) < 0)
            return -1;
        bool any_3 = strcmp(python, "3") == 0 && strncmp(version, "3.", 2) == 0;
        if (is && (any_3 || strcmp(version, python) == 0))
            *out = path;
    }
    return 0;
}

/* ---- making them --------------------------------------------------------------------------- */

static struct sp_environment *new_environment(struct sp_environment_search *s,
                                              const struct sp_interpreter *from)
{
    struct sp_environment *made = sp_pool_alloc(s->pool, sizeof(*made));
    *made = (struct sp_environment){.name = from->name,
                                    .prefix = from->prefix,
                                    .prefix_id = from->prefix_id,
                                    .python = from->python,
                                    .is_system = from->is_system};
    return made;
}

static void keep(struct sp_environment_search *s, struct sp_environment *environment)
{
    if (environment->search.sites.count)
        *SP_PUSH(s->pool, &s->out->items) = environment;
}

static int append_dirs(struct sp_environment_search *s, const sp_strv *dirs, const char *origin,
                       struct sp_search *search)
{
    for (size_t i = 0; i < dirs->count; i++)
        if (sp_site_append_all(&s->out->table, dirs->items[i], origin, search, s->err) < 0)
            return -1;
    return 0;
}

static int append_python_path(struct sp_environment_search *s, struct sp_search *search)
{
    const char *origin = s->query->python ? s->query->python : "PYTHONPATH";
    for (size_t i = 0; i < s->query->pythonpath.count; i++)
        if (sp_site_append(&s->out->table, s->query->pythonpath.items[i], origin, search, s->err) <
            0)
            return -1;
    return 0;
}

int sp_environment_build(struct sp_environment_search *s,
                         const struct sp_environment_origin *origin, const sp_strv *first,
                         const struct sp_python_settings *settings, struct sp_search *out)
{
    static const struct sp_python_settings none;
    const struct sp_interpreter *from = origin->from;
    sp_strv user = {NULL, 0, 0};
    const char *named = sp_pool_printf(s->pool, "the user site of %s",
                                       origin->made->account ? origin->made->account : "");
    settings = settings ? settings : &none;
    if (origin->user && !settings->no_user)
        *SP_PUSH(s->pool, &user) = origin->user;
    if (append_python_path(s, out) < 0)
        return -1;
    for (size_t i = 0; i < first->count; i++)
        if (sp_site_append(&s->out->table, first->items[i], "PYTHONPATH", out, s->err) < 0)
            return -1;
    if (settings->no_site)
        return 0;
    if ((from->user_first && append_dirs(s, &user, named, out) < 0) ||
        append_dirs(s, &from->own, from->origin, out) < 0 ||
        (!from->user_first && append_dirs(s, &user, named, out) < 0))
        return -1;
    return append_dirs(s, &from->system, from->origin, out);
}

/* user: the user site, NULL for none; account: whose it is. */
static int make(struct sp_environment_search *s, const struct sp_interpreter *from,
                const char *user, const char *account)
{
    static const sp_strv nothing;
    struct sp_environment *made = new_environment(s, from);
    const struct sp_environment_origin origin = {made, from, user};
    if (user) {
        made->account = account;
        made->name = sp_pool_printf(s->pool, "%s as %s", made->name, account);
    }
    if (sp_environment_build(s, &origin, &nothing, NULL, &made->search) < 0)
        return -1;
    *SP_PUSH(s->pool, &s->origins) = origin;
    keep(s, made);
    return 0;
}

static int make_with_user_sites(struct sp_environment_search *s, const struct sp_interpreter *from,
                                const char *passwd)
{
    sp_strv done = {NULL, 0, 0};
    for (size_t i = 0; from->user_site && passwd && i < s->query->programs.count; i++) {
        const char *account = s->query->programs.items[i].account, *user;
        const char *home = account ? sp_passwd_home(s->pool, passwd, account) : NULL;
        if (!home || sp_strv_has(&done, account))
            continue;
        *SP_PUSH(s->pool, &done) = account;
        if (user_site_of(s, home, from->python, &user) < 0 ||
            (user && make(s, from, user, account) < 0))
            return -1;
    }
    return make(s, from, NULL, NULL);
}

static int make_all(struct sp_environment_search *s)
{
    const char *passwd = NULL;
    if (s->tree->is_system && sp_look_read_small(&s->interpreters.look, "etc/passwd", &passwd) < 0)
        return -1;
    for (size_t i = 0; i < s->interpreters.count; i++)
        if (make_with_user_sites(s, &s->interpreters.items[i], passwd) < 0)
            return -1;
    return 0;
}

/* A directory of which nothing is known, an environment of its own. */
static int make_open(struct sp_environment_search *s, const char *dir, const char *origin)
{
    struct sp_environment *made = sp_pool_alloc(s->pool, sizeof(*made));
    if (sp_site_append_all(&s->out->table, dir, origin, &made->search, s->err) < 0)
        return -1;
    made->name = s->tree->is_system || *dir ? sp_pool_printf(s->pool, "/%s", dir) : s->tree->name;
    keep(s, made);
    return 0;
}

static int make_top(struct sp_environment_search *s)
{
    sp_entries entries = {NULL, 0, 0};
    if (make_open(s, "", "the top of the tree") < 0 ||
        sp_tree_list(s->tree, s->pool, "", &entries, s->err) < 0)
        return -1;
    for (size_t i = 0; i < entries.count; i++)
        if (entries.items[i].kind == SP_ENTRY_DIRECTORY &&
            make_open(s, entries.items[i].name, "the top of the tree") < 0)
            return -1;
    return 0;
}

/* Checkouts that no interpreter is known to have. */
static int make_checkouts(struct sp_environment_search *s)
{
    sp_strv found = {NULL, 0, 0};
    if (sp_look_expand(&s->interpreters.look, "opt/stack/*", &found) < 0)
        return -1;
    for (size_t i = 0; i < found.count; i++) {
        struct sp_site *site;
        bool known = false;
        if (sp_site_open(&s->out->table, found.items[i], SP_USUAL_PLACES, &site, s->err) < 0)
            return -1;
        for (size_t j = 0; site && j < s->out->items.count; j++)
            known |= sp_sites_have(&s->out->items.items[j]->search.sites, site);
        if (site && !known && make_open(s, found.items[i], SP_USUAL_PLACES) < 0)
            return -1;
    }
    return 0;
}

/* ---- --path -------------------------------------------------------------------------------- */

static const char *shown(struct sp_environment_search *s, const char *path)
{
    return sp_path_join(s->pool, s->tree->name, sp_pool_printf(s->pool, "/%s", path));
}

static int open_named(struct sp_environment_search *s, sp_sites *out)
{
    for (size_t i = 0; i < s->query->paths.count; i++) {
        const char *path = s->query->paths.items[i] + strspn(s->query->paths.items[i], "/");
        struct sp_site *site;
        if (sp_site_open(&s->out->table, path, "--path", &site, s->err) < 0)
            return -1;
        if (!site)
            return sp_error_set(s->err, SP_ERROR_REFUSED, "--path: there is no directory %s",
                                shown(s, path));
        site->named = true;
        *SP_PUSH(s->pool, out) = site;
    }
    return 0;
}

/* "opt/venv/lib/python2.7/site-packages" -> "opt/venv"; NULL. */
static const char *prefix_of_site(struct sp_pool *pool, const char *path)
{
    const char *python = sp_path_dirname(pool, path), *lib = sp_path_dirname(pool, python);
    if (strcmp(sp_path_basename(path), "site-packages") != 0 ||
        strncmp(sp_path_basename(python), "python", 6) != 0 ||
        strncmp(sp_path_basename(lib), "lib", 3) != 0)
        return NULL;
    return sp_path_dirname(pool, lib);
}

/* Moves the environment that has the first directory to the front, with the directories of --path
 * before its own; or makes one. */
static int make_named(struct sp_environment_search *s, const sp_sites *named)
{
    struct sp_environment *made = NULL;
    for (size_t i = 0; !made && i < s->out->items.count; i++) {
        struct sp_environment *one = s->out->items.items[i];
        if (one->prefix && !one->account && sp_sites_have(&one->search.sites, named->items[0])) {
            made = one;
            memmove(&s->out->items.items[1], &s->out->items.items[0], i * sizeof(made));
            s->out->items.items[0] = made;
        }
    }
    if (!made) {
        made = sp_pool_alloc(s->pool, sizeof(*made));
        made->name = sp_pool_printf(s->pool, "/%s", named->items[0]->path);
        *SP_PUSH(s->pool, &s->out->items) = made;
        memmove(&s->out->items.items[1], &s->out->items.items[0],
                (s->out->items.count - 1) * sizeof(made));
        s->out->items.items[0] = made;
    }
    struct sp_search old = made->search, search = {{NULL, 0, 0}, 0};
    for (size_t i = 0; i < named->count; i++)
        if (sp_site_append_all(&s->out->table, named->items[i]->path, "--path", &search, s->err) <
            0)
            return -1;
    for (size_t i = 0; i < search.sites.count; i++)
        search.sites.items[i]->named = true;
    for (size_t i = 0; i < old.sites.count; i++)
        if (!sp_sites_have(&search.sites, old.sites.items[i]))
            *SP_PUSH(s->pool, &search.sites) = old.sites.items[i];
    made->search = search;
    made->named = true;
    return 0;
}

/* ---- all of them --------------------------------------------------------------------------- */

/* The one interpreter that was asked, and nothing else. */
static int make_asked(struct sp_environment_search *s)
{
    struct sp_environment *made = sp_pool_alloc(s->pool, sizeof(*made));
    const char *program = s->query->python + strspn(s->query->python, "/");
    enum sp_entry_kind kind;
    made->name = s->query->python;
    made->prefix = sp_environment_prefix(s->pool, program);
    if (sp_environment_version(s, program, &made->python) < 0 ||
        (made->prefix &&
         s->tree->ops->stat(s->tree, s->pool, made->prefix, &kind, &made->prefix_id, s->err) < 0) ||
        append_python_path(s, &made->search) < 0)
        return -1;
    made->is_system = made->prefix && strcmp(made->prefix, "usr") == 0;
    if (!made->prefix)
        made->prefix = "usr";
    keep(s, made);
    return 0;
}

static int make_python_path(struct sp_environment_search *s)
{
    struct sp_environment *made = sp_pool_alloc(s->pool, sizeof(*made));
    made->name = "PYTHONPATH";
    if (append_python_path(s, &made->search) < 0)
        return -1;
    keep(s, made);
    return 0;
}

static int find_all(struct sp_environment_search *s, const sp_sites *named)
{
    if (s->query->python)
        return make_asked(s);
    if (!s->tree->is_system && make_top(s) < 0)
        return -1;
    if (sp_interpreters_add_system(&s->interpreters) < 0 ||
        sp_interpreters_add_usual(&s->interpreters) < 0 ||
        (s->tree->is_system && sp_environment_find_usages(s) < 0))
        return -1;
    for (size_t i = 0; i < named->count; i++) {
        const char *prefix = prefix_of_site(s->pool, named->items[i]->path);
        if (prefix && sp_interpreters_add_prefix(&s->interpreters, prefix, "--path") < 0)
            return -1;
    }
    if (make_all(s) < 0 || make_checkouts(s) < 0)
        return -1;
    return s->out->items.count == 0 ? make_python_path(s) : 0;
}

int sp_environments_find(struct sp_pool *pool, struct sp_tree *tree,
                         const struct sp_environment_query *query, struct sp_environments *out,
                         struct sp_error *err)
{
    struct sp_environment_search s = {
        .pool = pool, .tree = tree, .query = query, .out = out, .err = err};
    s.interpreters.look = (struct sp_look){pool, tree, err};
    sp_sites named = {NULL, 0, 0};
    memset(out, 0, sizeof(*out));
    out->table.pool = pool;
    out->table.tree = tree;
    if (open_named(&s, &named) < 0 || find_all(&s, &named) < 0 ||
        (named.count && make_named(&s, &named) < 0))
        return -1;
    return sp_environment_find_uses(&s);
}
