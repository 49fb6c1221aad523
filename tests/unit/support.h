/* SPDX-License-Identifier: Apache-2.0 */
/* The base of every unit test: cmocka with the headers it wants before it, the fixture, tests that
 * register themselves, and the assertions about calls that may fail. */
#ifndef SP_TEST_SUPPORT_H
#define SP_TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/pool.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Made anew for each test. */
struct fixture {
    struct sp_pool *pool;
    struct sp_error err;
    char dir[256]; /* the scratch directory, removed after the test; "" without one */
    void *own;     /* of the test's own set-up */
};

struct unit_test {
    const char *name;
    int line;
    bool in_dir; /* with a scratch directory */
    void (*run)(struct fixture *f);
    void (*set_up)(struct fixture *f); /* of its own; may be NULL */
    void (*tear_down)(struct fixture *f);
    struct unit_test *next;
};

/* Adds a test to those that main() of support.c runs, in the order of their lines. */
void register_test(struct unit_test *test);

/* Functions to call before the first test and after the last one; either may be NULL. */
void register_group(void (*before)(void), void (*after)(void));

/* Removes a directory with all that is in it; returns 0 or -1. */
int remove_tree(const char *path);

#define REGISTER_TEST(name_, ...)                                                                  \
    __attribute__((constructor)) static void register_test_##name_(void)                           \
    {                                                                                              \
        static struct unit_test test = {.name = #name_, .line = __LINE__, __VA_ARGS__};            \
        register_test(&test);                                                                      \
    }

#define DEFINE_TEST(name_, in_dir_)                                                                \
    static void test_##name_(struct fixture *f);                                                   \
    REGISTER_TEST(name_, .run = test_##name_, .in_dir = (in_dir_))                                 \
    static void test_##name_(SP_UNUSED struct fixture *f)

#define DEFINE_TEST_WITH(name_, in_dir_, own_, set_up_, tear_down_)                                \
    static void test_##name_(struct fixture *f, own_);                                             \
    static void run_test_##name_(struct fixture *f)                                                \
    {                                                                                              \
        test_##name_(f, f->own);                                                                   \
    }                                                                                              \
    REGISTER_TEST(name_, .run = run_test_##name_, .in_dir = (in_dir_), .set_up = (set_up_),        \
                  .tear_down = (tear_down_))                                                       \
    static void test_##name_(SP_UNUSED struct fixture *f, SP_UNUSED own_)

/* TEST(name) { ... } is a test; its body sees the fixture as `f`. */
#define TEST(name) DEFINE_TEST(name, false)

/* The same with a scratch directory (scratch.h). */
#define TEST_IN_DIR(name) DEFINE_TEST(name, true)

/* The same with a set-up of its own, a function that puts a pointer into f->own; the body sees that
 * as the parameter `own`, such as `struct memory *m`. The tear-down (or NULL) is called however the
 * test ends. A file gives this a short name: #define TEST_ON_MEMORY(name) TEST_WITH(name, ...). */
#define TEST_WITH(name, own, set_up, tear_down)                                                    \
    DEFINE_TEST_WITH(name, false, own, set_up, tear_down)
#define TEST_IN_DIR_WITH(name, own, set_up, tear_down)                                             \
    DEFINE_TEST_WITH(name, true, own, set_up, tear_down)

/* GROUP(before, after): once in a file, for set-ups of the whole process. */
#define GROUP(before, after)                                                                       \
    __attribute__((constructor)) static void register_hooks(void)                                  \
    {                                                                                              \
        register_group(before, after);                                                             \
    }

/* The call must succeed; prints the error that says why it did not. f: whatever has an `err`. */
#define assert_ok(f, call)                                                                         \
    do {                                                                                           \
        if ((call) != 0)                                                                           \
            fail_msg("%s", (f)->err.message ? (f)->err.message : "failed without an error");       \
    } while (0)

/* The call must return -1 with an error of that kind; matches() compares its message with the
 * expected one. Clears the error. */
#define ASSERT_FAILS(f, call, kind_, expected, matches, relation)                                  \
    do {                                                                                           \
        assert_int_equal((call), -1);                                                              \
        assert_true(sp_error_is_set(&(f)->err));                                                   \
        if (!(matches))                                                                            \
            fail_msg("'%s' is not " relation " '%s'", (expected), (f)->err.message);               \
        assert_int_equal((f)->err.kind, (kind_));                                                  \
        sp_error_clear(&(f)->err);                                                                 \
    } while (0)

/* ... with `part` in its message. */
#define assert_fails(f, call, kind, part)                                                          \
    ASSERT_FAILS(f, call, kind, part, strstr((f)->err.message, (part)), "in the message")

/* ... with exactly that message. */
#define assert_fails_exactly(f, call, kind, expected)                                              \
    ASSERT_FAILS(f, call, kind, expected, strcmp((f)->err.message, (expected)) == 0, "the message")

#endif
