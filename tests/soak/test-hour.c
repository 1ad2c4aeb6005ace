/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An hour of a busy host fits the ring that a daemon has by default
 *
 * Three hours of seconds are written, so that the ring goes round, and from the
 * end of the first one on the last 3,600 samples must be held at every moment.
 * The hours are spent once, before the tests that judge them.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/clock.h"
#include "busy_host.h"
#include "daemon/options.h"
#include "store/codec.h"
#include "store/ring.h"
#include "store/ring_reader.h"
#include "suite.h"

#define HOUR_SAMPLES  3600
#define N_HOURS       3
#define N_SAMPLES     (N_HOURS * HOUR_SAMPLES)
#define BEGIN_USEC    (UINT64_C(1795000000) * USEC_PER_SEC)
#define BOOTTIME_USEC (7200 * USEC_PER_SEC)

static struct {
        char folder[32];
        char path[64];
        Ring *ring;

        Sample samples[2];
        uint8_t packed[SAMPLE_ENCODED_MAX];
        usec_t times[N_SAMPLES];
        uint32_t checksums[N_SAMPLES]; /* of each, packed alone */
        uint64_t packed_bytes;         /* of all but the first, each packed against the one before it */
        uint64_t n_held_min[N_HOURS];  /* at any moment of that hour */
} hours;

/* How many samples the ring holds, of those up to number @last. */
static uint64_t count_held(uint64_t last) {
        usec_t oldest_usec = ring_oldest_usec(hours.ring);
        uint64_t n = 0;

        while (n < last && hours.times[last - 1 - n] >= oldest_usec)
                n++;
        return n;
}

static uint32_t checksum_of(const Sample *sample) {
        static const Sample empty;

        return (uint32_t)crc32(0, hours.packed, (uInt)sample_encode(&empty, sample, hours.packed));
}

static void hours_live(void) {
        memset(hours.n_held_min, 0xff, sizeof hours.n_held_min);

        for (uint64_t n = 1; n <= N_SAMPLES; n++) {
                Sample *sample = &hours.samples[n % 2], *before = &hours.samples[(n + 1) % 2];
                uint64_t *held_min;

                if (n == 1)
                        busy_host_begin(sample, BEGIN_USEC, BOOTTIME_USEC);
                else {
                        sample_copy(sample, before);
                        busy_host_go_on(sample);
                        hours.packed_bytes += sample_encode(before, sample, hours.packed);
                }

                hours.times[n - 1] = sample->realtime_usec;
                ck_assert_int_eq(ring_append(hours.ring, sample), 0);
                hours.checksums[n - 1] = checksum_of(sample);
                held_min = &hours.n_held_min[(n - 1) / HOUR_SAMPLES];
                *held_min = MIN(*held_min, count_held(n));
        }
}

static void hours_setup(void) {
        char *arguments[] = { (char *)"sockwatchd", NULL }, message[OPTIONS_MESSAGE_SIZE];
        RingFinding finding;
        Options options;

        ck_assert_int_eq(options_parse(1, arguments, &options, message), 0);
        strcpy(hours.folder, "/tmp/sockwatch-hour-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(hours.folder));
        (void)snprintf(hours.path, sizeof hours.path, "%s/ring", hours.folder);
        ck_assert_int_eq(ring_open(hours.path, options.ring_bytes, &hours.ring, &finding), 0);
        hours_live();
}

static void hours_teardown(void) {
        hours.ring = ring_close(hours.ring);
        (void)unlink(hours.path);
        (void)rmdir(hours.folder);
}

/* Rows of which the key is the first thing in both. */
static uint32_t count_same_rows(TableId id) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < sample_count_rows(&hours.samples[0], id); i++)
                n += memcmp(sample_get_row(&hours.samples[0], id, i),
                            sample_get_row(&hours.samples[1], id, i), table_infos[id].layout.row_size) == 0;
        return n;
}

START_TEST(the_host_is_as_busy_as_is_said)
{
        const Sample *sample = &hours.samples[0];

        ck_assert_uint_eq(sample->n_listeners, BUSY_LISTENERS);
        ck_assert_uint_eq(sample->n_unix_listeners, BUSY_UNIX_LISTENERS);
        ck_assert_uint_eq(sample->n_udp_sockets, BUSY_UDP_SOCKETS);
        ck_assert_uint_eq(sample->n_units, BUSY_UNITS);
        ck_assert_uint_eq(sample->n_processes, BUSY_PROCESSES);
        ck_assert_uint_eq(sample->n_destinations, BUSY_DESTINATIONS);

        for (TableId id = 0; id < _TABLES; id++)
                ck_assert_msg(count_same_rows(id) == 0, "%s rest", table_infos[id].name);
}
END_TEST

START_TEST(the_last_hour_is_held_at_every_moment)
{
        for (unsigned hour = 1; hour < N_HOURS; hour++)
                ck_assert_uint_ge(hours.n_held_min[hour], HOUR_SAMPLES);
        ck_assert_msg(hours.n_held_min[N_HOURS - 1] < 2 * HOUR_SAMPLES,
                      "the ring never went round: the host is too dull");

        printf("# %" PRIu64 " bytes a sample, at least %" PRIu64 " samples held in %" PRIu64 " bytes\n",
               hours.packed_bytes / (N_SAMPLES - 1), hours.n_held_min[N_HOURS - 1], ring_bytes(hours.ring));
        fflush(stdout);
}
END_TEST

START_TEST(every_second_of_it_is_read_back)
{
        _cleanup_(ring_reader_closep) RingReader *reader = NULL;
        const Sample *sample;
        uint64_t n_read = 0, number = 0;
        RingFault fault;
        int r;

        ck_assert_int_eq(ring_reader_open(hours.path, &reader, &fault), 0);
        while ((r = ring_reader_next(reader, &sample)) > 0) {
                number = n_read++ == 0 ? sample->number : number + 1;
                ck_assert_uint_eq(sample->number, number);
                ck_assert_uint_eq(sample->realtime_usec, hours.times[number - 1]);
                ck_assert_uint_eq(checksum_of(sample), hours.checksums[number - 1]);
        }

        ck_assert_int_eq(r, 0);
        ck_assert_uint_eq(number, N_SAMPLES);
        ck_assert_uint_ge(n_read, HOUR_SAMPLES);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("hour");
        TCase *evening = tcase_create("evening");

        tcase_add_unchecked_fixture(evening, hours_setup, hours_teardown);
        tcase_set_timeout(evening, 120);
        tcase_add_test(evening, the_host_is_as_busy_as_is_said);
        tcase_add_test(evening, the_last_hour_is_held_at_every_moment);
        tcase_add_test(evening, every_second_of_it_is_read_back);
        suite_add_tcase(suite, evening);

        return suite_main(suite);
}
