/* SPDX-License-Identifier: Apache-2.0 */
/* The lock on what is changed, whichever work directory a command uses: a write lock by fcntl(2) on the
 * __init__.py of each package. It takes a descriptor that is open for writing, so nobody who may not
 * change the package can keep others out. */
#ifndef SP_PACKAGE_LOCK_H
#define SP_PACKAGE_LOCK_H

#include "base/error.h"
#include "base/pool.h"
#include "fs/root.h"
#include "txn/journal.h"

typedef SP_VEC(int) sp_package_locks;

/* Locks the packages of the components, in the order of their paths. A package without an __init__.py,
 * one that this process may not write to, and a file system without locks have none, which is no
 * error: then the work directory's lock is the only one. SP_ERROR_SYSTEM when another process holds
 * one. No other descriptor of an __init__.py may be closed until they are dropped. */
int sp_package_locks_take(struct sp_pool *pool, const struct sp_root *root,
                          const struct sp_journal_component *components, size_t count,
                          sp_package_locks *out, struct sp_error *err) SP_MUST_CHECK;

void sp_package_locks_drop(sp_package_locks *locks);

#endif
