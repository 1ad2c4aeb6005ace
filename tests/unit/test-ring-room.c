/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Room in the ring for samples of which every table is full
 *
 * Every row has the longest key there can be and is gone in the next second, when
 * as many others are there, and every number is as far from the one before as
 * numbers can be: no sample takes more.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "store/codec.h"
#include "store/ring.h"
#include "store/ring_reader.h"
#include "suite.h"
#include "unit/folder.h"

static Folder folder;
static char path[PATH_MAX];
static Sample samples[2], read_back;
static uint8_t packed[SAMPLE_ENCODED_MAX];

static void setup(void) {
        folder_init(&folder);
        folder_path(&folder, "ring", path);
}

static void teardown(void) {
        folder_done(&folder);
}

/* ---- the fullest second ---- */

/* A text as long as may be, different for each second and row from its first byte on. */
static void fill_text(char *text, size_t size, unsigned second, unsigned row) {
        char digits[16];
        int n = snprintf(digits, sizeof digits, "%c%05u", 'a' + (int)(second + row * 7) % 26,
                         row * 2 + second);

        memset(text, 'x', size - 1);
        text[size - 1] = '\0';
        memcpy(text, digits, MIN((size_t)n, size - 1));
}

static void fill_endpoint(Endpoint *endpoint, unsigned second, unsigned row) {
        *endpoint = (Endpoint){
                .family = AF_INET6,
                .port = { (uint8_t)(1 + row % 255), (uint8_t)(1 + second) },
        };
        memset(endpoint->address, 0xfd, sizeof endpoint->address);
        endpoint->address[0] = (uint8_t)(1 + row / 255);
        fill_text(endpoint->device, sizeof endpoint->device, second, row);
}

static void fill_key(TableId id, void *row, unsigned second, unsigned i) {
        ListenerKey *listener = row;
        UnixListenerKey *unix_listener = row;
        UnitKey *unit = row;
        ProcessKey *process = row;

        switch (id) {
        case TABLE_LISTENERS:
        case TABLE_UDP_SOCKETS:
                fill_endpoint(&listener->endpoint, second, i);
                fill_text(listener->unit, sizeof listener->unit, second, i);
                fill_text(listener->process, sizeof listener->process, second, i);
                break;
        case TABLE_UNIX_LISTENERS:
                fill_text(unix_listener->path, sizeof unix_listener->path, second, i);
                fill_text(unix_listener->unit, sizeof unix_listener->unit, second, i);
                fill_text(unix_listener->process, sizeof unix_listener->process, second, i);
                break;
        case TABLE_UNITS:
                fill_text(unit->unit, sizeof unit->unit, second, i);
                break;
        case TABLE_PROCESSES:
                fill_text(process->unit, sizeof process->unit, second, i);
                fill_text(process->process, sizeof process->process, second, i);
                break;
        default:
                ck_assert_int_eq(id, TABLE_DESTINATIONS);
                fill_endpoint(row, second, i);
        }
}

static size_t compared_size;

static int compare_keys(const void *left, const void *right) {
        return memcmp(left, right, compared_size);
}

/* @fields: of every row; all tables but one have no rows if @only is one. */
static void fill(Sample *sample, unsigned second, uint64_t fields) {
        sample_clear(sample);
        sample->realtime_usec = UINT64_C(1795000000) * USEC_PER_SEC + second * USEC_PER_SEC;
        sample->boottime_usec = second * USEC_PER_SEC;

        for (unsigned id = 0; id < _VALUE_ROOM; id++)
                sample_set(sample, id, second % 2 ? INT64_MAX : 0);
        for (unsigned id = 0; id < _COLLECTOR_ROOM; id++)
                sample->reports[id] = (CollectorReport){
                        .is_present = true,
                        .is_incomplete = true,
                        .error = -4095,
                        .n_failures = second % 2 ? INT64_MAX : 0,
                        .duration_nsec = UINT64_MAX,
                };

        for (TableId id = 0; id < _TABLES; id++) {
                const RowLayout *layout = &table_infos[id].layout;

                *sample_row_count(sample, id) = (uint32_t)table_infos[id].n_max;
                for (unsigned i = 0; i < table_infos[id].n_max; i++) {
                        char *row = (char *)sample_rows(sample, id) + i * layout->row_size;
                        uint64_t *numbers = (uint64_t *)(row + layout->fields_offset);

                        memset(row, 0, layout->row_size);
                        fill_key(id, row, second, i);
                        for (size_t field = 0; field < layout->n_fields; field++)
                                numbers[field] = fields;
                }
                compared_size = layout->key_size;
                qsort(sample_rows(sample, id), table_infos[id].n_max, layout->row_size, compare_keys);
        }
}

static void check_same(const Sample *actual, const Sample *wanted) {
        ck_assert_uint_eq(actual->number, wanted->number);
        ck_assert_uint_eq(actual->realtime_usec, wanted->realtime_usec);
        ck_assert_mem_eq(actual->values, wanted->values, sizeof actual->values);
        for (TableId id = 0; id < _TABLES; id++) {
                ck_assert_uint_eq(sample_count_rows(actual, id), sample_count_rows(wanted, id));
                ck_assert_mem_eq(sample_get_row(actual, id, 0), sample_get_row(wanted, id, 0),
                                 sample_count_rows(wanted, id) * table_infos[id].layout.row_size);
        }
}

/* ---- packed ---- */

