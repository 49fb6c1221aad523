/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output_doctor.h"

#include <stdlib.h>
#include <string.h>

#include "cli/output_json.h"

/* ---- for people -------------------------------------------------------------------------------- */

/* A finding in the order of printing. */
struct line {
    const struct sp_finding *finding;
    size_t group; /* of its file, or of its subject */
};
typedef SP_VEC(struct line) lines;

static bool is_same_group(const struct sp_finding *a, const struct sp_finding *b)
{
    return sp_str_equal(a->at.file, b->at.file) && (a->at.file || a->subject == b->subject);
}

/* By group, then line; findings of one line in the order of the checks. */
static int by_place(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    if (x->finding->at.line != y->finding->at.line)
        return x->finding->at.line < y->finding->at.line ? -1 : 1;
    return x->finding < y->finding ? -1 : x->finding > y->finding;
}

/* Something that cannot be told is told to somebody who can change that. */
static bool is_shown(const struct sp_context *context, const struct sp_finding *one)
{
    return context->report->verbose > 0 || one->level == SP_CHECK_NOTE ||
           one->level >= SP_CHECK_WARNING || (one->level == SP_CHECK_UNKNOWN && one->remedy);
}

static void sort(struct sp_context *context, const sp_findings *findings, lines *out)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct sp_finding *one = &findings->items[i];
        size_t group = out->count;
        for (size_t j = 0; j < out->count; j++)
            if (is_same_group(out->items[j].finding, one)) {
                group = out->items[j].group;
                break;
            }
        if (is_shown(context, one))
            *SP_PUSH(context->pool, out) = (struct line){one, group};
    }
    if (out->count)
        qsort(out->items, out->count, sizeof(*out->items), by_place);
}

/* "cinder-volume"; "this host" */
static const char *title_of(const struct sp_examination *examined, enum sp_subject subject)
{
    const sp_service_list *services = &examined->facts.services[subject];
    return services->count ? services->items[0]->program : "this host";
}

static void print_remedy(struct sp_context *context, const char *remedy)
{
    for (size_t len; remedy; remedy = remedy[len] ? remedy + len + 1 : NULL) {
        len = strcspn(remedy, "\n");
        sp_console_print(context->report, -1, "      %.*s", (int)len, remedy);
    }
}

/* One remedy for several lines is printed below the last of them. */
static bool has_same_remedy(const lines *sorted, size_t i)
{
    return i + 1 < sorted->count && sorted->items[i + 1].group == sorted->items[i].group &&
           sp_str_equal(sorted->items[i].finding->remedy, sorted->items[i + 1].finding->remedy);
}

static void print_line(struct sp_context *context, const struct sp_finding *one)
{
    const char *line = one->at.line ? sp_pool_printf(context->pool, "%u: ", one->at.line) : "";
    sp_console_print(context->report, -1, "  %s%s: %s [%s]", line, sp_check_level_name(one->level),
                     one->text, one->id);
}

/* "cinder-volume, by process 12, process 13, and cinder-backup, by the defaults" */
static const char *users_of(struct sp_context *context, const struct sp_service_facts *service)
{
    sp_strv programs = {NULL, 0, 0}, words = {NULL, 0, 0};
    for (size_t i = 0; i < service->users.count; i++)
        sp_strv_add_once(context->pool, &programs, service->users.items[i].program);
    for (size_t i = 0; i < programs.count; i++) {
        sp_strv sources = {NULL, 0, 0};
        for (size_t j = 0; j < service->users.count; j++) {
            const struct sp_service_user *user = &service->users.items[j];
            if (strcmp(user->program, programs.items[i]) == 0)
                *SP_PUSH(context->pool, &sources) = user->source ? user->source : "the defaults";
        }
        *SP_PUSH(context->pool, &words) =
            sp_pool_printf(context->pool, "%s, by %s", programs.items[i],
                           sp_strv_join(context->pool, &sources, ", "));
    }
    return sp_strv_join(context->pool, &words, ", and ");
}

static void print_files(struct sp_context *context, const struct sp_service_facts *service)
{
    static const char *const notes[] = {[SP_FILE_READ] = "",
                                        [SP_FILE_DENIED] = " (not readable)",
                                        [SP_FILE_MISSING] = " (missing)",
                                        [SP_FILE_ELSEWHERE] = " (in the image of the container)"};
    sp_console_print(context->report, 1, "%s, %s:%s", users_of(context, service),
                     service->users.count > 1 ? "read" : "reads",
                     service->files.count ? "" : " no file");
    for (size_t i = 0; i < service->files.count; i++)
        sp_console_print(context->report, 1, "  %s%s", service->files.items[i].shown,
                         notes[service->files.items[i].access]);
}

static size_t count_level(const sp_findings *findings, enum sp_check_level level)
{
    size_t count = 0;
    for (size_t i = 0; i < findings->count; i++)
        count += findings->items[i].level == level;
    return count;
}

