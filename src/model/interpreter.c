/* SPDX-License-Identifier: Apache-2.0 */
#include "model/interpreter.h"

#include <string.h>
#include <strings.h>

#include "base/path.h"

/* Virtual environments of known deployments (environment.h). */
static const char *const usual_prefixes[] = {"openstack/venvs/*", "var/lib/kolla/venv",
                                             "var/lib/openstack", "opt/stack/data/venv",
                                             "opt/stack/venv/*",  "opt/stack/*.venv"};

/* A directory that an interpreter may look into: PREFIX/LIB/pythonX.Y/{site,dist}-packages. */
struct python_dir {
    const char *path, *version;
    bool dist; /* dist-packages */
};
typedef SP_VEC(struct python_dir) python_dirs;

/* ---- directories --------------------------------------------------------------------------- */

/* The library directories of a prefix: lib64, lib, then others (lib32). */
static int libraries_of(struct sp_interpreters *s, const char *prefix, sp_strv *out)
{
    sp_strv names = {NULL, 0, 0};
    if (sp_look_match_names(&s->look, prefix, "lib*", &names) < 0)
        return -1;
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < names.count; i++) {
            const char *name = names.items[i];
            int rank = strcmp(name, "lib64") == 0 ? 0 : strcmp(name, "lib") == 0 ? 1 : 2;
            if (rank == round)
                *SP_PUSH(s->look.pool, out) = sp_path_join(s->look.pool, prefix, name);
        }
    return 0;
}

static int python_dirs_of(struct sp_interpreters *s, const char *prefix, python_dirs *out)
{
    static const char *const kinds[] = {"site-packages", "dist-packages"};
    sp_strv libraries = {NULL, 0, 0};
    if (libraries_of(s, prefix, &libraries) < 0)
        return -1;
    for (size_t i = 0; i < libraries.count; i++) {
        sp_strv names = {NULL, 0, 0};
        if (sp_look_match_names(&s->look, libraries.items[i], "python[0-9]*", &names) < 0)
            return -1;
        for (size_t j = 0; j < names.count; j++)
            for (size_t k = 0; k < 2; k++) {
                const char *path = sp_pool_printf(s->look.pool, "%s/%s/%s", libraries.items[i],
                                                  names.items[j], kinds[k]);
                bool is;
                if (sp_look_is_directory(&s->look, path, &is) < 0)
                    return -1;
                if (is)
                    *SP_PUSH(s->look.pool, out) =
                        (struct python_dir){path, names.items[j] + strlen("python"), k == 1};
            }
    }
    return 0;
}

static void add_dirs(struct sp_interpreters *s, const python_dirs *dirs, const char *version,
                     bool dist, sp_strv *out)
{
    for (size_t i = 0; i < dirs->count; i++)
        if (dirs->items[i].dist == dist && strcmp(dirs->items[i].version, version) == 0)
            *SP_PUSH(s->look.pool, out) = dirs->items[i].path;
}

/* ---- the system's interpreters ------------------------------------------------------------- */

static struct sp_interpreter *add_one(struct sp_interpreters *s, const char *name,
                                      const char *prefix, const char *python)
{
    struct sp_interpreter *one = SP_PUSH(s->look.pool, s);
    *one = (struct sp_interpreter){.name = name, .prefix = prefix, .python = python};
    one->origin = SP_USUAL_PLACES;
    return one;
}

static int add_system_one(struct sp_interpreters *s, const char *version, const char *more,
                          const sp_strv *dirs)
{
    const char *name = sp_pool_printf(s->look.pool, "the system's Python %s%s", version, more);
    struct sp_interpreter *one = add_one(s, name, "usr", version);
    enum sp_entry_kind kind;
    one->is_system = true;
    one->own = *dirs;
    one->user_site = one->user_first = true;
    return s->look.tree->ops->stat(s->look.tree, s->look.pool, "usr", &kind, &one->prefix_id,
                                   s->look.err);
}

