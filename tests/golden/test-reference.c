/* SPDX-License-Identifier: Apache-2.0 */

/*
 * docs/metrics.md is what the catalogue says
 *
 * After a change of the catalogue, GOLDEN_UPDATE=1 writes the page anew.
 */

#include <stdio.h>
#include <string.h>

#include "exporters/prometheus/catalogue.h"
#include "exporters/prometheus/reference.h"
#include "suite.h"

static char *page_read(size_t *ret_size) {
        static char page[1 << 20];
        FILE *file = fopen(REFERENCE_PAGE, "r");

        ck_assert_msg(file, "%s is missing; GOLDEN_UPDATE=1 writes it", REFERENCE_PAGE);
        *ret_size = fread(page, 1, sizeof page, file);
        ck_assert_uint_lt(*ret_size, sizeof page);
        (void)fclose(file);
        return page;
}

START_TEST(the_page_is_what_the_catalogue_says)
{
        _cleanup_(text_done) Text text = { 0 };
        const char *page;
        size_t size;
        FILE *file;

        reference_render(&text);
        ck_assert_int_eq(text_error(&text), 0);

        if (getenv("GOLDEN_UPDATE")) {
                file = fopen(REFERENCE_PAGE, "w");
                ck_assert_ptr_nonnull(file);
                ck_assert_uint_eq(fwrite(text.data, 1, text.length, file), text.length);
                ck_assert_int_eq(fclose(file), 0);
        }

        page = page_read(&size);
        ck_assert_msg(
                size == text.length && memcmp(page, text.data, size) == 0,
                "docs/metrics.md is not what the catalogue says; GOLDEN_UPDATE=1 ./dev check reference "
                "writes it anew");
}
END_TEST

START_TEST(each_metric_has_one_line_of_six_cells)
{
        _cleanup_(text_done) Text text = { 0 };
        size_t n_lines = 0;

        reference_render(&text);
        text_append_bytes(&text, "", 1);
        ck_assert_int_eq(text_error(&text), 0);

        for (const char *line = strstr(text.data, "\n| `"); line; line = strstr(line + 1, "\n| `")) {
                size_t n_bars = 0;

                for (const char *at = line + 1; *at != '\n'; at++)
                        n_bars += *at == '|';
                ck_assert_uint_eq(n_bars, 7);
                n_lines++;
        }
        ck_assert_uint_eq(n_lines, n_metric_catalogue);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("reference");
        TCase *page = tcase_create("page");

        tcase_add_test(page, the_page_is_what_the_catalogue_says);
        tcase_add_test(page, each_metric_has_one_line_of_six_cells);
        suite_add_tcase(suite, page);
        return suite_main(suite);
}
