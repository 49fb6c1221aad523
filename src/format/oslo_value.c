/* SPDX-License-Identifier: Apache-2.0 */
#include "format/oslo_value.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

enum {
    EXPAND_DEPTH = 16,       /* of options that name options */
    EXPAND_SIZE = 64 * 1024, /* bytes of a value: more is nothing that any option takes */
    EXPAND_STEPS = 256       /* options that one value may name, all together */
};

/* ---- finding ------------------------------------------------------------------------------- */

bool sp_oslo_is_group(struct sp_bytes section, const char *group)
{
    if (section.len != strlen(group))
        return false;
    bool ours = strcmp(group, "DEFAULT") == 0, theirs = sp_config_is(section, "DEFAULT");
    if (ours || theirs)
        return ours && theirs;
    for (size_t i = 0; i < section.len; i++) {
        char a = section.data[i], b = group[i];
        a = (char)(a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a);
        b = (char)(b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b);
        if (a != b)
            return false;
    }
    return true;
}

static const struct sp_config_entry *find_in(const struct sp_config_content *file,
                                             const char *group, const char *name)
{
    for (size_t i = file->entries.count; i-- > 0;)
        if (sp_config_is(file->entries.items[i].key, name) &&
            sp_oslo_is_group(file->entries.items[i].section, group))
            return &file->entries.items[i];
    return NULL;
}

struct sp_oslo_found sp_oslo_find(const sp_oslo_files *files, const char *group,
                                  const char *const *names)
{
    for (size_t i = files->count; i-- > 0;)
        for (const char *const *name = names; *name; name++) {
            const struct sp_config_entry *entry = find_in(files->items[i], group, *name);
            if (entry)
                return (struct sp_oslo_found){files->items[i], entry};
        }
    return (struct sp_oslo_found){NULL, NULL};
}

struct sp_oslo_found sp_oslo_find_one(const sp_oslo_files *files, const char *group,
                                      const char *name)
{
    const char *names[] = {name, NULL};
    return sp_oslo_find(files, group, names);
}

/* ---- $name --------------------------------------------------------------------------------- */

struct expansion {
    struct sp_pool *pool;
    const sp_oslo_files *files;
    const char *group;
    unsigned depth, *steps;
};

static bool expand(const struct expansion *e, struct sp_bytes value, struct sp_buffer *out);

