/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "suite.h"

typedef struct FixedCase {
        uint64_t number;
        unsigned decimals;
        const char *text;
} FixedCase;

static const FixedCase fixed_cases[] = {
        { 0, 0, "0" },
        { 0, 6, "0" },
        { 1500000, 6, "1.5" },
        { 2000, 3, "2" },
        { 1, 6, "0.000001" },
        { 10, 6, "0.00001" },
        { 1000001, 6, "1.000001" },
        { 17, 0, "17" },
        { UINT64_MAX, 0, "18446744073709551615" },
        { UINT64_MAX, 19, "1.8446744073709551615" },
        { UINT64_MAX, 9, "18446744073.709551615" },
};

static const uint64_t numbers[] = { 0, 9, 10, 1234567890, UINT64_MAX };

static Text text;

static void teardown(void) {
        text_done(&text);
}

static void check_text(const char *wanted) {
        ck_assert_int_eq(text_error(&text), 0);
        ck_assert_uint_eq(text.length, strlen(wanted));
        ck_assert_mem_eq(text.data, wanted, text.length);
}

START_TEST(an_empty_text_has_no_memory)
{
        ck_assert_int_eq(text_error(&text), 0);
        ck_assert_uint_eq(text.length, 0);
        ck_assert_ptr_null(text.data);

        text_append_bytes(&text, NULL, 0);
        text_append(&text, "");
        ck_assert_ptr_null(text.data);
}
END_TEST

START_TEST(what_is_appended_stands_in_order)
{
        text_append(&text, "a");
        text_append_bytes(&text, "bcd", 2);
        text_append_u64(&text, 42);
        text_appendf(&text, "%s-%d", "e", -1);
        check_text("abc42e--1");
}
END_TEST

START_TEST(bytes_may_be_any)
{
        text_append_bytes(&text, "\0\n\xff", 3);
        ck_assert_uint_eq(text.length, 3);
        ck_assert_mem_eq(text.data, "\0\n\xff", 3);
}
END_TEST

START_TEST(a_number_is_written_in_full)
{
        char wanted[32];

        (void)snprintf(wanted, sizeof wanted, "%" PRIu64, numbers[_i]);
        text_append_u64(&text, numbers[_i]);
        check_text(wanted);
}
END_TEST

START_TEST(a_fixed_number_ends_in_no_zeros)
{
        text_append_fixed(&text, fixed_cases[_i].number, fixed_cases[_i].decimals);
        check_text(fixed_cases[_i].text);
}
END_TEST

START_TEST(a_text_grows_and_keeps_what_it_has)
{
        char piece[1000];

        for (size_t i = 0; i < 1000; i++) {
                memset(piece, (int)('a' + i % 26), sizeof piece);
                text_append_bytes(&text, piece, i);
        }
        ck_assert_int_eq(text_error(&text), 0);
        ck_assert_uint_eq(text.length, 999 * 1000 / 2);

        for (size_t i = 0, at = 0; i < 1000; at += i++) {
                memset(piece, (int)('a' + i % 26), sizeof piece);
                ck_assert_mem_eq(text.data + at, piece, i);
        }
}
END_TEST

START_TEST(one_piece_may_be_larger_than_twice_the_text)
{
        static char piece[100000];

        memset(piece, 'x', sizeof piece);
        text_append(&text, "a");
        text_append_bytes(&text, piece, sizeof piece);
        ck_assert_uint_eq(text.length, 1 + sizeof piece);
        ck_assert_int_eq(text.data[sizeof piece], 'x');
}
END_TEST

START_TEST(clearing_keeps_the_memory)
{
        const char *data;
        size_t size;

        text_append(&text, "first");
        data = text.data;
        size = text.size;
        text_clear(&text);
        ck_assert_uint_eq(text.length, 0);

        text_append(&text, "second");
        check_text("second");
        ck_assert_ptr_eq(text.data, data);
        ck_assert_uint_eq(text.size, size);
}
END_TEST

START_TEST(a_text_is_freed_twice_without_harm)
{
        text_append(&text, "a");
        text_done(&text);
        text_done(&text);
        ck_assert_ptr_null(text.data);

        text_append(&text, "b");
        check_text("b");
}
END_TEST

START_TEST(an_error_stays_until_cleared)
{
        text_append(&text, "a");
        text.error = -ENOMEM;
        text_append(&text, "b");
        ck_assert_int_eq(text_error(&text), -ENOMEM);
        ck_assert_uint_eq(text.length, 1);

        text_clear(&text);
        text_append(&text, "c");
        check_text("c");
}
END_TEST

START_TEST(more_than_memory_can_hold_is_an_error)
{
        const char *volatile bytes = "b";

        text_append(&text, "a");
        text_append_bytes(&text, bytes, SIZE_MAX);
        ck_assert_int_eq(text_error(&text), -ENOMEM);
        ck_assert_uint_eq(text.length, 1);
}
END_TEST

#ifndef TEST_WITHOUT_ASSERTS
START_TEST(a_formatted_piece_is_short)
{ text_appendf(&text, "%600d", 1); }
END_TEST
#endif

int main(void) {
        Suite *suite = suite_create("text");
        TCase *appending = tcase_create("appending");

        tcase_add_checked_fixture(appending, NULL, teardown);
        tcase_add_test(appending, an_empty_text_has_no_memory);
        tcase_add_test(appending, what_is_appended_stands_in_order);
        tcase_add_test(appending, bytes_may_be_any);
        tcase_add_loop_test(appending, a_number_is_written_in_full, 0, ELEMENTSOF(numbers));
        tcase_add_loop_test(appending, a_fixed_number_ends_in_no_zeros, 0, ELEMENTSOF(fixed_cases));
        tcase_add_test(appending, a_text_grows_and_keeps_what_it_has);
        tcase_add_test(appending, one_piece_may_be_larger_than_twice_the_text);
        tcase_add_test(appending, clearing_keeps_the_memory);
        tcase_add_test(appending, a_text_is_freed_twice_without_harm);
        tcase_add_test(appending, an_error_stays_until_cleared);
        tcase_add_test(appending, more_than_memory_can_hold_is_an_error);
#ifndef TEST_WITHOUT_ASSERTS
        tcase_add_test_raise_signal(appending, a_formatted_piece_is_short, SIGABRT);
#endif
        suite_add_tcase(suite, appending);

        return suite_main(suite);
}
