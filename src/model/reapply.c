/* SPDX-License-Identifier: Apache-2.0 */
#include "model/reapply.h"

#include <string.h>

/* Whether another version of the same release is there now. The first install of a release is the
 * operator's: its drivers may need another configuration. */
static bool is_upgraded(const struct sp_component_plan *plan,
                        const struct sp_reapply_record *record)
{
    const char *version = plan->found->version ? plan->found->version : "";
    return strcmp(plan->found->spec->release->name, record->release) == 0 &&
           strcmp(version, record->version) != 0;
}

enum sp_reapply sp_reapply_decide(const struct sp_component_plan *plan,
                                  const struct sp_reapply_record *record)
{
    switch (plan->state) {
    case SP_STATE_INSTALLED:
        return SP_REAPPLY_NOTHING;
    case SP_STATE_PARTIAL:
    case SP_STATE_OUTDATED:
        return record->edited ? SP_REAPPLY_EDITED : SP_REAPPLY_INSTALL;
    case SP_STATE_NOT_INSTALLED:
        if (!record->proven)
            return SP_REAPPLY_UNSURE;
        return is_upgraded(plan, record) ? SP_REAPPLY_INSTALL : SP_REAPPLY_REMOVED;
    default:
        return SP_REAPPLY_REFUSED;
    }
}
