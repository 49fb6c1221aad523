/* SPDX-License-Identifier: Apache-2.0 */
#include "model/environment.h"

#include <string.h>

#include "base/path.h"
#include "model/interpreter.h"
#include "model/passwd.h"

struct search {
    struct sp_pool *pool;
    struct sp_tree *tree;
    const struct sp_environment_query *query;
    struct sp_environments *out;
    sp_usages usages;
    struct sp_interpreters interpreters;
    struct sp_error *err;
};

/* ---- what runs the programs ---------------------------------------------------------------- */

/* "usr/bin/python2.7" -> "usr"; NULL when it is in no bin directory. "bin/python" is of usr. */
static const char *prefix_of(struct sp_pool *pool, const char *interpreter)
{
    const char *bin = sp_path_dirname(pool, interpreter);
    if (strcmp(sp_path_basename(bin), "bin") != 0)
        return NULL;
    const char *prefix = sp_path_dirname(pool, bin);
    return *prefix && strcmp(prefix, "/") != 0 ? prefix : "usr";
}

static int add_used(struct search *s)
{
    for (size_t i = 0; i < s->query->programs.count; i++)
        if (sp_usage_find(s->pool, s->tree, &s->query->programs.items[i], &s->query->running,
                          &s->usages, s->err) < 0)
            return -1;
    for (size_t i = 0; i < s->usages.count; i++) {
        const char *prefix = prefix_of(s->pool, s->usages.items[i].interpreter);
        if (prefix &&
            sp_interpreters_add_prefix(&s->interpreters, prefix, s->usages.items[i].how) < 0)
            return -1;
    }
    return 0;
}

/* ---- user sites ---------------------------------------------------------------------------- */

/* The user site of the account for that Python, NULL if it has none. */
static int user_site_of(struct search *s, const char *home, const char *python, const char **out)
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

static struct sp_environment *new_environment(struct search *s, const struct sp_interpreter *from)
{
    struct sp_environment *made = sp_pool_alloc(s->pool, sizeof(*made));
    *made = (struct sp_environment){.name = from->name,
                                    .prefix = from->prefix,
                                    .prefix_id = from->prefix_id,
                                    .python = from->python,
                                    .is_system = from->is_system};
    return made;
}

static void keep(struct search *s, struct sp_environment *environment)
{
    if (environment->search.sites.count)
        *SP_PUSH(s->pool, &s->out->items) = environment;
}

static int append_dirs(struct search *s, const sp_strv *dirs, const char *origin,
                       struct sp_search *search)
{
    for (size_t i = 0; i < dirs->count; i++)
        if (sp_site_append_all(&s->out->table, dirs->items[i], origin, search, s->err) < 0)
            return -1;
    return 0;
}

static int append_python_path(struct search *s, struct sp_search *search)
{
    const char *origin = s->query->python ? s->query->python : "PYTHONPATH";
    for (size_t i = 0; i < s->query->pythonpath.count; i++)
        if (sp_site_append(&s->out->table, s->query->pythonpath.items[i], origin, search, s->err) <
            0)
            return -1;
    return 0;
}

/* user: the user site, NULL for none; account: whose it is. */
static int make(struct search *s, const struct sp_interpreter *from, const char *user,
                const char *account)
{
    struct sp_environment *made = new_environment(s, from);
    sp_strv user_dirs = {NULL, 0, 0};
    if (user) {
        *SP_PUSH(s->pool, &user_dirs) = user;
        made->account = account;
        made->name = sp_pool_printf(s->pool, "%s as %s", made->name, account);
    }
    const char *origin = sp_pool_printf(s->pool, "the user site of %s", account ? account : "");
    if (append_python_path(s, &made->search) < 0 ||
        (from->user_first && append_dirs(s, &user_dirs, origin, &made->search) < 0) ||
        append_dirs(s, &from->own, from->origin, &made->search) < 0 ||
        (!from->user_first && append_dirs(s, &user_dirs, origin, &made->search) < 0) ||
        append_dirs(s, &from->system, from->origin, &made->search) < 0)
        return -1;
    keep(s, made);
    return 0;
}

