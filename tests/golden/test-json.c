/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/socket.h>

#include "cli/json.h"
#include "suite.h"

static Sample sample;

static void json_derefp(json_t **json) {
        json_decref(*json);
}

/* The sample, or parts of it, written and read back. */
static json_t *round_trip_of(JsonParts wanted) {
        _cleanup_(freep) char *text = NULL;
        size_t size;
        FILE *file = open_memstream(&text, &size);
        json_error_t error;
        json_t *json;

        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(json_write_sample(&sample, wanted, file), 0);
        (void)fclose(file);
        json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
        ck_assert_msg(json != NULL, "%s: %s", error.text, text);
        return json;
}

static json_t *round_trip(void) {
        return round_trip_of(JSON_ALL);
}

START_TEST(what_was_measured_is_there_and_nothing_else)
{
        _cleanup_(json_derefp) json_t *json = NULL;
        const json_t *values;

        sample.number = 7;
        sample.realtime_usec = UINT64_C(1795000000250000);
        sample_set(&sample, VALUE_TCP_ESTABLISHED, 0);
        sample_set(&sample, VALUE_TCP_LISTEN_DROPS, UINT64_MAX);
        json = round_trip();
        values = json_object_get(json, "values");

        ck_assert_int_eq(json_integer_value(json_object_get(json, "number")), 7);
        ck_assert_double_eq(json_real_value(json_object_get(json, "time")), 1795000000.25);
        ck_assert_uint_eq(json_object_size(values), 2);
        ck_assert(json_is_integer(json_object_get(values, "tcp_established")));
        ck_assert_int_eq(json_integer_value(json_object_get(values, "tcp_listen_drops")), INT64_MAX);
        ck_assert_uint_eq(json_array_size(json_object_get(json, "listeners")), 0);
        ck_assert_uint_eq(json_object_size(json_object_get(json, "collectors")), 0);
}
END_TEST

/* Rows of units and listeners come without values, and are no younger than that. */
START_TEST(when_walks_counted_is_there_with_every_part)
{
        static const JsonParts parts[] = { JSON_VALUES, JSON_LISTENERS, JSON_UNITS, JSON_DESTINATIONS };

        sample_set(&sample, VALUE_TCP_RARE_STATES_USEC, UINT64_C(1795000000250000));
        for (size_t i = 0; i < ELEMENTSOF(parts); i++) {
                _cleanup_(json_derefp) json_t *json = round_trip_of(parts[i]);
                const json_t *counted = json_object_get(json, "tcp_counted");

                ck_assert_uint_eq(json_object_size(counted), 1);
                ck_assert_double_eq(json_real_value(json_object_get(counted, "rare_states")), 1795000000.25);
        }
}
END_TEST

static const struct {
        const char *device;
        const char *address;
} devices[] = {
        { "", "192.0.2.7" },
        { "eth0", "192.0.2.7%eth0" },
        { "a\"b\\c\x01", "192.0.2.7%a\"b\\c\x01" },
        { "caf\xc3\xa9", "192.0.2.7%caf\xc3\xa9" },
        { "\xff\xc3", "192.0.2.7%\\xff\\xc3" },
        { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
          "192.0.2.7%"
          "\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff" },
};

START_TEST(a_listener_is_there_whatever_its_device_is_called)
{
        ListenerRow row = { .key = { .endpoint = { AF_INET, 0, { 1, 187 }, { 192, 0, 2, 7 }, "" },
                                     .unit = "nginx.service" },
                            .length = 1,
                            .limit = 2,
                            .drops = 3,
                            .n_sockets = 4,
                            .is_dual_stack = 1 };
        _cleanup_(json_derefp) json_t *json = NULL;
        const json_t *listener;

        memcpy(row.key.endpoint.device, devices[_i].device, strlen(devices[_i].device));
        sample.listeners[sample.n_listeners++] = row;
        json = round_trip();
        listener = json_array_get(json_object_get(json, "listeners"), 0);

        ck_assert_str_eq(json_string_value(json_object_get(listener, "address")), devices[_i].address);
        ck_assert_int_eq(json_integer_value(json_object_get(listener, "port")), 443);
        ck_assert_int_eq(json_integer_value(json_object_get(listener, "accept_queue_length")), 1);
        ck_assert_int_eq(json_integer_value(json_object_get(listener, "accept_queue_limit")), 2);
        ck_assert_int_eq(json_integer_value(json_object_get(listener, "drops")), 3);
        ck_assert_int_eq(json_integer_value(json_object_get(listener, "sockets")), 4);
        ck_assert(json_is_true(json_object_get(listener, "dual_stack")));
        ck_assert_str_eq(json_string_value(json_object_get(listener, "unit")), "nginx.service");
        ck_assert(json_is_null(json_object_get(listener, "process")));
        /* Nobody has walked over its connections. */
        ck_assert_ptr_null(json_object_get(listener, "connections"));
}
END_TEST

static const struct {
        JsonParts part;
        const char *names[4];
} parts[] = {
        { JSON_VALUES, { "values" } },
        { JSON_LISTENERS, { "listeners", "unix_listeners", "udp_sockets" } },
        { JSON_UNITS, { "units", "processes" } },
        { JSON_DESTINATIONS, { "destinations" } },
};

