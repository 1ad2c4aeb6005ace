/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which sample of the ring stands for a time that somebody names
 *
 * Told apart from what reading_find() does: the times of all samples in the ring
 * are kept here, and what it may answer follows from them alone.
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/reading.h"
#include "soak/busy_host.h"
#include "store/ring.h"
#include "suite.h"

#define BEGIN_USEC    (UINT64_C(1795000000) * USEC_PER_SEC)
#define RING_BYTES    (RING_HEADER_BYTES + UINT64_C(8) * RING_SEGMENT_BYTES)
#define SAMPLES_MAX   2000
#define SET_BACK_USEC (USEC_PER_HOUR + 4 * USEC_PER_SEC) /* the same seconds are not met again */
#define INTERVAL_USEC (9 * USEC_PER_SEC)

static struct {
        char folder[40];
        char path[64];
        Ring *ring;
        RingReader *reader;
        Sample sample;
        size_t n;
        usec_t times[SAMPLES_MAX];
} fix;

static void setup(void) {
        RingFinding finding;

        strcpy(fix.folder, "/tmp/sockwatch-reading-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(fix.folder));
        (void)snprintf(fix.path, sizeof fix.path, "%s/ring", fix.folder);
        ck_assert_int_eq(ring_open(fix.path, RING_BYTES, &fix.ring, &finding), 0);
        fix.n = 0;
        busy_host_begin(&fix.sample, BEGIN_USEC, USEC_PER_HOUR);
}

static void teardown(void) {
        fix.reader = ring_reader_close(fix.reader);
        fix.ring = ring_close(fix.ring);
        (void)unlink(fix.path);
        (void)rmdir(fix.folder);
}

/* Samples one interval apart, the first one that long after @from_usec. */
static void write_samples(usec_t from_usec, size_t n) {
        for (size_t i = 0; i < n; i++) {
                busy_host_go_on(&fix.sample);
                fix.sample.realtime_usec = from_usec + (i + 1) * INTERVAL_USEC;
                ck_assert_int_eq(ring_append(fix.ring, &fix.sample), 0);
                ck_assert_uint_lt(fix.n, SAMPLES_MAX);
                fix.times[fix.n++] = fix.sample.realtime_usec;
        }
}

static usec_t newest_usec(void) {
        return fix.times[fix.n - 1];
}

static void begin_reading(void) {
        ck_assert_int_eq(reading_open(fix.path, &fix.reader), COMMAND_FINE);
}

/* Begun in that many segments, of which none was given up. */
static void check_whole(size_t n_segments_min) {
        ck_assert_uint_eq(ring_oldest_usec(fix.ring), fix.times[0]);
        ck_assert_uint_gt(fix.n * 3000, n_segments_min * RING_SEGMENT_BYTES);
}

/* Whether a sample may stand for a time: one of its second, or a little earlier. */
static bool may_stand(size_t i, usec_t at_usec) {
        return fix.times[i] + READING_GAP_USEC >= at_usec && fix.times[i] < at_usec + USEC_PER_SEC;
}

/* It is of that second, or the next one that was taken came later, or nothing is nearer. */
static bool stands(size_t i, usec_t at_usec) {
        if (fix.times[i] >= at_usec || (i + 1 < fix.n && fix.times[i + 1] > at_usec))
                return true;

        for (size_t other = 0; other < fix.n; other++)
                if (may_stand(other, at_usec) && fix.times[other] > fix.times[i])
                        return false;
        return true;
}

/* There is an answer if any sample may stand for that time, and then it is one that does. */
static void check_find(usec_t at_usec) {
        long second = (long)((at_usec - BEGIN_USEC) / USEC_PER_SEC);
        bool is_there = false;
        static Sample found;
        Reading reading = { 0 };
        size_t i;

        for (i = 0; i < fix.n; i++)
                is_there |= may_stand(i, at_usec);

        ck_assert_msg(reading_find(&reading, fix.reader, at_usec, &found) == is_there, "second %ld", second);
        ck_assert(!reading.is_damaged && !reading.is_overwritten);
        if (!is_there)
                return;

        i = found.number - 1;
        ck_assert_uint_eq(fix.times[i], found.realtime_usec);
        ck_assert_msg(may_stand(i, at_usec) && stands(i, at_usec), "second %ld: one of second %ld", second,
                      (long)((found.realtime_usec - BEGIN_USEC) / USEC_PER_SEC));
}

static void check_finds(usec_t first_usec, usec_t last_usec, usec_t step_usec) {
        for (usec_t at_usec = first_usec; at_usec <= last_usec; at_usec += step_usec)
                check_find(at_usec);
}

START_TEST(each_second_of_a_clock_that_goes_on_is_found)
{
        write_samples(BEGIN_USEC, 900);
        check_whole(5);
        begin_reading();
        check_finds(BEGIN_USEC - 20 * USEC_PER_SEC, newest_usec() + 30 * USEC_PER_SEC, 173 * USEC_PER_SEC);
        check_finds(newest_usec() - 20 * USEC_PER_SEC, newest_usec() + 30 * USEC_PER_SEC, 3 * USEC_PER_SEC);
}
END_TEST

/* An hour and a half, then that hour once more, of which the last minutes are not come to. */
START_TEST(each_second_is_found_before_and_after_the_clock_was_set_back)
{
        usec_t latest_usec;

        write_samples(BEGIN_USEC, 600);
        latest_usec = newest_usec();
        write_samples(latest_usec - SET_BACK_USEC, 300);
        check_whole(5);
        ck_assert_uint_lt(newest_usec(), latest_usec);

        begin_reading();
        check_finds(BEGIN_USEC - 20 * USEC_PER_SEC, latest_usec + 30 * USEC_PER_SEC, 173 * USEC_PER_SEC);

        /* Where it was set back to, where it was set back, and where it stands now. */
        check_finds(latest_usec - SET_BACK_USEC - 20 * USEC_PER_SEC,
                    latest_usec - SET_BACK_USEC + 20 * USEC_PER_SEC, 3 * USEC_PER_SEC);
        check_finds(latest_usec - 20 * USEC_PER_SEC, latest_usec + 20 * USEC_PER_SEC, 3 * USEC_PER_SEC);
        check_finds(newest_usec() - 20 * USEC_PER_SEC, newest_usec() + 20 * USEC_PER_SEC, 3 * USEC_PER_SEC);
}
END_TEST

START_TEST(each_second_is_found_before_and_after_the_clock_was_set_forward)
{
        write_samples(BEGIN_USEC, 300);
        write_samples(newest_usec() + SET_BACK_USEC, 300);
        check_whole(3);

        begin_reading();
        check_finds(BEGIN_USEC - 20 * USEC_PER_SEC, newest_usec() + 30 * USEC_PER_SEC, 173 * USEC_PER_SEC);
}
END_TEST

/* As a host without a clock of its own begins in 1970 and is told the time a little later. */
START_TEST(a_clock_that_was_set_back_again_and_again_hides_nothing)
{
        for (size_t i = 0; i < 12; i++)
                write_samples(BEGIN_USEC + (i % 3 == 0 ? 2 * SET_BACK_USEC : (12 - i) * 60 * USEC_PER_SEC),
                              70);
        check_whole(4);

        begin_reading();
        check_finds(BEGIN_USEC, BEGIN_USEC + 3 * SET_BACK_USEC, 211 * USEC_PER_SEC);
}
END_TEST

/* A sample is as long as the next one comes late: the last of the second is the one. */
START_TEST(of_several_in_one_second_it_is_the_last)
{
        static Sample found;
        Reading reading = { 0 };

        for (unsigned i = 0; i < 40; i++) {
                busy_host_go_on(&fix.sample);
                fix.sample.realtime_usec = BEGIN_USEC + i * (USEC_PER_SEC / 4);
                ck_assert_int_eq(ring_append(fix.ring, &fix.sample), 0);
        }

        begin_reading();
        for (unsigned i = 0; i < 10; i++) {
                ck_assert_int_eq(reading_find(&reading, fix.reader, BEGIN_USEC + i * USEC_PER_SEC, &found),
                                 1);
                ck_assert_uint_eq(found.number, i * 4 + 4);
        }
}
END_TEST

/* Each sample but the first, be it the first of its segment, has the one before it. */
static void check_all_before(void) {
        static Sample at, before;
        Reading reading = { 0 };

        for (size_t i = 0; i < fix.n; i++) {
                at.number = i + 1;
                at.realtime_usec = fix.times[i];
                ck_assert_int_eq(reading_find_before(&reading, fix.reader, &at, &before), i > 0);
                if (i > 0)
                        ck_assert_uint_eq(before.number, i);
        }
        ck_assert(!reading.is_damaged && !reading.is_overwritten);
}

START_TEST(the_sample_before_another_is_found)
{
        write_samples(BEGIN_USEC, 300);
        check_whole(1);
        begin_reading();
        check_all_before();
}
END_TEST

START_TEST(the_sample_before_another_is_found_where_the_clock_was_set_back)
{
        write_samples(BEGIN_USEC, 150);
        write_samples(BEGIN_USEC + 20 * USEC_PER_SEC, 150);
        begin_reading();
        check_all_before();
}
END_TEST

/* What is said of a time that has no sample. */
static void check_explanation(usec_t at_usec, const char *wanted) {
        char path[80], text[256] = "";
        Reading reading = { 0 };
        static Sample found;
        FILE *file;

        ck_assert_int_eq(reading_find(&reading, fix.reader, at_usec, &found), 0);
        (void)snprintf(path, sizeof path, "%s/said", fix.folder);
        ck_assert_ptr_nonnull(freopen(path, "w", stderr));
        reading_explain_range(&reading, fix.reader, &at_usec);
        (void)fflush(stderr);

        file = fopen(path, "r");
        ck_assert_ptr_nonnull(file);
        ck_assert_uint_gt(fread(text, 1, sizeof text - 1, file), 0);
        (void)fclose(file);
        (void)unlink(path);
        ck_assert_str_eq(text, wanted);
}

START_TEST(of_a_time_in_a_gap_the_gap_is_told_and_the_nearest_samples)
{
        ck_assert_int_eq(setenv("TZ", "UTC", 1), 0);
        tzset();
        write_samples(BEGIN_USEC, 2);
        write_samples(BEGIN_USEC + USEC_PER_HOUR, 2);
        begin_reading();

        check_explanation(BEGIN_USEC + USEC_PER_HOUR / 2,
                          "sockwatch: sockwatchd took no samples from 2026-11-18 11:06:59 to 2026-11-18 "
                          "12:06:48; the nearest are of 2026-11-18 11:06:58 and 2026-11-18 12:06:49\n");
        check_explanation(BEGIN_USEC - USEC_PER_HOUR,
                          "sockwatch: no sample of that time; the ring file holds 2026-11-18 11:06:49 to "
                          "2026-11-18 12:06:58\n");
        check_explanation(BEGIN_USEC + 2 * USEC_PER_HOUR,
                          "sockwatch: no sample of that time; the ring file holds 2026-11-18 11:06:49 to "
                          "2026-11-18 12:06:58\n");
}
END_TEST

int main(void) {
        Suite *suite = suite_create("reading");
        TCase *at = tcase_create("at");

        tcase_add_checked_fixture(at, setup, teardown);
        tcase_set_timeout(at, 120);
        tcase_add_test(at, each_second_of_a_clock_that_goes_on_is_found);
        tcase_add_test(at, each_second_is_found_before_and_after_the_clock_was_set_back);
        tcase_add_test(at, each_second_is_found_before_and_after_the_clock_was_set_forward);
        tcase_add_test(at, a_clock_that_was_set_back_again_and_again_hides_nothing);
        tcase_add_test(at, of_several_in_one_second_it_is_the_last);
        tcase_add_test(at, the_sample_before_another_is_found);
        tcase_add_test(at, the_sample_before_another_is_found_where_the_clock_was_set_back);
        tcase_add_test(at, of_a_time_in_a_gap_the_gap_is_told_and_the_nearest_samples);
        suite_add_tcase(suite, at);

        return suite_main(suite);
}
