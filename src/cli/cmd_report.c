/* SPDX-License-Identifier: Apache-2.0 */
/* detect, check and diff: the commands that only look. */
#include <string.h>

#include "base/cleanup.h"
#include "cli/cmd.h"
#include "cli/doctor.h"
#include "cli/output_diff.h"
#include "cli/output_json.h"
#include "cli/output_junit.h"
#include "cli/output_text.h"
#include "cli/prepare.h"
#include "cli/services.h"

int sp_cmd_detect(struct sp_context *context, struct sp_error *err)
{
    sp_selection selection = {NULL, 0, 0};
    if (sp_context_select(context, SP_SELECT_DETECT, &selection, err) < 0)
        return -1;
    if (context->report->json) {
        struct sp_buffer buf = SP_BUFFER_INIT;
        struct sp_json json;
        sp_output_begin(&json, &buf, "detect");
        sp_output_components(&json, context, &selection, false);
        sp_output_end(&json, context);
    } else {
        sp_output_table(context, &selection, false);
    }
    for (size_t i = 0; i < selection.count; i++)
        if (!selection.items[i].detection)
            return SP_ERROR_REFUSED;
    return SP_ERROR_NONE;
}

/* With -v: says of a file with the integration why it differs from its package, which rpm -V and dpkg -V
 * tell of it. */
static int explain_files(struct sp_context *context, const sp_selection *selection,
                         struct sp_error *err)
{
    for (size_t i = 0; i < selection->count && context->report->verbose > 0; i++)
        for (size_t j = 0; j < selection->items[i].plan.files.count; j++) {
            struct sp_file_plan *file = &selection->items[i].plan.files.items[j];
            const struct sp_journal *by;
            if (file->state != SP_STATE_INSTALLED || file->note)
                continue;
            if (sp_cmd_find_writer(context, file->snapshot, &by, err) < 0)
                return -1;
            if (by)
                file->note = sp_pool_printf(
                    context->pool, "as integrated by transaction %u; %s", by->id,
                    file->snapshot->spec->copy ? "no package has it" : "differs from the package");
        }
    return 0;
}

static enum sp_error_kind status_of(const struct sp_target *one)
{
    if (!sp_target_counts(one))
        return SP_ERROR_NONE;
    switch (one->plan.state) {
    case SP_STATE_CONFLICT:
    case SP_STATE_UNSUPPORTED:
    case SP_STATE_NOT_FOUND:
        return SP_ERROR_REFUSED;
    case SP_STATE_NOT_INSTALLED:
    case SP_STATE_PARTIAL:
    case SP_STATE_OUTDATED:
        return SP_ERROR_INCOMPLETE;
    default:
        return SP_ERROR_NONE;
    }
}

static enum sp_error_kind status_of_all(const sp_selection *selection)
{
    enum sp_error_kind status = SP_ERROR_NONE;
    for (size_t i = 0; i < selection->count; i++)
        if (status_of(&selection->items[i]) > status)
            status = status_of(&selection->items[i]);
    return status;
}

/* A case for each component: its class is the component, its name the directory. */
static void add_cases(struct sp_context *context, const sp_selection *selection,
                      struct sp_junit *junit)
{
    for (size_t i = 0; i < selection->count; i++) {
        const struct sp_target *one = &selection->items[i];
        const char *state = sp_state_name(one->plan.state), *note = one->plan.note;
        const struct sp_junit_case added = {
            .class_name = sp_pool_printf(context->pool, "check.%s", one->name),
            .name = one->detection ? sp_scan_show(context->pool, one->scan, one->detection->dir)
                                   : "not found",
            .outcome = !sp_target_counts(one) ? SP_JUNIT_SKIPPED
                       : status_of(one)       ? SP_JUNIT_FAILED
                                              : SP_JUNIT_PASSED,
            .message = note ? sp_pool_printf(context->pool, "%s: %s", state, note) : state,
        };
        sp_junit_add(junit, &added);
    }
}

