/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a collector is
 *
 * A collector asks the kernel one question and writes the answer into its own
 * fields of the sample. One file per collector; the only symbol it exports is
 * its Collector. To add one: give it a row in store/collectors.tbl and its
 * values rows in store/values.tbl, write the file, declare it below, name it in
 * the table of collection.c.
 *
 * Collectors run on the sampler thread, one after the other.
 */

#include "collect/context.h"
#include "store/sample.h"

/* What asking costs, and so how often it may be asked. */
typedef enum CollectorCost {
        COLLECTOR_COST_TICK,  /* small, whatever the host does: every tick */
        COLLECTOR_COST_TABLE, /* grows with one other table of sockets, which is small on most hosts: as
                               * often as a twentieth of the budget pays for it */
        COLLECTOR_COST_WALK,  /* grows with the connections of the host: paid from a budget (walk.h) */
} CollectorCost;

typedef struct Collector {
        CollectorId id;
        CollectorCost cost;

        /* Prepare state. The context outlives it. NULL if the collector has none. 0 or negative errno. */
        int (*open)(CollectContext *context, void **ret_state);

        /* Fill the sample. Must not block on anything but the kernel, must not
         * log. 0; or 1 if the answer is incomplete, because something did not
         * fit; or -ENODATA if this kernel cannot answer, or another negative
         * errno. On error the core takes back what was written.
         * Where that costs a walk, context->walk says which is to be made; with
         * WALK_NONE what the last one found is told again. Where it costs a
         * table, context->is_repeat says that: the kernel is not to be asked. */
        int (*collect)(void *state, Sample *sample);

        /* Release state. Takes NULL. NULL if there is nothing to release. */
        void (*close)(void *state);
} Collector;

extern const Collector tcp_collector;
extern const Collector listen_collector;
extern const Collector unix_collector;
extern const Collector udp_collector;
extern const Collector processes_collector;
extern const Collector netstat_collector;
extern const Collector sockstat_collector;
extern const Collector limits_collector;
extern const Collector fd_collector;
extern const Collector self_collector;
