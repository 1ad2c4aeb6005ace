/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whether samples are fresh
 *
 * The one judgement behind /-/healthy and the watchdog; `sockwatch status` takes
 * its limit from here. Pure; all times are CLOCK_BOOTTIME.
 */

#include "base/clock.h"

/* A host so loaded that a sample takes seconds is slow, not stuck. */
#define FRESHNESS_LIMIT_MIN_USEC (10 * USEC_PER_SEC)

typedef enum Freshness {
        FRESHNESS_STARTING, /* no sample yet, and not overdue */
        FRESHNESS_FRESH,
        FRESHNESS_STALE,
} Freshness;

/* The age at which a sample is stale: three intervals, and ten seconds at least. */
usec_t freshness_limit(usec_t interval_usec);

/**
 * freshness_judge() - judge the newest sample
 * @started_usec: when sampling began
 * @sample_usec: boottime_usec of the newest sample, 0 if there is none
 */
Freshness freshness_judge(usec_t interval_usec, usec_t started_usec, usec_t sample_usec, usec_t now_usec);
