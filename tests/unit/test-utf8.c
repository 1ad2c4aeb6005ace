/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "base/utf8.h"
#include "suite.h"

typedef struct LengthCase {
        const char *string;
        size_t length;
} LengthCase;

static const LengthCase lengths[] = {
        { "", 1 },
        { "a", 1 },
        { "\x7f", 1 },
        { "\xc2\x80", 2 },
        { "\xdf\xbfx", 2 },
        { "\xe0\xa0\x80", 3 },
        { "\xed\x9f\xbf", 3 },
        { "\xee\x80\x80", 3 },
        { "\xef\xbf\xbf", 3 },
        { "\xf0\x90\x80\x80", 4 },
        { "\xf4\x8f\xbf\xbf", 4 },
        { "\x80", 0 },     /* the middle of a character */
        { "\xc0\x80", 0 }, /* longer than need be */
        { "\xc1\xbf", 0 },
        { "\xe0\x9f\xbf", 0 },
        { "\xf0\x8f\xbf\xbf", 0 },
        { "\xed\xa0\x80", 0 }, /* a surrogate */
        { "\xed\xbf\xbf", 0 },
        { "\xf4\x90\x80\x80", 0 }, /* beyond U+10FFFF */
        { "\xf5\x80\x80\x80", 0 },
        { "\xff", 0 },
        { "\xc2", 0 }, /* cut short */
        { "\xc2g", 0 },
        { "\xe2\x82", 0 },
        { "\xe2\x82g", 0 },
        { "\xf0\x9f\x98", 0 },
        { "\xf0", 0 },
};

START_TEST(a_character_has_one_form)
{
        /* Of just that size, so that a sanitizer sees a byte too many being read. */
        char *string = strdup(lengths[_i].string);

        ck_assert_uint_eq(utf8_length(string), lengths[_i].length);
        free(string);
}
END_TEST

START_TEST(each_byte_that_is_no_character_is_replaced)
{
        Text text = { 0 };
        static const char wanted[] = "a" UTF8_REPLACEMENT "b\xc3\xa9" UTF8_REPLACEMENT UTF8_REPLACEMENT;

        utf8_append(&text, "a\xff"
                           "b\xc3\xa9\xe2\x82");
        ck_assert_int_eq(text_error(&text), 0);
        ck_assert_uint_eq(text.length, strlen(wanted));
        ck_assert_mem_eq(text.data, wanted, text.length);
        text_done(&text);
}
END_TEST

START_TEST(nothing_is_appended_of_an_empty_string)
{
        Text text = { 0 };

        utf8_append(&text, "");
        ck_assert_uint_eq(text.length, 0);
        text_done(&text);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("utf8");
        TCase *telling = tcase_create("telling");

        tcase_add_loop_test(telling, a_character_has_one_form, 0, ELEMENTSOF(lengths));
        tcase_add_test(telling, each_byte_that_is_no_character_is_replaced);
        tcase_add_test(telling, nothing_is_appended_of_an_empty_string);
        suite_add_tcase(suite, telling);

        return suite_main(suite);
}
