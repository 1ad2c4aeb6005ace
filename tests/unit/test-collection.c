/* SPDX-License-Identifier: Apache-2.0 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "collect/collection.h"
#include "collect/units.h"
#include "suite.h"
#include "unit/fake_kernel.h"
#include "unit/folder.h"
#include "unit/samples.h"

static Folder folder;
static Sources sources = { .proc_fd = -1, .sys_fd = -1 };
static Collection *collection;
static Sample sample;
static Bounds bounds;
static uint64_t page_bytes;
static int list_errno; /* of listing /proc, if not 0 */

static FakeSocket sockets[] = {
        { .state = SOCK_STATE_LISTEN, .port = 80, .cookie = 1, .receive_queue = 2, .send_queue = 5 },
        { .state = SOCK_STATE_ESTABLISHED, .port = 80, .peer_port = 1000, .receive_queue = 7 },
        { .state = SOCK_STATE_CLOSE, .protocol = IPPROTO_UDP, .port = 53, .cookie = 2, .receive_queue = 3 },
        /* Opened by this host. */
        { .state = SOCK_STATE_SYN_SENT, .port = 40000, .peer_port = 443 },
};

static const FakeUnix unix_sockets[] = {
        { .state = SOCK_STATE_LISTEN,
          .name = "/run/a",
          .name_size = 7,
          .cookie = 3,
          .length = 1,
          .limit = 5 },
};

/* What a folder lacks of /proc: that listing it may fail. */
struct dirent64 *__real_readdir64(DIR *dir);
struct dirent64 *__wrap_readdir64(DIR *dir);

struct dirent64 *__wrap_readdir64(DIR *dir) {
        struct stat root, status;

        if (list_errno != 0 && fstat(dirfd(dir), &status) == 0 && fstat(folder.fd, &root) == 0 &&
            status.st_ino == root.st_ino && status.st_dev == root.st_dev) {
                errno = list_errno;
                return NULL;
        }

        return __real_readdir64(dir);
}

/* A service of one process. Returns the id of its cgroup. */
static uint64_t make_service(void) {
        struct stat status;
        char limits[4096];

        folder_write_text(&folder, "self/mountinfo", "1 2 0:3 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
        folder_write_text(&folder, "fs/cgroup/system.slice/a.service/cgroup.procs", "12\n");
        ck_assert_int_eq(fstatat(folder.fd, "fs/cgroup/system.slice/a.service", &status, 0), 0);

        (void)fixture_read("proc/self/limits", limits, sizeof limits);
        folder_write_text(&folder, "12/limits", limits);
        folder_write_text(&folder, "12/comm", "a\n");
        folder_write_text(&folder, "12/cgroup", "0::/system.slice/a.service\n");
        folder_write_text(&folder, "12/fd/0", "");
        return status.st_ino;
}

/* By how much clocks are ahead, and how much of this thread's CPU time passes between two looks at it. */
static int64_t realtime_ahead_sec;
static int64_t boottime_ahead_sec;
static long cpu_step_nsec;

int __real_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret) {
        static uint64_t n_looks;
        int r = __real_clock_gettime(clock, ret);

        if (clock == CLOCK_REALTIME)
                ret->tv_sec += realtime_ahead_sec;
        if (clock == CLOCK_BOOTTIME)
                ret->tv_sec += boottime_ahead_sec;
        if (clock == CLOCK_THREAD_CPUTIME_ID && cpu_step_nsec > 0) {
                uint64_t nsec = ++n_looks * (uint64_t)cpu_step_nsec;

                ret->tv_sec = (time_t)(nsec / NSEC_PER_SEC);
                ret->tv_nsec = (long)(nsec % NSEC_PER_SEC);
        }
        return r;
}

static void run(void) {
        collection_run_walk(collection, &bounds, WALK_ALL, &sample);
        ck_assert_ptr_null(sample_find_fault(&sample));
}

