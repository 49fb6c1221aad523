/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "tree/delta.h"

/* The examples are written by hand after gitformat-pack(5). */
#define BYTES(text) ((struct sp_bytes){(text), sizeof(text) - 1})
#define BASE        BYTES("0123456789")

static void assert_makes(struct sp_bytes base, struct sp_bytes delta, struct sp_bytes expected)
{
    size_t base_len, len, used;
    assert_true(sp_delta_sizes(delta, &base_len, &len, &used));
    assert_int_equal(len, expected.len);
    char *out = sp_xmalloc(len + 1);
    assert_true(sp_delta_apply(base, delta, (unsigned char *)out));
    assert_memory_equal(out, expected.data, len);
    free(out);
}

static void assert_refuses(struct sp_bytes base, struct sp_bytes delta)
{
    size_t base_len, len, used;
    if (!sp_delta_sizes(delta, &base_len, &len, &used))
        return;
    assert_true(len < 1000000);
    unsigned char *out = sp_xmalloc(len + 1); /* no byte more: a sanitizer sees what is beyond */
    assert_false(sp_delta_apply(base, delta, out));
    free(out);
}

TEST(good)
{
    assert_makes(BASE, BYTES("\x0a\x03\x03xyz"), BYTES("xyz"));
    assert_makes(BASE, BYTES("\x0a\x04\x91\x02\x04"), BYTES("2345"));
    assert_makes(BASE, BYTES("\x0a\x04\x90\x04"), BYTES("0123")); /* no offset: from the start */
    assert_makes(BASE, BYTES("\x0a\x06\x91\x08\x02\x02--\x91\x00\x02"), BYTES("89--01"));
    assert_makes(BASE, BYTES("\x0a\x00"), BYTES(""));
    assert_makes(BYTES(""), BYTES("\x00\x01\x01x"), BYTES("x"));
}

TEST(long)
{
    enum {
        LEN = 0x20001
    };
    char *base = sp_xmalloc(LEN);
    for (size_t i = 0; i < LEN; i++)
        base[i] = (char)(i * 7 + i / 256);
    const struct sp_bytes complete = {base, LEN};
    /* no length is 65536; an offset of three bytes, a length of two */
    assert_makes(complete, BYTES("\x81\x80\x08\x80\x80\x04\x80"), (struct sp_bytes){base, 0x10000});
    assert_makes(complete, BYTES("\x81\x80\x08\x80\x02\xb7\x01\xff\x01\x00\x01"),
                 (struct sp_bytes){base + 0x1ff01, 0x100});
    assert_refuses(complete, BYTES("\x81\x80\x08\x80\x02\xb7\x02\xff\x01\x00\x01"));
    free(base);
}

TEST(damaged)
{
    assert_refuses(BASE, BYTES(""));
    assert_refuses(BASE, BYTES("\x0a"));
    assert_refuses(BASE, BYTES("\x8a"));
    assert_refuses(BASE, BYTES("\x09\x01\x01x"));                    /* for another base */
    assert_refuses(BASE, BYTES("\x0a\x01\x00"));                     /* reserved */
    assert_refuses(BASE, BYTES("\x0a\x03\x03xy"));                   /* cut off */
    assert_refuses(BASE, BYTES("\x0a\x04\x91\x02"));                 /* cut off */
    assert_refuses(BASE, BYTES("\x0a\x04\x91"));                     /* cut off */
    assert_refuses(BASE, BYTES("\x0a\x02\x03xyz"));                  /* longer than it says */
    assert_refuses(BASE, BYTES("\x0a\x04\x03xyz"));                  /* shorter than it says */
    assert_refuses(BASE, BYTES("\x0a\x04\x91\x07\x04"));             /* beyond the end */
    assert_refuses(BASE, BYTES("\x0a\x04\x91\x0b\x04"));             /* beyond the end */
    assert_refuses(BASE, BYTES("\x0a\x04\x9f\xff\xff\xff\xff\x04")); /* far beyond */
    assert_refuses(BASE, BYTES("\x0a\x01\x80"));                     /* 65536 of ten */
}

/* A number that no size can hold is no size. */
TEST(sizes)
{
    size_t base, result, used;
    assert_true(sp_delta_sizes(BYTES("\xff\xff\x03\x80\x01rest"), &base, &result, &used));
    assert_int_equal(base, 0xffff);
    assert_int_equal(result, 128);
    assert_int_equal(used, 5);
    assert_false(sp_delta_sizes(BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01"),
                                &base, &result, &used));
    assert_false(sp_delta_sizes(BYTES("\x01\xff\xff"), &base, &result, &used));
}
