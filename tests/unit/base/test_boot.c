/* SPDX-License-Identifier: Apache-2.0 */
#include "base/boot.h"

#include "support.h"

static const struct timespec early = {5, 900000000}, late = {7, 200000000};

TEST(times)
{
    struct timespec difference = sp_time_minus(late, early), back = sp_time_minus(early, late);
    assert_int_equal(difference.tv_sec, 1);
    assert_int_equal(difference.tv_nsec, 300000000);
    assert_int_equal(back.tv_sec, -2);
    assert_int_equal(back.tv_nsec, 700000000);
    struct timespec sum = sp_time_plus(early, difference);
    assert_int_equal(sum.tv_sec, late.tv_sec);
    assert_int_equal(sum.tv_nsec, late.tv_nsec);
    assert_true(sp_time_is_later(late, early));
    assert_false(sp_time_is_later(early, late));
    assert_false(sp_time_is_later(late, late));
    assert_true(sp_time_is_later((struct timespec){5, 900000001}, early));
}

TEST(boot)
{
    struct sp_boot boot, again;
    struct timespec now;
    sp_boot_now(&boot);
    sp_boot_now(&again);
    clock_gettime(CLOCK_REALTIME, &now);
    assert_string_equal(boot.id, again.id);
    assert_true(*boot.id == '\0' || strlen(boot.id) == SP_BOOT_ID_LEN);
    assert_false(sp_time_is_later(boot.started, now));
    assert_true(labs((long)(boot.started.tv_sec - again.started.tv_sec)) <= 1);
}
