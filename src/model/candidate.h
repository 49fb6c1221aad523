/* SPDX-License-Identifier: Apache-2.0 */
/* The copies of a component that a selection chooses among. Used by select.c alone. */
#ifndef SP_CANDIDATE_H
#define SP_CANDIDATE_H

#include "model/select.h"

/* A copy, by an environment that imports it. */
struct sp_candidate {
    const struct sp_environment *environment;
    const struct sp_detection *detection;
};
typedef SP_VEC(struct sp_candidate) sp_candidates;

/* A selection that is being made. */
struct sp_chooser {
    struct sp_pool *pool;
    const struct sp_manifests *manifests;
    const struct sp_request *request;
    const sp_strv *names; /* those of the request, else all */
    struct sp_scan *scan; /* the one that is looked at */
    sp_selection *out;
    sp_strv *warnings;
    struct sp_error *err;
};

/* Whether the component that was found needs the one of that name. */
bool sp_candidate_requires(const struct sp_detection *one, const char *name);

/* The candidate that is this copy, or NULL. */
const struct sp_candidate *sp_candidate_of(const sp_candidates *all,
                                           const struct sp_detection *detection);

/* A program of the component that runs in the environment (NULL: in any), or NULL. */
const struct sp_use *sp_candidates_use(const struct sp_chooser *c, const char *name,
                                       const struct sp_environment *environment);

/* The copy of --path, which is not looked for elsewhere; false: it has none. */
bool sp_candidates_find_named(struct sp_chooser *c, const char *name, sp_candidates *out);

/* Every copy of the component that an environment of its service imports. */
void sp_candidates_find(struct sp_chooser *c, const char *name, sp_candidates *out);

/* All of them, and of those the ones that count: the only one; else those that other components of
 * the request use; else those in whose environment a service runs; else those that any other
 * component uses. false: nothing tells, and all count. depth: 0. */
bool sp_candidates_find_counting(struct sp_chooser *c, const char *name, size_t depth,
                                 sp_candidates *all, sp_candidates *out);

#endif
