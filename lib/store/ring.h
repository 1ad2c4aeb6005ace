/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Writing the ring file: the flight recorder
 *
 * Keeps the newest samples that fit a file of fixed size. What was appended
 * stays readable whatever happens to the process afterwards. There is one
 * writer, held apart from others by a lock on the file; readers (ring_reader.h)
 * need no lock and do not slow it down.
 *
 * A file that cannot be continued is never overwritten: it is renamed to
 * PATH.set-aside, or PATH.set-aside-2 and -3 while those exist (the last is
 * replaced, so that damage at every start does not fill the disk).
 *
 * An object belongs to one thread.
 */

#include <stdint.h>

#include "base/macro.h"
#include "store/ring_format.h"
#include "store/sample.h"

#define RING_BYTES_MIN (RING_HEADER_BYTES + (uint64_t)RING_SEGMENTS_MIN * RING_SEGMENT_BYTES)
#define RING_BYTES_MAX (RING_HEADER_BYTES + (uint64_t)RING_SEGMENTS_MAX * RING_SEGMENT_BYTES)

#define RING_PATH_MAX  4096

typedef struct Ring Ring;

/* What ring_open() found, to be told to the operator. */
typedef struct RingFinding {
        RingFault fault;               /* for which a file was set aside; RING_FAULT_NONE: none was */
        uint64_t n_continued;          /* number of the last sample in the file; 0: a new file */
        char set_aside[RING_PATH_MAX]; /* where the file with the fault is now; "" if there was none */
} RingFinding;

/**
 * ring_open() - continue a ring file, or begin one
 * @path:       of a file in an existing folder; a symbolic link is refused
 * @bytes:      its size, RING_BYTES_MIN to RING_BYTES_MAX; rounded down to whole segments
 * @ret_finding: filled also on failure: a file may be set aside and then no other be made
 *
 * All of the file is checked; it is only continued when all of it is sound. Its
 * space on disk and all memory that writing needs are taken here.
 *
 * Return: 0, -EBUSY if another process writes it, -ENOTSUP if @path is not a
 * regular file, -EMEDIUMTYPE if it is one that can never have been a ring file, and
 * is left as it is (ring_may_be_ours()), -ENAMETOOLONG, -ENOMEM, or another errno of open(2), rename(2),
 * posix_fallocate(3) or mmap(2).
 */
_warn_unused_ int ring_open(const char *path, uint64_t bytes, Ring **ret, RingFinding *ret_finding);

Ring *ring_close(Ring *ring);
DEFINE_CLEANUP(Ring *, ring_close)

/**
 * ring_append() - commit a sample
 * @sample:     its number is set to the one that the ring gives it
 *
 * Return: 0, or -ESTALE if the file was truncated, overwritten, renamed or
 * removed by somebody else: this object is then of no more use than to be
 * closed, and ring_open() finds out what is there now.
 */
_warn_unused_ int ring_append(Ring *ring, Sample *sample);

/* Length of the file. */
uint64_t ring_bytes(const Ring *ring);

/* realtime_usec of the oldest sample that is still held, or 0 while there is none. */
usec_t ring_oldest_usec(const Ring *ring);
