/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Ring files to test with
 *
 * What is appended follows from its number alone, so whatever a reader returns
 * can be compared with what was written under that number.
 */

#include "store/ring.h"
#include "store/ring_reader.h"
#include "unit/folder.h"

/* How many rows a sample has at most: how long a record is. */
typedef enum RingRecordKind {
        RING_SHORT = 20,    /* about 2 KiB */
        RING_LONG = 600,    /* about 12 KiB */
        RING_LONGEST = 9999 /* more than 100 KiB, and about as long each */
} RingRecordKind;

/* realtime_usec of a sample. */
usec_t ring_file_usec(uint64_t number);

/* The sample of that number. */
void ring_file_make_sample(RingRecordKind kind, uint64_t number, Sample *ret);

/* Opens a file of RING_BYTES_MIN that is sound, or not there. */
Ring *ring_file_open(const char *path, uint64_t n_continued);

/* Appends samples up to that number. */
void ring_file_append(Ring *ring, RingRecordKind kind, uint64_t first, uint64_t last);

/* For a process of its own: appends from behind @last on, tells in @committed what is done, and exits after
 * @until. Without Check, which must not be killed in the middle of a word to its parent. */
_Noreturn void ring_file_write(
        const char *path, RingRecordKind kind, uint64_t last, uint64_t until, _Atomic uint64_t *committed);

/* Makes a file with samples up to that number and closes it. */
void ring_file_make(const char *path, RingRecordKind kind, uint64_t last);

RingReader *ring_file_read(const char *path);

/* Fails unless it is the sample of its number. Returns the number. */
uint64_t ring_file_check_sample(RingRecordKind kind, const Sample *sample);

/* Reads to the end: samples in their order, without a gap and without an error. Returns how many. */
uint64_t ring_file_check(const char *path, RingRecordKind kind, uint64_t *ret_first, uint64_t *ret_last);

/* Writes into a file of the test's, wherever. */
void ring_file_patch(const char *path, uint64_t offset, const void *bytes, size_t size);
void ring_file_peek(const char *path, uint64_t offset, void *bytes, size_t size);

/* Where a segment begins in the file. */
uint64_t ring_file_segment(uint32_t index);
