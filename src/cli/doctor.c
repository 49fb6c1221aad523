/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor.h"

#include <string.h>

#include "base/cleanup.h"

/* Whether the component is asked for: it was named, or none was. */
static bool is_wanted(const struct sp_context *context, const char *component)
{
    return context->options->components.count == 0 ||
           sp_strv_has(&context->options->components, component);
}

static const struct sp_target *find_target(const sp_selection *selection, const char *component)
{
    for (size_t i = 0; i < selection->count; i++)
        if (strcmp(selection->items[i].name, component) == 0 && selection->items[i].detection &&
            sp_target_counts(&selection->items[i]))
            return &selection->items[i];
    return NULL;
}

/* The component in the manifest of its release, or in the newest one that has its programs: they are the
 * same in all, and releases that include the drivers do not list them. */
static const struct sp_component *find_spec(const struct sp_context *context,
                                            const struct sp_target *target, const char *component)
{
    const struct sp_component *spec = target ? target->detection->spec : NULL;
    for (size_t i = 0; (!spec || !spec->programs.count) && i < context->manifests.releases.count;
         i++)
        spec = sp_release_find(context->manifests.releases.items[i], component);
    return spec && spec->programs.count ? spec : NULL;
}

static int examine_service(struct sp_context *context, const sp_selection *selection,
                           enum sp_subject subject, struct sp_facts *out, struct sp_error *err)
{
    const char *name = sp_subject_name(subject);
    const struct sp_target *target = find_target(selection, name);
    const struct sp_component *spec = find_spec(context, target, name);
    if (!spec || !is_wanted(context, name))
        return 0;
    const struct sp_service_query query = {
        .programs = &spec->programs,
        .account = spec->account,
        .running = sp_context_running(context),
        .series = sp_series_of(
            target && target->detection->spec ? target->detection->spec->release->name : NULL),
        .integrated = target && target->plan.integrated,
        .root_prefix = context->root.path};
    return sp_service_facts_read(context->pool, context->scans.items[0]->tree, &query,
                                 &out->services[subject], err);
}

static void add_components(struct sp_context *context, const sp_selection *selection,
                           struct sp_facts *out)
{
    for (size_t i = 0; i < selection->count; i++) {
        const struct sp_target *one = &selection->items[i];
        if (one->detection && sp_target_counts(one))
            *SP_PUSH(context->pool, &out->components) =
                (struct sp_component_facts){one->name, one->plan.state, one->plan.note};
    }
    out->command = sp_cli_invocation_there(context->pool, context->options);
}

int sp_examine(struct sp_context *context, const sp_selection *selection,
               const sp_prerequisites *known, struct sp_examination *out, struct sp_error *err)
{
    *out = (struct sp_examination){.facts.command = NULL};
    for (int subject = 0; subject < SP_SUBJECT_HOST; subject++)
        if (examine_service(context, selection, (enum sp_subject)subject, &out->facts, err) < 0)
            return -1;
    add_components(context, selection, &out->facts);
    if (sp_examine_host(context, selection, known, &out->facts.host, err) < 0)
        return -1;
    sp_checks_run(context->pool, &out->facts, &out->findings);
    return 0;
}

/* As they are once their plans are carried out. */
static void carry_out(struct sp_context *context, const sp_selection *selection, sp_selection *out)
{
    for (size_t i = 0; i < selection->count; i++) {
        struct sp_target *one = SP_PUSH(context->pool, out);
        *one = selection->items[i];
        if (sp_plan_changes(&one->plan)) {
            one->plan.state = SP_STATE_INSTALLED;
            one->plan.integrated = true;
        }
    }
}

long sp_examine_count(struct sp_context *context, const sp_selection *selection,
                      const sp_prerequisites *known, bool after)
{
    SP_CLEANUP_ERROR struct sp_error ignored = SP_ERROR_INIT; /* doctor itself tells it */
    struct sp_examination examined;
    sp_selection then = {NULL, 0, 0};
    long count = 0;
    if (after)
        carry_out(context, selection, &then);
    if (context->options->trees.count ||
        sp_examine(context, after ? &then : selection, known, &examined, &ignored) < 0 ||
        !sp_findings_are_complete(&examined.findings))
        return -1;
    for (size_t i = 0; i < examined.findings.count; i++)
        count += examined.findings.items[i].level >= SP_CHECK_WARNING &&
                 !(examined.findings.items[i].flags & SP_CHECK_SHOWN);
    return count;
}

void sp_examine_print_count(struct sp_context *context, long count)
{
    if (count > 0)
        sp_console_print(
            context->report, 0,
            "doctor has %ld more finding%s on this host; for the remedies, run: %s doctor", count,
            count == 1 ? "" : "s", sp_cli_invocation_there(context->pool, context->options));
}
