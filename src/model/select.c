/* SPDX-License-Identifier: Apache-2.0 */
#include "model/select.h"

#include <string.h>

#include "model/candidate.h"

bool sp_target_counts(const struct sp_target *target)
{
    return !target->shadowed_by && !target->unused;
}

static bool reports(const struct sp_chooser *c)
{
    return c->request->mode == SP_SELECT_DETECT || c->request->mode == SP_SELECT_REPORT;
}

/* ---- messages ------------------------------------------------------------------------------ */

/* Where a component was looked for. */
static const char *places(struct sp_chooser *c)
{
    return c->scan->tree->is_system ? "in the places where Python packages are"
                                    : sp_pool_printf(c->pool, "in %s", c->scan->tree->name);
}

static const char *advice(const struct sp_chooser *c)
{
    return c->scan->tree->is_system ? "name the directory that it is in with --path"
                                    : "is it the right tree?";
}

static int not_found(struct sp_chooser *c, const char *name)
{
    return sp_error_set(c->err, SP_ERROR_REFUSED, "%s was not found %s; %s", name, places(c),
                        advice(c));
}

static const char *list_of(struct sp_chooser *c, const sp_candidates *all)
{
    sp_strv paths = {NULL, 0, 0};
    for (size_t i = 0; i < all->count; i++)
        *SP_PUSH(c->pool, &paths) =
            sp_scan_show(c->pool, c->scan, all->items[i].detection->site->path);
    return sp_strv_join(c->pool, &paths, ", ");
}

static int several(struct sp_chooser *c, const char *name, const sp_candidates *all)
{
    return sp_error_set(c->err, SP_ERROR_REFUSED,
                        "%s is in several environments: %s; no process, unit or program tells "
                        "which of them is used, name its directory with --path",
                        name, list_of(c, all));
}

static const char *why_unused(struct sp_chooser *c, const char *name)
{
    const struct sp_use *use = sp_candidates_use(c, name, NULL);
    if (!use)
        return "no component that is used needs it";
    return sp_pool_printf(c->pool, "%s runs in %s (%s)", use->program->name, use->environment->name,
                          use->how);
}

/* ---- targets ------------------------------------------------------------------------------- */

static bool is_target(const struct sp_chooser *c, const struct sp_detection *detection)
{
    for (size_t i = 0; i < c->out->count; i++)
        if (c->out->items[i].detection == detection)
            return true;
    return false;
}

static void add(struct sp_chooser *c, const struct sp_candidate *from, const char *name,
                const char *needed_by)
{
    if (from && is_target(c, from->detection))
        return;
    *SP_PUSH(c->pool, c->out) = (struct sp_target){.scan = c->scan,
                                                   .environment = from ? from->environment : NULL,
                                                   .detection = from ? from->detection : NULL,
                                                   .name = name,
                                                   .needed_by = needed_by};
}

/* The copy of `name` that a component uses: what its environment imports; else, what --path names;
 * else, where no interpreter is known for it, the only one. */
static int find_required(struct sp_chooser *c, const char *name, const struct sp_candidate *by,
                         struct sp_candidate *out)
{
    sp_candidates all = {NULL, 0, 0};
    *out = (struct sp_candidate){by->environment, sp_scan_import(c->scan, by->environment, name)};
    if (out->detection)
        return 0;
    bool named = sp_candidates_find_named(c, name, &all);
    if (!named && !by->environment->prefix)
        sp_candidates_find(c, name, &all);
    if (all.count > 1)
        return several(c, name, &all);
    if (all.count == 0 && !c->scan->tree->is_system) /* a package or a repository, not a host */
        return 0;
    if (all.count == 0)
        return sp_error_set(c->err, SP_ERROR_REFUSED,
                            "%s, which %s needs, was not found in %s; name the directory that it "
                            "is in with --path, or leave it out with --no-deps",
                            name, by->detection->name, by->environment->name);
    out->detection = all.items[0].detection;
    return 0;
}

static int add_with_requirements(struct sp_chooser *c, const struct sp_candidate *one,
                                 const char *needed_by, unsigned depth)
{
    const struct sp_component *spec = one->detection->spec;
    enum sp_select_mode mode = c->request->mode;
    bool follow = spec && spec->release->support == SP_SUPPORTED && !c->request->no_deps &&
                  (mode == SP_SELECT_REPORT || mode == SP_SELECT_CHANGE);
    for (size_t i = 0; follow && i < spec->requires.count; i++) {
        struct sp_candidate required;
        if (depth > c->manifests->components.count)
            return sp_error_set(c->err, SP_ERROR_REFUSED,
                                "the manifest %s has components that require each other",
                                spec->release->file);
        if (find_required(c, spec->requires.items[i], one, &required) < 0 ||
            (required.detection &&
             add_with_requirements(c, &required, one->detection->name, depth + 1) < 0))
            return -1;
    }
    add(c, one, one->detection->name, needed_by);
    return 0;
}

