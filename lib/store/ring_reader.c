/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reading a ring file
 *
 * A reader's place is a generation and an offset in its copy of that segment.
 * At the end of the copy it looks whether the file has more of the same
 * generation, and if not, whether the next one has begun.
 */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "store/ring_reader.h"
#include "store/ring_replay.h"

struct RingReader {
        int fd;
        RingHeader header;

        uint64_t generation; /* of the copy; 0: none, nothing was there yet */
        bool is_passed_over; /* there is nothing more to be had from the copy */
        uint64_t expected;   /* number of the next sample, if none is missing; 0: any is as good */
        bool is_hidden;      /* there is a segment whose header is damaged, so that no generation is known */
        bool is_hidden_told;
        RingReplay replay;
        unsigned newer; /* which of the samples holds the last one; the other is for the next */
        Sample samples[2];
        uint8_t segment[RING_SEGMENT_BYTES];
};

static int ring_reader_pread(const RingReader *reader, void *buffer, size_t size, uint64_t offset) {
        ssize_t n;

        do
                n = pread(reader->fd, buffer, size, (off_t)offset);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;

        return (size_t)n == size ? 0 : -EBADMSG; /* the file has become shorter */
}

static uint64_t ring_reader_offset(const RingReader *reader, uint64_t generation) {
        return RING_HEADER_BYTES + generation % reader->header.n_segments * RING_SEGMENT_BYTES;
}

/* 1 if the segment holds this generation, 0 if another or none, or a negative errno. */
static int ring_reader_probe(const RingReader *reader, uint64_t generation, RingSegment *ret) {
        RingSegment segment;
        int r;

        r = ring_reader_pread(reader, &segment, sizeof segment, ring_reader_offset(reader, generation));
        if (r < 0)
                return r;
        if (segment.generation != generation ||
            !ring_segment_is_valid(&reader->header, &segment,
                                   (uint32_t)(generation % reader->header.n_segments)))
                return 0;

        *ret = segment;
        return 1;
}

/*
 * The generation that segment @index holds; 0 if it is empty, being begun, or not
 * to be told for damage. Whatever is read while it is being begun may be half of
 * the old and half of the new, so only what stays wrong is damage.
 */
static int ring_reader_identify(RingReader *reader, uint32_t index, uint64_t *ret_generation) {
        RingSegment segment, before = { 0 };

        *ret_generation = 0;
        for (;;) {
                int r;

                r = ring_reader_pread(reader, &segment, sizeof segment, ring_reader_offset(reader, index));
                if (r < 0 || segment.generation == 0)
                        return r;
                if (ring_segment_is_valid(&reader->header, &segment, index)) {
                        *ret_generation = segment.generation;
                        return 0;
                }
                if (memcmp(&before, &segment, sizeof segment) == 0) {
                        reader->is_hidden = true;
                        return 0;
                }
                before = segment;
        }
}

/* The newest and the oldest generation that can be told; both 0 if there is none. */
static int ring_reader_range(RingReader *reader, uint64_t *ret_oldest, uint64_t *ret_newest) {
        uint64_t oldest = UINT64_MAX, newest = 0, generation;
        RingSegment segment;
        int r;

        for (uint32_t i = 0; i < reader->header.n_segments; i++) {
                r = ring_reader_identify(reader, i, &generation);
                if (r == -EBADMSG)
                        break;
                if (r < 0)
                        return r;
                newest = MAX(newest, generation);
        }

        for (uint64_t age = 0; age < reader->header.n_segments && age < newest; age++) {
                r = ring_reader_probe(reader, newest - age, &segment);
                if (r < 0 && r != -EBADMSG)
                        return r;
                if (r == 1)
                        oldest = newest - age;
        }

        *ret_newest = newest;
        *ret_oldest = newest > 0 ? oldest : 0;
        return 0;
}

/* Takes a copy of a segment. 1, or 0 if it is no longer there, or a negative errno. */
static int ring_reader_load(RingReader *reader, uint64_t generation) {
        RingSegment before, after;
        int r;

        r = ring_reader_probe(reader, generation, &before);
        if (r <= 0)
                return r;

        /* Until it is known to be whole, the copy may be of two generations. */
        reader->is_passed_over = true;
        r = ring_reader_pread(reader, reader->segment, sizeof reader->segment,
                              ring_reader_offset(reader, generation));
        if (r < 0)
                return r;

        r = ring_reader_probe(reader, generation, &after);
        if (r <= 0)
                return r;

        /* While it was being copied more may have been committed, of which the copy need not hold all. */
        memcpy(reader->segment, &before, sizeof before);
        reader->is_passed_over = false;
        return 1;
}

static void ring_reader_enter(RingReader *reader, uint64_t generation) {
        reader->generation = generation;
        ring_replay_init(&reader->replay, reader->segment);
        sample_clear(&reader->samples[reader->newer]);
}

/* Loads a generation and stands at its start. 1, 0 or a negative errno as ring_reader_load(). */
static int ring_reader_go(RingReader *reader, uint64_t generation) {
        int r;

        r = ring_reader_load(reader, generation);
        if (r > 0)
                ring_reader_enter(reader, generation);

        return r;
}

