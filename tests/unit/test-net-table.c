/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "collect/net_table.h"
#include "suite.h"
#include "unit/folder.h"

static Folder folder;
static Sources sources = { .proc_fd = -1, .sys_fd = -1 };
static NetTable table;
static Sample sample;

static void setup(void) {
        folder_init(&folder);
        sources.proc_fd = folder.fd;
        net_table_init(&table, "net/snmp", proc_net_parse_paired);
        sample_clear(&sample);
}

static void teardown(void) {
        net_table_done(&table);
        folder_done(&folder);
}

static int read_text(const char *text) {
        folder_write_text(&folder, "net/snmp", text);
        return net_table_read(&table, &sources, &sample);
}

START_TEST(fields_become_values_in_whatever_order)
{
        ck_assert_int_eq(
                read_text("Udp: Unknown InDatagrams\nUdp: 1 2\nTcp: OutSegs New InSegs\nTcp: 3 4 5\n"), 0);
        ck_assert_uint_eq(sample.values[VALUE_UDP4_RECEIVED], 2);
        ck_assert_uint_eq(sample.values[VALUE_TCP_SEGMENTS_SENT], 3);
        ck_assert_uint_eq(sample.values[VALUE_TCP_SEGMENTS_RECEIVED], 5);
}
END_TEST

START_TEST(a_field_that_is_not_there_stays_absent)
{
        ck_assert_int_eq(read_text("Tcp: InSegs\nTcp: 0\n"), 0);
        ck_assert(sample_has(&sample, VALUE_TCP_SEGMENTS_RECEIVED));
        ck_assert(!sample_has(&sample, VALUE_TCP_SEGMENTS_SENT));
        ck_assert(!sample_has(&sample, VALUE_UDP4_RECEIVED));
}
END_TEST

START_TEST(a_number_that_cannot_be_stays_absent)
{
        ck_assert_int_eq(read_text("Tcp: InSegs OutSegs\nTcp: -1 18446744073709551616\n"), 0);
        ck_assert(!sample_has(&sample, VALUE_TCP_SEGMENTS_RECEIVED));
        ck_assert(!sample_has(&sample, VALUE_TCP_SEGMENTS_SENT));
}
END_TEST

START_TEST(a_gauge_that_the_kernel_summed_up_to_less_than_nothing_stays_absent)
{
        ck_assert_int_eq(read_text(
                                 "Tcp: CurrEstab InSegs\nTcp: 18446744073709551615 18446744073709551615\n"),
                         0);
        ck_assert(!sample_has(&sample, VALUE_TCP_CURRENT_ESTABLISHED));
        ck_assert_uint_eq(sample.values[VALUE_TCP_SEGMENTS_RECEIVED], UINT64_MAX);
}
END_TEST

START_TEST(a_malformed_file_is_refused)
{ ck_assert_int_eq(read_text("Tcp: InSegs OutSegs\nTcp: 1\n"), -EBADMSG); }
END_TEST

START_TEST(a_file_larger_than_any_of_a_kernel_is_refused)
{
        static char text[64 * 1024 + 1];

        memset(text, ' ', sizeof text - 1);
        ck_assert_int_eq(read_text(text), -EFBIG);

        text[sizeof text - 2] = '\0';
        memcpy(text, "Tcp:", 4);
        memcpy(text + 30000, "\nTcp:", 5);
        ck_assert_int_eq(read_text(text), 0);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_told)
{ ck_assert_int_eq(net_table_read(&table, &sources, &sample), -ENOENT); }
END_TEST

START_TEST(bytes_of_0_in_names_are_no_harm)
{
        static const char text[] = "Tcp: InSegs\0x OutSegs\nTcp: 1 2\n";

        folder_write(&folder, "net/snmp", text, sizeof text - 1);
        ck_assert_int_eq(net_table_read(&table, &sources, &sample), 0);
        ck_assert(!sample_has(&sample, VALUE_TCP_SEGMENTS_RECEIVED));
        ck_assert_uint_eq(sample.values[VALUE_TCP_SEGMENTS_SENT], 2);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("net-table");
        TCase *reading = tcase_create("reading");

        tcase_add_checked_fixture(reading, setup, teardown);
        tcase_add_test(reading, fields_become_values_in_whatever_order);
        tcase_add_test(reading, a_field_that_is_not_there_stays_absent);
        tcase_add_test(reading, a_number_that_cannot_be_stays_absent);
        tcase_add_test(reading, a_gauge_that_the_kernel_summed_up_to_less_than_nothing_stays_absent);
        tcase_add_test(reading, a_malformed_file_is_refused);
        tcase_add_test(reading, a_file_larger_than_any_of_a_kernel_is_refused);
        tcase_add_test(reading, a_file_that_is_not_there_is_told);
        tcase_add_test(reading, bytes_of_0_in_names_are_no_harm);
        suite_add_tcase(suite, reading);

        return suite_main(suite);
}
