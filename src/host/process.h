/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a program: by absolute path, with a fixed environment, no shell, no input, no inherited
 * descriptor but the three standard ones. */
#ifndef SP_PROCESS_H
#define SP_PROCESS_H

#include "base/buffer.h"
#include "base/error.h"

enum {
    SP_PROCESS_OUTPUT = 1 << 16, /* bytes of each stream that are kept; the rest is dropped */
    SP_PROCESS_SECONDS = 30      /* after which a program that is asked something is ended */
};

struct sp_process_limits {
    unsigned seconds; /* it is ended (SIGKILL) when it runs for longer */
    bool all_output;  /* it is asked something: more than SP_PROCESS_OUTPUT on a stream is an error,
                         and it is ended with its own children */
};

/* argv[0] is the absolute path; argv ends with NULL. *out (may be NULL) gets the standard output.
 * Returns 0 when it exited with 0. SP_ERROR_SYSTEM when it cannot be started, was ended by a signal
 * or for a limit, or exited otherwise: then its last line on standard error is in the message. */
int sp_process_run_within(const char *const *argv, const struct sp_process_limits *limits,
                          struct sp_buffer *out, struct sp_error *err) SP_MUST_CHECK;

/* The same for a program that is asked something: SP_PROCESS_SECONDS, and all of its output. */
int sp_process_run(const char *const *argv, struct sp_buffer *out,
                   struct sp_error *err) SP_MUST_CHECK;

#endif
