/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/file.h"
#include "store/ring.h"
#include "suite.h"
#include "unit/ring_file.h"
#include "unit/samples.h"

/* Enough long records to come round the smallest file twice. */
#define N_WRAP 600

static Folder folder;
static char path[PATH_MAX];
static Sample sample;

static void setup(void) {
        folder_init(&folder);
        folder_path(&folder, "ring", path);
}

static void teardown(void) {
        folder_done(&folder);
}

static void check_numbers(RingRecordKind kind, uint64_t first, uint64_t last) {
        uint64_t got_first = 0, got_last = 0;

        (void)ring_file_check(path, kind, &got_first, &got_last);
        ck_assert_uint_eq(got_first, first);
        ck_assert_uint_eq(got_last, last);
}

static int append_one(Ring *ring, uint64_t number) {
        ring_file_make_sample(RING_SHORT, number, &sample);
        return ring_append(ring, &sample);
}

/* ---- appending ---- */

START_TEST(a_new_file_is_empty)
{
        Ring *ring = ring_file_open(path, 0);
        struct stat status;
        uint64_t first, last;

        ck_assert_uint_eq(ring_bytes(ring), RING_BYTES_MIN);
        ck_assert_uint_eq(ring_oldest_usec(ring), 0);
        ck_assert_int_eq(stat(path, &status), 0);
        ck_assert_uint_eq((uint64_t)status.st_size, RING_BYTES_MIN);
        ck_assert_uint_ge((uint64_t)status.st_blocks * 512, RING_BYTES_MIN);
        ck_assert_uint_eq(status.st_mode & 0137, 0);
        ck_assert_uint_eq(ring_file_check(path, RING_SHORT, &first, &last), 0);
        (void)ring_close(ring);
}
END_TEST

START_TEST(a_size_is_rounded_down_to_whole_segments)
{
        RingFinding finding;
        Ring *ring;

        ck_assert_int_eq(ring_open(path, RING_BYTES_MIN + RING_SEGMENT_BYTES - 1, &ring, &finding), 0);
        ck_assert_uint_eq(ring_bytes(ring), RING_BYTES_MIN);
        (void)ring_close(ring);

        /* And so is the same size found again. */
        ck_assert_int_eq(ring_open(path, RING_BYTES_MIN + 1, &ring, &finding), 0);
        ck_assert_int_eq(finding.fault, RING_FAULT_NONE);
        (void)ring_close(ring);
}
END_TEST

static const RingRecordKind kinds[] = { RING_SHORT, RING_LONG, RING_LONGEST };

START_TEST(what_is_appended_is_read_back)
{
        ring_file_make(path, kinds[_i], 3);
        check_numbers(kinds[_i], 1, 3);
}
END_TEST

START_TEST(a_full_file_keeps_the_newest)
{
        uint64_t first, last, n;
        Ring *ring = ring_file_open(path, 0);

        ring_file_append(ring, RING_LONG, 1, N_WRAP);
        n = ring_file_check(path, RING_LONG, &first, &last);
        ck_assert_uint_eq(last, N_WRAP);
        ck_assert_uint_gt(first, 1);
        ck_assert_uint_gt(n, 60);
        ck_assert_uint_eq(ring_oldest_usec(ring), ring_file_usec(first));
        (void)ring_close(ring);
}
END_TEST

START_TEST(of_the_longest_samples_one_a_segment_is_kept_at_least)
{
        uint64_t first, last;

        ring_file_make(path, RING_LONGEST, 50);
        ck_assert_uint_ge(ring_file_check(path, RING_LONGEST, &first, &last), 4);
        ck_assert_uint_eq(last, 50);
}
END_TEST

START_TEST(a_file_is_continued_with_the_next_number)
{
        uint64_t last = 0;

        /* Every place that a file may be left at: within a segment, at its end, after it came round. */
        for (unsigned i = 0; i < 80; i++) {
                Ring *ring = ring_file_open(path, last);

                ring_file_append(ring, RING_LONG, last + 1, last + 7);
                last += 7;
                (void)ring_close(ring);
        }

        ck_assert_uint_gt(last, 500);
        check_numbers(RING_LONG, last + 1 - ring_file_check(path, RING_LONG, &last, &last), last);
}
END_TEST