START_TEST(the_longest_sample_takes_nearly_what_is_set_aside_for_it)
{
        static const Sample empty;
        size_t alone, after_another;

        fill(&samples[0], 0, INT64_MAX);
        fill(&samples[1], 1, INT64_MAX);
        alone = sample_encode(&empty, &samples[1], packed);
        after_another = sample_encode(&samples[0], &samples[1], packed);
        ck_assert_int_eq(sample_decode(&samples[0], packed, after_another, &read_back), 0);
        check_same(&read_back, &samples[1]);

        ck_assert_uint_ge(after_another, alone);
        ck_assert_uint_le(after_another, SAMPLE_ENCODED_MAX);
        ck_assert_uint_ge(after_another, SAMPLE_ENCODED_MAX / 10 * 8);
        printf("# %zu bytes of %d\n", after_another, (int)SAMPLE_ENCODED_MAX);
        fflush(stdout);
}
END_TEST

START_TEST(the_same_rows_with_other_numbers_fit_as_well)
{
        size_t size;

        fill(&samples[0], 0, 0);
        fill(&samples[1], 0, INT64_MAX);
        size = sample_encode(&samples[0], &samples[1], packed);
        ck_assert_int_eq(sample_decode(&samples[0], packed, size, &read_back), 0);
        check_same(&read_back, &samples[1]);
}
END_TEST

/* ---- in the ring ---- */

static Ring *open_ring(void) {
        RingFinding finding;
        Ring *ring;

        ck_assert_int_eq(ring_open(path, RING_BYTES_MIN, &ring, &finding), 0);
        ck_assert_int_eq(finding.fault, RING_FAULT_NONE);
        return ring;
}

static RingReader *open_reader(void) {
        RingReader *reader;
        RingFault fault;

        ck_assert_int_eq(ring_reader_open(path, &reader, &fault), 0);
        return reader;
}

START_TEST(seconds_in_which_every_row_is_another_are_held_by_the_smallest_ring)
{
        _cleanup_(ring_reader_closep) RingReader *reader = NULL;
        _cleanup_(ring_closep) Ring *ring = open_ring();
        unsigned n_seconds = 9, n_read = 0;
        const Sample *sample;

        for (unsigned second = 0; second < n_seconds; second++) {
                fill(&samples[0], second, INT64_MAX);
                ck_assert_int_eq(ring_append(ring, &samples[0]), 0);
        }

        reader = open_reader();
        while (ring_reader_next(reader, &sample) > 0) {
                fill(&samples[0], (unsigned)sample->number - 1, INT64_MAX);
                samples[0].number = sample->number;
                check_same(sample, &samples[0]);
                n_read++;
        }
        ck_assert_uint_eq(sample->number, n_seconds);
        ck_assert_uint_ge(n_read, RING_SEGMENTS_MIN - 1);
}
END_TEST

/* Units alone: as many as a table holds, with the two rows that stand for others. */
static void make_units(Sample *sample, uint64_t second) {
        static const char *const for_others[] = { UNIT_OTHER, UNIT_UNATTRIBUTED };

        sample_clear(sample);
        sample->realtime_usec = UINT64_C(1795000000) * USEC_PER_SEC + second * USEC_PER_SEC;
        for (unsigned i = 0; i < UNITS_MAX + 2; i++) {
                UnitRow *row = &sample->units[sample->n_units++];

                *row = (UnitRow){
                        .states[STATE_ESTABLISHED] = 100 + (second + i) % 50,
                        .states[STATE_TIME_WAIT] = 1000 + (second * i) % 900,
                        .receive_queue_bytes = (second * 7919 + i) % 100000,
                        .n_processes = 4,
                        .open_fds = 300 + (second + i) % 20,
                        .worst_open_fds = 100,
                        .worst_fd_limit = 1024,
                };
                if (i < ELEMENTSOF(for_others))
                        strcpy(row->key.unit, for_others[i]);
                else
                        (void)snprintf(row->key.unit, sizeof row->key.unit, "checkout@%u.service", i);
        }
        compared_size = sizeof(UnitKey);
        qsort(sample->units, sample->n_units, sizeof *sample->units, compare_keys);
}

START_TEST(rows_of_units_are_read_back_from_all_of_a_ring_that_went_round)
{
        _cleanup_(ring_reader_closep) RingReader *reader = NULL;
        _cleanup_(ring_closep) Ring *ring = open_ring();
        uint64_t n_seconds = 2000, n_read = 0;
        const Sample *sample;

        for (uint64_t second = 1; second <= n_seconds; second++) {
                make_units(&samples[0], second);
                ck_assert_int_eq(ring_append(ring, &samples[0]), 0);
        }

        reader = open_reader();
        while (ring_reader_next(reader, &sample) > 0) {
                make_units(&samples[0], sample->number);
                samples[0].number = sample->number;
                check_same(sample, &samples[0]);
                n_read++;
        }
        ck_assert_uint_eq(sample->number, n_seconds);
        ck_assert_uint_ge(n_read, 500);
        ck_assert_msg(n_read < n_seconds, "it never went round");
}
END_TEST

int main(void) {
        Suite *suite = suite_create("ring-room");
        TCase *full = tcase_create("full");

        tcase_add_checked_fixture(full, setup, teardown);
        tcase_set_timeout(full, 120);
        tcase_add_test(full, the_longest_sample_takes_nearly_what_is_set_aside_for_it);
        tcase_add_test(full, the_same_rows_with_other_numbers_fit_as_well);
        tcase_add_test(full, seconds_in_which_every_row_is_another_are_held_by_the_smallest_ring);
        tcase_add_test(full, rows_of_units_are_read_back_from_all_of_a_ring_that_went_round);
        suite_add_tcase(suite, full);

        return suite_main(suite);
}
