/* SPDX-License-Identifier: Apache-2.0 */

/* How long before a sample what it says was true */

#include <assert.h>
#include <string.h>

#include "derive/ages.h"

static const ValueId ages_values[_AGES_PARTS] = {
        [AGES_ESTABLISHED] = VALUE_TCP_ESTABLISHED_USEC,   [AGES_TIME_WAIT] = VALUE_TCP_TIME_WAIT_USEC,
        [AGES_RARE_STATES] = VALUE_TCP_RARE_STATES_USEC,   [AGES_BOUND] = VALUE_TCP_BOUND_INACTIVE_USEC,
        [AGES_FULL_WALK] = VALUE_TCP_FULL_WALK_USEC,       [AGES_PROCESSES] = VALUE_PROCESSES_COUNTED_USEC,
        [AGES_SUSPECTS] = VALUE_PROCESSES_CLOSE_WAIT_USEC,
};

/* When a table that is asked for as a whole was counted; 0: it was not. */
static usec_t ages_table_usec(const Sample *sample, CollectorId id) {
        const CollectorReport *report = &sample->reports[id];

        return report->error < 0 ? 0 : report->last_success_usec;
}

static usec_t ages_counted_usec(const Sample *sample, AgesPart part) {
        switch (part) {
        case AGES_UNIX:
                return ages_table_usec(sample, COLLECTOR_UNIX);
        case AGES_UDP:
                return ages_table_usec(sample, COLLECTOR_UDP);
        default:
                return sample_has(sample, ages_values[part]) ? sample->values[ages_values[part]] : 0;
        }
}

usec_t ages_of(const Sample *sample, AgesPart part) {
        usec_t counted_usec;

        assert(sample);

        counted_usec = ages_counted_usec(sample, part);
        if (counted_usec == 0)
                return 0;
        return sample->realtime_usec - MIN(sample->realtime_usec, counted_usec);
}

size_t ages_group(const Sample *sample, unsigned wanted, AgesGroup ret[static _AGES_PARTS]) {
        size_t n = 0;

        assert(sample);

        for (unsigned part = 0; part < _AGES_PARTS; part++) {
                usec_t age_usec = ages_of(sample, part);
                size_t i = 0;

                if (!(wanted >> part & 1) || age_usec == 0)
                        continue;

                while (i < n && ret[i].age_usec < age_usec)
                        i++;
                if (i == n || ret[i].age_usec > age_usec) {
                        memmove(ret + i + 1, ret + i, (n++ - i) * sizeof *ret);
                        ret[i] = (AgesGroup){ .age_usec = age_usec };
                }
                ret[i].parts |= 1U << part;
        }

        return n;
}

bool ages_lacks_walks(const Sample *sample) {
        assert(sample);

        return !sample->reports[COLLECTOR_TCP].is_present;
}
