/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "store/ring_reader.h"
#include "suite.h"
#include "unit/ring_file.h"

/* Enough long records to come round the smallest file twice, and for more than two of its segments. */
#define N_WRAP 600
#define N_SOME 100

static Folder folder;
static char path[PATH_MAX];
static Sample made;

static void setup(void) {
        folder_init(&folder);
        folder_path(&folder, "ring", path);
}

static void teardown(void) {
        folder_done(&folder);
}

/* ---- opening ---- */

START_TEST(what_is_not_there_is_told)
{
        RingReader *reader = NULL;
        RingFault fault;

        ck_assert_int_eq(ring_reader_open(path, &reader, &fault), -ENOENT);
        ck_assert_int_eq(ring_reader_open(folder.path, &reader, &fault), -ENOTSUP);
        ck_assert_int_eq(ring_reader_open("/dev/null", &reader, &fault), -ENOTSUP);
        ck_assert_int_eq(mknodat(folder.fd, "fifo", S_IFIFO | 0600, 0), 0);
        folder_path(&folder, "fifo", path);
        ck_assert_int_eq(ring_reader_open(path, &reader, &fault), -ENOTSUP);
        ck_assert_ptr_null(reader);
}
END_TEST

static void check_fault(RingFault wanted) {
        RingReader *reader = NULL;
        RingFault fault = RING_FAULT_NONE;

        ck_assert_int_eq(ring_reader_open(path, &reader, &fault), -EBADMSG);
        ck_assert_int_eq(fault, wanted);
        ck_assert_ptr_null(reader);
}

START_TEST(what_is_no_ring_file_is_told)
{
        folder_write_text(&folder, "ring", "");
        check_fault(RING_FAULT_FOREIGN);
        folder_write_text(&folder, "ring", "what is this? what is this? what is this? what is this?");
        check_fault(RING_FAULT_FOREIGN);
}
END_TEST

START_TEST(a_file_of_another_version_or_length_is_told)
{
        ring_file_make(path, RING_SHORT, 5);
        ck_assert_int_eq(truncate(path, RING_BYTES_MIN - 1), 0);
        check_fault(RING_FAULT_DAMAGED);
        ring_file_patch(path, offsetof(RingHeader, version), &(uint32_t){ RING_VERSION - 1 },
                        sizeof(uint32_t));
        check_fault(RING_FAULT_VERSION);
        ck_assert_int_eq(truncate(path, 20), 0);
        check_fault(RING_FAULT_FOREIGN);
}
END_TEST

START_TEST(a_link_to_a_file_is_read)
{
        _cleanup_(ring_reader_closep) RingReader *reader = NULL;
        const Sample *sample;

        ring_file_make(path, RING_SHORT, 5);
        ck_assert_int_eq(symlinkat("ring", folder.fd, "link"), 0);
        folder_path(&folder, "link", path);
        reader = ring_file_read(path);
        ck_assert_int_eq(ring_reader_last(reader, &sample), 1);
        ck_assert_uint_eq(sample->number, 5);
}
END_TEST

/* ---- reading ---- */

START_TEST(a_file_without_samples_has_none_until_one_is_appended)
{
        Ring *ring = ring_file_open(path, 0);
        RingReader *reader = ring_file_read(path);
        const Sample *sample;

        ck_assert_int_eq(ring_reader_next(reader, &sample), 0);
        ck_assert_int_eq(ring_reader_last(reader, &sample), 0);
        ck_assert_int_eq(ring_reader_seek(reader, UINT64_MAX), 0);
        ck_assert_int_eq(ring_reader_next(reader, &sample), 0);

        ring_file_append(ring, RING_SHORT, 1, 1);
        ck_assert_int_eq(ring_reader_next(reader, &sample), 1);
        ck_assert_uint_eq(ring_file_check_sample(RING_SHORT, sample), 1);
        ck_assert_int_eq(ring_reader_next(reader, &sample), 0);

        (void)ring_reader_close(reader);
        (void)ring_close(ring);
}
END_TEST

