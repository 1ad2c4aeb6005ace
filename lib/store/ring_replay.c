/* SPDX-License-Identifier: Apache-2.0 */

/* Stepping through the records of one segment */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "store/codec.h"
#include "store/ring_format.h"
#include "store/ring_replay.h"

void ring_replay_init(RingReplay *replay, const uint8_t *segment) {
        RingSegment header;

        assert(replay);
        assert(segment);

        memcpy(&header, segment, sizeof header);
        *replay = (RingReplay){ .offset = sizeof header, .checksum = header.checksum };
}

/* As ring_replay_next(), without unpacking. */
static int ring_replay_step(RingReplay *replay, const uint8_t *segment, RingRecord *ret) {
        RingSegment header;

        if (ring_record_check(segment, replay->offset, replay->checksum, ret) == 0) {
                memcpy(&header, segment, sizeof header);
                return replay->offset - sizeof header < header.committed_bytes ? -EBADMSG : 0;
        }

        replay->offset += RING_RECORD_BYTES(ret->size);
        replay->checksum = ret->checksum;
        return 1;
}

int ring_replay_next(RingReplay *replay, const uint8_t *segment, const Sample *base, Sample *ret) {
        size_t at = replay->offset;
        RingRecord record;
        int r;

        r = ring_replay_step(replay, segment, &record);
        if (r <= 0)
                return r;

        r = sample_decode(base, segment + at + sizeof record, record.size, ret);
        return r < 0 ? r : 1;
}

bool ring_replay_is_sound(const uint8_t *segment) {
        RingReplay replay;
        RingRecord record;
        int r;

        ring_replay_init(&replay, segment);
        do
                r = ring_replay_step(&replay, segment, &record);
        while (r > 0);

        return r == 0;
}