int ring_reader_open(const char *path, RingReader **ret, RingFault *ret_fault) {
        _cleanup_(ring_reader_closep) RingReader *reader = NULL;
        struct stat status;
        RingFault fault;
        int r;

        assert(path);
        assert(ret && ret_fault);

        reader = calloc(1, sizeof *reader);
        if (!reader)
                return -ENOMEM;

        reader->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (reader->fd < 0)
                return -errno;
        if (fstat(reader->fd, &status) < 0)
                return -errno;
        if (!S_ISREG(status.st_mode))
                return -ENOTSUP;

        r = ring_reader_pread(reader, &reader->header, sizeof reader->header, 0);
        if (r < 0 && r != -EBADMSG)
                return r;

        fault = r < 0 ? RING_FAULT_FOREIGN : ring_header_check(&reader->header, (uint64_t)status.st_size);
        if (fault != RING_FAULT_NONE) {
                *ret_fault = fault;
                return -EBADMSG;
        }

        r = ring_reader_seek(reader, 0);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(reader);
        return 0;
}

RingReader *ring_reader_close(RingReader *reader) {
        if (!reader)
                return NULL;

        reader->fd = close_fd(reader->fd);
        free(reader);
        return NULL;
}

int ring_reader_seek(RingReader *reader, usec_t realtime_usec) {
        uint64_t oldest, newest, best;
        RingSegment segment;
        int r;

        assert(reader);

        r = ring_reader_range(reader, &oldest, &newest);
        if (r < 0)
                return r;

        reader->generation = 0;
        reader->expected = newest == 0;
        if (newest == 0)
                return 0;

        best = oldest;
        for (uint64_t generation = newest; generation > oldest; generation--) {
                r = ring_reader_probe(reader, generation, &segment);
                if (r < 0 && r != -EBADMSG)
                        return r;
                if (r == 1 && segment.first_usec <= realtime_usec) {
                        best = generation;
                        break;
                }
        }

        r = ring_reader_go(reader, best);
        if (r < 0 && r != -EBADMSG)
                return r;
        if (r <= 0) {
                /* Overwritten since: the next call notices, and finds the oldest. */
                reader->generation = best;
                reader->is_passed_over = true;
        }

        return 0;
}

/* All has been read that can be: says once whether there is more that cannot. */
static int ring_reader_end(RingReader *reader) {
        if (!reader->is_hidden || reader->is_hidden_told)
                return 0;

        reader->is_hidden_told = true;
        return -EBADMSG;
}

/* Goes to the next generation there is. 1, or 0 if there is none, or what ring_reader_next() tells. */
static int ring_reader_advance(RingReader *reader, uint64_t oldest, uint64_t newest) {
        uint64_t next = reader->generation + 1;

        for (uint64_t generation = MAX(next, oldest); generation <= newest; generation++) {
                uint64_t expected = reader->expected;
                RingSegment segment;
                int r;

                r = ring_reader_go(reader, generation);
                if (r < 0 && r != -EBADMSG)
                        return r;
                if (r != 1)
                        continue;

                memcpy(&segment, reader->segment, sizeof segment);
                reader->expected = segment.first_number;
                if (generation > next) {
                        /* Overwritten, unless it is one in the middle: that has a damaged header. */
                        r = ring_reader_range(reader, &oldest, &newest);
                        return r < 0 ? r : next >= oldest ? -EBADMSG : -ESTALE;
                }
                if (expected > 0 && segment.first_number != expected)
                        return -ESTALE;
                return 1;
        }

        return ring_reader_end(reader);
}

static int ring_reader_step(RingReader *reader, const Sample **ret) {
        unsigned next = !reader->newer;
        int r;

        if (reader->generation == 0 || reader->is_passed_over)
                return 0;

        r = ring_replay_next(&reader->replay, reader->segment, &reader->samples[reader->newer],
                             &reader->samples[next]);
        if (r < 0) {
                reader->is_passed_over = true;
                reader->expected = 0;
        }
        if (r > 0) {
                reader->newer = next;
                reader->expected = reader->samples[next].number + 1;
                *ret = &reader->samples[next];
        }

        return r;
}

/* The copy is used up, but the same segment may hold more by now. */
static int ring_reader_step_further(RingReader *reader, const Sample **ret) {
        int r;

        if (reader->generation == 0 || reader->is_passed_over)
                return 0;

        r = ring_reader_load(reader, reader->generation);
        if (r < 0 && r != -EBADMSG)
                return r;

        return ring_reader_step(reader, ret);
}

int ring_reader_next(RingReader *reader, const Sample **ret) {
        uint64_t oldest, newest;
        int r;

        assert(reader);
        assert(ret);

        for (;;) {
                r = ring_reader_step(reader, ret);
                if (r != 0)
                        return r;

                /* In this order: once a later generation is seen, this one is known to be complete. */
                r = ring_reader_range(reader, &oldest, &newest);
                if (r < 0)
                        return r;
                r = ring_reader_step_further(reader, ret);
                if (r != 0)
                        return r;

                r = ring_reader_advance(reader, oldest, newest);
                if (r <= 0)
                        return r;
        }
}

int ring_reader_last(RingReader *reader, const Sample **ret) {
        uint64_t oldest, newest;
        const Sample *sample = NULL;
        int r;

        assert(reader);
        assert(ret);

        r = ring_reader_range(reader, &oldest, &newest);
        if (r < 0)
                return r;

        for (uint64_t generation = newest; generation > 0 && generation >= oldest; generation--) {
                r = ring_reader_go(reader, generation);
                if (r < 0 && r != -EBADMSG)
                        return r;
                if (r != 1)
                        continue;

                while (ring_reader_step(reader, &sample) > 0)
                        ;
                if (sample) {
                        *ret = sample;
                        return 1;
                }
        }

        return ring_reader_end(reader);
}
