/* SPDX-License-Identifier: Apache-2.0 */
/* The service group, and the service accounts as its members: group(5), passwd(5), groupadd(8),
 * gpasswd(1). */
#ifndef SP_ACCOUNTS_H
#define SP_ACCOUNTS_H

#include <sys/types.h>

#include "base/error.h"
#include "fs/root.h"
#include "host/report.h"

#define SP_ACCOUNTS_GROUP "spopenstack"

struct sp_accounts_request {
    const char *group;
    sp_strv users;              /* service accounts that become members */
    const struct sp_root *root; /* "/" or the directory of --root */
    bool dry_run;               /* change nothing, and report what would be done */
    /* where groupadd and gpasswd are looked for, ended by NULL; NULL: in the system's own
     * directories. Only tests name others. */
    const char *const *program_dirs;
};

struct sp_group {
    const char *name; /* as in the request */
    bool exists;      /* false only in a dry run that would create it */
    gid_t gid;
};

/* Makes sure of the group and the memberships; idempotent. No program is run when they are in
 * place. With a root other than "/", group and accounts are looked up in that root's own etc/group
 * and etc/passwd, and set up there. The group's number is in *out.
 *
 * A missing account is a warning. Errors: SP_ERROR_REFUSED for a name that cannot be one, or a
 * damaged entry; SP_ERROR_SYSTEM when a needed program is missing or fails. The report has all
 * changes until then. */
int sp_accounts_ensure(struct sp_pool *pool, const struct sp_accounts_request *request,
                       struct sp_group *out, struct sp_host_report *report,
                       struct sp_error *err) SP_MUST_CHECK;

#endif
