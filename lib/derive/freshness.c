/* SPDX-License-Identifier: Apache-2.0 */

/* Whether samples are fresh */

#include "derive/freshness.h"

#include "base/macro.h"

usec_t freshness_limit(usec_t interval_usec) {
        return MAX(3 * interval_usec, FRESHNESS_LIMIT_MIN_USEC);
}

Freshness freshness_judge(usec_t interval_usec, usec_t started_usec, usec_t sample_usec, usec_t now_usec) {
        usec_t since = MAX(started_usec, sample_usec);

        if (now_usec > since && now_usec - since > freshness_limit(interval_usec))
                return FRESHNESS_STALE;

        return sample_usec > 0 ? FRESHNESS_FRESH : FRESHNESS_STARTING;
}
