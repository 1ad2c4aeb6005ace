/* SPDX-License-Identifier: Apache-2.0 */

#include "collect/between_walks.h"
#include "suite.h"

/* A quiet host: 1,000 established, 40 in CLOSE_WAIT, 300 in TIME_WAIT, 7 mini-sockets in FIN_WAIT2. */
static const StateCounts quiet = {
        .n_established = 1000,
        .n_time_wait = 300,
        .n_close_wait = 40,
        .n_mini_fin_wait2 = 7,
};

/* The kernel's counters of it, by either meaning of CurrEstab. */
static StateCounters counters_of(const StateCounts *counts, EstablishedMeaning meaning) {
        return (StateCounters){
                .current_established = counts->n_established +
                                       (meaning == ESTABLISHED_AND_CLOSE_WAIT ? counts->n_close_wait : 0),
                .time_wait_allocated = counts->n_time_wait + counts->n_mini_fin_wait2,
                .n_opens = 5000,
        };
}

static const EstablishedMeaning meanings[] = { ESTABLISHED_ALONE, ESTABLISHED_AND_CLOSE_WAIT };

static Derivation learn(const StateCounters *before, const StateCounters *behind, const StateCounts *walk) {
        Derivation derivation = { 0 };

        derivation_learn(&derivation, before, behind, walk);
        return derivation;
}

START_TEST(nothing_is_derived_before_a_walk)
{
        const Derivation nothing = { 0 };
        StateCounters now = counters_of(&quiet, ESTABLISHED_ALONE);
        uint64_t n = 77;

        ck_assert(!derivation_established(&nothing, &now, &quiet, &n));
        ck_assert(!derivation_time_wait(&nothing, &now, &quiet, &n));
        ck_assert_uint_eq(n, 77);
}
END_TEST

START_TEST(the_meaning_is_what_fits_a_walk_with_close_wait)
{
        StateCounters counters = counters_of(&quiet, meanings[_i]);
        Derivation derivation = learn(&counters, &counters, &quiet);
        uint64_t n;

        ck_assert_int_eq(derivation.established, meanings[_i]);

        /* 25 more are opened, and 3 of CLOSE_WAIT were closed, as a rare walk tells. */
        counters.current_established += 25 - (meanings[_i] == ESTABLISHED_AND_CLOSE_WAIT ? 3 : 0);
        ck_assert(derivation_established(&derivation, &counters,
                                         &(StateCounts){ .n_established = 1000, .n_close_wait = 37 }, &n));
        ck_assert_uint_eq(n, 1025);
}
END_TEST

START_TEST(without_close_wait_the_meaning_is_not_learned_and_does_not_matter)
{
        const StateCounts walk = { .n_established = 1000 };
        StateCounters counters = counters_of(&walk, ESTABLISHED_ALONE);
        Derivation derivation = learn(&counters, &counters, &walk);
        uint64_t n;

        ck_assert_int_eq(derivation.established, ESTABLISHED_EITHER);
        counters.current_established = 1200;
        ck_assert(derivation_established(&derivation, &counters, &walk, &n));
        ck_assert_uint_eq(n, 1200);

        /* From when a rare walk finds some on it does, and the next full one tells. */
        ck_assert(!derivation_established(&derivation, &counters, &(StateCounts){ .n_close_wait = 1 }, &n));
        counters = counters_of(&quiet, ESTABLISHED_AND_CLOSE_WAIT);
        derivation_learn(&derivation, &counters, &counters, &quiet);
        ck_assert_int_eq(derivation.established, ESTABLISHED_AND_CLOSE_WAIT);
}
END_TEST

/* As many connections were opened meanwhile as there are in CLOSE_WAIT. */
START_TEST(what_churn_may_explain_teaches_nothing)
{
        StateCounters before = counters_of(&quiet, meanings[_i]), behind = before;
        Derivation derivation;

        behind.n_opens += 20;
        derivation = learn(&before, &behind, &quiet);
        ck_assert_int_eq(derivation.established, ESTABLISHED_EITHER);

        behind.n_opens = before.n_opens + 19;
        derivation = learn(&before, &behind, &quiet);
        ck_assert_int_eq(derivation.established, meanings[_i]);
}
END_TEST

