/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <yaml.h>

#include "base/path.h"
#include "base/utf8.h"
#include "format/yaml.h"

struct sp_yaml_writer {
    yaml_emitter_t emitter;
    struct sp_buffer *out;
    enum sp_yaml_kind open[SP_YAML_DEPTH];
    size_t depth;
    const char *failure; /* the first one; nothing is written after it */
};

static int append(void *data, unsigned char *text, size_t size)
{
    struct sp_yaml_writer *writer = data;
    sp_buffer_add(writer->out, text, size);
    return 1;
}

static void delete_emitter(void *data)
{
    struct sp_yaml_writer *writer = data;
    yaml_emitter_delete(&writer->emitter);
}

static void fail(struct sp_yaml_writer *writer, const char *why)
{
    if (!writer->failure)
        writer->failure = why;
}

/* Hands an event over; initialized is what the yaml_*_event_initialize() returned, which fails for
 * want of memory only, since texts are checked before. */
static void emit(struct sp_yaml_writer *writer, yaml_event_t *event, int initialized)
{
    if (!initialized)
        sp_out_of_memory();
    if (yaml_emitter_emit(&writer->emitter, event))
        return;
    if (writer->emitter.error == YAML_MEMORY_ERROR)
        sp_out_of_memory();
    fail(writer, writer->emitter.problem ? writer->emitter.problem : "the emitter failed");
}

struct sp_yaml_writer *sp_yaml_writer_new(struct sp_pool *pool, struct sp_buffer *out)
{
    struct sp_yaml_writer *writer = sp_pool_alloc(pool, sizeof(*writer));
    writer->out = out;
    if (!yaml_emitter_initialize(&writer->emitter))
        sp_out_of_memory();
    sp_pool_defer(pool, delete_emitter, writer);
    yaml_emitter_set_output(&writer->emitter, append, writer);
    yaml_emitter_set_unicode(&writer->emitter, 1);
    yaml_emitter_set_width(&writer->emitter, -1); /* no line is folded */
    yaml_event_t event;
    emit(writer, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
    emit(writer, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1));
    return writer;
}

static bool begin(struct sp_yaml_writer *writer, enum sp_yaml_kind kind)
{
    if (writer->depth == SP_YAML_DEPTH)
        fail(writer, "nested too deeply");
    if (writer->failure)
        return false;
    writer->open[writer->depth++] = kind;
    return true;
}

void sp_yaml_write_mapping(struct sp_yaml_writer *writer)
{
    yaml_event_t event;
    if (begin(writer, SP_YAML_MAPPING))
        emit(writer, &event,
             yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE));
}

void sp_yaml_write_sequence(struct sp_yaml_writer *writer)
{
    yaml_event_t event;
    if (begin(writer, SP_YAML_SEQUENCE))
        emit(
            writer, &event,
            yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE));
}

void sp_yaml_write_end(struct sp_yaml_writer *writer)
{
    if (writer->depth == 0)
        fail(writer, "nothing is open that could end");
    if (writer->failure)
        return;
    yaml_event_t event;
    if (writer->open[--writer->depth] == SP_YAML_MAPPING)
        emit(writer, &event, yaml_mapping_end_event_initialize(&event));
    else
        emit(writer, &event, yaml_sequence_end_event_initialize(&event));
}

/* Whether a reader that knows types (YAML 1.1, section 10.3 and its type repository) could take the
 * text for something other than a string: a number, a boolean, null, a date, a merge key. */
static bool looks_typed(const char *text)
{
    static const char *const words[] = {"y",    "n",     "yes", "no",  "on",
                                        "true", "false", "off", "null"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return *text == '\0' || strchr("0123456789+-.~<=", *text) != NULL;
}

static void write_text(struct sp_yaml_writer *writer, const char *text, yaml_scalar_style_t style)
{
    size_t len = strlen(text);
    if (!sp_utf8_is_valid(text, len))
        fail(writer, "a text is not UTF-8");
    else if (len > INT32_MAX)
        fail(writer, "a text is too long");
    if (writer->failure)
        return;
    yaml_event_t event;
    emit(writer, &event,
         yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text, (int)len, 1, 1,
                                      style));
}

void sp_yaml_write_scalar(struct sp_yaml_writer *writer, const char *text)
{
    /* where the style asked for can't hold the text, libyaml takes double quotes */
    if (strchr(text, '\n')) /* so that no line of it begins a line of the file */
        write_text(writer, text, YAML_DOUBLE_QUOTED_SCALAR_STYLE);
    else if (looks_typed(text))
        write_text(writer, text, YAML_SINGLE_QUOTED_SCALAR_STYLE);
    else
        write_text(writer, text, YAML_PLAIN_SCALAR_STYLE);
}

void sp_yaml_write_pair(struct sp_yaml_writer *writer, const char *key, const char *value)
{
    sp_yaml_write_scalar(writer, key);
    sp_yaml_write_scalar(writer, value);
}

void sp_yaml_write_number(struct sp_yaml_writer *writer, const char *key, long long value)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%lld", value);
    sp_yaml_write_scalar(writer, key);
    write_text(writer, digits, YAML_PLAIN_SCALAR_STYLE);
}

int sp_yaml_writer_finish(struct sp_yaml_writer *writer, struct sp_error *err)
{
    if (writer->depth != 0)
        fail(writer, "something is still open");
    yaml_event_t event;
    if (!writer->failure)
        emit(writer, &event, yaml_document_end_event_initialize(&event, 1));
    if (!writer->failure)
        emit(writer, &event, yaml_stream_end_event_initialize(&event));
    if (writer->failure)
        return sp_error_set(err, SP_ERROR_REFUSED, "cannot write YAML: %s", writer->failure);
    return 0;
}
