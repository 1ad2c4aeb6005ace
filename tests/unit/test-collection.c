/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "collect/collection.h"
#include "suite.h"
#include "unit/fake_kernel.h"
#include "unit/folder.h"

static Folder folder;
static Sources sources = { .proc_fd = -1, .sys_fd = -1 };
static Collection *collection;
static Sample sample;
static uint64_t page_bytes;

static const FakeSocket sockets[] = {
        { .state = SOCK_STATE_LISTEN, .port = 80, .cookie = 1, .receive_queue = 2, .send_queue = 5 },
        { .state = SOCK_STATE_ESTABLISHED, .port = 80, .peer_port = 1000, .receive_queue = 7 },
};

static void setup(void) {
        const char *what;

        page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
        fake_kernel = (FakeKernel){ .sockets = sockets, .n_sockets = ELEMENTSOF(sockets) };
        folder_init(&folder);
        folder_copy_fixtures(&folder, "proc");
        folder_write_text(&folder, "self/fd/0", "");
        ck_assert_int_eq(sources_init(&sources, folder.path, folder.path, &what), 0);
        ck_assert_int_eq(collection_new(&sources, &collection), 0);
}

static void teardown(void) {
        collection = collection_free(collection);
        sources_done(&sources);
        folder_done(&folder);
}

static void check_value(ValueId id, uint64_t value) {
        ck_assert_msg(sample_has(&sample, id), "%s is absent", value_infos[id].name);
        ck_assert_uint_eq(sample.values[id], value);
}

static void check_absent(ValueId id) {
        ck_assert_msg(!sample_has(&sample, id), "%s is not absent", value_infos[id].name);
        ck_assert_uint_eq(sample.values[id], 0);
}

static void check_collector_absent(CollectorId id) {
        for (unsigned value = 0; value < _VALUE_ROOM; value++)
                if (value_infos[value].name && value_infos[value].collector == id)
                        check_absent(value);
}

static void remove_file(const char *name) {
        ck_assert_int_eq(unlinkat(folder.fd, name, 0), 0);
}

START_TEST(everything_of_this_kernel_is_collected)
{
        collection_run(collection, &bounds_default, &sample);

        for (unsigned id = COLLECTOR_TCP; id <= COLLECTOR_SELF; id++) {
                const CollectorReport *report = &sample.reports[id];

                ck_assert_msg(report->is_present && report->error == 0, "%s: %s", collector_name(id),
                              strerror(-report->error));
                ck_assert_uint_eq(report->n_failures, 0);
                ck_assert_uint_ge(report->last_success_usec, sample.realtime_usec);
        }
        for (unsigned id = 1; id < _VALUE_ROOM; id++)
                if (value_infos[id].name && value_infos[id].collector != COLLECTOR_NONE)
                        ck_assert_msg(sample_has(&sample, id), "%s is absent", value_infos[id].name);

        check_value(VALUE_TCP_SEGMENTS_RECEIVED, 5159);
        check_value(VALUE_UDP4_RECEIVED, 277);
        check_value(VALUE_TCP_TIME_WAITS, 139);
        check_value(VALUE_IP6_SENT, 10);
        check_value(VALUE_TCP_MEMORY_BYTES, 208 * page_bytes);
        check_value(VALUE_TCP_MEMORY_PRESSURE_BYTES, 383868 * page_bytes);
        check_value(VALUE_EPHEMERAL_PORTS, 60999 - 32768 + 1);
        check_value(VALUE_SOMAXCONN, 4096);
        check_value(VALUE_HOST_OPEN_FDS, 449);
        check_value(VALUE_HOST_MAX_FDS, 2466177);
        check_value(VALUE_PROCESS_MAX_FDS, 20000);
        check_value(VALUE_TCP_ESTABLISHED, 1);
        check_value(VALUE_TCP_CLOSE_WAIT, 0);
        check_value(VALUE_NETLINK_REOPENS, 0);
        ck_assert_uint_eq(sample.n_listeners, 1);
}
END_TEST

