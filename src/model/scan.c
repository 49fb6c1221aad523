/* SPDX-License-Identifier: Apache-2.0 */
#include "model/scan.h"

#include <string.h>

#include "base/path.h"

enum {
    NEARBY_DEPTH = 6,  /* /opt/venv/lib/python2.7/site-packages is three below /opt/venv */
    NEARBY_MAX = 20000 /* directories to look into */
};

static bool has_program(const sp_programs *programs, const char *name, const char *account)
{
    for (size_t i = 0; i < programs->count; i++)
        if (strcmp(programs->items[i].name, name) == 0 &&
            (!account ||
             (programs->items[i].account && strcmp(programs->items[i].account, account) == 0)))
            return true;
    return false;
}

/* The programs of all components; first those whose account is known. */
static void collect_programs(struct sp_pool *pool, const struct sp_manifests *manifests,
                             bool with_account, sp_programs *out)
{
    for (size_t i = 0; i < manifests->releases.count; i++) {
        const struct sp_release *release = manifests->releases.items[i];
        for (size_t j = 0; j < release->components.count; j++) {
            const struct sp_component *component = release->components.items[j];
            if ((component->account != NULL) != with_account)
                continue;
            for (size_t k = 0; k < component->programs.count; k++)
                if (!has_program(out, component->programs.items[k], component->account))
                    *SP_PUSH(pool, out) =
                        (struct sp_program){component->programs.items[k], component->account};
        }
    }
}

/* Every site on the search path of an environment, once. */
static void collect_sites(struct sp_pool *pool, const struct sp_environments *environments,
                          sp_sites *out)
{
    for (size_t i = 0; i < environments->items.count; i++) {
        const sp_sites *sites = &environments->items.items[i]->search.sites;
        for (size_t j = 0; j < sites->count; j++)
            if (!sp_sites_have(out, sites->items[j]))
                *SP_PUSH(pool, out) = sites->items[j];
    }
}

/* ---- a directory of --path without a component --------------------------------------------- */

struct nearby {
    struct sp_pool *pool;
    struct sp_tree *tree;
    const sp_strv *components;
    struct sp_error *err;
    const char *component, *path; /* the answer */
};

/* Whether a component is in the directory. */
static int look_in(struct nearby *n, const char *dir)
{
    for (size_t i = 0; !n->path && i < n->components->count; i++) {
        const char *component = n->components->items[i];
        const char *init = sp_pool_printf(n->pool, "%s/%s/__init__.py", dir, component);
        enum sp_entry_kind kind;
        if (sp_tree_kind(n->tree, n->pool, init + (*dir ? 0 : 1), &kind, n->err) < 0)
            return -1;
        if (kind == SP_ENTRY_FILE) {
            n->path = dir;
            n->component = component;
        }
    }
    return 0;
}

/* The directories below, level by level, until one has a component. */
static int look_below(struct nearby *n, const char *top)
{
    sp_strv level = {NULL, 0, 0};
    size_t looked = 0;
    *SP_PUSH(n->pool, &level) = top;
    for (int depth = 0; !n->path && depth < NEARBY_DEPTH && level.count; depth++) {
        sp_strv next = {NULL, 0, 0};
        for (size_t i = 0; !n->path && i < level.count; i++) {
            sp_entries entries = {NULL, 0, 0};
            if (++looked > NEARBY_MAX)
                return 0;
            if (sp_tree_list(n->tree, n->pool, level.items[i], &entries, n->err) < 0)
                return -1;
            for (size_t j = 0; !n->path && j < entries.count; j++) {
                if (entries.items[j].kind != SP_ENTRY_DIRECTORY)
                    continue;
                const char *dir = sp_path_join(n->pool, level.items[i], entries.items[j].name);
                *SP_PUSH(n->pool, &next) = dir;
                if (look_in(n, dir) < 0)
                    return -1;
            }
        }
        level = next;
    }
    return 0;
}

/* The directories above: it may be inside of a package. */
static int look_above(struct nearby *n, const char *dir)
{
    while (!n->path && *dir) {
        const char *name = sp_path_basename(dir);
        dir = sp_path_dirname(n->pool, dir);
        if (look_in(n, dir) < 0)
            return -1;
        if (n->path && strcmp(n->component, name) != 0 && !sp_strv_has(n->components, name))
            n->path = NULL; /* a sibling, no parent */
    }
    return 0;
}

