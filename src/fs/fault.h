/* SPDX-License-Identifier: Apache-2.0 */
/* Fault points: every call that changes something on disk passes one, in the order in which it is
 * made (tests/fault/run.py compares them with the calls that strace sees). They exist only in a
 * program built with -DSP_FAULT (make check-fault).
 *
 * SP_FAULT="N:ENOSPC" makes the Nth changing call fail so, "N:ENOSPC+" every one from the Nth on that
 * needs room (open, write, mkdir), "N:short" cuts a write() short, "N:exit" ends the process there,
 * "N:stop" stops it before the call (SIGSTOP) until somebody continues it.
 * SP_FAULT_LOG=FILE gets one line a call: its number, name, and path. */
#ifndef SP_FAULT_POINTS_H
#define SP_FAULT_POINTS_H

#include "base/common.h"
#include "fs/dir.h"

/* Reads SP_FAULT and SP_FAULT_LOG. */
void sp_fault_init(void);

#ifdef SP_FAULT
/* To be asked before the call about a name in a directory ("": the directory itself): not 0, with
 * errno set, when it is to fail without being made. */
int sp_fault(const char *call, const struct sp_dir *dir, const char *name);
/* Whether the write() that sp_fault() was just asked about is to be cut short. */
bool sp_fault_is_short(void);
#else
#define sp_fault(call, dir, name) ((void)(call), (void)(dir), (void)(name), 0)
#define sp_fault_is_short()       false
#endif

#endif
