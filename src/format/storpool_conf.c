/* SPDX-License-Identifier: Apache-2.0 */
#include "format/storpool_conf.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"

struct reader {
    struct sp_pool *pool;
    struct sp_config_content *out;
    struct sp_bytes section;
    unsigned line;
    bool is_open; /* a value that goes on in the next line */
    struct sp_config_entry open;
    struct sp_buffer value;
};

static void add_entry(struct reader *r, struct sp_config_entry entry, struct sp_bytes value)
{
    entry.section = r->section;
    entry.value = sp_config_copy(r->pool, value);
    *SP_PUSH(r->pool, &r->out->entries) = entry;
}

/* "[ NAME ]". A name of white space alone is its last character: what else there is belongs to the
 * white space before it. */
static bool read_section(struct reader *r, struct sp_bytes text)
{
    if (text.len < 3 || text.data[0] != '[' || text.data[text.len - 1] != ']')
        return false;
    struct sp_bytes inside = {text.data + 1, text.len - 2};
    if (memchr(inside.data, ']', inside.len))
        return false;
    struct sp_bytes name = sp_config_strip(inside);
    if (name.len == 0) {
        name = (struct sp_bytes){inside.data + inside.len - 1, 1};
        r->out->portable = false;
    }
    r->section = sp_config_copy(r->pool, name);
    *SP_PUSH(r->pool, &r->out->headings) = (struct sp_config_heading){r->section, r->line};
    return true;
}

/* The value up to the backslash, without white space before it; the next line is added to it. */
static void open_value(struct reader *r, struct sp_config_entry entry, struct sp_bytes value)
{
    value.len--;
    struct sp_bytes kept = sp_config_rstrip(value);
    if (kept.len != value.len)
        r->out->portable = false;
    r->is_open = true;
    r->open = entry;
    sp_buffer_reset(&r->value);
    sp_buffer_add(&r->value, kept.data, kept.len);
}

static bool is_plain_name(struct sp_bytes name)
{
    return !memchr(name.data, '#', name.len) && !memchr(name.data, ';', name.len) &&
           !memchr(name.data, '[', name.len);
}

static bool read_assignment(struct reader *r, struct sp_bytes text)
{
    size_t len = 0;
    while (len < text.len && text.data[len] != '=' && !sp_config_is_space(text.data[len]))
        len++;
    struct sp_bytes name = {text.data, len};
    struct sp_bytes rest = sp_config_lstrip((struct sp_bytes){text.data + len, text.len - len});
    if (len == 0 || rest.len == 0 || rest.data[0] != '=')
        return false;
    if (!is_plain_name(name))
        r->out->portable = false;
    struct sp_bytes value = sp_config_lstrip((struct sp_bytes){rest.data + 1, rest.len - 1});
    struct sp_config_entry entry = {
        .key = sp_config_copy(r->pool, name), .line = r->line, .lines = 1};
    if (value.len && value.data[value.len - 1] == '\\')
        open_value(r, entry, value);
    else
        add_entry(r, entry, sp_config_rstrip(value));
    return true;
}

static void continue_value(struct reader *r, struct sp_bytes text)
{
    bool goes_on = text.len && text.data[text.len - 1] == '\\';
    r->open.lines++;
    sp_buffer_add(&r->value, text.data, text.len - goes_on);
    if (goes_on)
        return;
    struct sp_bytes value = {sp_buffer_str(&r->value), r->value.len};
    if (sp_config_rstrip(value).len != value.len)
        r->out->portable = false;
    r->is_open = false;
    add_entry(r, r->open, value);
}

static bool read_line(struct reader *r, struct sp_bytes text)
{
    if (++r->line > SP_CONFIG_MAX_LINES) {
        sp_config_refuse_size(r->out, r->line, "more lines than a configuration file has");
        return false;
    }
    if (r->is_open) {
        continue_value(r, text);
        return true;
    }
    text = sp_config_lstrip(text);
    if (text.len == 0 || text.data[0] == '#' || text.data[0] == ';')
        return true;
    if (read_section(r, sp_config_rstrip(text)) || read_assignment(r, text))
        return true;
    sp_config_refuse(r->out, r->line, r->line,
                     "neither NAME=VALUE, nor [SECTION], nor a comment in a line of its own");
    return false;
}

