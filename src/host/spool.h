/* SPDX-License-Identifier: Apache-2.0 */
/* The directory and the file by which the Cinder and the Nova drivers share attachment requests. */
#ifndef SP_SPOOL_H
#define SP_SPOOL_H

#include "base/error.h"
#include "fs/root.h"
#include "host/accounts.h"
#include "host/report.h"

#define SP_SPOOL_DIR  "/var/spool/openstack-storpool"
#define SP_SPOOL_FILE "openstack-attach.json"

/* Makes sure of the directory (0770, root, the group) and of the file in it (0660, root, the group;
 * "{}" when it is new, its content is never changed); idempotent.
 *
 * A file that is neither empty nor between braces is a warning: the drivers cannot read it. Errors:
 * SP_ERROR_REFUSED when something other than a directory or a regular file with one name is in
 * their place, since members of the group can write in the directory and may have planted it;
 * SP_ERROR_SYSTEM. The report has all changes until then. */
int sp_spool_ensure(struct sp_pool *pool, const struct sp_root *root, const struct sp_group *group,
                    bool dry_run, struct sp_host_report *report,
                    struct sp_error *err) SP_MUST_CHECK;

#endif
