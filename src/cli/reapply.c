/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/reapply.h"

#include <string.h>

#include "base/path.h"
#include "cli/cmd.h"
#include "cli/prepare.h"

/* ---- finding --------------------------------------------------------------------------------- */

/* The copy that is at the path of the record, as it was found then. */
static const struct sp_detection *find_at(struct sp_pool *pool, const struct sp_detections *all,
                                          const struct sp_journal_component *component)
{
    for (size_t i = 0; i < all->places.count; i++) {
        const struct sp_occurrence *place = &all->places.items[i];
        if (strcmp(place->detection->name, component->name) == 0 &&
            strcmp(sp_path_join(pool, place->site->path, component->name), component->path) == 0)
            return place->detection;
    }
    for (size_t i = 0; i < all->items.count; i++) /* it was recorded without its site */
        if (strcmp(all->items.items[i]->name, component->name) == 0 &&
            strcmp(all->items.items[i]->dir, component->path) == 0)
            return all->items.items[i];
    return NULL;
}

static bool is_imported(const struct sp_target *target, const struct sp_environment *environment)
{
    return sp_scan_import(target->scan, environment, target->name) == target->detection;
}

/* Fills in the environment that imports the copy, or the copy that is imported in its place. */
static void find_environment(struct sp_target *target)
{
    const struct sp_environments *all = &target->scan->environments;
    for (size_t i = 0; !target->environment && i < all->items.count; i++)
        if (is_imported(target, all->items.items[i]))
            target->environment = all->items.items[i];
    for (size_t i = 0; !target->environment && i < all->items.count; i++)
        if (sp_sites_have(&all->items.items[i]->search.sites, target->detection->site)) {
            target->environment = all->items.items[i];
            target->shadowed_by = sp_scan_import(target->scan, target->environment, target->name);
        }
}

static bool is_there(const struct sp_reapply_work *work, const struct sp_detection *detection)
{
    for (size_t i = 0; i < work->items.count; i++)
        if (strcmp(work->items.items[i].target.detection->id, detection->id) == 0)
            return true;
    return false;
}

/* Adds the component if a scan from number `first` on has it. */
static bool add_found(struct sp_reapply_work *work, const struct sp_integrated *record,
                      size_t first)
{
    struct sp_context *context = work->context;
    for (size_t i = first; i < context->scans.count; i++) {
        struct sp_target target = {.scan = context->scans.items[i],
                                   .name = record->component->name};
        target.detection = find_at(context->pool, &target.scan->detections, record->component);
        if (!target.detection)
            continue;
        find_environment(&target);
        if (target.environment && !is_there(work, target.detection)) {
            size_t group = work->items.count;
            *SP_PUSH(context->pool, &work->items) =
                (struct sp_reapply_item){.record = record, .target = target, .group = group};
        }
        return true;
    }
    return false;
}

/* Of a directory that only --path or PYTHONPATH named. */
static int add_elsewhere(struct sp_reapply_work *work, const struct sp_integrated *record,
                         struct sp_error *err)
{
    struct sp_context *context = work->context;
    const char *site = sp_path_dirname(context->pool, record->component->path);
    struct sp_detections there = {.items = {NULL, 0, 0}};
    sp_strv dirs = {NULL, 0, 0};
    *SP_PUSH(context->pool, &dirs) = site;
    if (sp_scan_dirs(context->pool, context->scans.items[0]->tree, &dirs, &context->manifests,
                     &there, err) < 0)
        return -1;
    if (!find_at(context->pool, &there, record->component))
        return 0;
    size_t first = context->scans.count;
    if (sp_context_scan_path(context, site, err) < 0)
        return -1;
    add_found(work, record, first);
    return 0;
}

/* Whether an environment imports both. */
static bool are_together(const struct sp_target *a, const struct sp_target *b)
{
    if (a->scan != b->scan)
        return false;
    for (size_t i = 0; i < a->scan->environments.items.count; i++) {
        const struct sp_environment *one = a->scan->environments.items.items[i];
        if (is_imported(a, one) && is_imported(b, one))
            return true;
    }
    return false;
}

static void make_groups(struct sp_reapply_work *work)
{
    struct sp_reapply_item *items = work->items.items;
    for (size_t i = 0; i < work->items.count; i++)
        for (size_t j = 0; j < i; j++) {
            size_t from = items[i].group, to = items[j].group;
            if (from == to || !are_together(&items[i].target, &items[j].target))
                continue;
            for (size_t k = 0; k < work->items.count; k++)
                if (items[k].group == from)
                    items[k].group = to;
        }
}

int sp_reapply_find(struct sp_reapply_work *work, struct sp_error *err)
{
    for (size_t i = 0; i < work->records.count; i++)
        if (!add_found(work, &work->records.items[i], 0) &&
            add_elsewhere(work, &work->records.items[i], err) < 0)
            return -1;
    make_groups(work);
    return 0;
}

/* ---- deciding -------------------------------------------------------------------------------- */

/* Whether all that would change is drivers that hold what no transaction wrote. */
static int find_edited(struct sp_reapply_work *work, const struct sp_target *one, bool *edited,
                       struct sp_error *err)
{
    *edited = false;
    for (size_t i = 0; i < one->plan.files.count; i++) {
        const struct sp_file_plan *file = &one->plan.files.items[i];
        const struct sp_journal *by = NULL;
        if (file->action == SP_ACTION_NONE)
            continue;
        if (file->unknown && sp_cmd_find_writer(work->context, file->snapshot, &by, err) < 0)
            return -1;
        *edited = file->unknown && !by;
        if (!*edited)
            return 0;
    }
    return 0;
}

static int decide(struct sp_reapply_work *work, struct sp_reapply_item *item, struct sp_error *err)
{
    const struct sp_journal_component *component = item->record->component;
    struct sp_reapply_record record = {component->version, component->release, item->record->proven,
                                       false};
    if (item->target.shadowed_by)
        return 0;
    if (find_edited(work, &item->target, &record.edited, err) < 0)
        return -1;
    item->verdict = sp_reapply_decide(&item->target.plan, &record);
    return 0;
}

int sp_reapply_plan(struct sp_reapply_work *work, struct sp_error *err)
{
    for (size_t i = 0; i < work->items.count; i++) {
        struct sp_reapply_item *item = &work->items.items[i];
        sp_selection one = {NULL, 0, 0};
        *SP_PUSH(work->context->pool, &one) = item->target;
        if (item->pending)
            continue;
        if (sp_context_plan(work->context, &one, SP_GOAL_INSTALL, err) < 0)
            return -1;
        item->target = one.items[0];
        if (decide(work, item, err) < 0)
            return -1;
    }
    return 0;
}
