/* SPDX-License-Identifier: Apache-2.0 */
/* One writer at a time, by a POSIX record lock (fcntl(2)): the kernel drops it with the process,
 * and tells who holds it. The lock file must be opened by nothing else in this process. */
#ifndef SP_LOCK_H
#define SP_LOCK_H

#include "base/error.h"

/* Locks the file `name` in dirfd, which is created if need be. Returns the descriptor to be closed
 * at the end, or -1: SP_ERROR_SYSTEM naming the process that holds it. */
int sp_lock_take(int dirfd, const char *name, const char *shown,
                 struct sp_error *err) SP_MUST_CHECK;

#endif
