/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Time is microseconds in a usec_t, everywhere.
 *
 * Intervals are taken from CLOCK_BOOTTIME, which neither jumps nor stops while
 * the host sleeps. CLOCK_REALTIME is only ever shown to people.
 */

#include <stdint.h>
#include <time.h>

typedef uint64_t usec_t;

#define USEC_PER_SEC    UINT64_C(1000000)
#define USEC_PER_MSEC   UINT64_C(1000)
#define NSEC_PER_USEC   UINT64_C(1000)
#define NSEC_PER_MSEC   UINT64_C(1000000)
#define NSEC_PER_SEC    UINT64_C(1000000000)
#define USEC_PER_MINUTE (60 * USEC_PER_SEC)
#define USEC_PER_HOUR   (60 * USEC_PER_MINUTE)

/* The clocks used here always exist, so reading one cannot fail. */
static inline uint64_t clock_nsec(clockid_t clock) {
        struct timespec now = { 0 };

        (void)clock_gettime(clock, &now);
        return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

static inline usec_t clock_usec(clockid_t clock) {
        return clock_nsec(clock) / NSEC_PER_USEC;
}
