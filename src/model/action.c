/* SPDX-License-Identifier: Apache-2.0 */
#include "model/action.h"

const char *const sp_action_names[] = {[SP_ACTION_NONE] = "none",
                                       [SP_ACTION_ADD] = "add",
                                       [SP_ACTION_REPLACE] = "replace",
                                       [SP_ACTION_REMOVE] = "remove"};

const char *sp_action_name(enum sp_action action)
{
    return sp_action_names[action];
}

enum sp_action sp_action_between(const void *before, const void *after)
{
    if (!before)
        return after ? SP_ACTION_ADD : SP_ACTION_NONE;
    return after ? SP_ACTION_REPLACE : SP_ACTION_REMOVE;
}
