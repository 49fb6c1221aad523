/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json.h"

#include <limits.h>

#include "support.h"

struct written {
    struct sp_buffer out;
    struct sp_json json;
};

static void set_up_json(struct fixture *f)
{
    struct written *w = f->own = sp_pool_alloc(f->pool, sizeof(*w));
    sp_json_init(&w->json, &w->out);
}

static void free_json(struct fixture *f)
{
    struct written *w = f->own;
    sp_buffer_free(&w->out);
}

/* The body sees `w`: a document that nothing was written to, and its text. */
#define TEST_ON_JSON(name) TEST_WITH(name, struct written *w, set_up_json, free_json)

TEST_ON_JSON(document)
{
    sp_json_object(&w->json);
    sp_json_key(&w->json, "schema");
    sp_json_number(&w->json, 1);
    sp_json_pair(&w->json, "name", "nova");
    sp_json_pair(&w->json, "path", NULL);
    sp_json_key(&w->json, "files");
    sp_json_array(&w->json);
    sp_json_object(&w->json);
    sp_json_key(&w->json, "ok");
    sp_json_bool(&w->json, true);
    sp_json_end_object(&w->json);
    sp_json_object(&w->json);
    sp_json_end_object(&w->json);
    sp_json_array(&w->json);
    sp_json_end_array(&w->json);
    sp_json_bool(&w->json, false);
    sp_json_number(&w->json, -5);
    sp_json_end_array(&w->json);
    sp_json_key(&w->json, "last");
    sp_json_object(&w->json);
    sp_json_pair(&w->json, "a", "b");
    sp_json_end_object(&w->json);
    sp_json_end_object(&w->json);
    sp_json_finish(&w->json);
    assert_string_equal(sp_buffer_str(&w->out), "{\n"
                                                "  \"schema\": 1,\n"
                                                "  \"name\": \"nova\",\n"
                                                "  \"path\": null,\n"
                                                "  \"files\": [\n"
                                                "    {\n"
                                                "      \"ok\": true\n"
                                                "    },\n"
                                                "    {},\n"
                                                "    [],\n"
                                                "    false,\n"
                                                "    -5\n"
                                                "  ],\n"
                                                "  \"last\": {\n"
                                                "    \"a\": \"b\"\n"
                                                "  }\n"
                                                "}\n");
}

TEST(strings)
{
    static const struct {
        const char *in, *out;
    } vectors[] = {
        {"", "\"\"\n"},
        {"a\"b\\c/d", "\"a\\\"b\\\\c/d\"\n"},
        {"\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"\n"},
        {"\x01\x1b\x1f\x7f", "\"\\u0001\\u001b\\u001f\\u007f\"\n"},
        {"\xc2\x80\xc2\x9f\xc2\xa0", "\"\\u0080\\u009f\xc2\xa0\"\n"},
        {"\xc3\xa9\xf0\x9f\x98\x80", "\"\xc3\xa9\xf0\x9f\x98\x80\"\n"},
        {"a\xff\xfe"
         "b\xc3",
         "\"a\xef\xbf\xbd\xef\xbf\xbd"
         "b\xef\xbf\xbd\"\n"},
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"\n"},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct sp_buffer out = SP_BUFFER_INIT;
        struct sp_json json;
        sp_json_init(&json, &out);
        sp_json_string(&json, vectors[i].in);
        sp_json_finish(&json);
        assert_string_equal(sp_buffer_str(&out), vectors[i].out);
        sp_buffer_free(&out);
    }
}

TEST_ON_JSON(keys_are_escaped)
{
    sp_json_object(&w->json);
    sp_json_pair(&w->json, "a\n\"", "x");
    sp_json_end_object(&w->json);
    assert_string_equal(sp_buffer_str(&w->out), "{\n  \"a\\n\\\"\": \"x\"\n}");
}

TEST_ON_JSON(numbers)
{
    sp_json_array(&w->json);
    sp_json_number(&w->json, LLONG_MAX);
    sp_json_number(&w->json, LLONG_MIN);
    sp_json_end_array(&w->json);
    assert_string_equal(sp_buffer_str(&w->out),
                        "[\n  9223372036854775807,\n  -9223372036854775808\n]");
}
