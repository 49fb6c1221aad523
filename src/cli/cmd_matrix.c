/* SPDX-License-Identifier: Apache-2.0 */
/* matrix: what install would do to many trees, each read in a worker process under limits. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/escape.h"
#include "cli/cmd.h"
#include "cli/output_json.h"
#include "cli/output_junit.h"
#include "cli/output_text.h"
#include "host/workers.h"
#include "model/version.h"

/* A tree; or a word that names none. */
struct item {
    const char *tree;
    const char *error; /* NULL: it can be looked at */
};

struct matrix {
    struct sp_context *context;
    SP_VEC(struct item) items;
    sp_strv wanted; /* the files that archives have to keep */
    size_t failed;  /* trees that cannot be integrated */
    int width;      /* of the column of trees */
    bool progress;  /* a line on a terminal says how far it is */
    struct sp_json json;
    struct sp_buffer json_text;
    struct sp_junit junit;
};

/* A component of a tree, as it comes from a worker. */
struct part {
    const char *name, *version, *release, *state;
};

/* The answer of a worker. */
struct row {
    struct sp_pool *pool;
    const char *error; /* "": it can be integrated */
    unsigned milliseconds;
    SP_VEC(struct part) parts;
};

/* ---- between the processes ------------------------------------------------------------------- */

static void send_text(struct sp_buffer *out, const char *text)
{
    sp_buffer_add(out, text ? text : "", (text ? strlen(text) : 0) + 1);
}

static const char *receive_text(struct sp_bytes *bytes)
{
    size_t len = strnlen(bytes->data, bytes->len);
    const char *text = bytes->data;
    if (len == bytes->len) /* nothing is left, or it was cut */
        return "";
    bytes->data += len + 1;
    bytes->len -= len + 1;
    return text;
}

static void send_row(struct sp_buffer *out, const struct row *row)
{
    send_text(out, row->error);
    sp_buffer_printf(out, "%u", row->milliseconds);
    send_text(out, NULL);
    for (size_t i = 0; i < row->parts.count; i++) {
        const struct part *part = &row->parts.items[i];
        send_text(out, part->name);
        send_text(out, part->version);
        send_text(out, part->release);
        send_text(out, part->state);
    }
}

static void receive_row(struct sp_bytes bytes, struct row *out)
{
    out->error = receive_text(&bytes);
    out->milliseconds = (unsigned)strtoul(receive_text(&bytes), NULL, 10);
    while (bytes.len > 0) {
        struct part *part = SP_PUSH(out->pool, &out->parts);
        part->name = receive_text(&bytes);
        part->version = receive_text(&bytes);
        part->release = receive_text(&bytes);
        part->state = receive_text(&bytes);
    }
}

/* ---- in a worker: the trees of a word -------------------------------------------------------- */

static void run_expand(void *data, size_t item, struct sp_buffer *out)
{
    const struct matrix *m = data;
    struct sp_pool *pool = sp_pool_new();
    struct sp_error err = SP_ERROR_INIT;
    sp_strv trees = {NULL, 0, 0};
    if (sp_tree_expand(pool, m->context->options->arguments.items[item], &trees, &err) < 0)
        send_text(out, err.message);
    else
        send_text(out, NULL);
    for (size_t i = 0; i < trees.count; i++)
        send_text(out, trees.items[i]);
    sp_error_clear(&err);
    sp_pool_free(pool);
}

/* ---- in a worker: a tree --------------------------------------------------------------------- */

/* The error without the name of the tree, which the row has. */
static const char *without_name(struct sp_pool *pool, const char *message, const char *tree)
{
    const char *shown = sp_escape(pool, tree);
    size_t len = strlen(shown);
    bool named = strncmp(message, shown, len) == 0 && strncmp(message + len, ": ", 2) == 0;
    return sp_pool_strdup(pool, named ? message + len + 2 : message);
}

/* Plans the installation of the components of the tree. */
static int plan_tree(struct sp_context *own, sp_selection *selection, struct sp_error *err)
{
    if (sp_context_scan(own, err) < 0 ||
        sp_context_select(own, SP_SELECT_CHANGE, selection, err) < 0 ||
        sp_context_plan(own, selection, SP_GOAL_INSTALL, err) < 0 ||
        sp_context_check_mixed(own, selection, err) < 0)
        return -1;
    return sp_cmd_refuse(own, selection, err);
}

