/* SPDX-License-Identifier: Apache-2.0 */
/* The service manager of the running host: how a service is restarted, and when not by us. */
#ifndef SP_MANAGER_H
#define SP_MANAGER_H

#include "base/error.h"
#include "base/pool.h"

struct sp_manager {
    bool systemd;   /* it runs: sd_booted(3) */
    bool pacemaker; /* pacemakerd or pacemaker_remoted runs */
    const char
        *cluster; /* the text of Pacemaker's cib.xml; NULL: not there, not readable, or too long */
    const char *image;      /* the sign that this is a container; NULL: none */
    const char *image_name; /* its name or id; NULL: not known */
};

/* Looks at the running host; changes nothing. */
void sp_manager_find(struct sp_pool *pool, struct sp_manager *out);

/* Why the service of that name, which runs the program, is not restarted by us, with the command to type in
 * its place; NULL: it may be. Pacemaker has it if its configuration names it as a resource; and while
 * Pacemaker runs, also if that has the program's name anywhere ("ocf:openstack:NovaCompute"), or cannot be
 * read, as on a remote node. */
const char *sp_manager_obstacle(struct sp_pool *pool, const struct sp_manager *manager,
                                const char *name, const char *program);

/* The command that restarts the service if it runs, ended by NULL in argv: systemctl(1) where
 * systemd runs and `is_unit`, else service(8), by its path in root's usual directories.
 * SP_ERROR_SYSTEM: the program is not there. */
int sp_manager_command(struct sp_pool *pool, const struct sp_manager *manager, const char *name,
                       bool is_unit, const char *argv[4], struct sp_error *err) SP_MUST_CHECK;

#endif