START_TEST(a_file_without_samples_is_continued)
{
        (void)ring_close(ring_file_open(path, 0));
        (void)ring_close(ring_file_open(path, 0));
        ring_file_make(path, RING_SHORT, 1);
        check_numbers(RING_SHORT, 1, 1);
}
END_TEST

START_TEST(the_oldest_sample_is_known_after_a_restart)
{
        uint64_t first, last;
        Ring *ring;

        ring_file_make(path, RING_LONG, N_WRAP);
        (void)ring_file_check(path, RING_LONG, &first, &last);
        ring = ring_file_open(path, N_WRAP);
        ck_assert_uint_eq(ring_oldest_usec(ring), ring_file_usec(first));
        (void)ring_close(ring);
}
END_TEST

START_TEST(a_flipped_bit_is_not_told_as_the_time_of_the_oldest_sample)
{
        uint32_t oldest_index = 0;
        uint64_t first, last;
        RingSegment segment;
        Ring *ring;

        ring = ring_file_open(path, 0);
        ring_file_append(ring, RING_LONG, 1, N_WRAP);
        (void)ring_file_check(path, RING_LONG, &first, &last);
        for (uint32_t i = 0; i < RING_SEGMENTS_MIN; i++) {
                ring_file_peek(path, ring_file_segment(i), &segment, sizeof segment);
                if (segment.first_number == first)
                        oldest_index = i;
        }

        ring_file_peek(path, ring_file_segment(oldest_index), &segment, sizeof segment);
        ck_assert_uint_eq(ring_oldest_usec(ring), segment.first_usec);
        segment.first_usec ^= UINT64_C(1) << 40;
        ring_file_patch(path, ring_file_segment(oldest_index), &segment, sizeof segment);
        ck_assert_uint_gt(ring_oldest_usec(ring), ring_file_usec(first));
        ck_assert_uint_lt(ring_oldest_usec(ring), ring_file_usec(last));
        (void)ring_close(ring);
}
END_TEST

START_TEST(a_flipped_bit_that_hides_the_newest_segment_is_noticed)
{
        const uint64_t nothing = 0;
        RingFinding finding;
        Ring *ring;

        /* The first generation, 1, is one bit away from 0. */
        ring_file_make(path, RING_SHORT, 3);
        ring_file_patch(path, ring_file_segment(1), &nothing, sizeof nothing);
        ck_assert_int_eq(ring_open(path, RING_BYTES_MIN, &ring, &finding), 0);
        ck_assert_int_eq(finding.fault, RING_FAULT_DAMAGED);
        (void)ring_close(ring);
}
END_TEST

/* The format says so; and a file that tells nothing of what was there before compares and compresses better.
 */
START_TEST(between_records_there_are_zeros)
{
        static uint8_t segment[RING_SEGMENT_BYTES];

        ring_file_make(path, RING_LONG, N_WRAP);
        for (uint32_t i = 0; i < 4; i++) {
                RingRecord record;
                uint64_t committed;

                ring_file_peek(path, ring_file_segment(i), segment, sizeof segment);
                memcpy(&committed, segment + offsetof(RingSegment, committed_bytes), sizeof committed);
                for (size_t at = sizeof(RingSegment); at < sizeof(RingSegment) + committed;) {
                        memcpy(&record, segment + at, sizeof record);
                        for (size_t gap = sizeof record + record.size; gap < RING_RECORD_BYTES(record.size);
                             gap++)
                                ck_assert_uint_eq(segment[at + gap], 0);
                        at += RING_RECORD_BYTES(record.size);
                }
        }
}
END_TEST

