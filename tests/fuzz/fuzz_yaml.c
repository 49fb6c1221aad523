/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes parse or are refused; what parsed is written, parsed again, and the same. */
#include <string.h>

#include "format/yaml.h"
#include "fuzz.h"

/* No deeper than SP_YAML_DEPTH. */
static void write_node(struct sp_yaml_writer *writer, const struct sp_yaml_node *node)
{
    if (node->kind == SP_YAML_SCALAR) {
        sp_yaml_write_scalar(writer, node->text);
        return;
    }
    if (node->kind == SP_YAML_MAPPING)
        sp_yaml_write_mapping(writer);
    else
        sp_yaml_write_sequence(writer);
    for (size_t i = 0; i < node->count; i++) {
        if (node->kind == SP_YAML_MAPPING)
            write_node(writer, node->keys[i]);
        write_node(writer, node->items[i]);
    }
    sp_yaml_write_end(writer);
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
    struct sp_yaml_writer *writer = sp_yaml_writer_new(pool, out);
    write_node(writer, doc->root);
    int written = sp_yaml_writer_finish(writer, &err);
    CHECK(written == 0);
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
