/* SPDX-License-Identifier: Apache-2.0 */

#include "collect/walk.h"
#include "suite.h"

#define ONE_PERCENT (WALK_BUDGET_ONE / 100)

/* What walks cost on a host with so many sockets, in nanoseconds (kernel/sock_diag.h). */
typedef struct Host {
        uint64_t full_nsec;
        uint64_t rare_nsec;
        uint64_t all_nsec;
} Host;

static const Host hosts[] = {
        { 600 * 1000, 90 * 1000, 660 * 1000 },                               /* 1,000 */
        { 6 * 1000 * 1000, 900 * 1000, 6600 * 1000 },                        /* 10,000 */
        { 60 * 1000 * 1000, 9 * 1000 * 1000, 66 * 1000 * 1000 },             /* 100,000 */
        { 600 * 1000 * 1000, 90 * 1000 * 1000, 660 * 1000 * 1000 },          /* 1,000,000 */
        { UINT64_C(6000000000), UINT64_C(900000000), UINT64_C(6600000000) }, /* 10,000,000 */
};

static uint64_t cost_of(const Host *host, Walk walk) {
        const uint64_t costs[_WALKS] = { 0, host->rare_nsec, host->full_nsec, host->all_nsec };

        return costs[walk];
}

typedef struct Hour {
        uint64_t n[_WALKS];
        uint64_t cost_nsec; /* of all but the first of each kind */
} Hour;

/* Samples of one hour, one a second. */
static Hour spend_hour(WalkPlan *plan, const Host *host, usec_t begin_usec, uint32_t budget) {
        Hour hour = { 0 };

        for (uint64_t second = 0; second < 3600; second++) {
                usec_t now = begin_usec + second * USEC_PER_SEC;
                Walk walk = walk_plan_choose(plan, now, budget);
                uint64_t cost = cost_of(host, walk);

                if (hour.n[walk]++ > 0)
                        hour.cost_nsec += cost;
                if (walk != WALK_NONE)
                        walk_plan_charge(plan, walk, now, cost);
        }

        return hour;
}

START_TEST(the_first_walk_is_a_full_one_and_that_over_all_comes_when_it_could_be_paid_for)
{
        WalkPlan plan = { 0 };

        ck_assert_int_eq(walk_plan_choose(&plan, 1, 1), WALK_FULL);
        ck_assert_int_eq(walk_plan_choose(&plan, USEC_PER_HOUR, WALK_BUDGET_ONE), WALK_FULL);

        /* 600 ms for 0.1% are 600 s. */
        walk_plan_charge(&plan, WALK_FULL, USEC_PER_HOUR, 600 * 1000 * 1000);
        walk_plan_charge(&plan, WALK_FULL, USEC_PER_HOUR + 590 * USEC_PER_SEC, 600 * 1000 * 1000);
        ck_assert_int_ne(walk_plan_choose(&plan, USEC_PER_HOUR + 599 * USEC_PER_SEC, ONE_PERCENT), WALK_ALL);
        ck_assert_int_eq(walk_plan_choose(&plan, USEC_PER_HOUR + 600 * USEC_PER_SEC, ONE_PERCENT), WALK_ALL);
}
END_TEST

START_TEST(walks_take_the_budget_and_at_most_one_of_each_kind_more)
{
        static const uint32_t budgets[] = { 1, 100, ONE_PERCENT / 10, ONE_PERCENT, 10 * ONE_PERCENT };

        for (size_t i = 0; i < ELEMENTSOF(budgets); i++) {
                WalkPlan plan = { 0 };
                Hour hour = spend_hour(&plan, &hosts[_i], USEC_PER_HOUR, budgets[i]);

                ck_assert_uint_ge(hour.n[WALK_FULL] + hour.n[WALK_ALL], 1);
                ck_assert_uint_le(hour.cost_nsec, 3600 * UINT64_C(1000) * budgets[i]);
        }
}
END_TEST

START_TEST(a_host_with_few_sockets_has_a_walk_over_all_with_each_sample)
{
        WalkPlan plan = { 0 };
        Hour hour = spend_hour(&plan, &hosts[0], USEC_PER_HOUR, ONE_PERCENT);

        ck_assert_uint_eq(hour.n[WALK_FULL], 1);
        ck_assert_uint_eq(hour.n[WALK_ALL], 3599);
}
END_TEST

