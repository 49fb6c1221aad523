/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include <string.h>

#include "base/utf8.h"

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

char *sp_path_trim(struct sp_pool *pool, const char *path)
{
    path += strspn(path, "/");
    size_t len = strlen(path);
    while (len && path[len - 1] == '/')
        len--;
    return sp_pool_memdup(pool, path, len);
}

bool sp_path_has_suffix(const char *path, const char *suffix)
{
    size_t len = strlen(path), slen = strlen(suffix);
    if (slen > len || strcmp(path + len - slen, suffix) != 0)
        return false;
    return slen == len || path[len - slen - 1] == '/';
}

const char *sp_path_stem(struct sp_pool *pool, const char *name, const char *ending)
{
    size_t len = strlen(name), elen = strlen(ending);
    if (len <= elen || strcmp(name + len - elen, ending) != 0)
        return NULL;
    return sp_pool_memdup(pool, name, len - elen);
}
