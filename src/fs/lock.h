/* SPDX-License-Identifier: Apache-2.0 */
/* One writer at a time, by POSIX record locks (fcntl(2)): the kernel drops them with the process, and
 * tells who holds one. Closing any other descriptor of the file in this process drops its lock, too:
 * a locked file must be opened by nothing else. */
#ifndef SP_LOCK_H
#define SP_LOCK_H

#include <sys/types.h>

#include "base/error.h"
#include "fs/dir.h"

/* Locks the file `name` in the directory, which is created if need be. Returns the descriptor to be
 * closed at the end, or -1: SP_ERROR_SYSTEM naming the process that holds it, with errnum EAGAIN. */
int sp_lock_take(const struct sp_dir *dir, const char *name, struct sp_error *err) SP_MUST_CHECK;

/* Locks an open file that is there already; it has to be open for writing. shown: what the process
 * that holds it works on. Errors as above. */
int sp_lock_file(int fd, const char *shown, struct sp_error *err) SP_MUST_CHECK;

/* The process that holds the lock, 0 for none (or for no lock file), -1 for one that the kernel does
 * not name. Not for a process that holds it itself. */
pid_t sp_lock_holder(const struct sp_dir *dir, const char *name);

#endif
