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

static const struct {
        const char *name;
        const char *shown;
} names[] = {
        { "a\xff"
          "b\xc3\xa9\xe2\x82",
          "a\\xffb\xc3\xa9\\xe2\\x82" },
        { "\x80", "\\x80" },
        /* A backslash is itself, but where that would look like a byte. */
        { "template@a\\x2db.service", "template@a\\x2db.service" },
        { "\\", "\\" },
        { "\\x", "\\x" },
        { "\\xf", "\\xf" },
        { "\\x7f", "\\x7f" },
        { "\\xFF", "\\xFF" },
        { "\\xff", "\\x5cxff" },
        { "\\x80", "\\x5cx80" },
        { "\\x5c", "\\x5cx5c" },
        { "\\\xff", "\\\\xff" },
        { "\\\\xff", "\\\\x5cxff" },
        { "\\x5cxff", "\\x5cx5cxff" },
};

START_TEST(a_byte_that_is_no_character_is_shown_by_its_number)
{
        Text text = { 0 };
        char *name = strdup(names[_i].name);

        utf8_append(&text, name);
        ck_assert_int_eq(text_error(&text), 0);
        ck_assert_uint_eq(text.length, strlen(names[_i].shown));
        ck_assert_mem_eq(text.data, names[_i].shown, text.length);
        text_done(&text);
        free(name);
}
END_TEST

/* Of a few letters that are worth it, each of up to six. */
START_TEST(no_two_names_are_shown_alike)
{
        static const char letters[] = "\\x5cf\xff\xc3\xa9";
        enum { N_LETTERS = sizeof letters - 1, N_MAX = 300000, SIZE = 32 };
        char(*shown)[SIZE] = calloc(N_MAX, SIZE);
        size_t n = 0;

        for (size_t length = 1, n_names = N_LETTERS; length <= 6; length++, n_names *= N_LETTERS)
                for (size_t number = 0; number < n_names; number++) {
                        Text text = { 0 };
                        char name[8] = "";

                        for (size_t i = 0, rest = number; i < length; i++, rest /= N_LETTERS)
                                name[i] = letters[rest % N_LETTERS];
                        utf8_append(&text, name);
                        ck_assert_uint_lt(text.length, SIZE);
                        ck_assert_uint_lt(n, N_MAX);
                        memcpy(shown[n++], text.data, text.length);
                        text_done(&text);
                }
        qsort(shown, n, SIZE, (int (*)(const void *, const void *))strcmp);
        for (size_t i = 1; i < n; i++)
                ck_assert_str_ne(shown[i - 1], shown[i]);
        free(shown);
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
        tcase_add_loop_test(telling, a_byte_that_is_no_character_is_shown_by_its_number, 0,
                            ELEMENTSOF(names));
        tcase_set_timeout(telling, 60);
        tcase_add_test(telling, no_two_names_are_shown_alike);
        tcase_add_test(telling, nothing_is_appended_of_an_empty_string);
        suite_add_tcase(suite, telling);

        return suite_main(suite);
}
