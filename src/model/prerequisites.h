/* SPDX-License-Identifier: Apache-2.0 */
/* The Python distributions that the drivers need when they run: whether an environment has them. */
#ifndef SP_PREREQUISITES_H
#define SP_PREREQUISITES_H

#include "base/error.h"
#include "base/pool.h"
#include "model/select.h"

enum sp_fitness {
    SP_FITNESS_GOOD,
    SP_FITNESS_POOR,    /* older than recommended */
    SP_FITNESS_TOO_OLD, /* the drivers do not work with it */
    SP_FITNESS_MISSING
};

struct sp_prerequisite {
    const struct sp_need *need;
    const char *version; /* NULL: missing */
    enum sp_fitness fitness;
    const char *needed_by; /* a component */
    const struct sp_environment *environment;
    const char *command; /* to type, outside of --root; NULL: nothing is to be done */
};
typedef SP_VEC(struct sp_prerequisite) sp_prerequisites;

/* Looks in the environment of each target that counts and is supported, in a system; once for each
 * distribution and environment. */
int sp_prerequisites_find(struct sp_pool *pool, const sp_selection *selection,
                          sp_prerequisites *out, struct sp_error *err) SP_MUST_CHECK;

/* Something that is wrong with an environment. */
struct sp_prerequisite_warning {
    enum sp_fitness fitness;
    const char *text;    /* a sentence */
    const char *command; /* to type */
};
typedef SP_VEC(struct sp_prerequisite_warning) sp_prerequisite_warnings;

/* Says it in sentences: *lines what was found, *warnings what is wrong, one for each environment and
 * kind of trouble. */
void sp_prerequisites_describe(struct sp_pool *pool, const sp_prerequisites *prerequisites,
                               sp_strv *lines, sp_prerequisite_warnings *warnings);

/* "good", "poor", "too-old", "missing" */
const char *sp_fitness_name(enum sp_fitness fitness);

#endif
