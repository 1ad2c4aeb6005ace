/* SPDX-License-Identifier: Apache-2.0 */

/* Whatever happened to a file: what is read from it was written to it. Positions follow from seeds. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "store/ring_reader.h"
#include "suite.h"
#include "unit/ring_file.h"
#include "unit/samples.h"

/* Full, and come round once. */
#define N_LONG    300
#define N_LONGEST 24

#define N_FLIPS   60

static Folder folder;
static char path[PATH_MAX];
static int fd = -1;

/* The samples by their number. */
static Sample **written;
static RingRecordKind written_kind;
static uint64_t n_written;

/* Writes the first half of the samples that there may be. */
static void setup_with(RingRecordKind kind, uint64_t n) {
        folder_init(&folder);
        folder_path(&folder, "ring", path);
        ring_file_make(path, kind, n / 2);
        fd = open(path, O_RDWR | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);

        written_kind = kind;
        n_written = n;
        written = calloc(n + 1, sizeof *written);
        for (uint64_t number = 1; number <= n; number++) {
                written[number] = malloc(sizeof **written);
                ring_file_make_sample(kind, number, written[number]);
        }
}

static void setup_long(void) {
        setup_with(RING_LONG, 2 * N_LONG);
}

static void setup_longest(void) {
        setup_with(RING_LONGEST, 2 * N_LONGEST);
}

static void teardown(void) {
        for (uint64_t number = 1; number <= n_written; number++)
                free(written[number]);
        free(written);
        fd = close_fd(fd);
        folder_done(&folder);
}

static void check_sample(const Sample *sample) {
        ck_assert_uint_ge(sample->number, 1);
        ck_assert_uint_le(sample->number, n_written);
        ck_assert_msg(sample_is_same(sample, written[sample->number]), "sample %lu was never written",
                      (unsigned long)sample->number);
}

/* Reads all that can be read. Returns how many samples that was. */
static unsigned check_reading(void) {
        RingReader *reader;
        const Sample *sample;
        unsigned n_samples = 0, n_errors = 0;
        RingFault fault;
        uint64_t last = 0;
        int r;

        r = ring_reader_open(path, &reader, &fault);
        if (r == -EBADMSG)
                return 0;
        ck_assert_int_eq(r, 0);

        while ((r = ring_reader_next(reader, &sample)) != 0) {
                if (r == 1) {
                        check_sample(sample);
                        ck_assert_uint_gt(sample->number, last);
                        ck_assert_msg(last == 0 || sample->number == last + 1 || n_errors > 0,
                                      "samples between %lu and %lu were passed over in silence",
                                      (unsigned long)last, (unsigned long)sample->number);
                        last = sample->number;
                        n_samples++;
                } else {
                        ck_assert(r == -EBADMSG || r == -ESTALE);
                        ck_assert_uint_lt(++n_errors, 20);
                }
        }

        r = ring_reader_last(reader, &sample);
        ck_assert(r == 1 || r == 0 || r == -EBADMSG);
        if (r == 1)
                check_sample(sample);

        (void)ring_reader_close(reader);
        return n_samples;
}

static void flip(uint64_t bit) {
        uint8_t byte;

        ck_assert_int_eq(pread(fd, &byte, 1, (off_t)(bit / 8)), 1);
        byte ^= (uint8_t)(1 << bit % 8);
        ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)(bit / 8)), 1);
}

/* ---- bits ---- */

START_TEST(a_sound_file_is_read_in_full)
{
        unsigned n = check_reading();

        ck_assert_uint_gt(n, 60);
        ck_assert_uint_lt(n, N_LONG);
}
END_TEST

START_TEST(a_bit_that_flips_anywhere_makes_no_sample)
{
        uint64_t random = (uint64_t)_i + 1;

        for (unsigned i = 0; i < N_FLIPS; i++) {
                uint64_t bit = random_next(&random) % (RING_BYTES_MIN * 8);

                flip(bit);
                (void)check_reading();
                flip(bit);
        }
}
END_TEST

START_TEST(many_bits_that_flip_make_no_sample)
{
        uint64_t random = (uint64_t)_i + 1;

        for (unsigned i = 0; i < N_FLIPS; i++) {
                flip(random_next(&random) % (RING_BYTES_MIN * 8));
                (void)check_reading();
        }
}
END_TEST

