/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output_text.h"

#include <string.h>

#include "base/path.h"

const char *sp_output_release(const struct sp_target *one)
{
    return one->detection && one->detection->spec ? one->detection->spec->release->name : NULL;
}

const char *sp_output_title(struct sp_pool *pool, const struct sp_target *one)
{
    const char *version = one->detection ? one->detection->version : NULL;
    const char *release = sp_output_release(one);
    return sp_pool_printf(pool, "%s%s%s%s%s%s", one->name, version ? " " : "",
                          version ? version : "", release ? " (" : "", release ? release : "",
                          release ? ")" : "");
}

const char *sp_output_path(struct sp_context *context, const struct sp_target *one,
                           const struct sp_file_plan *file)
{
    return sp_scan_show(context->pool, one->scan, file->snapshot->real);
}

static enum sp_tone tone_of(enum sp_state state)
{
    switch (state) {
    case SP_STATE_INSTALLED:
    case SP_STATE_INCLUDED:
        return SP_TONE_GOOD;
    case SP_STATE_NOT_INSTALLED:
    case SP_STATE_PARTIAL:
    case SP_STATE_OUTDATED:
        return SP_TONE_OPEN;
    case SP_STATE_CONFLICT:
    case SP_STATE_UNSUPPORTED:
    case SP_STATE_NOT_FOUND:
        return SP_TONE_BAD;
    default:
        return SP_TONE_NONE;
    }
}

void sp_output_table(struct sp_context *context, const sp_selection *selection, bool with_plan)
{
    struct sp_table table = {.columns = 5, .toned_column = with_plan ? 3 : -1};
    const char *head[] = {"COMPONENT", "VERSION", "RELEASE", with_plan ? "STATE" : "DIRECTORY",
                          with_plan ? "DIRECTORY" : "EVIDENCE"};
    sp_table_row(context->pool, &table, SP_TONE_NONE, head);
    for (size_t i = 0; i < selection->count; i++) {
        const struct sp_target *one = &selection->items[i];
        const struct sp_detection *found = one->detection;
        const char *dir = found ? sp_scan_show(context->pool, one->scan, found->dir) : NULL;
        const char *release = sp_output_release(one);
        const char *row[] = {one->name, found ? found->version : NULL, release,
                             with_plan ? sp_state_name(one->plan.state) : dir,
                             with_plan ? dir
                             : found   ? found->because
                                       : "not found"};
        sp_table_row(context->pool, &table, with_plan ? tone_of(one->plan.state) : SP_TONE_NONE,
                     row);
    }
    sp_table_print(context->report, &table);
}

static bool needs_words(const struct sp_context *context, const struct sp_target *one)
{
    return context->report->verbose > 0 || one->plan.state == SP_STATE_PARTIAL ||
           one->plan.state == SP_STATE_OUTDATED || one->plan.state == SP_STATE_CONFLICT;
}

void sp_output_details(struct sp_context *context, const sp_selection *selection)
{
    for (size_t i = 0; i < selection->count; i++) {
        const struct sp_target *one = &selection->items[i];
        bool counts = sp_target_counts(one);
        if (one->plan.note)
            sp_console_print(
                context->report, 0, "%s%s%s: %s", sp_output_title(context->pool, one),
                counts ? "" : " in ",
                counts ? "" : sp_scan_show(context->pool, one->scan, one->detection->site->path),
                one->plan.note);
        if (!needs_words(context, one) || one->plan.files.count == 0)
            continue;
        sp_console_print(context->report, 0, "%s:", sp_output_title(context->pool, one));
        for (size_t j = 0; j < one->plan.files.count; j++) {
            const struct sp_file_plan *file = &one->plan.files.items[j];
            if (file->state == SP_STATE_UNTOUCHED && context->report->verbose < 1 && !file->note)
                continue;
            sp_console_print(context->report, 0, "  %-13s  %s%s%s%s", sp_state_name(file->state),
                             sp_output_path(context, one, file), file->note ? " (" : "",
                             file->note ? file->note : "", file->note ? ")" : "");
        }
    }
}

void sp_output_warn_prerequisites(struct sp_context *context, const sp_prerequisites *prerequisites)
{
    sp_strv lines = {NULL, 0, 0};
    sp_prerequisite_warnings warnings = {NULL, 0, 0};
    sp_prerequisites_describe(context->pool, prerequisites, &lines, &warnings);
    for (size_t i = 0; i < lines.count; i++)
        sp_console_print(context->report, 0, "%s", lines.items[i]);
    for (size_t i = 0; i < warnings.count; i++)
        sp_console_warn(context->pool, context->report, "%s; run: %s", warnings.items[i].text,
                        warnings.items[i].command);
}

const char *sp_output_files(struct sp_pool *pool, size_t count)
{
    return sp_pool_printf(pool, "%zu file%s", count, count == 1 ? "" : "s");
}