static bool is_name_start(char c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The length of a name at the beginning of text, 0 if there is none: [_a-z][._a-z0-9]*, in any case
 * (string.Template compiles it with IGNORECASE). */
static size_t name_length(struct sp_bytes text)
{
    size_t len = 0;
    if (!text.len || !is_name_start(text.data[0]))
        return 0;
    while (len < text.len && (is_name_start(text.data[len]) || text.data[len] == '.' ||
                              (text.data[len] >= '0' && text.data[len] <= '9')))
        len++;
    return len;
}

static bool put_option(const struct expansion *e, struct sp_bytes name, struct sp_buffer *out)
{
    struct expansion deeper = *e;
    const char *key = sp_pool_memdup(e->pool, name.data, name.len);
    if (strchr(key, '.') || e->depth == EXPAND_DEPTH || ++*e->steps > EXPAND_STEPS)
        return false;
    struct sp_oslo_found found = sp_oslo_find_one(e->files, e->group, key);
    if (!found.entry) {
        deeper.group = "DEFAULT";
        found = sp_oslo_find_one(e->files, deeper.group, key);
    }
    deeper.depth++;
    return found.entry && expand(&deeper, found.entry->value, out);
}

/* After a "$"; *used is how much of the rest belongs to it. */
static bool put_dollar(const struct expansion *e, struct sp_bytes rest, size_t *used,
                       struct sp_buffer *out)
{
    *used = 0;
    if (rest.len && rest.data[0] == '$') {
        *used = 1;
        sp_buffer_putc(out, '$');
        return true;
    }
    bool braced = rest.len && rest.data[0] == '{';
    struct sp_bytes name = {rest.data + braced, rest.len - braced};
    size_t len = name_length(name);
    if (len == 0 || (braced && (len == name.len || name.data[len] != '}'))) {
        sp_buffer_putc(out, '$');
        return true;
    }
    *used = len + (braced ? 2 : 0);
    name.len = len;
    return put_option(e, name, out);
}

/* "\$" becomes "$$" first, wherever it is: "\$$" is "$$$". */
static struct sp_bytes double_escaped(struct sp_pool *pool, struct sp_bytes value)
{
    char *copy = sp_pool_memdup(pool, value.data, value.len);
    for (size_t i = 0; i + 1 < value.len; i++)
        if (copy[i] == '\\' && copy[i + 1] == '$')
            copy[i++] = '$';
    return (struct sp_bytes){copy, value.len};
}

static bool expand(const struct expansion *e, struct sp_bytes value, struct sp_buffer *out)
{
    value = double_escaped(e->pool, value);
    for (size_t i = 0; i < value.len; i++) {
        size_t used = 0;
        struct sp_bytes rest = {value.data + i + 1, value.len - i - 1};
        if (out->len >= EXPAND_SIZE && e->depth)
            return false;
        if (value.data[i] != '$')
            sp_buffer_putc(out, value.data[i]);
        else if (!put_dollar(e, rest, &used, out))
            return false;
        i += used;
    }
    return true;
}

bool sp_oslo_expand(struct sp_pool *pool, const sp_oslo_files *files, const char *group,
                    struct sp_bytes value, struct sp_bytes *out)
{
    unsigned steps = 0;
    const struct expansion e = {pool, files, group, 0, &steps};
    SP_CLEANUP_BUFFER struct sp_buffer text = SP_BUFFER_INIT;
    *out = value;
    if (!memchr(value.data, '$', value.len))
        return true;
    if (!expand(&e, value, &text))
        return false;
    *out = sp_config_copy(pool, (struct sp_bytes){sp_buffer_str(&text), text.len});
    return true;
}

/* ---- types --------------------------------------------------------------------------------- */

enum sp_oslo_int sp_oslo_int(struct sp_bytes value, long *out)
{
    value = sp_config_strip(value);
    if (value.len == 0)
        return SP_OSLO_INT_NONE;
    bool negative = value.data[0] == '-';
    size_t i = negative || value.data[0] == '+';
    long number = 0;
    while (i < value.len && sp_config_is_space(value.data[i])) /* Python 2 takes "+ 3" for 3 */
        i++;
    if (i == value.len)
        return SP_OSLO_INT_BAD;
    for (; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return SP_OSLO_INT_BAD;
        int digit = value.data[i] - '0';
        number = number > (LONG_MAX - digit) / 10 ? LONG_MAX : number * 10 + digit;
    }
    *out = negative ? -number : number;
    return SP_OSLO_INT;
}

bool sp_oslo_bool(struct sp_bytes value, bool *out)
{
    static const char *const words[2][4] = {{"false", "0", "off", "no"},
                                            {"true", "1", "on", "yes"}};
    for (int truth = 0; truth < 2; truth++)
        for (size_t i = 0; i < 4; i++)
            if (value.len == strlen(words[truth][i]) &&
                strncasecmp(value.data, words[truth][i], value.len) == 0) {
                *out = truth;
                return true;
            }
    return false;
}

void sp_oslo_split(struct sp_pool *pool, struct sp_bytes value, sp_oslo_list *out)
{
    value = sp_config_strip(value);
    while (value.len) {
        const char *comma = memchr(value.data, ',', value.len);
        size_t len = comma ? (size_t)(comma - value.data) : value.len;
        struct sp_bytes item = sp_config_strip((struct sp_bytes){value.data, len});
        *SP_PUSH(pool, out) = sp_config_copy(pool, item);
        if (comma && len + 1 == value.len) /* nothing after the last comma */
            *SP_PUSH(pool, out) = sp_config_copy(pool, (struct sp_bytes){"", 0});
        len += comma != NULL;
        value.data += len;
        value.len -= len;
    }
}