START_TEST(the_cheaper_walk_comes_more_often_on_a_host_with_many_sockets)
{
        WalkPlan plan = { 0 };
        Hour hour = spend_hour(&plan, &hosts[3], USEC_PER_HOUR, ONE_PERCENT);

        /* 660 ms for 0.1% of the time are one in 660 s, 600 ms for 0.35% one in 172 s, 90 ms for 0.45% one
         * in 20 s. */
        ck_assert_uint_eq(hour.n[WALK_ALL], 5);
        ck_assert_uint_ge(hour.n[WALK_FULL], 15);
        ck_assert_uint_le(hour.n[WALK_FULL], 21);
        ck_assert_uint_ge(hour.n[WALK_RARE], 150);
        ck_assert_uint_le(hour.n[WALK_RARE], 180);
}
END_TEST

START_TEST(nearly_all_of_the_budget_is_used_where_it_is_needed)
{
        WalkPlan plan = { 0 };
        Hour hour = spend_hour(&plan, &hosts[3], USEC_PER_HOUR, ONE_PERCENT);

        /* A tenth of it is for other tables, and what larger walks put off is not made up for. */
        ck_assert_uint_ge(hour.cost_nsec, 3600 * UINT64_C(7) * 1000 * 1000);
        ck_assert_uint_le(hour.cost_nsec, 3600 * UINT64_C(9) * 1000 * 1000);
}
END_TEST

/* What is spent of a budget in so many samples from the start on. */
static uint64_t spend_from_start(const Host *host, unsigned n_seconds, uint32_t budget) {
        WalkPlan plan = { 0 };
        uint64_t spent_nsec = 0;

        for (unsigned second = 0; second < n_seconds; second++) {
                usec_t now = USEC_PER_HOUR + second * USEC_PER_SEC;
                Walk walk = walk_plan_choose(&plan, now, budget);

                spent_nsec += cost_of(host, walk);
                if (walk != WALK_NONE)
                        walk_plan_charge(&plan, walk, now, cost_of(host, walk));
        }

        return spent_nsec;
}

START_TEST(the_first_walk_is_made_up_for_by_those_after_it)
{
        const Host *host = &hosts[3];
        uint64_t budget_nsec_per_sec = 10 * 1000 * 1000;

        /* It takes what a minute has; two minutes later no more was spent than they had. */
        ck_assert_uint_ge(spend_from_start(host, 1, ONE_PERCENT), 60 * budget_nsec_per_sec);
        ck_assert_uint_le(spend_from_start(host, 120, ONE_PERCENT), 120 * budget_nsec_per_sec);
}
END_TEST

START_TEST(rare_walks_have_half_of_their_part_until_the_first_one_is_made_up_for)
{
        WalkPlan plan = { 0 };
        usec_t begin = USEC_PER_HOUR;

        /* 90 ms are 40 s of half of their part. */
        walk_plan_charge(&plan, WALK_FULL, begin, 630 * 1000 * 1000);
        walk_plan_charge(&plan, WALK_RARE, begin, 90 * 1000 * 1000);
        ck_assert_int_eq(walk_plan_choose(&plan, begin + 39 * USEC_PER_SEC, ONE_PERCENT), WALK_NONE);
        ck_assert_int_eq(walk_plan_choose(&plan, begin + 40 * USEC_PER_SEC, ONE_PERCENT), WALK_RARE);
        walk_plan_charge(&plan, WALK_RARE, begin + 40 * USEC_PER_SEC, 90 * 1000 * 1000);

        /* 63 s have paid for the first: 23 s of half of it, and 8.5 s of all. */
        ck_assert_int_eq(walk_plan_choose(&plan, begin + 71 * USEC_PER_SEC, ONE_PERCENT), WALK_NONE);
        ck_assert_int_eq(walk_plan_choose(&plan, begin + 72 * USEC_PER_SEC, ONE_PERCENT), WALK_RARE);
        walk_plan_charge(&plan, WALK_RARE, begin + 72 * USEC_PER_SEC, 90 * 1000 * 1000);
        ck_assert_int_eq(walk_plan_choose(&plan, begin + 91 * USEC_PER_SEC, ONE_PERCENT), WALK_NONE);
        ck_assert_int_eq(walk_plan_choose(&plan, begin + 92 * USEC_PER_SEC, ONE_PERCENT), WALK_RARE);
}
END_TEST

START_TEST(a_rare_walk_is_taken_for_half_of_a_full_one_until_one_was_made)
{
        WalkPlan plan = { 0 };
        usec_t begin = USEC_PER_HOUR;

        /* 315 ms: 63 s of half of their part, and 38.5 s of all. */
        walk_plan_charge(&plan, WALK_FULL, begin, 630 * 1000 * 1000);
        ck_assert_int_eq(walk_plan_choose(&plan, begin + 101 * USEC_PER_SEC, ONE_PERCENT), WALK_NONE);
        ck_assert_int_eq(walk_plan_choose(&plan, begin + 102 * USEC_PER_SEC, ONE_PERCENT), WALK_RARE);
}
END_TEST

