/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of this host that run given programs. */
#ifndef SP_RUNNING_H
#define SP_RUNNING_H

#include "base/pool.h"
#include "model/usage.h"

/* Adds the processes whose name is that of one of the programs: the kernel gives a script's process
 * the script's name, not the interpreter's (proc(5), /proc/PID/comm; cut to 15 characters). Those in
 * another mount namespace are left out: their paths are others. The interpreter is that of the
 * command line, "/venv/bin/python /venv/bin/nova-compute ...", which names the environment also
 * where the file is a link to the system's interpreter; else of /proc/PID/exe. A process that
 * cannot be looked at is left out. proc: "/proc". */
void sp_running_find(struct sp_pool *pool, const char *proc, const sp_strv *programs,
                     sp_running_list *out);

#endif
