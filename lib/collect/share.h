/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Work that is spread over time: so much a second, and a burst after a rest
 *
 * What is saved while there is nothing to do, up to the burst, may be spent at
 * once, so that something new is looked into as soon as it appears; what is spent
 * beyond that has to be made up for before anything else is begun.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/macro.h"

typedef struct Share {
        double left;      /* below 0: spent beyond it */
        double kept;      /* not to be spent now, though it is left */
        usec_t last_usec; /* CLOCK_BOOTTIME of the last sample; 0: there was none */
} Share;

/* Once a sample. The first one has the burst. */
static inline void share_begin(Share *share, usec_t now_usec, double per_sec, double burst) {
        double elapsed_sec = now_usec > share->last_usec
                                     ? (double)(now_usec - share->last_usec) / (double)USEC_PER_SEC
                                     : 0;

        share->left = share->last_usec == 0 ? burst : MIN(share->left + per_sec * elapsed_sec, burst);
        share->last_usec = MAX(now_usec, UINT64_C(1));
}

/* The same for one that is not to wait. */
static inline void share_fill(Share *share, double burst) {
        share->left = burst;
}

/* What is spent from now on is to leave so much, for what cannot wait. */
static inline void share_keep(Share *share, double kept) {
        share->kept = kept;
}

static inline bool share_has_left(const Share *share) {
        return share->left > share->kept;
}

static inline void share_take(Share *share, size_t n) {
        share->left -= (double)n;
}