/* The services that still run the old code, on a system that runs. */
static int print_stale(struct sp_context *context, const sp_selection *selection,
                       struct sp_error *err)
{
    sp_services services = {NULL, 0, 0};
    sp_strv names = {NULL, 0, 0};
    if (context->options->root || context->options->trees.count)
        return 0;
    if (sp_services_find(context, selection, &services, err) < 0)
        return -1;
    for (size_t i = 0; i < services.count; i++)
        sp_service_names(context->pool, &services.items[i], true, &names);
    sp_services_print_restart(context, &names);
    return 0;
}

int sp_cmd_check(struct sp_context *context, struct sp_error *err)
{
    sp_selection selection = {NULL, 0, 0};
    sp_prerequisites prerequisites = {NULL, 0, 0};
    struct sp_junit junit;
    if (context->options->junit && sp_junit_begin(context->pool, context->options->junit,
                                                  "sp-openstack check", &junit, err) < 0)
        return -1;
    if (sp_context_select(context, SP_SELECT_REPORT, &selection, err) < 0 ||
        sp_context_plan(context, &selection, SP_GOAL_INSTALL, err) < 0 ||
        explain_files(context, &selection, err) < 0 ||
        sp_prerequisites_find(context->pool, &selection, &prerequisites, err) < 0)
        return -1;
    struct sp_error mixed = SP_ERROR_INIT; /* said after the table, which shows it */
    int mixed_rc = sp_context_check_mixed(context, &selection, &mixed);
    if (!context->report->json) {
        sp_output_table(context, &selection, true);
        sp_output_details(context, &selection);
    }
    sp_output_warn_prerequisites(context, &prerequisites);
    sp_cmd_warn_leftovers(context, &selection);
    sp_cmd_warn_remaining(context, &selection);
    if (print_stale(context, &selection, err) < 0)
        return -1;
    long findings = sp_examine_count(context, &selection, &prerequisites, false);
    sp_examine_print_count(context, findings);
    if (context->report->json) {
        struct sp_buffer buf = SP_BUFFER_INIT;
        struct sp_json json;
        sp_output_begin(&json, &buf, "check");
        sp_output_components(&json, context, &selection, true);
        sp_output_prerequisites(&json, &prerequisites);
        sp_json_key(&json, "to_repair");
        if (findings < 0)
            sp_json_string(&json, NULL);
        else
            sp_json_number(&json, findings);
        if (mixed_rc < 0)
            sp_json_pair(&json, "error", mixed.message);
        sp_output_end(&json, context);
    }
    if (context->options->junit) {
        add_cases(context, &selection, &junit);
        if (sp_junit_finish(&junit, err) < 0)
            return -1;
    }
    if (mixed_rc < 0) {
        *err = mixed;
        return -1;
    }
    return (int)(sp_cmd_is_pending(context, &selection) ? SP_ERROR_NEEDS_RECOVERY
                                                        : status_of_all(&selection));
}

int sp_cmd_diff(struct sp_context *context, struct sp_error *err)
{
    sp_selection selection = {NULL, 0, 0};
    SP_CLEANUP_BUFFER struct sp_buffer diff = SP_BUFFER_INIT;
    if (sp_context_select(context, SP_SELECT_CHANGE, &selection, err) < 0 ||
        sp_context_plan(context, &selection, SP_GOAL_INSTALL, err) < 0 ||
        sp_context_check_mixed(context, &selection, err) < 0 ||
        sp_cmd_refuse(context, &selection, err) < 0 ||
        sp_output_diff(context, &selection, &diff, err) < 0)
        return -1;
    if (context->report->json) {
        struct sp_buffer buf = SP_BUFFER_INIT;
        struct sp_json json;
        sp_output_begin(&json, &buf, "diff");
        sp_output_components(&json, context, &selection, true);
        sp_json_pair(&json, "diff", sp_buffer_str(&diff));
        sp_output_end(&json, context);
    } else {
        fwrite(sp_buffer_str(&diff), 1, diff.len, context->report->out);
    }
    return (int)(sp_cmd_is_pending(context, &selection) ? SP_ERROR_NEEDS_RECOVERY : SP_ERROR_NONE);
}