START_TEST(a_reader_follows_a_writer)
{
        Ring *ring = ring_file_open(path, 0);
        RingReader *reader = ring_file_read(path);
        const Sample *sample;

        for (uint64_t number = 1; number <= N_WRAP; number++) {
                ring_file_append(ring, RING_LONG, number, number);
                ck_assert_int_eq(ring_reader_next(reader, &sample), 1);
                ck_assert_uint_eq(ring_file_check_sample(RING_LONG, sample), number);
                ck_assert_int_eq(ring_reader_next(reader, &sample), 0);
        }

        (void)ring_reader_close(reader);
        (void)ring_close(ring);
}
END_TEST

START_TEST(readers_do_not_mind_each_other)
{
        RingReader *one, *two;
        const Sample *sample;

        ring_file_make(path, RING_LONG, N_SOME);
        one = ring_file_read(path);
        two = ring_file_read(path);
        for (uint64_t number = 1; number <= N_SOME; number++) {
                ck_assert_int_eq(ring_reader_next(one, &sample), 1);
                ck_assert_uint_eq(sample->number, number);
                if (number % 2 == 0) {
                        ck_assert_int_eq(ring_reader_next(two, &sample), 1);
                        ck_assert_uint_eq(sample->number, number / 2);
                }
        }
        (void)ring_reader_close(one);
        (void)ring_reader_close(two);
}
END_TEST

START_TEST(a_reader_that_was_overtaken_is_told_and_goes_on)
{
        Ring *ring = ring_file_open(path, 0);
        RingReader *reader;
        const Sample *sample;
        uint64_t last;

        ring_file_append(ring, RING_LONG, 1, 5);
        reader = ring_file_read(path);
        ck_assert_int_eq(ring_reader_next(reader, &sample), 1);
        ck_assert_uint_eq(sample->number, 1);
        ring_file_append(ring, RING_LONG, 6, N_WRAP);

        /* What was copied is still told; then the gap, once; then all that is held. */
        for (last = 1; ring_reader_next(reader, &sample) == 1;)
                ck_assert_uint_eq(ring_file_check_sample(RING_LONG, sample), ++last);
        ck_assert_uint_eq(last, 5);
        ck_assert_int_eq(ring_reader_next(reader, &sample), 1);
        last = ring_file_check_sample(RING_LONG, sample);
        ck_assert_uint_eq(sample->realtime_usec, ring_oldest_usec(ring));
        while (ring_reader_next(reader, &sample) == 1)
                ck_assert_uint_eq(ring_file_check_sample(RING_LONG, sample), ++last);
        ck_assert_uint_eq(last, N_WRAP);

        (void)ring_reader_close(reader);
        (void)ring_close(ring);
}
END_TEST

START_TEST(a_reader_of_a_file_without_samples_is_overtaken_too)
{
        Ring *ring = ring_file_open(path, 0);
        RingReader *reader = ring_file_read(path);
        const Sample *sample;

        ring_file_append(ring, RING_LONG, 1, N_WRAP);
        ck_assert_int_eq(ring_reader_next(reader, &sample), -ESTALE);
        ck_assert_int_eq(ring_reader_next(reader, &sample), 1);
        ck_assert_uint_eq(sample->realtime_usec, ring_oldest_usec(ring));

        (void)ring_reader_close(reader);
        (void)ring_close(ring);
}
END_TEST

START_TEST(a_segment_with_a_damaged_head_is_told_once_and_passed_over)
{
        RingReader *reader;
        const Sample *sample;
        uint64_t last = 0;
        unsigned n_told = 0;
        int r;

        ring_file_make(path, RING_LONG, N_SOME);
        ring_file_patch(path, ring_file_segment(2) + offsetof(RingSegment, first_number), "\xff", 1);
        reader = ring_file_read(path);
        while ((r = ring_reader_next(reader, &sample)) != 0) {
                ck_assert(r == 1 || r == -EBADMSG);
                n_told += r == -EBADMSG;
                if (r == 1) {
                        ck_assert(sample->number == last + 1 || n_told == 1);
                        last = ring_file_check_sample(RING_LONG, sample);
                }
        }
        ck_assert_uint_ge(n_told, 1);
        ck_assert_uint_eq(last, N_SOME);
        (void)ring_reader_close(reader);
}
END_TEST

