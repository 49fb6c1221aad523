/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test needs: cmocka with the headers it wants before it, a pool and an error. */
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

struct fixture {
    struct sp_pool *pool;
    struct sp_error err;
};

static inline int fixture_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->pool = sp_pool_new();
    *state = fixture;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    sp_error_clear(&fixture->err);
    sp_pool_free(fixture->pool);
    free(fixture);
    return 0;
}

#define FIXTURE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

/* The call succeeds; else its message is shown. */
#define assert_success(result, err)                                                                \
    do {                                                                                           \
        if ((result) != 0)                                                                         \
            fail_msg("failed: %s", (err)->message ? (err)->message : "no message");                \
    } while (0)

/* The call fails with exactly that; the error is cleared. */
#define assert_failure(result, err, expected_kind, expected_message)                               \
    do {                                                                                           \
        assert_int_equal(result, -1);                                                              \
        assert_int_equal((err)->kind, expected_kind);                                              \
        assert_string_equal((err)->message, expected_message);                                     \
        sp_error_clear(err);                                                                       \
    } while (0)

/* The call fails with a message that contains the part; the error is cleared. */
#define assert_failure_with(result, err, expected_kind, part)                                      \
    do {                                                                                           \
        assert_int_equal(result, -1);                                                              \
        assert_int_equal((err)->kind, expected_kind);                                              \
        if (!strstr((err)->message, part))                                                         \
            fail_msg("'%s' is not in '%s'", part, (err)->message);                                 \
        sp_error_clear(err);                                                                       \
    } while (0)

#endif
