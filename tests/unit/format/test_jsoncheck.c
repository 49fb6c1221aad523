/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "format/jsoncheck.h"

TEST(objects)
{
    static const char *const good[] = {
        "{}",
        " \t\r\n{ }\n",
        "{\"a\":1}",
        "{\"a\" : -0.5e+10 , \"b\":[], \"c\":{}, \"d\":[1,\"x\",null,true,false,[[{}]]]}",
        "{\"\":\"\\u00e9\\\"\\\\\\/\\b\\f\\n\\r\\t sm\xc3\xb6r\"}",
        "{\"a\":[{\"b\":[{\"c\":[]}]},0]}",
    };
    static const char *const bad[] = {
        "",
        " ",
        "[]",
        "1",
        "\"a\"",
        "null",
        "{",
        "}",
        "{}}",
        "{}{}",
        "{} x",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":1,}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":[",
        "{\"a\":[1}",
        "{\"a\":[,",
        "{\"a\":[1,]}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":-",
        "{\"a\":1e}",
        "{\"a\":+1}",
        "{\"a\":tru}",
        "{\"a\":\"x",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":\"\\u12",
        "{\"a\":\"\n\"}",
        "{\"\xff\":1}",
        "{\"a\":\"\\",
        "{1:2}",
        "{\"a\":NaN}",
        "\xef\xbb\xbf{}",
    };
    for (size_t i = 0; i < COUNT(good); i++)
        if (!sp_json_is_object(SP_BYTES_STR(good[i])))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < COUNT(bad); i++)
        if (sp_json_is_object(SP_BYTES_STR(bad[i])))
            fail_msg("taken: %s", bad[i]);
    assert_false(sp_json_is_object((struct sp_bytes){"{}\0", 3}));
    assert_false(sp_json_is_object((struct sp_bytes){NULL, 0}));
}

TEST(depth)
{
    for (size_t depth = SP_JSON_DEPTH - 1; depth <= SP_JSON_DEPTH; depth++) {
        struct sp_buffer text = SP_BUFFER_INIT;
        sp_buffer_puts(&text, "{\"a\":");
        for (size_t i = 0; i < depth; i++)
            sp_buffer_putc(&text, '[');
        for (size_t i = 0; i < depth; i++)
            sp_buffer_putc(&text, ']');
        sp_buffer_putc(&text, '}');
        assert_int_equal(sp_json_is_object((struct sp_bytes){text.data, text.len}),
                         depth + 1 <= SP_JSON_DEPTH);
        sp_buffer_free(&text);
    }
}