static unsigned milliseconds_since(const struct timespec *begin)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned)((now.tv_sec - begin->tv_sec) * 1000 +
                      (now.tv_nsec - begin->tv_nsec) / 1000000);
}

static void run_tree(void *data, size_t item, struct sp_buffer *out)
{
    const struct matrix *m = data;
    struct sp_pool *pool = sp_pool_new();
    struct row row = {.pool = pool};
    struct timespec begin;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    if (m->items.items[item].error) {
        row.error = m->items.items[item].error;
    } else {
        struct sp_console console = {.silent = true};
        struct sp_options options = *m->context->options;
        struct sp_context own = *m->context;
        struct sp_error err = SP_ERROR_INIT;
        sp_selection selection = {NULL, 0, 0};
        memset(&options.trees, 0, sizeof(options.trees));
        *SP_PUSH(pool, &options.trees) = m->items.items[item].tree;
        own.pool = pool;
        own.options = &options;
        own.report = &console;
        if (plan_tree(&own, &selection, &err) < 0)
            row.error = without_name(pool, err.message, m->items.items[item].tree);
        for (size_t i = 0; i < selection.count; i++) {
            const struct sp_target *one = &selection.items[i];
            if (one->detection)
                *SP_PUSH(pool, &row.parts) =
                    (struct part){one->name, one->detection->version, sp_output_release(one),
                                  sp_state_name(one->plan.state)};
        }
        sp_error_clear(&err);
    }
    row.milliseconds = milliseconds_since(&begin);
    send_row(out, &row);
    sp_pool_free(pool);
}

/* ---- the trees ------------------------------------------------------------------------------- */

static void done_expand(void *data, const struct sp_workers_result *result)
{
    struct matrix *m = data;
    struct sp_pool *pool = m->context->pool;
    const char *word = m->context->options->arguments.items[result->item];
    struct sp_bytes bytes = result->bytes;
    const char *error = result->broken ? result->broken : receive_text(&bytes);
    if (*error)
        *SP_PUSH(pool, &m->items) = (struct item){word, without_name(pool, error, word)};
    while (bytes.len > 0)
        *SP_PUSH(pool, &m->items) = (struct item){sp_pool_strdup(pool, receive_text(&bytes)), NULL};
}

/* The part after the last '@' or '/', which names the version in most trees. */
static const char *version_part(const char *tree)
{
    const char *at = strrchr(tree, '@');
    const char *slash = strrchr(at ? at : tree, '/');
    return slash ? slash + 1 : at ? at + 1 : tree;
}

struct sorted {
    struct item item;
    const struct sp_version *version; /* NULL: its name tells none */
};

/* By version, where names are versions, then as strverscmp(3) has it. */
static int compare_trees(const void *a, const void *b)
{
    const struct sorted *x = a, *y = b;
    int order = 0;
    if (x->version && y->version)
        order = sp_version_compare(x->version, y->version);
    else if (x->version || y->version)
        order = x->version ? -1 : 1;
    return order ? order : strverscmp(x->item.tree, y->item.tree);
}

static void sort_trees(struct sp_pool *pool, struct item *items, size_t count)
{
    struct sorted *sorted = sp_pool_alloc(pool, count * sizeof(*sorted));
    for (size_t i = 0; i < count; i++)
        sorted[i] = (struct sorted){items[i], sp_version_parse(pool, version_part(items[i].tree))};
    qsort(sorted, count, sizeof(*sorted), compare_trees);
    for (size_t i = 0; i < count; i++)
        items[i] = sorted[i].item;
}

static void done_word(void *data, const struct sp_workers_result *result)
{
    struct matrix *m = data;
    size_t first = m->items.count;
    done_expand(m, result);
    if (m->items.count > first + 1)
        sort_trees(m->context->pool, m->items.items + first, m->items.count - first);
}

static int find_trees(struct matrix *m, size_t jobs, struct sp_error *err)
{
    const struct sp_workers expand = {.count = m->context->options->arguments.count,
                                      .jobs = jobs,
                                      .data = m,
                                      .run = run_expand,
                                      .done = done_word};
    return sp_workers_run(&expand, err);
}