/* Errors on the way do not count: the directory is refused anyway. */
static int refuse_empty(struct nearby *n, const struct sp_scan *scan, const char *path,
                        struct sp_error *err)
{
    if (look_below(n, path) < 0 || (!n->path && look_above(n, path) < 0))
        n->path = NULL;
    sp_error_clear(n->err);
    const char *shown = sp_scan_show(n->pool, scan, path);
    if (!n->path)
        return sp_error_set(err, SP_ERROR_REFUSED,
                            "--path: none of %s is in %s, nor in a directory below it",
                            sp_strv_join(n->pool, n->components, ", "), shown);
    return sp_error_set(err, SP_ERROR_REFUSED, "--path: none of %s is in %s; %s is in %s",
                        sp_strv_join(n->pool, n->components, ", "), shown, n->component,
                        sp_scan_show(n->pool, scan, n->path));
}

/* Whether a component is in the site or in one that it leads to. */
static bool has_component(const struct sp_scan *scan, const struct sp_site *site)
{
    for (size_t i = 0; i < scan->detections.places.count; i++) {
        const struct sp_site *at = scan->detections.places.items[i].site;
        if (at == site || sp_sites_have(&site->front, at) || sp_sites_have(&site->links, at))
            return true;
    }
    return false;
}

static int check_paths(struct sp_pool *pool, struct sp_scan *scan, const sp_strv *paths,
                       const sp_strv *components, struct sp_error *err)
{
    for (size_t i = 0; i < paths->count; i++) {
        struct sp_error ignored = SP_ERROR_INIT;
        struct nearby nearby = {pool, scan->tree, components, &ignored, NULL, NULL};
        struct sp_site *site;
        if (sp_site_open(&scan->environments.table, paths->items[i], "--path", &site, err) < 0)
            return -1;
        if (site && !has_component(scan, site))
            return refuse_empty(&nearby, scan, site->path, err);
    }
    return 0;
}

/* ---- all together -------------------------------------------------------------------------- */

static int detect_all(struct sp_contents *contents, const sp_sites *sites,
                      const struct sp_manifests *manifests, struct sp_detections *out,
                      struct sp_error *err)
{
    for (size_t i = 0; i < manifests->components.count; i++) {
        struct sp_detecting request = {contents, sites, manifests};
        if (sp_detect(&request, manifests->components.items[i], out, err) < 0)
            return -1;
    }
    return 0;
}

int sp_scan_tree(struct sp_pool *pool, struct sp_tree *tree, struct sp_environment_query *query,
                 const struct sp_manifests *manifests, struct sp_scan **out, struct sp_error *err)
{
    struct sp_scan *scan = sp_pool_alloc(pool, sizeof(*scan));
    sp_sites sites = {NULL, 0, 0};
    scan->tree = tree;
    scan->contents = sp_pool_alloc(pool, sizeof(*scan->contents));
    *scan->contents = (struct sp_contents){.pool = pool, .tree = tree};
    collect_programs(pool, manifests, true, &query->programs);
    collect_programs(pool, manifests, false, &query->programs);
    if (sp_environments_find(pool, tree, query, &scan->environments, err) < 0)
        return -1;
    collect_sites(pool, &scan->environments, &sites);
    if (detect_all(scan->contents, &sites, manifests, &scan->detections, err) < 0)
        return -1;
    *out = scan;
    return check_paths(pool, scan, &query->paths, &manifests->components, err);
}

int sp_scan_dirs(struct sp_pool *pool, struct sp_tree *tree, const sp_strv *dirs,
                 const struct sp_manifests *manifests, struct sp_detections *out,
                 struct sp_error *err)
{
    struct sp_site_table table = {.pool = pool, .tree = tree};
    struct sp_search search = {.front = 0};
    struct sp_contents contents = {.pool = pool, .tree = tree};
    for (size_t i = 0; i < dirs->count; i++)
        if (sp_site_append(&table, dirs->items[i], "", &search, err) < 0)
            return -1;
    return detect_all(&contents, &search.sites, manifests, out, err);
}

const struct sp_detection *sp_scan_import(const struct sp_scan *scan,
                                          const struct sp_environment *environment,
                                          const char *component)
{
    const sp_sites *sites = &environment->search.sites;
    for (size_t i = 0; i < sites->count; i++) {
        const struct sp_detection *found =
            sp_detection_in(&scan->detections, sites->items[i], component);
        if (found)
            return found;
    }
    return NULL;
}

const char *sp_scan_show(struct sp_pool *pool, const struct sp_scan *scan, const char *path)
{
    if (!scan->tree->is_system)
        return sp_pool_printf(pool, "%s:%s", scan->tree->name, path);
    return sp_path_join(pool, scan->tree->name, sp_pool_printf(pool, "/%s", path));
}
