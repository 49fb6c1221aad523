/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes are a git pack, with an index that leads anywhere in it: every object is read or
 * refused, soon, and what its header promises is what it is.
 *
 * The first byte is the number of objects, then come two bytes for where each one begins; what is
 * left is the pack behind its header. */
#include <string.h>
#include <sys/stat.h>

#include "place.h"
#include "tree/pack.h"

enum {
    MAX_OBJECTS = 8,
    LIMIT = 1 << 16
};

static const char *const names[] = {"pack/a.pack", "pack/a.idx", NULL};

static void put32(unsigned char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> (24 - 8 * i));
}

/* The ids are 0101..., 0202..., so that a delta can name them. */
static size_t make_index(unsigned char *out, unsigned count, const uint8_t *offsets)
{
    unsigned char *at = out + 8;
    memcpy(out, "\377tOc\0\0\0\2", 8);
    for (unsigned first = 0; first < 256; first++, at += 4)
        put32(at, first < count ? first : count);
    for (unsigned i = 1; i <= count; i++, at += SP_OBJECT_ID)
        memset(at, (int)i, SP_OBJECT_ID);
    memset(at, 0, 4 * (size_t)count);
    at += 4 * (size_t)count;
    for (unsigned i = 0; i < count; i++, at += 4)
        put32(at, (uint32_t)(offsets[2 * i] << 8 | offsets[2 * i + 1]));
    memset(at, 'S', 40);
    return (size_t)(at - out) + 40;
}

static void ask(const struct sp_packs *packs, unsigned number)
{
    struct sp_error err = SP_ERROR_INIT;
    struct sp_object object, header;
    unsigned char id[SP_OBJECT_ID];
    memset(id, (int)number, sizeof(id));
    int rc = sp_packs_read(packs, id, LIMIT, &object, &err);
    CHECK(rc <= 0);
    if (rc < 0) {
        CHECK(err.kind == SP_ERROR_REFUSED);
    } else {
        CHECK(object.type >= 1 && object.type <= 4 && object.size <= LIMIT);
        CHECK(object.data[object.size] == '\0');
        CHECK(sp_packs_read_header(packs, id, &header, &err) == 0);
        CHECK(header.type == object.type && header.size == object.size && !header.data);
        free(object.data);
    }
    sp_error_clear(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char pack[12 + 65536 + 20], index[2048];
    unsigned count = size ? data[0] % (MAX_OBJECTS + 1) : 0;
    if (size < 1 + 2 * count || size > 65536)
        return 0;
    place_open(names);
    mkdirat(place_fd, "pack", 0700);
    const uint8_t *rest = data + 1 + 2 * count;
    size_t len = size - 1 - 2 * count;
    memcpy(pack, "PACK\0\0\0\2", 8);
    put32(pack + 8, count);
    memcpy(pack + 12, rest, len);
    memset(pack + 12 + len, 'S', 20);
    place_put(names[0], pack, 12 + len + 20);
    place_put(names[1], index, make_index(index, count, data + 1));

    struct sp_pool *pool = sp_pool_new();
    struct sp_error err = SP_ERROR_INIT;
    struct sp_packs packs;
    CHECK(sp_packs_open(pool, place_path, &packs, &err) == 0);
    for (unsigned number = 1; number <= count; number++)
        ask(&packs, number);
    sp_pool_free(pool);
    return 0;
}