START_TEST(a_damaged_record_is_told_once_and_the_rest_of_its_segment_passed_over)
{
        RingReader *reader;
        const Sample *sample;
        uint64_t last = 0;
        unsigned n_told = 0;
        int r;

        ring_file_make(path, RING_LONG, N_SOME);
        ring_file_patch(path, ring_file_segment(2) + 100000, "damage", 6);
        reader = ring_file_read(path);
        while ((r = ring_reader_next(reader, &sample)) != 0) {
                ck_assert(r == 1 || r == -EBADMSG);
                n_told += r == -EBADMSG;
                if (r == 1) {
                        ck_assert(sample->number == last + 1 || n_told == 1);
                        last = ring_file_check_sample(RING_LONG, sample);
                }
        }
        ck_assert_uint_eq(n_told, 1);
        ck_assert_uint_eq(last, N_SOME);
        (void)ring_reader_close(reader);
}
END_TEST

START_TEST(a_file_that_was_removed_is_read_to_its_end)
{
        RingReader *reader;
        const Sample *sample;

        ring_file_make(path, RING_LONG, N_SOME);
        reader = ring_file_read(path);
        ck_assert_int_eq(unlink(path), 0);
        for (uint64_t number = 1; number <= N_SOME; number++) {
                ck_assert_int_eq(ring_reader_next(reader, &sample), 1);
                ck_assert_uint_eq(ring_file_check_sample(RING_LONG, sample), number);
        }
        ck_assert_int_eq(ring_reader_next(reader, &sample), 0);
        (void)ring_reader_close(reader);
}
END_TEST

/* Reads on, whatever it is told, and must come to an end. */
static void check_comes_to_an_end(RingReader *reader) {
        const Sample *sample;
        unsigned n_errors = 0;
        int r;

        while ((r = ring_reader_next(reader, &sample)) != 0) {
                if (r == 1)
                        (void)ring_file_check_sample(RING_LONG, sample);
                else
                        n_errors++;
                ck_assert_uint_lt(n_errors, 20);
        }
}

START_TEST(a_file_cut_short_at_any_place_comes_to_an_end)
{
        off_t size = (off_t)RING_HEADER_BYTES + _i * (off_t)RING_SEGMENT_BYTES / 2;
        Ring *ring = ring_file_open(path, 0);
        RingReader *overtaken, *half, *at_end;
        const Sample *sample;

        ring_file_append(ring, RING_LONG, 1, 5);
        overtaken = ring_file_read(path);
        ck_assert_int_eq(ring_reader_next(overtaken, &sample), 1);
        ring_file_append(ring, RING_LONG, 6, N_WRAP);
        half = ring_file_read(path);
        at_end = ring_file_read(path);
        for (unsigned i = 0; i < N_SOME / 2; i++)
                ck_assert_int_eq(ring_reader_next(half, &sample), 1);
        ck_assert_int_eq(ring_reader_last(at_end, &sample), 1);
        (void)ring_close(ring);

        ck_assert_int_eq(truncate(path, size), 0);
        check_comes_to_an_end(overtaken);
        check_comes_to_an_end(half);
        check_comes_to_an_end(at_end);
        ck_assert_int_eq(ring_reader_seek(half, 0), 0);
        check_comes_to_an_end(half);
        ck_assert_int_eq(ring_reader_seek(half, UINT64_MAX), 0);
        check_comes_to_an_end(half);
        ck_assert_int_le(ring_reader_last(half, &sample), 1);

        (void)ring_reader_close(overtaken);
        (void)ring_reader_close(half);
        (void)ring_reader_close(at_end);
}
END_TEST

/* ---- going to a time ---- */

START_TEST(a_time_is_found_by_going_on_from_its_segment)
{
        RingReader *reader;
        const Sample *sample;
        uint64_t first, last;
        unsigned n_read = 0;

        ring_file_make(path, RING_LONG, N_WRAP);
        (void)ring_file_check(path, RING_LONG, &first, &last);
        reader = ring_file_read(path);
        for (uint64_t number = last; number >= first; number--) {
                ck_assert_int_eq(ring_reader_seek(reader, ring_file_usec(number)), 0);
                do {
                        ck_assert_int_eq(ring_reader_next(reader, &sample), 1);
                        ck_assert_uint_le(sample->number, number);
                        n_read++;
                } while (sample->realtime_usec < ring_file_usec(number));
                ck_assert_uint_eq(sample->number, number);
        }
        /* On average half a segment was read in vain, not half the file. */
        ck_assert_uint_lt(n_read, (last + 1 - first) * (last + 1 - first) / 4);
        (void)ring_reader_close(reader);
}
END_TEST

