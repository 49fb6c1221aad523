/* SPDX-License-Identifier: Apache-2.0 */
#include "packs.h"

#define LIMIT ((size_t)1 << 20)

static const char text[] = "0123456789";

static struct sp_packs open_packs(struct fixture *f)
{
    struct sp_packs packs;
    assert_ok(f, sp_packs_open(f->pool, scratch_path(f, "objects"), &packs, &f->err));
    return packs;
}

static void assert_object(struct fixture *f, const struct sp_packs *packs, unsigned number,
                          const char *expected)
{
    struct sp_object object;
    assert_ok(f, sp_packs_read(packs, id_of(number), LIMIT, &object, &f->err));
    assert_int_equal(object.type, BLOB);
    assert_int_equal(object.size, strlen(expected));
    assert_string_equal(object.data, expected);
    free(object.data);
    assert_ok(f, sp_packs_read_header(packs, id_of(number), &object, &f->err));
    assert_int_equal(object.type, BLOB);
    assert_int_equal(object.size, strlen(expected));
    assert_null(object.data);
}

static void assert_refused(struct fixture *f, const struct sp_packs *packs, unsigned number,
                           const char *why)
{
    struct sp_object object = {0};
    assert_fails(f, sp_packs_read(packs, id_of(number), LIMIT, &object, &f->err), SP_ERROR_REFUSED,
                 why);
    assert_null(object.data);
}

/* Objects as they are, and deltas upon deltas, by offset and by name, before and after the base. */
static void fill(struct packer *packer)
{
    packer_name_delta(packer, 5, 1, "\x0a\x03\x90\x03", 4);
    size_t at = packer_blob(packer, 1, text, 10);
    at = packer_offset_delta(packer, 2, at, "\x0a\x04\x91\x02\x02\x02xy", 8);
    packer_offset_delta(packer, 3, at, "\x04\x08\x90\x04\x90\x04", 6);
    packer_name_delta(packer, 4, 3, "\x08\x01\x91\x07\x01", 5);
    packer_blob(packer, 300, "", 0);
}

static void check_filled(struct fixture *f)
{
    const struct sp_packs packs = open_packs(f);
    assert_object(f, &packs, 1, text);
    assert_object(f, &packs, 2, "23xy");
    assert_object(f, &packs, 3, "23xy23xy");
    assert_object(f, &packs, 4, "y");
    assert_object(f, &packs, 5, "012");
    assert_object(f, &packs, 300, "");
}

TEST_IN_DIR(objects)
{
    static const enum index_kind kinds[] = {FIRST_VERSION, SECOND_VERSION, LARGE_OFFSETS};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct packer *packer = packer_new(f);
        fill(packer);
        packer_write(f, packer, kinds[i], "pack-a");
        check_filled(f);
    }
}

TEST_IN_DIR(types)
{
    struct packer *packer = packer_new(f);
    for (unsigned type = 0; type < 6; type++) {
        packer_begin(packer, id_of(type), type, 10);
        packer_data(packer, text, 10);
    }
    packer_write(f, packer, SECOND_VERSION, "pack-a");
    const struct sp_packs packs = open_packs(f);
    for (unsigned type = 1; type <= 4; type++) {
        struct sp_object object;
        assert_ok(f, sp_packs_read(&packs, id_of(type), LIMIT, &object, &f->err));
        assert_int_equal(object.type, type);
        free(object.data);
    }
    assert_refused(f, &packs, 0, "has no type");
    assert_refused(f, &packs, 5, "has no type");
}

TEST_IN_DIR(not_there)
{
    struct sp_object object;
    struct sp_packs packs = open_packs(f); /* there is no such directory */
    assert_int_equal(sp_packs_read(&packs, id_of(1), LIMIT, &object, &f->err), 1);
    struct packer *packer = packer_new(f);
    fill(packer);
    packer_write(f, packer, SECOND_VERSION, "pack-a");
    packs = open_packs(f);
    for (unsigned number = 6; number < 600; number += 11) {
        assert_int_equal(sp_packs_read(&packs, id_of(number), LIMIT, &object, &f->err), 1);
        assert_int_equal(sp_packs_read_header(&packs, id_of(number), &object, &f->err), 1);
    }
    scratch_unlink(f, "objects/pack/pack-a.idx"); /* repacked meanwhile */
    assert_int_equal(sp_packs_read(&packs, id_of(1), LIMIT, &object, &f->err), 1);
}

