/* SPDX-License-Identifier: Apache-2.0 */
#include "format/yaml.h"

#include "support.h"

static int parse(struct fixture *f, const char *text, struct sp_yaml *doc)
{
    return sp_yaml_parse(f->pool, "t.yaml", SP_BYTES_STR(text), doc, &f->err);
}

/* The document in one line: {key: value} [item] plain "quoted". */
static void dump(const struct sp_yaml_node *node, struct sp_buffer *out)
{
    if (node->kind == SP_YAML_SCALAR) {
        assert_int_equal(node->len, strlen(node->text));
        sp_buffer_printf(out, node->plain ? "%s" : "\"%s\"", node->text);
        return;
    }
    bool mapping = node->kind == SP_YAML_MAPPING;
    sp_buffer_putc(out, mapping ? '{' : '[');
    for (size_t i = 0; i < node->count; i++) {
        if (i > 0)
            sp_buffer_puts(out, ", ");
        if (mapping) {
            assert_false(node->used[i]);
            dump(node->keys[i], out);
            sp_buffer_puts(out, ": ");
        }
        dump(node->items[i], out);
    }
    sp_buffer_putc(out, mapping ? '}' : ']');
}

static void assert_parses(struct fixture *f, const char *text, const char *expected)
{
    struct sp_yaml doc;
    assert_ok(f, parse(f, text, &doc));
    struct sp_buffer out = SP_BUFFER_INIT;
    dump(doc.root, &out);
    assert_string_equal(sp_buffer_str(&out), expected);
    sp_buffer_free(&out);
}

TEST(documents_become_trees)
{
    assert_parses(f, "a: 1\nb: [x, 'y', \"z\"]\n", "{a: 1, b: [x, \"y\", \"z\"]}");
    assert_parses(f, "- {a: b}\n- - c\n  - d\n- {}\n- []\n", "[{a: b}, [c, d], {}, []]");
    assert_parses(f, "# only\n--- scalar\n...\n", "scalar");
    assert_parses(f, "a:\nb: ''\n", "{a: , b: \"\"}");
    assert_parses(f, "t: |\n  one\n\n  two\n", "{t: \"one\n\ntwo\n\"}");
    assert_parses(f, "t: '^a\\[$'\n\"\\x41\\u00e9\": 1\n", "{t: \"^a\\[$\", \"A\xc3\xa9\": 1}");
    assert_parses(f,
                  "\xef\xbb\xbf"
                  "a: b",
                  "{a: b}");
    assert_parses(f, "a: '%b'\nc%: |\n %d\n", "{a: \"%b\", c%: \"%d\n\"}");
    assert_parses(f, "? long key\n: value\n", "{long key: value}");
    assert_parses(f, "a: 1\nA: 2\n\"a \": 3\n", "{a: 1, A: 2, \"a \": 3}");
    assert_parses(f, "<<: {a: 1}\n", "{<<: {a: 1}}"); /* no merging */
}

TEST(nodes_know_their_lines)
{
    struct sp_yaml doc;
    assert_ok(f, parse(f, "# c\na: 1\nb:\n  - x\n  - {k: v}\n\xc3\xa9: z\n", &doc));
    assert_string_equal(doc.name, "t.yaml");
    assert_int_equal(doc.root->line, 2);
    assert_int_equal(doc.root->column, 1);
    const struct sp_yaml_node *list = sp_yaml_get(doc.root, "b");
    assert_int_equal(list->line, 4);
    assert_int_equal(list->column, 3);
    const struct sp_yaml_node *value = sp_yaml_get(list->items[1], "k");
    assert_int_equal(value->line, 5);
    assert_int_equal(value->column, 9);
    const struct sp_yaml_node *last = sp_yaml_get(doc.root, "\xc3\xa9");
    assert_int_equal(last->column, 4); /* characters, not bytes */
}

