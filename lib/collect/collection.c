/* SPDX-License-Identifier: Apache-2.0 */

/* All collectors, run once per sample */

#include <assert.h>
#include <errno.h>

#include "collect/collection.h"
#include "collect/collector.h"
#include "collect/top_processes.h"

/* In the order in which they run: processes first, as owners are searched among them; what must be true of
 * one moment stands together; the long walk last, which builds on the listeners and on the range of ports.
 */
static const Collector *const collectors[] = {
        &processes_collector, &netstat_collector, &sockstat_collector, &listen_collector, &unix_collector,
        &udp_collector,       &limits_collector,  &fd_collector,       &self_collector,   &tcp_collector,
};

typedef struct CollectorState {
        bool is_open;
        void *state;
        uint64_t n_failures;
        usec_t last_success_usec;
} CollectorState;

struct Collection {
        CollectContext context;
        CollectorState states[ELEMENTSOF(collectors)];
};

static int collection_init(Collection *collection, const Sources *sources) {
        CollectContext *context = &collection->context;
        int r;

        context->sources = sources;
        r = units_new(sources, &context->units);
        if (r < 0)
                return r;

        r = processes_new(sources, context->units, &context->processes);
        if (r < 0)
                return r;

        r = owners_new(sources, context->units, context->processes, &context->owners);
        if (r < 0)
                return r;

        r = suspects_new(sources, context->units, context->processes, &context->suspects);
        if (r < 0)
                return r;

        return listeners_new(&context->listeners);
}

int collection_new(const Sources *sources, Collection **ret) {
        _cleanup_(collection_freep) Collection *collection = NULL;
        int r;

        assert(sources);
        assert(ret);

        collection = calloc(1, sizeof *collection);
        if (!collection)
                return -ENOMEM;

        r = collection_init(collection, sources);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(collection);
        return 0;
}

Collection *collection_free(Collection *collection) {
        if (!collection)
                return NULL;

        for (size_t i = 0; i < ELEMENTSOF(collectors); i++)
                if (collectors[i]->close && collection->states[i].is_open)
                        collectors[i]->close(collection->states[i].state);

        collection->context.listeners = listeners_free(collection->context.listeners);
        collection->context.suspects = suspects_free(collection->context.suspects);
        collection->context.owners = owners_free(collection->context.owners);
        collection->context.processes = processes_free(collection->context.processes);
        collection->context.units = units_free(collection->context.units);
        free(collection);
        return NULL;
}

static int collection_ask(Collection *collection, size_t i, Sample *sample) {
        CollectorState *state = &collection->states[i];
        int r;

        if (!state->is_open) {
                if (collectors[i]->open) {
                        r = collectors[i]->open(&collection->context, &state->state);
                        if (r < 0)
                                return r;
                }
                state->is_open = true;
        }

        return collectors[i]->collect(state->state, sample);
}

/* Nothing of a failed answer may pass for a measurement. */
static void collection_take_back(CollectorId id, Sample *sample) {
        for (unsigned value = 0; value < _VALUE_ROOM; value++)
                if (value_infos[value].name && value_infos[value].collector == id)
                        sample_unset(sample, value);

        for (TableId table = 0; table < _TABLES; table++)
                if (table_infos[table].collector == id)
                        *sample_row_count(sample, table) = 0;
}

/* What a collector that failed had added to units before it did must not pass for all. */
static void collection_take_back_units(const Collection *collection, const Sample *sample) {
        bool has_tcp = sample->reports[COLLECTOR_TCP].error == 0,
             has_processes = sample->reports[COLLECTOR_PROCESSES].error == 0;
        Units *units = collection->context.units;

        for (size_t i = 0; i < units_count(units) && (!has_tcp || !has_processes); i++)
                unit_forget(units_get(units, i), has_tcp, has_processes);
        unit_forget(units_overflow(units), has_tcp, has_processes);
}

static void collection_begin(Collection *collection, const Bounds *bounds, Sample *sample) {
        CollectContext *context = &collection->context;

        sample_clear(sample);
        sample->realtime_usec = clock_usec(CLOCK_REALTIME);
        sample->boottime_usec = clock_usec(CLOCK_BOOTTIME);

        context->bounds = bounds;
        context->now_usec = sample->boottime_usec;
        units_begin(context->units);
        owners_begin(context->owners, context->now_usec);
}

/* What several collectors have a part in. */
static void collection_end(const Collection *collection, Sample *sample) {
        const CollectContext *context = &collection->context;

        collection_take_back_units(collection, sample);
        units_make_rows(context->units, context->bounds, sample);
        if (sample->reports[COLLECTOR_PROCESSES].error == 0)
                top_processes_make_rows(context->processes, context->suspects, context->bounds, sample);
        owners_report(context->owners, sample);
        sample_set(sample, VALUE_NETLINK_REOPENS, sock_diag_reopens(context->sources->sock_diag));
}

void collection_run(Collection *collection, const Bounds *bounds, Sample *sample) {
        assert(collection);
        assert(bounds);
        assert(sample);

        collection_begin(collection, bounds, sample);

        for (size_t i = 0; i < ELEMENTSOF(collectors); i++) {
                CollectorState *state = &collection->states[i];
                CollectorId id = collectors[i]->id;
                uint64_t begin_nsec = clock_nsec(CLOCK_MONOTONIC);
                usec_t begin_usec = clock_usec(CLOCK_REALTIME);
                int r;

                r = collection_ask(collection, i, sample);
                if (r < 0) {
                        collection_take_back(id, sample);
                        state->n_failures++;
                } else
                        state->last_success_usec = begin_usec;

                sample->reports[id] = (CollectorReport){
                        .is_present = true,
                        .is_incomplete = r > 0,
                        .error = MIN(r, 0),
                        .n_failures = state->n_failures,
                        .duration_nsec = clock_nsec(CLOCK_MONOTONIC) - begin_nsec,
                        .last_success_usec = state->last_success_usec,
                };
        }

        collection_end(collection, sample);
}

bool collection_is_settled(const Collection *collection) {
        const CollectContext *context = &collection->context;

        return processes_is_complete(context->processes) && !owners_is_searching(context->owners);
}
