/* SPDX-License-Identifier: Apache-2.0 */
#include "model/detect.h"

#include <string.h>

#include "base/path.h"
#include "model/metadata.h"
#include "model/recognise.h"

/* ---- zipped eggs --------------------------------------------------------------------------- */

/* The version in the name of an egg of the component, "nova-14.1.0-py2.7.egg"
 * (setuptools, "The Internal Structure of Python Eggs"); NULL if it is of another one. */
static const char *version_of_egg(struct sp_pool *pool, const char *egg, const char *component)
{
    for (size_t end = 1; egg[end]; end++) {
        if (egg[end] != '-' || !sp_distribution_same(sp_pool_memdup(pool, egg, end), component))
            continue;
        const char *rest = egg + end + 1, *dot = strrchr(rest, '.');
        size_t len = strcspn(rest, "-");
        if (dot && (size_t)(dot - rest) < len)
            len = (size_t)(dot - rest);
        return sp_pool_memdup(pool, rest, len);
    }
    return NULL;
}

/* A zipped egg is not looked into: its name tells what is in it. */
static bool find_in_egg(struct sp_recogniser *c, const struct sp_site *site, const char *component,
                        struct sp_detection *out)
{
    const char *version = version_of_egg(c->pool, sp_path_basename(site->path), component);
    const struct sp_version *parsed = version ? sp_version_parse(c->pool, version) : NULL;
    if (!parsed)
        return false;
    *out = (struct sp_detection){
        .name = component,
        .site = site,
        .dir = site->path,
        .id = site->id,
        .version = version,
        .evidence = SP_EVIDENCE_METADATA,
        .because = "the name of the egg",
        .obstacle = "it is a zipped egg, in which nothing can be changed; install it unpacked "
                    "(pip does, and easy_install --always-unzip)",
        .spec = sp_recognise_version(c, component, parsed)};
    return true;
}

/* ---- all together -------------------------------------------------------------------------- */

/* Without an __init__.py, Python imports what was compiled of it: __init__.pyc or .pyo, or a library,
 * __init__.so or __init__.cpython-36m-x86_64-linux-gnu.so (imp.get_suffixes()). *is_there: it is so. */
static int find_compiled(struct sp_recogniser *c, const char *dir, struct sp_detection *out,
                         bool *is_there)
{
    static const char init[] = "__init__.";
    sp_entries entries = {NULL, 0, 0};
    if (sp_tree_list(c->tree, c->pool, dir, &entries, c->err) < 0)
        return -1;
    for (size_t i = 0; i < entries.count && !*is_there; i++) {
        const char *name = entries.items[i].name, *ending = strrchr(name, '.');
        if (strncmp(name, init, sizeof(init) - 1) != 0 || entries.items[i].kind != SP_ENTRY_FILE)
            continue;
        *is_there = strcmp(ending, ".pyc") == 0 || strcmp(ending, ".pyo") == 0 ||
                    strcmp(ending, ".so") == 0;
        out->obstacle = sp_pool_printf(
            c->pool,
            "it is compiled (%s without __init__.py), and nothing in it can be changed; "
            "install the package with its sources",
            name);
    }
    return 0;
}

/* A component's package directory in the site: has an __init__.py, or a compiled one. */
static int find_in(struct sp_recogniser *c, const struct sp_site *site, const char *component,
                   struct sp_detection *out, bool *is_there)
{
    enum sp_entry_kind kind;
    const char *dir = sp_path_join(c->pool, site->path, component), *real = NULL;
    struct sp_detection found = {.name = component, .site = site};
    *is_there = false;
    if (site->zipped) {
        *is_there = find_in_egg(c, site, component, out);
        return 0;
    }
    if (sp_tree_kind(c->tree, c->pool, sp_path_join(c->pool, dir, "__init__.py"), &kind, c->err) <
        0)
        return -1;
    *is_there = kind == SP_ENTRY_FILE;
    if (kind == SP_ENTRY_ABSENT && find_compiled(c, dir, &found, is_there) < 0)
        return -1;
    if (!*is_there)
        return 0;
    if (c->tree->ops->real && c->tree->ops->real(c->tree, c->pool, dir, &real, c->err) < 0)
        return -1;
    found.dir = real ? real : dir;
    *out = found;
    return c->tree->ops->stat(c->tree, c->pool, dir, &kind, &out->id, c->err);
}

/* The copy that was found by another name already; NULL. */
static const struct sp_detection *same_copy(const struct sp_detections *all,
                                            const struct sp_detection *found)
{
    for (size_t i = 0; i < all->items.count; i++)
        if (strcmp(all->items.items[i]->id, found->id) == 0 &&
            strcmp(all->items.items[i]->name, found->name) == 0)
            return all->items.items[i];
    return NULL;
}

int sp_detect(const struct sp_detecting *request, const char *component, struct sp_detections *out,
              struct sp_error *err)
{
    const sp_sites *sites = request->sites;
    struct sp_pool *pool = request->contents->pool;
    struct sp_recogniser c = {.pool = pool,
                              .tree = request->contents->tree,
                              .manifests = request->manifests,
                              .contents = request->contents,
                              .err = err};
    for (size_t i = 0; i < sites->count; i++) {
        struct sp_detection found = {.name = component};
        bool is_there;
        if (find_in(&c, sites->items[i], component, &found, &is_there) < 0)
            return -1;
        if (!is_there || !found.id) /* it may have vanished since it was looked at */
            continue;
        const struct sp_detection *known = same_copy(out, &found);
        if (!known) {
            struct sp_detection *copy = sp_pool_alloc(pool, sizeof(*copy));
            *copy = found;
            if (!found.site->zipped && sp_recognise(&c, copy) < 0)
                return sp_error_prefix(err, "cannot tell the version of '%s'", component);
            if (!found.site->zipped && copy->spec &&
                sp_recognise_layout(&c, copy->dir, copy->spec, &copy->layout) < 0)
                return -1;
            *SP_PUSH(pool, &out->items) = known = copy;
        }
        *SP_PUSH(pool, &out->places) = (struct sp_occurrence){sites->items[i], known};
    }
    return 0;
}

bool sp_detection_is_at(struct sp_pool *pool, const struct sp_detection *found, const char *path)
{
    return strcmp(path, found->dir) == 0 ||
           strcmp(path, sp_path_join(pool, found->site->path, found->name)) == 0;
}

const struct sp_detection *sp_detection_in(const struct sp_detections *all,
                                           const struct sp_site *site, const char *component)
{
    for (size_t i = 0; i < all->places.count; i++)
        if (all->places.items[i].site == site &&
            strcmp(all->places.items[i].detection->name, component) == 0)
            return all->places.items[i].detection;
    return NULL;
}
