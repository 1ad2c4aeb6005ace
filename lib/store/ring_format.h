/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The ring file, byte by byte
 *
 *   ┌────────┬───────────┬───────────┬───────────┬─── ─ ─ ───┬───────────┐
 *   │ header │ segment 0 │ segment 1 │ segment 2 │           │ segment n │
 *   │ 4 KiB  │  512 KiB  │           │           │           │           │
 *   └────────┴───────────┴───────────┴───────────┴─── ─ ─ ───┴───────────┘
 *                ▲ generation 65, newest    ▲ generation 3, oldest: the next to be begun anew
 *
 *   segment:  header | record | record | … | 8 zero bytes | what an older generation left
 *   record:   size, checksum | a packed sample (codec.h) | zeros up to a multiple of 8
 *
 * Segments are begun in turn and numbered by generation: 1, 2, 3, … for ever;
 * generation g lives in segment g modulo n_segments. The first record of a
 * segment is packed against an empty sample, each other one against the record
 * before it. So every segment can be read alone, and losing one costs no other.
 *
 * Checksums (CRC-32 as of zlib) form a chain: that of a segment's header covers
 * the file's id and the generation, and that of a record begins with that of the
 * record before it. Bytes of an older generation, of another file, or after a
 * damaged record do not fit the chain and are never taken for data.
 *
 * Committing a record is one store of 8 bytes, its size and checksum, after all
 * else is in place. `committed_bytes` follows it: a chain that breaks before
 * that is damaged; one that ends at or after it is merely the end.
 *
 * Numbers are in the byte order of the host that wrote them; byte_order tells a
 * file from a host of the other kind.
 */

#include <assert.h>
#include <stdint.h>

#include "base/clock.h"
#include "store/codec.h"

#define RING_MAGIC         "sockwatch ring\n" /* and its NUL: 16 bytes */
#define RING_VERSION       2
#define RING_BYTE_ORDER    0x01020304
#define RING_HEADER_BYTES  4096
#define RING_SEGMENT_BYTES (512 * 1024)

/* Fewer segments would make "the oldest is given up" cost too much of the history. */
#define RING_SEGMENTS_MIN 4
#define RING_SEGMENTS_MAX 32768

typedef struct RingHeader {
        char magic[16];
        uint32_t version;
        uint32_t byte_order;
        uint32_t segment_bytes;
        uint32_t n_segments;
        uint64_t file_id;    /* random */
        usec_t created_usec; /* CLOCK_REALTIME */
        uint32_t reserved;   /* 0 */
        uint32_t checksum;   /* of all before it */
} RingHeader;

typedef struct RingSegment {
        uint64_t generation;      /* 0: empty, or being begun */
        uint64_t first_number;    /* of its first sample */
        usec_t first_usec;        /* realtime_usec of its first sample */
        uint32_t reserved;        /* 0 */
        uint32_t checksum;        /* of the file's id and all before it */
        uint64_t committed_bytes; /* of records, including their heads */
} RingSegment;

typedef struct RingRecord {
        uint32_t size;     /* of the packed sample; 0: no record here */
        uint32_t checksum; /* of that size and the packed sample, begun with the one before */
} RingRecord;

static_assert(sizeof(RingHeader) == 56, "the header's layout is part of the format");
static_assert(sizeof(RingSegment) == 40, "the segment's layout is part of the format");
static_assert(sizeof(RingRecord) == 8, "a record is committed by one store of 8 bytes");

/* What a record takes in the file. */
#define RING_RECORD_BYTES(size) (sizeof(RingRecord) + (((size_t)(size) + 7) & ~(size_t)7))

/* Room for records in a segment; the end mark always fits behind them. */
#define RING_SEGMENT_ROOM (RING_SEGMENT_BYTES - sizeof(RingSegment) - sizeof(RingRecord))

static_assert(RING_RECORD_BYTES(SAMPLE_ENCODED_MAX) <= RING_SEGMENT_ROOM,
              "any sample fits an empty segment");

uint32_t ring_header_checksum(const RingHeader *header);
uint32_t ring_segment_checksum(const RingHeader *header, const RingSegment *segment);
uint32_t ring_record_checksum(uint32_t previous, const void *packed, uint32_t size);

typedef enum RingFault {
        RING_FAULT_NONE,
        RING_FAULT_FOREIGN, /* not a ring file */
        RING_FAULT_VERSION, /* of another version of the format, or of the other byte order */
        RING_FAULT_SIZE,    /* a ring file, but of another size than was asked for */
        RING_FAULT_DAMAGED, /* a ring file whose checksums or length do not fit */
} RingFault;

/* "is not a ring file" and so on: what follows the file's name in a message. */
const char *ring_fault_describe(RingFault fault);

/* What is wrong with a header, given the length of its file in bytes. */
RingFault ring_header_check(const RingHeader *header, uint64_t file_bytes);

/**
 * ring_may_be_ours() - whether a file that is no ring file may be what became of one
 * @n:          bytes that could be read of its header
 *
 * It is empty, begins as one does, or has the size of one. Any other is somebody
 * else's, and its name was given by mistake.
 */
bool ring_may_be_ours(const RingHeader *header, size_t n, uint64_t file_bytes);

/* Whether a segment's header is one that was written at @index. */
bool ring_segment_is_valid(const RingHeader *header, const RingSegment *segment, uint32_t index);

/**
 * ring_record_check() - step along the chain of one segment
 * @segment:    all RING_SEGMENT_BYTES of it
 * @offset:     of the record within the segment
 * @previous:   checksum of the record before it, or of the segment's header
 *
 * Return: 1 and its head if a record stands there, 0 if the chain ends.
 */
int ring_record_check(const uint8_t *segment, size_t offset, uint32_t previous, RingRecord *ret);
