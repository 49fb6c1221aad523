/* SPDX-License-Identifier: Apache-2.0 */
/* Deltas of git packs: gitformat-pack(5), "Deltified representation". What is in them is not
 * trusted. */
#ifndef SP_DELTA_H
#define SP_DELTA_H

#include "base/buffer.h"

/* Reads how long the base must be, and how long the result is; *used is the length of that. The
 * delta may be cut off behind it. false when it makes no sense. */
bool sp_delta_sizes(struct sp_bytes delta, size_t *base, size_t *result,
                    size_t *used) SP_MUST_CHECK;

/* Writes the result, which is of the size that sp_delta_sizes() says. false when the delta is not
 * for that base, or makes no sense; what is in out then is undefined. */
bool sp_delta_apply(struct sp_bytes base, struct sp_bytes delta, unsigned char *out) SP_MUST_CHECK;

#endif