TEST(refusals_are_located)
{
    static const struct {
        const char *text, *message;
    } vectors[] = {
        {"", "t.yaml:1:1: there is no document"},
        {"# comment\n", "t.yaml:2:1: there is no document"},
        {"a: 1\n--- \nb: 2\n", "t.yaml:2:1: more than one document"},
        {"%YAML 1.1\n--- a\n", "t.yaml:1:1: directives are not allowed"},
        {"a\n...\n%TAG ! x\n", "t.yaml:3:1: directives are not allowed"},
        {"# \xe2\x80\xa8%TAG ! x\n", "t.yaml:1:4: directives are not allowed"},
        {"# \xc2\x85%TAG ! x\n", "t.yaml:1:4: directives are not allowed"},
        {"#\r%TAG ! x\n", "t.yaml:1:3: directives are not allowed"},
        {"a: &x 1\n", "t.yaml:1:4: anchors are not allowed"},
        {"a: &x [1]\n", "t.yaml:1:4: anchors are not allowed"},
        {"a: *x\n", "t.yaml:1:4: aliases are not allowed"},
        {"a:\n - !!str x\n", "t.yaml:2:4: tags are not allowed"},
        {"a: !t {}\n", "t.yaml:1:4: tags are not allowed"},
        {"a: ! x\n", "t.yaml:1:4: tags are not allowed"},
        {"? [a]\n: b\n", "t.yaml:1:3: a key must be a scalar"},
        {"? {a: b}\n: b\n", "t.yaml:1:3: a key must be a scalar"},
        {"a: 1\nb: 2\na: 3\nb: 4\n", "t.yaml:3:1: duplicate key 'a'"},
        {"x: {k: 1, 'k': 2}\n", "t.yaml:1:11: duplicate key 'k'"},
        {"\"\\e\": 1\n\"\\e\": 2\n", "t.yaml:2:1: duplicate key '\\x1b'"},
        {"a: \"x\\0y\"\n", "t.yaml:1:4: the text contains a NUL"},
        {"\"k\\0\": 1\n", "t.yaml:1:1: the text contains a NUL"},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct sp_yaml doc;
        assert_fails_exactly(f, parse(f, vectors[i].text, &doc), SP_ERROR_REFUSED,
                             vectors[i].message);
        assert_null(doc.root);
    }
}

/* The wording is libyaml's; the place must be there. */
TEST(what_libyaml_refuses_is_located)
{
    static const struct {
        const char *text, *place;
    } vectors[] = {
        {"a: b: c\n", "t.yaml:1:5: "},
        {"x: 1\na: [1, 2\n", "t.yaml:3:1: "},
        {"a: 'x\n", "t.yaml:2:1: "},
        {"a: @x\n", "t.yaml:1:4: "},
        {"a: 1\n b: 2\n", "t.yaml:2:3: "},
        {"a: \"\\q\"\n", "t.yaml:1:5: "},
        {"x: 1\ny: \xc3\xa9\x80\n", "t.yaml:2:5: "},
        {"x: 1\ny: \x01\n", "t.yaml:2:4: "},
        {"a: \"\\ud800\"\n", "t.yaml:1:7: "},
        {"\xff\xfe"
         "a\0",
         "t.yaml:1:1: "}, /* UTF-16 */
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct sp_yaml doc;
        assert_int_equal(parse(f, vectors[i].text, &doc), -1);
        assert_int_equal(f->err.kind, SP_ERROR_REFUSED);
        if (strncmp(f->err.message, vectors[i].place, strlen(vectors[i].place)) != 0)
            fail_msg("vector %zu: '%s'", i, f->err.message);
        sp_error_clear(&f->err);
    }
}

TEST(name_of_a_nul_byte_in_the_file)
{
    struct sp_yaml doc;
    assert_fails(f, sp_yaml_parse(f->pool, "n", (struct sp_bytes){"a: x\0y\n", 7}, &doc, &f->err),
                 SP_ERROR_REFUSED, "n:1:5: ");
    assert_fails_exactly(f, sp_yaml_parse(f->pool, "n", (struct sp_bytes){NULL, 0}, &doc, &f->err),
                         SP_ERROR_REFUSED, "n:1:1: there is no document");
}