TEST_IN_DIR(several_packs)
{
    for (unsigned number = 0; number < 5; number++) {
        struct packer *packer = packer_new(f);
        packer_blob(packer, number, text + number, 10 - number);
        packer_write(f, packer, SECOND_VERSION, sp_pool_printf(f->pool, "pack-%u", number));
    }
    scratch_puts(f, "objects/pack/pack-x.idx", "of a pack that is not there");
    scratch_puts(f, "objects/pack/pack-y.keep", "");
    const struct sp_packs packs = open_packs(f);
    assert_int_equal(packs.names.count, 5);
    for (unsigned number = 0; number < 5; number++)
        assert_object(f, &packs, number, text + number);
}

TEST_IN_DIR(too_many_packs)
{
    struct sp_packs packs;
    static const char *const endings[] = {"pack", "idx"};
    struct packer *packer = packer_new(f);
    packer_blob(packer, 1, text, 10);
    packer_write(f, packer, SECOND_VERSION, "pack-a");
    for (int i = 1; i < 1001; i++) {
        if (i == 1000)
            open_packs(f);
        for (size_t e = 0; e < COUNT(endings); e++)
            assert_int_equal(
                link(scratch_path(f, sp_pool_printf(f->pool, "objects/pack/pack-a.%s", endings[e])),
                     scratch_path(
                         f, sp_pool_printf(f->pool, "objects/pack/pack-%d.%s", i, endings[e]))),
                0);
    }
    assert_fails(f, sp_packs_open(f->pool, scratch_path(f, "objects"), &packs, &f->err),
                 SP_ERROR_REFUSED, "more than 1000 git packs");
}

/* git, and libgit2, follow these until there is no memory, or forever. */
TEST_IN_DIR(circles)
{
    struct packer *packer = packer_new(f);
    packer_name_delta(packer, 1, 1, "\x03\x03\x03xyz", 6);
    packer_name_delta(packer, 2, 3, "\x03\x03\x03xyz", 6);
    packer_name_delta(packer, 3, 2, "\x03\x03\x03xyz", 6);
    packer_write(f, packer, SECOND_VERSION, "pack-a");
    const struct sp_packs packs = open_packs(f);
    for (unsigned number = 1; number <= 3; number++) {
        struct sp_object object;
        assert_refused(f, &packs, number, "made from itself");
        assert_fails(f, sp_packs_read_header(&packs, id_of(number), &object, &f->err),
                     SP_ERROR_REFUSED, "made from itself");
    }
}

/* As long as git makes them, and one more. */
TEST_IN_DIR(long_chain)
{
    struct packer *packer = packer_new(f);
    size_t at = packer_blob(packer, 0, text, 10);
    for (unsigned number = 1; number <= 4096; number++)
        at = packer_offset_delta(packer, number, at, "\x0a\x0a\x91\x01\x09\x01!", 7);
    packer_write(f, packer, SECOND_VERSION, "pack-a");
    const struct sp_packs packs = open_packs(f);
    assert_object(f, &packs, 4095, "!!!!!!!!!!");
    assert_refused(f, &packs, 4096, "too many others");
}

TEST_IN_DIR(bases)
{
    struct packer *packer = packer_new(f);
    packer_name_delta(packer, 1, 9, "\x0a\x01\x01x", 4);                  /* of nothing */
    packer_offset_delta(packer, 2, packer->pack.len, "\x0a\x01\x01x", 4); /* of itself */
    packer_offset_delta(packer, 3, 11, "\x0a\x01\x01x", 4);               /* before the first */
    packer_offset_delta(packer, 4, packer->pack.len + 50, "\x0a\x01\x01x", 4);
    packer_begin(packer, id_of(5), OFFSET_DELTA, 4);
    sp_buffer_add(&packer->pack, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 13);
    packer_begin(packer, id_of(6), NAME_DELTA, 4); /* the pack ends */
    packer_write(f, packer, SECOND_VERSION, "pack-a");
    const struct sp_packs packs = open_packs(f);
    assert_refused(f, &packs, 1, "its base is not in the pack");
    for (unsigned number = 2; number <= 6; number++)
        assert_refused(f, &packs, number, "it has no base");
}

