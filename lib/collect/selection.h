/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which rows of a table are kept when there are more than it is to hold
 *
 * The highest scores win. A row that was kept the last time has its score raised
 * by a quarter, so that two that are about equal do not take turns, each a series
 * that begins and ends.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Candidate {
        uint64_t score;
        uint32_t index; /* of what it stands for, the caller's */
        bool was_chosen;
} Candidate;

/**
 * selection_choose() - put the ones to keep in front
 *
 * Of equal scores the lower index wins. Those in front are in order of index.
 *
 * Return: how many are kept: the lesser of @n and @n_max.
 */
size_t selection_choose(Candidate *candidates, size_t n, size_t n_max);
