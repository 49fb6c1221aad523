/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer, always followed by a NUL that is not counted. */
#ifndef SP_BUFFER_H
#define SP_BUFFER_H

#include "base/common.h"

struct sp_buffer {
    char *data; /* owned; NULL only before the first byte */
    size_t len, room;
};

#define SP_BUFFER_INIT                                                                             \
    {                                                                                              \
        NULL, 0, 0                                                                                 \
    }

void sp_buffer_add(struct sp_buffer *buf, const void *data, size_t len);
void sp_buffer_puts(struct sp_buffer *buf, const char *str);
void sp_buffer_putc(struct sp_buffer *buf, char c);
void sp_buffer_printf(struct sp_buffer *buf, const char *fmt, ...) SP_PRINTF(2, 3);
/* The content as a C string; "" when nothing was added. Valid until the next call. */
const char *sp_buffer_str(const struct sp_buffer *buf);
void sp_buffer_reset(struct sp_buffer *buf);
void sp_buffer_free(struct sp_buffer *buf);

/* A run of bytes that somebody else owns. */
struct sp_bytes {
    const char *data;
    size_t len;
};
#define SP_BYTES_STR(s) ((struct sp_bytes){(s), strlen(s)})
bool sp_bytes_equal(struct sp_bytes a, struct sp_bytes b);
/* Writes all of it to the descriptor, whatever write(2) takes at a time: 0, or -1 with errno. */
int sp_bytes_write(struct sp_bytes bytes, int fd) SP_MUST_CHECK;

/* Appends str with control characters, backslash, DEL and bytes that are not UTF-8 written as \n,
 * \t or \xNN, so that a hostile file name can be printed on a terminal. */
void sp_buffer_puts_safe(struct sp_buffer *buf, const char *str);
/* The same with backslashes as they are: for whole messages, whose parts may be safe already. */
void sp_buffer_puts_visible(struct sp_buffer *buf, const char *str);

#endif
