/* SPDX-License-Identifier: Apache-2.0 */

#include <signal.h>
#include <string.h>

#include "collect/field_map.h"
#include "suite.h"

static const char *const sources[] = {
        "net/snmp", "net/netstat", "net/snmp6", "net/sockstat", "net/sockstat6",
};

static FieldMap map;

static ValueId find(const char *group, const char *name) {
        ProcNetField field = {
                .group = group, .group_size = strlen(group), .name = name, .name_size = strlen(name)
        };

        return field_map_find(&map, &field);
}

START_TEST(every_row_of_a_source_is_found_and_no_other)
{
        unsigned n = 0;

        field_map_init(&map, sources[_i]);
        for (unsigned id = 1; id < _VALUE_ROOM; id++) {
                const ValueInfo *info = &value_infos[id];
                bool is_of_source = info->name && strcmp(info->source, sources[_i]) == 0;

                if (is_of_source)
                        ck_assert_uint_eq((unsigned)find(info->group, info->field), id);
                n += is_of_source;
        }
        ck_assert_uint_gt(n, 0);
}
END_TEST

START_TEST(a_name_is_found_in_its_group_only)
{
        field_map_init(&map, "net/snmp");
        ck_assert_int_eq(find("Tcp", "InErrs"), VALUE_TCP_RECEIVE_ERRORS);
        ck_assert_int_eq(find("Udp", "InErrors"), VALUE_UDP4_RECEIVE_ERRORS);
        ck_assert_int_eq(find("UdpLite", "InErrors"), 0);
        ck_assert_int_eq(find("Tcp", "InErrors"), 0);
        ck_assert_int_eq(find("", "InErrs"), 0);
        ck_assert_int_eq(find("TcpInErrs", ""), 0);
        ck_assert_int_eq(find("TcpIn", "Errs"), 0);
        ck_assert_int_eq(find("", ""), 0);
}
END_TEST

START_TEST(a_part_of_a_name_is_another_name)
{
        ProcNetField field = { .group = "Tcp:", .group_size = 3, .name = "InErrsAndMore", .name_size = 6 };

        field_map_init(&map, "net/snmp");
        ck_assert_int_eq(field_map_find(&map, &field), VALUE_TCP_RECEIVE_ERRORS);
        field.name_size = 5;
        ck_assert_int_eq(field_map_find(&map, &field), 0);
        field.name_size = 7;
        ck_assert_int_eq(field_map_find(&map, &field), 0);
        field.name_size = 6;
        field.group_size = 4;
        ck_assert_int_eq(field_map_find(&map, &field), 0);
}
END_TEST

/* /proc has no bytes of 0, but what stands in for it under --procfs.root may have. */
START_TEST(a_name_that_goes_on_behind_a_0_is_another_name)
{
        field_map_init(&map, "net/snmp");

        for (unsigned i = 0; i < 65536; i++) {
                char name[300] = "InErrs";
                ProcNetField field = {
                        .group = "Tcp", .group_size = 3, .name = name, .name_size = sizeof name
                };

                name[298] = (char)(i & 0xff);
                name[299] = (char)(i >> 8);
                ck_assert_int_eq(field_map_find(&map, &field), 0);
        }
}
END_TEST

START_TEST(an_unknown_source_has_no_values)
{
        field_map_init(&map, "net/unknown");
        ck_assert_int_eq(find("Tcp", "InErrs"), 0);
}
END_TEST

START_TEST(no_name_is_told_twice)
{
        for (unsigned a = 1; a < _VALUE_ROOM; a++)
                for (unsigned b = a + 1; b < _VALUE_ROOM; b++)
                        if (value_infos[a].name && value_infos[b].name &&
                            strncmp(value_infos[a].source, "net/", 4) == 0)
                                ck_assert_msg(strcmp(value_infos[a].source, value_infos[b].source) != 0 ||
                                                      strcmp(value_infos[a].group, value_infos[b].group) !=
                                                              0 ||
                                                      strcmp(value_infos[a].field, value_infos[b].field) !=
                                                              0,
                                              "%s and %s are the same number", value_infos[a].name,
                                              value_infos[b].name);
}
END_TEST

#ifndef TEST_WITHOUT_ASSERTS
START_TEST(a_map_needs_a_source)
{ field_map_init(&map, NULL); }
END_TEST
#endif

int main(void) {
        Suite *suite = suite_create("field-map");
        TCase *finding = tcase_create("finding");

        tcase_set_timeout(finding, 60);
        tcase_add_loop_test(finding, every_row_of_a_source_is_found_and_no_other, 0, ELEMENTSOF(sources));
        tcase_add_test(finding, a_name_is_found_in_its_group_only);
        tcase_add_test(finding, a_part_of_a_name_is_another_name);
        tcase_add_test(finding, a_name_that_goes_on_behind_a_0_is_another_name);
        tcase_add_test(finding, an_unknown_source_has_no_values);
        tcase_add_test(finding, no_name_is_told_twice);
#ifndef TEST_WITHOUT_ASSERTS
        tcase_add_test_raise_signal(finding, a_map_needs_a_source, SIGABRT);
#endif
        suite_add_tcase(suite, finding);

        return suite_main(suite);
}
