/* SPDX-License-Identifier: Apache-2.0 */
/* The plans of a selection as a unified diff in git's style. */
#ifndef SP_OUTPUT_DIFF_H
#define SP_OUTPUT_DIFF_H

#include "cli/context.h"

/* Adds what the plans change to `out`, for patch -p1 in the directory of the Python packages; with
 * components in several directories a line "# in DIR" is before each part. Errors: those of
 * sp_blob_diff(). */
int sp_output_diff(struct sp_context *context, const sp_selection *selection, struct sp_buffer *out,
                   struct sp_error *err) SP_MUST_CHECK;

#endif
