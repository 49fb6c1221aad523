/* SPDX-License-Identifier: Apache-2.0 */
#include "format/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/cleanup.h"
#include "base/escape.h"

/* mappings up to this size are searched for duplicate keys pair by pair, larger ones are sorted */
enum {
    FEW_KEYS = 8
};

/* An open mapping or sequence. */
struct frame {
    struct sp_yaml_node *node;
    size_t start; /* of its children in reader.nodes */
};

struct reader {
    struct sp_pool *pool;
    struct sp_yaml *doc;
    struct sp_error *err;
    yaml_parser_t parser;
    struct frame stack[SP_YAML_DEPTH];
    size_t depth;
    /* the children of all open nodes, the innermost last; in a mapping, keys and values in turn */
    struct sp_yaml_node **nodes;
    size_t count, room;
    size_t total; /* nodes of the document so far */
};

static int error_at(const char *name, size_t line, size_t column, struct sp_error *err,
                    const char *text)
{
    return sp_error_set(err, SP_ERROR_REFUSED, "%s:%zu:%zu: %s", name, line, column, text);
}

static int error_at_mark(struct reader *reader, const yaml_mark_t *mark, const char *text)
{
    return error_at(reader->doc->name, mark->line + reader->doc->line, mark->column + 1,
                    reader->err, text);
}

int sp_yaml_error(const struct sp_yaml *doc, const struct sp_yaml_node *node, struct sp_error *err,
                  const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    int len = vasprintf(&text, fmt, args);
    va_end(args);
    if (len < 0)
        sp_out_of_memory();
    error_at(doc->name, node->line, node->column, err, text);
    free(text);
    return -1;
}

/* "WHAT 'KEY'", KEY made fit for a terminal. */
static int key_error(const struct sp_yaml *doc, const struct sp_yaml_node *key,
                     struct sp_error *err, const char *what)
{
    SP_CLEANUP_FREE char *shown = sp_escape_alloc(key->text);
    sp_yaml_error(doc, key, err, "%s '%s'", what, shown);
    return -1;
}

/* ---- what libyaml found wrong -------------------------------------------------------------- */

/* The place that is a byte offset. */
static int error_at_offset(struct reader *reader, struct sp_bytes text, size_t offset,
                           const char *message)
{
    size_t line = reader->doc->line, column = 1;
    for (size_t i = 0; i < offset && i < text.len; i++) {
        if (text.data[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)text.data[i] & 0xc0) != 0x80) { /* not inside a character */
            column++;
        }
    }
    return error_at(reader->doc->name, line, column, reader->err, message);
}

static int parser_error(struct reader *reader, struct sp_bytes text)
{
    const yaml_parser_t *parser = &reader->parser;
    if (parser->error == YAML_MEMORY_ERROR)
        sp_out_of_memory();
    if (parser->error == YAML_READER_ERROR) /* encoding, forbidden characters */
        return error_at_offset(reader, text, parser->problem_offset,
                               parser->problem ? parser->problem : "cannot be read");
    error_at_mark(reader, &parser->problem_mark, parser->problem ? parser->problem : "not YAML");
    if (parser->context)
        sp_error_suffix(reader->err, " (%s from line %zu)", parser->context,
                        parser->context_mark.line + reader->doc->line);
    return -1;
}

/* Whether the byte at offset is the first of a line, as YAML 1.1 has them (section 4.2). */
static bool starts_line(struct sp_bytes text, size_t offset)
{
    const char *before = text.data + offset;
    return offset == 0 || before[-1] == '\n' || before[-1] == '\r' ||
           (offset >= 2 && memcmp(before - 2, "\xc2\x85", 2) == 0) ||
           (offset >= 3 && memcmp(before - 3, "\xe2\x80\xa8", 3) == 0) ||
           (offset >= 3 && memcmp(before - 3, "\xe2\x80\xa9", 3) == 0);
}

/* libyaml compares each %TAG with all before it: many of them would take it minutes. */
static int refuse_directives(struct reader *reader, struct sp_bytes text)
{
    const char *end = text.data + text.len;
    for (const char *at = text.data; at < end && (at = memchr(at, '%', (size_t)(end - at))); at++)
        if (starts_line(text, (size_t)(at - text.data)))
            return error_at_offset(reader, text, (size_t)(at - text.data),
                                   "directives are not allowed");
    return 0;
}

/* ---- building the tree --------------------------------------------------------------------- */

static bool awaits_key(const struct reader *reader)
{
    if (reader->depth == 0)
        return false;
    const struct frame *top = &reader->stack[reader->depth - 1];
    return top->node->kind == SP_YAML_MAPPING && (reader->count - top->start) % 2 == 0;
}

