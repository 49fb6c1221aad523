/* SPDX-License-Identifier: Apache-2.0 */
#include "model/site.h"

#include <fnmatch.h>
#include <string.h>

#include "base/path.h"

/* Debian's policy puts packages into dist-packages, Red Hat's into site-packages of lib or lib64.
 * Then: OpenStack-Ansible 13 to 17 (/openstack/venvs/SERVICE-VERSION), Kolla's images
 * (/var/lib/kolla/venv), OpenStack-Helm's LOCI images (/var/lib/openstack), DevStack
 * (DEST=/opt/stack, each project a checkout in it). */
static const char *const usual_places[] = {
    "usr/lib*/python*/site-packages",
    "usr/lib*/python*/dist-packages",
    "usr/local/lib*/python*/site-packages",
    "usr/local/lib*/python*/dist-packages",
    "openstack/venvs/*/lib*/python*/site-packages",
    "var/lib/kolla/venv/lib*/python*/site-packages",
    "var/lib/openstack/lib*/python*/site-packages",
    "opt/stack/data/venv/lib*/python*/site-packages",
    "opt/stack/*",
};

static const char *const program_dirs[] = {"usr/bin",  "usr/local/bin",  "bin",
                                           "usr/sbin", "usr/local/sbin", "sbin"};

enum {
    MAX_NAMED = 20000 /* looking at as many takes a fraction of a second */
};

struct search {
    struct sp_pool *pool;
    struct sp_tree *tree;
    sp_sites *sites;
    struct sp_error *err;
    size_t named; /* directories, by .pth and .egg-link files */
};

/* Adds the directory unless it is there already or none. -1 on error, else whether it was added. */
static int add_site(struct search *s, const char *path, const char *origin, bool first)
{
    enum sp_entry_kind kind;
    const char *id;
    path += strspn(path, "/");
    if (s->tree->ops->stat(s->tree, s->pool, path, &kind, &id, s->err) < 0)
        return -1;
    if (kind != SP_ENTRY_DIRECTORY)
        return 0;
    for (size_t i = 0; i < s->sites->count; i++)
        if (strcmp(s->sites->items[i].id, id) == 0)
            return 0;
    struct sp_site site = {.path = path, .id = id, .origin = origin, .first = first};
    if (sp_tree_list(s->tree, s->pool, path, &site.entries, s->err) < 0)
        return -1;
    *SP_PUSH(s->pool, s->sites) = site;
    return 1;
}

/* The directories that a pattern with wildcards in its components names, each added as a site. */
static int add_pattern(struct search *s, const char *base, const char *pattern, const char *origin)
{
    sp_strv found = {NULL, 0, 0};
    *SP_PUSH(s->pool, &found) = base;
    while (*pattern) {
        size_t len = strcspn(pattern, "/");
        const char *part = sp_pool_memdup(s->pool, pattern, len);
        pattern += len;
        pattern += strspn(pattern, "/");
        sp_strv next = {NULL, 0, 0};
        for (size_t i = 0; i < found.count; i++) {
            if (!strpbrk(part, "*?[")) {
                *SP_PUSH(s->pool, &next) = sp_path_join(s->pool, found.items[i], part);
                continue;
            }
            sp_entries entries = {NULL, 0, 0};
            if (sp_tree_list(s->tree, s->pool, found.items[i], &entries, s->err) < 0)
                return -1;
            for (size_t j = 0; j < entries.count; j++)
                if ((entries.items[j].kind == SP_ENTRY_DIRECTORY ||
                     entries.items[j].kind == SP_ENTRY_LINK) &&
                    fnmatch(part, entries.items[j].name, FNM_PERIOD) == 0)
                    *SP_PUSH(s->pool, &next) =
                        sp_path_join(s->pool, found.items[i], entries.items[j].name);
        }
        found = next;
    }
    for (size_t i = 0; i < found.count; i++)
        if (add_site(s, found.items[i], origin, false) < 0)
            return -1;
    return 0;
}

static int add_usual(struct search *s, const char *base)
{
    for (size_t i = 0; i < sizeof(usual_places) / sizeof(usual_places[0]); i++)
        if (add_pattern(s, base, usual_places[i], "the usual places") < 0)
            return -1;
    return 0;
}

/* "#!/opt/venv/bin/python2.7 -s" -> "/opt/venv"; NULL for /usr/bin/env and everything else that
 * does not name an interpreter in a bin directory. */
static const char *prefix_of_interpreter(struct sp_pool *pool, struct sp_bytes head)
{
    if (head.len < 3 || head.data[0] != '#' || head.data[1] != '!')
        return NULL;
    const char *line = sp_pool_memdup(pool, head.data + 2, strcspn(head.data + 2, "\r\n"));
    line += strspn(line, " \t");
    const char *program = sp_pool_memdup(pool, line, strcspn(line, " \t"));
    if (*program != '/' || strncmp(sp_path_basename(program), "python", 6) != 0)
        return NULL;
    const char *bin = sp_path_dirname(pool, program);
    return strcmp(sp_path_basename(bin), "bin") == 0 ? sp_path_dirname(pool, bin) : NULL;
}

