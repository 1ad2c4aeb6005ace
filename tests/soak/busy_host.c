/* SPDX-License-Identifier: Apache-2.0 */

/* A host at work: 50 listeners, 100 units, and what belongs to them */

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "busy_host.h"

/* Every so many listeners one is in trouble: its queue is full, it drops. */
#define TROUBLED_EVERY 5

/* The same noise for the same question (splitmix64, Steele, Lea, Flood). */
static uint64_t noise(uint64_t number) {
        number += UINT64_C(0x9e3779b97f4a7c15);
        number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
        return number ^ number >> 31;
}

/* What changes is told apart by the sample, the row's place and the field's. */
typedef struct Dice {
        uint64_t seed;
} Dice;

static uint64_t dice_below(Dice *dice, uint64_t n) {
        return noise(dice->seed++) % n;
}

static Dice dice_of(const Sample *sample, TableId table, uint32_t row) {
        return (Dice){ .seed = sample->realtime_usec / USEC_PER_SEC << 24 | (uint64_t)table << 20 |
                               row << 7 };
}

/* Another number than before, at most that far from it, and one that stays around @usual. */
static void drift(uint64_t *number, uint64_t usual, uint64_t step, Dice *dice) {
        uint64_t by = 1 + dice_below(dice, step);
        bool rises = *number < usual / 2 || (*number < 2 * usual && dice_below(dice, 2) == 0);

        if (rises || *number < by)
                *number += by;
        else
                *number -= by;
}

/* ---- names ---- */

static void set_unit_name(char name[static UNIT_NAME_SIZE], unsigned i) {
        static const char *const kinds[] = { "gateway", "checkout", "inventory", "mail-relay",
                                             "postgresql" };
        const char *kind = kinds[i % ELEMENTSOF(kinds)];

        if (i % 3 == 0)
                (void)snprintf(name, UNIT_NAME_SIZE,
                               "pod/%08" PRIx64 "-%04" PRIx64 "-4c1e-9f0a-%012" PRIx64 "/%012" PRIx64,
                               noise(i) >> 32, noise(i + 1) >> 48, noise(i + 2) >> 16, noise(i + 3) >> 16);
        else if (i % 3 == 1)
                (void)snprintf(name, UNIT_NAME_SIZE, "%s@%u.service", kind, i);
        else
                (void)snprintf(name, UNIT_NAME_SIZE, "%s-%u.service", kind, i);
}

static void set_process_name(char name[static PROCESS_NAME_SIZE], unsigned i) {
        (void)snprintf(name, PROCESS_NAME_SIZE, "worker-%u", i % 1000);
}

static void set_endpoint(Endpoint *endpoint, unsigned i, uint16_t port) {
        const uint8_t address[] = { 10, (uint8_t)(i % 7), (uint8_t)(i % 31), (uint8_t)i };

        port = htons(port);
        endpoint->family = i % 4 == 0 ? AF_INET6 : AF_INET;
        memcpy(endpoint->port, &port, sizeof port);
        memcpy(endpoint->address, address, sizeof address);
}

static void begin_rows(Sample *sample) {
        for (unsigned i = 0; i < BUSY_LISTENERS; i++) {
                ListenerRow *row = &sample->listeners[sample->n_listeners++];

                *row = (ListenerRow){ .limit = 4096, .worst_limit = 4096, .n_sockets = 1 };
                set_endpoint(&row->key.endpoint, i, (uint16_t)(8000 + i));
                set_unit_name(row->key.unit, i);
                set_process_name(row->key.process, i);
        }
        for (unsigned i = 0; i < BUSY_UNIX_LISTENERS; i++) {
                UnixListenerRow *row = &sample->unix_listeners[sample->n_unix_listeners++];

                *row = (UnixListenerRow){ .limit = 511, .worst_limit = 511, .n_sockets = 1 };
                (void)snprintf(row->key.path, sizeof row->key.path, "/run/php/php8.2-fpm-pool-%u.sock", i);
                set_unit_name(row->key.unit, i);
                set_process_name(row->key.process, i);
        }
        for (unsigned i = 0; i < BUSY_UDP_SOCKETS; i++) {
                UdpSocketRow *row = &sample->udp_sockets[sample->n_udp_sockets++];

                *row = (UdpSocketRow){ .buffer_bytes = 212992,
                                       .worst_buffer_bytes = 212992,
                                       .n_sockets = 1 };
                set_endpoint(&row->key.endpoint, i, (uint16_t)(5000 + i));
                set_unit_name(row->key.unit, i);
                set_process_name(row->key.process, i);
        }
        for (unsigned i = 0; i < BUSY_UNITS; i++) {
                UnitRow *row = &sample->units[sample->n_units++];

                *row = (UnitRow){ .worst_fd_limit = 65536, .n_processes = 8 };
                set_unit_name(row->key.unit, i);
        }
        for (unsigned i = 0; i < BUSY_PROCESSES; i++) {
                ProcessRow *row = &sample->processes[sample->n_processes++];

                *row = (ProcessRow){ .pid = 1000 + i, .fd_limit = 65536 };
                set_unit_name(row->key.unit, i);
                set_process_name(row->key.process, i);
        }
        for (unsigned i = 0; i < BUSY_DESTINATIONS; i++) {
                DestinationRow *row = &sample->destinations[sample->n_destinations++];

                *row = (DestinationRow){ 0 };
                set_endpoint(&row->key, i, (uint16_t)(i % 2 ? 5432 : 443));
        }
}

static size_t key_size_to_sort;

static int compare_keys(const void *left, const void *right) {
        return memcmp(left, right, key_size_to_sort);
}

/* ---- numbers ---- */

