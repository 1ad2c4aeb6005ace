/* SPDX-License-Identifier: Apache-2.0 */

/* How fast a counter rose between two samples */

#include <assert.h>
#include <errno.h>

#include "derive/rate.h"

int rate_per_sec(const Sample *older, const Sample *newer, ValueId id, double *ret) {
        uint64_t before, after;

        assert(older && newer);
        assert(value_infos[id].is_counter);
        assert(ret);

        if (!sample_has(older, id) || !sample_has(newer, id) || newer->boottime_usec <= older->boottime_usec)
                return -ENODATA;

        before = older->values[id];
        after = newer->values[id];
        *ret = (double)(after >= before ? after - before : after) * (double)USEC_PER_SEC /
               (double)(newer->boottime_usec - older->boottime_usec);
        return 0;
}
