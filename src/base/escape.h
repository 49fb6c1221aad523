/* SPDX-License-Identifier: Apache-2.0 */
/* Text from outside - names, lines of files, reasons that libraries give - made fit for a message. */
#ifndef SP_ESCAPE_H
#define SP_ESCAPE_H

#include "base/pool.h"

/* A copy of str, in the pool, that can be put on a terminal: control characters, backslashes, DEL
 * and bytes that are not UTF-8 are written as sp_buffer_puts_safe() does it. */
const char *sp_escape(struct sp_pool *pool, const char *str);
/* The same where there is no pool; the caller frees it. */
char *sp_escape_alloc(const char *str);

#endif
