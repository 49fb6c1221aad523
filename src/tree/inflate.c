/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/inflate.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/pool.h"

void sp_inflate_begin(struct sp_inflate *stream, int fd, uint64_t at, uint64_t end)
{
    memset(stream, 0, sizeof(*stream));
    stream->fd = fd;
    stream->at = at;
    stream->end = end;
    if (inflateInit(&stream->z) != Z_OK)
        sp_out_of_memory();
}

void sp_inflate_end(struct sp_inflate *stream)
{
    inflateEnd(&stream->z);
}

static const char *fill(struct sp_inflate *stream)
{
    uint64_t left = stream->end > stream->at ? stream->end - stream->at : 0;
    size_t len = left < sizeof(stream->in) ? (size_t)left : sizeof(stream->in);
    ssize_t got;
    do
        got = pread(stream->fd, stream->in, len, (off_t)stream->at);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return "can't be read";
    if (got == 0)
        return "is truncated";
    stream->at += (uint64_t)got;
    stream->z.next_in = stream->in;
    stream->z.avail_in = (uInt)got;
    return NULL;
}

const char *sp_inflate_some(struct sp_inflate *stream, void *out, size_t *len)
{
    z_stream *z = &stream->z;
    const char *why = NULL;
    z->next_out = out;
    z->avail_out = (uInt)*len;
    while (!why && z->avail_out > 0 && !stream->ended) {
        if (z->avail_in == 0 && (why = fill(stream)))
            break;
        int status = inflate(z, Z_NO_FLUSH);
        if (status == Z_STREAM_END)
            stream->ended = true;
        else if (status == Z_MEM_ERROR)
            sp_out_of_memory();
        else if (status != Z_OK && status != Z_BUF_ERROR)
            why = "is damaged: its compressed data make no sense";
    }
    *len -= z->avail_out;
    z->next_out = NULL; /* it is the caller's */
    return why;
}

const char *sp_inflate_rest(struct sp_inflate *stream, void *out, size_t size)
{
    unsigned char extra;
    size_t len = size, more = 1;
    const char *why = sp_inflate_some(stream, out, &len);
    if (!why) /* the end of the stream, and its checksum */
        why = sp_inflate_some(stream, &extra, &more);
    if (!why && len < size)
        why = "is shorter than its header says";
    if (!why && more > 0)
        why = "is longer than its header says";
    return why;
}