static bool is_required_by_others(const struct sp_chooser *c, const char *name)
{
    for (size_t i = 0; i < c->scan->detections.items.count; i++)
        if (sp_candidate_requires(c->scan->detections.items.items[i], name))
            return true;
    return false;
}

/* Adds, for a report, the sp_candidates that do not count. */
static void add_unused(struct sp_chooser *c, const char *name, const sp_candidates *all)
{
    for (size_t i = 0; i < all->count; i++) {
        if (is_target(c, all->items[i].detection))
            continue;
        add(c, &all->items[i], name, NULL);
        c->out->items[c->out->count - 1].unused = why_unused(c, name);
    }
}

/* Whether the copy is beyond the directories of --path, in which the component was found. */
static bool is_beyond_path(const struct sp_target *found, const struct sp_site *site)
{
    return found->detection->site->named && !site->named;
}

/* Adds the copies that are further down the search path of a target, and that no service uses. */
static void add_shadowed(struct sp_chooser *c, const struct sp_target *target)
{
    const sp_sites *sites = &target->environment->search.sites;
    sp_candidates used = {NULL, 0, 0};
    sp_candidates_find(c, target->name, &used);
    for (size_t i = 0; i < sites->count; i++) {
        struct sp_candidate copy = {
            target->environment,
            sp_detection_in(&c->scan->detections, sites->items[i], target->name)};
        if (!copy.detection || is_beyond_path(target, sites->items[i]) ||
            sp_candidate_of(&used, copy.detection) || is_target(c, copy.detection))
            continue;
        add(c, &copy, target->name, NULL);
        c->out->items[c->out->count - 1].shadowed_by = target->detection;
    }
}

/* `named`: the operator typed the name. */
static int choose_one(struct sp_chooser *c, const char *name, bool named)
{
    sp_candidates all = {NULL, 0, 0}, counting = {NULL, 0, 0};
    bool known = sp_candidates_find_counting(c, name, 0, &all, &counting);
    const sp_candidates *chosen = c->request->mode == SP_SELECT_REMOVE ? &all : &counting;
    if (all.count == 0) {
        if (named && !reports(c))
            return not_found(c, name);
        if (named)
            add(c, NULL, name, NULL);
        return 0;
    }
    if (!known && c->request->mode == SP_SELECT_CHANGE) {
        if (named || !is_required_by_others(c, name))
            return several(c, name, &all);
        return 0; /* it comes in with the component that needs it */
    }
    if (!known && c->request->mode == SP_SELECT_REPORT)
        *SP_PUSH(c->pool, c->warnings) =
            sp_pool_printf(c->pool,
                           "%s is in several environments: %s; no process, unit or program tells "
                           "which of them is used",
                           name, list_of(c, &all));
    for (size_t i = 0; i < chosen->count; i++)
        if (add_with_requirements(c, &chosen->items[i], NULL, 0) < 0)
            return -1;
    return 0;
}

/* Adds what is there and does not count, once it is known which copies do. */
static void add_reported(struct sp_chooser *c, size_t targets)
{
    for (size_t i = 0; i < targets; i++) {
        struct sp_target target = c->out->items[i]; /* a copy: adding may move the items */
        if (target.scan == c->scan && target.detection)
            add_shadowed(c, &target);
    }
    for (size_t i = 0; reports(c) && i < c->names->count; i++) {
        sp_candidates all = {NULL, 0, 0};
        sp_candidates_find(c, c->names->items[i], &all);
        add_unused(c, c->names->items[i], &all);
    }
}

/* ---- order --------------------------------------------------------------------------------- */

/* A component that was named itself is not there because another one needs it. */
static void forget_needs(struct sp_chooser *c, const sp_strv *names)
{
    for (size_t i = 0; i < c->out->count; i++)
        if (sp_strv_has(names, c->out->items[i].name))
            c->out->items[i].needed_by = NULL;
}

static bool needs(const struct sp_target *one, const struct sp_target *other)
{
    return one->scan == other->scan && one->detection &&
           sp_candidate_requires(one->detection, other->name);
}

