/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How long a walk rests between two of its steps
 *
 * The kernel answers a walk a few hundred sockets at a time, which takes it a quarter of
 * a millisecond. One after the other these keep a processor busy for as long as the walk
 * takes, and whoever shares it meets twice his usual latency: that is what a hundredth of
 * all requests is enough for to be their 99th percentile. With rests between them
 * nobody waits for longer than a step, and the walk takes what others leave:
 *
 *     without   ├────────────────┤
 *     with      ├┤     ├┤     ├┤     ├┤     ├┤     ├┤
 *
 * A walk rests up to five times as long as it works, and is to be done by the time that it is given.
 * What would take longer than that without any rest has none.
 *
 * Measured (docs/cost.md, The observer's effect): a server's p99 beside walks that took 7% of a
 * core was 1.6 times the one without them, and 1.1 to 1.2 times with rests.
 *
 * Pure: times are told by the caller.
 */

#include <stdint.h>

/* Shorter rests are saved up: to sleep and wake up costs some microseconds. */
#define PACE_REST_MIN_NSEC UINT64_C(100000)

typedef struct Pace {
        double rest_ratio;        /* of the CPU time that it works */
        uint64_t end_nsec;        /* CLOCK_MONOTONIC: no rest goes beyond that */
        uint64_t rested_cpu_nsec; /* CPU time up to which the work was rested from */
} Pace;

/**
 * pace_begin() - something is about to be walked over
 * @expected_nsec:      CPU time that it took the last time; UINT64_MAX if nobody knows
 * @now_nsec, @end_nsec: CLOCK_MONOTONIC; by the latter it is to be done
 * @cpu_nsec:           CPU time of the thread
 */
void pace_begin(Pace *pace, uint64_t expected_nsec, uint64_t now_nsec, uint64_t end_nsec, uint64_t cpu_nsec);

/* How long to rest at this time, for what was worked since the last rest; 0: not at all. */
uint64_t pace_rest_nsec(Pace *pace, uint64_t now_nsec, uint64_t cpu_nsec);
