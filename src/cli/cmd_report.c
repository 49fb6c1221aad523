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

int sp_cmd_detect(struct sp_context *s, struct sp_error *err)
{
    sp_selection selection = {NULL, 0, 0};
    if (sp_context_select(s, SP_SELECT_DETECT, &selection, err) < 0)
        return -1;
    if (s->report->json) {
        struct sp_buffer buf = SP_BUFFER_INIT;
        struct sp_json json;
        sp_output_begin(&json, &buf, "detect");
        sp_output_components(&json, s, &selection, false);
        sp_output_end(&json, s);
    } else {
        sp_output_table(s, &selection, false);
    }
    for (size_t i = 0; i < selection.count; i++)
        if (!selection.items[i].detection)
            return SP_ERROR_REFUSED;
    return SP_ERROR_NONE;
}

/* With -v: says of a file with the integration why it differs from its package, which rpm -V and dpkg -V
 * tell of it. */
static int explain_files(struct sp_context *s, const sp_selection *selection, struct sp_error *err)
{
    for (size_t i = 0; i < selection->count && s->report->verbose > 0; i++)
        for (size_t j = 0; j < selection->items[i].plan.files.count; j++) {
            struct sp_file_plan *file = &selection->items[i].plan.files.items[j];
            const struct sp_journal *by;
            if (file->state != SP_STATE_INSTALLED || file->note)
                continue;
            if (sp_cmd_find_writer(s, file->snapshot, &by, err) < 0)
                return -1;
            if (by)
                file->note = sp_pool_printf(
                    s->pool, "as integrated by transaction %u; %s", by->id,
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
static void add_cases(struct sp_context *s, const sp_selection *selection, struct sp_junit *junit)
{
    for (size_t i = 0; i < selection->count; i++) {
        const struct sp_target *one = &selection->items[i];
        const char *state = sp_state_name(one->plan.state), *note = one->plan.note;
        const struct sp_junit_case added = {
            .class_name = sp_pool_printf(s->pool, "check.%s", one->name),
            .name = one->detection ? sp_scan_show(s->pool, one->scan, one->detection->dir)
                                   : "not found",
            .outcome = !sp_target_counts(one) ? SP_JUNIT_SKIPPED
                       : status_of(one)       ? SP_JUNIT_FAILED
                                              : SP_JUNIT_PASSED,
            .message = note ? sp_pool_printf(s->pool, "%s: %s", state, note) : state,
        };
        sp_junit_add(junit, &added);
    }
}

/* The services that still run the old code, on a system that runs. */
static int print_stale(struct sp_context *s, const sp_selection *selection, struct sp_error *err)
{
    sp_services services = {NULL, 0, 0};
    sp_strv names = {NULL, 0, 0};
    if (s->options->root || s->options->trees.count)
        return 0;
    if (sp_services_find(s, selection, &services, err) < 0)
        return -1;
    for (size_t i = 0; i < services.count; i++)
        sp_service_stale_names(s->pool, &services.items[i], &names);
    sp_services_print_restart(s, &names);
    return 0;
}

int sp_cmd_check(struct sp_context *s, struct sp_error *err)
{
    sp_selection selection = {NULL, 0, 0};
    sp_prerequisites prerequisites = {NULL, 0, 0};
    struct sp_junit junit;
    if (s->options->junit &&
        sp_junit_begin(s->pool, s->options->junit, "sp-openstack check", &junit, err) < 0)
        return -1;
    if (sp_context_select(s, SP_SELECT_REPORT, &selection, err) < 0 ||
        sp_context_plan(s, &selection, SP_GOAL_INSTALL, err) < 0 ||
        explain_files(s, &selection, err) < 0 ||
        sp_prerequisites_find(s->pool, &selection, &prerequisites, err) < 0)
        return -1;
    struct sp_error mixed = SP_ERROR_INIT; /* said after the table, which shows it */
    int mixed_rc = sp_context_check_mixed(s, &selection, &mixed);
    if (!s->report->json) {
        sp_output_table(s, &selection, true);
        sp_output_details(s, &selection);
    }
    sp_output_warn_prerequisites(s, &prerequisites);
    sp_cmd_warn_leftovers(s, &selection);
    sp_cmd_warn_remaining(s, &selection);
    if (print_stale(s, &selection, err) < 0)
        return -1;
    long findings = sp_examine_count(s, &selection, false);
    sp_examine_print_count(s, findings);
    if (s->report->json) {
        struct sp_buffer buf = SP_BUFFER_INIT;
        struct sp_json json;
        sp_output_begin(&json, &buf, "check");
        sp_output_components(&json, s, &selection, true);
        sp_output_prerequisites(&json, &prerequisites);
        sp_json_key(&json, "to_repair");
        if (findings < 0)
            sp_json_string(&json, NULL);
        else
            sp_json_number(&json, findings);
        if (mixed_rc < 0)
            sp_json_pair(&json, "error", mixed.message);
        sp_output_end(&json, s);
    }
    if (s->options->junit) {
        add_cases(s, &selection, &junit);
        if (sp_junit_finish(&junit, err) < 0)
            return -1;
    }
    if (mixed_rc < 0) {
        *err = mixed;
        return -1;
    }
    return (int)(sp_cmd_is_pending(s, &selection) ? SP_ERROR_NEEDS_RECOVERY
                                                  : status_of_all(&selection));
}

int sp_cmd_diff(struct sp_context *s, struct sp_error *err)
{
    sp_selection selection = {NULL, 0, 0};
    SP_CLEANUP_BUFFER struct sp_buffer diff = SP_BUFFER_INIT;
    if (sp_context_select(s, SP_SELECT_CHANGE, &selection, err) < 0 ||
        sp_context_plan(s, &selection, SP_GOAL_INSTALL, err) < 0 ||
        sp_context_check_mixed(s, &selection, err) < 0 || sp_cmd_refuse(s, &selection, err) < 0 ||
        sp_output_diff(s, &selection, &diff, err) < 0)
        return -1;
    if (s->report->json) {
        struct sp_buffer buf = SP_BUFFER_INIT;
        struct sp_json json;
        sp_output_begin(&json, &buf, "diff");
        sp_output_components(&json, s, &selection, true);
        sp_json_pair(&json, "diff", sp_buffer_str(&diff));
        sp_output_end(&json, s);
    } else {
        fwrite(sp_buffer_str(&diff), 1, diff.len, s->report->out);
    }
    return (int)(sp_cmd_is_pending(s, &selection) ? SP_ERROR_NEEDS_RECOVERY : SP_ERROR_NONE);
}