TEST_IN_DIR(sizes)
{
    struct packer *packer = packer_new(f);
    char *zeros = sp_pool_alloc(f->pool, LIMIT + 1);
    memset(zeros, 0, LIMIT + 1);
    packer_blob(packer, 1, zeros, LIMIT + 1);
    size_t at = packer_blob(packer, 2, zeros, LIMIT);
    packer_offset_delta(packer, 3, at, "\x80\x80\x40\x80\x80\x80\x80\x08\x80\x80\x80", 11);
    packer_begin(packer, id_of(4), BLOB, UINT64_MAX);
    packer_data(packer, text, 10);
    packer_begin(packer, id_of(5), BLOB, 11);
    packer_data(packer, text, 10);
    packer_begin(packer, id_of(6), BLOB, 9);
    packer_data(packer, text, 10);
    packer_begin(packer, id_of(7), BLOB, 10);
    sp_buffer_add(&packer->pack, "what is not compressed at all", 29);
    packer_begin(packer, id_of(8), BLOB, 100);
    sp_buffer_add(&packer->pack, "\x9f\xff\xff", 3);
    packer_write(f, packer, SECOND_VERSION, "pack-a");
    const struct sp_packs packs = open_packs(f);
    struct sp_object object;
    assert_refused(f, &packs, 1, "too large");
    assert_ok(f, sp_packs_read(&packs, id_of(2), LIMIT, &object, &f->err));
    assert_memory_equal(object.data, zeros, LIMIT);
    free(object.data);
    assert_refused(f, &packs, 3, "too large");
    assert_refused(f, &packs, 4, "");
    assert_refused(f, &packs, 5, "shorter than its header says");
    assert_refused(f, &packs, 6, "longer than its header says");
    assert_refused(f, &packs, 7, "make no sense");
    assert_refused(f, &packs, 8, "is damaged");
}

/* A chain in which each copies a mebibyte: more than half a gibibyte is not copied. */
TEST_IN_DIR(work)
{
    struct packer *packer = packer_new(f);
    char *zeros = sp_pool_alloc(f->pool, LIMIT);
    memset(zeros, 0, LIMIT);
    size_t at = packer_blob(packer, 0, zeros, LIMIT);
    struct sp_buffer delta = SP_BUFFER_INIT;
    sp_buffer_add(&delta, "\x80\x80\x40\x80\x80\x40", 6);
    for (unsigned i = 0; i < 16; i++)
        sp_buffer_putc(&delta, '\x80');
    for (unsigned number = 1; number <= 513; number++)
        at = packer_offset_delta(packer, number, at, delta.data, delta.len);
    sp_buffer_free(&delta);
    packer_write(f, packer, SECOND_VERSION, "pack-a");
    const struct sp_packs packs = open_packs(f);
    struct sp_object object;
    assert_ok(f, sp_packs_read(&packs, id_of(20), LIMIT, &object, &f->err));
    assert_memory_equal(object.data, zeros, LIMIT);
    free(object.data);
    assert_refused(f, &packs, 513, "too large");
}

