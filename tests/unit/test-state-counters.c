/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "collect/state_counters.h"
#include "suite.h"
#include "unit/folder.h"

static Folder folder;
static Sources sources = { .proc_fd = -1, .sys_fd = -1 };

static void setup(void) {
        folder_init(&folder);
        sources.proc_fd = folder.fd;
}

static void teardown(void) {
        folder_done(&folder);
}

static int read_counters(const char *snmp, const char *sockstat, StateCounters *ret) {
        folder_write_text(&folder, "net/snmp", snmp);
        folder_write_text(&folder, "net/sockstat", sockstat);
        return state_counters_read(&sources, ret);
}

START_TEST(both_files_are_read_now)
{
        StateCounters counters;

        ck_assert_int_eq(read_counters("Tcp: ActiveOpens PassiveOpens CurrEstab\nTcp: 3 40 500\n",
                                       "TCP: inuse 7 orphan 0 tw 6000 alloc 8 mem 1\n", &counters),
                         0);
        ck_assert_uint_eq(counters.current_established, 500);
        ck_assert_uint_eq(counters.time_wait_allocated, 6000);
        ck_assert_uint_eq(counters.n_opens, 43);
}
END_TEST

START_TEST(a_sum_below_nothing_is_no_number)
{
        StateCounters counters;

        ck_assert_int_eq(
                read_counters("Tcp: ActiveOpens PassiveOpens CurrEstab\nTcp: 3 40 18446744073709551615\n",
                              "TCP: inuse 7 orphan 0 tw 6000 alloc 8 mem 1\n", &counters),
                -EBADMSG);
}
END_TEST

START_TEST(a_file_without_a_counter_is_told)
{
        StateCounters counters;

        ck_assert_int_eq(read_counters("Tcp: ActiveOpens PassiveOpens CurrEstab\nTcp: 3 40 500\n",
                                       "TCP: inuse 7 orphan 0\n", &counters),
                         -EBADMSG);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("state-counters");
        TCase *reading = tcase_create("reading");

        tcase_add_checked_fixture(reading, setup, teardown);
        tcase_add_test(reading, both_files_are_read_now);
        tcase_add_test(reading, a_sum_below_nothing_is_no_number);
        tcase_add_test(reading, a_file_without_a_counter_is_told);
        suite_add_tcase(suite, reading);

        return suite_main(suite);
}
