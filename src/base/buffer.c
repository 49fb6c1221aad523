/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "base/pool.h"
#include "base/utf8.h"

static void make_room(struct sp_buffer *buf, size_t more)
{
    if (more >= SIZE_MAX - buf->len)
        sp_out_of_memory();
    size_t needed = buf->len + more + 1;
    if (needed <= buf->room)
        return;
    size_t room = buf->room ? buf->room : 256;
    while (room < needed)
        room = room > SIZE_MAX / 2 ? needed : room * 2;
    buf->data = sp_xrealloc(buf->data, room);
    buf->room = room;
}

void sp_buffer_add(struct sp_buffer *buf, const void *data, size_t len)
{
    make_room(buf, len);
    if (len)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void sp_buffer_puts(struct sp_buffer *buf, const char *str)
{
    sp_buffer_add(buf, str, strlen(str));
}

void sp_buffer_putc(struct sp_buffer *buf, char c)
{
    sp_buffer_add(buf, &c, 1);
}

void sp_buffer_printf(struct sp_buffer *buf, const char *fmt, ...)
{
    va_list args, again;
    make_room(buf, 0);
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(buf->data + buf->len, buf->room - buf->len, fmt, args);
    va_end(args);
    if (len < 0)
        sp_out_of_memory();
    if ((size_t)len >= buf->room - buf->len) { /* it did not fit */
        make_room(buf, (size_t)len);
        vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, again);
    }
    va_end(again);
    buf->len += (size_t)len;
}

const char *sp_buffer_str(const struct sp_buffer *buf)
{
    return buf->data ? buf->data : "";
}

void sp_buffer_reset(struct sp_buffer *buf)
{
    buf->len = 0;
    if (buf->data)
        buf->data[0] = '\0';
}

void sp_buffer_free(struct sp_buffer *buf)
{
    free(buf->data);
    buf->data = NULL;
    buf->len = buf->room = 0;
}

int sp_bytes_write(struct sp_bytes bytes, int fd)
{
    for (size_t done = 0; done < bytes.len;) {
        ssize_t put = write(fd, bytes.data + done, bytes.len - done);
        if (put < 0 && errno != EINTR)
            return -1;
        done += put > 0 ? (size_t)put : 0;
    }
    return 0;
}

/* Eight bytes at a time: musl's memcmp(3) goes byte by byte. */
static bool same_bytes(const char *a, const char *b, size_t len)
{
    uint64_t x, y;
    for (; len >= sizeof(x); len -= sizeof(x), a += sizeof(x), b += sizeof(x)) {
        memcpy(&x, a, sizeof(x));
        memcpy(&y, b, sizeof(y));
        if (x != y)
            return false;
    }
    return len == 0 || memcmp(a, b, len) == 0;
}

bool sp_bytes_equal(struct sp_bytes a, struct sp_bytes b)
{
    return a.len == b.len && (a.data == b.data || same_bytes(a.data, b.data, a.len));
}

static void put_visible(struct sp_buffer *buf, const char *str, bool unambiguous)
{
    const char *end = str + strlen(str);
    while (str < end) {
        unsigned char c = (unsigned char)*str;
        size_t len = sp_utf8_length(str, (size_t)(end - str));
        if (c == '\n') {
            sp_buffer_puts(buf, "\\n");
        } else if (c == '\t') {
            sp_buffer_puts(buf, "\\t");
        } else if (c == '\\' && unambiguous) {
            sp_buffer_puts(buf, "\\\\");
        } else if (len == 0 || c < 0x20 || c == 0x7f || (c == 0xc2 && (str[1] & 0xe0) == 0x80)) {
            /* U+0080 to U+009F are control characters too: terminals obey some of them */
            if (len < 1)
                len = 1;
            for (size_t i = 0; i < len; i++)
                sp_buffer_printf(buf, "\\x%02x", (unsigned char)str[i]);
        } else {
            sp_buffer_add(buf, str, len);
        }
        str += len ? len : 1;
    }
}

void sp_buffer_puts_safe(struct sp_buffer *buf, const char *str)
{
    put_visible(buf, str, true);
}

void sp_buffer_puts_visible(struct sp_buffer *buf, const char *str)
{
    put_visible(buf, str, false);
}
