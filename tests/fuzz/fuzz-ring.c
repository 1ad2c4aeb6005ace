/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A ring file of four segments with a few samples each, and what the input makes of it
 *
 * The first byte says what the rest is:
 *   bits 0-1  0: patches of 3 bytes where, 1 byte how long, and bytes
 *             1: the second segment, as it is
 *             2, 3: packed samples of 2 bytes how long, and bytes, which are
 *                sealed as the writer would, for a decoder cannot be reached
 *                past its checksums by chance
 *   bit 2     the file is also opened to be written
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/macro.h"
#include "fuzz/fuzz.h"
#include "store/ring.h"
#include "store/ring_reader.h"
#include "unit/samples.h"

#define N_SEGMENTS RING_SEGMENTS_MIN
#define N_RECORDS  3
#define N_STEPS    1000 /* more than any file of these can take to read */

static uint8_t sound[RING_BYTES_MIN], file[RING_BYTES_MIN], packed[SAMPLE_ENCODED_MAX];
static Sample sample;
static RingHeader header;
static char folder[64], path[80];

typedef struct Segment {
        uint8_t *at;
        RingSegment fields;
        size_t offset;
        uint32_t checksum;
} Segment;

static Segment segment_begin(uint8_t *bytes, uint64_t generation, uint64_t first_number) {
        Segment segment = {
                .at = bytes + RING_HEADER_BYTES + generation % N_SEGMENTS * RING_SEGMENT_BYTES,
                .fields = { .generation = generation, .first_number = first_number },
                .offset = sizeof(RingSegment),
        };

        segment.fields.checksum = segment.checksum = ring_segment_checksum(&header, &segment.fields);
        memcpy(segment.at, &segment.fields, sizeof segment.fields);
        return segment;
}

static void segment_add(Segment *segment, const void *bytes, uint32_t size) {
        RingRecord record = { .size = size,
                              .checksum = ring_record_checksum(segment->checksum, bytes, size) };

        if (segment->offset - sizeof(RingSegment) + RING_RECORD_BYTES(size) > RING_SEGMENT_ROOM)
                return;

        memcpy(segment->at + segment->offset, &record, sizeof record);
        memcpy(segment->at + segment->offset + sizeof record, bytes, size);
        segment->checksum = record.checksum;
        segment->offset += RING_RECORD_BYTES(size);
        segment->fields.committed_bytes = segment->offset - sizeof(RingSegment);
        memcpy(segment->at, &segment->fields, sizeof segment->fields);
}

static void remove_folder(void) {
        static const char *const names[] = { "", ".set-aside", ".set-aside-2", ".set-aside-3" };
        char name[100];

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                (void)snprintf(name, sizeof name, "%s%s", path, names[i]);
                (void)unlink(name);
        }
        (void)rmdir(folder);
}

