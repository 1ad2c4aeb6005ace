/* SPDX-License-Identifier: Apache-2.0 */

#include "base/macro.h"
#include "collect/selection.h"
#include "suite.h"

static Candidate candidates[8];
static size_t n_candidates;

static void setup(void) {
        n_candidates = 0;
}

/* Its index is how many were added before. */
static void add(uint64_t score, bool was_chosen) {
        candidates[n_candidates] = (Candidate){
                .score = score,
                .index = (uint32_t)n_candidates,
                .was_chosen = was_chosen,
        };
        n_candidates++;
}

static bool is_kept(uint32_t index, size_t n_max) {
        Candidate copy[ELEMENTSOF(candidates)];
        size_t n;

        for (size_t i = 0; i < n_candidates; i++)
                copy[i] = candidates[i];
        n = selection_choose(copy, n_candidates, n_max);
        ck_assert_uint_eq(n, MIN(n_candidates, n_max));
        for (size_t i = 0; i < n; i++)
                if (copy[i].index == index)
                        return true;

        return false;
}

START_TEST(the_highest_scores_are_kept)
{
        add(5, false);
        add(9, false);
        add(1, false);
        add(7, false);
        ck_assert(!is_kept(0, 2));
        ck_assert(is_kept(1, 2));
        ck_assert(!is_kept(2, 2));
        ck_assert(is_kept(3, 2));
}
END_TEST

START_TEST(all_are_kept_where_there_is_room)
{
        add(5, false);
        add(0, false);
        ck_assert(is_kept(0, 2) && is_kept(1, 2));
        ck_assert(is_kept(0, 3) && is_kept(1, 3));
}
END_TEST

START_TEST(none_is_kept_where_there_is_no_room)
{
        add(5, false);
        ck_assert(!is_kept(0, 0));
        ck_assert_uint_eq(selection_choose(NULL, 0, 5), 0);
}
END_TEST

START_TEST(of_equals_the_lower_index_is_kept)
{
        for (size_t i = 0; i < 5; i++)
                add(3, false);
        for (uint32_t i = 0; i < 5; i++)
                ck_assert_int_eq(is_kept(i, 2), i < 2);
}
END_TEST

START_TEST(what_was_kept_stays_until_another_is_higher_by_more_than_a_quarter)
{
        add(125, false);
        add(100, true);
        ck_assert(is_kept(1, 1));

        candidates[0].score = 127;
        ck_assert(is_kept(0, 1));
}
END_TEST

START_TEST(what_was_kept_stays_before_its_equals_also_at_0)
{
        add(0, false);
        add(0, true);
        ck_assert(is_kept(1, 1));
}
END_TEST

START_TEST(the_highest_score_of_all_does_not_wrap)
{
        add(UINT64_MAX - 5, true);
        add(5, false);
        ck_assert(is_kept(0, 1));
}
END_TEST

/* As table and sums are made in one pass over them. */
START_TEST(those_in_front_are_in_order_of_index)
{
        for (uint32_t i = 0; i < ELEMENTSOF(candidates); i++)
                candidates[i] = (Candidate){ .score = 3 * i % 8, .index = 7 - i };

        ck_assert_uint_eq(selection_choose(candidates, 8, (size_t)_i), (size_t)_i);
        for (int i = 1; i < _i; i++)
                ck_assert_uint_lt(candidates[i - 1].index, candidates[i].index);
}
END_TEST

START_TEST(those_behind_are_the_others)
{
        unsigned seen = 0;

        for (uint32_t i = 0; i < ELEMENTSOF(candidates); i++)
                candidates[i] = (Candidate){ .score = 3 * i % 8, .index = i };
        (void)selection_choose(candidates, 8, 3);
        for (size_t i = 0; i < ELEMENTSOF(candidates); i++)
                seen |= 1U << candidates[i].index;
        ck_assert_uint_eq(seen, 0xff);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("selection");
        TCase *choosing = tcase_create("choosing");

        tcase_add_checked_fixture(choosing, setup, NULL);
        tcase_add_test(choosing, the_highest_scores_are_kept);
        tcase_add_test(choosing, all_are_kept_where_there_is_room);
        tcase_add_test(choosing, none_is_kept_where_there_is_no_room);
        tcase_add_test(choosing, of_equals_the_lower_index_is_kept);
        tcase_add_test(choosing, what_was_kept_stays_until_another_is_higher_by_more_than_a_quarter);
        tcase_add_test(choosing, what_was_kept_stays_before_its_equals_also_at_0);
        tcase_add_test(choosing, the_highest_score_of_all_does_not_wrap);
        tcase_add_loop_test(choosing, those_in_front_are_in_order_of_index, 0, 9);
        tcase_add_test(choosing, those_behind_are_the_others);
        suite_add_tcase(suite, choosing);

        return suite_main(suite);
}