/* A new node at the position of the event, entered as a child of the innermost open one. */
static struct sp_yaml_node *add_node(struct reader *reader, const yaml_event_t *event,
                                     enum sp_yaml_kind kind, const yaml_char_t *anchor,
                                     const yaml_char_t *tag)
{
    if (anchor) {
        error_at_mark(reader, &event->start_mark, "anchors are not allowed");
        return NULL;
    }
    if (tag) {
        error_at_mark(reader, &event->start_mark, "tags are not allowed");
        return NULL;
    }
    if (kind != SP_YAML_SCALAR && awaits_key(reader)) {
        error_at_mark(reader, &event->start_mark, "a key must be a scalar");
        return NULL;
    }
    if (reader->total == SP_YAML_NODES) {
        error_at_mark(reader, &event->start_mark, "too many nodes");
        return NULL;
    }
    reader->total++;
    struct sp_yaml_node *node = sp_pool_alloc(reader->pool, sizeof(*node));
    node->kind = kind;
    node->line = (unsigned)event->start_mark.line + reader->doc->line;
    node->column = (unsigned)event->start_mark.column + 1;
    if (reader->depth == 0) {
        reader->doc->root = node;
        return node;
    }
    if (reader->count == reader->room) {
        reader->room = reader->room ? reader->room * 2 : 256;
        reader->nodes = sp_xrealloc(reader->nodes, reader->room * sizeof(struct sp_yaml_node *));
    }
    reader->nodes[reader->count++] = node;
    return node;
}

static int add_scalar(struct reader *reader, const yaml_event_t *event)
{
    const char *value = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    struct sp_yaml_node *node =
        add_node(reader, event, SP_YAML_SCALAR, event->data.scalar.anchor, event->data.scalar.tag);
    if (!node)
        return -1;
    if (memchr(value, '\0', len))
        return error_at_mark(reader, &event->start_mark, "the text contains a NUL");
    node->text = sp_pool_memdup(reader->pool, value, len);
    node->len = len;
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return 0;
}

static int open_node(struct reader *reader, const yaml_event_t *event, enum sp_yaml_kind kind,
                     const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (reader->depth == SP_YAML_DEPTH)
        return error_at_mark(reader, &event->start_mark, "nested too deeply");
    struct sp_yaml_node *node = add_node(reader, event, kind, anchor, tag);
    if (!node)
        return -1;
    struct frame *top = &reader->stack[reader->depth++];
    top->node = node;
    top->start = reader->count;
    return 0;
}

/* By text, equal ones in the order of the document. */
static int compare_keys(const void *left, const void *right)
{
    const struct sp_yaml_node *a = *(struct sp_yaml_node *const *)left;
    const struct sp_yaml_node *b = *(struct sp_yaml_node *const *)right;
    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    int order = memcmp(a->text, b->text, a->len);
    if (order != 0)
        return order;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return a->column < b->column ? -1 : a->column > b->column;
}

static bool same_key(const struct sp_yaml_node *a, const struct sp_yaml_node *b)
{
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static bool stands_before(const struct sp_yaml_node *a, const struct sp_yaml_node *b)
{
    return a->line != b->line ? a->line < b->line : a->column < b->column;
}

/* The first key that repeats an earlier one; NULL if there is none. */
static struct sp_yaml_node *find_duplicate(struct sp_yaml_node **keys, size_t count)
{
    if (count <= FEW_KEYS) {
        for (size_t i = 1; i < count; i++)
            for (size_t j = 0; j < i; j++)
                if (same_key(keys[i], keys[j]))
                    return keys[i];
        return NULL;
    }
    struct sp_yaml_node **sorted = sp_xmalloc(count * sizeof(struct sp_yaml_node *));
    memcpy(sorted, keys, count * sizeof(struct sp_yaml_node *));
    qsort(sorted, count, sizeof(struct sp_yaml_node *), compare_keys);
    struct sp_yaml_node *found = NULL;
    for (size_t i = 1; i < count; i++)
        if (same_key(sorted[i - 1], sorted[i]) && (!found || stands_before(sorted[i], found)))
            found = sorted[i];
    free(sorted);
    return found;
}

/* Gives the innermost open node its children. */
static int close_node(struct reader *reader)
{
    const struct frame *top = &reader->stack[--reader->depth];
    struct sp_yaml_node *node = top->node;
    size_t count = reader->count - top->start;
    reader->count = top->start;
    if (count == 0) /* and there may be no nodes at all, in "[]" */
        return 0;
    struct sp_yaml_node **children = reader->nodes + top->start;
    if (node->kind == SP_YAML_SEQUENCE) {
        node->count = count;
        node->items = sp_pool_calloc(reader->pool, count, sizeof(struct sp_yaml_node *));
        memcpy(node->items, children, count * sizeof(struct sp_yaml_node *));
        return 0;
    }
    node->count = count / 2;
    node->keys = sp_pool_calloc(reader->pool, count, sizeof(struct sp_yaml_node *));
    node->items = node->keys + node->count;
    node->used = sp_pool_calloc(reader->pool, node->count, sizeof(bool));
    for (size_t i = 0; i < node->count; i++) {
        node->keys[i] = children[2 * i];
        node->items[i] = children[2 * i + 1];
    }
    const struct sp_yaml_node *duplicate = find_duplicate(node->keys, node->count);
    return duplicate ? key_error(reader->doc, duplicate, reader->err, "duplicate key") : 0;
}

static int handle_event(struct reader *reader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (reader->doc->root)
            return error_at_mark(reader, &event->start_mark, "more than one document");
        return 0;
    case YAML_ALIAS_EVENT:
        return error_at_mark(reader, &event->start_mark, "aliases are not allowed");
    case YAML_SCALAR_EVENT:
        return add_scalar(reader, event);
    case YAML_SEQUENCE_START_EVENT:
        return open_node(reader, event, SP_YAML_SEQUENCE, event->data.sequence_start.anchor,
                         event->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return open_node(reader, event, SP_YAML_MAPPING, event->data.mapping_start.anchor,
                         event->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_node(reader);
    case YAML_STREAM_END_EVENT:
        if (!reader->doc->root)
            return error_at_mark(reader, &event->start_mark, "there is no document");
        return 0;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return 0;
    }
    return 0;
}

static int read_events(struct reader *reader, struct sp_bytes text)
{
    for (;;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&reader->parser, &event))
            return parser_error(reader, text);
        int result = handle_event(reader, &event);
        bool last = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
        if (result != 0 || last)
            return result;
    }
}

