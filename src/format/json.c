/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json.h"

#include <string.h>

#include "base/path.h"
#include "base/utf8.h"

void sp_json_init(struct sp_json *json, struct sp_buffer *out)
{
    json->out = out;
    json->depth = 0;
    json->first = true;
    json->after_key = false;
    json->replaced = false;
}

static void new_line(struct sp_json *json)
{
    sp_buffer_putc(json->out, '\n');
    for (unsigned i = 0; i < json->depth; i++)
        sp_buffer_puts(json->out, "  ");
}

/* Writes the separator between the previous item and the key or value that comes now. */
static void separate(struct sp_json *json)
{
    if (json->after_key) {
        json->after_key = false;
        return;
    }
    if (!json->first)
        sp_buffer_putc(json->out, ',');
    if (json->depth > 0)
        new_line(json);
    json->first = false;
}

static void begin(struct sp_json *json, char bracket)
{
    separate(json);
    sp_buffer_putc(json->out, bracket);
    json->depth++;
    json->first = true;
}

static void end(struct sp_json *json, char bracket)
{
    json->depth--;
    if (!json->first)
        new_line(json);
    sp_buffer_putc(json->out, bracket);
    json->first = false;
}

void sp_json_object(struct sp_json *json)
{
    begin(json, '{');
}

void sp_json_array(struct sp_json *json)
{
    begin(json, '[');
}

void sp_json_end_object(struct sp_json *json)
{
    end(json, '}');
}

void sp_json_end_array(struct sp_json *json)
{
    end(json, ']');
}

/* Characters that are escaped though RFC 8259, section 7, does not demand it: DEL and U+0080 to
 * U+009F, which a terminal that shows the text may obey; U+2028 and U+2029, which YAML 1.1 takes
 * for line ends; and U+FEFF, U+FFFE and U+FFFF, which libyaml refuses (YAML 1.1, section 5.1). */
static unsigned escaped_code(const unsigned char *s, size_t len)
{
    unsigned code = 0;
    if (len == 1 && (*s < 0x20 || *s == 0x7f))
        code = *s;
    else if (len == 2 && s[0] == 0xc2 && s[1] < 0xa0)
        code = s[1];
    else if (len == 3)
        code = (s[0] & 0xfu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
    if (len == 3 && code != 0x2028 && code != 0x2029 && code != 0xfeff && code < 0xfffe)
        code = 0;
    return code;
}

static void put_character(struct sp_buffer *out, const char *s, size_t len)
{
    static const char escaped[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *found = strchr(escaped, *s);
    unsigned code = escaped_code((const unsigned char *)s, len);
    if (found)
        sp_buffer_printf(out, "\\%c", letters[found - escaped]);
    else if (code)
        sp_buffer_printf(out, "\\u%04x", code);
    else
        sp_buffer_add(out, s, len);
}

static void put_string(struct sp_json *json, const char *str)
{
    struct sp_buffer *out = json->out;
    sp_buffer_putc(out, '"');
    for (size_t left = strlen(str), len; left > 0; str += len, left -= len) {
        len = sp_utf8_length(str, left);
        if (len > 0) {
            put_character(out, str, len);
        } else {
            sp_buffer_puts(out, "\xef\xbf\xbd");
            json->replaced = true;
            len = 1;
        }
    }
    sp_buffer_putc(out, '"');
}

void sp_json_key(struct sp_json *json, const char *key)
{
    separate(json);
    put_string(json, key);
    sp_buffer_puts(json->out, ": ");
    json->after_key = true;
}

void sp_json_string(struct sp_json *json, const char *str)
{
    separate(json);
    if (str)
        put_string(json, str);
    else
        sp_buffer_puts(json->out, "null");
}

void sp_json_number(struct sp_json *json, long long value)
{
    separate(json);
    sp_buffer_printf(json->out, "%lld", value);
}

void sp_json_bool(struct sp_json *json, bool value)
{
    separate(json);
    sp_buffer_puts(json->out, value ? "true" : "false");
}

void sp_json_pair(struct sp_json *json, const char *key, const char *value)
{
    sp_json_key(json, key);
    sp_json_string(json, value);
}

void sp_json_finish(struct sp_json *json)
{
    sp_buffer_putc(json->out, '\n');
}
