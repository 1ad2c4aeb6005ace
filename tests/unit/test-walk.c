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

        /* 660 ms for 0.1% of the time are one in 660 s, 600 ms for 0.4% one in 150 s, 90 ms for 0.5% one in
         * 18 s. */
        ck_assert_uint_eq(hour.n[WALK_ALL], 5);
        ck_assert_uint_ge(hour.n[WALK_FULL], 18);
        ck_assert_uint_le(hour.n[WALK_FULL], 24);
        ck_assert_uint_ge(hour.n[WALK_RARE], 170);
        ck_assert_uint_le(hour.n[WALK_RARE], 200);
}
END_TEST

START_TEST(nearly_all_of_the_budget_is_used_where_it_is_needed)
{
        WalkPlan plan = { 0 };
        Hour hour = spend_hour(&plan, &hosts[3], USEC_PER_HOUR, ONE_PERCENT);

        ck_assert_uint_ge(hour.cost_nsec, 3600 * UINT64_C(8) * 1000 * 1000);
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

START_TEST(what_a_smaller_walk_costs_is_not_known_and_not_paid_for_twice)
{
        WalkPlan plan = { 0 };

        walk_plan_charge(&plan, WALK_ALL, USEC_PER_HOUR, 600 * 1000 * 1000);
        ck_assert_int_eq(walk_plan_choose(&plan, USEC_PER_HOUR + USEC_PER_SEC, ONE_PERCENT), WALK_RARE);
        walk_plan_charge(&plan, WALK_RARE, USEC_PER_HOUR + USEC_PER_SEC, 90 * 1000 * 1000);
        ck_assert_int_eq(walk_plan_choose(&plan, USEC_PER_HOUR + 18 * USEC_PER_SEC, ONE_PERCENT), WALK_NONE);
        ck_assert_int_eq(walk_plan_choose(&plan, USEC_PER_HOUR + 19 * USEC_PER_SEC, ONE_PERCENT), WALK_RARE);
}
END_TEST

START_TEST(a_larger_walk_puts_the_smaller_ones_off)
{
        WalkPlan plan = { 0 };

        walk_plan_charge(&plan, WALK_ALL, USEC_PER_HOUR, 660 * 1000 * 1000);
        walk_plan_charge(&plan, WALK_RARE, USEC_PER_HOUR, 90 * 1000 * 1000);
        walk_plan_charge(&plan, WALK_FULL, USEC_PER_HOUR + 16 * USEC_PER_SEC, 600 * 1000 * 1000);
        ck_assert_int_eq(walk_plan_choose(&plan, USEC_PER_HOUR + 33 * USEC_PER_SEC, ONE_PERCENT), WALK_NONE);
        ck_assert_int_eq(walk_plan_choose(&plan, USEC_PER_HOUR + 34 * USEC_PER_SEC, ONE_PERCENT), WALK_RARE);
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
        tcase_add_test(budget, no_budget_means_no_walk);
        tcase_add_test(budget, a_host_that_grows_pays_for_what_the_last_walk_took);
        tcase_add_test(budget, what_a_smaller_walk_costs_is_not_known_and_not_paid_for_twice);
        tcase_add_test(budget, a_larger_walk_puts_the_smaller_ones_off);
        tcase_add_test(budget, a_larger_budget_counts_at_once);
        tcase_add_test(budget, a_walk_that_failed_is_tried_again_soon_then_more_rarely_and_alone);
        suite_add_tcase(suite, budget);

        tcase_add_test(kinds, a_walk_counts_what_smaller_ones_do_and_more);
        suite_add_tcase(suite, kinds);

        return suite_main(suite);
}