/* A rare walk of a minute after the last takes the kernel up to half as long as a full one. */
START_TEST(two_minutes_from_the_start_on_have_their_budget_also_where_caches_are_cold)
{
        for (uint64_t cold = 2; cold <= 7; cold++)
                for (unsigned full_msec = 100; full_msec <= 1200; full_msec += 100) {
                        uint64_t full_nsec = full_msec * NSEC_PER_MSEC;
                        const Host host = { full_nsec, full_nsec / cold, full_nsec + full_nsec / 10 };

                        ck_assert_uint_le(spend_from_start(&host, 120, ONE_PERCENT),
                                          120 * UINT64_C(10) * NSEC_PER_MSEC);
                }
}
END_TEST

START_TEST(no_budget_means_no_walk)
{
        WalkPlan plan = { 0 };

        ck_assert_int_eq(walk_plan_choose(&plan, 1, 0), WALK_NONE);
        walk_plan_charge(&plan, WALK_FULL, 1, 1);
        ck_assert_int_eq(walk_plan_choose(&plan, USEC_PER_HOUR, 0), WALK_NONE);
}
END_TEST

START_TEST(a_host_that_grows_pays_for_what_the_last_walk_took)
{
        WalkPlan plan = { 0 };
        Hour hour;

        (void)spend_hour(&plan, &hosts[0], USEC_PER_HOUR, ONE_PERCENT);
        hour = spend_hour(&plan, &hosts[3], 2 * USEC_PER_HOUR, ONE_PERCENT);
        ck_assert_uint_le(hour.n[WALK_ALL] + hour.n[WALK_FULL], 30);
        hour = spend_hour(&plan, &hosts[0], 3 * USEC_PER_HOUR, ONE_PERCENT);
        ck_assert_uint_ge(hour.n[WALK_ALL] + hour.n[WALK_FULL], 3600 - 150);
}
END_TEST

START_TEST(what_a_smaller_walk_costs_is_guessed_until_one_was_made)
{
        WalkPlan plan = { 0 };
        usec_t begin = USEC_PER_HOUR;

        walk_plan_charge(&plan, WALK_ALL, begin, 1000 * 1000);
        begin += USEC_PER_HOUR; /* the first one is made up for */
        walk_plan_charge(&plan, WALK_ALL, begin, 630 * 1000 * 1000);
        walk_plan_charge(&plan, WALK_RARE, begin, 9 * 1000 * 1000);
        ck_assert_int_eq(walk_plan_choose(&plan, begin + USEC_PER_SEC, ONE_PERCENT), WALK_FULL);
        ck_assert_int_eq(walk_plan_choose(&plan, begin + 2 * USEC_PER_SEC - 1, ONE_PERCENT), WALK_FULL);
        walk_plan_charge(&plan, WALK_FULL, begin + 2 * USEC_PER_SEC, 540 * 1000 * 1000);
        ck_assert_int_eq(walk_plan_choose(&plan, begin + 4 * USEC_PER_SEC - 1, ONE_PERCENT), WALK_NONE);
        ck_assert_int_eq(walk_plan_choose(&plan, begin + 4 * USEC_PER_SEC, ONE_PERCENT), WALK_RARE);
}
END_TEST

START_TEST(a_larger_walk_puts_the_smaller_ones_off)
{
        WalkPlan plan = { 0 };

        walk_plan_charge(&plan, WALK_ALL, 1, 660 * 1000 * 1000);
        walk_plan_charge(&plan, WALK_RARE, USEC_PER_HOUR, 90 * 1000 * 1000);
        walk_plan_charge(&plan, WALK_FULL, USEC_PER_HOUR + 16 * USEC_PER_SEC, 600 * 1000 * 1000);
        plan.made_usec[WALK_ALL] = USEC_PER_HOUR;
        ck_assert_int_eq(walk_plan_choose(&plan, USEC_PER_HOUR + 35 * USEC_PER_SEC, ONE_PERCENT), WALK_NONE);
        ck_assert_int_eq(walk_plan_choose(&plan, USEC_PER_HOUR + 36 * USEC_PER_SEC, ONE_PERCENT), WALK_RARE);
}
END_TEST

