/* SPDX-License-Identifier: Apache-2.0 */
/* The environments of a tree in memory, in words. */
#ifndef SP_TEST_ENVIRONMENTS_H
#define SP_TEST_ENVIRONMENTS_H

#include "memory.h"

#include "model/environment.h"

/* The paths on the search path of an environment, in their order. */
static inline const char *paths_of(struct fixture *f, const struct sp_environment *environment)
{
    sp_strv paths = {NULL, 0, 0};
    for (size_t i = 0; i < environment->search.sites.count; i++) {
        const char *path = environment->search.sites.items[i]->path;
        *SP_PUSH(f->pool, &paths) = *path ? path : "(top)";
    }
    return paths.count ? sp_strv_join(f->pool, &paths, " ") : "";
}

/* "NAME: PATH PATH\n" for each environment. */
static inline const char *environments_of(struct fixture *f, struct memory *m,
                                          const struct sp_environment_query *query,
                                          struct sp_environments *out)
{
    static const struct sp_environment_query nothing;
    const char *text = "";
    assert_ok(f, sp_environments_find(f->pool, &m->tree, query ? query : &nothing, out, &f->err));
    for (size_t i = 0; i < out->items.count; i++)
        text = sp_pool_printf(f->pool, "%s%s: %s\n", text, out->items.items[i]->name,
                              paths_of(f, out->items.items[i]));
    return text;
}

/* A system with files at these paths, each followed by its text. */
static inline struct memory *system_of_files(struct fixture *f, const char *const (*files)[2],
                                             size_t count)
{
    struct memory *m = memory_new(f);
    m->tree.is_system = true;
    m->tree.name = "";
    for (size_t i = 0; i < count; i++)
        memory_put(f, m, files[i][0], files[i][1]);
    return m;
}

#endif
