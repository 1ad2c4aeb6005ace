/* SPDX-License-Identifier: Apache-2.0 */

/* How long a walk rests between two of its steps */

#include <assert.h>

#include "base/macro.h"
#include "collect/pace.h"

/* More gains nothing: a walk that works a sixth of the time is hardly met by others. */
#define PACE_RATIO_MAX 5.0

void pace_begin(
        Pace *pace, uint64_t expected_nsec, uint64_t now_nsec, uint64_t end_nsec, uint64_t cpu_nsec) {
        uint64_t room_nsec = end_nsec > now_nsec ? end_nsec - now_nsec : 0;

        assert(pace);

        *pace = (Pace){ .end_nsec = end_nsec, .rested_cpu_nsec = cpu_nsec };
        if (expected_nsec < room_nsec)
                pace->rest_ratio = MIN((double)(room_nsec - expected_nsec) / (double)MAX(expected_nsec, 1U),
                                       PACE_RATIO_MAX);
}

uint64_t pace_rest_nsec(Pace *pace, uint64_t now_nsec, uint64_t cpu_nsec) {
        double owed_nsec;

        assert(pace);

        owed_nsec = (double)(cpu_nsec - pace->rested_cpu_nsec) * pace->rest_ratio;
        if (owed_nsec < (double)PACE_REST_MIN_NSEC || now_nsec >= pace->end_nsec)
                return 0;

        pace->rested_cpu_nsec = cpu_nsec;
        return MIN((uint64_t)owed_nsec, pace->end_nsec - now_nsec);
}