static int make_with_user_sites(struct search *s, const struct sp_interpreter *from,
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

static int make_all(struct search *s)
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
static int make_open(struct search *s, const char *dir, const char *origin)
{
    struct sp_environment *made = sp_pool_alloc(s->pool, sizeof(*made));
    if (sp_site_append_all(&s->out->table, dir, origin, &made->search, s->err) < 0)
        return -1;
    made->name = s->tree->is_system || *dir ? sp_pool_printf(s->pool, "/%s", dir) : s->tree->name;
    keep(s, made);
    return 0;
}

static int make_top(struct search *s)
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
static int make_checkouts(struct search *s)
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

static const char *shown(struct search *s, const char *path)
{
    return sp_path_join(s->pool, s->tree->name, sp_pool_printf(s->pool, "/%s", path));
}

static int open_named(struct search *s, sp_sites *out)
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
static int make_named(struct search *s, const sp_sites *named)
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

/* ---- which programs run where -------------------------------------------------------------- */

/* The version in the name of the interpreter, links followed: "2.7", "2", "". */
static int version_of(struct search *s, const char *interpreter, const char **out)
{
    const char *real = NULL;
    if (s->tree->ops->real && s->tree->ops->real(s->tree, s->pool, interpreter, &real, s->err) < 0)
        return -1;
    const char *name = sp_path_basename(real ? real : interpreter);
    if (strncmp(name, "python", 6) != 0)
        name = sp_path_basename(interpreter);
    name += strncmp(name, "python", 6) == 0 ? 6 : strlen(name);
    *out = sp_pool_memdup(s->pool, name, strspn(name, "0123456789."));
    return 0;
}

/* How well an environment fits the version: 0 not at all, 2 exactly. */
static int fits(const struct sp_environment *environment, const char *version)
{
    size_t len = strlen(version);
    if (len == 0)
        return 1;
    if (strcmp(environment->python, version) == 0)
        return 2;
    return strncmp(environment->python, version, len) == 0 && environment->python[len] == '.' ? 1
           : strcmp(environment->python, "3") == 0 && *version == '3'                         ? 1
                                                                                              : 0;
}

static int find_use(struct search *s, const struct sp_usage *usage,
                    const struct sp_environment **out)
{
    const char *prefix = prefix_of(s->pool, usage->interpreter), *id, *version;
    enum sp_entry_kind kind;
    int best = 0;
    *out = NULL;
    if (!prefix)
        return 0;
    if (s->tree->ops->stat(s->tree, s->pool, prefix, &kind, &id, s->err) < 0 ||
        version_of(s, usage->interpreter, &version) < 0)
        return -1;
    for (size_t i = 0; id && i < s->out->items.count; i++) {
        const struct sp_environment *one = s->out->items.items[i];
        if (!one->prefix_id || strcmp(one->prefix_id, id) != 0 ||
            !sp_environment_serves(s->out, one, usage->program->account))
            continue;
        /* an environment has one Python, whatever its links are called; the system has several */
        int rank = fits(one, version) ? 1 + fits(one, version) : !one->is_system;
        if (rank > best) {
            best = rank;
            *out = one;
        }
    }
    return 0;
}

int sp_environment_of(struct sp_environments *all, const char *interpreter, const char *account,
                      const struct sp_environment **out, struct sp_error *err)
{
    struct search s = {.pool = all->table.pool, .tree = all->table.tree, .out = all, .err = err};
    const struct sp_program program = {"", account};
    const struct sp_usage usage = {&program, interpreter, ""};
    return find_use(&s, &usage, out);
}

static int find_uses(struct search *s)
{
    for (size_t i = 0; i < s->usages.count; i++) {
        const struct sp_environment *environment;
        if (find_use(s, &s->usages.items[i], &environment) < 0)
            return -1;
        if (environment)
            *SP_PUSH(s->pool, &s->out->uses) =
                (struct sp_use){s->usages.items[i].program, environment, s->usages.items[i].how};
    }
    return 0;
}

bool sp_environment_serves(const struct sp_environments *all, const struct sp_environment *one,
                           const char *account)
{
    if (one->account)
        return account && strcmp(one->account, account) == 0;
    for (size_t i = 0; account && one->prefix_id && i < all->items.count; i++) {
        const struct sp_environment *other = all->items.items[i];
        if (other->account && strcmp(other->account, account) == 0 &&
            strcmp(other->prefix_id, one->prefix_id) == 0 &&
            strcmp(other->python, one->python) == 0)
            return false;
    }
    return true;
}

/* ---- all of them --------------------------------------------------------------------------- */

/* The one interpreter that was asked, and nothing else. */
static int make_asked(struct search *s)
{
    struct sp_environment *made = sp_pool_alloc(s->pool, sizeof(*made));
    const char *program = s->query->python + strspn(s->query->python, "/");
    enum sp_entry_kind kind;
    made->name = s->query->python;
    made->prefix = prefix_of(s->pool, program);
    if (version_of(s, program, &made->python) < 0 ||
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

static int make_python_path(struct search *s)
{
    struct sp_environment *made = sp_pool_alloc(s->pool, sizeof(*made));
    made->name = "PYTHONPATH";
    if (append_python_path(s, &made->search) < 0)
        return -1;
    keep(s, made);
    return 0;
}

static int find_all(struct search *s, const sp_sites *named)
{
    if (s->query->python)
        return make_asked(s);
    if (!s->tree->is_system && make_top(s) < 0)
        return -1;
    if (sp_interpreters_add_system(&s->interpreters) < 0 ||
        sp_interpreters_add_usual(&s->interpreters) < 0 || (s->tree->is_system && add_used(s) < 0))
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
    struct search s = {.pool = pool, .tree = tree, .query = query, .out = out, .err = err};
    s.interpreters.look = (struct sp_look){pool, tree, err};
    sp_sites named = {NULL, 0, 0};
    memset(out, 0, sizeof(*out));
    out->table.pool = pool;
    out->table.tree = tree;
    if (open_named(&s, &named) < 0 || find_all(&s, &named) < 0 ||
        (named.count && make_named(&s, &named) < 0))
        return -1;
    return find_uses(&s);
}
