/* SPDX-License-Identifier: Apache-2.0 */
#include "format/oslo_config.h"

#include <string.h>

#include "base/cleanup.h"

struct reader {
    struct sp_pool *pool;
    struct sp_config_content *out;
    struct sp_bytes section; /* data NULL: before the first heading */
    unsigned line;
    bool is_open; /* an assignment, which may go on in the next line */
    struct sp_config_entry open;
    struct sp_buffer more; /* the lines that continue it, each after an LF */
};

static bool refuse(struct reader *r, unsigned line, const char *reason)
{
    sp_config_refuse(r->out, line, r->line, reason);
    return false;
}

/* Stores the assignment that is open. The library sees only now that it is in no section. */
static bool close_assignment(struct reader *r)
{
    if (!r->is_open)
        return true;
    r->is_open = false;
    if (!r->section.data)
        return refuse(r, r->open.line, "Section must be started before assignment");
    if (r->open.lines > 1) {
        size_t first = r->open.value.len;
        char *value = sp_pool_alloc(r->pool, first + r->more.len + 1);
        memcpy(value, r->open.value.data, first);
        memcpy(value + first, r->more.data, r->more.len);
        r->open.value = (struct sp_bytes){value, first + r->more.len};
        sp_buffer_reset(&r->more);
    } else {
        r->open.value = sp_config_copy(r->pool, r->open.value);
    }
    r->open.key = sp_config_copy(r->pool, r->open.key);
    r->open.section = r->section;
    *SP_PUSH(r->pool, &r->out->entries) = r->open;
    return true;
}

static bool continue_assignment(struct reader *r, struct sp_bytes text)
{
    if (!r->is_open)
        return refuse(r, r->line, "Unexpected continuation line");
    text = sp_config_lstrip(text);
    sp_buffer_putc(&r->more, '\n');
    sp_buffer_add(&r->more, text.data, text.len);
    r->open.lines++;
    return true;
}

static bool begin_section(struct reader *r, struct sp_bytes text)
{
    if (text.data[text.len - 1] != ']')
        return refuse(r, r->line, "Invalid section (must end with ])");
    if (text.len <= 2)
        return refuse(r, r->line, "Empty section name");
    r->section = sp_config_copy(r->pool, (struct sp_bytes){text.data + 1, text.len - 2});
    *SP_PUSH(r->pool, &r->out->headings) = (struct sp_config_heading){r->section, r->line};
    return true;
}

static struct sp_bytes unquote(struct sp_bytes text)
{
    if (text.len == 0 || (text.data[0] != '"' && text.data[0] != '\'') ||
        text.data[0] != text.data[text.len - 1])
        return text;
    /* a quote alone is its own end */
    return (struct sp_bytes){text.data + 1, text.len > 1 ? text.len - 2 : 0};
}

static bool begin_assignment(struct reader *r, struct sp_bytes text)
{
    size_t at = 0;
    while (at < text.len && text.data[at] != ':' && text.data[at] != '=')
        at++;
    if (at == text.len)
        return refuse(r, r->line, "No ':' or '=' found in assignment");
    struct sp_bytes key = sp_config_strip((struct sp_bytes){text.data, at});
    if (key.len == 0)
        return refuse(r, r->line, "Key cannot be empty");
    struct sp_bytes value = {text.data + at + 1, text.len - at - 1};
    r->is_open = true;
    r->open = (struct sp_config_entry){
        .key = key, .value = unquote(sp_config_strip(value)), .line = r->line, .lines = 1};
    return true;
}

static bool read_line(struct reader *r, struct sp_bytes text)
{
    if (++r->line > SP_CONFIG_MAX_LINES) {
        sp_config_refuse_size(r->out, r->line, "More lines than a configuration file has");
        return false;
    }
    text = sp_config_rstrip(text);
    if (text.len == 0)
        return close_assignment(r);
    if (text.data[0] == ' ' || text.data[0] == '\t')
        return continue_assignment(r, text);
    if (!close_assignment(r))
        return false;
    if (text.data[0] == '[')
        return begin_section(r, text);
    if (text.data[0] == '#' || text.data[0] == ';')
        return true;
    return begin_assignment(r, text);
}

void sp_oslo_parse(struct sp_pool *pool, const char *name, struct sp_bytes text,
                   struct sp_config_content *out)
{
    *out = (struct sp_config_content){.name = name, .portable = true, .mark = sp_config_mark(text)};
    struct reader r = {.pool = pool, .out = out};
    bool good = true;
    while (good && text.len) {
        const char *end = memchr(text.data, '\n', text.len);
        size_t len = end ? (size_t)(end - text.data) : text.len;
        good = read_line(&r, (struct sp_bytes){text.data, len});
        len += end != NULL;
        text.data += len;
        text.len -= len;
    }
    if (good)
        close_assignment(&r);
    sp_buffer_free(&r.more);
}
