/* SPDX-License-Identifier: Apache-2.0 */
/* The variables of a service's environment that StorPool's bindings look at: from storpool 7.0 on these
 * count more than the configuration files, also when they are empty (python-storpool 7.3.0,
 * spconfig.py: ENV_OVERRIDE). SP_OURID is none of them. Pure; no value is kept. */
#ifndef SP_STORPOOL_VARIABLES_H
#define SP_STORPOOL_VARIABLES_H

#include "base/common.h"

enum sp_variable_state {
    SP_VARIABLE_UNSET,
    SP_VARIABLE_EMPTY,
    SP_VARIABLE_BAD, /* a port that is none */
    SP_VARIABLE_SET
};

struct sp_storpool_variables {
    enum sp_variable_state token;  /* SP_AUTH_TOKEN */
    enum sp_variable_state host;   /* SP_API_HTTP_HOST */
    enum sp_variable_state port;   /* SP_API_HTTP_PORT */
    enum sp_variable_state number; /* SP_OURID, which has no effect there */
    bool unknown;                  /* this user may not read all of the environment */
};

/* Takes in "NAME=value" of the environment, later ones over earlier ones. */
void sp_storpool_variables_note(struct sp_storpool_variables *variables, const char *assignment);

/* Adds those that are set besides, or in place, of the ones that are known. */
void sp_storpool_variables_join(struct sp_storpool_variables *variables,
                                const struct sp_storpool_variables *other);

#endif
