/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/links.h"

#include <string.h>

#include "base/path.h"

/* The next component of *rest, which is moved behind it and its slashes; NULL at the end. */
static const char *next_component(struct sp_pool *pool, const char **rest)
{
    const char *start = *rest + strspn(*rest, "/");
    size_t len = strcspn(start, "/");
    if (len == 0)
        return NULL;
    *rest = start + len;
    *rest += strspn(*rest, "/");
    return sp_pool_memdup(pool, start, len);
}

int sp_links_resolve(const struct sp_links_walk *walk, struct sp_pool *pool, const char *path,
                     enum sp_entry_kind *kind, const char **real, struct sp_error *err)
{
    const char *here = "", *rest = path, *part;
    enum sp_entry_kind nowhere = SP_ENTRY_ABSENT; /* the answer when the way ends */
    unsigned links = 0;

    *real = NULL;
    *kind = SP_ENTRY_DIRECTORY;
    while ((part = next_component(pool, &rest))) {
        if (*kind != SP_ENTRY_DIRECTORY) /* more path behind a file */
            goto nowhere;
        if (strcmp(part, ".") == 0)
            continue;
        if (strcmp(part, "..") == 0) {
            if (!*here)
                goto nowhere;
            here = sp_path_dirname(pool, here);
            continue;
        }
        const char *child = sp_path_join(pool, here, part), *target = NULL;
        if (strlen(child) >= SP_LINKS_MAX_PATH)
            goto nowhere;
        if (walk->probe(walk->ctx, pool, child, kind, &target, err) < 0)
            return -1;
        if (*kind == SP_ENTRY_ABSENT)
            goto nowhere;
        if (*kind != SP_ENTRY_LINK) {
            here = child;
            continue;
        }
        if (!*rest)
            nowhere = SP_ENTRY_OTHER;
        if (++links > SP_LINKS_MAX || !*target || strlen(target) >= SP_LINKS_MAX_PATH)
            goto nowhere;
        if (*target == '/') {
            if (!walk->absolute)
                goto nowhere;
            here = "";
        }
        rest = sp_pool_printf(pool, "%s/%s", target, rest);
        *kind = SP_ENTRY_DIRECTORY;
    }
    *real = here;
    return 0;

nowhere:
    *kind = nowhere;
    return 0;
}
