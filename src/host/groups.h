/* SPDX-License-Identifier: Apache-2.0 */
/* The service group and the shared spool directory (design, section 8). */
#ifndef SP_GROUPS_H
#define SP_GROUPS_H

#include "base/error.h"
#include "base/pool.h"
#include "fs/root.h"

#define SP_GROUPS_GROUP "spopenstack"
#define SP_GROUPS_SPOOL "/var/spool/openstack-storpool"
#define SP_GROUPS_FILE  "openstack-attach.json"

struct sp_groups_request {
    const char *group;          /* NULL: SP_GROUPS_GROUP */
    sp_strv users;              /* service accounts that become members */
    const struct sp_root *root; /* "/" or the directory of --root */
    bool dry_run;               /* write nothing, and say what would be done */
    /* where groupadd and gpasswd are looked for, ended by NULL; NULL: in the system's own
     * directories. Only tests name others. */
    const char *const *program_dirs;
};

struct sp_groups_line {
    bool warning;     /* else: something that was changed (or would be, with dry_run) */
    const char *text; /* a sentence */
};

struct sp_groups_report {
    SP_VEC(struct sp_groups_line) lines; /* empty: everything was in place */
};

/* Makes sure of the group, the memberships, the directory and the file; idempotent. No program is
 * run when group and memberships are in place. With a root other than "/", group and accounts are
 * looked up in that root's own etc/group and etc/passwd, and set up there.
 *
 * Missing accounts, and a file that is no JSON object (the bindings can't read it), are warnings.
 * -1 when a needed program fails or a step is refused by the system (SP_ERROR_SYSTEM), or when
 * something other than a directory or a regular file with one name stands where ours goes
 * (SP_ERROR_REFUSED): members of the group can write in the directory, and might have planted it.
 * What was done until then is in the report. */
int sp_groups_ensure(struct sp_pool *pool, const struct sp_groups_request *request,
                     struct sp_groups_report *report, struct sp_error *err) SP_MUST_CHECK;

#endif
