/* SPDX-License-Identifier: Apache-2.0 */

#include <signal.h>
#include <string.h>

#include "base/macro.h"
#include "store/packing.h"
#include "suite.h"

static uint8_t bytes[64];
static Packer packer;

static void setup(void) {
        packer = (Packer){ .at = bytes, .end = bytes + sizeof bytes };
}

static Unpacker unpacker_of(size_t size) {
        return (Unpacker){ .at = bytes, .end = bytes + size };
}

static size_t packed_size(void) {
        return (size_t)(packer.at - bytes);
}

typedef struct VarintCase {
        uint64_t number;
        size_t size;
} VarintCase;

static const VarintCase varints[] = {
        { 0, 1 },
        { 1, 1 },
        { 0x7f, 1 },
        { 0x80, 2 },
        { 0x3fff, 2 },
        { 0x4000, 3 },
        { UINT32_MAX, 5 },
        { UINT64_C(1) << 62, 9 },
        { (UINT64_C(1) << 63) - 1, 9 },
        { UINT64_C(1) << 63, 10 },
        { UINT64_MAX, PACKING_VARINT_MAX },
};

START_TEST(a_varint_is_as_long_as_its_number)
{
        Unpacker unpacker;

        packer_put_varint(&packer, varints[_i].number);
        ck_assert_uint_eq(packed_size(), varints[_i].size);

        unpacker = unpacker_of(packed_size());
        ck_assert_uint_eq(unpacker_take_varint(&unpacker), varints[_i].number);
        ck_assert(!unpacker.is_bad);
        ck_assert(!unpacker_has_more(&unpacker));
}
END_TEST

START_TEST(a_varint_that_is_cut_short_is_bad)
{
        packer_put_varint(&packer, varints[_i].number);
        for (size_t size = 0; size < packed_size(); size++) {
                Unpacker unpacker = unpacker_of(size);

                ck_assert_uint_eq(unpacker_take_varint(&unpacker), 0);
                ck_assert(unpacker.is_bad);
        }
}
END_TEST

START_TEST(a_varint_of_more_than_64_bits_is_bad)
{
        Unpacker unpacker;

        memset(bytes, 0xff, sizeof bytes);
        unpacker = unpacker_of(sizeof bytes);
        ck_assert_uint_eq(unpacker_take_varint(&unpacker), 0);
        ck_assert(unpacker.is_bad);

        memcpy(bytes, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10);
        unpacker = unpacker_of(10);
        ck_assert_uint_eq(unpacker_take_varint(&unpacker), 0);
        ck_assert(unpacker.is_bad);
}
END_TEST

typedef struct DeltaCase {
        uint64_t number;
        uint64_t base;
        size_t size;
} DeltaCase;

static const DeltaCase deltas[] = {
        { 0, 0, 1 },
        { 5, 5, 1 },
        { 63, 0, 1 },
        { 64, 0, 2 },
        { 0, 64, 1 },
        { 0, 65, 2 },
        { UINT64_MAX, 0, 1 }, /* one less, modulo 2^64 */
        { 0, UINT64_MAX, 1 },
        { UINT64_C(1) << 63, 0, 10 },
        { 0, UINT64_C(1) << 63, 10 },
        { UINT64_MAX, UINT64_MAX, 1 },
};

START_TEST(a_delta_is_short_in_both_directions)
{
        Unpacker unpacker;

        packer_put_delta(&packer, deltas[_i].number, deltas[_i].base);
        ck_assert_uint_eq(packed_size(), deltas[_i].size);

        unpacker = unpacker_of(packed_size());
        ck_assert_uint_eq(unpacker_take_delta(&unpacker, deltas[_i].base), deltas[_i].number);
        ck_assert(!unpacker.is_bad);
}
END_TEST

