/* SPDX-License-Identifier: Apache-2.0 */

/* The ring file, byte by byte: what its writer and its reader agree on */

#include <string.h>
#include <zlib.h>

#include "store/ring_format.h"

uint32_t ring_header_checksum(const RingHeader *header) {
        return (uint32_t)crc32(0, (const Bytef *)header, offsetof(RingHeader, checksum));
}

uint32_t ring_segment_checksum(const RingHeader *header, const RingSegment *segment) {
        uLong checksum;

        checksum = crc32(0, (const Bytef *)&header->file_id, sizeof header->file_id);
        return (uint32_t)crc32(checksum, (const Bytef *)segment, offsetof(RingSegment, checksum));
}

uint32_t ring_record_checksum(uint32_t previous, const void *packed, uint32_t size) {
        uLong checksum;

        checksum = crc32(previous, (const Bytef *)&size, sizeof size);
        return (uint32_t)crc32(checksum, packed, size);
}

const char *ring_fault_describe(RingFault fault) {
        switch (fault) {
        case RING_FAULT_FOREIGN:
                return "is not a ring file";
        case RING_FAULT_VERSION:
                return "is a ring file of another version or kind of host";
        case RING_FAULT_SIZE:
                return "is a ring file of another size";
        case RING_FAULT_DAMAGED:
                return "is a damaged ring file";
        default:
                return "is sound";
        }
}

bool ring_may_be_ours(const RingHeader *header, size_t n, uint64_t file_bytes) {
        bool has_size = file_bytes >= RING_HEADER_BYTES + RING_SEGMENTS_MIN * (uint64_t)RING_SEGMENT_BYTES &&
                        (file_bytes - RING_HEADER_BYTES) % RING_SEGMENT_BYTES == 0;

        return has_size || memcmp(header->magic, RING_MAGIC, MIN(n, sizeof header->magic)) == 0;
}

RingFault ring_header_check(const RingHeader *header, uint64_t file_bytes) {
        if (file_bytes < sizeof *header || memcmp(header->magic, RING_MAGIC, sizeof header->magic) != 0)
                return RING_FAULT_FOREIGN;
        if (header->byte_order != RING_BYTE_ORDER || header->version != RING_VERSION)
                return RING_FAULT_VERSION;
        if (header->checksum != ring_header_checksum(header))
                return RING_FAULT_DAMAGED;
        if (header->segment_bytes != RING_SEGMENT_BYTES || header->n_segments < RING_SEGMENTS_MIN ||
            header->n_segments > RING_SEGMENTS_MAX)
                return RING_FAULT_VERSION;
        if (file_bytes != RING_HEADER_BYTES + (uint64_t)header->n_segments * RING_SEGMENT_BYTES)
                return RING_FAULT_DAMAGED;

        return RING_FAULT_NONE;
}

bool ring_segment_is_valid(const RingHeader *header, const RingSegment *segment, uint32_t index) {
        return segment->generation % header->n_segments == index && segment->reserved == 0 &&
               segment->committed_bytes <= RING_SEGMENT_ROOM &&
               segment->checksum == ring_segment_checksum(header, segment);
}

int ring_record_check(const uint8_t *segment, size_t offset, uint32_t previous, RingRecord *ret) {
        const size_t room_end = sizeof(RingSegment) + RING_SEGMENT_ROOM;
        RingRecord record;

        if (offset + sizeof record > room_end)
                return 0;

        memcpy(&record, segment + offset, sizeof record);
        if (record.size == 0 || record.size > SAMPLE_ENCODED_MAX ||
            offset + RING_RECORD_BYTES(record.size) > room_end)
                return 0;
        if (record.checksum != ring_record_checksum(previous, segment + offset + sizeof record, record.size))
                return 0;

        *ret = record;
        return 1;
}
