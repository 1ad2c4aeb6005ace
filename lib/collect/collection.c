/* SPDX-License-Identifier: Apache-2.0 */

/* All collectors, run once per sample */

#include <assert.h>
#include <errno.h>

#include "collect/collection.h"
#include "collect/collector.h"

/* In the order in which they run: what must be true of one moment stands together, the long walk last. */
static const Collector *const collectors[] = {
        &netstat_collector, &sockstat_collector, &listen_collector, &limits_collector,
        &fd_collector,      &self_collector,     &tcp_collector,
};

typedef struct CollectorState {
        bool is_open;
        void *state;
        uint64_t n_failures;
        usec_t last_success_usec;
} CollectorState;

struct Collection {
        const Sources *sources;
        const Bounds *bounds; /* of the sample that is being taken */
        CollectorState states[ELEMENTSOF(collectors)];
};

int collection_new(const Sources *sources, Collection **ret) {
        Collection *collection;

        assert(sources);
        assert(ret);

        collection = calloc(1, sizeof *collection);
        if (!collection)
                return -ENOMEM;

        collection->sources = sources;
        *ret = collection;
        return 0;
}

Collection *collection_free(Collection *collection) {
        if (!collection)
                return NULL;

        for (size_t i = 0; i < ELEMENTSOF(collectors); i++)
                if (collectors[i]->close && collection->states[i].is_open)
                        collectors[i]->close(collection->states[i].state);

        free(collection);
        return NULL;
}

static int collection_ask(Collection *collection, size_t i, Sample *sample) {
        CollectorState *state = &collection->states[i];
        int r;

        if (!state->is_open) {
                if (collectors[i]->open) {
                        r = collectors[i]->open(collection->sources, &state->state);
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

        if (id == COLLECTOR_LISTEN)
                sample->n_listeners = 0;
}

void collection_run(Collection *collection, const Bounds *bounds, Sample *sample) {
        assert(collection);
        assert(bounds);
        assert(sample);

        collection->bounds = bounds;
        sample_clear(sample);
        sample->realtime_usec = clock_usec(CLOCK_REALTIME);
        sample->boottime_usec = clock_usec(CLOCK_BOOTTIME);

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

        sample_set(sample, VALUE_NETLINK_REOPENS, sock_diag_reopens(collection->sources->sock_diag));
}