void sp_select_order(sp_selection *selection)
{
    for (size_t i = 0; i < selection->count; i++) {
        size_t turns = selection->count - i;
        for (size_t j = i + 1; j < selection->count && turns > 0; j++) {
            if (!needs(&selection->items[i], &selection->items[j]))
                continue;
            struct sp_target first = selection->items[j];
            memmove(&selection->items[i + 1], &selection->items[i], (j - i) * sizeof(first));
            selection->items[i] = first;
            j = i; /* what that one needs in turn */
            turns--;
        }
    }
}

/* ---- all together -------------------------------------------------------------------------- */

int sp_select_check_names(struct sp_pool *pool, const struct sp_manifests *manifests,
                          const sp_strv *names, struct sp_error *err)
{
    for (size_t i = 0; i < names->count; i++)
        if (!sp_strv_has(&manifests->components, names->items[i]))
            return sp_error_set(err, SP_ERROR_USAGE,
                                "there is no component '%s'; the manifests describe %s",
                                names->items[i], sp_strv_join(pool, &manifests->components, ", "));
    return 0;
}

/* Whether a component that was named requires the other one, and has none where it is. */
static bool is_lacking(const struct sp_chooser *c, const char *name)
{
    const struct sp_environments *all = &c->scan->environments;
    for (size_t i = 0; i < all->items.count; i++)
        for (size_t j = 0; j < c->names->count; j++) {
            const struct sp_detection *one =
                sp_scan_import(c->scan, all->items.items[i], c->names->items[j]);
            if (one && sp_candidate_requires(one, name) && !all->items.items[i]->named &&
                !sp_scan_import(c->scan, all->items.items[i], name))
                return true;
        }
    return false;
}

/* --path is an order: where it has none of the named components, nor of their requirements, nothing
 * else is taken in its place. */
static int check_path(struct sp_chooser *c)
{
    const struct sp_environments *all = &c->scan->environments;
    if (all->items.count == 0 || !all->items.items[0]->named || c->request->names->count == 0)
        return 0;
    for (size_t i = 0; i < c->scan->detections.places.count; i++) {
        const struct sp_occurrence *place = &c->scan->detections.places.items[i];
        const char *name = place->detection->name;
        if (place->site->named && (sp_strv_has(c->names, name) || is_lacking(c, name)))
            return 0;
    }
    return sp_error_set(c->err, SP_ERROR_REFUSED, "--path: none of %s is there",
                        sp_strv_join(c->pool, c->names, ", "));
}

static int choose_all(struct sp_chooser *c)
{
    size_t before = c->out->count;
    bool named = c->request->names->count > 0;
    if (check_path(c) < 0)
        return -1;
    for (size_t i = 0; i < c->names->count; i++)
        if (choose_one(c, c->names->items[i], named) < 0)
            return -1;
    if (c->out->count == before)
        return sp_error_set(c->err, SP_ERROR_REFUSED, "none of %s was found %s; %s",
                            sp_strv_join(c->pool, c->names, ", "), places(c), advice(c));
    return 0;
}

/* Moves the targets from `first` on, which are only reported, to the others of their name. */
static void group_reported(sp_selection *selection, size_t first)
{
    for (size_t i = first; i < selection->count; i++) {
        size_t at = i;
        for (size_t j = 0; j < i; j++)
            if (selection->items[j].scan == selection->items[i].scan &&
                strcmp(selection->items[j].name, selection->items[i].name) == 0)
                at = j + 1;
        struct sp_target one = selection->items[i];
        memmove(&selection->items[at + 1], &selection->items[at], (i - at) * sizeof(one));
        selection->items[at] = one;
    }
}

int sp_select(struct sp_pool *pool, const struct sp_request *request, sp_selection *out,
              sp_strv *warnings, struct sp_error *err)
{
    const sp_scans *scans = request->scans;
    const struct sp_manifests *manifests = request->manifests;
    struct sp_chooser c = {pool, manifests, request, request->names, NULL, out, warnings, err};
    if (sp_select_check_names(c.pool, c.manifests, c.request->names, c.err) < 0)
        return -1;
    if (request->names->count == 0)
        c.names = &manifests->components;
    for (size_t i = 0; i < scans->count; i++) {
        c.scan = scans->items[i];
        if (choose_all(&c) < 0)
            return -1;
    }
    forget_needs(&c, c.names);
    if (request->mode != SP_SELECT_DETECT)
        sp_select_order(out);
    size_t first = out->count;
    for (size_t i = 0; i < scans->count; i++) {
        c.scan = scans->items[i];
        add_reported(&c, first);
    }
    group_reported(out, first);
    return 0;
}