START_TEST(no_descriptor_is_left_open)
{
        int before = dup(0);
        RingFinding finding;
        Ring *ring;

        (void)close(before);
        ring_file_make(path, RING_SHORT, 1);
        ring_file_patch(path, 0, "x", 1);
        ck_assert_int_eq(ring_open(path, RING_BYTES_MIN, &ring, &finding), 0);
        (void)ring_close(ring);
        ck_assert_int_eq(ring_open("/dev/null", RING_BYTES_MIN, &ring, &finding), -ENOTSUP);
        ck_assert_int_eq(dup(0), before);
        (void)close(before);
}
END_TEST

/* ---- an hour ---- */

START_TEST(an_hour_of_a_host_with_50_listeners_fits_16_mib)
{
        uint64_t random = 1, again = 1;
        Sample *host = calloc(1, sizeof *host);
        RingFinding finding;
        RingReader *reader;
        const Sample *got;
        Ring *ring;

        ck_assert_int_eq(ring_open(path, 16 << 20, &ring, &finding), 0);
        for (unsigned i = 0; i < 3600; i++) {
                sample_step(host, 50, &random);
                ck_assert_int_eq(ring_append(ring, host), 0);
        }

        memset(host, 0, sizeof *host);
        reader = ring_file_read(path);
        for (unsigned i = 1; i <= 3600; i++) {
                sample_step(host, 50, &again);
                host->number = i;
                ck_assert_int_eq(ring_reader_next(reader, &got), 1);
                ck_assert(sample_is_same(host, got));
        }
        ck_assert_int_eq(ring_reader_next(reader, &got), 0);

        (void)ring_reader_close(reader);
        (void)ring_close(ring);
        free(host);
}
END_TEST

/* ---- who may not be there ---- */

START_TEST(there_is_one_writer)
{
        Ring *ring = ring_file_open(path, 0), *second = NULL;
        RingFinding finding;

        ck_assert_int_eq(ring_open(path, RING_BYTES_MIN, &second, &finding), -EBUSY);
        ck_assert_ptr_null(second);
        ring_file_append(ring, RING_SHORT, 1, 5);
        ck_assert_int_eq(ring_open(path, 2 * RING_BYTES_MIN, &second, &finding), -EBUSY);
        (void)ring_close(ring);
        (void)ring_close(ring_file_open(path, 5));
}
END_TEST

START_TEST(only_a_regular_file_is_written)
{
        RingFinding finding;
        Ring *ring = NULL;

        ring_file_make(path, RING_SHORT, 1);
        ck_assert_int_eq(symlinkat("ring", folder.fd, "link"), 0);
        ck_assert_int_eq(symlinkat("nowhere", folder.fd, "dangling"), 0);
        ck_assert_int_eq(mkdirat(folder.fd, "folder", 0755), 0);
        ck_assert_int_eq(mknodat(folder.fd, "fifo", S_IFIFO | 0600, 0), 0);

        for (unsigned i = 0; i < 4; i++) {
                static const char *const names[] = { "link", "dangling", "folder", "fifo" };

                folder_path(&folder, names[i], path);
                ck_assert_int_eq(ring_open(path, RING_BYTES_MIN, &ring, &finding), -ENOTSUP);
        }
        ck_assert_int_eq(ring_open("/dev/null", RING_BYTES_MIN, &ring, &finding), -ENOTSUP);
        ck_assert_ptr_null(ring);
}
END_TEST

START_TEST(a_path_that_cannot_be_is_told)
{
        RingFinding finding;
        Ring *ring = NULL;
        char long_path[RING_PATH_MAX + 1];

        folder_path(&folder, "nowhere/ring", path);
        ck_assert_int_eq(ring_open(path, RING_BYTES_MIN, &ring, &finding), -ENOENT);

        memset(long_path, 'x', sizeof long_path);
        long_path[RING_PATH_MAX] = '\0';
        ck_assert_int_eq(ring_open(long_path, RING_BYTES_MIN, &ring, &finding), -ENAMETOOLONG);
        ck_assert_ptr_null(ring);
}
END_TEST

