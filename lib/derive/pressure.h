/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where the pressure is the highest
 *
 * Pure functions over samples.
 */

#include "store/sample.h"

/* The listener whose accept queue is the fullest, by its fullest socket; NULL if there is none. */
const ListenerRow *pressure_fullest_listener(const Sample *sample);

/* The listener that dropped the most between two samples; NULL if none dropped anything. */
const ListenerRow *pressure_most_dropping_listener(const Sample *older, const Sample *newer);

/* Whether an accept queue is full: one that is holds limit + 1. */
static inline bool pressure_is_full(uint64_t length, uint64_t limit) {
        return length > limit;
}
