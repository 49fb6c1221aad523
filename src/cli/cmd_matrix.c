/* SPDX-License-Identifier: Apache-2.0 */
/* matrix: what install would do to many trees, each read in a worker process under limits. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "cli/cmd.h"
#include "cli/matrix.h"
#include "cli/output_text.h"
#include "host/workers.h"
#include "model/version.h"

/* ---- between the processes ------------------------------------------------------------------- */

static void send_text(struct sp_buffer *out, const char *text)
{
    sp_buffer_add(out, text ? text : "", (text ? strlen(text) : 0) + 1);
}

static void send_number(struct sp_buffer *out, unsigned number)
{
    sp_buffer_printf(out, "%u", number);
    send_text(out, NULL);
}

static const char *receive_text(struct sp_bytes *bytes)
{
    size_t len = strnlen(bytes->data, bytes->len);
    const char *text = bytes->data;
    if (len == bytes->len) { /* nothing is left, or it was cut */
        bytes->len = 0;
        return "";
    }
    bytes->data += len + 1;
    bytes->len -= len + 1;
    return text;
}

static unsigned receive_number(struct sp_bytes *bytes)
{
    return (unsigned)strtoul(receive_text(bytes), NULL, 10);
}

static void send_row(struct sp_buffer *out, const struct sp_matrix_row *row)
{
    send_text(out, row->error);
    send_number(out, row->milliseconds);
    for (size_t i = 0; i < row->parts.count; i++) {
        const struct sp_matrix_part *part = &row->parts.items[i];
        send_text(out, part->name);
        send_text(out, part->version);
        send_text(out, part->release);
        send_number(out, part->state);
    }
}

static void receive_row(struct sp_bytes bytes, struct sp_matrix_row *out)
{
    out->error = receive_text(&bytes);
    out->milliseconds = receive_number(&bytes);
    while (bytes.len > 0) {
        struct sp_matrix_part *part = SP_PUSH(out->pool, &out->parts);
        part->name = receive_text(&bytes);
        part->version = receive_text(&bytes);
        part->release = receive_text(&bytes);
        part->state = (enum sp_state)receive_number(&bytes);
    }
}

/* ---- in a worker: the trees of a word -------------------------------------------------------- */