TEST_IN_DIR(prefixes)
{
    struct packer *packer = packer_new(f), *other = packer_new(f);
    packer_blob(packer, 0x1234, text, 1);
    packer_blob(packer, 0x1235, text, 2);
    packer_blob(packer, 0xff00, text, 3);
    packer_blob(other, 0x1300, text, 4);
    packer_blob(other, 0xff00, text, 3);
    packer_write(f, packer, SECOND_VERSION, "pack-a");
    packer_write(f, other, FIRST_VERSION, "pack-b");
    const struct sp_packs packs = open_packs(f);
    static const struct {
        unsigned prefix;
        size_t digits;
        unsigned found; /* 0: none */
        bool several;
    } vectors[] = {
        {0x1234, 4, 0x1234, false},  {0x1230, 3, 0x1234, true}, {0x1300, 3, 0x1300, false},
        {0x1000, 2, 0, false},       {0x1200, 2, 0x1234, true}, {0xff00, 2, 0xff00, false},
        {0xff00, 40, 0xff00, false}, {0x1236, 4, 0, false},     {0x1300, 2, 0x1300, false}};
    for (size_t i = 0; i < COUNT(vectors); i++) {
        unsigned char id[SP_OBJECT_ID];
        bool several;
        int rc = sp_packs_find(&packs, id_of(vectors[i].prefix), vectors[i].digits, id, &several,
                               &f->err);
        assert_int_equal(rc, vectors[i].found ? 0 : 1);
        assert_int_equal(several, vectors[i].several);
        if (vectors[i].found && !several)
            assert_memory_equal(id, id_of(vectors[i].found), SP_OBJECT_ID);
    }
}

/* Whatever is asked of a pack and an index with any damage is answered, or refused. */
static void ask_everything(struct fixture *f)
{
    struct sp_packs packs;
    struct sp_pool *pool = sp_pool_new();
    int rc = sp_packs_open(pool, scratch_path(f, "objects"), &packs, &f->err);
    for (unsigned number = 0; rc == 0 && number < 400; number += number < 6 ? 1 : 294) {
        struct sp_object object;
        unsigned char id[SP_OBJECT_ID];
        bool several;
        if (sp_packs_read(&packs, id_of(number), LIMIT, &object, &f->err) == 0) {
            assert_int_equal(object.data[object.size], 0);
            free(object.data);
        }
        if (sp_error_is_set(&f->err))
            assert_int_equal(f->err.kind, SP_ERROR_REFUSED);
        sp_error_clear(&f->err);
        if (sp_packs_read_header(&packs, id_of(number), &object, &f->err) < 0)
            sp_error_clear(&f->err);
        if (sp_packs_find(&packs, id_of(number), 3, id, &several, &f->err) < 0)
            sp_error_clear(&f->err);
    }
    if (rc < 0)
        assert_int_equal(f->err.kind, SP_ERROR_REFUSED);
    sp_error_clear(&f->err);
    sp_pool_free(pool);
}

TEST_IN_DIR(every_cut_and_every_bit)
{
    static const char *const names[] = {"objects/pack/pack-a.pack", "objects/pack/pack-a.idx"};
    struct packer *packer = packer_new(f);
    fill(packer);
    packer_write(f, packer, SECOND_VERSION, "pack-a");
    for (size_t n = 0; n < COUNT(names); n++) {
        struct sp_bytes good = scratch_slurp(f, scratch_path(f, names[n]));
        char *bad = sp_pool_memdup(f->pool, good.data, good.len);
        /* most of an index is its first table: a part of the places in it is enough */
        for (size_t at = 0; at < good.len; at += n && at > 16 && at < 1000 ? 41 : 1) {
            for (unsigned bit = 0; bit < 8; bit++) {
                bad[at] = (char)(good.data[at] ^ 1 << bit);
                scratch_write(f, names[n], bad, good.len);
                ask_everything(f);
            }
            bad[at] = good.data[at];
            scratch_write(f, names[n], good.data, at);
            ask_everything(f);
        }
        scratch_write(f, names[n], good.data, good.len);
    }
    check_filled(f);
}

TEST_IN_DIR(not_a_file)
{
    static const char *const names[] = {"objects/pack/pack-a.pack", "objects/pack/pack-a.idx"};
    struct sp_packs packs;
    for (size_t n = 0; n < COUNT(names); n++) {
        struct packer *packer = packer_new(f);
        fill(packer);
        packer_write(f, packer, SECOND_VERSION, "pack-a");
        scratch_unlink(f, names[n]);
        assert_int_equal(mkfifo(scratch_path(f, names[n]), 0600), 0);
        assert_fails(f, sp_packs_open(f->pool, scratch_path(f, "objects"), &packs, &f->err),
                     SP_ERROR_REFUSED, "damaged");
        scratch_unlink(f, names[n]);
    }
}
