/* SPDX-License-Identifier: Apache-2.0 */
#include "model/probe.h"

#include <string.h>

static bool matches(const struct sp_regex *regex, struct sp_bytes text)
{
    struct sp_error ignored = SP_ERROR_INIT;
    int hit = sp_regex_test(regex, text, &ignored);
    sp_error_clear(&ignored);
    return hit == 1;
}

/* A line that the pattern matches: "^\]$" -> "]\n". NULL where it has wildcards. */
static const char *line_of(struct sp_pool *pool, const struct sp_regex *regex)
{
    const char *at = sp_regex_pattern(regex);
    char *line = sp_pool_alloc(pool, strlen(at) + 2);
    size_t len = 0;
    for (at += *at == '^'; *at && strcmp(at, "$") != 0; at++) {
        if (*at == '\\' && at[1] &&
            !strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                    "0123456789",
                    at[1]))
            at++;
        else if (strchr("\\^$.*+?()[]{}|", *at))
            return NULL;
        line[len++] = *at;
    }
    line[len++] = '\n';
    return matches(regex, (struct sp_bytes){line, len}) ? line : NULL;
}

static bool asks_for(struct sp_pool *pool, const struct sp_probe *probe,
                     const struct sp_regex *anchor)
{
    if (!anchor)
        return false;
    if (strcmp(sp_regex_pattern(probe->pattern), sp_regex_pattern(anchor)) == 0)
        return true;
    const char *line = line_of(pool, anchor);
    return line && matches(probe->pattern, SP_BYTES_STR(line));
}

const struct sp_edit *sp_probe_conflict(struct sp_pool *pool, const struct sp_probe *probe,
                                        const struct sp_layout *layout)
{
    for (size_t i = 0; probe->pattern && i < layout->files.count; i++) {
        const struct sp_manifest_file *file = &layout->files.items[i];
        for (size_t j = 0; strcmp(file->path, probe->file) == 0 && j < file->edits.count; j++) {
            const struct sp_edit *edit = &file->edits.items[j];
            if (asks_for(pool, probe, edit->anchor) || asks_for(pool, probe, edit->start) ||
                asks_for(pool, probe, edit->end) ||
                (edit->text.len && matches(probe->pattern, edit->text)))
                return edit;
        }
    }
    return NULL;
}
