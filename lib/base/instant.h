/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * When something was, whatever becomes of the clock
 *
 * What is shown to people is CLOCK_REALTIME, which somebody may set. So an instant is
 * kept by CLOCK_BOOTTIME as well, and told by the clock as it is set when it is told:
 * then the difference to now is how long ago it was. Pure.
 */

#include "base/clock.h"

/* Zero-initialised: never. */
typedef struct Instant {
        usec_t realtime_usec;
        usec_t boottime_usec;
} Instant;

/**
 * instant_tell() - when that was by CLOCK_REALTIME, as it is set now
 *
 * What steers the clock (adjtimex(2)) does not change what was told before, up to
 * a second.
 *
 * Return: 0 for never, and for what is before 1970 by the clock as it is set.
 */
usec_t instant_tell(Instant instant, Instant now);
