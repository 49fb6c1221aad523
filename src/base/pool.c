/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

enum {
    CHUNK = 64 * 1024,
    MAX_SPARE = 4 << 20 /* bytes that sp_pool_reset() keeps */
};

struct chunk {
    struct chunk *next;
    size_t used, room;
    alignas(max_align_t) char bytes[];
};

struct deferred {
    struct deferred *next;
    void (*fn)(void *);
    void *data;
};

struct sp_pool {
    struct chunk *chunks; /* the first one is the one being filled */
    struct chunk *spare;  /* zero-filled */
    struct deferred *deferred;
};

static void (*exhausted_handler)(void);
static int exhausted_status = SP_ERROR_SYSTEM;
static const char *exhausted_message = "sp-openstack: out of memory; nothing more was done\n";

void sp_out_of_memory_means(int status, const char *message)
{
    exhausted_status = status;
    exhausted_message = message;
}

void sp_out_of_memory_calls(void (*fn)(void))
{
    exhausted_handler = fn;
}

void sp_out_of_memory(void)
{
    if (exhausted_handler)
        exhausted_handler();
    ssize_t ignored = write(STDERR_FILENO, exhausted_message, strlen(exhausted_message));
    (void)ignored;
    _exit(exhausted_status);
}

void *sp_xmalloc(size_t size)
{
    void *data = malloc(size ? size : 1);
    if (!data)
        sp_out_of_memory();
    return data;
}

void *sp_xrealloc(void *old, size_t size)
{
    void *data = realloc(old, size ? size : 1);
    if (!data)
        sp_out_of_memory();
    return data;
}

char *sp_xstrdup(const char *str)
{
    char *copy = strdup(str);
    if (!copy)
        sp_out_of_memory();
    return copy;
}

struct sp_pool *sp_pool_new(void)
{
    struct sp_pool *pool = sp_xmalloc(sizeof(*pool));
    *pool = (struct sp_pool){NULL, NULL, NULL};
    return pool;
}

/* The deferred calls may still use the memory of the pool, and are listed in it. */
static void run_deferred(struct sp_pool *pool)
{
    for (struct deferred *item = pool->deferred; item; item = item->next)
        item->fn(item->data);
    pool->deferred = NULL;
}