START_TEST(an_older_kernel_leaves_its_gaps)
{
        folder_copy_fixtures(&folder, "proc-older");
        fake_kernel.is_old = true;
        collection_run(collection, &bounds_default, &sample);

        ck_assert_int_eq(sample.reports[COLLECTOR_NETSTAT].error, 0);
        ck_assert_int_eq(sample.reports[COLLECTOR_TCP].error, 0);
        check_value(VALUE_TCP_SEGMENTS_RECEIVED, 5159);
        check_absent(VALUE_UDP4_MEMORY_ERRORS);
        check_absent(VALUE_UDP6_MEMORY_ERRORS);
        check_absent(VALUE_TCP_BOUND_INACTIVE);
}
END_TEST

typedef struct FileCase {
        const char *name;
        CollectorId collector;
} FileCase;

static const FileCase needed_files[] = {
        { "net/snmp", COLLECTOR_NETSTAT },      { "net/netstat", COLLECTOR_NETSTAT },
        { "net/sockstat", COLLECTOR_SOCKSTAT }, { "sys/fs/file-nr", COLLECTOR_FD },
        { "self/stat", COLLECTOR_SELF },        { "self/limits", COLLECTOR_SELF },
};

static const FileCase all_files[] = {
        { "net/snmp", COLLECTOR_NETSTAT },
        { "net/netstat", COLLECTOR_NETSTAT },
        { "net/snmp6", COLLECTOR_NETSTAT },
        { "net/sockstat", COLLECTOR_SOCKSTAT },
        { "net/sockstat6", COLLECTOR_SOCKSTAT },
        { "sys/fs/file-nr", COLLECTOR_FD },
        { "self/stat", COLLECTOR_SELF },
        { "self/limits", COLLECTOR_SELF },
        { "sys/net/core/somaxconn", COLLECTOR_LIMITS },
        { "sys/net/ipv4/tcp_mem", COLLECTOR_LIMITS },
        { "sys/net/ipv4/ip_local_port_range", COLLECTOR_LIMITS },
        { "sys/net/ipv4/ip_local_reserved_ports", COLLECTOR_LIMITS },
        { "sys/net/netfilter/nf_conntrack_max", COLLECTOR_LIMITS },
};

/* The collector failed with that error and left nothing; all others succeeded. */
static void check_failed(CollectorId failed, int error) {
        collection_run(collection, &bounds_default, &sample);
        for (CollectorId id = COLLECTOR_TCP; id <= COLLECTOR_SELF; id++) {
                ck_assert(sample.reports[id].is_present);
                ck_assert_int_eq(sample.reports[id].error, id == failed ? error : 0);
                ck_assert_uint_eq(sample.reports[id].n_failures, id == failed);
        }
        ck_assert_uint_eq(sample.reports[failed].last_success_usec, 0);
        check_collector_absent(failed);
}

START_TEST(a_file_that_is_missing_fails_its_collector_alone)
{
        remove_file(needed_files[_i].name);
        check_failed(needed_files[_i].collector, -ENOENT);
}
END_TEST

START_TEST(a_file_that_is_malformed_fails_its_collector_alone)
{
        folder_write_text(&folder, all_files[_i].name, "what is this?\n");
        check_failed(all_files[_i].collector, -EBADMSG);
}
END_TEST

START_TEST(a_file_that_is_too_large_fails_its_collector_alone)
{
        _cleanup_(freep) char *text = malloc(100000);

        memset(text, '\n', 100000);
        folder_write(&folder, all_files[_i].name, text, 100000);
        check_failed(all_files[_i].collector, -EFBIG);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_fails_its_collector_alone)
{
        remove_file(all_files[_i].name);
        ck_assert_int_eq(mkdirat(folder.fd, all_files[_i].name, 0755), 0);
        check_failed(all_files[_i].collector, -EISDIR);
}
END_TEST

START_TEST(without_ipv6_nothing_failed)
{
        remove_file("net/snmp6");
        remove_file("net/sockstat6");
        collection_run(collection, &bounds_default, &sample);
        ck_assert_int_eq(sample.reports[COLLECTOR_NETSTAT].error, 0);
        ck_assert_int_eq(sample.reports[COLLECTOR_SOCKSTAT].error, 0);
        check_absent(VALUE_IP6_RECEIVED);
        check_absent(VALUE_TCP6_IN_USE);
        check_value(VALUE_IP4_RECEIVED, 5437);
}
END_TEST