/* ---- documents ----------------------------------------------------------------------------- */

static size_t line_length(const char *line, const char *end)
{
    const char *newline = memchr(line, '\n', (size_t)(end - line));
    return (size_t)((newline ? newline + 1 : end) - line);
}

/* Whether the line begins a document. */
static bool is_marker(const char *line, size_t len)
{
    return len >= 3 && memcmp(line, "---", 3) == 0 && (len == 3 || strchr(" \t\r\n", line[3]));
}

static bool is_comment(const char *line, size_t len)
{
    size_t at = 0;
    while (at < len && (line[at] == ' ' || line[at] == '\t' || line[at] == '\r'))
        at++;
    return at == len || line[at] == '#' || line[at] == '\n';
}

struct sp_yaml_part sp_yaml_next(struct sp_yaml_part *rest)
{
    const char *at = rest->text.data, *end = at + rest->text.len;
    struct sp_yaml_part part = *rest;
    bool begun = false; /* with comments alone, the marker is that of this document */
    for (size_t len; at < end; at += len, rest->line++) {
        len = line_length(at, end);
        bool marker = is_marker(at, len);
        if (marker && begun)
            break;
        begun = begun || marker || !is_comment(at, len);
    }
    part.text.len = (size_t)(at - part.text.data);
    rest->text = (struct sp_bytes){at, (size_t)(end - at)};
    return part;
}

int sp_yaml_parse(struct sp_pool *pool, const char *name, struct sp_bytes text, struct sp_yaml *out,
                  struct sp_error *err)
{
    const struct sp_yaml_part all = {text, 1};
    return sp_yaml_parse_part(pool, name, &all, out, err);
}

int sp_yaml_parse_part(struct sp_pool *pool, const char *name, const struct sp_yaml_part *part,
                       struct sp_yaml *out, struct sp_error *err)
{
    struct sp_bytes text = part->text;
    out->name = sp_pool_strdup(pool, name);
    out->line = part->line;
    out->root = NULL;
    struct reader reader = {.pool = pool, .doc = out, .err = err};
    if (text.len == 0)
        text.data = "";
    if (refuse_directives(&reader, text) != 0)
        return -1;
    if (!yaml_parser_initialize(&reader.parser))
        sp_out_of_memory();
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text.data, text.len);
    int result = read_events(&reader, text);
    yaml_parser_delete(&reader.parser);
    free(reader.nodes);
    if (result != 0)
        out->root = NULL;
    return result;
}

/* ---- access -------------------------------------------------------------------------------- */

struct sp_yaml_node *sp_yaml_get(struct sp_yaml_node *mapping, const char *key)
{
    if (mapping->kind != SP_YAML_MAPPING)
        return NULL;
    size_t len = strlen(key);
    for (size_t i = 0; i < mapping->count; i++) {
        const struct sp_yaml_node *candidate = mapping->keys[i];
        if (candidate->len == len && memcmp(candidate->text, key, len) == 0) {
            mapping->used[i] = true;
            return mapping->items[i];
        }
    }
    return NULL;
}

int sp_yaml_no_more(const struct sp_yaml *doc, const struct sp_yaml_node *mapping,
                    struct sp_error *err)
{
    if (mapping->kind != SP_YAML_MAPPING)
        return 0;
    for (size_t i = 0; i < mapping->count; i++)
        if (!mapping->used[i])
            return key_error(doc, mapping->keys[i], err, "unknown key");
    return 0;
}

int sp_yaml_expect(const struct sp_yaml *doc, const struct sp_yaml_node *node,
                   enum sp_yaml_kind kind, const char *what, struct sp_error *err)
{
    static const char *const kinds[] = {
        [SP_YAML_SCALAR] = "scalar",
        [SP_YAML_SEQUENCE] = "sequence",
        [SP_YAML_MAPPING] = "mapping",
    };
    if (node->kind == kind)
        return 0;
    return sp_yaml_error(doc, node, err, "%s must be a %s", what, kinds[kind]);
}
