/* SPDX-License-Identifier: Apache-2.0 */
/* PCRE2 with bounded work. Patterns are compiled with PCRE2_MULTILINE: ^ and $ match at line ends,
 * where a newline is \n only. UTF is off: subjects are bytes. Verbs at the start of a pattern
 * ("(*CRLF)") are refused. */
#ifndef SP_REGEX_H
#define SP_REGEX_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/pool.h"

struct sp_regex; /* belongs to the pool that it was compiled into */

/* Compiles pattern (NUL-terminated). On failure err names PCRE2's reason and the offset in the
 * pattern; kind SP_ERROR_REFUSED. */
int sp_regex_compile(struct sp_pool *pool, const char *pattern, struct sp_regex **out,
                     struct sp_error *err) SP_MUST_CHECK;

const char *sp_regex_pattern(const struct sp_regex *regex);

struct sp_span {
    size_t start, end; /* byte offsets into the subject, end exclusive */
};

/* Finds the matches in the range of subject, stopping once max spans are found. ^ and $ and
 * look-behind see the subject outside the range as it is; a match must lie inside the range: one
 * that would run over its end is given up for a shorter one, if the pattern has it. Returns the
 * number of spans written to out, or -1 when the work limit, which holds for the whole call (some
 * 0.1 s), is exceeded (SP_ERROR_REFUSED). An empty match advances by one byte. */
int sp_regex_find(const struct sp_regex *regex, struct sp_bytes subject, struct sp_span range,
                  struct sp_span *out, int max, struct sp_error *err) SP_MUST_CHECK;

/* 1 if there is a match anywhere, 0 if not, -1 on error. */
int sp_regex_test(const struct sp_regex *regex, struct sp_bytes subject,
                  struct sp_error *err) SP_MUST_CHECK;

#endif
