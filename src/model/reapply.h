/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a component whose integration is recorded is integrated again. Pure. */
#ifndef SP_REAPPLY_H
#define SP_REAPPLY_H

#include "base/common.h"
#include "model/plan.h"

enum sp_reapply {
    SP_REAPPLY_NOTHING, /* all of the integration is there */
    SP_REAPPLY_INSTALL, /* an upgrade took it away, all or in part, or brought a newer driver */
    SP_REAPPLY_REFUSED, /* included, not supported, in conflict: the plan has the words */
    SP_REAPPLY_REMOVED, /* nothing of it is there, and no upgrade tells why */
    SP_REAPPLY_UNSURE,  /* nothing of it is there, and an uninstall may be recorded unreadably */
    SP_REAPPLY_EDITED   /* it is complete but for a driver that somebody edited */
};

/* The record of the component, and facts about its files today. */
struct sp_reapply_record {
    const char *version, *release; /* that were integrated; version "": unknown */
    bool proven;                   /* no later transaction may have removed it */
    bool edited; /* all that would change is drivers whose content no transaction wrote */
};

/* plan: towards SP_GOAL_INSTALL. */
enum sp_reapply sp_reapply_decide(const struct sp_component_plan *plan,
                                  const struct sp_reapply_record *record);

#endif
