/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A sample as bytes: what changed since the one before it
 *
 * Most of what a host says in one second it said the second before. So a sample
 * is packed as its difference to a base, the previous sample; and where there
 * is none, to an empty one. In the words of packing.h and rows.h:
 *
 *   sample   number delta, realtime_usec delta, boottime_usec delta, section*
 *
 *   tag 1    values: for each that changed, ascending: varint of
 *            (numbers skipped since the last one) * 2 + is_present,
 *            and if present, a delta
 *   tag 2    reports: for each that is present: number byte, flags byte (1: incomplete),
 *            error delta to 0, n_failures delta, duration_nsec varint,
 *            last_success_usec delta to the sample's realtime_usec
 *   tag 4 …  the tables of tables.tbl, as rows; 3 was one of an earlier version
 *
 * A reader passes over tags, value numbers and row fields that it does not
 * know: all of those may be added without another version of the format.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "store/packing.h"
#include "store/rows.h"
#include "store/sample.h"

/* No sample is longer than this. */
#define TABLE(tag, id, member, type, key_type, first, n_max, collector) \
        +PACKING_SECTION_MAX +                                          \
                ((n_max) + 1) * ROWS_PACKED_MAX(sizeof(key_type),       \
                                                (sizeof(type) - offsetof(type, first)) / sizeof(uint64_t))
enum {
        SAMPLE_ENCODED_MAX = 3 * PACKING_VARINT_MAX +
                             (PACKING_SECTION_MAX + _VALUE_ROOM * 2 * PACKING_VARINT_MAX) +
                             (PACKING_SECTION_MAX + _COLLECTOR_ROOM * (2 + 4 * PACKING_VARINT_MAX))
#include "store/tables.tbl"
};
#undef TABLE

/**
 * sample_encode() - pack the difference from @base to @sample
 * @base:       the previous sample, or an empty one
 *
 * Return: the number of bytes written to @ret_bytes.
 */
size_t sample_encode(const Sample *base, const Sample *sample, uint8_t ret_bytes[static SAMPLE_ENCODED_MAX]);

/**
 * sample_decode() - apply a difference to @base
 * @base:       the very sample that was the encoder's base
 * @ret:        receives the sample, another object than @base; garbage on failure
 *
 * Pure: any bytes may be given. What it accepts fulfils all that sample.h says.
 *
 * Return: 0, or -EBADMSG.
 */
_warn_unused_ int sample_decode(const Sample *base, const uint8_t *bytes, size_t size, Sample *ret);
