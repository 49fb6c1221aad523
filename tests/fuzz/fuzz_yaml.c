/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes parse or are refused; what parsed is written as JSON, parsed again, and the same. */
#include <string.h>

#include "format/json.h"
#include "format/yaml.h"
#include "fuzz.h"

/* so long that, with each byte escaped, it still is a simple key of YAML: 1024 characters */
enum {
    MAX_KEY = 1000 / 6
};

/* As JSON, whose writer does not keep the line of a long key short enough for YAML (section 9.3.2):
 * false for a document with such a key. */
static bool write_node(struct sp_json *json, const struct sp_yaml_node *node)
{
    bool mapping = node->kind == SP_YAML_MAPPING, fits = true;
    if (node->kind == SP_YAML_SCALAR) {
        sp_json_string(json, node->text);
        return true;
    }
    (mapping ? sp_json_object : sp_json_array)(json);
    for (size_t i = 0; i < node->count; i++) {
        if (mapping) {
            fits &= node->keys[i]->len <= MAX_KEY;
            sp_json_key(json, node->keys[i]->text);
        }
        fits &= write_node(json, node->items[i]);
    }
    (mapping ? sp_json_end_object : sp_json_end_array)(json);
    return fits;
}

static void check_same(const struct sp_yaml_node *a, const struct sp_yaml_node *b)
{
    CHECK(a->kind == b->kind && a->count == b->count);
    if (a->kind == SP_YAML_SCALAR) {
        CHECK(a->len == strlen(a->text));
        CHECK(a->len == b->len && strcmp(a->text, b->text) == 0);
    }
    for (size_t i = 0; i < a->count; i++) {
        if (a->kind == SP_YAML_MAPPING)
            check_same(a->keys[i], b->keys[i]);
        check_same(a->items[i], b->items[i]);
    }
}

static void write_and_parse(struct sp_pool *pool, const struct sp_yaml *doc, struct sp_buffer *out)
{
    struct sp_error err = SP_ERROR_INIT;
    struct sp_yaml again;
    struct sp_json json;
    sp_json_init(&json, out);
    bool fits = write_node(&json, doc->root);
    sp_json_finish(&json);
    if (!fits)
        return;
    int parsed = sp_yaml_parse(pool, "again", (struct sp_bytes){out->data, out->len}, &again, &err);
    CHECK(parsed == 0);
    check_same(doc->root, again.root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_pool *pool = sp_pool_new();
    struct sp_buffer out = SP_BUFFER_INIT;
    struct sp_error err = SP_ERROR_INIT;
    struct sp_yaml doc;
    struct sp_bytes text = {(const char *)data, size};
    if (sp_yaml_parse(pool, "input", text, &doc, &err) == 0) {
        CHECK(!sp_error_is_set(&err));
        write_and_parse(pool, &doc, &out);
    } else {
        CHECK(err.kind == SP_ERROR_REFUSED && strncmp(err.message, "input:", 6) == 0);
        CHECK(!doc.root);
    }
    sp_error_clear(&err);
    sp_pool_free(pool);
    sp_buffer_free(&out);
    return 0;
}
