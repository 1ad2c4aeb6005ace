/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "kernel/proc_sys.h"
#include "suite.h"

typedef struct NumbersCase {
        const char *text;
        int result;
        uint64_t numbers[PROC_SYS_NUMBERS_MAX];
} NumbersCase;

static const NumbersCase numbers_cases[] = {
        { "4096\n", 1, { 4096 } },
        { "4096", 1, { 4096 } },
        { "32768\t60999\n", 2, { 32768, 60999 } },
        { "287901\t383868\t575802\n", 3, { 287901, 383868, 575802 } },
        { "536\t0\t9223372036854775807\n", 3, { 536, 0, INT64_MAX } },
        { " 1  2\t\t3 4 \n", 4, { 1, 2, 3, 4 } },
        { "18446744073709551615\n", 1, { UINT64_MAX } },
        { "1 2 3 4 5\n", -EBADMSG },
        { "18446744073709551616\n", -EBADMSG },
        { "", -EBADMSG },
        { "\n", -EBADMSG },
        { "-1\n", -EBADMSG },
        { "1 x\n", -EBADMSG },
        { "1,2\n", -EBADMSG },
        { "0x10\n", -EBADMSG },
};

typedef struct PortsCase {
        const char *text;
        uint16_t first;
        uint16_t last;
        int result;
} PortsCase;

static const PortsCase ports_cases[] = {
        { "", 32768, 60999, 0 },
        { "\n", 32768, 60999, 0 },
        { "40000\n", 32768, 60999, 1 },
        { "40000", 32768, 60999, 1 },
        { "22,40000,50000-50009\n", 32768, 60999, 11 },
        { "50000-50009,40000,22\n", 32768, 60999, 11 },
        { "40000-40009,40005-40014,40007\n", 32768, 60999, 15 },
        { "32767-32769\n", 32768, 60999, 2 },
        { "60999-61001\n", 32768, 60999, 1 },
        { "1-32767,61000-65535\n", 32768, 60999, 0 },
        { "0-65535\n", 32768, 60999, 28232 },
        { "0-65535\n", 0, 65535, 65536 },
        { "65535\n", 65535, 65535, 1 },
        { "0\n", 0, 0, 1 },
        { "22\n", 60999, 32768, 0 },
        { "65536\n", 0, 65535, -EBADMSG },
        { "10-5\n", 0, 65535, -EBADMSG },
        { "1,\n", 0, 65535, -EBADMSG },
        { ",1\n", 0, 65535, -EBADMSG },
        { "1,,2\n", 0, 65535, -EBADMSG },
        { ",\n", 0, 65535, -EBADMSG },
        { "1-\n", 0, 65535, -EBADMSG },
        { "-1\n", 0, 65535, -EBADMSG },
        { "1-2-3\n", 0, 65535, -EBADMSG },
        { "1 2\n", 0, 65535, -EBADMSG },
        { "x\n", 0, 65535, -EBADMSG },
        { "99999999999999999999\n", 0, 65535, -EBADMSG },
};

/* Memory of just that size, so that a sanitizer sees a byte too many being read. */
static char *copy_text(const char *text) {
        size_t size = strlen(text);

        return size > 0 ? memcpy(malloc(size), text, size) : NULL;
}

START_TEST(a_line_of_numbers_is_read_or_refused)
{
        const NumbersCase *numbers = &numbers_cases[_i];
        uint64_t got[PROC_SYS_NUMBERS_MAX] = { 7, 7, 7, 7 };
        char *text = copy_text(numbers->text);
        int r = proc_sys_parse_numbers(text, strlen(numbers->text), got);

        ck_assert_int_eq(r, numbers->result);
        for (int i = 0; i < PROC_SYS_NUMBERS_MAX; i++)
                ck_assert_uint_eq(got[i], i < r ? numbers->numbers[i] : 7);
        free(text);
}
END_TEST

START_TEST(ports_of_a_list_are_counted_once)
{
        const PortsCase *ports = &ports_cases[_i];
        char *text = copy_text(ports->text);

        ck_assert_int_eq(proc_sys_count_ports(text, strlen(ports->text), ports->first, ports->last),
                         ports->result);
        free(text);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("proc-sys");
        TCase *parsing = tcase_create("parsing");

        tcase_add_loop_test(parsing, a_line_of_numbers_is_read_or_refused, 0, ELEMENTSOF(numbers_cases));
        tcase_add_loop_test(parsing, ports_of_a_list_are_counted_once, 0, ELEMENTSOF(ports_cases));
        suite_add_tcase(suite, parsing);

        return suite_main(suite);
}
