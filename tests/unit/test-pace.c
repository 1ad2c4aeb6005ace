/* SPDX-License-Identifier: Apache-2.0 */

#include "base/clock.h"
#include "base/macro.h"
#include "collect/pace.h"
#include "suite.h"

#define STEP_NSEC (250 * NSEC_PER_USEC)

/* When it is given half a second. */
#define BEGIN_NSEC (7 * NSEC_PER_SEC)
#define END_NSEC   (BEGIN_NSEC + NSEC_PER_SEC / 2)

typedef struct Walked {
        uint64_t nsec;
        uint64_t rest_nsec;
        uint64_t longest_rest_nsec;
} Walked;

/* Steps until so much CPU time was used. Each is given @share of a processor. */
static Walked walk(uint64_t expected_nsec, uint64_t cost_nsec, uint64_t step_nsec, double share) {
        uint64_t now = BEGIN_NSEC, cpu = 3 * NSEC_PER_SEC, end_cpu = cpu + cost_nsec;
        Walked walked = { 0 };
        Pace pace;

        pace_begin(&pace, expected_nsec, now, END_NSEC, cpu);
        while (cpu < end_cpu) {
                uint64_t rest;

                cpu += step_nsec;
                now += (uint64_t)((double)step_nsec / share);
                rest = pace_rest_nsec(&pace, now, cpu);
                ck_assert(rest == 0 || rest >= PACE_REST_MIN_NSEC || now + rest == END_NSEC);
                now += rest;
                walked.rest_nsec += rest;
                walked.longest_rest_nsec = MAX(walked.longest_rest_nsec, rest);
        }

        walked.nsec = now - BEGIN_NSEC;
        return walked;
}

START_TEST(a_walk_rests_five_times_as_long_as_it_works)
{
        uint64_t cost = 60 * NSEC_PER_MSEC;
        Walked walked = walk(cost, cost, STEP_NSEC, 1);

        ck_assert_uint_eq(walked.rest_nsec, 5 * cost);
        ck_assert_uint_eq(walked.longest_rest_nsec, 5 * STEP_NSEC);
}
END_TEST

/* In milliseconds. */
static const uint64_t costs[] = { 1, 10, 80, 100, 250, 400, 499 };

START_TEST(it_is_done_in_time_with_all_its_rests)
{
        uint64_t cost = costs[_i] * NSEC_PER_MSEC;
        Walked walked = walk(cost, cost, STEP_NSEC, 1);

        ck_assert_uint_gt(walked.rest_nsec, 0);
        ck_assert_uint_le(walked.nsec, END_NSEC - BEGIN_NSEC + STEP_NSEC);
}
END_TEST

START_TEST(what_takes_longer_than_the_time_does_not_rest)
{
        ck_assert_uint_eq(walk(500 * NSEC_PER_MSEC, NSEC_PER_SEC, STEP_NSEC, 1).rest_nsec, 0);
        ck_assert_uint_eq(walk(900 * NSEC_PER_MSEC, NSEC_PER_SEC, STEP_NSEC, 1).rest_nsec, 0);
}
END_TEST

START_TEST(what_takes_nobody_knows_how_long_does_not_rest)
{ ck_assert_uint_eq(walk(UINT64_MAX, 10 * NSEC_PER_MSEC, STEP_NSEC, 1).rest_nsec, 0); }
END_TEST

START_TEST(what_is_not_begun_does_not_rest)
{
        Pace pace = { 0 };

        ck_assert_uint_eq(pace_rest_nsec(&pace, BEGIN_NSEC, NSEC_PER_SEC), 0);
}
END_TEST

START_TEST(it_ends_to_rest_in_time_when_it_takes_longer_than_it_did)
{
        uint64_t cost = 800 * NSEC_PER_MSEC;
        Walked walked = walk(10 * NSEC_PER_MSEC, cost, STEP_NSEC, 1);

        ck_assert_uint_lt(walked.rest_nsec, END_NSEC - BEGIN_NSEC);
        ck_assert_uint_eq(walked.nsec, cost + walked.rest_nsec);
}
END_TEST

START_TEST(it_ends_to_rest_in_time_when_others_keep_it_waiting)
{
        uint64_t cost = 80 * NSEC_PER_MSEC;
        Walked walked = walk(cost, cost, STEP_NSEC, 0.1);

        ck_assert_uint_gt(walked.rest_nsec, 0);
        ck_assert_uint_lt(walked.rest_nsec, END_NSEC - BEGIN_NSEC);
        ck_assert_uint_le(walked.nsec, END_NSEC - BEGIN_NSEC + 10 * cost);
}
END_TEST

START_TEST(short_rests_are_saved_up)
{
        uint64_t cost = 60 * NSEC_PER_MSEC, step = PACE_REST_MIN_NSEC / 50;
        Walked walked = walk(cost, cost, step, 1);

        ck_assert_uint_eq(walked.longest_rest_nsec, PACE_REST_MIN_NSEC);
        ck_assert_uint_eq(walked.rest_nsec, 5 * cost);
}
END_TEST

START_TEST(what_begins_late_has_what_is_left_of_the_time)
{
        Pace pace;

        pace_begin(&pace, 80 * NSEC_PER_MSEC, END_NSEC - 160 * NSEC_PER_MSEC, END_NSEC, 0);
        ck_assert_uint_eq(pace_rest_nsec(&pace, END_NSEC - 159 * NSEC_PER_MSEC, NSEC_PER_MSEC),
                          NSEC_PER_MSEC);

        pace_begin(&pace, NSEC_PER_MSEC, END_NSEC + 1, END_NSEC, 0);
        ck_assert_uint_eq(pace_rest_nsec(&pace, END_NSEC + 2, NSEC_PER_MSEC), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("pace");
        TCase *resting = tcase_create("resting");

        tcase_add_test(resting, a_walk_rests_five_times_as_long_as_it_works);
        tcase_add_loop_test(resting, it_is_done_in_time_with_all_its_rests, 0, ELEMENTSOF(costs));
        tcase_add_test(resting, what_takes_longer_than_the_time_does_not_rest);
        tcase_add_test(resting, what_takes_nobody_knows_how_long_does_not_rest);
        tcase_add_test(resting, what_is_not_begun_does_not_rest);
        tcase_add_test(resting, it_ends_to_rest_in_time_when_it_takes_longer_than_it_did);
        tcase_add_test(resting, it_ends_to_rest_in_time_when_others_keep_it_waiting);
        tcase_add_test(resting, short_rests_are_saved_up);
        tcase_add_test(resting, what_begins_late_has_what_is_left_of_the_time);
        suite_add_tcase(suite, resting);

        return suite_main(suite);
}
