/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Samples to test with
 *
 * What is true of any table is done for all of them by table_infos; what their
 * keys are made of stands in key_parts.
 */

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "unit/samples.h"

uint64_t random_next(uint64_t *state) {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        return *state;
}

/* ---- comparing ---- */

static bool report_is_same(const CollectorReport *left, const CollectorReport *right) {
        return left->is_present == right->is_present && left->is_incomplete == right->is_incomplete &&
               left->error == right->error && left->n_failures == right->n_failures &&
               left->duration_nsec == right->duration_nsec &&
               left->last_success_usec == right->last_success_usec;
}

/* A row is its key and its fields; between them may be bytes that are neither. */
static bool row_is_same(const RowLayout *layout, const char *left, const char *right) {
        return memcmp(left, right, layout->key_size) == 0 &&
               memcmp(left + layout->fields_offset, right + layout->fields_offset,
                      layout->n_fields * sizeof(uint64_t)) == 0;
}

static bool table_is_same(TableId table, const Sample *left, const Sample *right) {
        uint32_t n = sample_count_rows(left, table);

        if (n != sample_count_rows(right, table))
                return false;
        for (uint32_t i = 0; i < n; i++)
                if (!row_is_same(&table_infos[table].layout, sample_get_row(left, table, i),
                                 sample_get_row(right, table, i)))
                        return false;
        return true;
}

bool sample_is_same(const Sample *left, const Sample *right) {
        if (left->number != right->number || left->realtime_usec != right->realtime_usec ||
            left->boottime_usec != right->boottime_usec)
                return false;
        if (memcmp(left->present, right->present, sizeof left->present) != 0 ||
            memcmp(left->values, right->values, sizeof left->values) != 0)
                return false;
        for (unsigned i = 0; i < _COLLECTOR_ROOM; i++)
                if (!report_is_same(&left->reports[i], &right->reports[i]))
                        return false;
        for (TableId table = 0; table < _TABLES; table++)
                if (!table_is_same(table, left, right))
                        return false;
        return true;
}

/* ---- keys ---- */

/* What a key is made of, one behind the other. */
typedef struct KeyPart {
        size_t offset;
        size_t size; /* of a text and its NUL; 0: an endpoint; the end where there is neither */
        bool is_there;
} KeyPart;

#define KEY_PARTS_MAX 3
#define KEY_ENDPOINT \
        { .is_there = true }
#define KEY_TEXT(type, at) \
        { offsetof(type, at), sizeof(((type *)0)->at), true }

static const KeyPart key_parts[_TABLES][KEY_PARTS_MAX] = {
        [TABLE_LISTENERS] = { KEY_ENDPOINT, KEY_TEXT(ListenerKey, unit), KEY_TEXT(ListenerKey, process) },
        [TABLE_UNIX_LISTENERS] = { KEY_TEXT(UnixListenerKey, path), KEY_TEXT(UnixListenerKey, unit),
                                   KEY_TEXT(UnixListenerKey, process) },
        [TABLE_UDP_SOCKETS] = { KEY_ENDPOINT, KEY_TEXT(ListenerKey, unit), KEY_TEXT(ListenerKey, process) },
        [TABLE_UNITS] = { KEY_TEXT(UnitKey, unit) },
        [TABLE_PROCESSES] = { KEY_TEXT(ProcessKey, unit), KEY_TEXT(ProcessKey, process) },
        [TABLE_DESTINATIONS] = { KEY_ENDPOINT },
};

static bool is_0(const char *bytes, size_t size) {
        for (size_t i = 0; i < size; i++)
                if (bytes[i] != 0)
                        return false;
        return true;
}

static bool text_is_sound(const char *text, size_t size) {
        size_t n = strnlen(text, size);

        return n < size && is_0(text + n, size - n);
}

static bool endpoint_is_sound(const Endpoint *endpoint) {
        static const Endpoint other = { .family = ENDPOINT_OTHER };
        const char *address = (const char *)endpoint->address;

        if (endpoint->reserved != 0 || !text_is_sound(endpoint->device, sizeof endpoint->device))
                return false;

        switch (endpoint->family) {
        case AF_INET6:
                return true;
        case AF_INET:
                return is_0(address + 4, sizeof endpoint->address - 4);
        case ENDPOINT_OTHER:
                return memcmp(endpoint, &other, sizeof other) == 0;
        default:
                return false;
        }
}

static bool key_is_sound(TableId table, const char *key) {
        for (const KeyPart *part = key_parts[table]; part < key_parts[table] + KEY_PARTS_MAX; part++)
                if (part->is_there && !(part->size > 0 ? text_is_sound(key + part->offset, part->size)
                                                       : endpoint_is_sound((const Endpoint *)key)))
                        return false;
        return true;
}