START_TEST(any_bit_of_the_header_makes_no_sample)
{
        for (uint64_t bit = 0; bit < sizeof(RingHeader) * 8; bit++) {
                flip(bit);
                ck_assert_uint_eq(check_reading(), 0);
                flip(bit);
        }
}
END_TEST

START_TEST(any_bit_of_the_head_of_a_segment_makes_no_sample)
{
        uint64_t first = ring_file_segment((uint32_t)_i) * 8;

        for (uint64_t bit = first; bit < first + sizeof(RingSegment) * 8; bit++) {
                flip(bit);
                (void)check_reading();
                flip(bit);
        }
}
END_TEST

START_TEST(any_bit_of_the_head_of_a_record_makes_no_sample)
{
        uint64_t first = (ring_file_segment((uint32_t)_i) + sizeof(RingSegment)) * 8;

        for (uint64_t bit = first; bit < first + sizeof(RingRecord) * 8; bit++) {
                flip(bit);
                (void)check_reading();
                flip(bit);
        }
}
END_TEST

/* ---- more than bits ---- */

static void overwrite(uint64_t offset, size_t size, uint64_t *random) {
        static uint8_t noise[RING_SEGMENT_BYTES];

        for (size_t i = 0; i < size; i++)
                noise[i] = random ? (uint8_t)random_next(random) : 0;
        ck_assert_int_eq(pwrite(fd, noise, size, (off_t)offset), (ssize_t)size);
}

static void copy(uint64_t from, uint64_t to, size_t size) {
        static uint8_t bytes[RING_SEGMENT_BYTES];

        ck_assert_int_eq(pread(fd, bytes, size, (off_t)from), (ssize_t)size);
        ck_assert_int_eq(pwrite(fd, bytes, size, (off_t)to), (ssize_t)size);
}

START_TEST(a_page_that_is_lost_makes_no_sample)
{
        uint64_t random = (uint64_t)_i + 1;

        for (unsigned i = 0; i < 5; i++) {
                uint64_t page = random_next(&random) % (RING_BYTES_MIN / 4096);

                overwrite(page * 4096, 4096, i % 2 ? &random : NULL);
                (void)check_reading();
        }
}
END_TEST

START_TEST(a_page_that_stands_in_the_place_of_another_makes_no_sample)
{
        uint64_t random = (uint64_t)_i + 1;

        for (unsigned i = 0; i < 5; i++) {
                uint64_t from = random_next(&random) % (RING_BYTES_MIN / 4096);
                uint64_t to = random_next(&random) % (RING_BYTES_MIN / 4096);

                copy(from * 4096, to * 4096, 4096);
                (void)check_reading();
        }
}
END_TEST

START_TEST(a_segment_that_stands_in_the_place_of_another_makes_no_sample)
{
        for (uint32_t from = 0; from < 4; from++)
                for (uint32_t to = 0; to < 4; to++) {
                        copy(ring_file_segment(from), ring_file_segment(to), RING_SEGMENT_BYTES);
                        (void)check_reading();
                }
}
END_TEST

/* As when a disk forgot the last writes of it, and kept the others. */
START_TEST(a_segment_as_it_was_a_round_ago_is_known_as_old)
{
        static uint8_t before[RING_SEGMENT_BYTES];
        uint64_t first, last;
        Ring *ring;

        ck_assert_int_eq(pread(fd, before, sizeof before, (off_t)ring_file_segment(_i)), sizeof before);
        ring = ring_file_open(path, N_LONG);
        ring_file_append(ring, RING_LONG, N_LONG + 1, n_written);
        (void)ring_close(ring);
        (void)ring_file_check(path, RING_LONG, &first, &last);
        ck_assert_uint_gt(first, N_LONG);

        ck_assert_int_eq(pwrite(fd, before, sizeof before, (off_t)ring_file_segment(_i)), sizeof before);
        ck_assert_uint_lt(check_reading(), last + 1 - first);
}
END_TEST

