/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a program: by absolute path, with a fixed environment, no shell, no input, no inherited
 * descriptor but the three standard ones. */
#ifndef SP_PROCESS_H
#define SP_PROCESS_H

#include "base/buffer.h"
#include "base/error.h"

enum {
    SP_PROCESS_OUTPUT = 1 << 16
}; /* bytes of each stream that are kept; the rest is read and dropped */

/* argv[0] is the absolute path; argv ends with NULL. *out (may be NULL) gets the standard output.
 * Returns 0 when it exited with 0. SP_ERROR_SYSTEM when it can't be started, ended by a signal, or
 * exited otherwise: then its last line on standard error is in the message. */
int sp_process_run(const char *const *argv, struct sp_buffer *out,
                   struct sp_error *err) SP_MUST_CHECK;

#endif
