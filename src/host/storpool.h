/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the facts about StorPool's part of a host. Nothing is run, nothing is changed. */
#ifndef SP_HOST_STORPOOL_H
#define SP_HOST_STORPOOL_H

#include "base/error.h"
#include "fs/root.h"
#include "model/storpool_facts.h"
#include "tree/tree.h"

struct sp_storpool_query {
    const struct sp_root *root; /* "/" is the running system */
    struct sp_tree *tree;       /* of the same root */
    const char *proc, *dev;     /* "/proc", "/dev"; of the running system only */
    const char *group;          /* the service group */
    sp_strv accounts; /* that the services run as; those that are not here are passed over */
};

/* Fills in all but `wanted`, `prerequisites` and the processes of OpenStack's services. A file that is
 * damaged, or may not be looked at, is a fact, too; an error is only that the root itself cannot be looked
 * at.
 *
 * A service runs when a process has its name (comm in proc(5)).
 *
 * Sources: of the client services, their programs and the kernel module:
 * storpool/ansible (install_modules_helper.py: getinstalledmodules, usedbins), storpool/charm-storpool-block
 * (get_storpool_major); of the configuration files: python-storpool 5.4 to 7.3.0 (spconfig.py:
 * get_config_files), which read *.conf of the directory in the order of their names, hidden ones
 * excepted. */
int sp_storpool_facts_read(struct sp_pool *pool, const struct sp_storpool_query *query,
                           struct sp_storpool_facts *out, struct sp_error *err) SP_MUST_CHECK;

#endif
