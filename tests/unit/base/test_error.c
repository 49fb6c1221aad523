/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <stdio.h>

#include "support.h"

static void test_set_formats_and_returns_minus_one(void **state)
{
    (void)state;
    struct sp_error err = SP_ERROR_INIT;
    assert_false(sp_error_is_set(&err));
    assert_int_equal(sp_error_set(&err, SP_ERROR_USAGE, "%s is %d", "x", 7), -1);
    assert_true(sp_error_is_set(&err));
    assert_int_equal(err.kind, SP_ERROR_USAGE);
    assert_int_equal(err.errnum, 0);
    assert_string_equal(err.message, "x is 7");
    sp_error_clear(&err);
}

static void test_first_error_is_kept(void **state)
{
    (void)state;
    struct sp_error err = SP_ERROR_INIT;
    sp_error_set(&err, SP_ERROR_REFUSED, "first");
    assert_int_equal(sp_error_set(&err, SP_ERROR_USAGE, "second"), -1);
    assert_int_equal(sp_error_errno(&err, ENOENT, "third"), -1);
    assert_int_equal(err.kind, SP_ERROR_REFUSED);
    assert_int_equal(err.errnum, 0);
    assert_string_equal(err.message, "first");
    sp_error_clear(&err);
}

static void test_errno_appends_its_text(void **state)
{
    (void)state;
    struct sp_error err = SP_ERROR_INIT;
    assert_int_equal(sp_error_errno(&err, EACCES, "open %s", "f"), -1);
    assert_int_equal(err.kind, SP_ERROR_SYSTEM);
    assert_int_equal(err.errnum, EACCES);
    char *expected = NULL;
    assert_true(asprintf(&expected, "open f: %s", strerror(EACCES)) > 0);
    assert_string_equal(err.message, expected);
    free(expected);
    sp_error_clear(&err);
}

static void test_context_goes_before_and_after(void **state)
{
    (void)state;
    struct sp_error err = SP_ERROR_INIT;
    sp_error_set(&err, SP_ERROR_NEEDS_RECOVERY, "inner");
    assert_int_equal(sp_error_prefix(&err, "a%d", 1), -1);
    assert_int_equal(sp_error_prefix(&err, "b"), -1);
    assert_int_equal(sp_error_suffix(&err, "; run %s", "recover"), -1);
    assert_string_equal(err.message, "b: a1: inner; run recover");
    assert_int_equal(err.kind, SP_ERROR_NEEDS_RECOVERY);
    sp_error_clear(&err);
}

static void test_no_context_without_an_error(void **state)
{
    (void)state;
    struct sp_error err = SP_ERROR_INIT;
    assert_int_equal(sp_error_prefix(&err, "a"), -1);
    assert_int_equal(sp_error_suffix(&err, "b"), -1);
    assert_false(sp_error_is_set(&err));
    assert_null(err.message);
}

static void test_clear_makes_it_reusable(void **state)
{
    (void)state;
    struct sp_error err = SP_ERROR_INIT;
    sp_error_errno(&err, EIO, "x");
    sp_error_clear(&err);
    assert_false(sp_error_is_set(&err));
    assert_null(err.message);
    assert_int_equal(err.errnum, 0);
    sp_error_set(&err, SP_ERROR_SYSTEM, "y");
    assert_string_equal(err.message, "y");
    sp_error_clear(&err);
    sp_error_clear(&err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_formats_and_returns_minus_one),
        cmocka_unit_test(test_first_error_is_kept),
        cmocka_unit_test(test_errno_appends_its_text),
        cmocka_unit_test(test_context_goes_before_and_after),
        cmocka_unit_test(test_no_context_without_an_error),
        cmocka_unit_test(test_clear_makes_it_reusable),
    };
    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