START_TEST(times_outside_lead_to_the_oldest_and_the_newest)
{
        RingReader *reader;
        const Sample *sample;
        uint64_t first, last;

        ring_file_make(path, RING_LONG, N_WRAP);
        (void)ring_file_check(path, RING_LONG, &first, &last);
        reader = ring_file_read(path);

        ck_assert_int_eq(ring_reader_seek(reader, UINT64_MAX), 0);
        ck_assert_int_eq(ring_reader_next(reader, &sample), 1);
        ck_assert_uint_gt(sample->number, last - N_SOME / 2);
        while (ring_reader_next(reader, &sample) == 1)
                last = sample->number;
        ck_assert_uint_eq(last, N_WRAP);

        ck_assert_int_eq(ring_reader_seek(reader, 0), 0);
        ck_assert_int_eq(ring_reader_next(reader, &sample), 1);
        ck_assert_uint_eq(sample->number, first);
        ck_assert_int_eq(ring_reader_seek(reader, ring_file_usec(1)), 0);
        ck_assert_int_eq(ring_reader_next(reader, &sample), 1);
        ck_assert_uint_eq(sample->number, first);
        (void)ring_reader_close(reader);
}
END_TEST

START_TEST(the_last_sample_is_found_at_once)
{
        Ring *ring = ring_file_open(path, 0);
        RingReader *reader = ring_file_read(path);
        const Sample *sample;

        for (uint64_t number = 1; number <= 100; number++) {
                ring_file_append(ring, RING_LONG, number, number);
                ck_assert_int_eq(ring_reader_last(reader, &sample), 1);
                ck_assert_uint_eq(ring_file_check_sample(RING_LONG, sample), number);
        }
        ck_assert_int_eq(ring_reader_next(reader, &sample), 0);
        ring_file_append(ring, RING_LONG, 101, 101);
        ck_assert_int_eq(ring_reader_next(reader, &sample), 1);
        ck_assert_uint_eq(sample->number, 101);

        (void)ring_reader_close(reader);
        (void)ring_close(ring);
}
END_TEST

START_TEST(damage_in_front_of_the_last_sample_is_passed_over)
{
        RingReader *reader;
        const Sample *sample;
        uint64_t zero = 0, generation, last = 0;

        /* The newest segment has only a header: what it was begun for was never committed. */
        for (Ring *ring = ring_file_open(path, 0);; last++) {
                ring_file_append(ring, RING_LONGEST, last + 1, last + 1);
                ring_file_peek(path, ring_file_segment(2), &generation, sizeof generation);
                if (generation > 0) {
                        (void)ring_close(ring);
                        break;
                }
        }
        ring_file_patch(path, ring_file_segment(2) + sizeof(RingSegment), &zero, sizeof zero);
        ring_file_patch(path, ring_file_segment(2) + offsetof(RingSegment, committed_bytes), &zero,
                        sizeof zero);
        reader = ring_file_read(path);
        ck_assert_int_eq(ring_reader_last(reader, &sample), 1);
        ck_assert_uint_eq(sample->number, last);
        (void)ring_reader_close(reader);
}
END_TEST

/* ---- while it is written ---- */

/* Called before each pread(2). */
static void (*before_pread)(void);

ssize_t __real_pread64(int fd, void *buffer, size_t size, off_t offset);
ssize_t __wrap_pread64(int fd, void *buffer, size_t size, off_t offset);
ssize_t __wrap_pread64(int fd, void *buffer, size_t size, off_t offset) {
        if (before_pread)
                before_pread();
        return __real_pread64(fd, buffer, size, offset);
}

static Ring *writer;
static uint64_t n_appended;
static unsigned n_preads;
static unsigned append_at; /* counted from 1 */
static unsigned n_to_append;

static void append_between(void) {
        if (++n_preads != append_at)
                return;
        for (unsigned i = 0; i < n_to_append; i++) {
                ring_file_make_sample(RING_LONGEST, ++n_appended, &made);
                ck_assert_int_eq(ring_append(writer, &made), 0);
        }
}