static void run_expand(void *data, size_t item, struct sp_buffer *out)
{
    const struct sp_matrix *m = data;
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

/* Fills in the row of a tree. */
static void look_at(const struct sp_matrix *m, const char *tree, struct sp_matrix_row *row)
{
    struct sp_console console = {.silent = true};
    struct sp_options options = *m->context->options;
    struct sp_context own = *m->context;
    SP_CLEANUP_ERROR struct sp_error err = SP_ERROR_INIT;
    sp_selection selection = {NULL, 0, 0};
    options.trees = (sp_strv){NULL, 0, 0};
    *SP_PUSH(row->pool, &options.trees) = tree;
    own.pool = row->pool;
    own.options = &options;
    own.report = &console;
    if (plan_tree(&own, &selection, &err) < 0)
        row->error = without_name(row->pool, err.message, tree);
    for (size_t i = 0; i < selection.count; i++) {
        const struct sp_target *one = &selection.items[i];
        if (one->detection)
            *SP_PUSH(row->pool, &row->parts) = (struct sp_matrix_part){
                one->name, one->detection->version, sp_output_release(one), one->plan.state};
    }
}

static void run_tree(void *data, size_t number, struct sp_buffer *out)
{
    const struct sp_matrix *m = data;
    const struct sp_matrix_item *item = &m->items.items[number];
    struct sp_matrix_row row = {.pool = m->pool, .error = item->error};
    struct timespec begin;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    if (!item->error)
        look_at(m, item->tree, &row);
    row.milliseconds = milliseconds_since(&begin);
    send_row(out, &row);
    sp_pool_reset(m->pool);
}

/* ---- the trees ------------------------------------------------------------------------------- */

/* The part after the last '@' or '/', which names the version in most trees. */
static const char *version_part(const char *tree)
{
    const char *at = strrchr(tree, '@');
    const char *slash = strrchr(at ? at : tree, '/');
    return slash ? slash + 1 : at ? at + 1 : tree;
}

struct sorted {
    struct sp_matrix_item item;
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

static void sort_trees(struct sp_pool *pool, struct sp_matrix_item *items, size_t count)
{
    struct sorted *sorted = sp_pool_alloc(pool, count * sizeof(*sorted));
    for (size_t i = 0; i < count; i++)
        sorted[i] = (struct sorted){items[i], sp_version_parse(pool, version_part(items[i].tree))};
    qsort(sorted, count, sizeof(*sorted), compare_trees);
    for (size_t i = 0; i < count; i++)
        items[i] = sorted[i].item;
}

/* The trees of a word, in their order; or the word itself with its error. */
static void done_word(void *data, const struct sp_workers_result *result)
{
    struct sp_matrix *m = data;
    struct sp_pool *pool = m->context->pool;
    const char *word = m->context->options->arguments.items[result->item];
    struct sp_bytes bytes = result->bytes;
    const char *error = result->broken ? result->broken : receive_text(&bytes);
    size_t first = m->items.count;
    if (*error)
        *SP_PUSH(pool, &m->items) = (struct sp_matrix_item){word, without_name(pool, error, word)};
    while (bytes.len > 0)
        *SP_PUSH(pool, &m->items) =
            (struct sp_matrix_item){sp_pool_strdup(pool, receive_text(&bytes)), NULL};
    if (m->items.count > first + 1)
        sort_trees(pool, m->items.items + first, m->items.count - first);
}

static int find_trees(struct sp_matrix *m, size_t jobs, struct sp_error *err)
{
    const struct sp_workers expand = {.count = m->context->options->arguments.count,
                                      .jobs = jobs,
                                      .data = m,
                                      .run = run_expand,
                                      .done = done_word};
    return sp_workers_run(&expand, err);
}

/* ---- the command ----------------------------------------------------------------------------- */

static void done_tree(void *data, const struct sp_workers_result *result)
{
    struct sp_matrix_row row = {.pool = sp_pool_new()};
    if (result->broken)
        row.error = sp_pool_printf(row.pool, "%s; it was not read further", result->broken);
    else
        receive_row(result->bytes, &row);
    sp_matrix_put(data, result->item, &row);
    sp_pool_free(row.pool);
}

int sp_cmd_matrix(struct sp_context *context, struct sp_error *err)
{
    const struct sp_options *options = context->options;
    SP_CLEANUP_POOL struct sp_pool *pool = sp_pool_new();
    struct sp_matrix m = {.context = context, .pool = pool, .junit = {.fd = -1}};
    size_t jobs = options->jobs ? options->jobs : sp_workers_processors();
    if (options->arguments.count == 0)
        return sp_error_set(err, SP_ERROR_USAGE,
                            "matrix needs a tree: a directory, an archive, "
                            "REPO@REV or REPO@PATTERN");
    if (options->junit &&
        sp_junit_begin(context->pool, options->junit, "sp-openstack matrix", &m.junit, err) < 0)
        return -1;
    if (sp_context_expect_trees(context, err) < 0 || find_trees(&m, jobs, err) < 0)
        return -1;
    const struct sp_workers work = {
        .count = m.items.count, .jobs = jobs, .data = &m, .run = run_tree, .done = done_tree};
    sp_matrix_begin_output(&m);
    int rc = sp_workers_run(&work, err);
    sp_matrix_clear_progress(&m);
    if (rc < 0)
        return -1;
    sp_matrix_end_output(&m);
    if (options->junit && sp_junit_finish(&m.junit, err) < 0)
        return -1;
    return m.failed ? SP_ERROR_INCOMPLETE : SP_ERROR_NONE;
}
