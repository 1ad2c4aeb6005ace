/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "store/ring_format.h"
#include "store/ring_replay.h"
#include "suite.h"
#include "unit/samples.h"

#define N_SEGMENTS 4
#define FILE_BYTES (RING_HEADER_BYTES + (uint64_t)N_SEGMENTS * RING_SEGMENT_BYTES)

static RingHeader header;
static uint8_t segment[RING_SEGMENT_BYTES];
static size_t offset;
static uint32_t checksum;
static Sample empty, sample;

static void setup(void) {
        header = (RingHeader){
                .magic = RING_MAGIC,
                .version = RING_VERSION,
                .byte_order = RING_BYTE_ORDER,
                .segment_bytes = RING_SEGMENT_BYTES,
                .n_segments = N_SEGMENTS,
                .file_id = 7,
        };
        header.checksum = ring_header_checksum(&header);
        sample_clear(&empty);
}

typedef struct HeaderCase {
        const char *what;
        size_t offset;
        uint8_t byte;
        bool is_sealed; /* the checksum is that of the changed header */
        RingFault fault;
} HeaderCase;

static const HeaderCase headers[] = {
        { "magic", 0, 'S', true, RING_FAULT_FOREIGN },
        { "end of magic", 15, 1, true, RING_FAULT_FOREIGN },
        { "version", offsetof(RingHeader, version), RING_VERSION + 1, true, RING_FAULT_VERSION },
        { "version, unsealed", offsetof(RingHeader, version), RING_VERSION + 1, false, RING_FAULT_VERSION },
        { "byte order", offsetof(RingHeader, byte_order), 1, true, RING_FAULT_VERSION },
        { "segment bytes", offsetof(RingHeader, segment_bytes), 1, true, RING_FAULT_VERSION },
        { "segment bytes, unsealed", offsetof(RingHeader, segment_bytes), 1, false, RING_FAULT_DAMAGED },
        { "too few segments", offsetof(RingHeader, n_segments), 3, true, RING_FAULT_VERSION },
        { "no segments", offsetof(RingHeader, n_segments), 0, true, RING_FAULT_VERSION },
        { "more segments than the file has", offsetof(RingHeader, n_segments), 5, true, RING_FAULT_DAMAGED },
        { "too many segments", offsetof(RingHeader, n_segments) + 3, 1, true, RING_FAULT_VERSION },
        { "file id", offsetof(RingHeader, file_id), 8, true, RING_FAULT_NONE },
        { "file id, unsealed", offsetof(RingHeader, file_id), 8, false, RING_FAULT_DAMAGED },
        { "checksum", offsetof(RingHeader, checksum), 0, false, RING_FAULT_DAMAGED },
};

START_TEST(a_header_tells_what_is_wrong)
{
        const HeaderCase *changed = &headers[_i];

        ck_assert_int_eq(ring_header_check(&header, FILE_BYTES), RING_FAULT_NONE);
        ((uint8_t *)&header)[changed->offset] = changed->byte;
        if (changed->is_sealed)
                header.checksum = ring_header_checksum(&header);
        ck_assert_msg(ring_header_check(&header, FILE_BYTES) == changed->fault, "%s", changed->what);
}
END_TEST

static const uint64_t wrong_lengths[] = { FILE_BYTES - 1, FILE_BYTES + 1, RING_HEADER_BYTES,
                                          sizeof(RingHeader) };

START_TEST(a_file_has_the_length_its_header_says)
{ ck_assert_int_eq(ring_header_check(&header, wrong_lengths[_i]), RING_FAULT_DAMAGED); }
END_TEST

START_TEST(a_file_shorter_than_a_header_is_foreign)
{
        ck_assert_int_eq(ring_header_check(&header, sizeof header - 1), RING_FAULT_FOREIGN);
        ck_assert_int_eq(ring_header_check(&header, 0), RING_FAULT_FOREIGN);
}
END_TEST

START_TEST(every_fault_is_described)
{
        for (RingFault fault = RING_FAULT_NONE; fault <= RING_FAULT_DAMAGED; fault++)
                ck_assert_int_eq(strncmp(ring_fault_describe(fault), "is ", 3), 0);
}
END_TEST

