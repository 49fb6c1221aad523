/* SPDX-License-Identifier: Apache-2.0 */
#include "model/prerequisites.h"

#include <string.h>

#include "model/metadata.h"

const char *sp_fitness_name(enum sp_fitness fitness)
{
    static const char *const names[] = {[SP_FITNESS_GOOD] = "good",
                                        [SP_FITNESS_POOR] = "poor",
                                        [SP_FITNESS_TOO_OLD] = "too-old",
                                        [SP_FITNESS_MISSING] = "missing"};
    return names[fitness];
}

/* ---- commands ------------------------------------------------------------------------------ */

/* The pip of an environment, as it is typed outside of --root. */
static const char *pip_of(struct sp_pool *pool, const struct sp_target *one)
{
    const struct sp_environment *environment = one->environment;
    const char *root = one->scan->tree->name, *pip = "pip";
    if (environment->prefix && !environment->is_system)
        pip = sp_pool_printf(pool, "/%s/bin/pip", environment->prefix);
    else if (environment->python && *environment->python == '3')
        pip = "pip3";
    return *root ? sp_pool_printf(pool, "chroot %s %s", root, pip) : pip;
}

/* names: what to install, quoted where the shell needs it. storpool needs confget, of which version
 * 5 cannot be installed by a pip older than 9 (it has no setup.py); hosts with Python 2 have such a
 * pip. */
static const char *command_of(struct sp_pool *pool, const struct sp_target *one, bool upgrade,
                              const char *names)
{
    const char *python = one->environment->python;
    return sp_pool_printf(pool, "%s install %s%s%s", pip_of(pool, one), upgrade ? "--upgrade " : "",
                          python && *python == '3' ? "" : "'confget<5' ", names);
}

/* The version to install: the newest when it is missing, else what is wanted at least. */
static const char *requirement_of(struct sp_pool *pool, const struct sp_prerequisite *item)
{
    const struct sp_need *need = item->need;
    const char *wanted = need->recommended_text ? need->recommended_text : need->versions_text;
    return item->version && wanted ? sp_pool_printf(pool, "'%s%s'", need->name, wanted)
                                   : need->name;
}

/* ---- looking ------------------------------------------------------------------------------- */

/* The version that the environment has, the first on its search path. */
static int find_version(struct sp_pool *pool, const struct sp_target *one, const char *name,
                        struct sp_metadata *out, bool *found, struct sp_error *err)
{
    const sp_sites *sites = &one->environment->search.sites;
    *found = false;
    for (size_t i = 0; !*found && i < sites->count; i++) {
        sp_metadatas all = {NULL, 0, 0};
        if (sp_metadata_find(pool, one->scan->tree, sites->items[i], name, &all, err) < 0)
            return -1;
        if (all.count) {
            *out = all.items[0];
            *found = true;
        }
    }
    return 0;
}

static enum sp_fitness fitness_of(const struct sp_need *need, const struct sp_version *version)
{
    if (need->versions && !sp_specifier_matches(need->versions, version))
        return SP_FITNESS_TOO_OLD;
    if (need->recommended && !sp_specifier_matches(need->recommended, version))
        return SP_FITNESS_POOR;
    return SP_FITNESS_GOOD;
}

/* The item of that distribution and environment; NULL. */
static struct sp_prerequisite *item_of(const sp_prerequisites *all, const char *name,
                                       const struct sp_environment *environment)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->items[i].environment == environment &&
            sp_distribution_same(all->items[i].need->name, name))
            return &all->items[i];
    return NULL;
}

static int look_for(struct sp_pool *pool, const struct sp_target *one, const struct sp_need *need,
                    sp_prerequisites *out, struct sp_error *err)
{
    struct sp_metadata metadata;
    bool found;
    if (find_version(pool, one, need->name, &metadata, &found, err) < 0)
        return -1;
    struct sp_prerequisite item = {.need = need,
                                   .needed_by = one->name,
                                   .environment = one->environment,
                                   .fitness = SP_FITNESS_MISSING};
    if (found) {
        item.version = metadata.text;
        item.fitness = fitness_of(need, metadata.version);
    }
    struct sp_prerequisite *known = item_of(out, need->name, one->environment);
    if (known && known->fitness >= item.fitness)
        return 0;
    if (item.fitness != SP_FITNESS_GOOD)
        item.command = command_of(pool, one, found, requirement_of(pool, &item));
    if (known)
        *known = item;
    else
        *SP_PUSH(pool, out) = item;
    return 0;
}