START_TEST(a_disk_without_room_is_told_and_left_clean)
{
        struct rlimit limit = { .rlim_cur = RING_BYTES_MIN / 2, .rlim_max = RLIM_INFINITY };
        RingFinding finding;
        Ring *ring = NULL;

        ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        ck_assert_int_eq(ring_open(path, RING_BYTES_MIN, &ring, &finding), -EFBIG);
        ck_assert_ptr_null(ring);
        ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

/* ---- files that are not continued ---- */

typedef struct FaultCase {
        const char *what;
        uint64_t offset;
        uint8_t byte; /* is xored */
        RingFault fault;
} FaultCase;

#define SEGMENT_1 (RING_HEADER_BYTES + RING_SEGMENT_BYTES) /* holds the first generation */

static const FaultCase fault_cases[] = {
        { "magic", 0, 1, RING_FAULT_FOREIGN },
        { "version", offsetof(RingHeader, version), RING_VERSION ^ (RING_VERSION - 1), RING_FAULT_VERSION },
        { "byte order", offsetof(RingHeader, byte_order), 5, RING_FAULT_VERSION },
        { "number of segments", offsetof(RingHeader, n_segments), 1, RING_FAULT_DAMAGED },
        { "file id", offsetof(RingHeader, file_id), 1, RING_FAULT_DAMAGED },
        { "header's checksum", offsetof(RingHeader, checksum), 1, RING_FAULT_DAMAGED },
        { "generation", SEGMENT_1 + offsetof(RingSegment, generation), 4, RING_FAULT_DAMAGED },
        { "first number", SEGMENT_1 + offsetof(RingSegment, first_number), 1, RING_FAULT_DAMAGED },
        { "segment's checksum", SEGMENT_1 + offsetof(RingSegment, checksum), 1, RING_FAULT_DAMAGED },
        /* 256 KiB more than there are. */
        { "committed bytes", SEGMENT_1 + offsetof(RingSegment, committed_bytes) + 2, 4, RING_FAULT_DAMAGED },
        { "record's size", SEGMENT_1 + sizeof(RingSegment), 1, RING_FAULT_DAMAGED },
        { "record's checksum", SEGMENT_1 + sizeof(RingSegment) + 4, 1, RING_FAULT_DAMAGED },
        { "record", SEGMENT_1 + sizeof(RingSegment) + sizeof(RingRecord) + 100, 1, RING_FAULT_DAMAGED },
        { "record in the middle", SEGMENT_1 + 20000, 1, RING_FAULT_DAMAGED },
};

/* Opens what has a fault: it is set aside as it was, and a new file is begun. */
static void check_set_aside(uint64_t bytes, RingFault fault, const char *name) {
        _cleanup_(freep) char *before = NULL, *after = NULL;
        struct stat status;
        RingFinding finding;
        char aside[PATH_MAX];
        Ring *ring;

        ck_assert_int_eq(stat(path, &status), 0);
        before = malloc((size_t)status.st_size + 1);
        after = malloc((size_t)status.st_size + 1);
        ring_file_peek(path, 0, before, (size_t)status.st_size);

        ck_assert_int_eq(ring_open(path, bytes, &ring, &finding), 0);
        ck_assert_int_eq(finding.fault, fault);
        ck_assert_uint_eq(finding.n_continued, 0);
        folder_path(&folder, name, aside);
        ck_assert_str_eq(finding.set_aside, aside);
        ring_file_peek(aside, 0, after, (size_t)status.st_size);
        ck_assert_mem_eq(before, after, (size_t)status.st_size);

        ring_file_append(ring, RING_SHORT, 1, 2);
        (void)ring_close(ring);
        check_numbers(RING_SHORT, 1, 2);
}

START_TEST(a_file_with_a_fault_is_set_aside)
{
        const FaultCase *faulty = &fault_cases[_i];
        uint8_t byte;

        ring_file_make(path, RING_SHORT, 50);
        ring_file_peek(path, faulty->offset, &byte, 1);
        byte ^= faulty->byte;
        ring_file_patch(path, faulty->offset, &byte, 1);
        check_set_aside(RING_BYTES_MIN, faulty->fault, "ring.set-aside");
}
END_TEST

START_TEST(what_is_no_ring_file_is_set_aside)
{
        folder_write_text(&folder, "ring", "");
        check_set_aside(RING_BYTES_MIN, RING_FAULT_FOREIGN, "ring.set-aside");
        folder_write_text(&folder, "ring", "sockwatch ring\n");
        check_set_aside(RING_BYTES_MIN, RING_FAULT_FOREIGN, "ring.set-aside-2");
        folder_write_text(&folder, "ring", "");
        ck_assert_int_eq(truncate(path, RING_BYTES_MIN), 0);
        check_set_aside(RING_BYTES_MIN, RING_FAULT_FOREIGN, "ring.set-aside-3");
}
END_TEST

START_TEST(a_file_of_something_else_is_left_as_it_is)
{
        static const char *const texts[] = { "a", "root:x:0:0:root:/root:/bin/bash\n", "sockwatch rin_" };
        RingFinding finding;
        Ring *ring = NULL;
        char text[64];
        size_t length;

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                folder_write_text(&folder, "ring", texts[i]);
                ck_assert_int_eq(ring_open(path, RING_BYTES_MIN, &ring, &finding), -EMEDIUMTYPE);
                ck_assert_ptr_null(ring);
                ck_assert_str_eq(finding.set_aside, "");
                ck_assert_int_eq(file_read_at(folder.fd, "ring", text, sizeof text, &length), 0);
                ck_assert_str_eq(text, texts[i]);
        }
}
END_TEST

