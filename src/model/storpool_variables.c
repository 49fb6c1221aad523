/* SPDX-License-Identifier: Apache-2.0 */
#include "model/storpool_variables.h"

#include <string.h>

#include "format/oslo_value.h"

/* The text behind NAME=; NULL: it is another variable. */
static const char *value_of(const char *assignment, const char *name)
{
    size_t len = strlen(name);
    return strncmp(assignment, name, len) == 0 && assignment[len] == '=' ? assignment + len + 1
                                                                         : NULL;
}

static void note(enum sp_variable_state *state, const char *value)
{
    if (value)
        *state = *value ? SP_VARIABLE_SET : SP_VARIABLE_EMPTY;
}

void sp_storpool_variables_note(struct sp_storpool_variables *variables, const char *assignment)
{
    const char *port = value_of(assignment, "SP_API_HTTP_PORT");
    long number = 0;
    note(&variables->token, value_of(assignment, "SP_AUTH_TOKEN"));
    note(&variables->host, value_of(assignment, "SP_API_HTTP_HOST"));
    note(&variables->number, value_of(assignment, "SP_OURID"));
    note(&variables->port, port);
    if (port &&
        (sp_oslo_int(SP_BYTES_STR(port), &number) != SP_OSLO_INT || number < 1 || number > 65535))
        variables->port = SP_VARIABLE_BAD;
}

static void join(enum sp_variable_state *state, enum sp_variable_state other)
{
    if (other != SP_VARIABLE_UNSET)
        *state = other;
}

void sp_storpool_variables_join(struct sp_storpool_variables *variables,
                                const struct sp_storpool_variables *other)
{
    join(&variables->token, other->token);
    join(&variables->host, other->host);
    join(&variables->port, other->port);
    join(&variables->number, other->number);
    variables->unknown |= other->unknown;
}
