/* SPDX-License-Identifier: Apache-2.0 */
/* A change of one file: what a plan decides, a transaction does, and a journal records. */
#ifndef SP_ACTION_H
#define SP_ACTION_H

#include "base/common.h"

enum sp_action {
    SP_ACTION_NONE,
    SP_ACTION_ADD,     /* a new file */
    SP_ACTION_REPLACE, /* other content */
    SP_ACTION_REMOVE
};

/* The names of all actions in the order of the enum, for parsers: "none", "add", ... */
extern const char *const sp_action_names[];
enum {
    SP_ACTIONS = SP_ACTION_REMOVE + 1
};

/* The name of the action, as output and journals spell it. Static storage. */
const char *sp_action_name(enum sp_action action);

/* The action that turns one content into the other: data is NULL where there is no file. */
enum sp_action sp_action_between(const void *before, const void *after);

#endif
