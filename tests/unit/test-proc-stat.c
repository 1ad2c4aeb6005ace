/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "kernel/proc_stat.h"
#include "suite.h"
#include "unit/folder.h"

/* Fields 3 to 24: what is read is 9, 14 and 15, and 22 to 24. */
#define FIELDS " S 1 2 3 4 5 6 7 8 9 10 1001 1002 13 14 15 16 17 18 2001 2002 2003"

static const char *const stats[] = {
        "1 (sockwatchd)" FIELDS " 25 26\n",
        "1 (sockwatchd)" FIELDS "\n",
        "1 (sockwatchd)" FIELDS,
        "1 (a b)" FIELDS " 25\n",
        "1 (a) S 9 9 9 (b)" FIELDS " 25\n",
        "1 ())" FIELDS " 25\n",
        "1 ((()" FIELDS " 25\n",
        "1 ()" FIELDS " 25\n",
        "1 (a\nb)" FIELDS " 25\n",
        "1 (7 8 9)" FIELDS " 25\n",
};

static const char *const bad_stats[] = {
        "",
        "\n",
        "1 (a",
        "1 (a)",
        "1 (a)\n",
        "1 (a) S 1 2 3\n",
        "1 (a) S 1 2 3 4 5 -6 7 8 9 10 1001 1002 13 14 15 16 17 18 2001 2002 2003 25\n",
        "1 (a) S 1 2 3 4 5 6 7 8 9 10 x 1002 13 14 15 16 17 18 2001 2002 2003 25\n",
        "1 (a) S 1 2 3 4 5 6 7 8 9 10 -5 1002 13 14 15 16 17 18 2001 2002 2003 25\n",
        "1 (a) S 1 2 3 4 5 6 7 8 9 10 1001 1002 13 14 15 16 17 18 2001 2002\n2003 25\n",
        "1 (a) S 1 2 3 4 5 6 7 8 9 10 1001 1002 13 14 15 16 17 18 2001 2002 99999999999999999999 25\n",
};

typedef struct LimitCase {
        const char *text;
        int error;
        uint64_t limit;
} LimitCase;

static const LimitCase limits[] = {
        { "Max open files            20000                20000                files     \n", 0, 20000 },
        { "Max open files            unlimited            unlimited            files     \n", 0,
          UINT64_MAX },
        { "Max open files 7", 0, 7 },
        { "Limit Soft\nMax processes 5 5 x\nMax open files     1024  4096  files\nMax x 1 1 x\n", 0, 1024 },
        { "", -EBADMSG },
        { "Max processes 5 5 x\n", -EBADMSG },
        { "Max open files", -EBADMSG },
        { "Max open files \n", -EBADMSG },
        { "Max open files            -1 -1 files\n", -EBADMSG },
        { "Max open files            unlimite", -EBADMSG },
        { "Max open files            unlimitedx\n", -EBADMSG },
        { "Max open filesystems 5 5 x\n", -EBADMSG },
        { "x Max open files 5 5 files\n", -EBADMSG },
};

/* Parses from memory of just that size, so that a sanitizer sees a byte too many being read. */
static int parse_stat(const char *text, size_t size, ProcStat *ret) {
        char *copy = memcpy(malloc(size + 1), text, size);
        int r;

        memmove(copy + 1, copy, size);
        r = proc_stat_parse(copy + 1, size, ret);
        free(copy);
        return r;
}

START_TEST(fields_are_counted_from_behind_the_name)
{
        ProcStat stat;

        ck_assert_int_eq(parse_stat(stats[_i], strlen(stats[_i]), &stat), 0);
        ck_assert_uint_eq(stat.flags, 6);
        ck_assert_uint_eq(stat.user_ticks, 1001);
        ck_assert_uint_eq(stat.system_ticks, 1002);
        ck_assert_uint_eq(stat.start_ticks, 2001);
        ck_assert_uint_eq(stat.virtual_bytes, 2002);
        ck_assert_uint_eq(stat.resident_pages, 2003);
}
END_TEST

START_TEST(a_bad_stat_is_refused)
{
        ProcStat stat = { .user_ticks = 99 };

        ck_assert_int_eq(parse_stat(bad_stats[_i], strlen(bad_stats[_i]), &stat), -EBADMSG);
        ck_assert_uint_eq(stat.user_ticks, 99);
}
END_TEST

START_TEST(stat_of_this_kernel_is_read)
{
        char text[1024];
        ProcStat stat;
        size_t length = fixture_read("proc/self/stat", text, sizeof text);

        ck_assert_int_eq(parse_stat(text, length, &stat), 0);
        ck_assert_uint_gt(stat.start_ticks, 300000);
        ck_assert_uint_gt(stat.virtual_bytes, 1 << 20);
        ck_assert_uint_gt(stat.resident_pages, 100);
        ck_assert_uint_lt(stat.resident_pages, 10000);

        for (size_t size = 0; size < length; size++) {
                int r = parse_stat(text, size, &stat);

                ck_assert(r == 0 || r == -EBADMSG);
        }
}
END_TEST

START_TEST(the_soft_limit_is_found_by_its_line)
{
        size_t size = strlen(limits[_i].text);
        char *text = memcpy(malloc(size + 1), limits[_i].text, size);
        uint64_t limit = 99;

        memmove(text + 1, text, size);
        ck_assert_msg(proc_limits_parse_open_files(text + 1, size, &limit) == limits[_i].error, "\"%s\"",
                      limits[_i].text);
        ck_assert_uint_eq(limit, limits[_i].error == 0 ? limits[_i].limit : 99);
        free(text);
}
END_TEST

START_TEST(limits_of_this_kernel_are_read)
{
        char text[4096];
        uint64_t limit;
        size_t length = fixture_read("proc/self/limits", text, sizeof text);

        ck_assert_int_eq(proc_limits_parse_open_files(text, length, &limit), 0);
        ck_assert_uint_eq(limit, 20000);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("proc-stat");
        TCase *parsing = tcase_create("parsing");

        tcase_add_loop_test(parsing, fields_are_counted_from_behind_the_name, 0, ELEMENTSOF(stats));
        tcase_add_loop_test(parsing, a_bad_stat_is_refused, 0, ELEMENTSOF(bad_stats));
        tcase_add_test(parsing, stat_of_this_kernel_is_read);
        tcase_add_loop_test(parsing, the_soft_limit_is_found_by_its_line, 0, ELEMENTSOF(limits));
        tcase_add_test(parsing, limits_of_this_kernel_are_read);
        suite_add_tcase(suite, parsing);

        return suite_main(suite);
}
