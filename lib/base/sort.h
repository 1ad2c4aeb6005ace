/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Sorting without memory
 *
 * qsort(3) of glibc before 2.37 allocates where an array has more than a kilobyte.
 * This is heapsort (Williams, "Algorithm 232", Communications of the ACM 7:6,
 * 1964), bottom-up (Wegener, Theoretical Computer Science 118:1, 1993): in place,
 * and about n log n comparisons for any input. What is in order already, as tables
 * mostly are that were so a second ago, is found out with n comparisons.
 */

#include <stddef.h>

/* Less than, equal to or greater than 0, as with qsort(3). */
typedef int (*sort_compare_fn)(const void *left, const void *right, const void *userdata);

/* Not stable: equals end in any order. */
void sort_in_place(void *array, size_t n, size_t size, sort_compare_fn compare, const void *userdata);