void sp_output_examination(struct sp_context *context, const struct sp_examination *examined)
{
    const sp_findings *findings = &examined->findings;
    lines sorted = {NULL, 0, 0};
    size_t unknown = 0; /* to this user; others could look */
    size_t group = SIZE_MAX, errors = count_level(findings, SP_CHECK_ERROR);
    for (int i = 0; i < SP_SUBJECT_HOST; i++)
        for (size_t j = 0; j < examined->facts.services[i].count; j++)
            print_files(context, examined->facts.services[i].items[j]);
    sort(context, findings, &sorted);
    for (size_t i = 0; i < findings->count; i++)
        unknown += findings->items[i].level == SP_CHECK_UNKNOWN && findings->items[i].remedy;
    for (size_t i = 0; i < sorted.count; i++) {
        const struct sp_finding *one = sorted.items[i].finding;
        if (sorted.items[i].group != group)
            sp_console_print(context->report, -1,
                             "%s:", one->at.file ? one->at.file : title_of(examined, one->subject));
        group = sorted.items[i].group;
        print_line(context, one);
        if (!has_same_remedy(&sorted, i))
            print_remedy(context, one->remedy);
    }
    if (sp_findings_count(findings))
        sp_console_print(context->report, 0, "to be repaired: %zu error%s, %zu warning%s", errors,
                         errors == 1 ? "" : "s", sp_findings_count(findings) - errors,
                         sp_findings_count(findings) - errors == 1 ? "" : "s");
    else if (unknown)
        sp_console_print(context->report, 0,
                         "nothing that is to be repaired was found, but %zu thing%s could not be "
                         "looked at",
                         unknown, unknown == 1 ? "" : "s");
    else
        sp_console_print(context->report, 0, "ok: nothing is to be repaired");
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static void put_service(struct sp_json *json, const struct sp_service_facts *service,
                        const struct sp_service_user *user)
{
    sp_json_object(json);
    sp_json_pair(json, "program", user->program);
    sp_json_pair(json, "source", user->source);
    sp_json_key(json, "files");
    sp_json_array(json);
    for (size_t i = 0; i < service->files.count; i++)
        sp_json_string(json, service->files.items[i].shown);
    sp_json_end_array(json);
    sp_json_end_object(json);
}

static void put_services(struct sp_json *json, const struct sp_facts *facts)
{
    sp_json_key(json, "services");
    sp_json_array(json);
    for (int i = 0; i < SP_SUBJECT_HOST; i++)
        for (size_t j = 0; j < facts->services[i].count; j++) {
            const struct sp_service_facts *one = facts->services[i].items[j];
            for (size_t k = 0; k < one->users.count; k++)
                put_service(json, one, &one->users.items[k]);
        }
    sp_json_end_array(json);
}

static void put_finding(struct sp_json *json, const struct sp_finding *one)
{
    sp_json_object(json);
    sp_json_pair(json, "id", one->id);
    sp_json_pair(json, "subject", sp_subject_name(one->subject));
    sp_json_pair(json, "title", one->title);
    sp_json_pair(json, "level", sp_check_level_name(one->level));
    sp_json_pair(json, "text", one->text);
    sp_json_pair(json, "file", one->at.file);
    sp_json_key(json, "line");
    if (one->at.line)
        sp_json_number(json, one->at.line);
    else
        sp_json_string(json, NULL);
    sp_json_pair(json, "remedy", one->remedy);
    sp_json_end_object(json);
}

void sp_output_examination_json(struct sp_context *context, const struct sp_examination *examined)
{
    struct sp_buffer buf = SP_BUFFER_INIT;
    struct sp_json json;
    sp_output_begin(&json, &buf, "doctor");
    put_services(&json, &examined->facts);
    sp_json_key(&json, "to_repair");
    sp_json_number(&json, (unsigned)sp_findings_count(&examined->findings));
    sp_json_key(&json, "checks");
    sp_json_array(&json);
    for (size_t i = 0; i < examined->findings.count; i++)
        put_finding(&json, &examined->findings.items[i]);
    sp_json_end_array(&json);
    sp_output_end(&json, context);
}

/* ---- JUnit ------------------------------------------------------------------------------------- */

/* "/etc/x:12: error: SENTENCE; write ..." */
static const char *message_of(struct sp_context *context, const struct sp_finding *one)
{
    const char *file = one->at.file ? sp_pool_printf(context->pool, "%s:", one->at.file) : "";
    const char *line = one->at.line ? sp_pool_printf(context->pool, "%u:", one->at.line) : "";
    return sp_pool_printf(context->pool, "%s%s%s%s: %s%s%s", file, line, *file ? " " : "",
                          sp_check_level_name(one->level), one->text, one->remedy ? "; " : "",
                          one->remedy ? one->remedy : "");
}

void sp_output_examination_junit(struct sp_context *context, const struct sp_examination *examined,
                                 struct sp_junit *junit)
{
    const sp_findings *findings = &examined->findings;
    for (size_t i = 0, next; i < findings->count; i = next) {
        const struct sp_finding *one = &findings->items[i];
        enum sp_check_level worst = SP_CHECK_OK;
        sp_strv messages = {NULL, 0, 0};
        for (next = i; next < findings->count && findings->items[next].subject == one->subject &&
                       strcmp(findings->items[next].id, one->id) == 0;
             next++) {
            if (findings->items[next].level > worst)
                worst = findings->items[next].level;
            if (findings->items[next].level != SP_CHECK_OK)
                *SP_PUSH(context->pool, &messages) = message_of(context, &findings->items[next]);
        }
        const struct sp_junit_case added = {
            .class_name = sp_pool_printf(context->pool, "doctor.%s", sp_subject_name(one->subject)),
            .name = sp_pool_printf(context->pool, "%s: %s", one->id, one->title),
            .outcome = worst >= SP_CHECK_WARNING                                ? SP_JUNIT_FAILED
                       : worst == SP_CHECK_SKIPPED || worst == SP_CHECK_UNKNOWN ? SP_JUNIT_SKIPPED
                                                                                : SP_JUNIT_PASSED,
            .message = messages.count ? sp_strv_join(context->pool, &messages, "; ") : NULL};
        sp_junit_add(junit, &added);
    }
}