START_TEST(only_the_parts_that_are_wanted_are_there)
{
        _cleanup_(json_derefp) json_t *json = round_trip_of(parts[_i].part);
        size_t n = 0;

        for (; parts[_i].names[n]; n++)
                ck_assert_msg(json_object_get(json, parts[_i].names[n]) != NULL, "%s", parts[_i].names[n]);
        ck_assert_uint_eq(json_object_size(json), 4 + n);
}
END_TEST

START_TEST(units_processes_and_destinations_are_there)
{
        _cleanup_(json_derefp) json_t *json = NULL;
        const json_t *unit, *process, *destination;

        sample.reports[COLLECTOR_TCP] = sample.reports[COLLECTOR_PROCESSES] =
                (CollectorReport){ .is_present = true };
        sample.units[sample.n_units++] = (UnitRow){ .key.unit = "a.service",
                                                    .states[STATE_CLOSE_WAIT] = 5,
                                                    .n_close_wait_accepted = 3,
                                                    .open_fds = 9,
                                                    .worst_fd_limit = 10 };
        sample.processes[sample.n_processes++] = (ProcessRow){ .key = { "a.service", "a" },
                                                               .pid = 7,
                                                               .open_fds = 9,
                                                               .fd_limit = UINT64_MAX,
                                                               .n_close_wait = 3,
                                                               .is_close_wait_known = 1 };
        sample.destinations[sample.n_destinations++] =
                (DestinationRow){ .key.family = ENDPOINT_OTHER, .n_ports = 4 };
        json = round_trip();
        unit = json_array_get(json_object_get(json, "units"), 0);
        process = json_array_get(json_object_get(json, "processes"), 0);
        destination = json_array_get(json_object_get(json, "destinations"), 0);

        ck_assert_str_eq(json_string_value(json_object_get(unit, "unit")), "a.service");
        ck_assert_int_eq(json_integer_value(
                                 json_object_get(json_object_get(unit, "tcp_sockets"), "close_wait")),
                         5);
        ck_assert_ptr_null(json_object_get(json_object_get(unit, "tcp_sockets"), "bound_inactive"));
        ck_assert_int_eq(json_integer_value(json_object_get(unit, "close_wait_accepted")), 3);
        ck_assert_int_eq(json_integer_value(json_object_get(unit, "open_fds")), 9);
        ck_assert_int_eq(json_integer_value(json_object_get(process, "pid")), 7);
        ck_assert(json_is_null(json_object_get(process, "fd_limit")));
        ck_assert_str_eq(json_string_value(json_object_get(destination, "address")), "other");
        ck_assert(json_is_null(json_object_get(destination, "port")));
}
END_TEST

START_TEST(a_collector_that_failed_says_why)
{
        _cleanup_(json_derefp) json_t *json = NULL;
        const json_t *collectors, *tcp, *listen;

        sample.reports[COLLECTOR_TCP] = (CollectorReport){ .is_present = true,
                                                           .is_incomplete = true,
                                                           .duration_nsec = 1500000,
                                                           .last_success_usec = 250000 };
        sample.reports[COLLECTOR_LISTEN] = (CollectorReport){ .is_present = true, .error = -ENOENT };
        json = round_trip();
        collectors = json_object_get(json, "collectors");
        tcp = json_object_get(collectors, "tcp");
        listen = json_object_get(collectors, "listen");

        ck_assert_uint_eq(json_object_size(collectors), 2);
        ck_assert(json_is_true(json_object_get(tcp, "success")));
        ck_assert(json_is_true(json_object_get(tcp, "incomplete")));
        ck_assert_double_eq(json_real_value(json_object_get(tcp, "duration_seconds")), 0.0015);
        ck_assert_double_eq(json_real_value(json_object_get(tcp, "last_success")), 0.25);
        ck_assert(json_is_null(json_object_get(tcp, "error")));
        ck_assert(json_is_false(json_object_get(listen, "success")));
        ck_assert_str_eq(json_string_value(json_object_get(listen, "error")), "No such file or directory");
}
END_TEST

START_TEST(a_full_disk_is_an_error)
{
        FILE *file = fopen("/dev/full", "w");

        ck_assert_ptr_nonnull(file);
        setbuf(file, NULL);
        ck_assert_int_eq(json_write_sample(&sample, JSON_ALL, file), -EIO);
        (void)fclose(file);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("json");
        TCase *writing = tcase_create("writing");

        tcase_add_test(writing, what_was_measured_is_there_and_nothing_else);
        tcase_add_test(writing, when_walks_counted_is_there_with_every_part);
        tcase_add_loop_test(writing, a_listener_is_there_whatever_its_device_is_called, 0,
                            ELEMENTSOF(devices));
        tcase_add_loop_test(writing, only_the_parts_that_are_wanted_are_there, 0, ELEMENTSOF(parts));
        tcase_add_test(writing, units_processes_and_destinations_are_there);
        tcase_add_test(writing, a_collector_that_failed_says_why);
        tcase_add_test(writing, a_full_disk_is_an_error);
        suite_add_tcase(suite, writing);

        return suite_main(suite);
}