static void setup(void) {
        const char *what;
        uint64_t cgroup_id;

        page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
        fake_kernel = (FakeKernel){ .sockets = sockets,
                                    .n_sockets = ELEMENTSOF(sockets),
                                    .unix_sockets = unix_sockets,
                                    .n_unix_sockets = ELEMENTSOF(unix_sockets) };
        bounds = bounds_default;
        list_errno = 0;
        realtime_ahead_sec = boottime_ahead_sec = cpu_step_nsec = 0;
        folder_init(&folder);
        folder_copy_fixtures(&folder, "proc");
        folder_write_text(&folder, "self/fd/0", "");
        cgroup_id = make_service();
        for (size_t i = 0; i < ELEMENTSOF(sockets); i++)
                sockets[i].cgroup_id = cgroup_id;
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
        run();

        for (unsigned id = COLLECTOR_TCP; id < _COLLECTOR_ROOM && collector_name(id); id++) {
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
        check_value(VALUE_PROCESSES, 1);
        for (TableId table = 0; table < _TABLES; table++)
                ck_assert_msg(sample_count_rows(&sample, table) == 1, "%s", table_infos[table].name);
}
END_TEST

static void check_no_sockets(const UnitRow *row) {
        for (unsigned i = 0; i < _STATES; i++)
                ck_assert_uint_eq(row->states[i], 0);
        ck_assert_uint_eq(row->receive_queue_bytes, 0);
        ck_assert_uint_eq(row->send_queue_bytes, 0);
        ck_assert_uint_eq(row->n_retransmitting, 0);
        ck_assert_uint_eq(row->n_close_wait_accepted, 0);
}

static void check_no_processes(const UnitRow *row) {
        ck_assert_uint_eq(row->n_processes, 0);
        ck_assert_uint_eq(row->open_fds, 0);
        ck_assert_uint_eq(row->worst_open_fds, 0);
        ck_assert_uint_eq(row->worst_fd_limit, 0);
}

/* The row of the only unit. */
static const UnitRow *unit_row(void) {
        ck_assert_uint_eq(sample.n_units, 1);
        ck_assert_str_eq(sample.units[0].key.unit, "a.service");
        return &sample.units[0];
}

START_TEST(several_collectors_fill_the_row_of_a_unit)
{
        run();
        ck_assert_uint_eq(unit_row()->states[STATE_LISTEN], 1);
        ck_assert_uint_eq(unit_row()->states[STATE_ESTABLISHED], 1);
        ck_assert_uint_eq(unit_row()->states[STATE_SYN_SENT], 1);
        ck_assert_uint_eq(unit_row()->receive_queue_bytes, 7);
        ck_assert_uint_eq(unit_row()->n_processes, 1);
        ck_assert_uint_gt(unit_row()->open_fds, 0);
        ck_assert_uint_eq(unit_row()->worst_open_fds, unit_row()->open_fds);
        ck_assert_uint_eq(unit_row()->worst_fd_limit, 20000);
        ck_assert_str_eq(sample.processes[0].key.unit, "a.service");
        ck_assert_str_eq(sample.processes[0].key.process, "a");
        ck_assert_uint_eq(sample.processes[0].pid, 12);
        ck_assert_str_eq(sample.listeners[0].key.unit, "a.service");
        ck_assert_uint_eq(sample.listeners[0].states[STATE_ESTABLISHED], 1);
        ck_assert_str_eq(sample.udp_sockets[0].key.unit, "a.service");
}
END_TEST

/* The walk fails at its end, when everything was counted. */
START_TEST(a_walk_that_failed_leaves_nothing_in_the_rows_of_others)
{
        run();
        fake_kernel.end_error = -ENOBUFS;
        fake_kernel.end_error_states = SOCK_STATES_ALL | SOCK_STATE_MASK(SOCK_STATE_BOUND_INACTIVE);
        run();

        ck_assert_int_eq(sample.reports[COLLECTOR_TCP].error, -ENOBUFS);
        ck_assert_int_eq(sample.reports[COLLECTOR_LISTEN].error, 0);
        check_collector_absent(COLLECTOR_TCP);
        ck_assert_uint_eq(sample.n_destinations, 0);
        check_no_sockets(unit_row());
        ck_assert_uint_eq(unit_row()->n_processes, 1);
        ck_assert_uint_eq(sample.n_processes, 1);
        ck_assert_uint_eq(sample.n_listeners, 1);
        for (unsigned i = 0; i < _STATES; i++)
                ck_assert_uint_eq(sample.listeners[0].states[i], 0);

        fake_kernel.end_error = 0;
        run();
        ck_assert_uint_eq(unit_row()->states[STATE_ESTABLISHED], 1);
        ck_assert_uint_eq(sample.listeners[0].states[STATE_ESTABLISHED], 1);
        ck_assert_uint_eq(sample.n_destinations, 1);
}
END_TEST

START_TEST(processes_that_cannot_be_listed_leave_nothing_in_the_rows_of_others)
{
        run();
        list_errno = EIO;
        run();

        ck_assert_int_eq(sample.reports[COLLECTOR_PROCESSES].error, -EIO);
        check_collector_absent(COLLECTOR_PROCESSES);
        ck_assert_uint_eq(sample.n_processes, 0);
        check_no_processes(unit_row());
        ck_assert_uint_eq(unit_row()->states[STATE_ESTABLISHED], 1);

        list_errno = 0;
        run();
        ck_assert_uint_eq(unit_row()->n_processes, 1);
        ck_assert_uint_eq(sample.n_processes, 1);
}
END_TEST

/* What a unit has by neither is no reason for a row. */
START_TEST(a_unit_of_which_nothing_is_known_has_no_row)
{
        list_errno = EIO;
        fake_kernel.end_error = -ENOBUFS;
        run();
        ck_assert_uint_eq(sample.n_units, 0);
}
END_TEST

/* Units beyond those that are told apart are in the row of many at once. */
START_TEST(a_walk_that_failed_leaves_nothing_in_the_row_of_many)
{
        static FakeSocket many[UNITS_TRACKED_MAX + 100];

        for (unsigned i = 0; i < ELEMENTSOF(many); i++) {
                struct stat status;
                char path[64];

                (void)snprintf(path, sizeof path, "fs/cgroup/%u.service", i);
                ck_assert_int_eq(mkdirat(folder.fd, path, 0755), 0);
                ck_assert_int_eq(fstatat(folder.fd, path, &status, 0), 0);
                many[i] = (FakeSocket){ .state = SOCK_STATE_ESTABLISHED, .cgroup_id = status.st_ino };
        }
        fake_kernel.sockets = many;
        fake_kernel.n_sockets = ELEMENTSOF(many);
        fake_kernel.end_error = -ENOBUFS;
        run();
        ck_assert_uint_gt(sample.values[VALUE_UNITS_TRUNCATED], 0);
        for (uint32_t i = 0; i < sample.n_units; i++)
                check_no_sockets(&sample.units[i]);
}
END_TEST

typedef struct Costly {
        bool is_expected; /* something costly is asked, or has been in this sample */
        unsigned n_rests;
} Costly;

static void on_costly(uint64_t expected_nsec, void *userdata) {
        Costly *costly = userdata;

        costly->is_expected = true;
}

static void on_pause(void *userdata) {
        Costly *costly = userdata;

        ck_assert(costly->is_expected);
        costly->n_rests++;
}

START_TEST(what_is_costly_may_rest_and_what_comes_with_each_sample_does_not)
{
        enum { N = 1000 };
        static FakeSocket many[N];
        Costly costly = { 0 };

        for (size_t i = 0; i < N; i++)
                many[i] = (FakeSocket){ .state = SOCK_STATE_LISTEN, .port = 80, .cookie = i + 1 };
        fake_kernel.sockets = many;
        fake_kernel.n_sockets = N;
        collection_set_costly(collection, on_costly, on_pause, &costly);
        run();
        ck_assert_uint_gt(costly.n_rests, 0);

        costly = (Costly){ 0 };
        run();
        ck_assert_uint_gt(costly.n_rests, 0);
}
END_TEST

typedef struct DumpCase {
        uint32_t states; /* by which a dump is known */
        CollectorId collector;
        TableId table;
} DumpCase;

static const DumpCase dumps[] = {
        { SOCK_STATE_MASK(SOCK_STATE_LISTEN), COLLECTOR_LISTEN, TABLE_LISTENERS },
        { SOCK_STATE_MASK(SOCK_STATE_LISTEN), COLLECTOR_UNIX, TABLE_UNIX_LISTENERS },
        { SOCK_STATE_MASK(SOCK_STATE_CLOSE) | SOCK_STATE_MASK(SOCK_STATE_ESTABLISHED), COLLECTOR_UDP,
          TABLE_UDP_SOCKETS },
};

START_TEST(a_dump_that_failed_leaves_no_rows)
{
        run();
        ck_assert_uint_eq(sample_count_rows(&sample, dumps[_i].table), 1);

        fake_kernel.end_error = -ENOBUFS;
        fake_kernel.end_error_states = dumps[_i].states;
        run();
        ck_assert_int_eq(sample.reports[dumps[_i].collector].error, -ENOBUFS);
        ck_assert_uint_eq(sample_count_rows(&sample, dumps[_i].table), 0);
        check_collector_absent(dumps[_i].collector);
        ck_assert_uint_eq(unit_row()->states[STATE_ESTABLISHED], 1);
        ck_assert_uint_eq(sample.n_destinations, 1);

        fake_kernel.end_error = 0;
        run();
        ck_assert_uint_eq(sample_count_rows(&sample, dumps[_i].table), 1);
}
END_TEST

/* Whoever asks for a sample says how much of it is wanted. */
START_TEST(a_sample_keeps_to_its_bounds)
{
        static const FakeSocket some[] = {
                { .state = SOCK_STATE_LISTEN, .port = 80, .cookie = 1, .receive_queue = 2, .send_queue = 5 },
                { .state = SOCK_STATE_LISTEN, .port = 81, .cookie = 2, .receive_queue = 2, .send_queue = 5 },
                { .state = SOCK_STATE_LISTEN, .port = 82, .cookie = 3, .receive_queue = 2, .send_queue = 5 },
        };

        fake_kernel.sockets = some;
        fake_kernel.n_sockets = ELEMENTSOF(some);
        run();
        ck_assert_uint_eq(sample.n_listeners, 3);

        bounds.n_listeners = 1;
        run();
        ck_assert_uint_eq(sample.n_listeners, 2);
        check_value(VALUE_LISTENERS_FOLDED, 2);
        ck_assert(endpoint_is_other(&sample.listeners[1].key.endpoint));
        ck_assert_uint_eq(sample.listeners[1].length, 4);

        bounds.n_listeners = 2;
        run();
        ck_assert_uint_eq(sample.n_listeners, 3);
        check_value(VALUE_LISTENERS_FOLDED, 1);
}
END_TEST

START_TEST(a_collection_settles_when_all_processes_were_come_to)
{
        ck_assert(!collection_is_settled(collection));
        run();
        ck_assert(collection_is_settled(collection));
}
END_TEST

START_TEST(an_older_kernel_leaves_its_gaps)
{
        folder_copy_fixtures(&folder, "proc-older");
        fake_kernel.is_old = true;
        run();

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
        run();
        for (CollectorId id = COLLECTOR_TCP; id < _COLLECTOR_ROOM && collector_name(id); id++) {
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
        run();
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
        run();
        ck_assert_int_eq(sample.reports[COLLECTOR_LIMITS].error, -ENOENT);
        check_absent(VALUE_SOMAXCONN);
}
END_TEST

START_TEST(a_limit_that_is_not_there_is_absent_and_nothing_failed)
{
        remove_file(optional_limits[_i]);
        run();
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
        run();
        check_value(VALUE_EPHEMERAL_PORTS, 60999 - 32768 + 1 - 11);
}
END_TEST

/* Each length about that of the buffer that holds most lists. */
START_TEST(a_long_list_of_reserved_ports_counts_to_its_end)
{
        char text[2048];
        size_t length = 0;

        for (unsigned i = 1; i <= 300; i++) {
                length += (size_t)snprintf(text + length, sizeof text - length, "%s%u", i > 1 ? "," : "",
                                           40000 + i);
                folder_write_text(&folder, "sys/net/ipv4/ip_local_reserved_ports", text);
                run();
                check_value(VALUE_EPHEMERAL_PORTS, 60999 - 32768 + 1 - i);
        }
}
END_TEST

START_TEST(without_a_list_of_reserved_ports_all_are_ephemeral)
{
        remove_file("sys/net/ipv4/ip_local_reserved_ports");
        run();
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

        run();
        success = sample.reports[COLLECTOR_NETSTAT].last_success_usec;
        ck_assert_uint_gt(success, 0);

        folder_write_text(&folder, "net/snmp", "what is this?\n");
        for (unsigned i = 1; i <= 3; i++) {
                run();
                ck_assert_int_eq(sample.reports[COLLECTOR_NETSTAT].error, -EBADMSG);
                ck_assert_uint_eq(sample.reports[COLLECTOR_NETSTAT].n_failures, i);
                ck_assert_uint_eq(sample.reports[COLLECTOR_NETSTAT].last_success_usec, success);
                check_absent(VALUE_TCP_SEGMENTS_RECEIVED);
        }

        folder_copy_fixtures(&folder, "proc");
        run();
        ck_assert_int_eq(sample.reports[COLLECTOR_NETSTAT].error, 0);
        ck_assert_uint_eq(sample.reports[COLLECTOR_NETSTAT].n_failures, 3);
        ck_assert_uint_gt(sample.reports[COLLECTOR_NETSTAT].last_success_usec, success);
        check_value(VALUE_TCP_SEGMENTS_RECEIVED, 5159);
}
END_TEST

START_TEST(when_a_collector_was_answered_is_told_by_the_clock_as_it_is_set_now)
{
        const CollectorReport *report = &sample.reports[COLLECTOR_NETSTAT];

        run();
        folder_write_text(&folder, "net/snmp", "what is this?\n");
        realtime_ahead_sec = -3600;
        run();
        ck_assert_int_eq(report->error, -EBADMSG);
        ck_assert_uint_le(report->last_success_usec, sample.realtime_usec);
        ck_assert_uint_ge(report->last_success_usec, sample.realtime_usec - USEC_PER_MINUTE);
}
END_TEST

static bool run_later(int64_t n_seconds) {
        boottime_ahead_sec += n_seconds;
        realtime_ahead_sec += n_seconds;
        collection_run(collection, &bounds, &sample);
        return sample.reports[COLLECTOR_UNIX].last_success_usec >= sample.realtime_usec;
}

/* A twentieth of 1% is half a millisecond of each second, and it takes ten at least, as each look at the
 * clock does here, and less than a hundred. */
START_TEST(another_table_is_asked_for_as_often_as_its_part_of_the_budget_pays)
{
        cpu_step_nsec = 10 * (long)NSEC_PER_MSEC;
        ck_assert(run_later(0));
        ck_assert(run_later(1)); /* the first touches memory that no other does, and does not count */
        ck_assert(!run_later(1));
        ck_assert(!run_later(17));
        ck_assert(run_later(200));
        ck_assert(!run_later(18));
}
END_TEST

START_TEST(a_kernel_without_socket_dumps_fails_those_that_ask_it)
{
        static const CollectorId asking[] = { COLLECTOR_TCP, COLLECTOR_LISTEN, COLLECTOR_UNIX,
                                              COLLECTOR_UDP };

        fake_kernel.end_error = -ENOENT;
        run();
        for (size_t i = 0; i < ELEMENTSOF(asking); i++) {
                ck_assert_int_eq(sample.reports[asking[i]].error, -ENOENT);
                check_collector_absent(asking[i]);
        }
        ck_assert_int_eq(sample.reports[COLLECTOR_NETSTAT].error, 0);
        ck_assert_int_eq(sample.reports[COLLECTOR_PROCESSES].error, 0);
        for (TableId table = 0; table < _TABLES; table++)
                ck_assert_uint_eq(sample_count_rows(&sample, table),
                                  table == TABLE_UNITS || table == TABLE_PROCESSES);
        ck_assert_uint_gt(sample.values[VALUE_NETLINK_REOPENS], 0);
}
END_TEST

START_TEST(a_sample_keeps_nothing_of_the_one_before)
{
        run();
        sample_set(&sample, VALUE_SAMPLES, 17);
        fake_kernel.n_sockets = fake_kernel.n_unix_sockets = 0;
        ck_assert_int_eq(renameat(folder.fd, "12", folder.fd, "gone"), 0);
        run();
        check_absent(VALUE_SAMPLES);
        check_value(VALUE_TCP_ESTABLISHED, 0);
        check_value(VALUE_PROCESSES, 0);
        for (TableId table = 0; table < _TABLES; table++)
                ck_assert_msg(sample_count_rows(&sample, table) == 0, "%s", table_infos[table].name);
}
END_TEST

START_TEST(both_clocks_are_of_the_moment_it_began)
{
        usec_t realtime = clock_usec(CLOCK_REALTIME), boottime = clock_usec(CLOCK_BOOTTIME);

        run();
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
        TCase *tables = tcase_create("tables");

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
        tcase_add_test(running, a_long_list_of_reserved_ports_counts_to_its_end);
        tcase_add_test(running, without_a_list_of_reserved_ports_all_are_ephemeral);
        tcase_add_loop_test(running, a_port_range_that_cannot_be_fails_the_limits, 0,
                            ELEMENTSOF(bad_ranges));
        tcase_add_test(running, too_few_numbers_fail);
        tcase_add_test(running, failures_are_counted_and_the_last_success_is_kept);
        tcase_add_test(running, when_a_collector_was_answered_is_told_by_the_clock_as_it_is_set_now);
        tcase_add_test(running, another_table_is_asked_for_as_often_as_its_part_of_the_budget_pays);
        tcase_add_test(running, a_kernel_without_socket_dumps_fails_those_that_ask_it);
        tcase_add_test(running, a_sample_keeps_nothing_of_the_one_before);
        tcase_add_test(running, both_clocks_are_of_the_moment_it_began);
        tcase_add_test(running, sources_that_are_not_there_are_named);
        suite_add_tcase(suite, running);

        tcase_add_checked_fixture(tables, setup, teardown);
        tcase_set_timeout(tables, 60);
        tcase_add_test(tables, several_collectors_fill_the_row_of_a_unit);
        tcase_add_test(tables, a_walk_that_failed_leaves_nothing_in_the_rows_of_others);
        tcase_add_test(tables, processes_that_cannot_be_listed_leave_nothing_in_the_rows_of_others);
        tcase_add_test(tables, a_unit_of_which_nothing_is_known_has_no_row);
        tcase_add_test(tables, a_walk_that_failed_leaves_nothing_in_the_row_of_many);
        tcase_add_test(tables, what_is_costly_may_rest_and_what_comes_with_each_sample_does_not);
        tcase_add_loop_test(tables, a_dump_that_failed_leaves_no_rows, 0, ELEMENTSOF(dumps));
        tcase_add_test(tables, a_sample_keeps_to_its_bounds);
        tcase_add_test(tables, a_collection_settles_when_all_processes_were_come_to);
        suite_add_tcase(suite, tables);

        return suite_main(suite);
}
