/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A day of samples, one a second, at full speed
 *
 * Every tenth sample is a real one, of a namespace whose sockets come and go;
 * those between are copies of it in which time has gone on: counters rise and
 * queues change as they would on a host at work. Each goes into the ring and
 * through both renderings. The day is spent once, before the tests that judge it.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/file.h"
#include "collect/collection.h"
#include "exporters/http/pages.h"
#include "namespace.h"
#include "sockets.h"
#include "store/ring.h"
#include "store/ring_reader.h"
#include "suite.h"

#ifndef __has_feature
#define __has_feature(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || __has_feature(address_sanitizer) || \
        __has_feature(thread_sanitizer)
/* Their memory is not ours, and they take their time. */
#define IS_SANITIZED 1
#define HOUR_SAMPLES 360
#define RING_BYTES   RING_BYTES_MIN
#else
#define IS_SANITIZED 0
#define HOUR_SAMPLES 3600
#define RING_BYTES   (UINT64_C(16) << 20)
#endif

#define DAY_SAMPLES    (24 * HOUR_SAMPLES)
#define REAL_EVERY     10
#define BEGIN_USEC     UINT64_C(1795000000000000)
#define BOOTTIME_USEC  (7200 * USEC_PER_SEC)
#define GROWTH_MAX     (UINT64_C(1) << 20)
#define N_CONNECTIONS  50
#define LISTENER_EVERY 600

static struct {
        char folder[32];
        char path[64];
        Sources sources;
        Collection *collection;
        Ring *ring;
        Pages pages;
        Line *line;
        int passing_listener;

        Sample real; /* the last one that the kernel filled */
        Sample samples[2];
        uint32_t checksums[DAY_SAMPLES]; /* of each sample, packed */
        uint8_t packed[SAMPLE_ENCODED_MAX];

        uint64_t memory_bytes[2]; /* after the first hour and after the last */
        uint64_t file_bytes_max;
        size_t page_bytes_max;
} day;

/* ---- judging ---- */