/* A writer that appends between any two looks of the reader: nothing is missed unless it is told. */
START_TEST(nothing_is_missed_in_silence_while_it_is_written)
{
        n_to_append = 2 * (unsigned)_i + 1;
        for (append_at = 1; append_at < 40; append_at++) {
                RingReader *reader;
                const Sample *sample;
                uint64_t last = 0;
                bool is_told = false;
                int r;

                n_appended = 0;
                writer = ring_file_open(path, 0);
                ring_file_append(writer, RING_LONGEST, 1, 5);
                n_appended = 5;
                reader = ring_file_read(path);

                n_preads = 0;
                before_pread = append_between;
                for (unsigned i = 0; i < 40; i++) {
                        r = ring_reader_next(reader, &sample);
                        ck_assert(r == 1 || r == 0 || r == -ESTALE);
                        is_told |= r == -ESTALE;
                        if (r != 1)
                                continue;
                        ck_assert_msg(sample->number == last + 1 || (is_told && sample->number > last),
                                      "%lu follows %lu, with %u more at look %u",
                                      (unsigned long)sample->number, (unsigned long)last, n_to_append,
                                      append_at);
                        last = ring_file_check_sample(RING_LONGEST, sample);
                        is_told = false;
                }
                before_pread = NULL;
                ck_assert_uint_eq(last, n_appended);

                (void)ring_reader_close(reader);
                (void)ring_close(writer);
                ck_assert_int_eq(unlink(path), 0);
        }
}
END_TEST

#define N_LIVE 3000

START_TEST(a_writer_in_another_process_is_followed)
{
        RingReader *reader;
        const Sample *sample;
        uint64_t last = 0;
        _Atomic uint64_t committed = 0;
        bool is_told = false;
        int status;
        pid_t child;

        ring_file_make(path, RING_LONG, 1);
        reader = ring_file_read(path);
        child = fork();
        if (child == 0)
                ring_file_write(path, RING_LONG, 1, N_LIVE, &committed);

        while (last < N_LIVE) {
                int r = ring_reader_next(reader, &sample);

                ck_assert(r == 1 || r == 0 || r == -ESTALE);
                is_told |= r == -ESTALE;
                if (r != 1)
                        continue;
                ck_assert(sample->number == last + 1 || (is_told && sample->number > last));
                last = ring_file_check_sample(RING_LONG, sample);
                is_told = false;
        }
        ck_assert_int_eq(ring_reader_next(reader, &sample), 0);

        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, 0);
        (void)ring_reader_close(reader);
}
END_TEST

/* ---- what is half-written ---- */

typedef struct HalfCase {
        const char *what;
        size_t kept;   /* bytes of the last record that are there */
        uint8_t after; /* what stands in the place of the rest */
} HalfCase;

static const HalfCase halves[] = {
        { "nothing but its size", 4, 0 },
        { "its head alone", 8, 0 },
        { "its head, and what was there before", 8, 0x5a },
        { "all but its end", 600, 0 },
        { "all but its end, and what was there before", 600, 0xff },
        { "what was there before", 0, 0x77 },
        { "nothing", 0, 0 },
};

/* The last record was not counted in committed_bytes, so its writer died before it was done. */
START_TEST(a_record_that_is_half_there_is_no_sample)
{
        const HalfCase *half = &halves[_i];
        uint8_t rest[4096];
        uint64_t before, after, first, last;
        Ring *ring;

        ring = ring_file_open(path, 0);
        ring_file_append(ring, RING_SHORT, 1, 9);
        ring_file_peek(path, ring_file_segment(1) + offsetof(RingSegment, committed_bytes), &before, 8);
        ring_file_append(ring, RING_SHORT, 10, 10);
        ring_file_peek(path, ring_file_segment(1) + offsetof(RingSegment, committed_bytes), &after, 8);
        (void)ring_close(ring);
        ck_assert_uint_gt(after - before, 640);

        memset(rest, half->after, sizeof rest);
        ring_file_patch(path, ring_file_segment(1) + sizeof(RingSegment) + before + half->kept, rest,
                        after - before - half->kept + 8);
        ring_file_patch(path, ring_file_segment(1) + offsetof(RingSegment, committed_bytes), &before, 8);
        ck_assert_msg(ring_file_check(path, RING_SHORT, &first, &last) == 9, "%s", half->what);

        /* And it is written over. */
        ring = ring_file_open(path, 9);
        ring_file_append(ring, RING_SHORT, 10, 12);
        (void)ring_close(ring);
        ck_assert_uint_eq(ring_file_check(path, RING_SHORT, &first, &last), 12);
}
END_TEST