TEST(depth_limit)
{
    struct sp_yaml doc;
    char text[2 * SP_YAML_DEPTH + 3];
    memset(text, '[', SP_YAML_DEPTH);
    memset(text + SP_YAML_DEPTH, ']', SP_YAML_DEPTH);
    text[2 * SP_YAML_DEPTH] = '\0';
    assert_ok(f, parse(f, text, &doc));
    memset(text, '[', SP_YAML_DEPTH + 1);
    memset(text + SP_YAML_DEPTH + 1, ']', SP_YAML_DEPTH + 1);
    text[2 * SP_YAML_DEPTH + 2] = '\0';
    assert_fails_exactly(f, parse(f, text, &doc), SP_ERROR_REFUSED,
                         "t.yaml:1:17: nested too deeply");
    assert_fails(f,
                 parse(f,
                       "a:\n b:\n  c:\n   d:\n    e:\n     f:\n      g:\n       h:\n"
                       "        i:\n         j:\n          k:\n           l:\n"
                       "            m:\n             n:\n              o:\n"
                       "               p:\n                q: 1\n",
                       &doc),
                 SP_ERROR_REFUSED, "t.yaml:17:17: nested too deeply");
}

TEST(node_limit)
{
    struct sp_yaml doc;
    struct sp_buffer text = SP_BUFFER_INIT;
    for (int i = 0; i < SP_YAML_NODES - 1; i++) /* the sequence is a node too */
        sp_buffer_puts(&text, "- x\n");
    assert_ok(f, parse(f, text.data, &doc));
    assert_int_equal(doc.root->count, SP_YAML_NODES - 1);
    sp_buffer_puts(&text, "- x\n");
    assert_fails_exactly(f, parse(f, text.data, &doc), SP_ERROR_REFUSED,
                         "t.yaml:200000:3: too many nodes");
    sp_buffer_free(&text);
}

/* A mapping that is sorted to find them; the one that comes first in the file is named. */
TEST(duplicates_in_a_large_mapping)
{
    struct sp_yaml doc;
    struct sp_buffer text = SP_BUFFER_INIT;
    for (int i = 0; i < 2000; i++)
        sp_buffer_printf(&text, "k%d: v\n", (i * 7919) % 2000);
    assert_ok(f, parse(f, text.data, &doc));
    assert_int_equal(doc.root->count, 2000);
    sp_buffer_puts(&text, "z: 1\nk1999: v\nk0: v\nk1999: v\n");
    assert_fails_exactly(f, parse(f, text.data, &doc), SP_ERROR_REFUSED,
                         "t.yaml:2002:1: duplicate key 'k1999'");
    sp_buffer_free(&text);
}

TEST(get_and_no_more)
{
    struct sp_yaml doc;
    assert_ok(f, parse(f, "a: 1\nb: 2\n\"c\\u0007\": 3\n", &doc));
    assert_null(sp_yaml_get(doc.root, "d"));
    assert_null(sp_yaml_get(doc.root, ""));
    assert_fails_exactly(f, sp_yaml_no_more(&doc, doc.root, &f->err), SP_ERROR_REFUSED,
                         "t.yaml:1:1: unknown key 'a'");
    struct sp_yaml_node *b = sp_yaml_get(doc.root, "b");
    assert_string_equal(b->text, "2");
    assert_string_equal(sp_yaml_get(doc.root, "a")->text, "1");
    assert_fails_exactly(f, sp_yaml_no_more(&doc, doc.root, &f->err), SP_ERROR_REFUSED,
                         "t.yaml:3:1: unknown key 'c\\x07'");
    assert_non_null(sp_yaml_get(doc.root, "c\x07"));
    assert_ok(f, sp_yaml_no_more(&doc, doc.root, &f->err));
    assert_null(sp_yaml_get(b, "a")); /* no mapping */
    assert_ok(f, sp_yaml_no_more(&doc, b, &f->err));
}