START_TEST(a_section_knows_its_size)
{
        Unpacker unpacker, inner;
        uint8_t *body, tag;

        body = packer_begin_section(&packer, 7);
        packer_put_bytes(&packer, "abc", 3);
        packer_end_section(&packer, body);
        body = packer_begin_section(&packer, 8);
        packer_end_section(&packer, body);
        ck_assert_uint_eq(packed_size(), 2 * PACKING_SECTION_MAX + 3);
        ck_assert_mem_eq(bytes, "\x7\x3\0\0\0abc\x8\0\0\0\0", 13);

        unpacker = unpacker_of(packed_size());
        inner = unpacker_take_section(&unpacker, &tag);
        ck_assert_uint_eq(tag, 7);
        ck_assert_mem_eq(unpacker_take_bytes(&inner, 3), "abc", 3);
        ck_assert(!unpacker_has_more(&inner));
        inner = unpacker_take_section(&unpacker, &tag);
        ck_assert_uint_eq(tag, 8);
        ck_assert(!inner.is_bad);
        ck_assert(!unpacker_has_more(&inner));
        ck_assert(!unpacker_has_more(&unpacker));
        ck_assert(!unpacker.is_bad);
}
END_TEST

START_TEST(a_section_that_is_cut_short_is_bad)
{
        uint8_t *body = packer_begin_section(&packer, 7), tag;

        packer_put_bytes(&packer, "abc", 3);
        packer_end_section(&packer, body);
        for (size_t size = 0; size < packed_size(); size++) {
                Unpacker unpacker = unpacker_of(size);

                ck_assert(unpacker_take_section(&unpacker, &tag).is_bad);
                ck_assert(unpacker.is_bad);
                ck_assert_uint_eq(tag, 0);
        }
}
END_TEST

START_TEST(a_section_of_4_gib_is_bad)
{
        Unpacker unpacker;
        uint8_t tag;

        memcpy(bytes, "\x7\xff\xff\xff\xff", 5);
        unpacker = unpacker_of(sizeof bytes);
        ck_assert(unpacker_take_section(&unpacker, &tag).is_bad);
        ck_assert(unpacker.is_bad);
}
END_TEST

START_TEST(what_is_bad_stays_bad)
{
        Unpacker unpacker = unpacker_of(4);

        bytes[0] = 17;
        ck_assert_ptr_null(unpacker_take_bytes(&unpacker, 5));
        ck_assert(unpacker.is_bad);
        ck_assert_uint_eq(unpacker_take_byte(&unpacker), 0);
        ck_assert_uint_eq(unpacker_take_varint(&unpacker), 0);
        ck_assert_uint_eq(unpacker_take_delta(&unpacker, 9), 9);
        ck_assert_ptr_null(unpacker_take_bytes(&unpacker, 0));
        ck_assert(!unpacker_has_more(&unpacker));
}
END_TEST

#ifndef TEST_WITHOUT_ASSERTS
START_TEST(a_full_packer_is_a_bug)
{
        for (size_t i = 0; i <= sizeof bytes; i++)
                packer_put_byte(&packer, 0);
}
END_TEST
#endif

int main(void) {
        Suite *suite = suite_create("packing");
        TCase *numbers = tcase_create("numbers");
        TCase *sections = tcase_create("sections");

        tcase_add_checked_fixture(numbers, setup, NULL);
        tcase_add_loop_test(numbers, a_varint_is_as_long_as_its_number, 0, ELEMENTSOF(varints));
        tcase_add_loop_test(numbers, a_varint_that_is_cut_short_is_bad, 0, ELEMENTSOF(varints));
        tcase_add_test(numbers, a_varint_of_more_than_64_bits_is_bad);
        tcase_add_loop_test(numbers, a_delta_is_short_in_both_directions, 0, ELEMENTSOF(deltas));
        tcase_add_test(numbers, what_is_bad_stays_bad);
#ifndef TEST_WITHOUT_ASSERTS
        tcase_add_test_raise_signal(numbers, a_full_packer_is_a_bug, SIGABRT);
#endif
        suite_add_tcase(suite, numbers);

        tcase_add_checked_fixture(sections, setup, NULL);
        tcase_add_test(sections, a_section_knows_its_size);
        tcase_add_test(sections, a_section_that_is_cut_short_is_bad);
        tcase_add_test(sections, a_section_of_4_gib_is_bad);
        suite_add_tcase(suite, sections);

        return suite_main(suite);
}
