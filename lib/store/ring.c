/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Writing the ring file
 *
 * The writer keeps in its own memory where it stands: the segment, the offset
 * in it, the checksum of the last record and the last sample, against which the
 * next one is packed. It looks at the file again only to find out whether it is
 * still the one it left.
 */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "store/codec.h"
#include "store/mapping.h"
#include "store/ring.h"
#include "store/ring_replay.h"

#define RING_SET_ASIDE_MAX 3

/* After so many samples the newest segment is read back. What follows a damaged
 * record in it is lost, so that must not be found out an hour later. */
#define RING_CHECK_SAMPLES 60

struct Ring {
        int fd; /* holds the lock */
        char path[RING_PATH_MAX];
        struct stat status; /* of fd, when it was opened */
        Mapping mapping;

        RingHeader header;   /* as it must stand in the file */
        RingSegment segment; /* the newest one, as it must stand in the file; generation 0: none yet */
        size_t offset;       /* in it, where the next record goes */
        uint32_t checksum;   /* of the last record, or of the segment's header */
        Sample last;         /* the last sample; empty at the start of a segment */
        uint64_t last_number;

        uint8_t packed[SAMPLE_ENCODED_MAX];
};

static uint8_t *ring_segment_at(const Ring *ring, uint64_t generation) {
        return (uint8_t *)ring->mapping.data + RING_HEADER_BYTES +
               generation % ring->header.n_segments * RING_SEGMENT_BYTES;
}

uint64_t ring_bytes(const Ring *ring) {
        return ring->mapping.size;
}

usec_t ring_oldest_usec(const Ring *ring) {
        RingSegment segment;

        for (uint64_t age = ring->header.n_segments; age-- > 0;) {
                if (ring->segment.generation <= age)
                        continue;

                memcpy(&segment, ring_segment_at(ring, ring->segment.generation - age), sizeof segment);
                if (segment.generation == ring->segment.generation - age &&
                    ring_segment_is_valid(&ring->header, &segment,
                                          (uint32_t)(segment.generation % ring->header.n_segments)))
                        return segment.first_usec;
        }

        return 0;
}

/* ---- appending ---- */

/* Whether the file is still the one that was opened, at its place and in its length. */
static bool ring_file_is_ours(const Ring *ring) {
        struct stat named, opened;

        if (ring->mapping.is_lost)
                return false;
        if (stat(ring->path, &named) < 0 || fstat(ring->fd, &opened) < 0)
                return false;

        return named.st_dev == ring->status.st_dev && named.st_ino == ring->status.st_ino &&
               (uint64_t)opened.st_size == ring->mapping.size;
}

/* Whether what the next record builds on is as we wrote it. */
static bool ring_place_is_ours(const Ring *ring) {
        if (memcmp(ring->mapping.data, &ring->header, sizeof ring->header) != 0)
                return false;

        return ring->segment.generation == 0 || memcmp(ring_segment_at(ring, ring->segment.generation),
                                                       &ring->segment, sizeof ring->segment) == 0;
}

static void ring_begin_segment(Ring *ring, const Sample *first) {
        uint64_t generation = ring->segment.generation + 1;
        uint8_t *segment = ring_segment_at(ring, generation);
        RingSegment fields = {
                .first_number = first->number,
                .first_usec = first->realtime_usec,
        };

        /* Until the generation is set, the segment is an empty one to everybody. */
        atomic_store_explicit((_Atomic uint64_t *)segment, 0, memory_order_release);
        atomic_thread_fence(memory_order_seq_cst);
        memset(segment + sizeof fields, 0, sizeof(RingRecord));

        fields.generation = generation;
        fields.checksum = ring_segment_checksum(&ring->header, &fields);
        memcpy(segment + sizeof fields.generation, (const char *)&fields + sizeof fields.generation,
               sizeof fields - sizeof fields.generation);
        atomic_store_explicit((_Atomic uint64_t *)segment, generation, memory_order_release);

        ring->segment = fields;
        ring->offset = sizeof fields;
        ring->checksum = fields.checksum;
        sample_clear(&ring->last);
}

static void ring_commit(Ring *ring, uint32_t size) {
        uint8_t *segment = ring_segment_at(ring, ring->segment.generation);
        RingRecord record = { .size = size,
                              .checksum = ring_record_checksum(ring->checksum, ring->packed, size) };
        uint64_t head;

        /* Behind the record first: an end, so that the chain never runs into what stood here before. */
        memset(segment + ring->offset + sizeof record + size, 0, RING_RECORD_BYTES(size) - size);
        memcpy(segment + ring->offset + sizeof record, ring->packed, size);

        memcpy(&head, &record, sizeof head);
        atomic_store_explicit((_Atomic uint64_t *)(segment + ring->offset), head, memory_order_release);

        ring->checksum = record.checksum;
        ring->offset += RING_RECORD_BYTES(size);
        ring->segment.committed_bytes = ring->offset - sizeof ring->segment;
        atomic_store_explicit((_Atomic uint64_t *)(segment + offsetof(RingSegment, committed_bytes)),
                              ring->segment.committed_bytes, memory_order_release);
}

