/* SPDX-License-Identifier: Apache-2.0 */

#include "base/macro.h"
#include "derive/freshness.h"
#include "suite.h"

typedef struct JudgeCase {
        double interval, started, sample, now; /* seconds */
        Freshness judgement;
} JudgeCase;

static const JudgeCase cases[] = {
        { 1, 100, 0, 100, FRESHNESS_STARTING },
        { 1, 100, 0, 110, FRESHNESS_STARTING },
        { 1, 100, 0, 110.000001, FRESHNESS_STALE },
        { 1, 100, 105, 105, FRESHNESS_FRESH },
        { 1, 100, 105, 115, FRESHNESS_FRESH },
        { 1, 100, 105, 115.000001, FRESHNESS_STALE },
        { 0.01, 100, 105, 115, FRESHNESS_FRESH },
        { 60, 100, 0, 280, FRESHNESS_STARTING },
        { 60, 100, 0, 280.000001, FRESHNESS_STALE },
        { 60, 100, 160, 340, FRESHNESS_FRESH },
        { 60, 100, 160, 340.000001, FRESHNESS_STALE },
        { 1, 100, 50, 105, FRESHNESS_FRESH }, /* from before a restart: the new start counts */
        { 1, 100, 50, 110.000001, FRESHNESS_STALE },
        { 1, 100, 120, 110, FRESHNESS_FRESH }, /* from the future */
        { 1, 100, 0, 90, FRESHNESS_STARTING },
};

static usec_t usec(double sec) {
        return (usec_t)(sec * (double)USEC_PER_SEC + 0.5);
}

START_TEST(a_sample_is_stale_when_three_are_missing)
{
        const JudgeCase *judged = &cases[_i];

        ck_assert_int_eq(freshness_judge(usec(judged->interval), usec(judged->started), usec(judged->sample),
                                         usec(judged->now)),
                         judged->judgement);
}
END_TEST

START_TEST(the_limit_is_three_intervals_and_ten_seconds_at_least)
{
        ck_assert_uint_eq(freshness_limit(USEC_PER_SEC), 10 * USEC_PER_SEC);
        ck_assert_uint_eq(freshness_limit(10 * USEC_PER_SEC), 30 * USEC_PER_SEC);
        ck_assert_uint_eq(freshness_limit(USEC_PER_HOUR), 3 * USEC_PER_HOUR);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("freshness");
        TCase *judging = tcase_create("judging");

        tcase_add_loop_test(judging, a_sample_is_stale_when_three_are_missing, 0, ELEMENTSOF(cases));
        tcase_add_test(judging, the_limit_is_three_intervals_and_ten_seconds_at_least);
        suite_add_tcase(suite, judging);

        return suite_main(suite);
}
