/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A sample as bytes: what changed since the one before it
 *
 * Most of what a host says in one second it said the second before. So a sample
 * is packed as its difference to a base, the previous sample; and where there
 * is none, to an empty one. Small changes are small numbers and those are short:
 *
 *   varint   7 bits a byte, lowest first, bit 7: more follow (LEB128)
 *   delta    new - old modulo 2^64 as a signed number, zigzag (0 -1 1 -2 … are
 *            0 1 2 3 …), as a varint
 *
 *   sample   number delta, realtime_usec delta, boottime_usec delta, section*
 *   section  tag byte, size of its body in 4 bytes little-endian, body
 *
 *   tag 1    values: for each that changed, ascending: varint of
 *            (numbers skipped since the last one) * 2 + is_present,
 *            and if present, a delta
 *   tag 2    reports: for each that is present: number byte, flags byte (1: incomplete),
 *            error delta to 0, n_failures delta, duration_nsec varint,
 *            last_success_usec delta to the sample's realtime_usec
 *   tag 3    listeners, as rows
 *
 *   rows     steps through the base's rows, both ordered by key; each begins
 *            with varint n * 4 + kind
 *              kind 0  the next n rows of the base, unchanged
 *              kind 1  the next n rows of the base are gone
 *              kind 2  the next row of the base, its fields changed: n is a mask
 *                      of the fields, a delta each
 *              kind 3  a new row: its key, then as kind 2 with old fields of 0
 *            so a key is written once, for as long as its row lives.
 *
 * A reader passes over tags, value numbers and row fields that it does not
 * know: all of those may be added without another version of the format.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "store/sample.h"

#define CODEC_VARINT_MAX  10
#define CODEC_SECTION_MAX 5
#define CODEC_ROW_MAX(row) \
        (2 * CODEC_VARINT_MAX + sizeof(((row *)0)->key) + sizeof(row) / 8 * CODEC_VARINT_MAX)

/* No sample is longer than this. */
#define SAMPLE_ENCODED_MAX                                                                      \
        (3 * CODEC_VARINT_MAX + CODEC_SECTION_MAX + _VALUE_ROOM * 2 * CODEC_VARINT_MAX +        \
         CODEC_SECTION_MAX + _COLLECTOR_ROOM * (2 + 4 * CODEC_VARINT_MAX) + CODEC_SECTION_MAX + \
         (SAMPLE_LISTENERS_MAX + 1) * CODEC_ROW_MAX(ListenerRow))

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
