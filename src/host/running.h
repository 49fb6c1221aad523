/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of this host that run given programs: proc(5). */
#ifndef SP_RUNNING_H
#define SP_RUNNING_H

#include "base/pool.h"
#include "model/usage.h"

/* Adds the processes that run one of the programs. The kernel gives a script's process the script's
 * name, not the interpreter's (/proc/PID/comm; cut to 15 characters); where an interpreter was
 * started itself, "python /usr/bin/nova-compute" or "python -m nova.cmd.compute", the command line
 * tells. One that ends meanwhile is left out.
 *
 * A process sees our files when it has our root directory. That it has a mount namespace of its own
 * does not matter then: systemd makes one for a service with PrivateTmp= and the like.
 *
 * The interpreter is that of the command line, "/venv/bin/python /venv/bin/nova-compute ...", which
 * names the environment also where the file is a link to the system's interpreter; else of
 * /proc/PID/exe. proc: "/proc". */
void sp_running_find(struct sp_pool *pool, const char *proc, const sp_strv *programs,
                     sp_running_list *out);

/* Adds the names of all processes, in whatever root they are, each once; "storpool_block.bin" is cut to
 * 15 characters. */
void sp_running_names(struct sp_pool *pool, const char *proc, sp_strv *out);

/* When the process started, by the clock as it is set now. */
struct timespec sp_running_started(const struct sp_running *process);

/* Field 22 of /proc/PID/stat in clock ticks. The name before it may hold blanks and parentheses.
 * false: the text is none of that, or the process has ended and nobody waited for it. */
bool sp_running_parse_stat(const char *text, unsigned long long *ticks);

#endif
