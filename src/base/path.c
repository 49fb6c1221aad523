/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include <string.h>

size_t sp_utf8_length(const char *str, size_t len)
{
    const unsigned char *s = (const unsigned char *)str;
    if (len == 0)
        return 0;
    if (s[0] < 0x80)
        return 1;
    size_t need;
    unsigned low = 0x80, high = 0xbf; /* what the second byte may be */
    if (s[0] >= 0xc2 && s[0] <= 0xdf)
        need = 2;
    else if (s[0] >= 0xe0 && s[0] <= 0xef)
        need = 3;
    else if (s[0] >= 0xf0 && s[0] <= 0xf4)
        need = 4;
    else
        return 0;
    if (s[0] == 0xe0)
        low = 0xa0;
    else if (s[0] == 0xed)
        high = 0x9f;
    else if (s[0] == 0xf0)
        low = 0x90;
    else if (s[0] == 0xf4)
        high = 0x8f;
    if (len < need || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < need; i++)
        if (s[i] < 0x80 || s[i] > 0xbf)
            return 0;
    return need;
}

/* Whether eight bytes are ASCII: nearly all of the files that are looked at. */
static bool is_ascii8(const char *str)
{
    uint64_t word;
    memcpy(&word, str, sizeof(word));
    return (word & UINT64_C(0x8080808080808080)) == 0;
}

bool sp_utf8_is_valid(const char *str, size_t len)
{
    while (len > 0) {
        for (; len >= 8 && is_ascii8(str); len -= 8)
            str += 8;
        if (len == 0)
            break;
        size_t one = sp_utf8_length(str, len);
        if (one == 0)
            return false;
        str += one;
        len -= one;
    }
    return true;
}

bool sp_path_is_printable(const char *str)
{
    for (const unsigned char *s = (const unsigned char *)str; *s; s++)
        if (*s < 0x20 || *s == 0x7f || (*s == 0xc2 && (s[1] & 0xe0) == 0x80))
            return false;
    return sp_utf8_is_valid(str, strlen(str));
}

bool sp_path_is_safe_relative(const char *path)
{
    if (!*path || !sp_path_is_printable(path) || strchr(path, '\\'))
        return false;
    for (const char *part = path; part;) {
        const char *slash = strchr(part, '/');
        size_t len = slash ? (size_t)(slash - part) : strlen(part);
        if (len == 0 || (len == 1 && part[0] == '.') ||
            (len == 2 && part[0] == '.' && part[1] == '.'))
            return false;
        part = slash ? slash + 1 : NULL;
    }
    return true;
}

char *sp_path_join(struct sp_pool *pool, const char *a, const char *b)
{
    while (*a && *b == '/')
        b++;
    if (!*a || !*b)
        return sp_pool_strdup(pool, *a ? a : b);
    return sp_pool_printf(pool, "%s%s%s", a, a[strlen(a) - 1] == '/' ? "" : "/", b);
}

char *sp_path_dirname(struct sp_pool *pool, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return sp_pool_strdup(pool, "");
    if (slash == path)
        return sp_pool_strdup(pool, "/");
    return sp_pool_memdup(pool, path, (size_t)(slash - path));
}

const char *sp_path_basename(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool sp_path_has_suffix(const char *path, const char *suffix)
{
    size_t len = strlen(path), slen = strlen(suffix);
    if (slen > len || strcmp(path + len - slen, suffix) != 0)
        return false;
    return slen == len || path[len - slen - 1] == '/';
}