static void make_sound(void) {
        uint64_t number = 1;

        header = (RingHeader){
                .magic = RING_MAGIC,
                .version = RING_VERSION,
                .byte_order = RING_BYTE_ORDER,
                .segment_bytes = RING_SEGMENT_BYTES,
                .n_segments = N_SEGMENTS,
                .file_id = 7625,
        };
        header.checksum = ring_header_checksum(&header);
        memcpy(sound, &header, sizeof header);

        for (uint64_t generation = 1; generation <= N_SEGMENTS; generation++) {
                Segment segment = segment_begin(sound, generation, number);
                Sample *last = calloc(1, sizeof *last);

                for (unsigned i = 0; i < N_RECORDS; i++) {
                        sample_make_small(&sample);
                        sample.number = number++;
                        sample.realtime_usec += number * USEC_PER_SEC;
                        segment_add(&segment, packed, (uint32_t)sample_encode(last, &sample, packed));
                        sample_copy(last, &sample);
                }
                free(last);
        }

        (void)snprintf(folder, sizeof folder, "%s/sockwatch-fuzz-XXXXXX",
                       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        FUZZ_CHECK(mkdtemp(folder));
        (void)snprintf(path, sizeof path, "%s/ring", folder);
        FUZZ_CHECK(atexit(remove_folder) == 0);
}

static void apply_patches(const uint8_t *data, size_t size) {
        while (size > 4) {
                size_t at = data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16,
                       n = MIN(data[3] % 32U, size - 4);

                /* The first half: anywhere. The other: where something stands. */
                if (at >> 23)
                        at = RING_HEADER_BYTES + at % N_SEGMENTS * RING_SEGMENT_BYTES +
                             at / N_SEGMENTS % 2048;
                at %= sizeof file - n;
                memcpy(file + at, data + 4, n);
                data += 4 + n;
                size -= 4 + n;
        }
}

static void apply_samples(const uint8_t *data, size_t size) {
        Segment segment = segment_begin(file, N_SEGMENTS + 1, N_SEGMENTS * N_RECORDS + 1);

        while (size > 2) {
                size_t n = MIN(data[0] | (size_t)data[1] << 8, size - 2);

                if (n == 0)
                        break;
                segment_add(&segment, data + 2, (uint32_t)n);
                data += 2 + n;
                size -= 2 + n;
        }
}

static void write_file(void) {
        _cleanup_(close_fdp) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        FUZZ_CHECK(fd >= 0);
        FUZZ_CHECK(pwrite(fd, file, sizeof file, 0) == sizeof file);
        FUZZ_CHECK(ftruncate(fd, sizeof file) == 0);
}

static void check_sample(const Sample *got) {
        FUZZ_CHECK(!sample_find_fault(got));
}

static void read_file(void) {
        _cleanup_(ring_reader_closep) RingReader *reader = NULL;
        const Sample *got;
        RingFault fault;
        unsigned n = 0;
        int r;

        r = ring_reader_open(path, &reader, &fault);
        FUZZ_CHECK(r == 0 || r == -EBADMSG);
        if (r < 0)
                return;

        while ((r = ring_reader_next(reader, &got)) != 0) {
                FUZZ_CHECK(r == 1 || r == -EBADMSG || r == -ESTALE);
                FUZZ_CHECK(++n < N_STEPS + sizeof file / 16);
                if (r == 1)
                        check_sample(got);
        }

        r = ring_reader_last(reader, &got);
        FUZZ_CHECK(r == 0 || r == 1 || r == -EBADMSG);
        if (r == 1)
                check_sample(got);
        FUZZ_CHECK(ring_reader_seek(reader, sample.realtime_usec) == 0);
        r = ring_reader_next(reader, &got);
        FUZZ_CHECK(r == 0 || r == 1 || r == -EBADMSG || r == -ESTALE);
}

static void continue_file(void) {
        _cleanup_(ring_closep) Ring *ring = NULL;
        _cleanup_(ring_reader_closep) RingReader *reader = NULL;
        RingFinding finding;
        const Sample *got;
        RingFault fault;

        FUZZ_CHECK(ring_open(path, sizeof file, &ring, &finding) == 0);
        sample_make_small(&sample);
        FUZZ_CHECK(ring_append(ring, &sample) == 0);
        FUZZ_CHECK(sample.number == finding.n_continued + 1);

        FUZZ_CHECK(ring_reader_open(path, &reader, &fault) == 0);
        FUZZ_CHECK(ring_reader_last(reader, &got) == 1);
        FUZZ_CHECK(sample_is_same(got, &sample));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        if (size == 0)
                return 0;
        if (folder[0] == '\0')
                make_sound();

        sample_make_small(&sample);
        memcpy(file, sound, sizeof file);
        switch (data[0] & 3) {
        case 0:
                apply_patches(data + 1, size - 1);
                break;
        case 1:
                memcpy(file + RING_HEADER_BYTES + RING_SEGMENT_BYTES, data + 1,
                       MIN(size - 1, (size_t)RING_SEGMENT_BYTES));
                break;
        default:
                apply_samples(data + 1, size - 1);
                break;
        }

        write_file();
        read_file();
        if (data[0] & 4)
                continue_file();
        return 0;
}
