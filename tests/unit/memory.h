/* SPDX-License-Identifier: Apache-2.0 */
/* A tree in memory, for what reads through struct sp_tree. */
#ifndef SP_TEST_MEMORY_H
#define SP_TEST_MEMORY_H

#include "support.h"

#include "tree/tree.h"

struct memory_file {
    const char *path, *text; /* text NULL: neither a file nor a directory */
};

struct memory {
    struct sp_tree tree;
    SP_VEC(struct memory_file) files;
    const char *alias, *target; /* the directory `alias` is a link to `target` */
    const char *unreadable;     /* reading this one fails */
};

/* The path without empty and "." parts, and with the alias replaced. */
static inline const char *memory_real(const struct memory *m, struct sp_pool *pool,
                                      const char *path)
{
    struct sp_buffer buf = SP_BUFFER_INIT;
    while (*path) {
        int part = (int)strcspn(path, "/");
        if (part && !(part == 1 && *path == '.'))
            sp_buffer_printf(&buf, "%s%.*s", buf.len ? "/" : "", part, path);
        path += part;
        path += *path == '/';
    }
    path = sp_pool_strdup(pool, sp_buffer_str(&buf));
    sp_buffer_free(&buf);
    size_t len = m->alias ? strlen(m->alias) : 0;
    if (!len || strncmp(path, m->alias, len) != 0 || (path[len] && path[len] != '/'))
        return path;
    return sp_pool_printf(pool, "%s%s", m->target, path + len);
}

static inline enum sp_entry_kind memory_kind(const struct memory *m, const char *path)
{
    size_t len = strlen(path);
    for (size_t i = 0; i < m->files.count; i++) {
        const struct memory_file *file = &m->files.items[i];
        if (strcmp(file->path, path) == 0)
            return file->text ? SP_ENTRY_FILE : SP_ENTRY_OTHER;
        if (len == 0 || (strncmp(file->path, path, len) == 0 && file->path[len] == '/'))
            return SP_ENTRY_DIRECTORY;
    }
    return len == 0 ? SP_ENTRY_DIRECTORY : SP_ENTRY_ABSENT;
}

static inline int memory_by_name(const void *a, const void *b)
{
    const struct sp_entry *left = a, *right = b;
    return strcmp(left->name, right->name);
}

static inline int memory_list(struct sp_tree *tree, struct sp_pool *pool, const char *path,
                              sp_entries *out, SP_UNUSED struct sp_error *err)
{
    const struct memory *m = (const struct memory *)tree;
    path = memory_real(m, pool, path);
    size_t len = strlen(path);
    for (size_t i = 0; i < m->files.count; i++) {
        const char *rest = m->files.items[i].path;
        if (len && (strncmp(rest, path, len) != 0 || rest[len] != '/'))
            continue;
        rest += len ? len + 1 : 0;
        const char *name = sp_pool_memdup(pool, rest, strcspn(rest, "/"));
        bool known = false;
        for (size_t j = 0; j < out->count; j++)
            known |= strcmp(out->items[j].name, name) == 0;
        if (known)
            continue;
        const char *complete = len ? sp_pool_printf(pool, "%s/%s", path, name) : name;
        *SP_PUSH(pool, out) = (struct sp_entry){name, memory_kind(m, complete)};
    }
    if (out->count)
        qsort(out->items, out->count, sizeof(out->items[0]), memory_by_name);
    return 0;
}

static inline int memory_stat(struct sp_tree *tree, struct sp_pool *pool, const char *path,
                              enum sp_entry_kind *kind, const char **id,
                              SP_UNUSED struct sp_error *err)
{
    const struct memory *m = (const struct memory *)tree;
    const char *real = memory_real(m, pool, path);
    *kind = memory_kind(m, real);
    if (id)
        *id = *kind == SP_ENTRY_ABSENT ? NULL : real;
    return 0;
}

static inline int memory_read(struct sp_tree *tree, struct sp_pool *pool, const char *path,
                              size_t limit, struct sp_excerpt *out, struct sp_error *err)
{
    const struct memory *m = (const struct memory *)tree;
    if (m->unreadable && strcmp(m->unreadable, path) == 0)
        return sp_error_set(err, SP_ERROR_SYSTEM, "%s cannot be read", path);
    path = memory_real(m, pool, path);
    for (size_t i = 0; i < m->files.count; i++)
        if (m->files.items[i].text && strcmp(m->files.items[i].path, path) == 0) {
            out->bytes = SP_BYTES_STR(m->files.items[i].text);
            out->complete = out->bytes.len <= limit;
            if (!out->complete)
                out->bytes.len = limit;
            return 0;
        }
    return sp_error_set(err, SP_ERROR_REFUSED, "%s is not there", path);
}

static inline struct memory *memory_new(struct fixture *f)
{
    static const struct sp_tree_ops ops = {
        .list = memory_list, .stat = memory_stat, .read = memory_read};
    struct memory *m = sp_pool_alloc(f->pool, sizeof(*m));
    m->tree.ops = &ops;
    m->tree.name = "memory";
    return m;
}

static inline void memory_set_up(struct fixture *f)
{
    f->own = memory_new(f);
}

/* The body sees `m`, an empty tree. */
#define TEST_ON_MEMORY(name) TEST_WITH(name, struct memory *m, memory_set_up, NULL)

static inline void memory_put(struct fixture *f, struct memory *m, const char *path,
                              const char *text)
{
    *SP_PUSH(f->pool, &m->files) = (struct memory_file){path, text};
}

#endif
