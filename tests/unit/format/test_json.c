/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json.h"

#include <limits.h>
#include <stdio.h>

#include "format/yaml.h"
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
        assert_int_equal(json.replaced, strstr(vectors[i].out, "\xef\xbf\xbd") != NULL);
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

/* ---- read by yaml.c ---------------------------------------------------------------------------- */

/* Writes the texts as the keys and the values of a list of objects, and reads them back. */
static void assert_come_back(struct fixture *f, const char *const *texts, size_t count)
{
    struct sp_buffer out = SP_BUFFER_INIT;
    struct sp_json json;
    sp_json_init(&json, &out);
    sp_json_array(&json);
    for (size_t i = 0; i < count; i++) {
        sp_json_object(&json);
        sp_json_pair(&json, texts[i], texts[i]);
        sp_json_end_object(&json);
    }
    sp_json_end_array(&json);
    sp_json_finish(&json);
    struct sp_yaml doc;
    assert_ok(f, sp_yaml_parse(f->pool, "t", (struct sp_bytes){out.data, out.len}, &doc, &f->err));
    assert_int_equal(doc.root->count, count);
    for (size_t i = 0; i < count; i++) {
        const struct sp_yaml_node *map = doc.root->items[i];
        assert_int_equal(map->count, 1);
        assert_string_equal(map->keys[0]->text, texts[i]);
        assert_string_equal(map->items[0]->text, texts[i]);
        assert_false(map->items[0]->plain); /* "1" and "true" stay texts */
    }
    sp_buffer_free(&out);
}

TEST(hostile_texts_come_back)
{
    static const char *const texts[] = {"",
                                        " ",
                                        "true",
                                        "False",
                                        "NULL",
                                        "yes",
                                        "No",
                                        "y",
                                        "off",
                                        "~",
                                        "1",
                                        "0x1f",
                                        "-1",
                                        "+1",
                                        "1e3",
                                        ".5",
                                        ".inf",
                                        "2016-10-06",
                                        "<<",
                                        "=",
                                        "-",
                                        "- a",
                                        "--- a",
                                        "...",
                                        "?",
                                        "? a",
                                        ":",
                                        "a: b",
                                        "a:b",
                                        "a:",
                                        ": a",
                                        "a #b",
                                        "#a",
                                        "a#b",
                                        "[a]",
                                        "{a}",
                                        "a, b",
                                        "&a",
                                        "*a",
                                        "!a",
                                        "|",
                                        ">",
                                        "'",
                                        "''",
                                        "\"",
                                        "\\",
                                        "\\n",
                                        "%a",
                                        "@a",
                                        "`a",
                                        " a",
                                        "a ",
                                        "a\nb",
                                        "a\n",
                                        "\n",
                                        "\na",
                                        "a\n\n",
                                        " a\n b",
                                        "a\tb",
                                        "\t",
                                        "a\r\nb",
                                        "\x01\x1b\x7f",
                                        "\xc2\x85",
                                        "\xc2\xa0",
                                        "\xe2\x80\xa8",
                                        "\xef\xbb\xbf",
                                        "\xef\xbb\xbf"
                                        "a",
                                        "\xef\xbf\xbe",
                                        "\xc3\xa9",
                                        "\xf0\x9f\x98\x80",
                                        "\xf4\x8f\xbf\xbf",
                                        "\xc2\x80",
                                        "\xc2\x9f",
                                        "\xe2\x80\xa9",
                                        "\xef\xbf\xbf",
                                        "\xee\x80\x80",
                                        "\xef\xbf\xbd",
                                        "\xf0\x9f\xbf\xbe",
                                        "\xe2\x80\xae",
                                        "%YAML 1.1",
                                        "\n%TAG ! x",
                                        "\xe2\x80\xa8%TAG ! x",
                                        "\\u0041\\",
                                        "</script>",
                                        "1_000",
                                        "0o17",
                                        ".nan",
                                        "null",
                                        "plain",
                                        "/usr/lib/python2.7",
                                        "C:\\x",
                                        "a'b\"c",
                                        "^libvirt = \\[$",
                                        "0123456789abcdef0123456789abcdef01234567"};
    assert_come_back(f, texts, COUNT(texts));
}

/* As a value: YAML limits a key of a flow mapping to 1024 characters (YAML 1.1, section 9.3.2). */
TEST(long_texts_come_back)
{
    struct sp_buffer text = SP_BUFFER_INIT, out = SP_BUFFER_INIT;
    for (int i = 0; i < 20000; i++)
        sp_buffer_puts(&text, i % 7 ? "word' " : " \n\"\\ \xc3\xa9 ");
    struct sp_json json;
    sp_json_init(&json, &out);
    sp_json_object(&json);
    sp_json_pair(&json, "key", sp_buffer_str(&text));
    sp_json_end_object(&json);
    struct sp_yaml doc;
    assert_ok(f, sp_yaml_parse(f->pool, "t", (struct sp_bytes){out.data, out.len}, &doc, &f->err));
    assert_string_equal(sp_yaml_get(doc.root, "key")->text, text.data);
    sp_buffer_free(&text);
    sp_buffer_free(&out);
}

/* Appends the code point as UTF-8 (RFC 3629, section 3). */
static void put_utf8(struct sp_buffer *out, unsigned code)
{
    if (code < 0x80) {
        sp_buffer_printf(out, "%c", (int)code);
        return;
    }
    int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned char first[] = {0, 0xc0, 0xe0, 0xf0};
    sp_buffer_printf(out, "%c", (int)(first[more] | code >> (6 * more)));
    while (more-- > 0)
        sp_buffer_printf(out, "%c", (int)(0x80 | (code >> (6 * more) & 0x3f)));
}

/* Every character that is one: all of the first plane, and the edges of the others. */
TEST(every_character_comes_back)
{
    struct sp_buffer text = SP_BUFFER_INIT;
    const char *texts[0x110000 / 0x800];
    size_t count = 0;
    for (unsigned code = 1; code < 0x110000; code++) {
        if ((code >= 0xd800 && code < 0xe000) || (code > 0x10100 && (code + 16) % 0x10000 > 32))
            continue;
        put_utf8(&text, code);
        if (text.len > 600) {
            texts[count++] = sp_pool_strdup(f->pool, sp_buffer_str(&text));
            text.len = 0;
        }
    }
    texts[count++] = sp_pool_strdup(f->pool, sp_buffer_str(&text));
    assert_come_back(f, texts, count);
    sp_buffer_free(&text);
}
