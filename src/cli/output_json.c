/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output_json.h"

#include "cli/output_text.h"

static const char *evidence_name(const struct sp_detection *found)
{
    static const char *const names[] = {[SP_EVIDENCE_METADATA] = "metadata",
                                        [SP_EVIDENCE_CHECKSUMS] = "checksums",
                                        [SP_EVIDENCE_PROBES] = "probes",
                                        [SP_EVIDENCE_NONE] = "none"};
    return names[found->evidence];
}

void sp_output_begin(struct sp_json *json, struct sp_buffer *buf, const char *command)
{
    sp_json_init(json, buf);
    sp_json_object(json);
    sp_json_key(json, "schema");
    sp_json_number(json, 1);
    sp_json_pair(json, "command", command);
}

static void put_files(struct sp_json *json, struct sp_context *context, const struct sp_target *one)
{
    sp_json_key(json, "files");
    sp_json_array(json);
    for (size_t i = 0; i < one->plan.files.count; i++) {
        const struct sp_file_plan *file = &one->plan.files.items[i];
        sp_json_object(json);
        sp_json_pair(json, "path", sp_output_path(context, one, file));
        sp_json_pair(json, "action", sp_action_name(file->action));
        sp_json_pair(json, "state", sp_state_name(file->state));
        sp_json_pair(json, "note", file->note);
        sp_json_end_object(json);
    }
    sp_json_end_array(json);
}

void sp_output_components(struct sp_json *json, struct sp_context *context,
                          const sp_selection *selection, bool with_plan)
{
    sp_json_key(json, "components");
    sp_json_array(json);
    for (size_t i = 0; i < selection->count; i++) {
        const struct sp_target *one = &selection->items[i];
        const struct sp_detection *found = one->detection;
        sp_json_object(json);
        sp_json_pair(json, "component", one->name);
        sp_json_pair(json, "version", found ? found->version : NULL);
        sp_json_pair(json, "release", sp_output_release(one));
        sp_json_pair(json, "path",
                     found ? sp_scan_show(context->pool, one->scan, found->dir) : NULL);
        sp_json_pair(json, "evidence", found ? evidence_name(found) : NULL);
        sp_json_pair(json, "because", found ? found->because : NULL);
        sp_json_pair(json, "support",
                     found && found->spec ? sp_support_name(found->spec->release->support) : NULL);
        sp_json_pair(json, "needed_by", one->needed_by);
        sp_json_pair(json, "environment", one->environment ? one->environment->name : NULL);
        sp_json_pair(json, "shadowed_by",
                     one->shadowed_by
                         ? sp_scan_show(context->pool, one->scan, one->shadowed_by->dir)
                         : NULL);
        sp_json_pair(json, "unused", one->unused);
        if (with_plan) {
            sp_json_pair(json, "state", sp_state_name(one->plan.state));
            sp_json_pair(json, "note", one->plan.note);
            sp_json_key(json, "integrated");
            sp_json_bool(json, one->plan.integrated);
            put_files(json, context, one);
        }
        sp_json_end_object(json);
    }
    sp_json_end_array(json);
}

void sp_output_prerequisites(struct sp_json *json, const sp_prerequisites *prerequisites)
{
    sp_json_key(json, "prerequisites");
    sp_json_array(json);
    for (size_t i = 0; i < prerequisites->count; i++) {
        const struct sp_prerequisite *item = &prerequisites->items[i];
        sp_json_object(json);
        sp_json_pair(json, "name", item->need->name);
        sp_json_pair(json, "version", item->version);
        sp_json_pair(json, "fitness", sp_fitness_name(item->fitness));
        sp_json_pair(json, "needed_by", item->needed_by);
        sp_json_pair(json, "environment", item->environment->name);
        sp_json_pair(json, "command", item->command);
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

void sp_output_id(struct sp_json *json, const char *key, unsigned id)
{
    sp_json_key(json, key);
    if (id)
        sp_json_number(json, id);
    else
        sp_json_string(json, NULL);
}

static void end_document(struct sp_json *json, struct sp_console *report)
{
    sp_output_strings(json, "warnings", &report->warnings);
    sp_json_end_object(json);
    sp_json_finish(json);
    fwrite(sp_buffer_str(json->out), 1, json->out->len, report->out);
    report->complete = true;
    sp_buffer_free(json->out);
}

void sp_output_end(struct sp_json *json, struct sp_context *context)
{
    end_document(json, context->report);
}

void sp_output_error(struct sp_console *report, const char *command, const struct sp_error *err)
{
    struct sp_buffer buf = SP_BUFFER_INIT;
    struct sp_json json;
    if (!report->json || report->complete)
        return;
    sp_output_begin(&json, &buf, command);
    sp_json_pair(&json, "error", err->message);
    end_document(&json, report);
}
