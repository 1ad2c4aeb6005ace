/* SPDX-License-Identifier: Apache-2.0 */

#include "base/instant.h"
#include "suite.h"

#define THEN_USEC (UINT64_C(1795000000) * USEC_PER_SEC)

static const Instant then = { THEN_USEC, USEC_PER_HOUR };

/* Told a minute later, in which the clock went by so much more or less. */
static usec_t tell_after_minute(int64_t set_usec) {
        Instant now = { (usec_t)((int64_t)(THEN_USEC + USEC_PER_MINUTE) + set_usec),
                        USEC_PER_HOUR + USEC_PER_MINUTE };

        return instant_tell(then, now);
}

START_TEST(with_a_clock_that_nobody_sets_it_is_what_it_was)
{
        ck_assert_uint_eq(instant_tell(then, then), THEN_USEC);
        ck_assert_uint_eq(tell_after_minute(0), THEN_USEC);
}
END_TEST

START_TEST(how_long_ago_it_was_is_right_after_the_clock_was_set)
{
        int64_t hour = (int64_t)USEC_PER_HOUR;

        ck_assert_uint_eq(tell_after_minute(-hour), THEN_USEC - USEC_PER_HOUR);
        ck_assert_uint_eq(tell_after_minute(hour), THEN_USEC + USEC_PER_HOUR);
}
END_TEST

START_TEST(a_clock_that_is_steered_does_not_change_what_was_told)
{
        ck_assert_uint_eq(tell_after_minute(-30000), THEN_USEC);
        ck_assert_uint_eq(tell_after_minute(30000), THEN_USEC);
}
END_TEST

START_TEST(never_is_never_and_before_1970_is_not_after_it)
{
        Instant early = { USEC_PER_SEC, USEC_PER_HOUR + USEC_PER_MINUTE };

        ck_assert_uint_eq(instant_tell((Instant){ 0 }, then), 0);
        ck_assert_uint_eq(instant_tell(then, early), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("instant");
        TCase *instant = tcase_create("instant");

        tcase_add_test(instant, with_a_clock_that_nobody_sets_it_is_what_it_was);
        tcase_add_test(instant, how_long_ago_it_was_is_right_after_the_clock_was_set);
        tcase_add_test(instant, a_clock_that_is_steered_does_not_change_what_was_told);
        tcase_add_test(instant, never_is_never_and_before_1970_is_not_after_it);
        suite_add_tcase(suite, instant);

        return suite_main(suite);
}