static const char *const optional_limits[] = {
        "sys/net/ipv4/tcp_max_orphans",
        "sys/net/ipv4/tcp_mem",
        "sys/net/netfilter/nf_conntrack_max",
};

/* Every network namespace has these: without them the wrong folder was given for /proc. */
static const char *const needed_limits[] = {
        "sys/net/core/somaxconn",
        "sys/net/ipv4/tcp_max_syn_backlog",
        "sys/net/ipv4/tcp_max_tw_buckets",
        "sys/net/ipv4/ip_local_port_range",
};

START_TEST(a_limit_that_is_everywhere_must_be_there)
{
        remove_file(needed_limits[_i]);
        collection_run(collection, &bounds_default, &sample);
        ck_assert_int_eq(sample.reports[COLLECTOR_LIMITS].error, -ENOENT);
        check_absent(VALUE_SOMAXCONN);
}
END_TEST

START_TEST(a_limit_that_is_not_there_is_absent_and_nothing_failed)
{
        remove_file(optional_limits[_i]);
        collection_run(collection, &bounds_default, &sample);
        ck_assert_int_eq(sample.reports[COLLECTOR_LIMITS].error, 0);
        for (unsigned id = 1; id < _VALUE_ROOM; id++)
                if (value_infos[id].name && value_infos[id].collector == COLLECTOR_LIMITS)
                        ck_assert_int_eq(sample_has(&sample, id),
                                         strcmp(value_infos[id].source, optional_limits[_i]) != 0);
}
END_TEST

START_TEST(reserved_ports_are_not_ephemeral)
{
        folder_write_text(&folder, "sys/net/ipv4/ip_local_reserved_ports", "22,40000-40009,60999\n");
        collection_run(collection, &bounds_default, &sample);
        check_value(VALUE_EPHEMERAL_PORTS, 60999 - 32768 + 1 - 11);

        remove_file("sys/net/ipv4/ip_local_reserved_ports");
        collection_run(collection, &bounds_default, &sample);
        check_value(VALUE_EPHEMERAL_PORTS, 60999 - 32768 + 1);
}
END_TEST

static const char *const bad_ranges[] = { "60999 32768\n", "32768\n", "1 65536\n" };

START_TEST(a_port_range_that_cannot_be_fails_the_limits)
{
        folder_write_text(&folder, "sys/net/ipv4/ip_local_port_range", bad_ranges[_i]);
        check_failed(COLLECTOR_LIMITS, -EBADMSG);
}
END_TEST

START_TEST(too_few_numbers_fail)
{
        folder_write_text(&folder, "sys/net/ipv4/tcp_mem", "1 2\n");
        check_failed(COLLECTOR_LIMITS, -EBADMSG);
}
END_TEST

START_TEST(failures_are_counted_and_the_last_success_is_kept)
{
        usec_t success;

        collection_run(collection, &bounds_default, &sample);
        success = sample.reports[COLLECTOR_NETSTAT].last_success_usec;
        ck_assert_uint_gt(success, 0);

        remove_file("net/snmp");
        for (unsigned i = 1; i <= 3; i++) {
                collection_run(collection, &bounds_default, &sample);
                ck_assert_int_eq(sample.reports[COLLECTOR_NETSTAT].error, -ENOENT);
                ck_assert_uint_eq(sample.reports[COLLECTOR_NETSTAT].n_failures, i);
                ck_assert_uint_eq(sample.reports[COLLECTOR_NETSTAT].last_success_usec, success);
                check_absent(VALUE_TCP_SEGMENTS_RECEIVED);
        }

        folder_copy_fixtures(&folder, "proc");
        collection_run(collection, &bounds_default, &sample);
        ck_assert_int_eq(sample.reports[COLLECTOR_NETSTAT].error, 0);
        ck_assert_uint_eq(sample.reports[COLLECTOR_NETSTAT].n_failures, 3);
        ck_assert_uint_gt(sample.reports[COLLECTOR_NETSTAT].last_success_usec, success);
        check_value(VALUE_TCP_SEGMENTS_RECEIVED, 5159);
}
END_TEST