static int add_from_program(struct search *s, const char *program)
{
    for (size_t i = 0; i < sizeof(program_dirs) / sizeof(program_dirs[0]); i++) {
        const char *path = sp_path_join(s->pool, program_dirs[i], program);
        enum sp_entry_kind kind;
        struct sp_bytes head;
        bool complete;
        if (sp_tree_kind(s->tree, s->pool, path, &kind, s->err) < 0)
            return -1;
        if (kind != SP_ENTRY_FILE)
            continue;
        if (sp_tree_read(s->tree, s->pool, path, 256, &head, &complete, s->err) < 0)
            return -1;
        const char *prefix = prefix_of_interpreter(s->pool, head);
        const char *origin = sp_pool_printf(s->pool, "the #! line of /%s", path);
        if (prefix && add_pattern(s, prefix, "lib*/python*/site-packages", origin) < 0)
            return -1;
    }
    return 0;
}

static bool has_suffix(const char *name, const char *suffix)
{
    size_t len = strlen(name), slen = strlen(suffix);
    return len > slen && strcmp(name + len - slen, suffix) == 0;
}

/* The directories that one .pth or .egg-link file names. */
static int add_from_link(struct search *s, const struct sp_site *site, const char *name)
{
    const char *path = sp_path_join(s->pool, site->path, name);
    bool only_first = has_suffix(name, ".egg-link");
    struct sp_bytes text;
    bool complete;
    struct sp_error ignored =
        SP_ERROR_INIT; /* one unreadable file of many must not end the search */
    if (sp_tree_read(s->tree, s->pool, path, SP_MAX_METADATA, &text, &complete, &ignored) < 0) {
        sp_error_clear(&ignored);
        return 0;
    }
    const char *origin = sp_pool_printf(s->pool, "/%s", path);
    for (size_t at = 0; at < text.len;) {
        size_t len = 0;
        while (at + len < text.len && !strchr("\r\n", text.data[at + len]))
            len++;
        const char *line = sp_pool_memdup(s->pool, text.data + at, len);
        at += len + 1;
        bool code = strncmp(line, "import ", 7) == 0 || strncmp(line, "import\t", 7) == 0;
        if (*line && *line != '#' && !code && sp_path_is_printable(line)) {
            const char *dir = *line == '/' ? line : sp_path_join(s->pool, site->path, line);
            if (++s->named > MAX_NAMED)
                return sp_error_set(s->err, SP_ERROR_REFUSED,
                                    "the .pth files up to %s name more than %d directories", origin,
                                    MAX_NAMED);
            if (add_site(s, dir, origin, site->first) < 0)
                return -1;
            if (only_first)
                break;
        }
    }
    return 0;
}

/* The sites that those found so far name; what they name in turn does not count, as in Python. */
static int add_links(struct search *s)
{
    size_t count = s->sites->count;
    for (size_t i = 0; i < count; i++) {
        struct sp_site site = s->sites->items[i]; /* a copy: adding may move the items */
        for (size_t j = 0; j < site.entries.count; j++) {
            const char *name = site.entries.items[j].name;
            if ((has_suffix(name, ".pth") || has_suffix(name, ".egg-link")) &&
                add_from_link(s, &site, name) < 0)
                return -1;
        }
    }
    return 0;
}

static int add_top(struct search *s)
{
    if (add_site(s, "", "the top of the tree", false) < 0)
        return -1;
    sp_entries entries = {NULL, 0, 0};
    if (sp_tree_list(s->tree, s->pool, "", &entries, s->err) < 0)
        return -1;
    for (size_t i = 0; i < entries.count; i++)
        if (entries.items[i].kind == SP_ENTRY_DIRECTORY &&
            add_site(s, entries.items[i].name, "the top of the tree", false) < 0)
            return -1;
    return 0;
}

int sp_sites_find(struct sp_pool *pool, struct sp_tree *tree, const struct sp_site_query *query,
                  sp_sites *out, struct sp_error *err)
{
    struct search s = {pool, tree, out, err, 0};
    for (size_t i = 0; i < query->paths.count; i++) {
        enum sp_entry_kind kind;
        const char *path = query->paths.items[i] + strspn(query->paths.items[i], "/");
        if (sp_tree_kind(tree, pool, path, &kind, err) < 0)
            return -1;
        if (kind != SP_ENTRY_DIRECTORY)
            return sp_error_set(err, SP_ERROR_REFUSED, "--path: there is no directory %s/%s",
                                tree->name, path);
        if (add_site(&s, path, "--path", true) < 0)
            return -1;
    }
    for (size_t i = 0; i < query->pythonpath.count; i++)
        if (add_site(&s, query->pythonpath.items[i], query->pythonpath_origin, false) < 0)
            return -1;
    if (query->only)
        return 0;
    if (!tree->is_system && add_top(&s) < 0)
        return -1;
    if (add_usual(&s, "") < 0)
        return -1;
    for (size_t i = 0; tree->is_system && i < query->programs.count; i++)
        if (add_from_program(&s, query->programs.items[i]) < 0)
            return -1;
    return add_links(&s);
}
