/* SPDX-License-Identifier: Apache-2.0 */

/* Samples for tests, taken as the daemon takes them */

#include <stdio.h>
#include <string.h>

#include "watch.h"

void watch_begin(Watch *watch) {
        const char *what = "";
        int r;

        *watch = (Watch){ .sources = SOURCES_NULL, .bounds = bounds_default };
        r = sources_init(&watch->sources, "/proc", "/sys", &what);
        ck_assert_msg(r == 0, "%s: %s", what, strerror(-r));
        ck_assert_int_eq(collection_new(&watch->sources, &watch->collection), 0);
        collection_hurry(watch->collection);
        watch->sample = calloc(1, sizeof *watch->sample);
        ck_assert_ptr_nonnull(watch->sample);

        /* On a host with many processes they are not all come to in one sample. */
        for (unsigned i = 0; i < 100 && !collection_is_settled(watch->collection); i++)
                collection_run_walk(watch->collection, &watch->bounds, WALK_NONE, watch->sample);
}

void watch_end(Watch *watch) {
        watch->collection = collection_free(watch->collection);
        sources_done(&watch->sources);
        free(watch->sample);
        watch->sample = NULL;
}

const Sample *watch_try(Watch *watch) {
        collection_run_walk(watch->collection, &watch->bounds, WALK_ALL, watch->sample);
        if (watch->sample->reports[COLLECTOR_TCP].error == 0)
                check_sums(watch->sample);
        return watch->sample;
}

const Sample *watch_sample(Watch *watch) {
        const Sample *sample = watch_try(watch);

        for (CollectorId id = 0; collector_name(id); id++) {
                const CollectorReport *report = &sample->reports[id];

                ck_assert_msg(report->is_present, "%s was not asked", collector_name(id));
                ck_assert_msg(report->error == 0, "%s: %s", collector_name(id), strerror(-report->error));
                ck_assert_msg(!report->is_incomplete, "%s is incomplete", collector_name(id));
        }

        return sample;
}

uint64_t sample_value(const Sample *sample, ValueId id) {
        ck_assert_msg(sample_has(sample, id), "%s is absent", value_infos[id].name);
        return sample->values[id];
}

uint64_t watch_value(Watch *watch, ValueId id) {
        return sample_value(watch_sample(watch), id);
}

const ListenerRow *sample_listener(const Sample *sample, const char *address, uint16_t port) {
        char text[ENDPOINT_ADDRESS_SIZE];

        for (uint32_t i = 0; i < sample->n_listeners; i++) {
                const Endpoint *endpoint = &sample->listeners[i].key.endpoint;

                endpoint_format_address(endpoint, text);
                if (endpoint_port(endpoint) == port && strcmp(text, address) == 0)
                        return &sample->listeners[i];
        }

        return NULL;
}

const ListenerRow *watch_listener(Watch *watch, const char *address, uint16_t port) {
        const ListenerRow *row = sample_listener(watch_sample(watch), address, port);

        ck_assert_msg(row, "no row for %s port %u", address, port);
        return row;
}

const UnitRow *sample_unit(const Sample *sample, const char *name) {
        for (uint32_t i = 0; i < sample->n_units; i++)
                if (strcmp(sample->units[i].key.unit, name) == 0)
                        return &sample->units[i];

        return NULL;
}

static void check_states_sum(const Sample *sample) {
        for (unsigned state = 0; state < _STATES; state++) {
                uint64_t n = 0, n_listeners = 0;
                unsigned value = state == STATE_BOUND_INACTIVE ? VALUE_TCP_BOUND_INACTIVE : state + 1;

                for (uint32_t i = 0; i < sample->n_units; i++)
                        n += sample->units[i].states[state];
                for (uint32_t i = 0; i < sample->n_listeners; i++)
                        n_listeners += sample->listeners[i].states[state];

                ck_assert_msg(n == sample->values[value], "%s: %lu of units, %lu of the host",
                              state_names[state], n, sample->values[value]);
                ck_assert_msg(n_listeners <= n, "%s: %lu of listeners, %lu of the host", state_names[state],
                              n_listeners, n);
        }
}

void check_sums(const Sample *sample) {
        UnitRow sum = { 0 };

        check_states_sum(sample);
        for (uint32_t i = 0; i < sample->n_units; i++) {
                const UnitRow *row = &sample->units[i];

                sum.receive_queue_bytes += row->receive_queue_bytes;
                sum.send_queue_bytes += row->send_queue_bytes;
                sum.n_retransmitting += row->n_retransmitting;
                ck_assert_uint_le(row->n_close_wait_accepted, row->states[STATE_CLOSE_WAIT]);
        }
        ck_assert_uint_eq(sum.receive_queue_bytes, sample_value(sample, VALUE_TCP_RECEIVE_QUEUE_BYTES));
        ck_assert_uint_eq(sum.send_queue_bytes, sample_value(sample, VALUE_TCP_SEND_QUEUE_BYTES));
        ck_assert_uint_eq(sum.n_retransmitting, sample_value(sample, VALUE_TCP_RETRANSMITTING));
}

void check_listeners_ascend(const Sample *sample) {
        for (uint32_t i = 1; i < sample->n_listeners; i++)
                ck_assert_int_lt(memcmp(&sample->listeners[i - 1].key, &sample->listeners[i].key,
                                        sizeof sample->listeners[i].key),
                                 0);
}

/* The first state whose number is another; N_STATES if there is none. */
static unsigned find_difference(const Sample *sample, const uint64_t *expected) {
        for (unsigned i = 0; i < N_STATES; i++)
                if (value_infos[i].name && sample->values[i] != expected[i])
                        return i;

        return N_STATES;
}

static void print_states(const Sample *sample, const uint64_t *expected) {
        for (unsigned i = 0; i < N_STATES; i++)
                if (value_infos[i].name)
                        printf("# %s %lu, expected %lu\n", value_infos[i].name, sample->values[i],
                               expected[i]);
        (void)fflush(stdout);
}

void await_states(Watch *watch, const uint64_t expected[static N_STATES]) {
        usec_t begin_usec = clock_usec(CLOCK_MONOTONIC);
        unsigned n_same = 0, state;

        while (n_same < 3) {
                state = find_difference(watch_sample(watch), expected);
                if (state == N_STATES) {
                        n_same++;
                        continue;
                }

                if (n_same > 0 || clock_usec(CLOCK_MONOTONIC) - begin_usec > AWAIT_SEC * USEC_PER_SEC) {
                        print_states(watch->sample, expected);
                        ck_abort_msg("%s is %lu, not %lu", value_infos[state].name,
                                     watch->sample->values[state], expected[state]);
                }
                (void)usleep(1000);
        }
}