START_TEST(a_larger_budget_counts_at_once)
{
        WalkPlan plan = { 0 };

        walk_plan_charge(&plan, WALK_ALL, USEC_PER_HOUR, 600 * 1000 * 1000);
        walk_plan_charge(&plan, WALK_RARE, USEC_PER_HOUR, 90 * 1000 * 1000);
        ck_assert_int_eq(walk_plan_choose(&plan, USEC_PER_HOUR + 7 * USEC_PER_SEC, ONE_PERCENT), WALK_NONE);
        ck_assert_int_eq(walk_plan_choose(&plan, USEC_PER_HOUR + 7 * USEC_PER_SEC, WALK_BUDGET_ONE),
                         WALK_ALL);
}
END_TEST

START_TEST(a_walk_counts_what_smaller_ones_do_and_more)
{
        for (StateIndex state = 0; state < _STATES; state++) {
                bool is_common = state == STATE_ESTABLISHED || state == STATE_TIME_WAIT;

                ck_assert(!walk_counts(WALK_NONE, state));
                ck_assert_int_eq(walk_counts(WALK_RARE, state), !is_common && state != STATE_BOUND_INACTIVE);
                ck_assert_int_eq(walk_counts(WALK_FULL, state), state != STATE_BOUND_INACTIVE);
                ck_assert(walk_counts(WALK_ALL, state));
        }
}
END_TEST

START_TEST(a_walk_that_failed_is_tried_again_soon_then_more_rarely_and_alone)
{
        static const unsigned pauses_sec[] = { 1, 2, 4, 8, 16, 32 };
        const uint64_t cost = 600 * 1000 * 1000;
        usec_t now = USEC_PER_HOUR;
        WalkPlan plan = { 0 };

        walk_plan_charge(&plan, WALK_ALL, now, cost);
        walk_plan_charge(&plan, WALK_RARE, now, 1000);
        walk_plan_charge(&plan, WALK_FULL, now, cost);
        for (size_t i = 0; i < ELEMENTSOF(pauses_sec); i++) {
                walk_plan_fail(&plan, WALK_FULL, now, 1000);
                ck_assert_int_eq(walk_plan_choose(&plan, now + pauses_sec[i] * USEC_PER_SEC - 1,
                                                  ONE_PERCENT),
                                 WALK_NONE);
                now += pauses_sec[i] * USEC_PER_SEC;
                ck_assert_int_eq(walk_plan_choose(&plan, now, ONE_PERCENT), WALK_FULL);
        }

        /* And is as any other when it does not. */
        walk_plan_charge(&plan, WALK_FULL, now, cost);
        ck_assert_int_eq(walk_plan_choose(&plan, now + USEC_PER_SEC, ONE_PERCENT), WALK_RARE);
        walk_plan_charge(&plan, WALK_RARE, now, cost);
        ck_assert_int_eq(walk_plan_choose(&plan, now + 100 * USEC_PER_SEC, ONE_PERCENT), WALK_NONE);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("walk");
        TCase *budget = tcase_create("budget");
        TCase *kinds = tcase_create("kinds");

        tcase_add_test(budget,
                       the_first_walk_is_a_full_one_and_that_over_all_comes_when_it_could_be_paid_for);
        tcase_add_loop_test(budget, walks_take_the_budget_and_at_most_one_of_each_kind_more, 0,
                            ELEMENTSOF(hosts));
        tcase_add_test(budget, a_host_with_few_sockets_has_a_walk_over_all_with_each_sample);
        tcase_add_test(budget, the_cheaper_walk_comes_more_often_on_a_host_with_many_sockets);
        tcase_add_test(budget, nearly_all_of_the_budget_is_used_where_it_is_needed);
        tcase_add_test(budget, the_first_walk_is_made_up_for_by_those_after_it);
        tcase_add_test(budget, rare_walks_have_half_of_their_part_until_the_first_one_is_made_up_for);
        tcase_add_test(budget, a_rare_walk_is_taken_for_half_of_a_full_one_until_one_was_made);
        tcase_add_test(budget, two_minutes_from_the_start_on_have_their_budget_also_where_caches_are_cold);
        tcase_add_test(budget, no_budget_means_no_walk);
        tcase_add_test(budget, a_host_that_grows_pays_for_what_the_last_walk_took);
        tcase_add_test(budget, what_a_smaller_walk_costs_is_guessed_until_one_was_made);
        tcase_add_test(budget, a_larger_walk_puts_the_smaller_ones_off);
        tcase_add_test(budget, a_larger_budget_counts_at_once);
        tcase_add_test(budget, a_walk_that_failed_is_tried_again_soon_then_more_rarely_and_alone);
        suite_add_tcase(suite, budget);

        tcase_add_test(kinds, a_walk_counts_what_smaller_ones_do_and_more);
        suite_add_tcase(suite, kinds);

        return suite_main(suite);
}
