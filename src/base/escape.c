/* SPDX-License-Identifier: Apache-2.0 */
#include "base/escape.h"

#include <stdlib.h>

#include "base/buffer.h"

char *sp_escape_alloc(const char *str)
{
    struct sp_buffer buf = SP_BUFFER_INIT;
    sp_buffer_puts_safe(&buf, str);
    return buf.data ? buf.data : sp_xstrdup("");
}

const char *sp_escape(struct sp_pool *pool, const char *str)
{
    char *text = sp_escape_alloc(str);
    const char *copy = sp_pool_strdup(pool, text);
    free(text);
    return copy;
}