START_TEST(a_segment_of_another_file_makes_no_sample)
{
        static uint8_t other[RING_SEGMENT_BYTES];
        char other_path[PATH_MAX];
        unsigned n = check_reading();

        folder_path(&folder, "other", other_path);
        ring_file_make(other_path, RING_SHORT, 2000);
        for (uint32_t i = 0; i < 4; i++) {
                unsigned n_left;

                ring_file_peek(other_path, ring_file_segment(i), other, sizeof other);
                ck_assert_int_eq(pwrite(fd, other, sizeof other, (off_t)ring_file_segment(i)), sizeof other);
                n_left = check_reading();
                ck_assert_uint_lt(n_left, n);
                n = n_left;
        }
        ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(what_stood_behind_the_end_makes_no_sample)
{
        RingSegment segment;
        uint64_t end;

        /* The newest segment: what an older generation left behind its end is whole records. */
        for (uint32_t i = 0; i < 4; i++) {
                ck_assert_int_eq(pread(fd, &segment, sizeof segment, (off_t)ring_file_segment(i)),
                                 sizeof segment);
                end = ring_file_segment(i) + sizeof segment + segment.committed_bytes;
                for (uint64_t at = ring_file_segment(i) + sizeof segment;
                     at + 2048 < end && end + 2048 < ring_file_segment(i + 1); at += 20000) {
                        copy(at, end, 2048);
                        (void)check_reading();
                }
        }
}
END_TEST

/* ---- what a writer makes of it ---- */

START_TEST(a_damaged_file_is_never_continued_into_nonsense)
{
        static uint8_t whole[RING_BYTES_MIN];
        uint64_t random = (uint64_t)_i + 1;
        RingFinding finding;
        Ring *ring;

        ck_assert_int_eq(pread(fd, whole, sizeof whole, 0), sizeof whole);
        for (unsigned i = 0; i < 10; i++) {
                uint64_t bit = random_next(&random) % (RING_BYTES_MIN * 8), first, last;

                (void)unlink(path);
                folder_write(&folder, "ring", whole, sizeof whole);
                fd = close_fd(fd);
                fd = open(path, O_RDWR | O_CLOEXEC);
                flip(bit);

                ck_assert_int_eq(ring_open(path, RING_BYTES_MIN, &ring, &finding), 0);
                if (finding.fault == RING_FAULT_NONE) {
                        /* The bit is of no meaning: it stands behind the end of a segment. */
                        ck_assert_uint_eq(finding.n_continued, N_LONG);
                        ring_file_append(ring, RING_LONG, N_LONG + 1, N_LONG + 1);
                        (void)ring_file_check(path, RING_LONG, &first, &last);
                        ck_assert_uint_eq(last, N_LONG + 1);
                } else {
                        ring_file_append(ring, RING_LONG, 1, 1);
                        ck_assert_uint_eq(ring_file_check(path, RING_LONG, &first, &last), 1);
                }
                (void)ring_close(ring);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("ring-damage");
        TCase *bits = tcase_create("bits");
        TCase *heads = tcase_create("heads");
        TCase *more = tcase_create("more");

        tcase_add_checked_fixture(bits, setup_long, teardown);
        tcase_set_timeout(bits, 300);
        tcase_add_test(bits, a_sound_file_is_read_in_full);
        tcase_add_loop_test(bits, a_bit_that_flips_anywhere_makes_no_sample, 0, 8);
        tcase_add_loop_test(bits, many_bits_that_flip_make_no_sample, 0, 2);
        tcase_add_loop_test(bits, a_damaged_file_is_never_continued_into_nonsense, 0, 4);
        suite_add_tcase(suite, bits);

        tcase_add_checked_fixture(heads, setup_longest, teardown);
        tcase_set_timeout(heads, 300);
        tcase_add_test(heads, any_bit_of_the_header_makes_no_sample);
        tcase_add_loop_test(heads, any_bit_of_the_head_of_a_segment_makes_no_sample, 0, 4);
        tcase_add_loop_test(heads, any_bit_of_the_head_of_a_record_makes_no_sample, 0, 4);
        suite_add_tcase(suite, heads);

        tcase_add_checked_fixture(more, setup_long, teardown);
        tcase_set_timeout(more, 300);
        tcase_add_loop_test(more, a_page_that_is_lost_makes_no_sample, 0, 8);
        tcase_add_loop_test(more, a_page_that_stands_in_the_place_of_another_makes_no_sample, 0, 8);
        tcase_add_test(more, a_segment_that_stands_in_the_place_of_another_makes_no_sample);
        tcase_add_loop_test(more, a_segment_as_it_was_a_round_ago_is_known_as_old, 0, 4);
        tcase_add_test(more, a_segment_of_another_file_makes_no_sample);
        tcase_add_test(more, what_stood_behind_the_end_makes_no_sample);
        suite_add_tcase(suite, more);

        return suite_main(suite);
}
