/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a text is what a JSON reader will take. */
#ifndef SP_JSONCHECK_H
#define SP_JSONCHECK_H

#include "base/buffer.h"

#define SP_JSON_DEPTH 256 /* of nested objects and arrays; Python's reader gives up near 1000 */

/* Whether text is one JSON object (RFC 8259), in UTF-8, nested at most SP_JSON_DEPTH deep. */
bool sp_json_is_object(struct sp_bytes text);

#endif