TEST(expect)
{
    struct sp_yaml doc;
    assert_ok(f, parse(f, "a: [x]\n", &doc));
    struct sp_yaml_node *list = sp_yaml_get(doc.root, "a");
    assert_ok(f, sp_yaml_expect(&doc, doc.root, SP_YAML_MAPPING, "x", &f->err));
    assert_ok(f, sp_yaml_expect(&doc, list, SP_YAML_SEQUENCE, "x", &f->err));
    assert_ok(f, sp_yaml_expect(&doc, list->items[0], SP_YAML_SCALAR, "x", &f->err));
    assert_fails_exactly(f, sp_yaml_expect(&doc, list, SP_YAML_MAPPING, "files", &f->err),
                         SP_ERROR_REFUSED, "t.yaml:1:4: files must be a mapping");
    assert_fails_exactly(f, sp_yaml_expect(&doc, list, SP_YAML_SCALAR, "'a'", &f->err),
                         SP_ERROR_REFUSED, "t.yaml:1:4: 'a' must be a scalar");
    assert_fails_exactly(f, sp_yaml_expect(&doc, list->items[0], SP_YAML_SEQUENCE, "x", &f->err),
                         SP_ERROR_REFUSED, "t.yaml:1:5: x must be a sequence");
    assert_fails_exactly(f, sp_yaml_error(&doc, list, &f->err, "%s %d", "n", 3), SP_ERROR_REFUSED,
                         "t.yaml:1:4: n 3");
}

/* ---- several documents ---------------------------------------------------------------------- */

TEST(documents_are_taken_off_one_by_one)
{
    static const struct {
        const char *text;
        const char *parts[4];
        unsigned lines[4];
    } cases[] = {
        {"", {NULL}, {0}},
        {"a: 1", {"a: 1"}, {1}},
        {"a: 1\n---\nb: 2\n", {"a: 1\n", "---\nb: 2\n"}, {1, 2}},
        {"# c\n\n---\na: 1\n--- # d\nb: 2\n---",
         {"# c\n\n---\na: 1\n", "--- # d\nb: 2\n", "---"},
         {1, 5, 7}},
        {"--- a\n---\tb\n", {"--- a\n", "---\tb\n"}, {1, 2}},
        {"a: 1\r\n---\r\nb: 2\r\n", {"a: 1\r\n", "---\r\nb: 2\r\n"}, {1, 2}},
        {"a: |\n ---\n---b: 1\n", {"a: |\n ---\n---b: 1\n"}, {1}},
        {"%YAML 1.1\n---\na: 1\n", {"%YAML 1.1\n", "---\na: 1\n"}, {1, 2}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sp_yaml_part rest = {SP_BYTES_STR(cases[i].text), 1};
        for (size_t j = 0; cases[i].parts[j]; j++) {
            struct sp_yaml_part part = sp_yaml_next(&rest);
            assert_int_equal(part.text.len, strlen(cases[i].parts[j]));
            assert_memory_equal(part.text.data, cases[i].parts[j], part.text.len);
            assert_int_equal(part.line, cases[i].lines[j]);
        }
        assert_int_equal(rest.text.len, 0);
        assert_int_equal(sp_yaml_next(&rest).text.len, 0);
    }
}

TEST(lines_are_those_of_the_file)
{
    struct sp_yaml doc;
    struct sp_yaml_part rest = {SP_BYTES_STR("a: 1\n---\nb: 2\n---\nc: [\n---\nd: \x01\n"), 1},
                        part;
    (void)sp_yaml_next(&rest);
    part = sp_yaml_next(&rest);
    assert_ok(f, sp_yaml_parse_part(f->pool, "t.yaml", &part, &doc, &f->err));
    assert_int_equal(doc.root->keys[0]->line, 3);
    part = sp_yaml_next(&rest);
    assert_fails(f, sp_yaml_parse_part(f->pool, "t.yaml", &part, &doc, &f->err), SP_ERROR_REFUSED,
                 "t.yaml:6:1: ");
    part = sp_yaml_next(&rest);
    assert_fails(f, sp_yaml_parse_part(f->pool, "t.yaml", &part, &doc, &f->err), SP_ERROR_REFUSED,
                 "t.yaml:7:4: ");
}