static const char *table_find_fault(const Sample *sample, TableId table) {
        const RowLayout *layout = &table_infos[table].layout;

        if (sample_count_rows(sample, table) > table_infos[table].n_max)
                return "a table has too many rows";

        for (uint32_t i = 0; i < sample_count_rows(sample, table); i++) {
                const char *row = sample_get_row(sample, table, i);

                if (!key_is_sound(table, row))
                        return "a key is not valid";
                if (i > 0 && memcmp(row - layout->row_size, row, layout->key_size) >= 0)
                        return "keys do not ascend";
        }

        return NULL;
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

        for (TableId table = 0; table < _TABLES; table++) {
                const char *fault = table_find_fault(sample, table);

                if (fault)
                        return fault;
        }

        return NULL;
}

/* ---- rows ---- */

static void make_endpoint(uint16_t number, SampleKeyLength length, Endpoint *ret) {
        *ret = (Endpoint){
                .family = AF_INET6,
                .port = { (uint8_t)(number >> 8), (uint8_t)number },
        };
        memset(ret->address, 0xff, sizeof ret->address);
        memset(ret->device, 'd', sizeof ret->device - 1);

        if (length == SAMPLE_KEY_SHORT) {
                *ret = (Endpoint){
                        .family = AF_INET,
                        .port = { (uint8_t)(number >> 8), (uint8_t)number },
                        .address = { 10, 1, 2, 3 },
                };
        }
}

/* The number comes first, so that keys differ early, as is the worst for whoever packs them. */
static void make_text(uint16_t number, SampleKeyLength length, char *ret, size_t size) {
        if (length == SAMPLE_KEY_LONG) {
                memset(ret, 'x', size - 1);
                (void)snprintf(ret, size, "%05u", number);
                ret[5] = 'x';
        } else if (size > PROCESS_NAME_SIZE)
                (void)snprintf(ret, size, "unit-%05u.service", number);
        else
                (void)snprintf(ret, size, "daemon-%05u", number);
}

void sample_make_key(TableId table, uint16_t number, SampleKeyLength length, void *ret_key) {
        memset(ret_key, 0, table_infos[table].layout.key_size);
        for (const KeyPart *part = key_parts[table]; part < key_parts[table] + KEY_PARTS_MAX; part++)
                if (part->is_there && part->size == 0)
                        make_endpoint(number, length, ret_key);
                else if (part->is_there)
                        make_text(number, length, (char *)ret_key + part->offset, part->size);
}

uint64_t *sample_row_fields(Sample *sample, TableId table, size_t i) {
        const RowLayout *layout = &table_infos[table].layout;

        return (uint64_t *)((char *)sample_rows(sample, table) + i * layout->row_size +
                            layout->fields_offset);
}

void *sample_add_row(Sample *sample, TableId table) {
        const RowLayout *layout = &table_infos[table].layout;
        uint32_t n = (*sample_row_count(sample, table))++;
        char *row = (char *)sample_rows(sample, table) + n * layout->row_size;

        assert(n < table_infos[table].n_max);

        return memset(row, 0, layout->row_size);
}

uint64_t *sample_add_numbered(Sample *sample, TableId table, uint16_t number, SampleKeyLength length) {
        char *row = sample_add_row(sample, table);

        sample_make_key(table, number, length, row);
        return (uint64_t *)(row + table_infos[table].layout.fields_offset);
}

static Endpoint endpoint_of(const char *address, uint16_t port, const char *device) {
        Endpoint endpoint = {
                .family = strchr(address, ':') ? AF_INET6 : AF_INET,
                .port = { (uint8_t)(port >> 8), (uint8_t)port },
        };
        int r;

        r = inet_pton(endpoint.family, address, endpoint.address);
        assert(r == 1);
        (void)r;
        memcpy(endpoint.device, device, strnlen(device, sizeof endpoint.device - 1));
        return endpoint;
}

ListenerRow *sample_add_listener(Sample *sample, const char *address, uint16_t port, const char *device) {
        ListenerRow *row = sample_add_row(sample, TABLE_LISTENERS);

        row->key.endpoint = endpoint_of(address, port, device);
        row->n_sockets = 1;
        row->counted = COUNTED_ALL_STATES;
        return row;
}

ListenerRow *sample_add_listener_of(
        Sample *sample, const char *address, uint16_t port, const char *unit, const char *process) {
        ListenerRow *row = sample_add_listener(sample, address, port, "");

        memcpy(row->key.unit, unit, strnlen(unit, sizeof row->key.unit - 1));
        memcpy(row->key.process, process, strnlen(process, sizeof row->key.process - 1));
        return row;
}

/* ---- whole samples ---- */

/* Two rows in each table but that of listeners, the second one `other` where it sorts last by itself. */
static void small_add_rows(Sample *sample) {
        for (TableId table = TABLE_UNIX_LISTENERS; table < _TABLES; table++) {
                size_t n_fields = table_infos[table].layout.n_fields;
                uint64_t *fields = sample_add_numbered(sample, table, 80, SAMPLE_KEY_SHORT);

                for (size_t i = 0; i < n_fields; i++)
                        fields[i] = 1000 * (table + 1) + i;

                fields = sample_add_numbered(sample, table, 81, SAMPLE_KEY_SHORT);
                fields[0] = 7;
                fields[n_fields - 1] = UINT64_MAX;
        }

        sample->udp_sockets[1].key = (ListenerKey){ .endpoint.family = ENDPOINT_OTHER, .unit = UNIT_OTHER };
        sample->destinations[1].key = (Endpoint){ .family = ENDPOINT_OTHER };
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

        row = sample_add_listener_of(sample, "127.0.0.1", 80, "nginx.service", "nginx");
        row->length = 3;
        row->limit = 128;
        row->states[STATE_ESTABLISHED] = 900;
        sample_add_listener(sample, "0.0.0.0", 443, "eth0")->drops = 99;
        sample_add_listener(sample, "2001:db8::1", 80, "")->is_dual_stack = 1;
        small_add_rows(sample);
}

