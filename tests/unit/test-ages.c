/* SPDX-License-Identifier: Apache-2.0 */

#include "derive/ages.h"
#include "suite.h"

#define NOW_USEC (UINT64_C(1795000000) * USEC_PER_SEC)
#define ALL      ((1U << (AGES_FULL_WALK + 1)) - 1)
#define PART(id) (1U << AGES_##id)

static Sample sample;
static AgesGroup groups[_AGES_PARTS];

/* Each so many seconds before the sample. */
static void count(unsigned established, unsigned time_wait, unsigned rare, unsigned bound, unsigned full) {
        sample_set(&sample, VALUE_TCP_ESTABLISHED_USEC, NOW_USEC - established * USEC_PER_SEC);
        sample_set(&sample, VALUE_TCP_TIME_WAIT_USEC, NOW_USEC - time_wait * USEC_PER_SEC);
        sample_set(&sample, VALUE_TCP_RARE_STATES_USEC, NOW_USEC - rare * USEC_PER_SEC);
        sample_set(&sample, VALUE_TCP_BOUND_INACTIVE_USEC, NOW_USEC - bound * USEC_PER_SEC);
        sample_set(&sample, VALUE_TCP_FULL_WALK_USEC, NOW_USEC - full * USEC_PER_SEC);
}

static void check_group(size_t i, unsigned age_sec, unsigned parts) {
        ck_assert_uint_eq(groups[i].age_usec, age_sec * USEC_PER_SEC);
        ck_assert_uint_eq(groups[i].parts, parts);
}

static void setup(void) {
        sample_clear(&sample);
        sample.realtime_usec = NOW_USEC;
}

START_TEST(what_was_counted_with_the_sample_has_no_age)
{
        ck_assert_uint_eq(ages_group(&sample, ALL, groups), 0);
        count(0, 0, 0, 0, 0);
        ck_assert_uint_eq(ages_group(&sample, ALL, groups), 0);
}
END_TEST

START_TEST(what_was_counted_at_one_time_is_one_group_the_youngest_first)
{
        count(0, 42, 4, 100, 42);
        ck_assert_uint_eq(ages_group(&sample, ALL, groups), 3);
        check_group(0, 4, PART(RARE_STATES));
        check_group(1, 42, PART(TIME_WAIT) | PART(FULL_WALK));
        check_group(2, 100, PART(BOUND));

        count(5, 4, 3, 2, 1);
        ck_assert_uint_eq(ages_group(&sample, ALL, groups), 5);
        check_group(0, 1, PART(FULL_WALK));
        check_group(4, 5, PART(ESTABLISHED));

        count(9, 9, 9, 9, 9);
        ck_assert_uint_eq(ages_group(&sample, ALL, groups), 1);
        check_group(0, 9, ALL);
}
END_TEST

START_TEST(what_is_not_wanted_or_not_there_is_in_no_group)
{
        count(42, 42, 4, 42, 42);
        ck_assert_uint_eq(ages_group(&sample, PART(BOUND) | PART(RARE_STATES), groups), 2);
        check_group(0, 4, PART(RARE_STATES));
        check_group(1, 42, PART(BOUND));

        /* A kernel that does not tell them. */
        sample_unset(&sample, VALUE_TCP_BOUND_INACTIVE_USEC);
        ck_assert_uint_eq(ages_group(&sample, PART(BOUND), groups), 0);
}
END_TEST

START_TEST(a_table_is_as_old_as_the_last_answer)
{
        sample.reports[COLLECTOR_UNIX] =
                (CollectorReport){ .is_present = true, .last_success_usec = NOW_USEC };
        ck_assert_uint_eq(ages_of(&sample, AGES_UNIX), 0);
        sample.reports[COLLECTOR_UNIX].last_success_usec -= 7 * USEC_PER_SEC;
        ck_assert_uint_eq(ages_of(&sample, AGES_UNIX), 7 * USEC_PER_SEC);
        ck_assert_uint_eq(ages_of(&sample, AGES_UDP), 0);

        /* One that failed has no rows that could be old. */
        sample.reports[COLLECTOR_UNIX].error = -5;
        ck_assert_uint_eq(ages_of(&sample, AGES_UNIX), 0);
}
END_TEST

START_TEST(descriptors_are_as_old_as_the_process_that_waits_the_longest)
{
        ck_assert_uint_eq(ages_of(&sample, AGES_PROCESSES), 0);
        sample_set(&sample, VALUE_PROCESSES_COUNTED_USEC, NOW_USEC - 40 * USEC_PER_SEC);
        ck_assert_uint_eq(ages_of(&sample, AGES_PROCESSES), 40 * USEC_PER_SEC);
}
END_TEST

START_TEST(a_time_to_come_is_no_age)
{
        count(0, 0, 0, 0, 0);
        sample.realtime_usec -= USEC_PER_HOUR;
        ck_assert_uint_eq(ages_group(&sample, ALL, groups), 0);
}
END_TEST

START_TEST(a_collector_that_was_not_tried_is_walks_turned_off_and_one_that_failed_is_not)
{
        ck_assert(ages_lacks_walks(&sample));
        sample.reports[COLLECTOR_TCP] = (CollectorReport){ .is_present = true, .error = -5 };
        ck_assert(!ages_lacks_walks(&sample));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("ages");
        TCase *ages = tcase_create("ages");

        tcase_add_checked_fixture(ages, setup, NULL);
        tcase_add_test(ages, what_was_counted_with_the_sample_has_no_age);
        tcase_add_test(ages, what_was_counted_at_one_time_is_one_group_the_youngest_first);
        tcase_add_test(ages, what_is_not_wanted_or_not_there_is_in_no_group);
        tcase_add_test(ages, a_table_is_as_old_as_the_last_answer);
        tcase_add_test(ages, descriptors_are_as_old_as_the_process_that_waits_the_longest);
        tcase_add_test(ages, a_time_to_come_is_no_age);
        tcase_add_test(ages, a_collector_that_was_not_tried_is_walks_turned_off_and_one_that_failed_is_not);
        suite_add_tcase(suite, ages);

        return suite_main(suite);
}