/* ---- characters ------------------------------------------------------------------------------ */

/* Python 2 reads the surrogates of UTF-16 as UTF-8, too; Python 3 does not. */
static bool is_surrogate(const unsigned char *at, size_t len)
{
    return len >= 3 && at[0] == 0xed && at[1] >= 0xa0 && at[1] <= 0xbf && at[2] >= 0x80 &&
           at[2] <= 0xbf;
}

/* White space for Python 3's regular expressions, beyond that of ASCII and U+001C to U+001F. */
static bool is_wide_space(const unsigned char *at, size_t len)
{
    static const char *const spaces[] = {"\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80",
                                         "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf",
                                         "\xe2\x81\x9f", "\xe3\x80\x80"};
    for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++)
        if (len == strlen(spaces[i]) && memcmp(at, spaces[i], len) == 0)
            return true;
    return len == 3 && at[0] == 0xe2 && at[1] == 0x80 && at[2] >= 0x80 && at[2] <= 0x8a;
}

/* false at the first byte that is not UTF-8. */
static bool check_characters(struct sp_bytes text, bool *portable)
{
    for (size_t i = 0, len; i < text.len; i += len) {
        const unsigned char *at = (const unsigned char *)text.data + i;
        if (*at < 0x80) {
            len = 1;
            if (*at == '\v' || *at == '\f' || (*at >= 0x1c && *at <= 0x1f) ||
                (*at == '\\' && i + 1 < text.len && at[1] == '\\'))
                *portable = false;
            continue;
        }
        len = sp_utf8_length(text.data + i, text.len - i);
        if (len == 0 && !is_surrogate(at, text.len - i))
            return false;
        if (len == 0 || is_wide_space(at, len))
            *portable = false;
        len = len ? len : 3;
    }
    return true;
}

static struct sp_bytes first_line(struct sp_bytes text)
{
    size_t len = 0;
    while (len < text.len && text.data[len] != '\n' && text.data[len] != '\r')
        len++;
    return (struct sp_bytes){text.data, len};
}

void sp_storpool_parse(struct sp_pool *pool, const char *name, struct sp_bytes text,
                       struct sp_config_content *out)
{
    *out = (struct sp_config_content){.name = name, .portable = true, .mark = sp_config_mark(text)};
    struct reader r = {.pool = pool, .out = out, .section = {"", 0}};
    bool good = check_characters(text, &out->portable);
    if (!good)
        sp_config_refuse(out, 0, 0, "not UTF-8");
    if (text.len && text.data[text.len - 1] != '\n' && text.data[text.len - 1] != '\r')
        out->portable = false;
    while (good && text.len) {
        struct sp_bytes line = first_line(text);
        good = read_line(&r, line);
        size_t len = line.len;
        if (len < text.len)
            len += 1 + (text.data[len] == '\r' && len + 1 < text.len && text.data[len + 1] == '\n');
        text.data += len;
        text.len -= len;
    }
    if (r.is_open)
        out->portable = false;
    sp_buffer_free(&r.value);
}

struct sp_storpool_found sp_storpool_find(const sp_storpool_files *files, const char *host,
                                          const char *name)
{
    struct sp_storpool_found found = {NULL, NULL};
    for (size_t i = 0; i < files->count; i++)
        for (int own = 0; own < 2; own++)
            for (size_t j = 0; j < files->items[i]->entries.count; j++) {
                const struct sp_config_entry *entry = &files->items[i]->entries.items[j];
                if (sp_config_is(entry->key, name) &&
                    sp_config_is(entry->section, own ? host : "") && (!own || *host))
                    found = (struct sp_storpool_found){files->items[i], entry};
            }
    return found;
}
