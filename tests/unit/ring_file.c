/* SPDX-License-Identifier: Apache-2.0 */

/* Ring files to test with */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>

#include "unit/ring_file.h"
#include "unit/samples.h"

#define RING_FILE_EPOCH_USEC (UINT64_C(1700000000) * USEC_PER_SEC)

usec_t ring_file_usec(uint64_t number) {
        return RING_FILE_EPOCH_USEC + number * USEC_PER_SEC;
}

void ring_file_make_sample(RingRecordKind kind, uint64_t number, Sample *ret) {
        uint64_t random = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);

        if (kind == RING_LONGEST) {
                /* A third of what there can be, so that several fit a segment. */
                sample_make_full(ret, (uint16_t)(1 + number % 2));
                for (TableId table = 0; table < _TABLES; table++)
                        *sample_row_count(ret, table) /= 3;
        } else
                sample_make_random(ret, kind, &random);
        ret->number = number;
        ret->realtime_usec = ring_file_usec(number);
}

Ring *ring_file_open(const char *path, uint64_t n_continued) {
        RingFinding finding;
        Ring *ring;

        ck_assert_int_eq(ring_open(path, RING_BYTES_MIN, &ring, &finding), 0);
        ck_assert_int_eq(finding.fault, RING_FAULT_NONE);
        ck_assert_uint_eq(finding.n_continued, n_continued);
        ck_assert_str_eq(finding.set_aside, "");
        return ring;
}

void ring_file_append(Ring *ring, RingRecordKind kind, uint64_t first, uint64_t last) {
        _cleanup_(freep) Sample *sample = malloc(sizeof *sample);

        for (uint64_t number = first; number <= last; number++) {
                ring_file_make_sample(kind, number, sample);
                sample->number = 0;
                ck_assert_int_eq(ring_append(ring, sample), 0);
                ck_assert_uint_eq(sample->number, number);
        }
}

_Noreturn void ring_file_write(
        const char *path, RingRecordKind kind, uint64_t last, uint64_t until, _Atomic uint64_t *committed) {
        static Sample sample;
        RingFinding finding;
        Ring *ring;

        if (ring_open(path, RING_BYTES_MIN, &ring, &finding) < 0 || finding.fault != RING_FAULT_NONE ||
            finding.n_continued != last)
                _exit(EXIT_FAILURE);

        for (uint64_t number = last + 1; number <= until; number++) {
                ring_file_make_sample(kind, number, &sample);
                if (ring_append(ring, &sample) < 0 || sample.number != number)
                        _exit(EXIT_FAILURE);
                atomic_store(committed, number);
        }
        _exit(EXIT_SUCCESS);
}

void ring_file_make(const char *path, RingRecordKind kind, uint64_t last) {
        Ring *ring = ring_file_open(path, 0);

        ring_file_append(ring, kind, 1, last);
        (void)ring_close(ring);
}

RingReader *ring_file_read(const char *path) {
        RingReader *reader;
        RingFault fault;

        ck_assert_int_eq(ring_reader_open(path, &reader, &fault), 0);
        return reader;
}

uint64_t ring_file_check_sample(RingRecordKind kind, const Sample *sample) {
        _cleanup_(freep) Sample *wanted = malloc(sizeof *wanted);

        ring_file_make_sample(kind, sample->number, wanted);
        ck_assert_msg(sample_is_same(wanted, sample), "sample %lu is not as it was written",
                      (unsigned long)sample->number);
        return sample->number;
}

uint64_t ring_file_check(const char *path, RingRecordKind kind, uint64_t *ret_first, uint64_t *ret_last) {
        _cleanup_(ring_reader_closep) RingReader *reader = ring_file_read(path);
        uint64_t n = 0, last = 0;
        const Sample *sample;
        int r;

        while ((r = ring_reader_next(reader, &sample)) == 1) {
                uint64_t number = ring_file_check_sample(kind, sample);

                if (n == 0)
                        *ret_first = number;
                else
                        ck_assert_uint_eq(number, last + 1);
                last = number;
                n++;
        }
        ck_assert_int_eq(r, 0);
        *ret_last = last;
        return n;
}

void ring_file_patch(const char *path, uint64_t offset, const void *bytes, size_t size) {
        _cleanup_(close_fdp) int fd = open(path, O_WRONLY | O_CLOEXEC);

        ck_assert_int_eq(pwrite(fd, bytes, size, (off_t)offset), (ssize_t)size);
}

void ring_file_peek(const char *path, uint64_t offset, void *bytes, size_t size) {
        _cleanup_(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC);

        ck_assert_int_eq(pread(fd, bytes, size, (off_t)offset), (ssize_t)size);
}

uint64_t ring_file_segment(uint32_t index) {
        return RING_HEADER_BYTES + (uint64_t)index * RING_SEGMENT_BYTES;
}