/* ---- output ---------------------------------------------------------------------------------- */

static const char *or_dash(const char *text)
{
    return *text ? text : "-";
}

/* The state of a component that can be integrated, in words. */
static const char *describe(const char *state)
{
    if (strcmp(state, sp_state_name(SP_STATE_INSTALLED)) == 0)
        return "is integrated";
    if (strcmp(state, sp_state_name(SP_STATE_INCLUDED)) == 0)
        return "includes the drivers";
    return "can be integrated";
}

static void print_line(const struct matrix *m, const char *tree, const struct part *part,
                       const char *result)
{
    struct sp_buffer line = SP_BUFFER_INIT;
    sp_buffer_printf(&line, "%-*s  %-9s  %-12s  %-8s  %s\n", m->width, tree, or_dash(part->name),
                     or_dash(part->version), or_dash(part->release), result);
    fputs(sp_buffer_str(&line), m->context->report->out);
    sp_buffer_free(&line);
}

static void print_row(const struct matrix *m, const char *tree, const struct row *row)
{
    static const struct part nothing = {"", "", "", ""};
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

static void put_row(struct sp_json *json, const char *tree, const struct row *row)
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
        const struct part *part = &row->parts.items[i];
        sp_json_object(json);
        sp_json_pair(json, "component", part->name);
        sp_json_pair(json, "version", *part->version ? part->version : NULL);
        sp_json_pair(json, "release", *part->release ? part->release : NULL);
        sp_json_pair(json, "state", part->state);
        sp_json_end_object(json);
    }
    sp_json_end_array(json);
    sp_json_end_object(json);
}

static void add_case(struct matrix *m, const char *tree, const struct row *row)
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

static void show_progress(const struct matrix *m, size_t done)
{
    if (!m->progress)
        return;
    fputs("\r\033[K", m->context->report->err);
    if (done < m->items.count)
        fprintf(m->context->report->err, "%zu of %zu trees", done, m->items.count);
    fflush(m->context->report->err);
}

static void done_tree(void *data, const struct sp_workers_result *result)
{
    struct matrix *m = data;
    const char *tree = m->items.items[result->item].tree;
    struct row row = {.pool = sp_pool_new(), .error = ""};
    if (result->broken)
        row.error = sp_pool_printf(row.pool, "%s; it was not read further", result->broken);
    else
        receive_row(result->bytes, &row);
    m->failed += *row.error != '\0';
    if (m->progress)
        fputs("\r\033[K", m->context->report->err);
    if (m->context->report->json)
        put_row(&m->json, tree, &row);
    else
        print_row(m, tree, &row);
    if (m->context->options->junit)
        add_case(m, tree, &row);
    fflush(m->context->report->out);
    show_progress(m, result->item + 1);
    sp_pool_free(row.pool);
}

static void begin_output(struct matrix *m)
{
    static const struct part head = {"COMPONENT", "VERSION", "RELEASE", NULL};
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

static void end_output(struct matrix *m)
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

int sp_cmd_matrix(struct sp_context *context, struct sp_error *err)
{
    const struct sp_options *options = context->options;
    struct matrix m = {.context = context, .junit = {.fd = -1}};
    size_t jobs = options->jobs ? options->jobs : sp_workers_processors();
    if (options->arguments.count == 0)
        return sp_error_set(err, SP_ERROR_USAGE,
                            "matrix needs a tree: a directory, an archive, "
                            "REPO@REV or REPO@PATTERN");
    if (options->junit &&
        sp_junit_begin(context->pool, options->junit, "sp-openstack matrix", &m.junit, err) < 0)
        return -1;
    if (find_trees(&m, jobs, err) < 0)
        return -1;
    const struct sp_workers work = {
        .count = m.items.count, .jobs = jobs, .data = &m, .run = run_tree, .done = done_tree};
    begin_output(&m);
    int rc = sp_workers_run(&work, err);
    show_progress(&m, m.items.count);
    if (rc < 0)
        return -1;
    end_output(&m);
    if (options->junit && sp_junit_finish(&m.junit, err) < 0)
        return -1;
    return m.failed ? SP_ERROR_INCOMPLETE : SP_ERROR_NONE;
}
