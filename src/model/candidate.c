/* SPDX-License-Identifier: Apache-2.0 */
#include "model/candidate.h"

#include <string.h>

/* ---- what there is ------------------------------------------------------------------------- */

/* The account that the services of the component run as, by any manifest. */
static const char *account_of(const struct sp_manifests *manifests, const char *name)
{
    for (size_t i = 0; i < manifests->releases.count; i++) {
        const struct sp_component *spec = sp_release_find(manifests->releases.items[i], name);
        if (spec && spec->account)
            return spec->account;
    }
    return NULL;
}

static bool is_program_of(const struct sp_manifests *manifests, const char *name,
                          const char *program)
{
    for (size_t i = 0; i < manifests->releases.count; i++) {
        const struct sp_component *spec = sp_release_find(manifests->releases.items[i], name);
        if (spec && sp_strv_has(&spec->programs, program))
            return true;
    }
    return false;
}

bool sp_candidate_requires(const struct sp_detection *one, const char *name)
{
    return one->spec && sp_strv_has(&one->spec->requires, name);
}

const struct sp_candidate *sp_candidate_of(const sp_candidates *all,
                                           const struct sp_detection *detection)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->items[i].detection == detection)
            return &all->items[i];
    return NULL;
}

static void add_candidate(struct sp_chooser *c, const struct sp_environment *environment,
                          const struct sp_detection *detection, sp_candidates *out)
{
    if (detection && !sp_candidate_of(out, detection))
        *SP_PUSH(c->pool, out) = (struct sp_candidate){environment, detection};
}

/* Whether a program of the component runs in the environment; how that is known. */
const struct sp_use *sp_candidates_use(const struct sp_chooser *c, const char *name,
                                       const struct sp_environment *environment)
{
    const struct sp_environments *all = &c->scan->environments;
    for (size_t i = 0; i < all->uses.count; i++)
        if ((!environment || all->uses.items[i].environment == environment) &&
            is_program_of(c->manifests, name, all->uses.items[i].program->name))
            return &all->uses.items[i];
    return NULL;
}

/* The copy of --path, which is not looked for elsewhere. */
bool sp_candidates_find_named(struct sp_chooser *c, const char *name, sp_candidates *out)
{
    const struct sp_environments *all = &c->scan->environments;
    if (all->items.count == 0 || !all->items.items[0]->named)
        return false;
    const struct sp_detection *found = sp_scan_import(c->scan, all->items.items[0], name);
    if (!found || !found->site->named)
        return false;
    add_candidate(c, all->items.items[0], found, out);
    return true;
}

/* Every copy of the component that an environment of its service imports. Of several environments
 * that import one copy, one in which a program runs is taken. */
void sp_candidates_find(struct sp_chooser *c, const char *name, sp_candidates *out)
{
    const struct sp_environments *all = &c->scan->environments;
    const char *account = account_of(c->manifests, name);
    if (sp_candidates_find_named(c, name, out))
        return;
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < all->items.count; i++) {
            const struct sp_environment *one = all->items.items[i];
            if ((round == 0) == (sp_candidates_use(c, name, one) != NULL) &&
                (!account || sp_environment_serves(all, one, account)))
                add_candidate(c, one, sp_scan_import(c->scan, one, name), out);
        }
}

/* ---- which of them count ------------------------------------------------------------------- */

/* The copies that the counting ones of these components require and import. */
static void add_required_by(struct sp_chooser *c, const sp_strv *components, const char *name,
                            size_t depth, const sp_candidates *all, sp_candidates *out)
{
    for (size_t i = 0; i < components->count; i++) {
        sp_candidates others = {NULL, 0, 0}, counting = {NULL, 0, 0};
        if (strcmp(components->items[i], name) == 0)
            continue;
        sp_candidates_find_counting(c, components->items[i], depth + 1, &others, &counting);
        for (size_t j = 0; j < counting.count; j++) {
            const struct sp_candidate *by = &counting.items[j];
            const struct sp_detection *own = sp_candidate_requires(by->detection, name)
                                                 ? sp_scan_import(c->scan, by->environment, name)
                                                 : NULL;
            if (own && sp_candidate_of(all, own))
                add_candidate(c, by->environment, own, out);
        }
    }
}

/* The copies that the programs of the component import. */
static void add_used(struct sp_chooser *c, const char *name, const sp_candidates *all,
                     sp_candidates *out)
{
    const struct sp_environments *environments = &c->scan->environments;
    for (size_t i = 0; i < environments->uses.count; i++) {
        const struct sp_use *use = &environments->uses.items[i];
        const struct sp_detection *used = is_program_of(c->manifests, name, use->program->name)
                                              ? sp_scan_import(c->scan, use->environment, name)
                                              : NULL;
        if (used && sp_candidate_of(all, used))
            add_candidate(c, use->environment, used, out);
    }
}

/* Of all sp_candidates those that count: the only one; else those that other components of the request
 * use; else those in whose environment a service runs; else those that any other component uses.
 * Returns whether that is known; if not, all of them count. */
bool sp_candidates_find_counting(struct sp_chooser *c, const char *name, size_t depth,
                                 sp_candidates *all, sp_candidates *out)
{
    sp_candidates_find(c, name, all);
    if (all->count <= 1 || depth > c->manifests->components.count) {
        *out = *all;
        return true;
    }
    add_required_by(c, c->names, name, depth, all, out);
    if (out->count == 0)
        add_used(c, name, all, out);
    if (out->count == 0)
        add_required_by(c, &c->manifests->components, name, depth, all, out);
    if (out->count)
        return true;
    *out = *all;
    return false;
}
