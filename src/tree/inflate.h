/* SPDX-License-Identifier: Apache-2.0 */
/* A zlib stream in a file (RFC 1950), decompressed piece by piece. What is in it is not trusted.
 *
 * Functions that can fail return NULL when they did not, else why, as the end of a sentence: "is
 * truncated". */
#ifndef SP_INFLATE_H
#define SP_INFLATE_H

#include <zlib.h>

#include "base/common.h"

struct sp_inflate {
    int fd; /* of the caller, who closes it */
    uint64_t at, end;
    z_stream z;
    bool ended; /* the stream is complete, and its checksum right */
    unsigned char in[16384];
};

/* Begins with the stream that starts at that offset; nothing from end on belongs to it. */
void sp_inflate_begin(struct sp_inflate *stream, int fd, uint64_t at, uint64_t end);
void sp_inflate_end(struct sp_inflate *stream);

/* Decompresses up to *len bytes to out; *len becomes fewer only at the end of the stream. */
const char *sp_inflate_some(struct sp_inflate *stream, void *out, size_t *len) SP_MUST_CHECK;
/* Decompresses what is left of the stream, which must be size bytes. */
const char *sp_inflate_rest(struct sp_inflate *stream, void *out, size_t size) SP_MUST_CHECK;

#endif
