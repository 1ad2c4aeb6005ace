/* SPDX-License-Identifier: Apache-2.0 */

/* Limits, the host's descriptors, and what the process itself costs */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "namespace.h"
#include "proc_text.h"
#include "sockets.h"
#include "watch.h"

static Watch watch;

static void setup_on_host(void) {
        watch_begin(&watch);
}

static void setup(void) {
        namespace_enter();
        watch_begin(&watch);
}

static void teardown(void) {
        watch_end(&watch);
}

typedef struct Limit {
        ValueId id;
        const char *path;
        unsigned index; /* of the number in the file */
        bool is_in_pages;
} Limit;

static const Limit limits[] = {
        { VALUE_SOMAXCONN, "sys/net/core/somaxconn", 0, false },
        { VALUE_TCP_MAX_SYN_BACKLOG, "sys/net/ipv4/tcp_max_syn_backlog", 0, false },
        { VALUE_TCP_MAX_TIME_WAIT, "sys/net/ipv4/tcp_max_tw_buckets", 0, false },
        { VALUE_TCP_MAX_ORPHANS, "sys/net/ipv4/tcp_max_orphans", 0, false },
        { VALUE_TCP_MEMORY_LOW_BYTES, "sys/net/ipv4/tcp_mem", 0, true },
        { VALUE_TCP_MEMORY_PRESSURE_BYTES, "sys/net/ipv4/tcp_mem", 1, true },
        { VALUE_TCP_MEMORY_MAX_BYTES, "sys/net/ipv4/tcp_mem", 2, true },
        { VALUE_CONNTRACK_MAX, "sys/net/netfilter/nf_conntrack_max", 0, false },
        { VALUE_CONNTRACK_ENTRIES, "sys/net/netfilter/nf_conntrack_count", 0, false },
        { VALUE_HOST_MAX_FDS, "sys/fs/file-nr", 2, false },
};

/* Each that has a file is its number; of the others there is none. */
static void check_limits(void) {
        const Sample *sample = watch_sample(&watch);
        char path[128];

        for (size_t i = 0; i < ELEMENTSOF(limits); i++) {
                uint64_t unit = limits[i].is_in_pages ? (uint64_t)sysconf(_SC_PAGESIZE) : 1;

                (void)snprintf(path, sizeof path, "/proc/%s", limits[i].path);
                ck_assert_msg(sample_has(sample, limits[i].id) == (access(path, F_OK) == 0), "%s is %s",
                              value_infos[limits[i].id].name,
                              sample_has(sample, limits[i].id) ? "from nowhere" : "absent");
                if (sample_has(sample, limits[i].id))
                        ck_assert_uint_eq(sample->values[limits[i].id],
                                          unit * proc_sys_number(limits[i].path, limits[i].index));
        }
}

/* tcp_mem and tcp_max_orphans exist here, if this is the first network namespace. */
START_TEST(limits_of_the_host_are_what_their_files_say)
{ check_limits(); }
END_TEST

START_TEST(limits_are_those_of_the_namespace)
{
        check_limits();
        ck_assert(!sample_has(watch.sample, VALUE_TCP_MEMORY_MAX_BYTES));
        ck_assert(!sample_has(watch.sample, VALUE_TCP_MAX_ORPHANS));

        write_sysctl("net/core/somaxconn", "1234");
        write_sysctl("net/ipv4/tcp_max_syn_backlog", "2345");
        write_sysctl("net/ipv4/tcp_max_tw_buckets", "3456");
        check_limits();
        ck_assert_uint_eq(sample_value(watch.sample, VALUE_SOMAXCONN), 1234);
        ck_assert_uint_eq(sample_value(watch.sample, VALUE_TCP_MAX_SYN_BACKLOG), 2345);
        ck_assert_uint_eq(sample_value(watch.sample, VALUE_TCP_MAX_TIME_WAIT), 3456);
}
END_TEST