/* Resident memory but for what is shared: mapped pages of the ring file are not memory that is used up. */
static uint64_t memory_used(void) {
        uint64_t n_resident, n_shared;
        char text[256];
        size_t length;

        ck_assert_int_eq(file_read_at(day.sources.proc_fd, "self/statm", text, sizeof text, &length), 0);
        ck_assert_int_eq(sscanf(text, "%*u %" SCNu64 " %" SCNu64, &n_resident, &n_shared), 2);
        return (n_resident - n_shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint32_t checksum_of(const Sample *sample) {
        static const Sample empty;

        return (uint32_t)crc32(0, day.packed, (uInt)sample_encode(&empty, sample, day.packed));
}

/* ---- the day ---- */

/* The same noise for the same question (splitmix64, Steele, Lea, Flood). */
static uint64_t noise(uint64_t number) {
        number += UINT64_C(0x9e3779b97f4a7c15);
        number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
        return number ^ number >> 31;
}

/* A third of the numbers rest. The others go on, each at a pace of its own. */
static void sample_go_on(Sample *sample, uint64_t n) {
        for (unsigned id = 0; id < _VALUE_ROOM; id++) {
                uint64_t pace = UINT64_C(1) << id % 12;

                if (!sample_has(sample, id) || id % 3 == 0)
                        continue;
                if (value_infos[id].is_counter)
                        sample_set(sample, id, sample->values[id] + n * pace + noise(n << 8 | id) % pace);
                else
                        sample_set(sample, id, sample->values[id] + noise(n << 8 | id) % pace);
        }

        for (uint32_t i = 0; i < sample->n_listeners; i++) {
                ListenerRow *row = &sample->listeners[i];

                row->length = row->worst_length = noise(n + i) % (row->limit + 1);
                row->drops += n / 100 * i;
        }
}

/* Ten seconds of every hour a collector does not answer. */
static void sample_fail(Sample *sample) {
        for (unsigned id = 0; id < _VALUE_ROOM; id++)
                if (value_infos[id].name && value_infos[id].collector == COLLECTOR_NETSTAT)
                        sample_unset(sample, id);
        sample->reports[COLLECTOR_NETSTAT].error = -EIO;
        sample->reports[COLLECTOR_NETSTAT].n_failures++;
}

static void day_take_sample(uint64_t n, Sample *sample) {
        if (n % REAL_EVERY == 0)
                collection_run(day.collection, &bounds_default, &day.real);

        sample_copy(sample, &day.real);
        sample_go_on(sample, n);
        if (n % HOUR_SAMPLES < 10)
                sample_fail(sample);
        sample->realtime_usec = BEGIN_USEC + n * USEC_PER_SEC;
        sample->boottime_usec = BOOTTIME_USEC + n * USEC_PER_SEC;
}

/* One listener is there for ten minutes, and gone for ten. */
static void day_change_sockets(uint64_t n) {
        Spot to = spot("::1", 9);

        if (n % LISTENER_EVERY != 0)
                return;

        if (day.passing_listener < 0)
                day.passing_listener = listen_on(&to, 5);
        else
                day.passing_listener = close_fd(day.passing_listener);
}

static void day_render(const Sample *sample) {
        pages_publish(&day.pages, sample);
        for (unsigned format = 0; format < _EXPOSITION_FORMAT_MAX; format++) {
                Page *page = pages_take(&day.pages, format);

                ck_assert_ptr_nonnull(page);
                day.page_bytes_max = MAX(day.page_bytes_max, page->text.length);
                (void)page_unref(page);
        }
}

static void day_live(void) {
        for (uint64_t n = 0; n < DAY_SAMPLES; n++) {
                Sample *sample = &day.samples[n % 2];
                struct stat status;

                day_change_sockets(n);
                day_take_sample(n, sample);
                ck_assert_int_eq(ring_append(day.ring, sample), 0);
                ck_assert_uint_eq(sample->number, n + 1);
                day_render(sample);

                day.checksums[n] = checksum_of(sample);
                ck_assert_int_eq(stat(day.path, &status), 0);
                day.file_bytes_max = MAX(day.file_bytes_max, (uint64_t)status.st_size);
                if (n == HOUR_SAMPLES - 1)
                        day.memory_bytes[0] = memory_used();
        }
        day.memory_bytes[1] = memory_used();
}

static void day_setup(void) {
        RingFinding finding;
        const char *what;

        namespace_enter();
        day.line = line_new(&routes[0], N_CONNECTIONS);
        day.passing_listener = -1;

        strcpy(day.folder, "/tmp/sockwatch-day-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(day.folder));
        (void)snprintf(day.path, sizeof day.path, "%s/ring", day.folder);
        ck_assert_int_eq(ring_open(day.path, RING_BYTES, &day.ring, &finding), 0);

        day.sources = SOURCES_NULL;
        ck_assert_int_eq(sources_init(&day.sources, "/proc", "/sys", &what), 0);
        ck_assert_int_eq(collection_new(&day.sources, &day.collection), 0);
        day_live();
}

static void day_teardown(void) {
        pages_done(&day.pages);
        day.collection = collection_free(day.collection);
        sources_done(&day.sources);
        day.ring = ring_close(day.ring);
        (void)unlink(day.path);
        (void)rmdir(day.folder);
        day.line = line_free(day.line);
        day.passing_listener = close_fd(day.passing_listener);
}

START_TEST(the_day_was_one_of_sockets)
{
        for (unsigned id = 0; id < _COLLECTOR_ROOM; id++)
                if (collector_name(id))
                        ck_assert_msg(day.real.reports[id].is_present && day.real.reports[id].error == 0,
                                      "%s", collector_name(id));
        ck_assert_uint_ge(day.real.values[VALUE_TCP_ESTABLISHED], 2 * N_CONNECTIONS);
        ck_assert_uint_ge(day.real.n_listeners, 1);
        ck_assert_uint_gt(day.page_bytes_max, 20000);
}
END_TEST

START_TEST(memory_is_after_a_day_what_it_was_after_an_hour)
{
        uint64_t less = MIN(day.memory_bytes[0], day.memory_bytes[1]);
        uint64_t more = MAX(day.memory_bytes[0], day.memory_bytes[1]);

        ck_assert_uint_gt(less, 0);
        ck_assert_msg(IS_SANITIZED || more - less < GROWTH_MAX, "%" PRIu64 " bytes, then %" PRIu64,
                      day.memory_bytes[0], day.memory_bytes[1]);
}
END_TEST

START_TEST(the_file_is_never_longer_than_it_may_be)
{
        struct stat status;

        ck_assert_uint_le(ring_bytes(day.ring), RING_BYTES);
        ck_assert_uint_eq(day.file_bytes_max, ring_bytes(day.ring));
        ck_assert_int_eq(stat(day.path, &status), 0);
        ck_assert_uint_le((uint64_t)status.st_blocks * 512, RING_BYTES + 64 * 1024);
}
END_TEST

START_TEST(the_newest_hours_are_read_back_whole)
{
        _cleanup_(ring_reader_closep) RingReader *reader = NULL;
        uint64_t number = 0, n_read = 0;
        const Sample *sample;
        RingFault fault;

        ck_assert_int_eq(ring_reader_open(day.path, &reader, &fault), 0);
        for (;;) {
                int r = ring_reader_next(reader, &sample);

                ck_assert_int_ge(r, 0);
                if (r == 0)
                        break;

                if (n_read++ == 0) {
                        number = sample->number;
                        ck_assert_uint_eq(ring_oldest_usec(day.ring), sample->realtime_usec);
                }
                ck_assert_uint_eq(sample->number, number++);
                ck_assert_uint_eq(sample->realtime_usec, BEGIN_USEC + (sample->number - 1) * USEC_PER_SEC);
                ck_assert_uint_eq(checksum_of(sample), day.checksums[sample->number - 1]);
        }

        ck_assert_uint_eq(number - 1, DAY_SAMPLES);
        ck_assert_uint_ge(n_read, 4 * HOUR_SAMPLES);
        ck_assert_msg(n_read < DAY_SAMPLES, "the ring was never full: the day is too dull");
}
END_TEST

int main(void) {
        Suite *suite = suite_create("day");
        TCase *evening = tcase_create("evening");

        namespace_require();

        tcase_add_unchecked_fixture(evening, day_setup, day_teardown);
        tcase_set_timeout(evening, 120);
        tcase_add_test(evening, the_day_was_one_of_sockets);
        tcase_add_test(evening, memory_is_after_a_day_what_it_was_after_an_hour);
        tcase_add_test(evening, the_file_is_never_longer_than_it_may_be);
        tcase_add_test(evening, the_newest_hours_are_read_back_whole);
        suite_add_tcase(suite, evening);

        return suite_main(suite);
}