START_TEST(a_segment_belongs_to_its_place_and_its_file)
{
        RingSegment fields = { .generation = 6, .first_number = 17 };

        fields.checksum = ring_segment_checksum(&header, &fields);
        ck_assert(ring_segment_is_valid(&header, &fields, 2));
        ck_assert(!ring_segment_is_valid(&header, &fields, 1));

        fields.committed_bytes = RING_SEGMENT_ROOM;
        ck_assert(ring_segment_is_valid(&header, &fields, 2));
        fields.committed_bytes++;
        ck_assert(!ring_segment_is_valid(&header, &fields, 2));
        fields.committed_bytes = 0;

        fields.first_number++;
        ck_assert(!ring_segment_is_valid(&header, &fields, 2));
        fields.first_number--;

        fields.reserved = 1;
        fields.checksum = ring_segment_checksum(&header, &fields);
        ck_assert(!ring_segment_is_valid(&header, &fields, 2));
        fields.reserved = 0;
        fields.checksum = ring_segment_checksum(&header, &fields);

        header.file_id++;
        ck_assert(!ring_segment_is_valid(&header, &fields, 2));
}
END_TEST

/* ---- records ---- */

static void begin_segment(void) {
        RingSegment fields = { .generation = 1, .first_number = 1 };

        setup();
        memset(segment, 0, sizeof segment);
        fields.checksum = ring_segment_checksum(&header, &fields);
        memcpy(segment, &fields, sizeof fields);
        offset = sizeof fields;
        checksum = fields.checksum;
}

static void set_committed(uint64_t bytes) {
        memcpy(segment + offsetof(RingSegment, committed_bytes), &bytes, sizeof bytes);
}

/* As the writer does it. */
static void put_record(uint32_t size) {
        RingRecord record = { .size = size };

        record.checksum = ring_record_checksum(checksum, segment + offset + sizeof record, size);
        memcpy(segment + offset, &record, sizeof record);
        checksum = record.checksum;
        offset += RING_RECORD_BYTES(size);
        set_committed(offset - sizeof(RingSegment));
}

static void put_sample(uint64_t number) {
        static uint8_t packed[SAMPLE_ENCODED_MAX];
        size_t size;

        sample_make_small(&sample);
        sample.number = number;
        size = sample_encode(&empty, &sample, packed);
        memcpy(segment + offset + sizeof(RingRecord), packed, size);
        put_record((uint32_t)size);
}

START_TEST(a_chain_is_followed_to_its_end)
{
        RingReplay replay;
        Sample *got = malloc(sizeof *got);

        for (uint64_t number = 1; number <= 5; number++)
                put_sample(number);

        ck_assert(ring_replay_is_sound(segment));
        ring_replay_init(&replay, segment);
        for (uint64_t number = 1; number <= 5; number++) {
                ck_assert_int_eq(ring_replay_next(&replay, segment, &empty, got), 1);
                ck_assert_uint_eq(got->number, number);
        }
        for (unsigned i = 0; i < 3; i++)
                ck_assert_int_eq(ring_replay_next(&replay, segment, &empty, got), 0);
        ck_assert_uint_eq(replay.offset, offset);
        ck_assert_uint_eq(replay.checksum, checksum);
        free(got);
}
END_TEST

START_TEST(a_record_that_is_not_counted_yet_is_one)
{
        RingReplay replay;

        put_sample(1);
        set_committed(0);
        ck_assert(ring_replay_is_sound(segment));
        ring_replay_init(&replay, segment);
        ck_assert_int_eq(ring_replay_next(&replay, segment, &empty, &sample), 1);
        ck_assert_int_eq(ring_replay_next(&replay, segment, &empty, &sample), 0);
}
END_TEST

START_TEST(a_record_that_is_counted_and_not_there_is_damage)
{
        RingReplay replay;

        put_sample(1);
        set_committed(offset - sizeof(RingSegment) + 1);
        ck_assert(!ring_replay_is_sound(segment));
        ring_replay_init(&replay, segment);
        ck_assert_int_eq(ring_replay_next(&replay, segment, &empty, &sample), 1);
        ck_assert_int_eq(ring_replay_next(&replay, segment, &empty, &sample), -EBADMSG);
}
END_TEST

