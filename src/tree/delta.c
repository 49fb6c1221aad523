/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/delta.h"

#include <string.h>

/* Seven bits a byte, the lowest first; the eighth says that there are more. */
static bool get_size(struct sp_bytes delta, size_t *at, size_t *out)
{
    *out = 0;
    for (unsigned shift = 0; *at < delta.len && shift < 57; shift += 7) {
        unsigned char byte = (unsigned char)delta.data[(*at)++];
        *out |= (size_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

bool sp_delta_sizes(struct sp_bytes delta, size_t *base, size_t *result, size_t *used)
{
    *used = 0;
    return get_size(delta, used, base) && get_size(delta, used, result);
}

/* The bytes of a number of which only those are there that have a bit in mask. */
static bool get_bytes(struct sp_bytes delta, size_t *at, unsigned mask, unsigned count, size_t *out)
{
    *out = 0;
    for (unsigned i = 0; i < count; i++)
        if (mask >> i & 1) {
            if (*at >= delta.len)
                return false;
            *out |= (size_t)(unsigned char)delta.data[(*at)++] << 8 * i;
        }
    return true;
}

bool sp_delta_apply(struct sp_bytes base, struct sp_bytes delta, unsigned char *out)
{
    size_t base_len, size, at, done = 0;
    if (!sp_delta_sizes(delta, &base_len, &size, &at) || base_len != base.len)
        return false;
    while (at < delta.len) {
        unsigned char code = (unsigned char)delta.data[at++];
        size_t offset, len = code;
        const char *from;
        if (code & 0x80) { /* copy from the base */
            if (!get_bytes(delta, &at, code & 0x0f, 4, &offset) ||
                !get_bytes(delta, &at, code >> 4 & 0x07, 3, &len))
                return false;
            len = len ? len : 0x10000;
            if (offset > base.len || len > base.len - offset)
                return false;
            from = base.data + offset;
        } else { /* what follows; 0 is reserved */
            if (len == 0 || len > delta.len - at)
                return false;
            from = delta.data + at;
            at += len;
        }
        if (len > size - done)
            return false;
        memcpy(out + done, from, len);
        done += len;
    }
    return done == size;
}
