/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <stdio.h>

#include "support.h"

TEST(set_formats_and_returns_minus_one)
{
    assert_false(sp_error_is_set(&f->err));
    assert_int_equal(sp_error_set(&f->err, SP_ERROR_USAGE, "%s is %d", "x", 7), -1);
    assert_true(sp_error_is_set(&f->err));
    assert_int_equal(f->err.kind, SP_ERROR_USAGE);
    assert_int_equal(f->err.errnum, 0);
    assert_string_equal(f->err.message, "x is 7");
}

TEST(first_error_is_kept)
{
    sp_error_set(&f->err, SP_ERROR_REFUSED, "first");
    assert_int_equal(sp_error_set(&f->err, SP_ERROR_USAGE, "second"), -1);
    assert_int_equal(sp_error_errno(&f->err, ENOENT, "third"), -1);
    assert_int_equal(f->err.kind, SP_ERROR_REFUSED);
    assert_int_equal(f->err.errnum, 0);
    assert_string_equal(f->err.message, "first");
}

TEST(errno_appends_its_text)
{
    assert_int_equal(sp_error_errno(&f->err, EACCES, "open %s", "f"), -1);
    assert_int_equal(f->err.kind, SP_ERROR_SYSTEM);
    assert_int_equal(f->err.errnum, EACCES);
    char *expected = NULL;
    assert_true(asprintf(&expected, "open f: %s", strerror(EACCES)) > 0);
    assert_string_equal(f->err.message, expected);
    free(expected);
}

TEST(context_goes_before_and_after)
{
    sp_error_set(&f->err, SP_ERROR_NEEDS_RECOVERY, "inner");
    assert_int_equal(sp_error_prefix(&f->err, "a%d", 1), -1);
    assert_int_equal(sp_error_prefix(&f->err, "b"), -1);
    assert_int_equal(sp_error_suffix(&f->err, "; run %s", "recover"), -1);
    assert_string_equal(f->err.message, "b: a1: inner; run recover");
    assert_int_equal(f->err.kind, SP_ERROR_NEEDS_RECOVERY);
}

TEST(no_context_without_an_error)
{
    assert_int_equal(sp_error_prefix(&f->err, "a"), -1);
    assert_int_equal(sp_error_suffix(&f->err, "b"), -1);
    assert_false(sp_error_is_set(&f->err));
    assert_null(f->err.message);
}

TEST(only_an_absence_is_forgiven)
{
    static const int numbers[] = {ENOENT, ENOTDIR, EACCES, 0};
    for (size_t i = 0; i < COUNT(numbers); i++) {
        struct sp_error reason = SP_ERROR_INIT, err = SP_ERROR_INIT;
        sp_error_errno(&reason, numbers[i], "no");
        assert_int_equal(sp_error_forgive_gone(&reason, &err), i < 2);
        assert_false(sp_error_is_set(&reason));
        assert_int_equal(sp_error_is_set(&err), i >= 2);
        sp_error_clear(&err);
    }
}

TEST(clear_makes_it_reusable)
{
    sp_error_errno(&f->err, EIO, "x");
    sp_error_clear(&f->err);
    assert_false(sp_error_is_set(&f->err));
    assert_null(f->err.message);
    assert_int_equal(f->err.errnum, 0);
    sp_error_set(&f->err, SP_ERROR_SYSTEM, "y");
    assert_string_equal(f->err.message, "y");
    sp_error_clear(&f->err);
}
