/* SPDX-License-Identifier: Apache-2.0 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "base/sort.h"
#include "suite.h"

#define N_MAX 1000

static unsigned n_compared;

/* Of elements of any size: their first byte, then the second. */
static int compare(const void *left, const void *right, const void *userdata) {
        n_compared += userdata == &n_compared;
        return memcmp(left, right, 2);
}

static const size_t sizes[] = { 2, 4, 63, 64, 65, 300 };

/* Each element begins with a number and ends with the same, so that one that was torn is seen. */
static void put(uint8_t *element, size_t size, uint16_t number) {
        memset(element, (int)(number % 251), size);
        element[0] = (uint8_t)(number >> 8);
        element[1] = (uint8_t)number;
}

static void check(const uint8_t *array, size_t n, size_t size, const unsigned *n_of) {
        static unsigned n_found[UINT16_MAX + 1];

        memset(n_found, 0, sizeof n_found);
        for (size_t i = 0; i < n; i++) {
                const uint8_t *element = array + i * size;
                unsigned number = (unsigned)element[0] << 8 | element[1];

                n_found[number]++;
                for (size_t k = 2; k < size; k++)
                        if (element[k] != number % 251)
                                ck_abort_msg("element %zu is torn", i);
                if (i > 0 && memcmp(element - size, element, 2) > 0)
                        ck_abort_msg("element %zu is not in order", i);
        }
        ck_assert_mem_eq(n_found, n_of, sizeof n_found);
}

/* Which numbers, by place. */
static uint16_t pattern(int which, size_t i, size_t n) {
        switch (which) {
        case 0:
                return (uint16_t)i;
        case 1:
                return (uint16_t)(n - i);
        case 2:
                return (uint16_t)(i % 3);
        case 3:
                return 7;
        default:
                return (uint16_t)random();
        }
}

START_TEST(any_array_is_put_in_order)
{
        static uint8_t array[N_MAX * 300];
        static unsigned n_of[UINT16_MAX + 1];
        size_t size = sizes[_i];

        for (size_t n = 0; n <= N_MAX; n += n < 20 ? 1 : 97)
                for (int which = 0; which < 8; which++) {
                        memset(n_of, 0, sizeof n_of);
                        for (size_t i = 0; i < n; i++) {
                                uint16_t number = pattern(which, i, n);

                                put(array + i * size, size, number);
                                n_of[number]++;
                        }
                        sort_in_place(array, n, size, compare, &n_compared);
                        check(array, n, size, n_of);
                }
}
END_TEST

START_TEST(what_is_in_order_costs_one_comparison_each)
{
        uint8_t array[N_MAX * 2];

        for (size_t i = 0; i < N_MAX; i++)
                put(array + 2 * i, 2, (uint16_t)i);
        n_compared = 0;
        sort_in_place(array, N_MAX, 2, compare, &n_compared);
        ck_assert_uint_eq(n_compared, N_MAX - 1);
}
END_TEST

/* n log2 n are 10,000. */
START_TEST(no_order_costs_much_more_than_n_log_n)
{
        uint8_t array[N_MAX * 2];

        for (int which = 1; which < 30; which++) {
                for (size_t i = 0; i < N_MAX; i++)
                        put(array + 2 * i, 2, pattern(which, i, N_MAX));
                n_compared = 0;
                sort_in_place(array, N_MAX, 2, compare, &n_compared);
                ck_assert_uint_le(n_compared, 14000);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("sort");
        TCase *sorting = tcase_create("sorting");

        tcase_add_loop_test(sorting, any_array_is_put_in_order, 0, ELEMENTSOF(sizes));
        tcase_add_test(sorting, what_is_in_order_costs_one_comparison_each);
        tcase_add_test(sorting, no_order_costs_much_more_than_n_log_n);
        suite_add_tcase(suite, sorting);

        return suite_main(suite);
}
