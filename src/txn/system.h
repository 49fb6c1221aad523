/* SPDX-License-Identifier: Apache-2.0 */
/* Which system a journal is about. A work directory may be shared, or copied, and then a journal in it
 * says nothing about the system at hand. */
#ifndef SP_SYSTEM_H
#define SP_SYSTEM_H

#include "base/error.h"
#include "base/pool.h"
#include "fs/root.h"
#include "txn/journal.h"

enum sp_system {
    SP_SYSTEM_SAME,
    SP_SYSTEM_OTHER,
    SP_SYSTEM_CHANGED, /* the same machine id, other directories: reinstalled packages, or a clone */
    SP_SYSTEM_UNKNOWN  /* neither machine-id(5) nor any directory tells: files have to */
};

/* The machine id of the system below the root, from its etc/machine-id; "" if it has none. */
const char *sp_system_machine(const struct sp_root *root, struct sp_pool *pool);

/* Compares the machine ids; where one is missing, the directories of the journal with those at their
 * paths today, by inode: one that is the same is enough, packages are reinstalled. (Numbers of
 * devices change when a system is started again, so they are no part of it.) */
enum sp_system sp_system_of(const struct sp_root *root, struct sp_pool *pool,
                            const struct sp_journal *journal);

#endif