static void states_go_on(uint64_t states[static _STATES], Dice *dice) {
        drift(&states[STATE_ESTABLISHED], 800, 40, dice);
        drift(&states[STATE_SYN_SENT], 4, 2, dice);
        drift(&states[STATE_SYN_RECV], 10, 5, dice);
        drift(&states[STATE_FIN_WAIT1], 6, 3, dice);
        drift(&states[STATE_FIN_WAIT2], 20, 10, dice);
        drift(&states[STATE_TIME_WAIT], 2000, 100, dice);
        drift(&states[STATE_CLOSE_WAIT], 20, 5, dice);
        drift(&states[STATE_LAST_ACK], 3, 2, dice);
}

static void listeners_go_on(Sample *sample) {
        for (uint32_t i = 0; i < sample->n_listeners; i++) {
                Dice dice = dice_of(sample, TABLE_LISTENERS, i);
                ListenerRow *row = &sample->listeners[i];

                drift(&row->length, i % TROUBLED_EVERY == 0 ? row->limit : 60, 30, &dice);
                row->worst_length = row->length;
                row->peak = row->length + dice_below(&dice, 60);
                if (i % TROUBLED_EVERY == 0) {
                        row->drops += 1 + dice_below(&dice, 500);
                        row->saturated_usec += USEC_PER_SEC + dice_below(&dice, 1000);
                }
                states_go_on(row->states, &dice);
        }

        for (uint32_t i = 0; i < sample->n_unix_listeners; i++) {
                Dice dice = dice_of(sample, TABLE_UNIX_LISTENERS, i);
                UnixListenerRow *row = &sample->unix_listeners[i];

                drift(&row->length, 20, 20, &dice);
                row->worst_length = row->length;
                row->peak = row->length + dice_below(&dice, 60);
        }

        for (uint32_t i = 0; i < sample->n_udp_sockets; i++) {
                Dice dice = dice_of(sample, TABLE_UDP_SOCKETS, i);
                UdpSocketRow *row = &sample->udp_sockets[i];

                drift(&row->queue_bytes, 60000, 40000, &dice);
                row->worst_queue_bytes = row->queue_bytes;
                row->drops += 1 + dice_below(&dice, 50);
        }
}

static void units_go_on(Sample *sample) {
        for (uint32_t i = 0; i < sample->n_units; i++) {
                Dice dice = dice_of(sample, TABLE_UNITS, i);
                UnitRow *row = &sample->units[i];

                states_go_on(row->states, &dice);
                drift(&row->receive_queue_bytes, 100000, 60000, &dice);
                drift(&row->send_queue_bytes, 400000, 200000, &dice);
                drift(&row->n_retransmitting, 4, 3, &dice);
                drift(&row->n_close_wait_accepted, 10, 4, &dice);
                drift(&row->open_fds, 1200, 40, &dice);
                drift(&row->worst_open_fds, 200, 20, &dice);
        }

        for (uint32_t i = 0; i < sample->n_processes; i++) {
                Dice dice = dice_of(sample, TABLE_PROCESSES, i);

                drift(&sample->processes[i].open_fds, 300, 30, &dice);
                drift(&sample->processes[i].n_close_wait, 20, 4, &dice);
        }

        for (uint32_t i = 0; i < sample->n_destinations; i++) {
                Dice dice = dice_of(sample, TABLE_DESTINATIONS, i);

                drift(&sample->destinations[i].n_ports, 900, 50, &dice);
        }
}

/* Two thirds of the counters rest, as errors do; the others go on at a pace of their own, up to thousands.
 */
static void values_go_on(Sample *sample) {
        for (unsigned id = 0; id < _VALUE_ROOM; id++) {
                Dice dice = dice_of(sample, _TABLES, id);
                uint64_t pace = UINT64_C(16) << id % 12;

                if (!value_infos[id].name)
                        continue;
                if (!sample_has(sample, id))
                        sample_set(sample, id, value_infos[id].is_counter ? 1000 * pace : pace);
                if (value_infos[id].collector == COLLECTOR_LIMITS)
                        continue;
                if (!value_infos[id].is_counter)
                        drift(&sample->values[id], pace, pace / 8, &dice);
                else if (id % 3 == 0)
                        sample->values[id] += 1 + dice_below(&dice, pace);
        }
}

static void reports_go_on(Sample *sample) {
        for (unsigned id = 0; id < _COLLECTOR_ROOM; id++) {
                Dice dice = dice_of(sample, _TABLES + 1, id);

                if (!collector_name(id))
                        continue;
                sample->reports[id] = (CollectorReport){
                        .is_present = true,
                        .duration_nsec = 100000 + dice_below(&dice, 3000000),
                        .last_success_usec = sample->realtime_usec + 100 + dice_below(&dice, 4000),
                };
        }
}

static void numbers_go_on(Sample *sample) {
        values_go_on(sample);
        reports_go_on(sample);
        listeners_go_on(sample);
        units_go_on(sample);
}

void busy_host_begin(Sample *ret, usec_t realtime_usec, usec_t boottime_usec) {
        sample_clear(ret);
        ret->realtime_usec = realtime_usec;
        ret->boottime_usec = boottime_usec;

        begin_rows(ret);
        for (TableId id = 0; id < _TABLES; id++) {
                key_size_to_sort = table_infos[id].layout.key_size;
                qsort(sample_rows(ret, id), sample_count_rows(ret, id), table_infos[id].layout.row_size,
                      compare_keys);
        }
        numbers_go_on(ret);
}

/* Timers do not fire to the microsecond. */
void busy_host_go_on(Sample *sample) {
        Dice dice = dice_of(sample, _TABLES + 2, 0);
        usec_t elapsed_usec = USEC_PER_SEC + dice_below(&dice, 200) - 100;

        sample->realtime_usec += elapsed_usec;
        sample->boottime_usec += elapsed_usec;
        numbers_go_on(sample);
}
