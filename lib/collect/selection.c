/* SPDX-License-Identifier: Apache-2.0 */

/* Which rows of a table are kept when there are more than it is to hold */

#include <assert.h>
#include <stdlib.h>

#include "base/sort.h"
#include "collect/selection.h"

static uint64_t selection_score(const Candidate *candidate) {
        uint64_t bonus = candidate->was_chosen ? candidate->score / 4 + 1 : 0;

        return candidate->score > UINT64_MAX - bonus ? UINT64_MAX : candidate->score + bonus;
}

static int selection_compare_indices(const void *left, const void *right, const void *userdata) {
        const Candidate *a = left, *b = right;

        return a->index < b->index ? -1 : a->index > b->index;
}

static int selection_compare_scores(const void *left, const void *right, const void *userdata) {
        uint64_t a = selection_score(left), b = selection_score(right);

        return a > b ? -1 : a < b ? 1 : selection_compare_indices(left, right, userdata);
}

size_t selection_choose(Candidate *candidates, size_t n, size_t n_max) {
        assert(candidates || n == 0);

        if (n == 0)
                return 0;

        if (n > n_max) {
                sort_in_place(candidates, n, sizeof *candidates, selection_compare_scores,
                              /* userdata= */ NULL);
                n = n_max;
        }

        sort_in_place(candidates, n, sizeof *candidates, selection_compare_indices, /* userdata= */ NULL);
        return n;
}
