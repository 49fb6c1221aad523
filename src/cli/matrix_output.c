/* SPDX-License-Identifier: Apache-2.0 */
/* The output of matrix: a table, a JSON document, a report for CI systems. */
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "cli/matrix.h"
#include "cli/output_json.h"

static const char *or_dash(const char *text)
{
    return *text ? text : "-";
}

/* The state of a component that can be integrated, in words. */
static const char *describe(enum sp_state state)
{
    switch (state) {
    case SP_STATE_INSTALLED:
        return "is integrated";
    case SP_STATE_INCLUDED:
        return "includes the drivers";
    default:
        return "can be integrated";
    }
}

static void print_line(const struct sp_matrix *m, const char *tree,
                       const struct sp_matrix_part *part, const char *result)
{
    struct sp_buffer line = SP_BUFFER_INIT;
    sp_buffer_printf(&line, "%-*s  %-9s  %-12s  %-8s  %s\n", m->width, tree, or_dash(part->name),
                     or_dash(part->version), or_dash(part->release), result);
    fputs(sp_buffer_str(&line), m->context->report->out);
    sp_buffer_free(&line);
}

static void print_row(const struct sp_matrix *m, const char *tree, const struct sp_matrix_row *row)
{
    static const struct sp_matrix_part nothing = {"", "", "", SP_STATE_NOT_FOUND};
    const char *shown = sp_escape(row->pool, tree);
    const char *failure = *row->error ? sp_pool_printf(row->pool, "failed: %s", row->error) : NULL;
    if (m->context->report->verbose < 0 && !failure)
        return;
    if (row->parts.count == 0)
        print_line(m, shown, &nothing, failure ? failure : "can be integrated");
    for (size_t i = 0; i < row->parts.count; i++)
        print_line(m, shown, &row->parts.items[i],
                   failure ? failure : describe(row->parts.items[i].state));
}

static void put_row(struct sp_json *json, const char *tree, const struct sp_matrix_row *row)
{
    sp_json_object(json);
    sp_json_pair(json, "tree", tree);
    sp_json_key(json, "integrable");
    sp_json_bool(json, !*row->error);
    sp_json_pair(json, "error", *row->error ? row->error : NULL);
    sp_json_key(json, "milliseconds");
    sp_json_number(json, row->milliseconds);
    sp_json_key(json, "components");
    sp_json_array(json);
    for (size_t i = 0; i < row->parts.count; i++) {
        const struct sp_matrix_part *part = &row->parts.items[i];
        sp_json_object(json);
        sp_json_pair(json, "component", part->name);
        sp_json_pair(json, "version", *part->version ? part->version : NULL);
        sp_json_pair(json, "release", *part->release ? part->release : NULL);
        sp_json_pair(json, "state", sp_state_name(part->state));
        sp_json_end_object(json);
    }
    sp_json_end_array(json);
    sp_json_end_object(json);
}

static void add_case(struct sp_matrix *m, const char *tree, const struct sp_matrix_row *row)
{
    const struct sp_junit_case one = {
        .class_name = "matrix",
        .name = tree,
        .outcome = *row->error ? SP_JUNIT_FAILED : SP_JUNIT_PASSED,
        .message = row->error,
        .milliseconds = row->milliseconds,
    };
    sp_junit_add(&m->junit, &one);
}

void sp_matrix_clear_progress(const struct sp_matrix *m)
{
    if (m->progress)
        fputs("\r\033[K", m->context->report->err);
}

static void show_progress(const struct sp_matrix *m, size_t done)
{
    sp_matrix_clear_progress(m);
    if (m->progress && done < m->items.count)
        fprintf(m->context->report->err, "%zu of %zu trees", done, m->items.count);
    fflush(m->context->report->err);
}

void sp_matrix_put(struct sp_matrix *m, size_t item, const struct sp_matrix_row *row)
{
    const char *tree = m->items.items[item].tree;
    m->failed += *row->error != '\0';
    sp_matrix_clear_progress(m);
    if (m->context->report->json)
        put_row(&m->json, tree, row);
    else
        print_row(m, tree, row);
    if (m->context->options->junit)
        add_case(m, tree, row);
    fflush(m->context->report->out);
    show_progress(m, item + 1);
}

void sp_matrix_begin_output(struct sp_matrix *m)
{
    static const struct sp_matrix_part head = {"COMPONENT", "VERSION", "RELEASE",
                                               SP_STATE_NOT_FOUND};
    struct sp_console *report = m->context->report;
    m->width = (int)strlen("TREE");
    for (size_t i = 0; i < m->items.count; i++) {
        int width = (int)strnlen(m->items.items[i].tree, 60);
        m->width = width > m->width ? width : m->width;
    }
    m->progress = !report->json && report->verbose >= 0 && isatty(fileno(report->err));
    if (report->json) {
        sp_output_begin(&m->json, &m->json_text, "matrix");
        sp_json_key(&m->json, "trees");
        sp_json_array(&m->json);
    } else if (report->verbose >= 0) {
        print_line(m, "TREE", &head, "RESULT");
    }
    show_progress(m, 0);
}

void sp_matrix_end_output(struct sp_matrix *m)
{
    size_t total = m->items.count;
    if (!m->context->report->json) {
        fprintf(m->context->report->out, "%zu %s: %zu can be integrated, %zu cannot\n", total,
                total == 1 ? "tree" : "trees", total - m->failed, m->failed);
        return;
    }
    sp_json_end_array(&m->json);
    sp_json_key(&m->json, "integrable");
    sp_json_number(&m->json, (long long)(total - m->failed));
    sp_json_key(&m->json, "failed");
    sp_json_number(&m->json, (long long)m->failed);
    sp_output_end(&m->json, m->context);
}
