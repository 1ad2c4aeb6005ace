/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Descriptors of processes: goes on with the scan of /proc
 *
 * What it finds is added to the units here; which processes stand out is told at
 * the end of the sample, by top_processes.h.
 */

#include "collect/collector.h"

static int process_fds_open(CollectContext *context, void **ret_state) {
        *ret_state = context;
        return 0;
}

static int process_fds_collect(void *state, Sample *sample) {
        const CollectContext *context = state;
        uint64_t n_not_permitted = 0;
        int r;

        r = processes_scan(context->processes, context->now_usec);
        if (r < 0)
                return r;

        for (size_t i = 0; i < processes_count(context->processes); i++)
                n_not_permitted += !processes_get(context->processes, i)->is_permitted;

        /* How many are hidden nobody knows. */
        if (!processes_are_hidden(context->processes)) {
                sample_set(sample, VALUE_PROCESSES, processes_count(context->processes));
                sample_set(sample, VALUE_PROCESSES_NOT_PERMITTED, n_not_permitted);
        }
        sample_set(sample, VALUE_PROCESSES_COUNTED_USEC,
                   sample->realtime_usec - MIN(context->now_usec - processes_oldest_usec(context->processes),
                                               sample->realtime_usec));
        sample_set(sample, VALUE_PROCESSES_TRUNCATED, processes_count_truncated(context->processes));
        return r;
}

const Collector processes_collector = {
        .id = COLLECTOR_PROCESSES,
        .cost = COLLECTOR_COST_TICK,
        .open = process_fds_open,
        .collect = process_fds_collect,
};
