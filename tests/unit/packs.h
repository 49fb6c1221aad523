/* SPDX-License-Identifier: Apache-2.0 */
/* Packs that are put together object by object, so that there can be anything in them. */
#ifndef SP_TEST_PACKS_H
#define SP_TEST_PACKS_H

#include "scratch.h"

#include <zlib.h>

#include "tree/pack.h"

enum {
    BLOB = 3,
    OFFSET_DELTA = 6,
    NAME_DELTA = 7,
    MAX_PACKED = 6000
};

struct packer {
    struct sp_buffer pack;
    size_t count;
    struct packed {
        unsigned char id[SP_OBJECT_ID];
        size_t at;
    } items[MAX_PACKED];
};

/* An id that begins with that number, in order. */
static inline const unsigned char *id_of(unsigned number)
{
    static unsigned char ids[4][SP_OBJECT_ID];
    static unsigned next;
    unsigned char *id = ids[next++ % 4];
    memset(id, 0x55, SP_OBJECT_ID);
    id[0] = (unsigned char)(number >> 8);
    id[1] = (unsigned char)number;
    return id;
}

static inline struct packer *packer_new(struct fixture *f)
{
    struct packer *packer = sp_pool_alloc(f->pool, sizeof(*packer));
    memset(packer, 0, sizeof(*packer));
    sp_buffer_add(&packer->pack, "PACK\0\0\0\2????", 12);
    return packer;
}

/* Type and size; size may be a lie. */
static inline size_t packer_begin(struct packer *packer, const unsigned char *id, unsigned type,
                                  uint64_t size)
{
    size_t at = packer->pack.len;
    unsigned char byte = (unsigned char)(type << 4 | (size & 0x0f));
    size >>= 4;
    while (size) {
        sp_buffer_putc(&packer->pack, (char)(byte | 0x80));
        byte = size & 0x7f;
        size >>= 7;
    }
    sp_buffer_putc(&packer->pack, (char)byte);
    memcpy(packer->items[packer->count].id, id, SP_OBJECT_ID);
    packer->items[packer->count++].at = at;
    return at;
}

static inline void packer_data(struct packer *packer, const void *data, size_t len)
{
    uLongf room = compressBound(len);
    unsigned char *out = sp_xmalloc(room);
    assert_int_equal(compress(out, &room, data, len), Z_OK);
    sp_buffer_add(&packer->pack, out, room);
    free(out);
}

static inline size_t packer_blob(struct packer *packer, unsigned number, const void *data,
                                 size_t len)
{
    size_t at = packer_begin(packer, id_of(number), BLOB, len);
    packer_data(packer, data, len);
    return at;
}

static inline size_t packer_name_delta(struct packer *packer, unsigned number, unsigned base,
                                       const void *delta, size_t len)
{
    size_t at = packer_begin(packer, id_of(number), NAME_DELTA, len);
    sp_buffer_add(&packer->pack, id_of(base), SP_OBJECT_ID);
    packer_data(packer, delta, len);
    return at;
}

/* The base is at that offset, or wherever it leads. */
static inline size_t packer_offset_delta(struct packer *packer, unsigned number, size_t base,
                                         const void *delta, size_t len)
{
    size_t at = packer_begin(packer, id_of(number), OFFSET_DELTA, len), distance = at - base;
    unsigned char bytes[16];
    size_t count = 1;
    bytes[15] = distance & 0x7f;
    while ((distance >>= 7)) {
        count++;
        bytes[16 - count] = (unsigned char)(--distance & 0x7f) | 0x80;
    }
    sp_buffer_add(&packer->pack, bytes + 16 - count, count);
    packer_data(packer, delta, len);
    return at;
}

static inline void put32(struct sp_buffer *out, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        sp_buffer_putc(out, (char)(value >> shift));
}

/* How the index is written. */
enum index_kind {
    FIRST_VERSION,
    SECOND_VERSION,
    LARGE_OFFSETS
};

static inline void packer_index(const struct packer *packer, enum index_kind kind,
                                struct sp_buffer *out)
{
    if (kind != FIRST_VERSION)
        sp_buffer_add(out, "\377tOc\0\0\0\2", 8);
    for (unsigned first = 0; first < 256; first++) {
        uint32_t count = 0;
        for (size_t i = 0; i < packer->count; i++)
            count += packer->items[i].id[0] <= first;
        put32(out, count);
    }
    for (size_t i = 0; i < packer->count; i++) {
        if (kind == FIRST_VERSION)
            put32(out, (uint32_t)packer->items[i].at);
        sp_buffer_add(out, packer->items[i].id, SP_OBJECT_ID);
    }
    for (size_t i = 0; kind != FIRST_VERSION && i < packer->count; i++)
        put32(out, 0); /* checksums, which nobody looks at */
    for (size_t i = 0; kind != FIRST_VERSION && i < packer->count; i++)
        put32(out,
              kind == LARGE_OFFSETS ? (uint32_t)(0x80000000 | i) : (uint32_t)packer->items[i].at);
    for (size_t i = 0; kind == LARGE_OFFSETS && i < packer->count; i++) {
        put32(out, 0);
        put32(out, (uint32_t)packer->items[i].at);
    }
    sp_buffer_add(out, "the sum of the pack.", 20);
    sp_buffer_add(out, "that of this index..", 20);
}

static inline int by_id(const void *a, const void *b)
{
    return memcmp(((const struct packed *)a)->id, ((const struct packed *)b)->id, SP_OBJECT_ID);
}

/* Writes objects/pack/NAME.pack and NAME.idx. */
static inline void packer_write(struct fixture *f, struct packer *packer, enum index_kind kind,
                                const char *name)
{
    struct sp_buffer index = SP_BUFFER_INIT;
    qsort(packer->items, packer->count, sizeof(*packer->items), by_id);
    for (int i = 0; i < 4; i++)
        packer->pack.data[8 + i] = (char)(packer->count >> (24 - 8 * i));
    sp_buffer_add(&packer->pack, "the sum of the pack.", 20);
    packer_index(packer, kind, &index);
    mkdir(scratch_path(f, "objects"), 0700);
    mkdir(scratch_path(f, "objects/pack"), 0700);
    scratch_write(f, sp_pool_printf(f->pool, "objects/pack/%s.pack", name), packer->pack.data,
                  packer->pack.len);
    scratch_write(f, sp_pool_printf(f->pool, "objects/pack/%s.idx", name), index.data, index.len);
    sp_buffer_free(&index);
    sp_buffer_free(&packer->pack);
}

#endif
