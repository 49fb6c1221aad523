/* SPDX-License-Identifier: Apache-2.0 */
/* Finding environments; for environment.c and environment_use.c. */
#ifndef SP_ENVIRONMENT_SEARCH_H
#define SP_ENVIRONMENT_SEARCH_H

#include "model/environment.h"
#include "model/interpreter.h"

/* The parts of which an environment was made. */
struct sp_environment_origin {
    const struct sp_environment *made;
    const struct sp_interpreter *from;
    const char *user; /* the user site, NULL for none */
};

struct sp_environment_search {
    struct sp_pool *pool;
    struct sp_tree *tree;
    const struct sp_environment_query *query;
    struct sp_environments *out;
    sp_usages usages;
    struct sp_interpreters interpreters;
    SP_VEC(struct sp_environment_origin) origins;
    struct sp_error *err;
};

/* "usr/bin/python2.7" -> "usr"; NULL when it is in no bin directory. "bin/python" is of usr. */
const char *sp_environment_prefix(struct sp_pool *pool, const char *interpreter);

/* The version in the name of the interpreter, links followed: "2.7", "2", "". */
int sp_environment_version(struct sp_environment_search *s, const char *interpreter,
                           const char **out) SP_MUST_CHECK;

/* Builds the search path of an environment: the operator's PYTHONPATH, the directories `first`, those of
 * the user site and of the interpreter. settings: NULL is as it is started without any. */
int sp_environment_build(struct sp_environment_search *s,
                         const struct sp_environment_origin *origin, const sp_strv *first,
                         const struct sp_python_settings *settings,
                         struct sp_search *out) SP_MUST_CHECK;

/* Finds the usages of all programs, and adds the interpreters that they name. */
int sp_environment_find_usages(struct sp_environment_search *s) SP_MUST_CHECK;

/* Says for each usage which environment it is, once they are made. A program that is started with
 * settings of its own has one of its own, which is added before that of its interpreter. */
int sp_environment_find_uses(struct sp_environment_search *s) SP_MUST_CHECK;

#endif
