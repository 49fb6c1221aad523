/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of all kinds of trees ask a tree. */
#ifndef SP_TEST_TREES_H
#define SP_TEST_TREES_H

#include "scratch.h"

#include "tree/tree.h"

static inline enum sp_entry_kind kind(struct fixture *f, struct sp_tree *tree, const char *path)
{
    enum sp_entry_kind found = (enum sp_entry_kind)99;
    assert_ok(f, sp_tree_kind(tree, f->pool, path, &found, &f->err));
    return found;
}

static inline const char *id(struct fixture *f, struct sp_tree *tree, const char *path)
{
    enum sp_entry_kind found;
    const char *text = NULL;
    assert_ok(f, tree->ops->stat(tree, f->pool, path, &found, &text, &f->err));
    assert_non_null(text);
    return text;
}

/* A file's content, which has no NUL in it. */
static inline const char *text(struct fixture *f, struct sp_tree *tree, const char *path)
{
    struct sp_excerpt out;
    assert_ok(f, sp_tree_read(tree, f->pool, path, 1000, &out, &f->err));
    assert_true(out.complete);
    assert_int_equal(out.bytes.len, strlen(out.bytes.data));
    return out.bytes.data;
}

/* What a directory lists, each name with a letter before it for its kind and a space after it. */
static inline const char *names(struct fixture *f, struct sp_tree *tree, const char *path)
{
    static const char letters[] = "?fdlo";
    sp_entries entries = {0};
    struct sp_buffer buf = SP_BUFFER_INIT;
    assert_ok(f, sp_tree_list(tree, f->pool, path, &entries, &f->err));
    for (size_t i = 0; i < entries.count; i++)
        sp_buffer_printf(&buf, "%c:%s ", letters[entries.items[i].kind], entries.items[i].name);
    const char *copy = sp_pool_strdup(f->pool, sp_buffer_str(&buf));
    sp_buffer_free(&buf);
    return copy;
}

#endif