void sample_make_full(Sample *sample, uint16_t first) {
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

        for (TableId table = 0; table < _TABLES; table++)
                for (size_t i = 0; i < table_infos[table].n_max; i++) {
                        uint64_t *fields = sample_add_numbered(sample, table, (uint16_t)(first + 2 * i),
                                                               SAMPLE_KEY_LONG);

                        for (size_t field = 0; field < table_infos[table].layout.n_fields; field++)
                                fields[field] = UINT64_C(1) << 63;
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

/* Connections come and go in one of ten listeners, and one of ten queues is longer or shorter. */
static void step_listeners(Sample *sample, uint64_t *random) {
        for (uint32_t i = 0; i < sample->n_listeners; i++) {
                ListenerRow *row = &sample->listeners[i];

                if (random_next(random) % 10 == 0) {
                        row->length = random_next(random) % 20;
                        row->worst_length = row->length;
                        row->peak = MAX(row->peak, row->length);
                        row->drops += step_counter(10, random);
                }
                if (random_next(random) % 10 == 0) {
                        row->states[STATE_ESTABLISHED] = 100 + random_next(random) % 20;
                        row->states[STATE_TIME_WAIT] = random_next(random) % 200;
                }
        }
}

/* Of the rows of other tables one of five changes, in one or two figures. */
static void step_others(Sample *sample, uint64_t *random) {
        static const uint8_t n_rows[_TABLES] = {
                [TABLE_UNIX_LISTENERS] = 20, [TABLE_UDP_SOCKETS] = 8,   [TABLE_UNITS] = 30,
                [TABLE_PROCESSES] = 20,      [TABLE_DESTINATIONS] = 20,
        };

        for (TableId table = 0; table < _TABLES; table++) {
                const RowLayout *layout = &table_infos[table].layout;

                if (table == TABLE_LISTENERS)
                        continue;
                while (sample_count_rows(sample, table) < n_rows[table])
                        (void)sample_add_numbered(sample, table,
                                                  (uint16_t)(1 + sample_count_rows(sample, table)),
                                                  SAMPLE_KEY_SHORT);
                for (uint32_t i = 0; i < n_rows[table]; i++) {
                        uint64_t *fields = sample_row_fields(sample, table, i);

                        for (size_t n = random_next(random) % 5 == 0 ? 1 + random_next(random) % 2 : 0;
                             n > 0; n--)
                                fields[random_next(random) % layout->n_fields] = random_next(random) % 500;
                }
        }
}

void sample_step(Sample *sample, unsigned n_listeners, uint64_t *random) {
        if (sample->realtime_usec == 0)
                sample->realtime_usec = UINT64_C(1700000000) * USEC_PER_SEC;

        /* A timer is never on the microsecond. */
        sample->realtime_usec += USEC_PER_SEC + random_next(random) % 200;
        sample->boottime_usec += USEC_PER_SEC + random_next(random) % 200;
        step_values(sample, random);

        for (unsigned id = 0; id < _COLLECTOR_ROOM; id++)
                if (collector_name(id))
                        sample->reports[id] = (CollectorReport){
                                .is_present = true,
                                .duration_nsec = 50000 + random_next(random) % 20000,
                                .last_success_usec = sample->realtime_usec + id * 100,
                        };

        while (sample->n_listeners < n_listeners)
                sample_add_listener_of(sample, "0.0.0.0", (uint16_t)(8000 + sample->n_listeners),
                                       "some.service", "some")
                        ->limit = 4096;
        step_listeners(sample, random);
        step_others(sample, random);
}

/* Up to n rows of any kind. */
static void random_add_rows(Sample *sample, TableId table, unsigned n_max, uint64_t *random) {
        const RowLayout *layout = &table_infos[table].layout;
        uint64_t n = MIN(random_next(random) % (n_max + 1), (uint64_t)table_infos[table].n_max);
        unsigned number = 0;

        for (; n > 0; n--) {
                uint64_t *fields;

                number += 1 + random_next(random) % 3;
                fields = sample_add_numbered(sample, table, (uint16_t)number, SAMPLE_KEY_SHORT);
                for (size_t field = 0; field < layout->n_fields; field++)
                        if (random_next(random) % 4 == 0)
                                fields[field] = random_next(random) >> random_next(random) % 64;
        }
}

void sample_make_random(Sample *sample, unsigned n_rows_max, uint64_t *random) {
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

        for (TableId table = 0; table < _TABLES; table++)
                random_add_rows(sample, table, n_rows_max / _TABLES, random);
}
