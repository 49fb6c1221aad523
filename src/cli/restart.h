/* SPDX-License-Identifier: Apache-2.0 */
/* Restarts the services that run old code, by systemctl(1) or service(8). */
#ifndef SP_RESTART_H
#define SP_RESTART_H

#include "cli/services.h"
#include "host/manager.h"

struct sp_obstacle {
    const char *name, *why;
};

struct sp_restart {
    struct sp_context *context;
    const sp_selection *selection; /* by which the services were found */
    SP_VEC(struct sp_obstacle) obstacles;
    sp_strv done; /* the units and scripts that were restarted, or would be in a dry run */
};

/* Why the unit or script of that name is not restarted; NULL: it may be. */
const char *sp_restart_obstacle(struct sp_context *context, const struct sp_manager *manager,
                                const struct sp_service *service, const char *name);

/* Restarts those that need it and that nobody else has to restart; all are looked at before the first. The
 * others are named: each in a warning, or, if none was restarted, the first as the error (SP_ERROR_REFUSED).
 * One after the other, each until its new process is there; the first that fails is the last
 * (SP_ERROR_SYSTEM, naming those that are left). */
int sp_restart_run(struct sp_restart *r, const sp_services *services,
                   struct sp_error *err) SP_MUST_CHECK;

#endif
