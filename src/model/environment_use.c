/* SPDX-License-Identifier: Apache-2.0 */
/* Which programs run in which environments. */
#include <string.h>

#include "base/path.h"
#include "model/environment_search.h"

const char *sp_environment_prefix(struct sp_pool *pool, const char *interpreter)
{
    const char *bin = sp_path_dirname(pool, interpreter);
    if (strcmp(sp_path_basename(bin), "bin") != 0)
        return NULL;
    const char *prefix = sp_path_dirname(pool, bin);
    return *prefix && strcmp(prefix, "/") != 0 ? prefix : "usr";
}

/* PYTHONHOME goes before the place of the interpreter. */
static const char *prefix_of(struct sp_environment_search *s, const struct sp_usage *usage)
{
    const char *home = sp_python_settings_home(s->pool, &usage->settings);
    if (!home)
        return sp_environment_prefix(s->pool, usage->interpreter);
    home = sp_path_trim(s->pool, home);
    return *home ? home : "usr";
}

int sp_environment_find_usages(struct sp_environment_search *s)
{
    for (size_t i = 0; i < s->query->programs.count; i++)
        if (sp_usage_find(s->pool, s->tree, &s->query->programs.items[i], &s->query->running,
                          &s->usages, s->err) < 0)
            return -1;
    for (size_t i = 0; i < s->usages.count; i++) {
        const char *prefix = prefix_of(s, &s->usages.items[i]);
        if (prefix &&
            sp_interpreters_add_prefix(&s->interpreters, prefix, s->usages.items[i].how) < 0)
            return -1;
    }
    return 0;
}

/* ---- which programs run where -------------------------------------------------------------- */

int sp_environment_version(struct sp_environment_search *s, const char *interpreter,
                           const char **out)
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

static int find_use(struct sp_environment_search *s, const struct sp_usage *usage,
                    const struct sp_environment **out)
{
    const char *prefix = prefix_of(s, usage), *id, *version;
    enum sp_entry_kind kind;
    int best = 0;
    *out = NULL;
    if (!prefix)
        return 0;
    if (s->tree->ops->stat(s->tree, s->pool, prefix, &kind, &id, s->err) < 0 ||
        sp_environment_version(s, usage->interpreter, &version) < 0)
        return -1;
    for (size_t i = 0; id && i < s->out->items.count; i++) {
        const struct sp_environment *one = s->out->items.items[i];
        if (one->own_settings || !one->prefix_id || strcmp(one->prefix_id, id) != 0 ||
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
    struct sp_environment_search s = {
        .pool = all->table.pool, .tree = all->table.tree, .out = all, .err = err};
    const struct sp_program program = {"", account};
    const struct sp_usage usage = {.program = &program, .interpreter = interpreter, .how = ""};
    return find_use(&s, &usage, out);
}

/* ---- programs that are started with settings of their own ---------------------------------- */

static const struct sp_environment_origin *origin_of(const struct sp_environment_search *s,
                                                     const struct sp_environment *made)
{
    for (size_t i = 0; i < s->origins.count; i++)
        if (s->origins.items[i].made == made)
            return &s->origins.items[i];
    return NULL;
}

/* One with the same name that was made for a program of the same account. */
static const struct sp_environment *find_made(const struct sp_environment_search *s,
                                              const char *name, const char *account)
{
    for (size_t i = 0; i < s->out->items.count; i++) {
        const struct sp_environment *one = s->out->items.items[i];
        if (one->own_settings && strcmp(one->name, name) == 0 &&
            sp_str_equal(one->account, account))
            return one;
    }
    return NULL;
}

static void insert_before(struct sp_environment_search *s, const struct sp_environment *other,
                          struct sp_environment *made)
{
    size_t at = 0;
    while (at < s->out->items.count && s->out->items.items[at] != other)
        at++;
    *SP_PUSH(s->pool, &s->out->items) = made;
    memmove(&s->out->items.items[at + 1], &s->out->items.items[at],
            (s->out->items.count - 1 - at) * sizeof(made));
    s->out->items.items[at] = made;
}

/* Whether two search paths have the same sites in the same order. */
static bool is_same(const struct sp_search *a, const struct sp_search *b)
{
    if (a->sites.count != b->sites.count)
        return false;
    for (size_t i = 0; i < a->sites.count; i++)
        if (a->sites.items[i] != b->sites.items[i])
            return false;
    return true;
}

/* Replaces the environment of an interpreter by that in which it is started so. --path and --python
 * are orders, which nothing is put before. */
static int apply_settings(struct sp_environment_search *s, const struct sp_usage *usage,
                          const struct sp_environment **environment)
{
    const struct sp_environment *base = *environment;
    const struct sp_environment_origin *origin = origin_of(s, base);
    const char *words = sp_python_settings_words(s->pool, &usage->settings);
    sp_strv first = {NULL, 0, 0};
    if (!words || !origin || base->named)
        return 0;
    const char *name = sp_pool_printf(s->pool, "%s with %s", base->name, words);
    const struct sp_environment *known = find_made(s, name, usage->program->account);
    if (known) {
        *environment = known;
        return 0;
    }
    struct sp_environment *made = sp_pool_alloc(s->pool, sizeof(*made));
    *made = *base;
    made->name = name;
    made->account = usage->program->account;
    made->own_settings = true;
    made->search = (struct sp_search){{NULL, 0, 0}, 0};
    sp_python_settings_dirs(s->pool, &usage->settings, &first);
    if (sp_environment_build(s, origin, &first, &usage->settings, &made->search) < 0)
        return -1;
    if (is_same(&made->search, &base->search))
        return 0;
    insert_before(s, base, made);
    *environment = made;
    return 0;
}

int sp_environment_find_uses(struct sp_environment_search *s)
{
    for (size_t i = 0; i < s->usages.count; i++) {
        const struct sp_usage *usage = &s->usages.items[i];
        const struct sp_environment *environment;
        if (find_use(s, usage, &environment) < 0 ||
            (environment && apply_settings(s, usage, &environment) < 0))
            return -1;
        if (environment)
            *SP_PUSH(s->pool, &s->out->uses) =
                (struct sp_use){usage->program, environment, usage->how, usage->pid};
    }
    return 0;
}

bool sp_environment_serves(const struct sp_environments *all, const struct sp_environment *one,
                           const char *account)
{
    if (one->own_settings && !(account && one->account))
        return true;
    if (one->account)
        return account && strcmp(one->account, account) == 0;
    for (size_t i = 0; account && one->prefix_id && i < all->items.count; i++) {
        const struct sp_environment *other = all->items.items[i];
        if (other->account && !other->own_settings && strcmp(other->account, account) == 0 &&
            strcmp(other->prefix_id, one->prefix_id) == 0 &&
            strcmp(other->python, one->python) == 0)
            return false;
    }
    return true;
}