static bool ring_newest_is_sound(const Ring *ring) {
        return ring->segment.generation == 0 ||
               ring_replay_is_sound(ring_segment_at(ring, ring->segment.generation));
}

int ring_append(Ring *ring, Sample *sample) {
        size_t size;

        assert(ring);
        assert(sample);

        if (!ring_file_is_ours(ring) || !ring_place_is_ours(ring))
                return -ESTALE;
        if (ring->last_number % RING_CHECK_SAMPLES == 0 && !ring_newest_is_sound(ring))
                return -ESTALE;

        sample->number = ring->last_number + 1;
        if (ring->segment.generation == 0)
                ring_begin_segment(ring, sample);

        size = sample_encode(&ring->last, sample, ring->packed);
        if (ring->offset - sizeof ring->segment + RING_RECORD_BYTES(size) > RING_SEGMENT_ROOM) {
                ring_begin_segment(ring, sample);
                size = sample_encode(&ring->last, sample, ring->packed);
        }

        ring_commit(ring, (uint32_t)size);
        sample_copy(&ring->last, sample);
        ring->last_number = sample->number;

        return ring->mapping.is_lost ? -ESTALE : 0;
}

/* ---- opening ---- */

/* Whether a flipped bit made a 0 of the newest generation: then the segment after the newest one that shows
 * is not empty, nor being begun, but holds records of the generation that would come next. */
static bool ring_newest_is_hidden(const Ring *ring, uint64_t newest) {
        RingSegment segment;

        memcpy(&segment, ring_segment_at(ring, newest + 1), sizeof segment);
        if (segment.generation != 0 || segment.committed_bytes == 0)
                return false;

        segment.generation = newest + 1;
        return ring_segment_is_valid(&ring->header, &segment,
                                     (uint32_t)(segment.generation % ring->header.n_segments));
}

/* Checks every segment and finds the newest. Returns its generation (0: all are empty), or -EBADMSG. */
static int ring_check_segments(Ring *ring, uint64_t *ret_newest) {
        uint64_t newest = 0;
        RingSegment segment;

        for (uint32_t i = 0; i < ring->header.n_segments; i++) {
                const uint8_t *bytes = (const uint8_t *)ring->mapping.data + RING_HEADER_BYTES +
                                       (size_t)i * RING_SEGMENT_BYTES;

                memcpy(&segment, bytes, sizeof segment);
                if (segment.generation == 0)
                        continue;
                if (!ring_segment_is_valid(&ring->header, &segment, i) || !ring_replay_is_sound(bytes))
                        return -EBADMSG;
                newest = MAX(newest, segment.generation);
        }

        /* Whatever is not the newest is one of the generations just before it, or being begun. */
        for (uint32_t i = 0; i < ring->header.n_segments; i++) {
                memcpy(&segment,
                       (const char *)ring->mapping.data + RING_HEADER_BYTES + (size_t)i * RING_SEGMENT_BYTES,
                       sizeof segment);
                if (segment.generation > 0 && newest - segment.generation >= ring->header.n_segments)
                        return -EBADMSG;
        }

        if (ring_newest_is_hidden(ring, newest))
                return -EBADMSG;

        *ret_newest = newest;
        return 0;
}

/* Brings the writer to the end of what the file holds. */
static int ring_continue(Ring *ring) {
        _cleanup_(freep) Sample *spare = NULL;
        uint8_t *bytes;
        RingReplay replay;
        uint64_t newest;
        int r;

        r = ring_check_segments(ring, &newest);
        if (r < 0 || newest == 0)
                return r;

        bytes = ring_segment_at(ring, newest);
        memcpy(&ring->segment, bytes, sizeof ring->segment);
        ring->last_number = ring->segment.first_number - 1;

        spare = malloc(sizeof *spare);
        if (!spare)
                return -ENOMEM;

        ring_replay_init(&replay, bytes);
        sample_clear(&ring->last);
        for (;;) {
                r = ring_replay_next(&replay, bytes, &ring->last, spare);
                if (r < 0)
                        return r;
                if (r == 0)
                        break;

                sample_copy(&ring->last, spare);
                ring->last_number = ring->last.number;
        }

        ring->offset = replay.offset;
        ring->checksum = replay.checksum;

        /* A record may have been committed just before the end, and not yet counted. */
        ring->segment.committed_bytes = ring->offset - sizeof ring->segment;
        memcpy(bytes, &ring->segment, sizeof ring->segment);
        return 0;
}

