/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What one sample takes: everything the daemon does in its sampler thread, and nothing else
 *
 *     bench-sample
 *
 * Says "ready" when another sample would know no more than the last, and then
 * takes one for each line of its input:
 *
 *     all      with the walk over all sockets, those that are bound and nothing more too
 *     full     with the walk over all others
 *     rare     with the walk over those in rare states
 *     none     without a walk: what each second costs
 *     pass     as many without a walk as it takes to come to every process, from the first to the last
 *
 * and prints what that took: nanoseconds of this thread's CPU, nanoseconds of
 * time, nanoseconds of time of the collector that looks at processes, bytes that
 * were resident at most so far, and how much was counted, so that nobody measures
 * a sample of nothing: TCP sockets, those of them whose unit is known, those that
 * came in by a listener, descriptors, and sockets in rare states.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "collect/collection.h"

/* Enough to come to each of 30,000 processes, and to wait for owners that are not found at once. */
#define SETTLING_SAMPLES_MAX 200

typedef struct Counts {
        uint64_t n_sockets;
        uint64_t n_of_units;
        uint64_t n_of_listeners;
        uint64_t n_descriptors;
        uint64_t n_rare;
} Counts;

static uint64_t peak_bytes(void) {
        FILE *file = fopen("/proc/self/status", "re");
        unsigned long kib = 0;
        char line[128];

        if (!file)
                return 0;
        while (fgets(line, sizeof line, file) && sscanf(line, "VmHWM: %lu kB", &kib) != 1)
                ;
        (void)fclose(file);
        return kib * UINT64_C(1024);
}

static uint64_t add_states(const uint64_t states[static _STATES]) {
        uint64_t n = 0;

        for (unsigned state = 0; state < _STATES; state++)
                n += states[state];
        return n;
}

static Counts count(const Sample *sample) {
        Counts counts = { 0 };

        for (unsigned value = VALUE_TCP_ESTABLISHED; value <= VALUE_TCP_CLOSING; value++)
                counts.n_sockets += sample->values[value];
        counts.n_rare = counts.n_sockets - sample->values[VALUE_TCP_ESTABLISHED] -
                        sample->values[VALUE_TCP_TIME_WAIT];
        for (uint32_t i = 0; i < sample->n_units; i++) {
                const UnitRow *row = &sample->units[i];

                if (strcmp(row->key.unit, UNIT_UNATTRIBUTED) != 0)
                        counts.n_of_units += add_states(row->states);
                counts.n_descriptors += row->open_fds;
        }
        for (uint32_t i = 0; i < sample->n_listeners; i++)
                counts.n_of_listeners += add_states(sample->listeners[i].states);
        return counts;
}

/* The pass that goes on has to end before one from the first to the last begins: it is told with it, so this
 * is no less than what one takes. Returns the time of the collector that looks at processes. */
static uint64_t run_pass(Collection *collection, Sample *sample) {
        usec_t begin_usec = clock_usec(CLOCK_REALTIME);
        uint64_t nsec = 0;

        for (unsigned i = 0; i < 2 * SETTLING_SAMPLES_MAX; i++) {
                collection_run_walk(collection, &bounds_default, WALK_NONE, sample);
                nsec += sample->reports[COLLECTOR_PROCESSES].duration_nsec;
                if (sample->values[VALUE_PROCESSES_COUNTED_USEC] >= begin_usec)
                        break;
        }
        return nsec;
}

static bool parse(const char *line, Walk *ret) {
        static const char *const names[_WALKS] = {
                [WALK_NONE] = "none\n",
                [WALK_RARE] = "rare\n",
                [WALK_FULL] = "full\n",
                [WALK_ALL] = "all\n",
        };

        for (unsigned walk = 0; walk < _WALKS; walk++)
                if (strcmp(line, names[walk]) == 0) {
                        *ret = walk;
                        return true;
                }
        return false;
}

int main(void) {
        _cleanup_(collection_freep) Collection *collection = NULL;
        static Sample sample;
        const char *what = "collection";
        Sources sources = SOURCES_NULL;
        char line[16];
        Walk walk;
        int r;

        r = sources_init(&sources, "/proc", "/sys", &what);
        if (r == 0)
                r = collection_new(&sources, &collection);
        if (r < 0) {
                fprintf(stderr, "bench-sample: %s: %s\n", what, strerror(-r));
                return EXIT_FAILURE;
        }

        collection_run_walk(collection, &bounds_default, WALK_FULL, &sample);
        for (unsigned i = 0; i < SETTLING_SAMPLES_MAX && !collection_is_settled(collection); i++)
                collection_run_walk(collection, &bounds_default, WALK_NONE, &sample);
        printf("ready\n");
        fflush(stdout);

        while (fgets(line, sizeof line, stdin)) {
                bool is_pass = strcmp(line, "pass\n") == 0;
                uint64_t cpu, time, processes;
                Counts counts;

                if (!is_pass && !parse(line, &walk)) {
                        fprintf(stderr, "bench-sample: no walk is named %s", line);
                        return EXIT_FAILURE;
                }
                cpu = clock_nsec(CLOCK_THREAD_CPUTIME_ID);
                time = clock_nsec(CLOCK_MONOTONIC);
                if (is_pass) {
                        processes = run_pass(collection, &sample);
                } else {
                        collection_run_walk(collection, &bounds_default, walk, &sample);
                        processes = sample.reports[COLLECTOR_PROCESSES].duration_nsec;
                }
                cpu = clock_nsec(CLOCK_THREAD_CPUTIME_ID) - cpu;
                time = clock_nsec(CLOCK_MONOTONIC) - time;

                counts = count(&sample);
                printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
                       " %" PRIu64 " %" PRIu64 "\n",
                       cpu, time, processes, peak_bytes(), counts.n_sockets, counts.n_of_units,
                       counts.n_of_listeners, counts.n_descriptors, counts.n_rare);
                fflush(stdout);
        }

        collection = collection_free(collection);
        sources_done(&sources);
        return EXIT_SUCCESS;
}
