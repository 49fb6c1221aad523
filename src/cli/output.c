/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include <string.h>

#include "base/path.h"

static const char *release_of(const struct sp_target *one)
{
    return one->found && one->found->spec ? one->found->spec->release->name : NULL;
}

static const char *evidence_name(const struct sp_detection *found)
{
    static const char *const names[] = {[SP_EVIDENCE_METADATA] = "metadata",
                                        [SP_EVIDENCE_CHECKSUMS] = "checksums",
                                        [SP_EVIDENCE_PROBES] = "probes",
                                        [SP_EVIDENCE_NONE] = "none"};
    return names[found->evidence];
}

const char *sp_output_title(struct sp_pool *pool, const struct sp_target *one)
{
    const char *version = one->found && one->found->version ? one->found->version : NULL;
    const char *release = release_of(one);
    return sp_pool_printf(pool, "%s%s%s%s%s%s", one->name, version ? " " : "",
                          version ? version : "", release ? " (" : "", release ? release : "",
                          release ? ")" : "");
}

const char *sp_output_path(struct sp_context *s, const struct sp_target *one,
                           const struct sp_file_plan *file)
{
    return sp_context_show(s, one->view, file->snapshot->real);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

void sp_output_begin(struct sp_json *json, struct sp_buffer *buf, const char *command)
{
    sp_json_init(json, buf);
    sp_json_object(json);
    sp_json_key(json, "schema");
    sp_json_number(json, 1);
    sp_json_pair(json, "command", command);
}

static void put_files(struct sp_json *json, struct sp_context *s, const struct sp_target *one)
{
    sp_json_key(json, "files");
    sp_json_array(json);
    for (size_t i = 0; i < one->plan.files.count; i++) {
        const struct sp_file_plan *file = &one->plan.files.items[i];
        sp_json_object(json);
        sp_json_pair(json, "path", sp_output_path(s, one, file));
        sp_json_pair(json, "action", sp_action_name(file->action));
        sp_json_pair(json, "state", sp_state_name(file->state));
        sp_json_pair(json, "note", file->note);
        sp_json_end_object(json);
    }
    sp_json_end_array(json);
}

void sp_output_components(struct sp_json *json, struct sp_context *s, const sp_selection *selection,
                          bool with_plan)
{
    sp_json_key(json, "components");
    sp_json_array(json);
    for (size_t i = 0; i < selection->count; i++) {
        const struct sp_target *one = &selection->items[i];
        const struct sp_detection *found = one->found;
        sp_json_object(json);
        sp_json_pair(json, "component", one->name);
        sp_json_pair(json, "version", found ? found->version : NULL);
        sp_json_pair(json, "release", release_of(one));
        sp_json_pair(json, "path", found ? sp_context_show(s, one->view, found->dir) : NULL);
        sp_json_pair(json, "evidence", found ? evidence_name(found) : NULL);
        sp_json_pair(json, "because", found ? found->because : NULL);
        sp_json_pair(json, "support",
                     found && found->spec ? sp_support_name(found->spec->release->support) : NULL);
        sp_json_pair(json, "needed_by", one->needed_by);
        if (with_plan) {
            sp_json_pair(json, "state", sp_state_name(one->plan.state));
            sp_json_pair(json, "note", one->plan.note);
            put_files(json, s, one);
        }
        sp_json_end_object(json);
    }
    sp_json_end_array(json);
}

void sp_output_prerequisites(struct sp_pool *pool, struct sp_json *json,
                             const sp_prerequisites *prerequisites)
{
    sp_json_key(json, "prerequisites");
    sp_json_array(json);
    for (size_t i = 0; i < prerequisites->count; i++) {
        const struct sp_prerequisite *item = &prerequisites->items[i];
        sp_json_object(json);
        sp_json_pair(json, "name", item->name);
        sp_json_pair(json, "version", item->version);
        sp_json_pair(json, "needed_by", item->needed_by);
        sp_json_pair(json, "command",
                     item->version ? NULL
                                   : sp_pool_printf(pool, "%s install %s", item->pip, item->name));
        sp_json_end_object(json);
    }
    sp_json_end_array(json);
}

void sp_output_strings(struct sp_json *json, const char *key, const sp_strv *strings)
{
    sp_json_key(json, key);
    sp_json_array(json);
    for (size_t i = 0; i < strings->count; i++)
        sp_json_string(json, strings->items[i]);
    sp_json_end_array(json);
}

void sp_output_end(struct sp_json *json, struct sp_context *s)
{
    sp_output_strings(json, "warnings", &s->report->warnings);
    sp_json_end_object(json);
    sp_json_finish(json);
    fwrite(sp_buffer_str(json->out), 1, json->out->len, s->report->out);
    sp_buffer_free(json->out);
}

/* ---- tables -------------------------------------------------------------------------------- */

void sp_output_table(struct sp_context *s, const sp_selection *selection, bool with_plan)
{
    struct sp_table table = {.columns = 5, .state_column = with_plan ? 3 : -1};
    const char *head[] = {"COMPONENT", "VERSION", "RELEASE", with_plan ? "STATE" : "DIRECTORY",
                          with_plan ? "DIRECTORY" : "EVIDENCE"};
    sp_table_row(s->pool, &table, -1, head);
    for (size_t i = 0; i < selection->count; i++) {
        const struct sp_target *one = &selection->items[i];
        const struct sp_detection *found = one->found;
        const char *dir = found ? sp_context_show(s, one->view, found->dir) : NULL;
        const char *release = release_of(one);
        const char *row[] = {one->name, found ? found->version : NULL, release,
                             with_plan ? sp_state_name(one->plan.state) : dir,
                             with_plan ? dir
                             : found   ? found->because
                                       : "not found"};
        sp_table_row(s->pool, &table, (int)one->plan.state, row);
    }
    sp_table_print(s->report, &table);
}

static bool needs_words(const struct sp_context *s, const struct sp_target *one)
{
    return s->report->verbose > 0 || one->plan.state == SP_STATE_PARTIAL ||
           one->plan.state == SP_STATE_OUTDATED || one->plan.state == SP_STATE_CONFLICT;
}

void sp_output_details(struct sp_context *s, const sp_selection *selection)
{
    for (size_t i = 0; i < selection->count; i++) {
        const struct sp_target *one = &selection->items[i];
        if (one->plan.note)
            sp_console_print(s->report, 0, "%s: %s", sp_output_title(s->pool, one), one->plan.note);
        if (!needs_words(s, one) || one->plan.files.count == 0)
            continue;
        sp_console_print(s->report, 0, "%s:", sp_output_title(s->pool, one));
        for (size_t j = 0; j < one->plan.files.count; j++) {
            const struct sp_file_plan *file = &one->plan.files.items[j];
            if (file->state == SP_STATE_UNTOUCHED && s->report->verbose < 1 && !file->note)
                continue;
            sp_console_print(s->report, 0, "  %-13s  %s%s%s%s", sp_state_name(file->state),
                             sp_output_path(s, one, file), file->note ? " (" : "",
                             file->note ? file->note : "", file->note ? ")" : "");
        }
    }
}

/* Those that are missing beside the same component, in one sentence. */
static void warn_missing(struct sp_context *s, const sp_prerequisites *prerequisites, size_t first)
{
    const struct sp_prerequisite *item = &prerequisites->items[first];
    sp_strv names = {NULL, 0, 0};
    for (size_t i = first; i < prerequisites->count; i++)
        if (!prerequisites->items[i].version &&
            prerequisites->items[i].needed_by == item->needed_by)
            *SP_PUSH(s->pool, &names) = prerequisites->items[i].name;
    sp_console_warn(s->pool, s->report,
                    "%s, which the drivers need, %s not found beside %s; type: %s install %s",
                    sp_strv_join(s->pool, &names, " and "), names.count > 1 ? "were" : "was",
                    item->needed_by, item->pip, sp_strv_join(s->pool, &names, " "));
}

void sp_output_warn_prerequisites(struct sp_context *s, const sp_prerequisites *prerequisites)
{
    const char *warned = NULL; /* for this component already */
    for (size_t i = 0; i < prerequisites->count; i++) {
        const struct sp_prerequisite *item = &prerequisites->items[i];
        if (item->version) {
            sp_console_print(s->report, 0, "%s %s is beside %s", item->name, item->version,
                             item->needed_by);
        } else if (item->needed_by != warned) {
            warn_missing(s, prerequisites, i);
            warned = item->needed_by;
        }
    }
}