static void free_chunks(struct chunk *chunk)
{
    while (chunk) {
        struct chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

void sp_pool_free(struct sp_pool *pool)
{
    if (!pool)
        return;
    run_deferred(pool);
    free_chunks(pool->chunks);
    free_chunks(pool->spare);
    free(pool);
}

void sp_pool_reset(struct sp_pool *pool)
{
    size_t kept = 0;
    run_deferred(pool);
    for (struct chunk *chunk = pool->spare; chunk; chunk = chunk->next)
        kept += chunk->room;
    while (pool->chunks) {
        struct chunk *chunk = pool->chunks;
        pool->chunks = chunk->next;
        if (chunk->room > MAX_SPARE - kept) {
            free(chunk);
            continue;
        }
        memset(chunk->bytes, 0, chunk->used);
        chunk->used = 0;
        chunk->next = pool->spare;
        pool->spare = chunk;
        kept += chunk->room;
    }
}

/* A spare chunk of at least so many bytes, and not many more; NULL. */
static struct chunk *take_spare(struct sp_pool *pool, size_t room)
{
    for (struct chunk **link = &pool->spare; *link; link = &(*link)->next) {
        struct chunk *chunk = *link;
        if (chunk->room < room || chunk->room / 2 > room)
            continue;
        *link = chunk->next;
        return chunk;
    }
    return NULL;
}

static struct chunk *add_chunk(struct sp_pool *pool, size_t size)
{
    size_t room = size > CHUNK / 4 ? size : CHUNK;
    if (room > SIZE_MAX - sizeof(struct chunk))
        sp_out_of_memory();
    struct chunk *chunk = take_spare(pool, room);
    if (!chunk) {
        chunk = calloc(1, sizeof(*chunk) + room);
        if (!chunk)
            sp_out_of_memory();
        chunk->room = room;
    }
    if (pool->chunks && room != CHUNK) { /* a large one must not end the current one */
        chunk->next = pool->chunks->next;
        pool->chunks->next = chunk;
    } else {
        chunk->next = pool->chunks;
        pool->chunks = chunk;
    }
    return chunk;
}

void *sp_pool_alloc(struct sp_pool *pool, size_t size)
{
    size_t align = alignof(max_align_t);
    if (size > SIZE_MAX - align)
        sp_out_of_memory();
    size = (size + align - 1) / align * align;
    if (size == 0)
        size = align;
    struct chunk *chunk = pool->chunks;
    if (!chunk || chunk->room - chunk->used < size)
        chunk = add_chunk(pool, size);
    void *data = chunk->bytes + chunk->used;
    chunk->used += size;
    return data;
}

void *sp_pool_calloc(struct sp_pool *pool, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        sp_out_of_memory();
    return sp_pool_alloc(pool, count * size);
}

char *sp_pool_memdup(struct sp_pool *pool, const void *data, size_t len)
{
    if (len == SIZE_MAX)
        sp_out_of_memory();
    char *copy = sp_pool_alloc(pool, len + 1);
    if (len)
        memcpy(copy, data, len);
    copy[len] = '\0';
    return copy;
}

char *sp_pool_strdup(struct sp_pool *pool, const char *str)
{
    return sp_pool_memdup(pool, str, strlen(str));
}

char *sp_pool_vprintf(struct sp_pool *pool, const char *fmt, va_list args)
{
    char most[256]; /* of the texts are shorter, and are formatted once */
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(most, sizeof(most), fmt, args);
    if (len < 0)
        sp_out_of_memory();
    char *text;
    if ((size_t)len < sizeof(most)) {
        text = sp_pool_memdup(pool, most, (size_t)len);
    } else {
        text = sp_pool_alloc(pool, (size_t)len + 1);
        vsnprintf(text, (size_t)len + 1, fmt, again);
    }
    va_end(again);
    return text;
}

char *sp_pool_printf(struct sp_pool *pool, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *text = sp_pool_vprintf(pool, fmt, args);
    va_end(args);
    return text;
}

void sp_pool_defer(struct sp_pool *pool, void (*fn)(void *), void *data)
{
    struct deferred *item = sp_pool_alloc(pool, sizeof(*item));
    item->fn = fn;
    item->data = data;
    item->next = pool->deferred;
    pool->deferred = item;
}

void *sp_pool_grow(struct sp_pool *pool, void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return items;
    size_t wanted = *room ? *room * 2 : 8;
    void *bigger = sp_pool_calloc(pool, wanted, size);
    if (count)
        memcpy(bigger, items, count * size);
    *room = wanted;
    return bigger;
}

bool sp_str_equal(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool sp_strv_has(const sp_strv *strv, const char *str)
{
    for (size_t i = 0; i < strv->count; i++)
        if (strcmp(strv->items[i], str) == 0)
            return true;
    return false;
}

void sp_strv_add_once(struct sp_pool *pool, sp_strv *strv, const char *str)
{
    if (!sp_strv_has(strv, str))
        *SP_PUSH(pool, strv) = str;
}

void sp_strv_add_all_once(struct sp_pool *pool, sp_strv *strv, const sp_strv *others)
{
    for (size_t i = 0; i < others->count; i++)
        sp_strv_add_once(pool, strv, others->items[i]);
}

const char *sp_strv_join(struct sp_pool *pool, const sp_strv *strv, const char *between)
{
    const char *text = "";
    for (size_t i = 0; i < strv->count; i++)
        text = sp_pool_printf(pool, "%s%s%s", text, i ? between : "", strv->items[i]);
    return text;
}