START_TEST(ephemeral_ports_are_the_range_less_what_is_reserved)
{
        static const struct {
                const char *range;
                const char *reserved;
                uint64_t n;
        } cases[] = {
                { "32768 60999", "", 28232 },
                { "30000 30000", "", 1 },
                { "1024 65535", "", 64512 },
                { "30000 30999", "30000", 999 },
                { "30000 30999", "30999,31000", 999 },
                { "30000 30999", "29000-30009", 990 },
                { "30000 30999", "22,8080,30100-30199,30500,60000-65535", 899 },
                { "30000 30999", "30000-30999", 0 },
                { "30000 30999", "1-29999,31000-65535", 1000 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                /* A new line ends the list, so that the empty one can be written. */
                char reserved[128];

                (void)snprintf(reserved, sizeof reserved, "%s\n", cases[i].reserved);
                write_sysctl("net/ipv4/ip_local_reserved_ports", reserved);
                write_sysctl("net/ipv4/ip_local_port_range", cases[i].range);
                ck_assert_msg(watch_value(&watch, VALUE_EPHEMERAL_PORTS) == cases[i].n,
                              "%s less %s is %" PRIu64, cases[i].range, cases[i].reserved,
                              watch.sample->values[VALUE_EPHEMERAL_PORTS]);
        }
}
END_TEST

/* The number is of ports that can be used: as many sockets get one, and not one more. */
START_TEST(as_many_sockets_get_a_port_as_there_are_ephemeral_ports)
{
        Spot at;
        uint64_t n;

        write_sysctl("net/ipv4/ip_local_port_range", "30000 30099");
        write_sysctl("net/ipv4/ip_local_reserved_ports", "30003,30010-30019");
        n = watch_value(&watch, VALUE_EPHEMERAL_PORTS);
        ck_assert_uint_eq(n, 89);

        for (uint64_t i = 0; i < n; i++) {
                at = spot("127.0.0.1", 0);
                ck_assert_int_ge(bind(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), &at.any, at.size), 0);
        }
        at = spot("127.0.0.1", 0);
        ck_assert_int_eq(bind(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), &at.any, at.size), -1);
        ck_assert_int_eq(errno, EADDRINUSE);
}
END_TEST

