/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that lives as long as one command: everything is taken from a pool and freed with it.
 *
 * Allocation never returns NULL: when memory is short the process says so on standard error and
 * exits with SP_ERROR_SYSTEM, or as sp_out_of_memory_means() says. Nothing in the file system depends
 * on the process going on: an interrupted transaction is recovered from its journal. */
#ifndef SP_POOL_H
#define SP_POOL_H

#include <stdarg.h>

#include "base/common.h"

struct sp_pool;

struct sp_pool *sp_pool_new(void);
void sp_pool_free(struct sp_pool *pool);
/* Frees all that is in it. The pool keeps some of the memory, 4 MiB at the most, for the next
 * requests: memory that the system gives anew costs a page fault for each 4 KiB. */
void sp_pool_reset(struct sp_pool *pool);

/* Zero-filled, aligned for any type. */
void *sp_pool_alloc(struct sp_pool *pool, size_t size);
/* count * size bytes, zero-filled; an overflow counts as memory being short. */
void *sp_pool_calloc(struct sp_pool *pool, size_t count, size_t size);
char *sp_pool_strdup(struct sp_pool *pool, const char *str);
/* Copies len bytes and adds a NUL. */
char *sp_pool_memdup(struct sp_pool *pool, const void *data, size_t len);
char *sp_pool_printf(struct sp_pool *pool, const char *fmt, ...) SP_PRINTF(2, 3);
char *sp_pool_vprintf(struct sp_pool *pool, const char *fmt, va_list args) SP_PRINTF(2, 0);

/* Runs fn(data) when the pool is freed, the latest registered first. */
void sp_pool_defer(struct sp_pool *pool, void (*fn)(void *), void *data);

/* malloc() family that never returns NULL, for data that outlives a pool. */
void *sp_xmalloc(size_t size);
void *sp_xrealloc(void *old, size_t size);
char *sp_xstrdup(const char *str);
void sp_out_of_memory(void) __attribute__((noreturn));
/* From now on running out of memory ends with this status and this message (static storage, with its
 * newline). */
void sp_out_of_memory_means(int status, const char *message);
/* fn runs first, and may end the process in a way of its own. */
void sp_out_of_memory_calls(void (*fn)(void));

/* A growing array in a pool: struct { T *items; size_t count, room; }.
 * SP_PUSH(pool, &vec) yields a pointer to a new zero-filled item. */
#define SP_VEC(type)                                                                               \
    struct {                                                                                       \
        type *items;                                                                               \
        size_t count, room;                                                                        \
    }
#define SP_PUSH(pool, vec)                                                                         \
    ((vec)->items =                                                                                \
         sp_pool_grow((pool), (vec)->items, (vec)->count, &(vec)->room, sizeof(*(vec)->items)),    \
     &(vec)->items[(vec)->count++])
/* The last item of an array that is not empty. */
#define SP_LAST(vec) (&(vec)->items[(vec)->count - 1])
void *sp_pool_grow(struct sp_pool *pool, void *items, size_t count, size_t *room, size_t size);

/* Whether two strings are equal; NULL only equals itself. */
bool sp_str_equal(const char *a, const char *b);

/* A list of strings. */
typedef SP_VEC(const char *) sp_strv;
const char *sp_strv_join(struct sp_pool *pool, const sp_strv *strv, const char *between);
bool sp_strv_has(const sp_strv *strv, const char *str);
/* Adds the string (not a copy), unless the list has an equal one. */
void sp_strv_add_once(struct sp_pool *pool, sp_strv *strv, const char *str);
/* The same with each of the others. */
void sp_strv_add_all_once(struct sp_pool *pool, sp_strv *strv, const sp_strv *others);

#endif
