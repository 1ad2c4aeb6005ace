/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Stepping through the records of one segment
 *
 * Pure: works on RING_SEGMENT_BYTES of memory, be it the writer's mapping or a
 * reader's private copy, and trusts none of it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "store/sample.h"

typedef struct RingReplay {
        size_t offset;     /* in the segment, of the next record */
        uint32_t checksum; /* of the record before it, or of the segment's header */
} RingReplay;

/* Stands before the first record. */
void ring_replay_init(RingReplay *replay, const uint8_t *segment);

/**
 * ring_replay_next() - unpack the next record
 * @base:       the sample before it; an empty one at the start
 * @ret:        receives the sample, another object than @base
 *
 * Return: 1 if there was one, 0 if the chain ends where it may, -EBADMSG if it
 * is broken: a record that is counted in committed_bytes is not there, or holds
 * what is not a sample.
 */
_warn_unused_ int
ring_replay_next(RingReplay *replay, const uint8_t *segment, const Sample *base, Sample *ret);

/* Whether the chain of checksums reaches all of committed_bytes. */
bool ring_replay_is_sound(const uint8_t *segment);