int sp_prerequisites_find(struct sp_pool *pool, const sp_selection *selection,
                          sp_prerequisites *out, struct sp_error *err)
{
    for (size_t i = 0; i < selection->count; i++) {
        const struct sp_target *one = &selection->items[i];
        const struct sp_component *spec = one->detection ? one->detection->spec : NULL;
        if (!spec || !sp_target_counts(one) || spec->release->support != SP_SUPPORTED ||
            !one->scan->tree->is_system)
            continue;
        for (size_t j = 0; j < spec->prerequisites.count; j++)
            if (look_for(pool, one, &spec->prerequisites.items[j], out, err) < 0)
                return -1;
    }
    return 0;
}

/* ---- saying -------------------------------------------------------------------------------- */

/* The beginning of a command, "pip install 'confget<5' ", up to the names. */
static const char *command_for(struct sp_pool *pool, const struct sp_prerequisite *first,
                               const sp_strv *requirements)
{
    size_t own = strlen(requirements->items[0]), len = strlen(first->command);
    return sp_pool_printf(pool, "%s%s", sp_pool_memdup(pool, first->command, len - own),
                          sp_strv_join(pool, requirements, " "));
}

/* Those that are missing from one environment, in one sentence. */
static void describe_missing(struct sp_pool *pool, const sp_prerequisites *all, size_t first,
                             sp_prerequisite_warnings *warnings)
{
    const struct sp_prerequisite *item = &all->items[first];
    sp_strv names = {NULL, 0, 0};
    *SP_PUSH(pool, &names) = item->need->name;
    for (size_t i = first + 1; i < all->count; i++)
        if (all->items[i].fitness == SP_FITNESS_MISSING &&
            all->items[i].environment == item->environment)
            *SP_PUSH(pool, &names) = all->items[i].need->name;
    *SP_PUSH(pool, warnings) = (struct sp_prerequisite_warning){
        .fitness = item->fitness,
        .text = sp_pool_printf(pool, "%s, which the drivers need, %s not installed with %s",
                               sp_strv_join(pool, &names, " and "), names.count > 1 ? "are" : "is",
                               item->needed_by),
        .command = command_for(pool, item, &names)};
}

static void describe_old(struct sp_pool *pool, const struct sp_prerequisite *item,
                         sp_prerequisite_warnings *warnings)
{
    const struct sp_need *need = item->need;
    bool works = item->fitness == SP_FITNESS_POOR;
    *SP_PUSH(pool, warnings) = (struct sp_prerequisite_warning){
        .fitness = item->fitness,
        .text = sp_pool_printf(pool, "%s %s, installed with %s, is too old%s (%s)%s%s", need->name,
                               item->version, item->needed_by, works ? " for some operations" : "",
                               works ? need->recommended_text : need->versions_text,
                               need->because ? ": " : "", need->because ? need->because : ""),
        .command = item->command};
}

void sp_prerequisites_describe(struct sp_pool *pool, const sp_prerequisites *prerequisites,
                               sp_strv *lines, sp_prerequisite_warnings *warnings)
{
    SP_VEC(const struct sp_environment *) warned = {NULL, 0, 0};
    for (size_t i = 0; i < prerequisites->count; i++) {
        const struct sp_prerequisite *item = &prerequisites->items[i];
        bool known = false;
        for (size_t j = 0; j < warned.count; j++)
            known |= warned.items[j] == item->environment;
        if (item->version)
            *SP_PUSH(pool, lines) =
                sp_pool_printf(pool, "%s %s is installed with %s", item->need->name, item->version,
                               item->needed_by);
        if (item->fitness == SP_FITNESS_MISSING && !known) {
            describe_missing(pool, prerequisites, i, warnings);
            *SP_PUSH(pool, &warned) = item->environment;
        } else if (item->version && item->fitness != SP_FITNESS_GOOD) {
            describe_old(pool, item, warnings);
        }
    }
}
