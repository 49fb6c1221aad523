/* SPDX-License-Identifier: Apache-2.0 */
#include "model/metadata.h"

#include <string.h>
#include <strings.h>

#include "base/path.h"

/* The value of a header line "KEY: value", trimmed; NULL if the line is another one. */
static const char *header(struct sp_pool *pool, struct sp_bytes line, const char *key)
{
    size_t len = strlen(key);
    if (line.len <= len || strncasecmp(line.data, key, len) != 0 || line.data[len] != ':')
        return NULL;
    size_t start = len + 1, end = line.len;
    while (start < end && strchr(" \t", line.data[start]))
        start++;
    while (end > start && strchr(" \t\r", line.data[end - 1]))
        end--;
    return sp_pool_memdup(pool, line.data + start, end - start);
}

bool sp_metadata_parse(struct sp_pool *pool, struct sp_bytes text, const char *distribution,
                       const char **version)
{
    const char *name = NULL, *found = NULL;
    if (memchr(text.data, '\0', text.len)) /* a text file has none */
        return false;
    for (size_t at = 0; at < text.len && !(name && found);) {
        const char *newline = memchr(text.data + at, '\n', text.len - at);
        size_t end = newline ? (size_t)(newline - text.data) : text.len;
        struct sp_bytes line = {text.data + at, end - at};
        if (line.len == 0 || (line.len == 1 && line.data[0] == '\r'))
            break;
        if (!name)
            name = header(pool, line, "Name");
        if (!found)
            found = header(pool, line, "Version");
        at = end + 1;
    }
    if (!name || !found || !sp_distribution_same(name, distribution))
        return false;
    *version = found;
    return true;
}

/* The file that would hold the metadata if the entry is of the distribution; NULL if it is not. */
static const char *metadata_file(struct sp_pool *pool, const struct sp_entry *entry,
                                 const char *distribution)
{
    if (strcmp(entry->name, "PKG-INFO") == 0)
        return entry->name;
    if (strcmp(entry->name, "EGG-INFO") == 0)
        return "EGG-INFO/PKG-INFO";
    if (!sp_distribution_may_begin(entry->name, distribution))
        return NULL;
    const char *dot = strrchr(entry->name, '.');
    bool wheel = dot && strcmp(dot, ".dist-info") == 0;
    if (!dot || (!wheel && strcmp(dot, ".egg-info") != 0))
        return NULL;
    size_t len = (size_t)(dot - entry->name); /* NAME.egg-info, or NAME-VERSION... */
    for (size_t end = 1; end <= len; end++) {
        if (end < len && entry->name[end] != '-')
            continue;
        const char *name = sp_pool_memdup(pool, entry->name, end);
        if (!sp_distribution_same(name, distribution))
            continue;
        if (wheel)
            return sp_path_join(pool, entry->name, "METADATA");
        if (entry->kind == SP_ENTRY_FILE)
            return entry->name;
        return sp_path_join(pool, entry->name, "PKG-INFO");
    }
    return NULL;
}

int sp_metadata_find(struct sp_pool *pool, struct sp_tree *tree, const struct sp_site *site,
                     const char *distribution, sp_metadatas *out, struct sp_error *err)
{
    for (size_t i = 0; i < site->entries.count; i++) {
        const char *file = metadata_file(pool, &site->entries.items[i], distribution);
        if (!file)
            continue;
        file = sp_path_join(pool, site->path, file);
        enum sp_entry_kind kind;
        if (sp_tree_kind(tree, pool, file, &kind, err) < 0)
            return -1;
        if (kind != SP_ENTRY_FILE)
            continue;
        struct sp_excerpt text;
        struct sp_error ignored = SP_ERROR_INIT; /* then the contents decide */
        if (sp_tree_read(tree, pool, file, SP_MAX_METADATA, &text, &ignored) < 0) {
            sp_error_clear(&ignored);
            continue;
        }
        const char *version;
        if (!sp_metadata_parse(pool, text.bytes, distribution, &version))
            continue;
        const struct sp_version *parsed = sp_version_parse(pool, version);
        if (parsed)
            *SP_PUSH(pool, out) = (struct sp_metadata){file, version, parsed};
    }
    return 0;
}
