/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Reading a ring file, while a daemon writes it or long after it died
 *
 * A reader copies one segment at a time into its own memory and looks again
 * whether it is still the one it asked for, so a writer that comes round, a
 * file that is cut short or one that is overwritten is noticed and never
 * mistaken for data. Nothing is locked and nothing is changed.
 *
 * An object belongs to one thread.
 */

#include <stdint.h>

#include "base/macro.h"
#include "store/ring_format.h"
#include "store/sample.h"

typedef struct RingReader RingReader;

/**
 * ring_reader_open() - begin reading at the oldest sample
 * @ret_fault:  what is wrong with the file, when -EBADMSG is returned
 *
 * Return: 0, -EBADMSG if it is not a ring file that can be read, -ENOTSUP if it
 * is not a regular file, -ENOMEM, or another errno of open(2).
 */
_warn_unused_ int ring_reader_open(const char *path, RingReader **ret, RingFault *ret_fault);

RingReader *ring_reader_close(RingReader *reader);
DEFINE_CLEANUP(RingReader *, ring_reader_close)

/**
 * ring_reader_next() - step to the next sample
 * @ret:        receives the sample, valid until the next call
 *
 * Return: 1 if there was one; 0 if the reader has seen them all (later there
 * may be more); -ESTALE if samples were overwritten before they were read;
 * -EBADMSG if samples are damaged and passed over. After both, calling again
 * goes on at the oldest sample that can be read. Or the errno of pread(2).
 */
_warn_unused_ int ring_reader_next(RingReader *reader, const Sample **ret);

/**
 * ring_reader_seek() - go to a segment
 * @realtime_usec: go to the newest segment that begins at or before this time,
 *              or to the oldest there is; UINT64_MAX goes to the newest
 *
 * The samples wanted are found by going on from there: at most one segment, a
 * few hundred KiB, is read in vain.
 *
 * Return: 0, or the errno of pread(2).
 */
_warn_unused_ int ring_reader_seek(RingReader *reader, usec_t realtime_usec);

/**
 * ring_reader_last() - the newest sample of all
 *
 * Return: as ring_reader_next(); damage in front of it is passed over.
 */
_warn_unused_ int ring_reader_last(RingReader *reader, const Sample **ret);
