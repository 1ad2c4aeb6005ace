/* SPDX-License-Identifier: Apache-2.0 */

#include "base/id_map.h"
#include "suite.h"

static IdMap *map;

static void teardown(void) {
        map = id_map_free(map);
}

static void make(size_t n_max) {
        ck_assert_int_eq(id_map_new(n_max, &map), 0);
}

START_TEST(what_was_put_is_found)
{
        make(4);
        ck_assert(id_map_put(map, 7, 70));
        ck_assert(id_map_put(map, 8, 0));
        ck_assert_uint_eq(id_map_find(map, 7), 70);
        ck_assert_uint_eq(id_map_find(map, 8), 0);
}
END_TEST

START_TEST(what_was_not_put_is_not_found)
{
        make(4);
        ck_assert_uint_eq(id_map_find(map, 7), ID_MAP_NONE);
        ck_assert(id_map_put(map, 7, 70));
        ck_assert_uint_eq(id_map_find(map, 8), ID_MAP_NONE);
}
END_TEST

START_TEST(any_number_is_as_good_as_another)
{
        static const uint64_t ids[] = { 0, 1, UINT32_MAX, UINT64_C(1) << 32, UINT64_C(1) << 63, UINT64_MAX };

        make(ELEMENTSOF(ids));
        ck_assert_uint_eq(id_map_find(map, 0), ID_MAP_NONE);
        for (uint32_t i = 0; i < ELEMENTSOF(ids); i++)
                ck_assert(id_map_put(map, ids[i], i));
        for (uint32_t i = 0; i < ELEMENTSOF(ids); i++)
                ck_assert_uint_eq(id_map_find(map, ids[i]), i);
}
END_TEST

START_TEST(what_is_put_twice_stands_for_the_latter)
{
        make(1);
        ck_assert(id_map_put(map, 7, 70));
        ck_assert(id_map_put(map, 7, 71));
        ck_assert_uint_eq(id_map_find(map, 7), 71);
}
END_TEST

START_TEST(a_full_map_takes_nothing_new)
{
        make(2);
        ck_assert(id_map_put(map, 1, 1));
        ck_assert(id_map_put(map, 2, 2));
        ck_assert(!id_map_put(map, 3, 3));
        ck_assert(id_map_put(map, 2, 22));
        ck_assert_uint_eq(id_map_find(map, 1), 1);
        ck_assert_uint_eq(id_map_find(map, 2), 22);
        ck_assert_uint_eq(id_map_find(map, 3), ID_MAP_NONE);
}
END_TEST

START_TEST(a_map_without_room_is_empty)
{
        make(0);
        ck_assert(!id_map_put(map, 1, 1));
        ck_assert_uint_eq(id_map_find(map, 1), ID_MAP_NONE);
}
END_TEST

START_TEST(a_map_that_was_cleared_begins_anew)
{
        make(2);
        for (uint32_t round = 1; round <= 3; round++) {
                id_map_clear(map);
                ck_assert_uint_eq(id_map_find(map, round - 1), ID_MAP_NONE);
                ck_assert(id_map_put(map, round, round));
                ck_assert(id_map_put(map, 100 + round, 100 + round));
                ck_assert_uint_eq(id_map_find(map, round), round);
        }
}
END_TEST

/* Numbers of the kernel are counted up; those of inodes on a 32-bit file system in steps. */
START_TEST(thousands_in_steps_of_any_size_are_found)
{
        const uint64_t step = UINT64_C(1) << _i;
        const uint32_t n = 5000;

        make(n);
        for (uint32_t i = 0; i < n; i++)
                ck_assert(id_map_put(map, i * step, i));
        ck_assert(!id_map_put(map, n * step, n));
        for (uint32_t i = 0; i < n; i++)
                ck_assert_uint_eq(id_map_find(map, i * step), i);
        ck_assert_uint_eq(id_map_find(map, n * step), ID_MAP_NONE);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("id-map");
        TCase *numbers = tcase_create("numbers");

        tcase_add_checked_fixture(numbers, NULL, teardown);
        tcase_add_test(numbers, what_was_put_is_found);
        tcase_add_test(numbers, what_was_not_put_is_not_found);
        tcase_add_test(numbers, any_number_is_as_good_as_another);
        tcase_add_test(numbers, what_is_put_twice_stands_for_the_latter);
        tcase_add_test(numbers, a_full_map_takes_nothing_new);
        tcase_add_test(numbers, a_map_without_room_is_empty);
        tcase_add_test(numbers, a_map_that_was_cleared_begins_anew);
        tcase_add_loop_test(numbers, thousands_in_steps_of_any_size_are_found, 0, 50);
        suite_add_tcase(suite, numbers);

        return suite_main(suite);
}