static void open_n(unsigned n) {
        for (unsigned i = 0; i < n; i++)
                ck_assert_int_ge(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
}

/* Without the one by which it is read here. */
static uint64_t count_host_fds(void) {
        return proc_sys_number("sys/fs/file-nr", 0) - 1;
}

/* Returns the last number that was read. */
static uint64_t check_host_fds(void) {
        Brackets brackets = { 0 };
        uint64_t before = 0, value;

        for (unsigned i = 0; i < N_BRACKETS; i++) {
                before = count_host_fds();
                value = watch_value(&watch, VALUE_HOST_OPEN_FDS);
                brackets_add(&brackets, before, value, count_host_fds());
        }

        ck_assert(brackets_agree(&brackets));
        return before;
}

START_TEST(descriptors_of_the_host_are_what_file_nr_says)
{
        uint64_t before = check_host_fds();

        open_n(10000);
        ck_assert_uint_ne(check_host_fds(), before);
}
END_TEST

static uint64_t count_own_fds(void) {
        DIR *dir = opendir("/proc/self/fd");
        uint64_t n = 0;

        ck_assert_ptr_nonnull(dir);
        while (readdir(dir))
                n++;
        (void)closedir(dir);

        /* The folder's own descriptor, "." and "..". */
        return n - 3;
}

START_TEST(own_descriptors_are_exact)
{
        uint64_t n = watch_value(&watch, VALUE_PROCESS_OPEN_FDS);

        ck_assert_uint_eq(n, count_own_fds());
        open_n(10);
        ck_assert_uint_eq(watch_value(&watch, VALUE_PROCESS_OPEN_FDS), n + 10);
        open_n(1);
        ck_assert_uint_eq(watch_value(&watch, VALUE_PROCESS_OPEN_FDS), n + 11);
        ck_assert_uint_eq(count_own_fds(), n + 11);
}
END_TEST

START_TEST(samples_leave_no_descriptor_open)
{
        uint64_t n = watch_value(&watch, VALUE_PROCESS_OPEN_FDS);

        for (unsigned i = 0; i < 100; i++)
                ck_assert_uint_eq(watch_value(&watch, VALUE_PROCESS_OPEN_FDS), n);
}
END_TEST

START_TEST(the_own_limit_of_descriptors_is_the_soft_one)
{
        struct rlimit limit;

        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
        ck_assert_uint_eq(watch_value(&watch, VALUE_PROCESS_MAX_FDS), limit.rlim_cur);

        limit.rlim_cur = 777;
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        ck_assert_uint_eq(watch_value(&watch, VALUE_PROCESS_MAX_FDS), 777);
}
END_TEST

START_TEST(own_processor_time_is_what_the_kernel_accounts)
{
        struct rusage before, after;
        uint64_t value;

        /* Enough that it is not within the steps in which it is accounted. */
        do
                ck_assert_int_eq(getrusage(RUSAGE_SELF, &before), 0);
        while (before.ru_utime.tv_usec + before.ru_stime.tv_usec < 100000 && before.ru_utime.tv_sec == 0);

        value = watch_value(&watch, VALUE_PROCESS_CPU_USEC);
        ck_assert_int_eq(getrusage(RUSAGE_SELF, &after), 0);
        ck_assert_uint_ge(value + 20000,
                          (uint64_t)(before.ru_utime.tv_sec + before.ru_stime.tv_sec) * USEC_PER_SEC +
                                  (uint64_t)(before.ru_utime.tv_usec + before.ru_stime.tv_usec));
        ck_assert_uint_le(value, (uint64_t)(after.ru_utime.tv_sec + after.ru_stime.tv_sec) * USEC_PER_SEC +
                                         (uint64_t)(after.ru_utime.tv_usec + after.ru_stime.tv_usec) +
                                         20000);
}
END_TEST

START_TEST(own_memory_rises_by_what_is_used)
{
        const size_t size = 64 * 1024 * 1024;
        uint64_t virtual_bytes = watch_value(&watch, VALUE_PROCESS_VIRTUAL_BYTES);
        uint64_t resident_bytes = sample_value(watch.sample, VALUE_PROCESS_RESIDENT_BYTES);
        char *memory;

        ck_assert_uint_ge(virtual_bytes, resident_bytes);
        ck_assert_uint_gt(resident_bytes, 512 * 1024);

        memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne(memory, MAP_FAILED);
        ck_assert_uint_ge(watch_value(&watch, VALUE_PROCESS_VIRTUAL_BYTES), virtual_bytes + size);
        ck_assert_uint_lt(sample_value(watch.sample, VALUE_PROCESS_RESIDENT_BYTES),
                          resident_bytes + size / 2);

        memset(memory, 1, size);
        ck_assert_uint_ge(watch_value(&watch, VALUE_PROCESS_RESIDENT_BYTES), resident_bytes + size / 2);
}
END_TEST

/* When this very process began, within what the clocks of the two differ. */
START_TEST(own_start_is_a_moment_ago)
{
        uint64_t start_usec = watch_value(&watch, VALUE_PROCESS_START_USEC);
        usec_t now_usec = clock_usec(CLOCK_REALTIME);

        ck_assert_uint_le(start_usec, now_usec + USEC_PER_SEC);
        ck_assert_uint_ge(start_usec, now_usec - 10 * USEC_PER_SEC);
        ck_assert_uint_eq(watch_value(&watch, VALUE_PROCESS_START_USEC), start_usec);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("host");
        TCase *host = tcase_create("host");
        TCase *space = tcase_create("namespace");

        namespace_require();

        tcase_add_checked_fixture(host, setup_on_host, teardown);
        tcase_set_timeout(host, 30);
        tcase_add_test(host, limits_of_the_host_are_what_their_files_say);
        tcase_add_test(host, descriptors_of_the_host_are_what_file_nr_says);
        tcase_add_test(host, own_descriptors_are_exact);
        tcase_add_test(host, samples_leave_no_descriptor_open);
        tcase_add_test(host, the_own_limit_of_descriptors_is_the_soft_one);
        tcase_add_test(host, own_processor_time_is_what_the_kernel_accounts);
        tcase_add_test(host, own_memory_rises_by_what_is_used);
        tcase_add_test(host, own_start_is_a_moment_ago);
        suite_add_tcase(suite, host);

        tcase_add_checked_fixture(space, setup, teardown);
        tcase_set_timeout(space, 30);
        tcase_add_test(space, limits_are_those_of_the_namespace);
        tcase_add_test(space, ephemeral_ports_are_the_range_less_what_is_reserved);
        tcase_add_test(space, as_many_sockets_get_a_port_as_there_are_ephemeral_ports);
        suite_add_tcase(suite, space);

        return suite_main(suite);
}