/* The directories of the interpreters of one version. */
static int add_system_version(struct sp_interpreters *s, const char *version,
                              const python_dirs *usr, const python_dirs *local)
{
    sp_strv debian = {NULL, 0, 0}, red_hat = {NULL, 0, 0}, own = {NULL, 0, 0};
    bool is_3 = *version == '3', has_own;
    const char *python = sp_pool_printf(s->look.pool, "usr/local/bin/python%s", version);
    if (sp_look_is_file(&s->look, python, &has_own) < 0)
        return -1;
    add_dirs(s, local, version, true, &debian);
    if (is_3 && strcmp(version, "3") != 0)
        add_dirs(s, usr, "3", true, &debian);
    add_dirs(s, usr, version, true, &debian);
    add_dirs(s, local, version, false, is_3 && !has_own ? &red_hat : &own);
    add_dirs(s, usr, version, false, &red_hat);
    if (debian.count && add_system_one(s, version, "", &debian) < 0)
        return -1;
    if (red_hat.count &&
        add_system_one(s, version, debian.count ? ", site-packages" : "", &red_hat) < 0)
        return -1;
    if (own.count) {
        struct sp_interpreter *one =
            add_one(s, sp_pool_printf(s->look.pool, "Python %s in /usr/local", version),
                    "usr/local", version);
        enum sp_entry_kind kind;
        one->own = own;
        one->user_site = one->user_first = true;
        return s->look.tree->ops->stat(s->look.tree, s->look.pool, "usr/local", &kind,
                                       &one->prefix_id, s->look.err);
    }
    return 0;
}

static void collect_versions(struct sp_interpreters *s, const python_dirs *dirs, sp_strv *out)
{
    for (size_t i = 0; i < dirs->count; i++)
        sp_strv_add_once(s->look.pool, out, dirs->items[i].version);
}

int sp_interpreters_add_system(struct sp_interpreters *s)
{
    python_dirs usr = {NULL, 0, 0}, local = {NULL, 0, 0};
    sp_strv versions = {NULL, 0, 0};
    if (python_dirs_of(s, "usr", &usr) < 0 || python_dirs_of(s, "usr/local", &local) < 0)
        return -1;
    collect_versions(s, &usr, &versions);
    collect_versions(s, &local, &versions);
    bool exact_3 = false; /* /usr/lib/python3/dist-packages is then part of that one */
    for (size_t i = 0; i < versions.count; i++) {
        sp_strv dist = {NULL, 0, 0};
        add_dirs(s, &usr, versions.items[i], true, &dist);
        add_dirs(s, &local, versions.items[i], true, &dist);
        exact_3 |= strncmp(versions.items[i], "3.", 2) == 0 && dist.count;
    }
    for (size_t i = 0; i < versions.count; i++)
        if (!(exact_3 && strcmp(versions.items[i], "3") == 0) &&
            add_system_version(s, versions.items[i], &usr, &local) < 0)
            return -1;
    return 0;
}

/* ---- virtual environments ------------------------------------------------------------------ */

/* "home = /usr/bin" of pyvenv.cfg (PEP 405): the value of a key, NULL if there is none. */
static const char *setting_of(struct sp_pool *pool, const char *text, const char *key)
{
    size_t len = strlen(key);
    while (*text) {
        const char *line = text;
        text += strcspn(text, "\n");
        text += *text == '\n';
        line += strspn(line, " \t");
        if (strncasecmp(line, key, len) != 0)
            continue;
        line += len;
        line += strspn(line, " \t");
        if (*line++ != '=')
            continue;
        line += strspn(line, " \t");
        return sp_pool_memdup(pool, line, strcspn(line, " \t\r\n"));
    }
    return NULL;
}

/* The prefix of the interpreter whose packages the environment sees too; NULL: it sees none. */
static int system_of(struct sp_interpreters *s, const char *prefix, const char *version,
                     struct sp_interpreter *one, const char **out)
{
    const char *config, *original;
    const char *python = sp_pool_printf(s->look.pool, "%s/lib/python%s", prefix, version);
    bool closed;
    *out = NULL;
    if (sp_look_read_small(&s->look, sp_path_join(s->look.pool, prefix, "pyvenv.cfg"), &config) <
            0 ||
        sp_look_read_small(&s->look, sp_path_join(s->look.pool, python, "orig-prefix.txt"),
                           &original) < 0 ||
        sp_look_is_file(&s->look, sp_path_join(s->look.pool, python, "no-global-site-packages.txt"),
                        &closed) < 0)
        return -1;
    if (config) {
        const char *access = setting_of(s->look.pool, config, "include-system-site-packages");
        const char *home = setting_of(s->look.pool, config, "home");
        if (access && strcasecmp(access, "true") == 0 && home)
            *out = sp_path_dirname(s->look.pool, home);
        one->user_first = true;
    } else if (original && !closed) {
        *out = sp_pool_memdup(s->look.pool, original, strcspn(original, "\r\n"));
    } else if (!original) { /* an interpreter of its own */
        one->user_site = one->user_first = true;
    }
    return 0;
}

