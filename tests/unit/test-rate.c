/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <signal.h>

#include "derive/rate.h"
#include "suite.h"

#define COUNTER VALUE_TCP_SEGMENTS_SENT

static Sample older, newer;

static void setup(void) {
        sample_clear(&older);
        sample_clear(&newer);
        older.boottime_usec = 100 * USEC_PER_SEC;
        newer.boottime_usec = 102 * USEC_PER_SEC;
}

START_TEST(a_rate_is_the_rise_by_the_time)
{
        double rate;

        sample_set(&older, COUNTER, 1000);
        sample_set(&newer, COUNTER, 1005);
        ck_assert_int_eq(rate_per_sec(&older, &newer, COUNTER, &rate), 0);
        ck_assert_double_eq(rate, 2.5);
}
END_TEST

START_TEST(a_counter_that_stands_still_has_rate_0)
{
        double rate;

        sample_set(&older, COUNTER, 7);
        sample_set(&newer, COUNTER, 7);
        ck_assert_int_eq(rate_per_sec(&older, &newer, COUNTER, &rate), 0);
        ck_assert_double_eq(rate, 0);
}
END_TEST

START_TEST(a_counter_that_fell_was_reset)
{
        double rate;

        sample_set(&older, COUNTER, 1000000);
        sample_set(&newer, COUNTER, 8);
        ck_assert_int_eq(rate_per_sec(&older, &newer, COUNTER, &rate), 0);
        ck_assert_double_eq(rate, 4);
}
END_TEST

START_TEST(the_clock_on_the_wall_does_not_count)
{
        double rate;

        older.realtime_usec = 5000 * USEC_PER_SEC;
        newer.realtime_usec = 10 * USEC_PER_SEC;
        sample_set(&older, COUNTER, 0);
        sample_set(&newer, COUNTER, 6);
        ck_assert_int_eq(rate_per_sec(&older, &newer, COUNTER, &rate), 0);
        ck_assert_double_eq(rate, 3);
}
END_TEST

START_TEST(an_absent_value_has_no_rate)
{
        double rate = 99;

        sample_set(&newer, COUNTER, 5);
        ck_assert_int_eq(rate_per_sec(&older, &newer, COUNTER, &rate), -ENODATA);

        sample_set(&older, COUNTER, 5);
        sample_unset(&newer, COUNTER);
        ck_assert_int_eq(rate_per_sec(&older, &newer, COUNTER, &rate), -ENODATA);
        ck_assert_double_eq(rate, 99);
}
END_TEST

START_TEST(without_time_there_is_no_rate)
{
        double rate = 99;

        sample_set(&older, COUNTER, 5);
        sample_set(&newer, COUNTER, 6);
        newer.boottime_usec = older.boottime_usec;
        ck_assert_int_eq(rate_per_sec(&older, &newer, COUNTER, &rate), -ENODATA);
        newer.boottime_usec = 1; /* the host was started anew */
        ck_assert_int_eq(rate_per_sec(&older, &newer, COUNTER, &rate), -ENODATA);
        ck_assert_double_eq(rate, 99);
}
END_TEST

#ifndef TEST_WITHOUT_ASSERTS
START_TEST(a_gauge_has_no_rate)
{
        double rate;

        (void)!rate_per_sec(&older, &newer, VALUE_TCP_ESTABLISHED, &rate);
}
END_TEST
#endif

int main(void) {
        Suite *suite = suite_create("rate");
        TCase *rates = tcase_create("rates");

        tcase_add_checked_fixture(rates, setup, NULL);
        tcase_add_test(rates, a_rate_is_the_rise_by_the_time);
        tcase_add_test(rates, a_counter_that_stands_still_has_rate_0);
        tcase_add_test(rates, a_counter_that_fell_was_reset);
        tcase_add_test(rates, the_clock_on_the_wall_does_not_count);
        tcase_add_test(rates, an_absent_value_has_no_rate);
        tcase_add_test(rates, without_time_there_is_no_rate);
#ifndef TEST_WITHOUT_ASSERTS
        tcase_add_test_raise_signal(rates, a_gauge_has_no_rate, SIGABRT);
#endif
        suite_add_tcase(suite, rates);

        return suite_main(suite);
}