START_TEST(a_file_of_another_size_is_set_aside)
{
        ring_file_make(path, RING_SHORT, 50);
        check_set_aside(RING_BYTES_MIN + RING_SEGMENT_BYTES, RING_FAULT_SIZE, "ring.set-aside");
}
END_TEST

START_TEST(a_file_that_was_cut_short_is_set_aside)
{
        ring_file_make(path, RING_SHORT, 50);
        ck_assert_int_eq(truncate(path, RING_BYTES_MIN - 1), 0);
        check_set_aside(RING_BYTES_MIN, RING_FAULT_DAMAGED, "ring.set-aside");
}
END_TEST

START_TEST(three_files_are_set_aside_at_most)
{
        static const char *const names[] = { "ring.set-aside", "ring.set-aside-2", "ring.set-aside-3",
                                             "ring.set-aside-3", "ring.set-aside-3" };
        char text[8];

        for (unsigned i = 0; i < ELEMENTSOF(names); i++) {
                text[0] = (char)('a' + i);
                folder_write(&folder, "ring", text, 1);
                ck_assert_int_eq(truncate(path, RING_BYTES_MIN), 0);
                check_set_aside(RING_BYTES_MIN, RING_FAULT_FOREIGN, names[i]);
        }

        for (unsigned i = 0; i < 3; i++) {
                folder_path(&folder, names[i], path);
                ring_file_peek(path, 0, text, 1);
                ck_assert_int_eq(text[0], "abe"[i]);
        }
}
END_TEST

START_TEST(what_is_set_aside_can_be_read)
{
        ring_file_make(path, RING_LONG, N_WRAP);
        check_set_aside(RING_BYTES_MIN + RING_SEGMENT_BYTES, RING_FAULT_SIZE, "ring.set-aside");
        folder_path(&folder, "ring.set-aside", path);
        check_numbers(RING_LONG,
                      N_WRAP + 1 - ring_file_check(path, RING_LONG, &(uint64_t){ 0 }, &(uint64_t){ 0 }),
                      N_WRAP);
}
END_TEST

/* ---- what others do to a file that is open ---- */

static void truncate_all(void) {
        ck_assert_int_eq(truncate(path, 0), 0);
}

static void truncate_last_byte(void) {
        ck_assert_int_eq(truncate(path, RING_BYTES_MIN - 1), 0);
}

static void truncate_and_grow(void) {
        ck_assert_int_eq(truncate(path, 0), 0);
        ck_assert_int_eq(truncate(path, RING_BYTES_MIN), 0);
}

static void grow(void) {
        ck_assert_int_eq(truncate(path, RING_BYTES_MIN + 1), 0);
}

static void remove_it(void) {
        ck_assert_int_eq(unlink(path), 0);
}

