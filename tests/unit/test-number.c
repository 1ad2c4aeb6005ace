/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/number.h"
#include "suite.h"

#define UNTOUCHED UINT64_C(0x5a5a5a5a)

typedef struct NumberCase {
        const char *text;
        int error;
        uint64_t value;
} NumberCase;

static const NumberCase u64_cases[] = {
        { "0", 0, 0 },
        { "7", 0, 7 },
        { "007", 0, 7 },
        { "18446744073709551615", 0, UINT64_MAX },
        { "18446744073709551616", -ERANGE },
        { "18446744073709551620", -ERANGE },
        { "184467440737095516150", -ERANGE },
        { "99999999999999999999999999x", -ERANGE },
        { "", -EINVAL },
        { " 1", -EINVAL },
        { "1 ", -EINVAL },
        { "1\n", -EINVAL },
        { "+1", -EINVAL },
        { "-1", -EINVAL },
        { "0x10", -EINVAL },
        { "1e3", -EINVAL },
        { "1.0", -EINVAL },
        { "x", -EINVAL },
        { "\xd9\xa1", -EINVAL }, /* a digit, but not one of ours */
};

static const NumberCase size_cases[] = {
        { "0", 0, 0 },
        { "65536", 0, 65536 },
        { "64KiB", 0, 65536 },
        { "16MiB", 0, UINT64_C(16) << 20 },
        { "1GiB", 0, UINT64_C(1) << 30 },
        { "17179869183GiB", 0, UINT64_C(17179869183) << 30 },
        { "17179869184GiB", -ERANGE },
        { "18446744073709551616", -ERANGE },
        { "", -EINVAL },
        { "KiB", -EINVAL },
        { "1 KiB", -EINVAL },
        { "1kib", -EINVAL },
        { "1KB", -EINVAL },
        { "1K", -EINVAL },
        { "1KiBs", -EINVAL },
        { "1.5MiB", -EINVAL },
        { "-1MiB", -EINVAL },
};

static const NumberCase duration_cases[] = {
        { "0s", 0, 0 },
        { "17us", 0, 17 },
        { "250ms", 0, 250000 },
        { "1s", 0, USEC_PER_SEC },
        { "1.5s", 0, 1500000 },
        { "0.000001s", 0, 1 },
        { "1.25m", 0, 75 * USEC_PER_SEC },
        { "0.5us", 0, 0 },
        { "10m", 0, 10 * USEC_PER_MINUTE },
        { "1h", 0, USEC_PER_HOUR },
        { "5124095576h", 0, 5124095576 * USEC_PER_HOUR },
        { "5124095577h", -ERANGE },
        { "18446744073709551615.999999us", 0, UINT64_MAX },
        { "18446744073709.551615s", 0, UINT64_MAX },
        { "18446744073709.551616s", -ERANGE },
        { "18446744073709551616us", -ERANGE },
        { "1.99999999999999999999s", -ERANGE },
        { "", -EINVAL },
        { "1", -EINVAL },
        { "s", -EINVAL },
        { ".5s", -EINVAL },
        { "1.s", -EINVAL },
        { "1.1234567s", -EINVAL },
        { "1.5.5s", -EINVAL },
        { "1 s", -EINVAL },
        { "1S", -EINVAL },
        { "1d", -EINVAL },
        { "1s ", -EINVAL },
        { "-1s", -EINVAL },
};

/* Parses from memory of just that size, so that a sanitizer sees a byte too many being read. */
static void check_case(const NumberCase *number,
                       int (*parse)(const char *text, size_t size, uint64_t *ret)) {
        size_t size = strlen(number->text);
        char *text = size > 0 ? memcpy(malloc(size), number->text, size) : NULL;
        uint64_t value = UNTOUCHED;

        ck_assert_msg(parse(text, size, &value) == number->error, "\"%s\"", number->text);
        ck_assert_uint_eq(value, number->error == 0 ? number->value : UNTOUCHED);
        free(text);
}

START_TEST(a_number_is_all_of_its_text)
{ check_case(&u64_cases[_i], number_parse_u64); }
END_TEST

START_TEST(a_size_is_a_number_and_a_binary_unit)
{ check_case(&size_cases[_i], number_parse_size); }
END_TEST

static const NumberCase percent_cases[] = {
        { "0%", 0, 0 },
        { "1%", 0, 10000 },
        { "0.5%", 0, 5000 },
        { "0.0001%", 0, 1 },
        { "12.3456%", 0, 123456 },
        { "100%", 0, 1000000 },
        { "250%", 0, 2500000 },
        { "0.00001%", -EINVAL, 0 },
        { "1", -EINVAL, 0 },
        { "%", -EINVAL, 0 },
        { ".5%", -EINVAL, 0 },
        { "1.%", -EINVAL, 0 },
        { "1 %", -EINVAL, 0 },
        { "-1%", -EINVAL, 0 },
        { "1%%", -EINVAL, 0 },
        { "1844674407370956%", -ERANGE, 0 },
        { "99999999999999999999%", -ERANGE, 0 },
};

START_TEST(a_share_is_a_number_and_a_percent_sign)
{ check_case(&percent_cases[_i], number_parse_percent); }
END_TEST

START_TEST(a_duration_is_a_number_and_a_unit)
{ check_case(&duration_cases[_i], number_parse_duration); }
END_TEST

#ifndef TEST_WITHOUT_ASSERTS
START_TEST(a_number_needs_a_place_to_go)
{ (void)!number_parse_u64("1", 1, NULL); }
END_TEST
#endif

int main(void) {
        Suite *suite = suite_create("number");
        TCase *parsing = tcase_create("parsing");

        tcase_add_loop_test(parsing, a_number_is_all_of_its_text, 0, ELEMENTSOF(u64_cases));
        tcase_add_loop_test(parsing, a_size_is_a_number_and_a_binary_unit, 0, ELEMENTSOF(size_cases));
        tcase_add_loop_test(parsing, a_share_is_a_number_and_a_percent_sign, 0, ELEMENTSOF(percent_cases));
        tcase_add_loop_test(parsing, a_duration_is_a_number_and_a_unit, 0, ELEMENTSOF(duration_cases));
#ifndef TEST_WITHOUT_ASSERTS
        tcase_add_test_raise_signal(parsing, a_number_needs_a_place_to_go, SIGABRT);
#endif
        suite_add_tcase(suite, parsing);

        return suite_main(suite);
}
