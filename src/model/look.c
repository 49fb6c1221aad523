/* SPDX-License-Identifier: Apache-2.0 */
#include "model/look.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"

int sp_look_is_directory(const struct sp_look *l, const char *path, bool *is)
{
    enum sp_entry_kind kind;
    if (sp_tree_kind(l->tree, l->pool, path, &kind, l->err) < 0)
        return -1;
    *is = kind == SP_ENTRY_DIRECTORY;
    return 0;
}

int sp_look_is_file(const struct sp_look *l, const char *path, bool *is)
{
    enum sp_entry_kind kind;
    if (sp_tree_kind(l->tree, l->pool, path, &kind, l->err) < 0)
        return -1;
    *is = kind == SP_ENTRY_FILE;
    return 0;
}

bool sp_look_is_denied(const struct sp_error *err)
{
    return err->errnum == EACCES || err->errnum == EPERM;
}

/* An error that is not about a user's rights becomes that of the search. */
static int pass_on(const struct sp_look *l, struct sp_error *why, bool *denied)
{
    *denied = sp_look_is_denied(why);
    if (*denied) {
        sp_error_clear(why);
        return 0;
    }
    *l->err = *why;
    *why = (struct sp_error)SP_ERROR_INIT;
    return -1;
}

int sp_look_list(const struct sp_look *l, const char *dir, sp_entries *out, bool *hidden)
{
    SP_CLEANUP_ERROR struct sp_error why = SP_ERROR_INIT;
    bool denied = false;
    if (sp_tree_list(l->tree, l->pool, dir, out, &why) < 0 && pass_on(l, &why, &denied) < 0)
        return -1;
    *hidden |= denied;
    return 0;
}

bool sp_look_is_hidden(const struct sp_look *l, const char *path)
{
    SP_CLEANUP_ERROR struct sp_error why = SP_ERROR_INIT;
    enum sp_entry_kind kind;
    return sp_tree_kind(l->tree, l->pool, path, &kind, &why) < 0 ? sp_look_is_denied(&why)
                                                                 : kind == SP_ENTRY_FILE;
}

int sp_look_read(const struct sp_look *l, const char *path, size_t limit, struct sp_bytes *out)
{
    SP_CLEANUP_ERROR struct sp_error why = SP_ERROR_INIT;
    struct sp_excerpt text;
    struct sp_error ignored = SP_ERROR_INIT; /* a file that cannot be read does not tell */
    enum sp_entry_kind kind = SP_ENTRY_ABSENT;
    bool denied;
    *out = (struct sp_bytes){NULL, 0};
    if (sp_tree_kind(l->tree, l->pool, path, &kind, &why) < 0 && pass_on(l, &why, &denied) < 0)
        return -1;
    bool is = kind == SP_ENTRY_FILE;
    if (is && sp_tree_read(l->tree, l->pool, path, limit, &text, &ignored) == 0)
        *out = text.bytes;
    sp_error_clear(&ignored);
    return 0;
}

int sp_look_read_small(const struct sp_look *l, const char *path, const char **out)
{
    struct sp_bytes text;
    if (sp_look_read(l, path, 1 << 16, &text) < 0)
        return -1;
    *out = text.data ? sp_pool_memdup(l->pool, text.data, text.len) : NULL;
    return 0;
}

/* The names in a directory that match the pattern and are, or may lead to, directories. */
int sp_look_match_names(const struct sp_look *l, const char *dir, const char *pattern, sp_strv *out)
{
    sp_entries entries = {NULL, 0, 0};
    if (sp_tree_list(l->tree, l->pool, dir, &entries, l->err) < 0)
        return -1;
    for (size_t i = 0; i < entries.count; i++)
        if ((entries.items[i].kind == SP_ENTRY_DIRECTORY ||
             entries.items[i].kind == SP_ENTRY_LINK) &&
            fnmatch(pattern, entries.items[i].name, FNM_PERIOD) == 0)
            *SP_PUSH(l->pool, out) = entries.items[i].name;
    return 0;
}

/* The directories that a pattern with wildcards in its components names. */
int sp_look_expand(const struct sp_look *l, const char *pattern, sp_strv *out)
{
    sp_strv found = {NULL, 0, 0};
    *SP_PUSH(l->pool, &found) = "";
    while (*pattern) {
        size_t len = strcspn(pattern, "/");
        const char *part = sp_pool_memdup(l->pool, pattern, len);
        pattern += len;
        pattern += strspn(pattern, "/");
        sp_strv next = {NULL, 0, 0};
        for (size_t i = 0; i < found.count; i++) {
            sp_strv names = {NULL, 0, 0};
            if (!strpbrk(part, "*?["))
                *SP_PUSH(l->pool, &names) = part;
            else if (sp_look_match_names(l, found.items[i], part, &names) < 0)
                return -1;
            for (size_t j = 0; j < names.count; j++)
                *SP_PUSH(l->pool, &next) = sp_path_join(l->pool, found.items[i], names.items[j]);
        }
        found = next;
    }
    *out = found;
    return 0;
}
