/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json.h"

#include <limits.h>

#include "support.h"

static void test_document(void **state)
{
    (void)state;
    struct sp_buffer out = SP_BUFFER_INIT;
    struct sp_json json;
    sp_json_init(&json, &out);
    sp_json_object(&json);
    sp_json_key(&json, "schema");
    sp_json_number(&json, 1);
    sp_json_pair(&json, "name", "nova");
    sp_json_pair(&json, "path", NULL);
    sp_json_key(&json, "files");
    sp_json_array(&json);
    sp_json_object(&json);
    sp_json_key(&json, "ok");
    sp_json_bool(&json, true);
    sp_json_end_object(&json);
    sp_json_object(&json);
    sp_json_end_object(&json);
    sp_json_array(&json);
    sp_json_end_array(&json);
    sp_json_bool(&json, false);
    sp_json_number(&json, -5);
    sp_json_end_array(&json);
    sp_json_key(&json, "last");
    sp_json_object(&json);
    sp_json_pair(&json, "a", "b");
    sp_json_end_object(&json);
    sp_json_end_object(&json);
    sp_json_finish(&json);
    assert_string_equal(sp_buffer_str(&out), "{\n"
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
    sp_buffer_free(&out);
}

static void test_strings(void **state)
{
    (void)state;
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

static void test_keys_are_escaped(void **state)
{
    (void)state;
    struct sp_buffer out = SP_BUFFER_INIT;
    struct sp_json json;
    sp_json_init(&json, &out);
    sp_json_object(&json);
    sp_json_pair(&json, "a\n\"", "x");
    sp_json_end_object(&json);
    assert_string_equal(sp_buffer_str(&out), "{\n  \"a\\n\\\"\": \"x\"\n}");
    sp_buffer_free(&out);
}

static void test_numbers(void **state)
{
    (void)state;
    struct sp_buffer out = SP_BUFFER_INIT;
    struct sp_json json;
    sp_json_init(&json, &out);
    sp_json_array(&json);
    sp_json_number(&json, LLONG_MAX);
    sp_json_number(&json, LLONG_MIN);
    sp_json_end_array(&json);
    assert_string_equal(sp_buffer_str(&out),
                        "[\n  9223372036854775807,\n  -9223372036854775808\n]");
    sp_buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_document),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_keys_are_escaped),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
