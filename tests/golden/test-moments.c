/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "cli/moments.h"
#include "suite.h"

/* 2026-11-22 12:26:40.250 in UTC, 13:26:40.250 in Berlin, 17:56:40.250 in Kolkata */
#define NOW_SEC  INT64_C(1795350400)
#define NOW_USEC ((usec_t)NOW_SEC * USEC_PER_SEC + 250 * USEC_PER_MSEC)

static void use_zone(const char *zone) {
        ck_assert_int_eq(setenv("TZ", zone, 1), 0);
        tzset();
}

#define BERLIN  "CET-1CEST,M3.5.0,M10.5.0/3"
#define KOLKATA "IST-5:30"

static const struct {
        const char *zone;
        const char *text;
        usec_t usec;
} good[] = {
        /* that long ago */
        { "UTC", "90s", NOW_USEC - 90 * USEC_PER_SEC },
        { "UTC", "10m", NOW_USEC - 10 * USEC_PER_MINUTE },
        { "UTC", "1h", NOW_USEC - USEC_PER_HOUR },
        { "UTC", "1.5s", NOW_USEC - 1500 * USEC_PER_MSEC },
        { "UTC", "0s", NOW_USEC },
        { "UTC", "1d", NOW_USEC - 24 * USEC_PER_HOUR },
        { "UTC", "3d", NOW_USEC - 72 * USEC_PER_HOUR },
        { "UTC", "now", NOW_USEC },

        /* the last time it was that; the second is 0 unless it is said */
        { "UTC", "00:00", (NOW_SEC - 12 * 3600 - 26 * 60 - 40) * USEC_PER_SEC },
        { "UTC", "12:26", (NOW_SEC - 40) * USEC_PER_SEC },
        { "UTC", "12:26:39", (NOW_SEC - 1) * USEC_PER_SEC },
        { "UTC", "23:59:59", (NOW_SEC - 12 * 3600 - 26 * 60 - 41) * USEC_PER_SEC },
        { BERLIN, "13:26:40", NOW_SEC *USEC_PER_SEC },
        { KOLKATA, "17:56", (NOW_SEC - 40) * USEC_PER_SEC },

        /* in full */
        { "UTC", "2026-11-22 12:26:40", NOW_SEC *USEC_PER_SEC },
        { BERLIN, "2026-11-22 13:26:40", NOW_SEC *USEC_PER_SEC },
        { BERLIN, "2026-11-22T13:26:40", NOW_SEC *USEC_PER_SEC },
        { "UTC", "2026-11-22T12:26", (NOW_SEC - 40) * USEC_PER_SEC },
        { BERLIN, "2026-07-01 14:00:00", UINT64_C(1782907200) * USEC_PER_SEC },
        { "UTC", "2024-02-29 00:00:00", UINT64_C(1709164800) * USEC_PER_SEC },
        { "UTC", "1970-01-01 00:00:01", USEC_PER_SEC },

        /* seconds since 1970 */
        { "UTC", "@1795350400", NOW_SEC *USEC_PER_SEC },
        { KOLKATA, "@1795350400", NOW_SEC *USEC_PER_SEC },
        { "UTC", "@0", 0 },
};

START_TEST(a_moment_is_read)
{
        usec_t usec;

        use_zone(good[_i].zone);
        ck_assert_msg(moment_parse(good[_i].text, NOW_USEC, &usec) == 0, "%s", good[_i].text);
        ck_assert_msg(usec == good[_i].usec, "%s is %lld s off", good[_i].text,
                      (long long)(usec / USEC_PER_SEC) - (long long)(good[_i].usec / USEC_PER_SEC));
}
END_TEST

static const char *const bad[] = {
        "",
        " ",
        "Now",
        "now ",
        "yesterday",
        "90",
        "s",
        "-90s",
        "90 s",
        "d",
        "-1d",
        "1.5d",
        "1 d",
        "99999999d",
        "213503983d",
        "18446744073709551615d",
        "9999999h",
        "18446744073709551616s",
        "@",
        "@-1",
        "@1.5",
        "@1795350400s",
        "@18446744073709551616",
        "@9300000000000",
        "14",
        "14:",
        "24:00",
        "14:60",
        "14:05:",
        "14:05:99",
        "14:05:30.5",
        "14:05:30 ",
        "14:05pm",
        "2026-11-22",
        "2026-11-22 ",
        "2026-11-22 14:",
        "2026-11-22 25:05:30",
        "2026-13-22 14:05:30",
        "2026-02-30 14:05:30",
        "2025-02-29 14:05:30",
        "2026-11-22T",
        "2026-11-22T14",
        "2026-11-22T14:05:30Z",
        "2026-11-22t14:05:30",
        "2026-11-22 14:05:30Z",
        "22.11.2026 14:05:30",
        "1969-12-31 23:00:00",
        "26-11-22 14:05:30",
};

START_TEST(anything_else_is_refused)
{
        usec_t usec = 7;

        use_zone("UTC");
        ck_assert_msg(moment_parse(bad[_i], NOW_USEC, &usec) == -EINVAL, "\"%s\" is read as @%llu", bad[_i],
                      (unsigned long long)(usec / USEC_PER_SEC));
        ck_assert_uint_eq(usec, 7);
}
END_TEST

static const struct {
        const char *zone;
        usec_t usec;
        const char *text;
} formats[] = {
        { "UTC", NOW_USEC, "2026-11-22 12:26:40" },
        { BERLIN, NOW_USEC, "2026-11-22 13:26:40" },
        { "UTC", 0, "1970-01-01 00:00:00" },
        /* beyond any clock */
        { "UTC", UINT64_MAX, "586524-01-19 08:01:49" },
};

START_TEST(a_moment_is_written)
{
        char text[MOMENT_SIZE];

        use_zone(formats[_i].zone);
        moment_format(formats[_i].usec, text);
        ck_assert_str_eq(text, formats[_i].text);
}
END_TEST

START_TEST(what_is_written_is_read_back)
{
        char text[MOMENT_SIZE];
        usec_t usec;

        use_zone(BERLIN);
        moment_format(NOW_USEC, text);
        ck_assert_int_eq(moment_parse(text, NOW_USEC + USEC_PER_HOUR, &usec), 0);
        ck_assert_uint_eq(usec, NOW_SEC * USEC_PER_SEC);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("moments");
        TCase *reading = tcase_create("reading"), *writing = tcase_create("writing");

        tcase_add_loop_test(reading, a_moment_is_read, 0, ELEMENTSOF(good));
        tcase_add_loop_test(reading, anything_else_is_refused, 0, ELEMENTSOF(bad));
        suite_add_tcase(suite, reading);

        tcase_add_loop_test(writing, a_moment_is_written, 0, ELEMENTSOF(formats));
        tcase_add_test(writing, what_is_written_is_read_back);
        suite_add_tcase(suite, writing);

        return suite_main_in_one_process(suite);
}
