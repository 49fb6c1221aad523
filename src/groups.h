/* SPDX-License-Identifier: Apache-2.0 */
/* The service group and the shared spool directory (design, section 8). */
#ifndef SP_GROUPS_H
#define SP_GROUPS_H

#include "error.h"
#include "fsio.h"
#include "pool.h"

#define SP_GROUPS_GROUP "spopenstack"
#define SP_GROUPS_SPOOL "/var/spool/openstack-storpool"
#define SP_GROUPS_FILE  "openstack-attach.json"

struct sp_groups_request {
    const char *group;          /* NULL: SP_GROUPS_GROUP */
    sp_strv users;              /* service accounts that become members */
    const struct sp_root *root; /* "/" or the directory of --root */
    bool dry_run;
};

struct sp_groups_line {
    bool warning;     /* else: something that was changed (or would be, with dry_run) */
    const char *text; /* a sentence */
};

struct sp_groups_report {
    SP_VEC(struct sp_groups_line) lines; /* empty: everything was in place */
};

/* Makes sure of the group, the memberships, the directory and the file; idempotent. Missing
 * accounts are warnings. -1 (SP_ERROR_SYSTEM or SP_ERROR_CANNOT) when a needed program fails, or
 * something other than a directory or regular file stands where ours goes. */
int sp_groups_ensure(struct sp_pool *pool, const struct sp_groups_request *request,
                     struct sp_groups_report *report, struct sp_error *err) SP_MUST_CHECK;

#endif