static const struct sp_interpreter *one_of(struct sp_interpreters *s, const char *prefix_id,
                                           const char *version)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct sp_interpreter *one = &s->items[i];
        if (one->prefix_id && strcmp(one->prefix_id, prefix_id) == 0 &&
            strcmp(one->python, version) == 0)
            return one;
    }
    return NULL;
}

/* The directories of the interpreter at the prefix that are visible from an environment of it. */
static int system_dirs(struct sp_interpreters *s, const char *prefix, const char *version,
                       sp_strv *out)
{
    enum sp_entry_kind kind;
    const char *id;
    prefix += strspn(prefix, "/");
    if (!*prefix)
        prefix = "usr";
    if (s->look.tree->ops->stat(s->look.tree, s->look.pool, prefix, &kind, &id, s->look.err) < 0)
        return -1;
    const struct sp_interpreter *one = id ? one_of(s, id, version) : NULL;
    if (one) {
        for (size_t i = 0; i < one->own.count; i++)
            *SP_PUSH(s->look.pool, out) = one->own.items[i];
        return 0;
    }
    python_dirs dirs = {NULL, 0, 0};
    if (python_dirs_of(s, prefix, &dirs) < 0)
        return -1;
    if (*version == '3')
        add_dirs(s, &dirs, "3", true, out);
    add_dirs(s, &dirs, version, true, out);
    add_dirs(s, &dirs, version, false, out);
    return 0;
}

/* Adds the interpreters at a prefix, one environment for each version of Python in it. */
int sp_interpreters_add_prefix(struct sp_interpreters *s, const char *prefix, const char *origin)
{
    python_dirs dirs = {NULL, 0, 0};
    sp_strv versions = {NULL, 0, 0};
    enum sp_entry_kind kind;
    const char *id;
    prefix += strspn(prefix, "/");
    if (!*prefix || strcmp(prefix, "usr") == 0)
        return 0;
    if (s->look.tree->ops->stat(s->look.tree, s->look.pool, prefix, &kind, &id, s->look.err) < 0)
        return -1;
    if (kind != SP_ENTRY_DIRECTORY)
        return 0;
    if (python_dirs_of(s, prefix, &dirs) < 0)
        return -1;
    collect_versions(s, &dirs, &versions);
    for (size_t i = 0; i < versions.count; i++) {
        const char *version = versions.items[i], *system;
        sp_strv own = {NULL, 0, 0};
        add_dirs(s, &dirs, version, false, &own);
        if (own.count == 0 || one_of(s, id, version))
            continue;
        struct sp_interpreter *one =
            add_one(s, sp_pool_printf(s->look.pool, "/%s", prefix), prefix, version);
        one->prefix_id = id;
        one->origin = origin;
        one->own = own;
        if (system_of(s, prefix, version, one, &system) < 0)
            return -1;
        size_t index = s->count - 1; /* adding moves them */
        sp_strv shared = {NULL, 0, 0};
        if (system && system_dirs(s, system, version, &shared) < 0)
            return -1;
        one = &s->items[index];
        one->system = shared;
        one->user_site |= system != NULL;
    }
    return 0;
}

int sp_interpreters_add_usual(struct sp_interpreters *s)
{
    for (size_t i = 0; i < sizeof(usual_prefixes) / sizeof(usual_prefixes[0]); i++) {
        sp_strv found = {NULL, 0, 0};
        if (sp_look_expand(&s->look, usual_prefixes[i], &found) < 0)
            return -1;
        for (size_t j = 0; j < found.count; j++)
            if (sp_interpreters_add_prefix(s, found.items[j], SP_USUAL_PLACES) < 0)
                return -1;
    }
    return 0;
}
