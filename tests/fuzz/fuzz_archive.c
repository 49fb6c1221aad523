/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes are an archive or are refused; of one that is taken everything is listed, looked at and
 * read, and has names that stay inside. */
#include <string.h>

#include "base/path.h"
#include "place.h"
#include "tree/tree.h"

enum {
    MAX_LOOKS = 3000
};

static const char *const names[] = {"archive", NULL};

struct visit {
    struct sp_pool *pool;
    struct sp_tree *tree;
    sp_strv waiting; /* directories */
};

static void look(struct visit *v, const char *path, enum sp_entry_kind listed)
{
    struct sp_error err = SP_ERROR_INIT;
    enum sp_entry_kind kind;
    struct sp_excerpt content;
    const char *id = NULL;
    int rc = v->tree->ops->stat(v->tree, v->pool, path, &kind, &id, &err);
    CHECK(rc == 0);
    CHECK(listed == SP_ENTRY_LINK || kind == listed);
    CHECK(kind != SP_ENTRY_LINK && kind != SP_ENTRY_ABSENT);
    CHECK(id);
    if (sp_tree_read(v->tree, v->pool, path, 100, &content, &err) == 0) {
        CHECK(kind == SP_ENTRY_FILE && content.bytes.len <= 100);
        struct sp_excerpt all;
        rc = sp_tree_read(v->tree, v->pool, path, SP_MAX_SOURCE, &all, &err);
        CHECK(rc == 0 && all.bytes.len >= content.bytes.len);
        CHECK(memcmp(all.bytes.data, content.bytes.data, content.bytes.len) == 0);
        CHECK(!content.complete || (all.complete && all.bytes.len == content.bytes.len));
    } else {
        CHECK(err.kind == SP_ERROR_REFUSED);
    }
    sp_error_clear(&err);
    if (listed == SP_ENTRY_DIRECTORY) /* links are not entered: they may lead in circles */
        *SP_PUSH(v->pool, &v->waiting) = path;
}

static void visit_all(struct visit *v)
{
    size_t looks = 0;
    *SP_PUSH(v->pool, &v->waiting) = "";
    for (size_t i = 0; i < v->waiting.count; i++) {
        struct sp_error err = SP_ERROR_INIT;
        sp_entries entries = {NULL, 0, 0};
        int rc = sp_tree_list(v->tree, v->pool, v->waiting.items[i], &entries, &err);
        CHECK(rc == 0 && entries.count <= SP_MAX_ENTRIES);
        for (size_t k = 0; k < entries.count && looks++ < MAX_LOOKS; k++) {
            const char *name = entries.items[k].name;
            CHECK(sp_path_is_safe_relative(name) && !strchr(name, '/'));
            CHECK(k == 0 || strcmp(entries.items[k - 1].name, name) < 0);
            if (entries.items[k].kind != SP_ENTRY_OTHER)
                look(v, sp_path_join(v->pool, v->waiting.items[i], name), entries.items[k].kind);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    place_open(names);
    place_put(names[0], data, size);
    struct sp_pool *pool = sp_pool_new();
    struct sp_error err = SP_ERROR_INIT;
    struct visit visit = {.pool = pool};
    sp_strv wanted = {NULL, 0, 0};
    *SP_PUSH(pool, &wanted) = "driver.py";
    const char *path = sp_path_join(pool, place_path, names[0]);
    if (sp_tree_open_archive(pool, path, &wanted, &visit.tree, &err) == 0)
        visit_all(&visit);
    else
        CHECK(err.kind == SP_ERROR_REFUSED && strstr(err.message, path) == err.message);
    sp_error_clear(&err);
    sp_pool_free(pool);
    return 0;
}
