/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of a selection: one release in each environment; components that depend on it. */
#include <string.h>

#include "model/candidate.h"

/* Whether two targets run in one interpreter, as far as that is known. */
static bool same_world(const struct sp_target *a, const struct sp_target *b)
{
    if (a->scan != b->scan)
        return false;
    return a->environment == b->environment || !a->environment->prefix || !b->environment->prefix;
}

static bool is_comparable(const struct sp_target *one)
{
    return sp_target_counts(one) && one->detection && one->detection->spec;
}

static int refuse_or_warn(struct sp_pool *pool, const char *list, const struct sp_request *request,
                          sp_strv *warnings, struct sp_error *err)
{
    if (!request->allow_mixed)
        return sp_error_set(err, SP_ERROR_REFUSED,
                            "the components are of different releases: %s; is the host halfway "
                            "through an upgrade? (--allow-mixed takes them as they are)",
                            list);
    *SP_PUSH(pool, warnings) = sp_pool_printf(
        pool,
        "the components are of different releases: %s; the drivers of one release may not find "
        "what they need in another",
        list);
    return 0;
}

int sp_select_check_mixed(struct sp_pool *pool, const sp_selection *selection,
                          const struct sp_request *request, sp_strv *warnings, struct sp_error *err)
{
    sp_strv seen = {NULL, 0, 0}; /* lists that were reported */
    for (size_t i = 0; i < selection->count; i++) {
        const struct sp_target *first = &selection->items[i];
        sp_strv list = {NULL, 0, 0};
        bool mixed = false;
        for (size_t j = 0; is_comparable(first) && j < selection->count; j++) {
            const struct sp_target *one = &selection->items[j];
            if (!is_comparable(one) || !same_world(first, one))
                continue;
            mixed |= one->detection->spec->release != first->detection->spec->release;
            *SP_PUSH(pool, &list) = sp_pool_printf(pool, "%s %s (%s)", one->name,
                                                   one->detection->version ? one->detection->version
                                                                           : "of unknown version",
                                                   one->detection->spec->release->name);
        }
        const char *text = sp_strv_join(pool, &list, ", ");
        if (!mixed || sp_strv_has(&seen, text))
            continue;
        *SP_PUSH(pool, &seen) = text;
        if (refuse_or_warn(pool, text, request, warnings, err) < 0)
            return -1;
    }
    return 0;
}

static bool is_in(const sp_selection *selection, const struct sp_detection *detection)
{
    for (size_t i = 0; i < selection->count; i++)
        if (selection->items[i].detection == detection)
            return true;
    return false;
}

static void add_dependents(struct sp_pool *pool, const sp_selection *selection,
                           const struct sp_target *target, sp_selection *out)
{
    const struct sp_scan *scan = target->scan;
    for (size_t i = 0; i < scan->environments.items.count; i++) {
        const struct sp_environment *one = scan->environments.items.items[i];
        if (sp_scan_import(scan, one, target->name) != target->detection)
            continue;
        for (size_t j = 0; j < scan->detections.items.count; j++) {
            const struct sp_detection *other = scan->detections.items.items[j];
            if (sp_candidate_requires(other, target->name) &&
                sp_scan_import(scan, one, other->name) == other && !is_in(selection, other) &&
                !is_in(out, other))
                *SP_PUSH(pool, out) = (struct sp_target){.scan = target->scan,
                                                         .environment = one,
                                                         .detection = other,
                                                         .name = other->name,
                                                         .needed_by = target->name};
        }
    }
}

void sp_select_dependents(struct sp_pool *pool, const sp_selection *selection, sp_selection *out)
{
    for (size_t i = 0; i < selection->count; i++)
        if (selection->items[i].detection && sp_target_counts(&selection->items[i]))
            add_dependents(pool, selection, &selection->items[i], out);
}