static void rename_it(void) {
        ck_assert_int_eq(renameat(folder.fd, "ring", folder.fd, "other"), 0);
}

static void replace_it(void) {
        rename_it();
        folder_write_text(&folder, "ring", "");
}

static void overwrite_header(void) {
        ring_file_patch(path, offsetof(RingHeader, file_id), "x", 1);
}

static void overwrite_segment(void) {
        ring_file_patch(path, ring_file_segment(1) + offsetof(RingSegment, first_usec), "x", 1);
}

static void (*const deeds[])(void) = {
        truncate_all, truncate_last_byte, truncate_and_grow, grow, remove_it, rename_it,
        replace_it,   overwrite_header,   overwrite_segment,
};

START_TEST(a_file_that_is_not_ours_any_more_is_noticed)
{
        Ring *ring = ring_file_open(path, 0);
        RingFinding finding;

        ring_file_append(ring, RING_SHORT, 1, 5);
        deeds[_i]();
        ck_assert_int_eq(append_one(ring, 6), -ESTALE);
        ck_assert_int_eq(append_one(ring, 6), -ESTALE);
        (void)ring_close(ring);

        /* And the daemon goes on with another. */
        ck_assert_int_eq(ring_open(path, RING_BYTES_MIN, &ring, &finding), 0);
        ring_file_append(ring, RING_SHORT, 1, 5);
        (void)ring_close(ring);
        check_numbers(RING_SHORT, 1, 5);
}
END_TEST

/* Called after the writer has looked at the file's length. */
static void (*after_fstat)(void);

int __real_fstat64(int fd, struct stat *status);
int __wrap_fstat64(int fd, struct stat *status);
int __wrap_fstat64(int fd, struct stat *status) {
        int r = __real_fstat64(fd, status);

        if (after_fstat)
                after_fstat();
        return r;
}

START_TEST(a_file_cut_short_in_the_middle_of_an_append_is_survived)
{
        Ring *ring = ring_file_open(path, 0);

        ring_file_append(ring, RING_SHORT, 1, 5);
        after_fstat = truncate_all;
        ck_assert_int_eq(append_one(ring, 6), -ESTALE);
        after_fstat = NULL;
        ck_assert_int_eq(append_one(ring, 6), -ESTALE);
        ck_assert_uint_eq(ring_oldest_usec(ring), 0);
        (void)ring_close(ring);
}
END_TEST

static void truncate_behind_first_page(void) {
        ck_assert_int_eq(truncate(path, (off_t)ring_file_segment(1) + 4096), 0);
}

START_TEST(a_page_cut_off_in_the_middle_of_an_append_is_survived)
{
        Ring *ring = ring_file_open(path, 0);

        ring_file_append(ring, RING_LONG, 1, 3);
        after_fstat = truncate_behind_first_page;
        ck_assert_int_eq(append_one(ring, 4), -ESTALE);
        after_fstat = NULL;
        (void)ring_close(ring);
}
END_TEST

START_TEST(a_file_cut_short_while_it_is_opened_is_survived)
{
        RingFinding finding;
        Ring *ring;

        ring_file_make(path, RING_SHORT, 5);
        after_fstat = truncate_behind_first_page;
        ck_assert_int_eq(ring_open(path, RING_BYTES_MIN, &ring, &finding), 0);
        after_fstat = NULL;
        (void)ring_close(ring);
}
END_TEST

START_TEST(a_bit_that_flips_behind_the_writer_is_noticed_in_a_minute)
{
        Ring *ring = ring_file_open(path, 0);
        unsigned n = 0;
        uint8_t byte;

        ring_file_append(ring, RING_SHORT, 1, 70);
        ring_file_peek(path, ring_file_segment(1) + 5000, &byte, 1);
        byte ^= 1;
        ring_file_patch(path, ring_file_segment(1) + 5000, &byte, 1);
        while (n <= 60 && append_one(ring, 71 + n) == 0)
                n++;
        ck_assert_uint_lt(n, 60);
        (void)ring_close(ring);
}
END_TEST

