/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 (RFC 3629). */
#ifndef SP_UTF8_H
#define SP_UTF8_H

#include "base/common.h"

/* The length of the UTF-8 sequence that str starts with, of at most len bytes; 0 if it is not one
 * (RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF) or len is 0. */
size_t sp_utf8_length(const char *str, size_t len);

/* Whether str is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms) of len bytes. */
bool sp_utf8_is_valid(const char *str, size_t len);

#endif
