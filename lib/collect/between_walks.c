/* SPDX-License-Identifier: Apache-2.0 */

/* ESTABLISHED and TIME_WAIT between full walks, from the kernel's own counters */

#include <assert.h>

#include "collect/between_walks.h"

static uint64_t distance(uint64_t left, uint64_t right) {
        return left > right ? left - right : right - left;
}

/*
 * By how much a walk may differ from a counter. Whatever it missed or saw twice had
 * changed its state meanwhile: it was being opened, at the most as many as were
 * opened or were half-open then, or it was closed, of which there are as many, and
 * as the counters fell by.
 */
static uint64_t
derivation_slack(const StateCounters *before, const StateCounters *behind, const StateCounts *walk) {
        uint64_t n_opened = behind->n_opens - MIN(before->n_opens, behind->n_opens) + walk->n_opening;

        return 2 * n_opened + distance(before->current_established, behind->current_established) +
               distance(before->time_wait_allocated, behind->time_wait_allocated);
}

static void derivation_learn_established(Derivation *derivation,
                                         const StateCounters *counters,
                                         const StateCounts *walk,
                                         uint64_t slack) {
        uint64_t alone = walk->n_established, both = walk->n_established + walk->n_close_wait;
        bool fits_alone = distance(counters->current_established, alone) <= slack;
        bool fits_both = distance(counters->current_established, both) <= slack;

        if (fits_alone != fits_both)
                derivation->established = fits_alone ? ESTABLISHED_ALONE : ESTABLISHED_AND_CLOSE_WAIT;
        else if (!fits_alone)
                derivation->established = ESTABLISHED_UNKNOWN;
        else if (derivation->established == ESTABLISHED_UNKNOWN)
                derivation->established = ESTABLISHED_EITHER;
}

void derivation_learn(Derivation *derivation,
                      const StateCounters *before,
                      const StateCounters *behind,
                      const StateCounts *walk) {
        uint64_t slack;

        assert(derivation);
        assert(before && behind && walk);

        slack = derivation_slack(before, behind, walk);
        derivation->slack = slack;
        derivation_learn_established(derivation, behind, walk, slack);
        derivation->has_time_wait =
                distance(behind->time_wait_allocated, walk->n_time_wait + walk->n_mini_fin_wait2) <= slack;
}

static bool less(uint64_t number, uint64_t part, uint64_t *ret) {
        if (number < part)
                return false;

        *ret = number - part;
        return true;
}

bool derivation_established(const Derivation *derivation,
                            const StateCounters *now,
                            const StateCounts *counts,
                            uint64_t *ret) {
        switch (derivation->established) {
        case ESTABLISHED_ALONE:
                *ret = now->current_established;
                return true;
        case ESTABLISHED_EITHER:
                if (counts->n_close_wait > 0)
                        return false;
                *ret = now->current_established;
                return true;
        case ESTABLISHED_AND_CLOSE_WAIT:
                return less(now->current_established, counts->n_close_wait, ret);
        default:
                return false;
        }
}

bool derivation_time_wait(const Derivation *derivation,
                          const StateCounters *now,
                          const StateCounts *counts,
                          uint64_t *ret) {
        return derivation->has_time_wait && less(now->time_wait_allocated, counts->n_mini_fin_wait2, ret);
}