#ifndef TEST_WITHOUT_ASSERTS
START_TEST(a_file_of_no_size_is_a_bug)
{
        RingFinding finding;
        Ring *ring;

        (void)!ring_open("/nowhere", RING_BYTES_MIN - 1, &ring, &finding);
}
END_TEST
#endif

int main(void) {
        Suite *suite = suite_create("ring");
        TCase *appending = tcase_create("appending");
        TCase *hour = tcase_create("hour");
        TCase *opening = tcase_create("opening");
        TCase *faults = tcase_create("faults");
        TCase *others = tcase_create("others");

        tcase_add_checked_fixture(appending, setup, teardown);
        tcase_set_timeout(appending, 120);
        tcase_add_test(appending, a_new_file_is_empty);
        tcase_add_test(appending, a_size_is_rounded_down_to_whole_segments);
        tcase_add_loop_test(appending, what_is_appended_is_read_back, 0, ELEMENTSOF(kinds));
        tcase_add_test(appending, a_full_file_keeps_the_newest);
        tcase_add_test(appending, of_the_longest_samples_one_a_segment_is_kept_at_least);
        tcase_add_test(appending, a_file_is_continued_with_the_next_number);
        tcase_add_test(appending, a_file_without_samples_is_continued);
        tcase_add_test(appending, the_oldest_sample_is_known_after_a_restart);
        tcase_add_test(appending, a_flipped_bit_is_not_told_as_the_time_of_the_oldest_sample);
        tcase_add_test(appending, a_flipped_bit_that_hides_the_newest_segment_is_noticed);
        tcase_add_test(appending, between_records_there_are_zeros);
        tcase_add_test(appending, no_descriptor_is_left_open);
        suite_add_tcase(suite, appending);

        tcase_add_checked_fixture(hour, setup, teardown);
        tcase_set_timeout(hour, 120);
        tcase_add_test(hour, an_hour_of_a_host_with_50_listeners_fits_16_mib);
        suite_add_tcase(suite, hour);

        tcase_add_checked_fixture(opening, setup, teardown);
        tcase_add_test(opening, there_is_one_writer);
        tcase_add_test(opening, only_a_regular_file_is_written);
        tcase_add_test(opening, a_path_that_cannot_be_is_told);
        tcase_add_test(opening, a_disk_without_room_is_told_and_left_clean);
        suite_add_tcase(suite, opening);

        tcase_add_checked_fixture(faults, setup, teardown);
        tcase_set_timeout(faults, 60);
        tcase_add_loop_test(faults, a_file_with_a_fault_is_set_aside, 0, ELEMENTSOF(fault_cases));
        tcase_add_test(faults, what_is_no_ring_file_is_set_aside);
        tcase_add_test(faults, a_file_of_something_else_is_left_as_it_is);
        tcase_add_test(faults, a_file_of_another_size_is_set_aside);
        tcase_add_test(faults, a_file_that_was_cut_short_is_set_aside);
        tcase_add_test(faults, three_files_are_set_aside_at_most);
        tcase_add_test(faults, what_is_set_aside_can_be_read);
        suite_add_tcase(suite, faults);

        tcase_add_checked_fixture(others, setup, teardown);
        tcase_set_timeout(others, 60);
        tcase_add_loop_test(others, a_file_that_is_not_ours_any_more_is_noticed, 0, ELEMENTSOF(deeds));
        tcase_add_test(others, a_file_cut_short_in_the_middle_of_an_append_is_survived);
        tcase_add_test(others, a_page_cut_off_in_the_middle_of_an_append_is_survived);
        tcase_add_test(others, a_file_cut_short_while_it_is_opened_is_survived);
        tcase_add_test(others, a_bit_that_flips_behind_the_writer_is_noticed_in_a_minute);
        suite_add_tcase(suite, others);

#ifndef TEST_WITHOUT_ASSERTS
        TCase *contract = tcase_create("contract");

        tcase_add_test_raise_signal(contract, a_file_of_no_size_is_a_bug, SIGABRT);
        suite_add_tcase(suite, contract);
#endif

        return suite_main(suite);
}