START_TEST(a_kernel_without_tcp_diag_fails_both_that_ask_it)
{
        fake_kernel.end_error = -ENOENT;
        collection_run(collection, &bounds_default, &sample);
        ck_assert_int_eq(sample.reports[COLLECTOR_TCP].error, -ENOENT);
        ck_assert_int_eq(sample.reports[COLLECTOR_LISTEN].error, -ENOENT);
        ck_assert_int_eq(sample.reports[COLLECTOR_NETSTAT].error, 0);
        check_collector_absent(COLLECTOR_TCP);
        check_collector_absent(COLLECTOR_LISTEN);
        ck_assert_uint_eq(sample.n_listeners, 0);
        ck_assert_uint_gt(sample.values[VALUE_NETLINK_REOPENS], 0);
}
END_TEST

START_TEST(a_sample_keeps_nothing_of_the_one_before)
{
        collection_run(collection, &bounds_default, &sample);
        sample_set(&sample, VALUE_SAMPLES, 17);
        fake_kernel.n_sockets = 0;
        collection_run(collection, &bounds_default, &sample);
        check_absent(VALUE_SAMPLES);
        check_value(VALUE_TCP_ESTABLISHED, 0);
        ck_assert_uint_eq(sample.n_listeners, 0);
}
END_TEST

START_TEST(both_clocks_are_of_the_moment_it_began)
{
        usec_t realtime = clock_usec(CLOCK_REALTIME), boottime = clock_usec(CLOCK_BOOTTIME);

        collection_run(collection, &bounds_default, &sample);
        ck_assert_uint_ge(sample.realtime_usec, realtime);
        ck_assert_uint_ge(sample.boottime_usec, boottime);
        ck_assert_uint_le(sample.realtime_usec, clock_usec(CLOCK_REALTIME));
        ck_assert_uint_le(sample.boottime_usec, clock_usec(CLOCK_BOOTTIME));
}
END_TEST

START_TEST(sources_that_are_not_there_are_named)
{
        Sources none = SOURCES_NULL;
        const char *what = NULL;

        ck_assert_int_eq(sources_init(&none, "/nowhere/proc", folder.path, &what), -ENOENT);
        ck_assert_str_eq(what, "/nowhere/proc");
        ck_assert_int_eq(sources_init(&none, folder.path, "/dev/null", &what), -ENOTDIR);
        ck_assert_str_eq(what, "/dev/null");
        sources_done(&none);
        sources_done(&none);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("collection");
        TCase *running = tcase_create("running");

        tcase_add_checked_fixture(running, setup, teardown);
        tcase_set_timeout(running, 60);
        tcase_add_test(running, everything_of_this_kernel_is_collected);
        tcase_add_test(running, an_older_kernel_leaves_its_gaps);
        tcase_add_loop_test(running, a_file_that_is_missing_fails_its_collector_alone, 0,
                            ELEMENTSOF(needed_files));
        tcase_add_loop_test(running, a_file_that_is_malformed_fails_its_collector_alone, 0,
                            ELEMENTSOF(all_files));
        tcase_add_loop_test(running, a_file_that_is_too_large_fails_its_collector_alone, 0,
                            ELEMENTSOF(all_files));
        tcase_add_loop_test(running, a_file_that_cannot_be_read_fails_its_collector_alone, 0,
                            ELEMENTSOF(all_files));
        tcase_add_test(running, without_ipv6_nothing_failed);
        tcase_add_loop_test(running, a_limit_that_is_not_there_is_absent_and_nothing_failed, 0,
                            ELEMENTSOF(optional_limits));
        tcase_add_loop_test(running, a_limit_that_is_everywhere_must_be_there, 0, ELEMENTSOF(needed_limits));
        tcase_add_test(running, reserved_ports_are_not_ephemeral);
        tcase_add_loop_test(running, a_port_range_that_cannot_be_fails_the_limits, 0,
                            ELEMENTSOF(bad_ranges));
        tcase_add_test(running, too_few_numbers_fail);
        tcase_add_test(running, failures_are_counted_and_the_last_success_is_kept);
        tcase_add_test(running, a_kernel_without_tcp_diag_fails_both_that_ask_it);
        tcase_add_test(running, a_sample_keeps_nothing_of_the_one_before);
        tcase_add_test(running, both_clocks_are_of_the_moment_it_began);
        tcase_add_test(running, sources_that_are_not_there_are_named);
        suite_add_tcase(suite, running);

        return suite_main(suite);
}
