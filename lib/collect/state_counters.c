/* SPDX-License-Identifier: Apache-2.0 */

/* What the kernel counts of TCP states by itself: from a sample, or read now */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "collect/state_counters.h"
#include "kernel/proc_net.h"

/* Each file has about 2 KiB. */
#define STATE_COUNTERS_BYTES_MAX (16 * 1024)

typedef enum CounterId {
        CURRENT_ESTABLISHED,
        ACTIVE_OPENS,
        PASSIVE_OPENS,
        TIME_WAIT_ALLOCATED,
        _COUNTERS,
} CounterId;

static const ValueId counter_values[_COUNTERS] = {
        [CURRENT_ESTABLISHED] = VALUE_TCP_CURRENT_ESTABLISHED,
        [ACTIVE_OPENS] = VALUE_TCP_ACTIVE_OPENS,
        [PASSIVE_OPENS] = VALUE_TCP_PASSIVE_OPENS,
        [TIME_WAIT_ALLOCATED] = VALUE_TCP_TIME_WAIT_ALLOCATED,
};

typedef struct Counters {
        uint64_t numbers[_COUNTERS];
        bool has[_COUNTERS];
} Counters;

static bool counters_finish(const Counters *counters, StateCounters *ret) {
        for (unsigned i = 0; i < _COUNTERS; i++)
                if (!counters->has[i])
                        return false;

        *ret = (StateCounters){
                .current_established = counters->numbers[CURRENT_ESTABLISHED],
                .time_wait_allocated = counters->numbers[TIME_WAIT_ALLOCATED],
                .n_opens = counters->numbers[ACTIVE_OPENS] + counters->numbers[PASSIVE_OPENS],
        };
        return true;
}

bool state_counters_take(const Sample *sample, StateCounters *ret) {
        Counters counters;

        assert(sample);
        assert(ret);

        for (unsigned i = 0; i < _COUNTERS; i++) {
                counters.has[i] = sample_has(sample, counter_values[i]);
                counters.numbers[i] = sample->values[counter_values[i]];
        }

        return counters_finish(&counters, ret);
}

static bool is_called(const char *name, size_t size, const char *as) {
        return strlen(as) == size && memcmp(name, as, size) == 0;
}

static void counters_on_field(const ProcNetField *field, void *userdata) {
        Counters *counters = userdata;

        for (unsigned i = 0; i < _COUNTERS; i++) {
                const ValueInfo *info = &value_infos[counter_values[i]];

                if (is_called(field->group, field->group_size, info->group) &&
                    is_called(field->name, field->name_size, info->field) &&
                    value_is_possible(counter_values[i], field->value)) {
                        counters->numbers[i] = field->value;
                        counters->has[i] = true;
                }
        }
}

static int
counters_read_file(const Sources *sources, const char *path, proc_net_parse_fn parse, Counters *counters) {
        char text[STATE_COUNTERS_BYTES_MAX];
        size_t length;
        int r;

        r = file_read_at(sources->proc_fd, path, text, sizeof text, &length);
        return r < 0 ? r : parse(text, length, counters_on_field, counters);
}

int state_counters_read(const Sources *sources, StateCounters *ret) {
        Counters counters = { 0 };
        int r;

        assert(sources);
        assert(ret);

        r = counters_read_file(sources, "net/snmp", proc_net_parse_paired, &counters);
        if (r < 0)
                return r;
        r = counters_read_file(sources, "net/sockstat", proc_net_parse_inline, &counters);
        if (r < 0)
                return r;

        return counters_finish(&counters, ret) ? 0 : -EBADMSG;
}
