/* SPDX-License-Identifier: Apache-2.0 */
#include "model/site.h"

#include <string.h>

#include "base/path.h"

enum {
    MAX_NAMED = 20000 /* looking at as many takes a fraction of a second */
};

static bool has_suffix(const char *name, const char *suffix)
{
    size_t len = strlen(name), slen = strlen(suffix);
    return len > slen && strcmp(name + len - slen, suffix) == 0;
}

/* The path without "//", "." and "..". In a tree that is no directory a ".." behind a link is taken
 * as it is written. */
static const char *normalise(struct sp_pool *pool, const char *path)
{
    sp_strv parts = {NULL, 0, 0};
    while (*path) {
        size_t len = strcspn(path, "/");
        const char *part = sp_pool_memdup(pool, path, len);
        path += len;
        path += strspn(path, "/");
        if (strcmp(part, "..") == 0)
            parts.count -= parts.count > 0;
        else if (len && strcmp(part, ".") != 0)
            *SP_PUSH(pool, &parts) = part;
    }
    return parts.count ? sp_strv_join(pool, &parts, "/") : "";
}

static int real_path(struct sp_site_table *table, const char *path, const char **out,
                     struct sp_error *err)
{
    const char *real = NULL;
    if (table->tree->ops->real &&
        table->tree->ops->real(table->tree, table->pool, path, &real, err) < 0)
        return -1;
    *out = normalise(table->pool, real ? real : path);
    return 0;
}

int sp_site_open(struct sp_site_table *table, const char *path, const char *origin,
                 struct sp_site **out, struct sp_error *err)
{
    enum sp_entry_kind kind;
    const char *id;
    *out = NULL;
    path += strspn(path, "/");
    if (!table->tree->ops->real)
        path = normalise(table->pool, path);
    if (table->tree->ops->stat(table->tree, table->pool, path, &kind, &id, err) < 0)
        return -1;
    bool zipped = kind == SP_ENTRY_FILE && has_suffix(path, ".egg");
    if (kind != SP_ENTRY_DIRECTORY && !zipped)
        return 0;
    for (size_t i = 0; !*out && i < table->all.count; i++)
        if (strcmp(table->all.items[i]->id, id) == 0)
            *out = table->all.items[i];
    if (*out)
        return 0;
    struct sp_site *site = sp_pool_alloc(table->pool, sizeof(*site));
    *site = (struct sp_site){.id = id, .origin = origin, .zipped = zipped};
    if (real_path(table, path, &site->path, err) < 0)
        return -1;
    if (!zipped && sp_tree_list(table->tree, table->pool, site->path, &site->entries, err) < 0)
        return -1;
    *SP_PUSH(table->pool, &table->all) = *out = site;
    return 0;
}

bool sp_sites_have(const sp_sites *sites, const struct sp_site *site)
{
    for (size_t i = 0; i < sites->count; i++)
        if (sites->items[i] == site)
            return true;
    return false;
}

static void append(struct sp_pool *pool, sp_sites *sites, struct sp_site *site)
{
    if (site && !sp_sites_have(sites, site))
        *SP_PUSH(pool, sites) = site;
}

/* ---- .pth and .egg-link files -------------------------------------------------------------- */

/* The next line of the text, without its end. */
static const char *next_line(struct sp_pool *pool, struct sp_bytes text, size_t *at)
{
    size_t len = 0;
    while (*at + len < text.len && !strchr("\r\n", text.data[*at + len]))
        len++;
    const char *line = sp_pool_memdup(pool, text.data + *at, len);
    *at += len + 1;
    return line;
}

static bool is_code(const char *line)
{
    return strncmp(line, "import ", 7) == 0 || strncmp(line, "import\t", 7) == 0;
}

static int add_line(struct sp_site_table *table, const struct sp_site *site, const char *line,
                    const char *origin, sp_sites *out, struct sp_error *err)
{
    struct sp_site *named;
    const char *dir = *line == '/' ? line : sp_path_join(table->pool, site->path, line);
    if (++table->named > MAX_NAMED)
        return sp_error_set(err, SP_ERROR_REFUSED,
                            "the .pth files up to %s name more than %d directories", origin,
                            MAX_NAMED);
    if (sp_site_open(table, dir, origin, &named, err) < 0)
        return -1;
    append(table->pool, out, named);
    return 0;
}

/* The directories that one .pth or .egg-link file names. */
static int read_links(struct sp_site_table *table, struct sp_site *site, const char *name,
                      struct sp_error *err)
{
    const char *path = sp_path_join(table->pool, site->path, name);
    bool only_first = has_suffix(name, ".egg-link"), to_front = false;
    struct sp_excerpt text;
    /* one unreadable file of many must not end the search */
    struct sp_error ignored = SP_ERROR_INIT;
    if (sp_tree_read(table->tree, table->pool, path, SP_MAX_METADATA, &text, &ignored) < 0) {
        sp_error_clear(&ignored);
        return 0;
    }
    const char *origin = sp_pool_printf(table->pool, "/%s", path);
    sp_sites found = {NULL, 0, 0};
    for (size_t at = 0; at < text.bytes.len;) {
        const char *line = next_line(table->pool, text.bytes, &at);
        to_front |= is_code(line) && strstr(line, "__egginsert");
        if (!*line || *line == '#' || is_code(line) || !sp_path_is_printable(line))
            continue;
        if (add_line(table, site, line, origin, &found, err) < 0)
            return -1;
        if (only_first)
            break;
    }
    for (size_t i = 0; i < found.count; i++)
        append(table->pool, to_front ? &site->front : &site->links, found.items[i]);
    return 0;
}

static int read_all_links(struct sp_site_table *table, struct sp_site *site, const char *suffix,
                          struct sp_error *err)
{
    for (size_t i = 0; i < site->entries.count; i++)
        if (has_suffix(site->entries.items[i].name, suffix) &&
            read_links(table, site, site->entries.items[i].name, err) < 0)
            return -1;
    return 0;
}

/* ---- search paths -------------------------------------------------------------------------- */

int sp_site_append(struct sp_site_table *table, const char *path, const char *origin,
                   struct sp_search *search, struct sp_error *err)
{
    struct sp_site *site;
    if (sp_site_open(table, path, origin, &site, err) < 0)
        return -1;
    append(table->pool, &search->sites, site);
    return 0;
}

/* Adds an egg behind those that are in front already, and before everything else. One that is on
 * the path already stays where it is. */
static void insert_in_front(struct sp_pool *pool, struct sp_search *search, struct sp_site *egg)
{
    sp_sites *sites = &search->sites;
    if (sp_sites_have(sites, egg))
        return;
    *SP_PUSH(pool, sites) = egg;
    memmove(&sites->items[search->front + 1], &sites->items[search->front],
            (sites->count - 1 - search->front) * sizeof(sites->items[0]));
    sites->items[search->front++] = egg;
}

int sp_site_append_all(struct sp_site_table *table, const char *path, const char *origin,
                       struct sp_search *search, struct sp_error *err)
{
    struct sp_site *site;
    if (sp_site_open(table, path, origin, &site, err) < 0)
        return -1;
    if (!site)
        return 0;
    append(table->pool, &search->sites, site);
    if (!site->is_read && (read_all_links(table, site, ".pth", err) < 0 ||
                           read_all_links(table, site, ".egg-link", err) < 0))
        return -1;
    site->is_read = true;
    for (size_t i = 0; i < site->front.count; i++)
        insert_in_front(table->pool, search, site->front.items[i]);
    for (size_t i = 0; i < site->links.count; i++)
        append(table->pool, &search->sites, site->links.items[i]);
    return 0;
}