/* Opens and locks what stands at the path. Returns 0, -ENOENT, or what ring_open() does. */
static int ring_open_file(Ring *ring, int flags) {
        ring->fd = close_fd(ring->fd);
        ring->fd = open(ring->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | flags, 0640);
        if (ring->fd < 0)
                return errno == ELOOP || errno == EISDIR || errno == ENXIO ? -ENOTSUP : -errno;

        if (fstat(ring->fd, &ring->status) < 0)
                return -errno;
        if (!S_ISREG(ring->status.st_mode))
                return -ENOTSUP;
        if (flock(ring->fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? -EBUSY : -errno;

        return 0;
}

/* Maps a file that is there. Returns 0 with a fault or none, or a negative errno. */
static int ring_adopt(Ring *ring, uint64_t bytes, RingFault *ret_fault) {
        ssize_t n;
        int r;

        n = pread(ring->fd, &ring->header, sizeof ring->header, 0);
        if (n < 0)
                return -errno;

        *ret_fault = ring_header_check(&ring->header,
                                       n == sizeof ring->header ? (uint64_t)ring->status.st_size : 0);
        if (*ret_fault == RING_FAULT_FOREIGN &&
            !ring_may_be_ours(&ring->header, (size_t)n, (uint64_t)ring->status.st_size))
                return -EMEDIUMTYPE;
        if (*ret_fault != RING_FAULT_NONE)
                return 0;
        if ((uint64_t)ring->status.st_size != bytes) {
                *ret_fault = RING_FAULT_SIZE;
                return 0;
        }

        /* A copy may have holes; they are filled here, or a full disk is told here, as for a new file. */
        r = -posix_fallocate(ring->fd, 0, (off_t)bytes);
        if (r < 0)
                return r;

        r = mapping_init(&ring->mapping, ring->fd, bytes);
        if (r < 0)
                return r;

        r = ring_continue(ring);
        if (r == -EBADMSG || (r == 0 && ring->mapping.is_lost)) {
                mapping_done(&ring->mapping);
                *ret_fault = RING_FAULT_DAMAGED;
                return 0;
        }

        return r;
}

static int ring_set_aside(const Ring *ring, char ret_path[static RING_PATH_MAX]) {
        int n;

        for (unsigned i = 1; i <= RING_SET_ASIDE_MAX; i++) {
                char suffix[16] = "";

                if (i > 1)
                        (void)snprintf(suffix, sizeof suffix, "-%u", i);
                n = snprintf(ret_path, RING_PATH_MAX, "%s.set-aside%s", ring->path, suffix);
                if (n < 0 || n >= RING_PATH_MAX)
                        return -ENAMETOOLONG;

                if (faccessat(AT_FDCWD, ret_path, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
                        break;
        }

        return rename(ring->path, ret_path) < 0 ? -errno : 0;
}

static int ring_create(Ring *ring, uint64_t bytes) {
        RingHeader header = {
                .magic = RING_MAGIC,
                .version = RING_VERSION,
                .byte_order = RING_BYTE_ORDER,
                .segment_bytes = RING_SEGMENT_BYTES,
                .n_segments = (uint32_t)((bytes - RING_HEADER_BYTES) / RING_SEGMENT_BYTES),
                .created_usec = clock_usec(CLOCK_REALTIME),
        };
        int r;

        r = ring_open_file(ring, O_CREAT | O_EXCL);
        if (r < 0)
                return r;

        if (getrandom(&header.file_id, sizeof header.file_id, 0) != sizeof header.file_id)
                return -errno;
        header.checksum = ring_header_checksum(&header);

        /* A full disk is told here, as an error, and not later, as a signal. */
        r = -posix_fallocate(ring->fd, 0, (off_t)bytes);
        if (r == 0)
                r = mapping_init(&ring->mapping, ring->fd, bytes);
        if (r < 0) {
                (void)unlink(ring->path);
                return r;
        }

        memcpy(ring->mapping.data, &header, sizeof header);
        ring->header = header;
        ring->segment = (RingSegment){ 0 };
        ring->last_number = 0;
        sample_clear(&ring->last);
        return 0;
}

int ring_open(const char *path, uint64_t bytes, Ring **ret, RingFinding *ret_finding) {
        _cleanup_(ring_closep) Ring *ring = NULL;
        RingFault fault;
        int n, r;

        assert(path);
        assert(bytes >= RING_BYTES_MIN && bytes <= RING_BYTES_MAX);
        assert(ret && ret_finding);

        *ret_finding = (RingFinding){ .fault = RING_FAULT_NONE };

        ring = calloc(1, sizeof *ring);
        if (!ring)
                return -ENOMEM;
        ring->fd = -1;

        n = snprintf(ring->path, sizeof ring->path, "%s", path);
        if (n < 0 || (size_t)n >= sizeof ring->path)
                return -ENAMETOOLONG;

        bytes -= (bytes - RING_HEADER_BYTES) % RING_SEGMENT_BYTES;

        r = ring_open_file(ring, 0);
        if (r == 0) {
                r = ring_adopt(ring, bytes, &fault);
                if (r < 0)
                        return r;
                if (fault == RING_FAULT_NONE)
                        ret_finding->n_continued = ring->last_number;
                else {
                        r = ring_set_aside(ring, ret_finding->set_aside);
                        if (r == 0) {
                                ret_finding->fault = fault;
                                r = -ENOENT;
                        }
                }
        }
        if (r == -ENOENT)
                r = ring_create(ring, bytes);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(ring);
        return 0;
}

Ring *ring_close(Ring *ring) {
        if (!ring)
                return NULL;

        mapping_done(&ring->mapping);
        ring->fd = close_fd(ring->fd);
        free(ring);
        return NULL;
}
