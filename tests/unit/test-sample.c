/* SPDX-License-Identifier: Apache-2.0 */

#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "store/sample.h"
#include "suite.h"
#include "unit/samples.h"

static Sample sample, other;

START_TEST(a_value_is_absent_until_it_is_set)
{
        sample_clear(&sample);
        for (unsigned id = 0; id < _VALUE_ROOM; id++) {
                ck_assert(!sample_has(&sample, id));
                sample_set(&sample, id, 0);
                ck_assert(sample_has(&sample, id));
        }
        for (unsigned id = 0; id < _VALUE_ROOM; id++) {
                sample_set(&sample, id, id);
                sample_unset(&sample, id);
                ck_assert(!sample_has(&sample, id));
                ck_assert_uint_eq(sample.values[id], 0);
        }
        ck_assert_uint_eq(sample.present[0] | sample.present[1] | sample.present[2] | sample.present[3], 0);
}
END_TEST

START_TEST(clearing_forgets_everything)
{
        sample_make_full(&sample, 1);
        sample_clear(&sample);
        memset(&other, 0, sizeof other);
        ck_assert(sample_is_same(&sample, &other));
}
END_TEST

START_TEST(a_copy_is_the_same)
{
        sample_make_full(&sample, 1);
        sample_copy(&other, &sample);
        ck_assert(sample_is_same(&sample, &other));

        sample_make_small(&sample);
        sample_copy(&other, &sample);
        ck_assert(sample_is_same(&sample, &other));
}
END_TEST

START_TEST(what_tests_compare_by_is_not_blind)
{
        sample_make_small(&sample);
        sample_copy(&other, &sample);
        other.listeners[2].is_dual_stack = 0;
        ck_assert(!sample_is_same(&sample, &other));

        sample_copy(&other, &sample);
        other.reports[COLLECTOR_LISTEN].error = -3;
        ck_assert(!sample_is_same(&sample, &other));

        sample_copy(&other, &sample);
        sample_set(&other, 255, 0);
        ck_assert(!sample_is_same(&sample, &other));
        ck_assert_ptr_null(sample_find_fault(&other));

        sample_copy(&other, &sample);
        other.listeners[0].key.address[4] = 1;
        ck_assert_ptr_nonnull(sample_find_fault(&other));
}
END_TEST

typedef struct AddressCase {
        const char *address;
        const char *device;
        const char *text;
} AddressCase;

static const AddressCase addresses[] = {
        { "0.0.0.0", "", "0.0.0.0" },
        { "127.0.0.1", "", "127.0.0.1" },
        { "10.0.0.1", "eth0", "10.0.0.1%eth0" },
        { "::", "", "::" },
        { "2001:db8::1", "", "2001:db8::1" },
        { "fe80::1", "eth0", "fe80::1%eth0" },
        { "::ffff:255.255.255.255", "123456789012345", "::ffff:255.255.255.255%123456789012345" },
        { "1111:2222:3333:4444:5555:6666:7777:8888", "123456789012345",
          "1111:2222:3333:4444:5555:6666:7777:8888%123456789012345" },
};

START_TEST(an_address_is_written_as_ss_does)
{
        char text[LISTENER_ADDRESS_SIZE];

        sample_clear(&sample);
        listener_format_address(
                &sample_add_listener(&sample, addresses[_i].address, 80, addresses[_i].device)->key, text);
        ck_assert_str_eq(text, addresses[_i].text);
}
END_TEST

START_TEST(a_device_without_its_end_is_no_harm)
{
        char text[LISTENER_ADDRESS_SIZE];
        ListenerRow *row;

        sample_clear(&sample);
        row = sample_add_listener(&sample, "::1", 80, "");
        memset(row->key.device, 'x', sizeof row->key.device);
        listener_format_address(&row->key, text);
        ck_assert_str_eq(text, "::1%xxxxxxxxxxxxxxxx");
}
END_TEST

START_TEST(a_port_is_read_in_network_byte_order)
{
        ck_assert_uint_eq(listener_port(&(ListenerKey){ .port = { 0x1d, 0xc9 } }), 7625);
        ck_assert_uint_eq(listener_port(&(ListenerKey){ .port = { 0xff, 0xff } }), 65535);
}
END_TEST

START_TEST(every_collector_has_a_name)
{
        for (unsigned id = COLLECTOR_TCP; id <= COLLECTOR_SELF; id++)
                ck_assert_ptr_nonnull(collector_name(id));
        ck_assert_str_eq(collector_name(COLLECTOR_SOCKSTAT), "sockstat");
        ck_assert_ptr_null(collector_name(COLLECTOR_NONE));
        ck_assert_ptr_null(collector_name(_COLLECTOR_ROOM));
}
END_TEST

START_TEST(every_value_is_described)
{
        ck_assert_ptr_null(value_infos[0].name);
        for (unsigned id = 1; id < _VALUE_ROOM; id++) {
                const ValueInfo *info = &value_infos[id];

                if (!info->name)
                        continue;
                ck_assert_ptr_nonnull(info->source);
                ck_assert_ptr_nonnull(info->group);
                ck_assert_ptr_nonnull(info->field);
                ck_assert(info->collector == COLLECTOR_NONE || collector_name(info->collector));
        }
        ck_assert_str_eq(value_infos[VALUE_SOMAXCONN].name, "SOMAXCONN");
        ck_assert_str_eq(value_infos[VALUE_TCP_ESTABLISHED].name, "TCP_ESTABLISHED");
}
END_TEST

#ifndef TEST_WITHOUT_ASSERTS
START_TEST(a_copy_onto_itself_is_a_bug)
{ sample_copy(&sample, &sample); }
END_TEST

START_TEST(a_copy_of_too_many_rows_is_a_bug)
{
        sample_clear(&sample);
        sample.n_listeners = SAMPLE_LISTENERS_MAX + 1;
        sample_copy(&other, &sample);
}
END_TEST
#endif

int main(void) {
        Suite *suite = suite_create("sample");
        TCase *values = tcase_create("values");
        TCase *names = tcase_create("names");

        tcase_add_test(values, a_value_is_absent_until_it_is_set);
        tcase_add_test(values, clearing_forgets_everything);
        tcase_add_test(values, a_copy_is_the_same);
        tcase_add_test(values, what_tests_compare_by_is_not_blind);
#ifndef TEST_WITHOUT_ASSERTS
        tcase_add_test_raise_signal(values, a_copy_onto_itself_is_a_bug, SIGABRT);
        tcase_add_test_raise_signal(values, a_copy_of_too_many_rows_is_a_bug, SIGABRT);
#endif
        suite_add_tcase(suite, values);

        tcase_add_loop_test(names, an_address_is_written_as_ss_does, 0, ELEMENTSOF(addresses));
        tcase_add_test(names, a_device_without_its_end_is_no_harm);
        tcase_add_test(names, a_port_is_read_in_network_byte_order);
        tcase_add_test(names, every_collector_has_a_name);
        tcase_add_test(names, every_value_is_described);
        suite_add_tcase(suite, names);

        return suite_main(suite);
}
