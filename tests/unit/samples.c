/* SPDX-License-Identifier: Apache-2.0 */

/* Samples to test with */

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>
#include <sys/socket.h>

#include "unit/samples.h"

uint64_t random_next(uint64_t *state) {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        return *state;
}

static bool report_is_same(const CollectorReport *left, const CollectorReport *right) {
        return left->is_present == right->is_present && left->is_incomplete == right->is_incomplete &&
               left->error == right->error && left->n_failures == right->n_failures &&
               left->duration_nsec == right->duration_nsec &&
               left->last_success_usec == right->last_success_usec;
}

bool sample_is_same(const Sample *left, const Sample *right) {
        if (left->number != right->number || left->realtime_usec != right->realtime_usec ||
            left->boottime_usec != right->boottime_usec || left->n_listeners != right->n_listeners)
                return false;
        if (memcmp(left->present, right->present, sizeof left->present) != 0 ||
            memcmp(left->values, right->values, sizeof left->values) != 0)
                return false;
        for (unsigned i = 0; i < _COLLECTOR_ROOM; i++)
                if (!report_is_same(&left->reports[i], &right->reports[i]))
                        return false;

        /* A row has no bytes but its fields. */
        for (uint32_t i = 0; i < left->n_listeners; i++)
                if (memcmp(&left->listeners[i].key, &right->listeners[i].key, sizeof(ListenerKey)) != 0 ||
                    memcmp(&left->listeners[i].length, &right->listeners[i].length,
                           LISTENER_FIELDS * sizeof(uint64_t)) != 0)
                        return false;
        return true;
}

static bool key_is_valid(const ListenerKey *key) {
        size_t n = strnlen(key->device, sizeof key->device);

        if (key->family != AF_INET && key->family != AF_INET6)
                return false;
        if (key->reserved != 0 || n == sizeof key->device)
                return false;
        for (; n < sizeof key->device; n++)
                if (key->device[n] != '\0')
                        return false;
        for (size_t i = 4; key->family == AF_INET && i < sizeof key->address; i++)
                if (key->address[i] != 0)
                        return false;
        return true;
}

const char *sample_find_fault(const Sample *sample) {
        static const CollectorReport absent;

        for (unsigned id = 0; id < _VALUE_ROOM; id++)
                if (!sample_has(sample, id) && sample->values[id] != 0)
                        return "an absent value is not 0";

        for (unsigned id = 0; id < _COLLECTOR_ROOM; id++) {
                const CollectorReport *report = &sample->reports[id];

                if (!report->is_present && !report_is_same(report, &absent))
                        return "an absent report is not 0";
                if (report->error > 0 || report->error < -4095)
                        return "an error is no errno";
        }

        if (sample->n_listeners > SAMPLE_LISTENERS_MAX)
                return "too many listeners";
        for (uint32_t i = 0; i < sample->n_listeners; i++) {
                if (!key_is_valid(&sample->listeners[i].key))
                        return "a key is not valid";
                if (i > 0 && memcmp(&sample->listeners[i - 1].key, &sample->listeners[i].key,
                                    sizeof(ListenerKey)) >= 0)
                        return "keys do not ascend";
        }

        return NULL;
}

ListenerRow *sample_add_listener(Sample *sample, const char *address, uint16_t port, const char *device) {
        ListenerRow *row = &sample->listeners[sample->n_listeners++];
        int r;

        assert(sample->n_listeners <= SAMPLE_LISTENERS_MAX);

        *row = (ListenerRow){
                .key.family = strchr(address, ':') ? AF_INET6 : AF_INET,
                .key.port = { port >> 8, port & 0xff },
                .n_sockets = 1,
        };
        r = inet_pton(row->key.family, address, row->key.address);
        assert(r == 1);
        (void)r;
        memcpy(row->key.device, device, strnlen(device, sizeof row->key.device - 1));
        return row;
}

void sample_make_small(Sample *sample) {
        ListenerRow *row;

        sample_clear(sample);
        sample->number = 41;
        sample->realtime_usec = UINT64_C(1700000000) * USEC_PER_SEC;
        sample->boottime_usec = 77 * USEC_PER_SEC;

        sample_set(sample, VALUE_TCP_ESTABLISHED, 1000);
        sample_set(sample, VALUE_TCP_CLOSE_WAIT, 0);
        sample_set(sample, VALUE_TCP_SEGMENTS_SENT, UINT64_C(123456789012));
        sample_set(sample, VALUE_HOST_MAX_FDS, UINT64_MAX);

        sample->reports[COLLECTOR_TCP] = (CollectorReport){
                .is_present = true,
                .duration_nsec = 123456,
                .last_success_usec = sample->realtime_usec + 17,
        };
        sample->reports[COLLECTOR_LISTEN] = (CollectorReport){
                .is_present = true,
                .is_incomplete = true,
                .error = -2,
                .n_failures = 3,
                .last_success_usec = sample->realtime_usec - USEC_PER_SEC,
        };

        row = sample_add_listener(sample, "127.0.0.1", 80, "");
        row->length = 3;
        row->limit = 128;
        sample_add_listener(sample, "0.0.0.0", 443, "eth0")->drops = 99;
        sample_add_listener(sample, "2001:db8::1", 80, "")->is_dual_stack = 1;
}