START_TEST(a_record_of_another_chain_is_the_end)
{
        RingReplay replay;
        size_t second;

        put_sample(1);
        second = offset;
        checksum ^= 1;
        put_sample(2);
        set_committed(second - sizeof(RingSegment));

        ring_replay_init(&replay, segment);
        ck_assert_int_eq(ring_replay_next(&replay, segment, &empty, &sample), 1);
        ck_assert_int_eq(ring_replay_next(&replay, segment, &empty, &sample), 0);
}
END_TEST

START_TEST(a_record_that_holds_no_sample_is_damage)
{
        RingReplay replay;

        memset(segment + offset + sizeof(RingRecord), 0xff, 100);
        put_record(100);
        ck_assert(ring_replay_is_sound(segment));
        ring_replay_init(&replay, segment);
        ck_assert_int_eq(ring_replay_next(&replay, segment, &empty, &sample), -EBADMSG);
}
END_TEST

static const uint32_t wrong_sizes[] = {
        0, SAMPLE_ENCODED_MAX + 1, RING_SEGMENT_BYTES, UINT32_C(0x7fffffff), UINT32_MAX - 7, UINT32_MAX,
};

START_TEST(a_record_of_a_size_that_cannot_be_is_the_end)
{
        RingRecord record = { .size = wrong_sizes[_i] }, got;

        memcpy(segment + offset, &record, sizeof record);
        ck_assert_int_eq(ring_record_check(segment, offset, checksum, &got), 0);
}
END_TEST

START_TEST(a_record_does_not_reach_beyond_its_segment)
{
        const size_t room_end = sizeof(RingSegment) + RING_SEGMENT_ROOM;
        RingRecord got;

        for (size_t at = room_end - 64; at <= RING_SEGMENT_BYTES; at += 8) {
                offset = at;
                if (at + sizeof(RingRecord) + 32 <= RING_SEGMENT_BYTES)
                        put_record(32);
                ck_assert_int_eq(ring_record_check(segment, at, 0, &got), 0);
        }

        offset = room_end - RING_RECORD_BYTES(32);
        checksum = 5;
        put_record(32);
        ck_assert_int_eq(ring_record_check(segment, room_end - RING_RECORD_BYTES(32), 5, &got), 1);
        ck_assert_uint_eq(got.size, 32);
        offset = room_end - RING_RECORD_BYTES(32) + 8;
        checksum = 5;
        put_record(32);
        ck_assert_int_eq(ring_record_check(segment, room_end - RING_RECORD_BYTES(32) + 8, 5, &got), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("ring-format");
        TCase *heads = tcase_create("headers");
        TCase *records = tcase_create("records");

        tcase_add_checked_fixture(heads, setup, NULL);
        tcase_add_loop_test(heads, a_header_tells_what_is_wrong, 0, ELEMENTSOF(headers));
        tcase_add_loop_test(heads, a_file_has_the_length_its_header_says, 0, ELEMENTSOF(wrong_lengths));
        tcase_add_test(heads, a_file_shorter_than_a_header_is_foreign);
        tcase_add_test(heads, every_fault_is_described);
        tcase_add_test(heads, a_segment_belongs_to_its_place_and_its_file);
        suite_add_tcase(suite, heads);

        tcase_add_checked_fixture(records, begin_segment, NULL);
        tcase_add_test(records, a_chain_is_followed_to_its_end);
        tcase_add_test(records, a_record_that_is_not_counted_yet_is_one);
        tcase_add_test(records, a_record_that_is_counted_and_not_there_is_damage);
        tcase_add_test(records, a_record_of_another_chain_is_the_end);
        tcase_add_test(records, a_record_that_holds_no_sample_is_damage);
        tcase_add_loop_test(records, a_record_of_a_size_that_cannot_be_is_the_end, 0,
                            ELEMENTSOF(wrong_sizes));
        tcase_add_test(records, a_record_does_not_reach_beyond_its_segment);
        suite_add_tcase(suite, records);

        return suite_main(suite);
}
