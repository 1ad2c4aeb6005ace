/* SPDX-License-Identifier: Apache-2.0 */

#include <signal.h>
#include <stdio.h>
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

START_TEST(a_copy_takes_the_rows_that_count)
{
        memset(&sample, 0x11, sizeof sample);
        memset(&other, 0x22, sizeof other);
        sample_make_small(&sample);
        sample_copy(&other, &sample);
        ck_assert(sample_is_same(&sample, &other));

        for (TableId table = 0; table < _TABLES; table++) {
                const RowLayout *layout = &table_infos[table].layout;
                const uint8_t *row = sample_get_row(&other, table, sample_count_rows(&other, table));

                for (size_t i = 0; i < layout->row_size; i++)
                        ck_assert_uint_eq(row[i], 0x22);
        }
}
END_TEST

/* Whatever is changed in one of them: in each table the first and the last byte of a key, each field, a row.
 */
START_TEST(what_tests_compare_rows_by_is_not_blind)
{
        const TableId table = (TableId)_i;
        const RowLayout *layout = &table_infos[table].layout;

        sample_make_small(&sample);
        sample_copy(&other, &sample);
        for (size_t i = 0; i < layout->n_fields; i++) {
                sample_row_fields(&other, table, 1)[i]++;
                ck_assert(!sample_is_same(&sample, &other));
                sample_row_fields(&other, table, 1)[i]--;
        }

        for (size_t i = 0; i < layout->key_size; i += layout->key_size - 1) {
                uint8_t *key = (uint8_t *)sample_rows(&other, table);

                key[i]++;
                ck_assert(!sample_is_same(&sample, &other));
                key[i]--;
        }
        ck_assert(sample_is_same(&sample, &other));

        --*sample_row_count(&other, table);
        ck_assert(!sample_is_same(&sample, &other));
}
END_TEST