void sample_make_full(Sample *sample, uint16_t first_port) {
        sample_clear(sample);
        sample->number = sample->realtime_usec = sample->boottime_usec = UINT64_C(1) << 63;
        for (unsigned id = 0; id < _VALUE_ROOM; id++)
                sample_set(sample, id, UINT64_C(1) << 63);
        for (unsigned id = 0; id < _COLLECTOR_ROOM; id++)
                sample->reports[id] = (CollectorReport){
                        .is_present = true,
                        .is_incomplete = true,
                        .error = -4095,
                        .n_failures = UINT64_C(1) << 63,
                        .duration_nsec = UINT64_MAX,
                        .last_success_usec = 0,
                };

        for (unsigned i = 0; i < SAMPLE_LISTENERS_MAX; i++) {
                ListenerRow *row = sample_add_listener(sample, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                                                       (uint16_t)(first_port + 2 * i), "123456789012345");

                row->length = row->limit = row->worst_length = row->worst_limit = row->drops =
                        row->n_sockets = row->is_dual_stack = UINT64_C(1) << 63;
        }
}

/* Up to n more, most of the time nothing. */
static uint64_t step_counter(uint64_t n, uint64_t *random) {
        return random_next(random) % 4 == 0 ? random_next(random) % n : 0;
}

static void step_values(Sample *sample, uint64_t *random) {
        for (unsigned id = 1; id < _VALUE_ROOM; id++) {
                uint64_t value = sample->values[id];

                if (!value_infos[id].name)
                        continue;
                if (value_infos[id].collector == COLLECTOR_LIMITS)
                        value = 4096;
                else if (value_infos[id].is_counter)
                        value += step_counter(5000, random);
                else if (random_next(random) % 2 == 0)
                        value = 10000 + random_next(random) % 200;
                sample_set(sample, id, value);
        }
}

void sample_step(Sample *sample, unsigned n_listeners, uint64_t *random) {
        if (sample->realtime_usec == 0)
                sample->realtime_usec = UINT64_C(1700000000) * USEC_PER_SEC;

        /* A timer is never on the microsecond. */
        sample->realtime_usec += USEC_PER_SEC + random_next(random) % 200;
        sample->boottime_usec += USEC_PER_SEC + random_next(random) % 200;
        step_values(sample, random);

        for (unsigned id = COLLECTOR_TCP; id <= COLLECTOR_SELF; id++)
                sample->reports[id] = (CollectorReport){
                        .is_present = true,
                        .duration_nsec = 50000 + random_next(random) % 20000,
                        .last_success_usec = sample->realtime_usec + id * 100,
                };

        while (sample->n_listeners < n_listeners)
                sample_add_listener(sample, "0.0.0.0", (uint16_t)(8000 + sample->n_listeners), "")->limit =
                        4096;
        for (uint32_t i = 0; i < sample->n_listeners; i++)
                if (random_next(random) % 10 == 0) {
                        sample->listeners[i].length = random_next(random) % 20;
                        sample->listeners[i].worst_length = sample->listeners[i].length;
                        sample->listeners[i].drops += step_counter(10, random);
                }
}

void sample_make_random(Sample *sample, unsigned n_listeners_max, uint64_t *random) {
        unsigned port = 0;

        sample_clear(sample);
        sample->realtime_usec = UINT64_C(1700000000) * USEC_PER_SEC + random_next(random) % USEC_PER_HOUR;
        sample->boottime_usec = random_next(random);

        for (unsigned id = 0; id < _VALUE_ROOM; id++)
                if (random_next(random) % 2 == 0)
                        sample_set(sample, id, random_next(random) >> random_next(random) % 64);
        for (unsigned id = 0; id < _COLLECTOR_ROOM; id++)
                if (random_next(random) % 2 == 0)
                        sample->reports[id] = (CollectorReport){
                                .is_present = true,
                                .is_incomplete = random_next(random) % 2,
                                .error = -(int)(random_next(random) % 4096),
                                .n_failures = random_next(random),
                                .duration_nsec = random_next(random),
                                .last_success_usec = random_next(random),
                        };

        for (uint64_t n = random_next(random) % (n_listeners_max + 1); n > 0; n--) {
                ListenerRow *row;

                port += 1 + random_next(random) % 3;
                row = sample_add_listener(sample, "10.1.2.3", (uint16_t)port, "");
                row->length = random_next(random) >> random_next(random) % 64;
                row->drops = random_next(random) >> random_next(random) % 64;
                row->is_dual_stack = random_next(random) % 2;
        }
}