START_TEST(a_record_that_is_there_and_not_counted_is_a_sample)
{
        uint64_t zero = 0, first, last;

        ring_file_make(path, RING_SHORT, 10);
        ring_file_patch(path, ring_file_segment(1) + offsetof(RingSegment, committed_bytes), &zero, 8);
        ck_assert_uint_eq(ring_file_check(path, RING_SHORT, &first, &last), 10);
        (void)ring_close(ring_file_open(path, 10));
}
END_TEST

#ifndef TEST_WITHOUT_ASSERTS
START_TEST(reading_without_a_reader_is_a_bug)
{
        const Sample *sample;

        (void)!ring_reader_next(NULL, &sample);
}
END_TEST
#endif

int main(void) {
        Suite *suite = suite_create("ring-reader");
        TCase *opening = tcase_create("opening");
        TCase *reading = tcase_create("reading");
        TCase *times = tcase_create("times");
        TCase *live = tcase_create("live");
        TCase *halfway = tcase_create("halfway");

        tcase_add_checked_fixture(opening, setup, teardown);
        tcase_add_test(opening, what_is_not_there_is_told);
        tcase_add_test(opening, what_is_no_ring_file_is_told);
        tcase_add_test(opening, a_file_of_another_version_or_length_is_told);
        tcase_add_test(opening, a_link_to_a_file_is_read);
        suite_add_tcase(suite, opening);

        tcase_add_checked_fixture(reading, setup, teardown);
        tcase_set_timeout(reading, 120);
        tcase_add_test(reading, a_file_without_samples_has_none_until_one_is_appended);
        tcase_add_test(reading, a_reader_follows_a_writer);
        tcase_add_test(reading, readers_do_not_mind_each_other);
        tcase_add_test(reading, a_reader_that_was_overtaken_is_told_and_goes_on);
        tcase_add_test(reading, a_reader_of_a_file_without_samples_is_overtaken_too);
        tcase_add_test(reading, a_segment_with_a_damaged_head_is_told_once_and_passed_over);
        tcase_add_test(reading, a_damaged_record_is_told_once_and_the_rest_of_its_segment_passed_over);
        tcase_add_test(reading, a_file_that_was_removed_is_read_to_its_end);
        tcase_add_loop_test(reading, a_file_cut_short_at_any_place_comes_to_an_end, 0, 8);
        suite_add_tcase(suite, reading);

        tcase_add_checked_fixture(times, setup, teardown);
        tcase_set_timeout(times, 120);
        tcase_add_test(times, a_time_is_found_by_going_on_from_its_segment);
        tcase_add_test(times, times_outside_lead_to_the_oldest_and_the_newest);
        tcase_add_test(times, the_last_sample_is_found_at_once);
        tcase_add_test(times, damage_in_front_of_the_last_sample_is_passed_over);
        suite_add_tcase(suite, times);

        tcase_add_checked_fixture(live, setup, teardown);
        tcase_set_timeout(live, 240);
        tcase_add_loop_test(live, nothing_is_missed_in_silence_while_it_is_written, 0, 12);
        tcase_add_test(live, a_writer_in_another_process_is_followed);
        suite_add_tcase(suite, live);

        tcase_add_checked_fixture(halfway, setup, teardown);
        tcase_add_loop_test(halfway, a_record_that_is_half_there_is_no_sample, 0, ELEMENTSOF(halves));
        tcase_add_test(halfway, a_record_that_is_there_and_not_counted_is_a_sample);
        suite_add_tcase(suite, halfway);

#ifndef TEST_WITHOUT_ASSERTS
        TCase *contract = tcase_create("contract");

        tcase_add_test_raise_signal(contract, reading_without_a_reader_is_a_bug, SIGABRT);
        suite_add_tcase(suite, contract);
#endif

        return suite_main(suite);
}