START_TEST(half_open_connections_may_have_been_opened_meanwhile)
{
        StateCounters counters = counters_of(&quiet, ESTABLISHED_ALONE);
        StateCounts walk = quiet;
        Derivation derivation;

        walk.n_opening = 20;
        derivation = learn(&counters, &counters, &walk);
        ck_assert_int_eq(derivation.established, ESTABLISHED_EITHER);
}
END_TEST

START_TEST(what_was_learned_stays_while_it_fits)
{
        StateCounters counters = counters_of(&quiet, meanings[_i]);
        Derivation derivation = learn(&counters, &counters, &quiet);
        const StateCounts without = { .n_established = 500 };

        counters = counters_of(&without, meanings[_i]);
        derivation_learn(&derivation, &counters, &counters, &without);
        ck_assert_int_eq(derivation.established, meanings[_i]);
}
END_TEST

START_TEST(a_counter_that_fits_neither_way_is_not_used)
{
        StateCounters counters = counters_of(&quiet, meanings[_i]);
        Derivation derivation = learn(&counters, &counters, &quiet);
        uint64_t n;

        counters.current_established = 2000;
        derivation_learn(&derivation, &counters, &counters, &quiet);
        ck_assert_int_eq(derivation.established, ESTABLISHED_UNKNOWN);
        ck_assert(!derivation_established(&derivation, &counters, &quiet, &n));
}
END_TEST

START_TEST(time_wait_is_less_those_that_stand_for_fin_wait2)
{
        StateCounters counters = counters_of(&quiet, ESTABLISHED_ALONE);
        Derivation derivation = learn(&counters, &counters, &quiet);
        uint64_t n;

        counters.time_wait_allocated = 1007;
        ck_assert(derivation_time_wait(&derivation, &counters, &quiet, &n));
        ck_assert_uint_eq(n, 1000);
}
END_TEST

START_TEST(time_wait_is_not_derived_from_a_counter_that_disagrees)
{
        StateCounters counters = counters_of(&quiet, ESTABLISHED_ALONE);
        Derivation derivation;
        uint64_t n;

        counters.time_wait_allocated++;
        derivation = learn(&counters, &counters, &quiet);
        ck_assert(!derivation_time_wait(&derivation, &counters, &quiet, &n));

        counters.time_wait_allocated--;
        derivation_learn(&derivation, &counters, &counters, &quiet);
        ck_assert(derivation_time_wait(&derivation, &counters, &quiet, &n));
}
END_TEST

/* The walk is of some seconds ago: what it counted may have gone since. */
START_TEST(less_than_nothing_is_not_derived)
{
        StateCounters counters = counters_of(&quiet, ESTABLISHED_AND_CLOSE_WAIT);
        Derivation derivation = learn(&counters, &counters, &quiet);
        uint64_t n;

        counters.current_established = 39;
        counters.time_wait_allocated = 6;
        ck_assert(!derivation_established(&derivation, &counters, &quiet, &n));
        ck_assert(!derivation_time_wait(&derivation, &counters, &quiet, &n));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("between-walks");
        TCase *learning = tcase_create("learning");
        TCase *deriving = tcase_create("deriving");
        const int n = ELEMENTSOF(meanings);

        tcase_add_test(learning, nothing_is_derived_before_a_walk);
        tcase_add_loop_test(learning, the_meaning_is_what_fits_a_walk_with_close_wait, 0, n);
        tcase_add_test(learning, without_close_wait_the_meaning_is_not_learned_and_does_not_matter);
        tcase_add_loop_test(learning, what_churn_may_explain_teaches_nothing, 0, n);
        tcase_add_test(learning, half_open_connections_may_have_been_opened_meanwhile);
        tcase_add_loop_test(learning, what_was_learned_stays_while_it_fits, 0, n);
        tcase_add_loop_test(learning, a_counter_that_fits_neither_way_is_not_used, 0, n);
        suite_add_tcase(suite, learning);

        tcase_add_test(deriving, time_wait_is_less_those_that_stand_for_fin_wait2);
        tcase_add_test(deriving, time_wait_is_not_derived_from_a_counter_that_disagrees);
        tcase_add_test(deriving, less_than_nothing_is_not_derived);
        suite_add_tcase(suite, deriving);

        return suite_main(suite);
}
