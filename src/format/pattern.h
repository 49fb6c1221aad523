/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a regular expression of PCRE2 for bytes that each of its matches holds, so that most of them
 * need no engine: nearly all that a manifest looks for is plain text. Whatever this does not know
 * for certain, it leaves to PCRE2. The syntax: pcre2pattern(3). */
#ifndef SP_PATTERN_H
#define SP_PATTERN_H

#include "base/buffer.h"
#include "base/pool.h"

struct sp_pattern {
    struct sp_bytes literal; /* the longest run of bytes that every match holds; len 0: unknown */
    struct sp_bytes prefix;  /* the run that every match begins with, after '^'; len 0: unknown */
    bool is_plain;           /* it is the literal, but for the two below, and nothing else */
    bool at_line_start;      /* '^' is before the prefix */
    bool at_line_end;        /* of a plain one: '$' is after it */
    bool is_balanced;        /* read to its end, and every group in it is closed */
};

/* The runs live in the pool. Nothing is told about whether PCRE2 accepts the pattern, unless
 * it is a plain one: PCRE2 accepts all of those. */
void sp_pattern_read(struct sp_pool *pool, const char *text, struct sp_pattern *out);

#endif
