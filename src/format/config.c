/* SPDX-License-Identifier: Apache-2.0 */
#include "format/config.h"

#include <string.h>

bool sp_config_is(struct sp_bytes text, const char *str)
{
    return text.len == strlen(str) && memcmp(text.data, str, text.len) == 0;
}

void sp_config_refuse(struct sp_config_content *file, unsigned line, unsigned reported,
                      const char *reason)
{
    file->fault = (struct sp_config_fault){reason, line, reported, false};
    file->entries.count = file->headings.count = 0;
}

void sp_config_refuse_size(struct sp_config_content *file, unsigned line, const char *reason)
{
    sp_config_refuse(file, line, line, reason);
    file->fault.is_bound = true;
}

const char *sp_config_mark(struct sp_bytes text)
{
    if (text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
        return "UTF-8";
    bool is = text.len >= 2 &&
              (memcmp(text.data, "\xff\xfe", 2) == 0 || memcmp(text.data, "\xfe\xff", 2) == 0);
    return is ? "UTF-16" : NULL;
}

bool sp_config_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct sp_bytes sp_config_lstrip(struct sp_bytes text)
{
    while (text.len && sp_config_is_space(text.data[0])) {
        text.data++;
        text.len--;
    }
    return text;
}

struct sp_bytes sp_config_rstrip(struct sp_bytes text)
{
    while (text.len && sp_config_is_space(text.data[text.len - 1]))
        text.len--;
    return text;
}

struct sp_bytes sp_config_strip(struct sp_bytes text)
{
    return sp_config_rstrip(sp_config_lstrip(text));
}

struct sp_bytes sp_config_copy(struct sp_pool *pool, struct sp_bytes text)
{
    return (struct sp_bytes){sp_pool_memdup(pool, text.data, text.len), text.len};
}
