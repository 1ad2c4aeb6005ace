/* SPDX-License-Identifier: Apache-2.0 */

/* When something was, whatever becomes of the clock */

#include "base/instant.h"
#include "base/macro.h"

/* By how much a clock may be steered since then. */
#define INSTANT_STEERED_USEC USEC_PER_SEC

usec_t instant_tell(Instant instant, Instant now) {
        usec_t elapsed_usec, told_usec, error_usec;

        if (instant.boottime_usec == 0)
                return 0;

        elapsed_usec = now.boottime_usec - MIN(now.boottime_usec, instant.boottime_usec);
        told_usec = now.realtime_usec - MIN(now.realtime_usec, elapsed_usec);
        error_usec = MAX(told_usec, instant.realtime_usec) - MIN(told_usec, instant.realtime_usec);
        return error_usec < INSTANT_STEERED_USEC ? instant.realtime_usec : told_usec;
}