START_TEST(what_tests_find_of_rows_is_not_blind)
{
        const TableId table = (TableId)_i;
        const RowLayout *layout = &table_infos[table].layout;
        char *rows = (char *)sample_rows(&sample, table);

        sample_make_small(&sample);
        ck_assert_ptr_null(sample_find_fault(&sample));
        rows[layout->key_size - 1] = 'x';
        ck_assert_ptr_nonnull(sample_find_fault(&sample));

        sample_make_small(&sample);
        memcpy(rows, rows + layout->row_size, layout->key_size);
        ck_assert_ptr_nonnull(sample_find_fault(&sample));

        sample_make_full(&sample, 1);
        ck_assert_ptr_null(sample_find_fault(&sample));
        ++*sample_row_count(&sample, table);
        ck_assert_ptr_nonnull(sample_find_fault(&sample));
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
        other.listeners[0].key.endpoint.address[4] = 1;
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

/* The key of a listener on such an address, and port 80. */
static Endpoint endpoint_of(const AddressCase *address) {
        sample_clear(&sample);
        return sample_add_listener(&sample, address->address, 80, address->device)->key.endpoint;
}

START_TEST(an_address_is_written_as_ss_does)
{
        Endpoint endpoint = endpoint_of(&addresses[_i]);
        char text[ENDPOINT_ADDRESS_SIZE];

        endpoint_format_address(&endpoint, text);
        ck_assert_str_eq(text, addresses[_i].text);
}
END_TEST

START_TEST(an_address_and_its_port_are_written_as_ss_does)
{
        const AddressCase *address = &addresses[_i];
        char text[ENDPOINT_NAME_SIZE], wanted[ENDPOINT_NAME_SIZE];
        Endpoint endpoint = endpoint_of(address);

        (void)snprintf(wanted, sizeof wanted, strchr(address->address, ':') ? "[%s]:80" : "%s:80",
                       address->text);
        endpoint_format_name(&endpoint, text);
        ck_assert_str_eq(text, wanted);
}
END_TEST

START_TEST(what_stands_for_many_has_neither_address_nor_port)
{
        const Endpoint endpoint = { .family = ENDPOINT_OTHER };
        char address[ENDPOINT_ADDRESS_SIZE], port[ENDPOINT_PORT_SIZE], name[ENDPOINT_NAME_SIZE];

        ck_assert(endpoint_is_other(&endpoint));
        endpoint_format_address(&endpoint, address);
        endpoint_format_port(&endpoint, port);
        endpoint_format_name(&endpoint, name);
        ck_assert_str_eq(address, "other");
        ck_assert_str_eq(port, "other");
        ck_assert_str_eq(name, "other");
}
END_TEST

/* The longest that there is, so that nothing is cut where a port follows. */
START_TEST(a_device_without_its_end_is_no_harm)
{
        char text[ENDPOINT_ADDRESS_SIZE], name[ENDPOINT_NAME_SIZE];
        Endpoint endpoint;

        sample_clear(&sample);
        endpoint = sample_add_listener(&sample, "::1", UINT16_MAX, "")->key.endpoint;
        memset(endpoint.device, 'x', sizeof endpoint.device);
        endpoint_format_address(&endpoint, text);
        ck_assert_str_eq(text, "::1%xxxxxxxxxxxxxxxx");

        memset(endpoint.address, 0x11, sizeof endpoint.address);
        endpoint_format_name(&endpoint, name);
        ck_assert_str_eq(name, "[1111:1111:1111:1111:1111:1111:1111:1111%xxxxxxxxxxxxxxxx]:65535");
}
END_TEST

START_TEST(a_port_is_read_in_network_byte_order)
{
        char text[ENDPOINT_PORT_SIZE];

        ck_assert_uint_eq(endpoint_port(&(Endpoint){ .port = { 0x1d, 0xc9 } }), 7625);
        ck_assert_uint_eq(endpoint_port(&(Endpoint){ .port = { 0xff, 0xff } }), 65535);
        endpoint_format_port(&(Endpoint){ .family = AF_INET, .port = { 0xff, 0xff } }, text);
        ck_assert_str_eq(text, "65535");
}
END_TEST

START_TEST(a_port_that_stands_for_those_the_kernel_chooses_has_a_name)
{
        const Endpoint endpoint = { .family = AF_INET6 };
        char text[ENDPOINT_NAME_SIZE];

        endpoint_format_port(&endpoint, text);
        ck_assert_str_eq(text, "ephemeral");
        endpoint_format_name(&endpoint, text);
        ck_assert_str_eq(text, "[::]:ephemeral");
}
END_TEST

START_TEST(every_state_has_a_name)
{
        for (unsigned i = 0; i < _STATES; i++) {
                ck_assert_ptr_nonnull(state_names[i]);
                for (unsigned k = 0; k < i; k++)
                        ck_assert_str_ne(state_names[i], state_names[k]);
        }
        ck_assert_str_eq(state_names[STATE_CLOSE_WAIT], "close_wait");
        ck_assert_str_eq(state_names[STATE_BOUND_INACTIVE], "bound_inactive");
}
END_TEST

/* By what readers of any table go. */
START_TEST(every_table_is_described)
{
        const TableInfo *info = &table_infos[_i];
        const RowLayout *layout = &info->layout;

        ck_assert_ptr_nonnull(info->name);
        ck_assert(info->collector == COLLECTOR_NONE || collector_name(info->collector));
        ck_assert_uint_gt(info->tag, 3); /* which have another meaning */
        for (TableId table = 0; table < (TableId)_i; table++)
                ck_assert_uint_ne(info->tag, table_infos[table].tag);

        ck_assert_uint_le(layout->key_size, layout->fields_offset);
        ck_assert_uint_lt(layout->fields_offset - layout->key_size, sizeof(uint64_t));
        ck_assert_uint_eq(layout->fields_offset + layout->n_fields * sizeof(uint64_t), layout->row_size);
        ck_assert_uint_le(layout->n_fields, ROW_FIELDS_MAX);

        /* Two tables that lay one upon the other would be seen in the counts and the rows of the others. */
        sample_make_full(&sample, 1);
        ck_assert_uint_eq(sample_count_rows(&sample, (TableId)_i), info->n_max);
        memset(sample_rows(&sample, (TableId)_i), 0xff, info->n_max * layout->row_size);
        *sample_row_count(&sample, (TableId)_i) = 0;
        sample_make_full(&other, 1);
        *sample_row_count(&other, (TableId)_i) = 0;
        ck_assert(sample_is_same(&sample, &other));
}
END_TEST

START_TEST(a_table_is_found_by_its_id)
{
        sample_clear(&sample);
        ck_assert_str_eq(table_infos[TABLE_UNIX_LISTENERS].name, "unix_listeners");
        ck_assert_ptr_eq(sample_row_count(&sample, TABLE_LISTENERS), &sample.n_listeners);
        ck_assert_ptr_eq(sample_rows(&sample, TABLE_LISTENERS), sample.listeners);
        ck_assert_ptr_eq(sample_row_count(&sample, TABLE_DESTINATIONS), &sample.n_destinations);
        ck_assert_ptr_eq(sample_get_row(&sample, TABLE_DESTINATIONS, 3), &sample.destinations[3]);
        ck_assert_ptr_eq(sample_row_fields(&sample, TABLE_UNITS, 2), sample.units[2].states);
}
END_TEST

START_TEST(every_collector_has_a_name)
{
        for (unsigned id = COLLECTOR_TCP; id <= COLLECTOR_PROCESSES; id++)
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
        *sample_row_count(&sample, (TableId)_i) = (uint32_t)table_infos[_i].n_max + 1;
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
        tcase_add_test(values, a_copy_takes_the_rows_that_count);
        tcase_add_test(values, what_tests_compare_by_is_not_blind);
        tcase_add_loop_test(values, what_tests_compare_rows_by_is_not_blind, 0, _TABLES);
        tcase_add_loop_test(values, what_tests_find_of_rows_is_not_blind, 0, _TABLES);
#ifndef TEST_WITHOUT_ASSERTS
        tcase_add_test_raise_signal(values, a_copy_onto_itself_is_a_bug, SIGABRT);
        tcase_add_loop_test_raise_signal(values, a_copy_of_too_many_rows_is_a_bug, SIGABRT, 0, _TABLES);
#endif
        suite_add_tcase(suite, values);

        tcase_add_loop_test(names, an_address_is_written_as_ss_does, 0, ELEMENTSOF(addresses));
        tcase_add_loop_test(names, an_address_and_its_port_are_written_as_ss_does, 0, ELEMENTSOF(addresses));
        tcase_add_test(names, what_stands_for_many_has_neither_address_nor_port);
        tcase_add_test(names, a_device_without_its_end_is_no_harm);
        tcase_add_test(names, a_port_is_read_in_network_byte_order);
        tcase_add_test(names, a_port_that_stands_for_those_the_kernel_chooses_has_a_name);
        tcase_add_test(names, every_collector_has_a_name);
        tcase_add_test(names, every_value_is_described);
        tcase_add_test(names, every_state_has_a_name);
        tcase_add_loop_test(names, every_table_is_described, 0, _TABLES);
        tcase_add_test(names, a_table_is_found_by_its_id);
        suite_add_tcase(suite, names);

        return suite_main(suite);
}
