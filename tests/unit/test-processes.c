/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "collect/collector.h"
#include "collect/processes.h"
#include "suite.h"
#include "unit/fake_host.h"

#define NGINX "/system.slice/nginx.service"
#define PHP   "/system.slice/php.service"

static Units *units;
static Processes *processes;
static usec_t now;

static void setup(void) {
        fake_host_init();
        ck_assert_int_eq(units_new(&fake_host.sources, &units), 0);
        ck_assert_int_eq(processes_new(&fake_host.sources, units, &processes), 0);
        now = 1000 * USEC_PER_SEC;
}

static void teardown(void) {
        processes = processes_free(processes);
        units = units_free(units);
        fake_host_done();
}

/* The next sample, a second later. */
static int scan(void) {
        now += USEC_PER_SEC;
        units_begin(units);
        return processes_scan(processes, now);
}

static const Process *find_process(pid_t pid) {
        for (size_t i = 0; i < processes_count(processes); i++)
                if (processes_get(processes, i)->pid == pid)
                        return processes_get(processes, i);

        return NULL;
}

static const Process *process(pid_t pid) {
        const Process *found = find_process(pid);

        ck_assert_msg(found, "process %d is not known", (int)pid);
        return found;
}

static const UnitRow *unit(const char *name) {
        Unit *found = units_get_named(units, name);

        ck_assert_msg(found, "unit %s is not known", name);
        return &found->row;
}

/* ---- one process ---- */

START_TEST(a_process_has_name_unit_descriptors_and_limit)
{
        fake_host_start(40, "nginx", NGINX, 5, 1024);
        ck_assert_int_eq(scan(), 0);
        ck_assert_uint_eq(processes_count(processes), 1);
        ck_assert_str_eq(process(40)->name, "nginx");
        ck_assert_str_eq(process(40)->unit->row.key.unit, "nginx.service");
        ck_assert_uint_eq(process(40)->open_fds, 5);
        ck_assert_uint_eq(process(40)->fd_limit, 1024);
        ck_assert(process(40)->is_permitted);
}
END_TEST

START_TEST(descriptors_are_read_where_folders_have_no_size)
{
        fake_host.is_old = true;
        fake_host_start(40, "nginx", NGINX, 5, 1024);
        ck_assert_int_eq(scan(), 0);
        ck_assert_uint_eq(process(40)->open_fds, 5);
}
END_TEST

/* Whether folders have a size is found out once; then a process without descriptors is just that. */
START_TEST(folders_are_not_read_where_they_have_a_size)
{
        fake_host_start(40, "idle", NGINX, 0, 1024);
        fake_host_refuse(40, FAKE_REFUSES_FOLDER);
        ck_assert_int_eq(scan(), 0);
        ck_assert_uint_eq(process(40)->open_fds, 0);
        ck_assert(process(40)->is_permitted);
}
END_TEST

START_TEST(descriptors_are_counted_in_each_sample)
{
        fake_host_start(40, "nginx", NGINX, 5, 1024);
        ck_assert_int_eq(scan(), 0);
        fake_host_open_file(40, 5);
        ck_assert_int_eq(scan(), 0);
        ck_assert_uint_eq(process(40)->open_fds, 6);
        fake_host_close(40, 5);
        fake_host_close(40, 4);
        ck_assert_int_eq(scan(), 0);
        ck_assert_uint_eq(process(40)->open_fds, 4);
}
END_TEST

START_TEST(what_may_not_be_counted_is_told)
{
        fake_host.is_old = true;
        fake_host_start(40, "nginx", NGINX, 5, 1024);
        fake_host_refuse(40, FAKE_REFUSES_FOLDER);
        ck_assert_int_eq(scan(), 0);
        ck_assert(!process(40)->is_permitted);
        ck_assert_uint_eq(process(40)->open_fds, 0);
        ck_assert_str_eq(process(40)->name, "nginx");
        ck_assert_str_eq(process(40)->unit->row.key.unit, "nginx.service");

        fake_host_refuse(40, FAKE_REFUSES_NOTHING);
        ck_assert_int_eq(scan(), 0);
        ck_assert(process(40)->is_permitted);
        ck_assert_uint_eq(process(40)->open_fds, 5);
}
END_TEST

/* A process of ours that cannot open a folder must not show as a host without processes. */
START_TEST(want_of_descriptors_of_our_own_is_an_error)
{
        fake_host.is_old = true;
        fake_host_start(40, "nginx", NGINX, 5, 1024);
        fake_host_start(41, "nginx", NGINX, 6, 1024);
        ck_assert_int_eq(scan(), 0);
        fake_host.open_errno = EMFILE;
        ck_assert_int_eq(scan(), -EMFILE);
        ck_assert_int_eq(scan(), -EMFILE);
        fake_host.open_errno = 0;
        ck_assert_int_eq(scan(), 0);
        ck_assert_int_eq(scan(), 0);
        ck_assert_uint_eq(processes_count(processes), 2);
        ck_assert_uint_eq(process(40)->open_fds, 5);
        ck_assert_uint_eq(process(41)->open_fds, 6);
}
END_TEST

START_TEST(a_thread_of_the_kernel_belongs_to_no_unit)
{
        fake_host.crowd = (FakeCrowd){ .first = 2, .n = 3 };
        ck_assert_int_eq(scan(), 0);
        ck_assert_uint_eq(processes_count(processes), 3);
        ck_assert_ptr_null(process(2)->unit);
        for (size_t i = 0; i < units_count(units); i++)
                ck_assert_uint_eq(units_get(units, i)->row.n_processes, 0);
}
END_TEST

/* Flags as they are on Linux 6.18: of kthreadd, and of a shell. */
#define KERNEL_THREAD_FLAGS 2129984
#define PROCESS_FLAGS       4194560

static unsigned count_looks(unsigned n_samples) {
        unsigned before = fake_host.n_counts;

        for (unsigned i = 0; i < n_samples; i++)
                ck_assert_int_eq(scan(), 0);
        return fake_host.n_counts - before;
}

START_TEST(a_thread_of_the_kernel_is_looked_at_every_ten_seconds)
{
        fake_host_start(40, "kswapd0", NGINX, 0, 1024);
        fake_host_set_flags(40, KERNEL_THREAD_FLAGS);
        ck_assert_int_eq(scan(), 0);
        ck_assert(process(40)->is_kernel_thread);
        for (unsigned i = 0; i < 3; i++) {
                ck_assert_uint_eq(count_looks(9), 0);
                ck_assert_uint_eq(count_looks(1), 1);
        }
        ck_assert_ptr_null(process(40)->unit);
}
END_TEST

START_TEST(a_process_without_descriptors_is_looked_at_in_each_sample)
{
        fake_host_start(40, "idle", NGINX, 0, 1024);
        if (_i == 0) /* else it has no such file */
                fake_host_set_flags(40, PROCESS_FLAGS);
        ck_assert_int_eq(scan(), 0);
        ck_assert_uint_eq(count_looks(25), 25);
        ck_assert(!process(40)->is_kernel_thread);

        fake_host_open_file(40, 0);
        ck_assert_int_eq(scan(), 0);
        ck_assert_uint_eq(process(40)->open_fds, 1);
}
END_TEST

START_TEST(what_takes_the_number_of_a_thread_of_the_kernel_is_known_after_ten_seconds)
{
        fake_host_start(40, "kswapd0", NGINX, 0, 1024);
        fake_host_set_flags(40, KERNEL_THREAD_FLAGS);
        ck_assert_int_eq(scan(), 0);

        fake_host_set_flags(40, PROCESS_FLAGS);
        fake_host_set_name(40, "php-fpm");
        fake_host_set_cgroup(40, PHP);
        fake_host_open_file(40, 0);
        for (unsigned i = 0; i < 10; i++)
                ck_assert_int_eq(scan(), 0);
        ck_assert(!process(40)->is_kernel_thread);
        ck_assert_uint_eq(process(40)->open_fds, 1);
        ck_assert_str_eq(process(40)->name, "php-fpm");
        ck_assert_str_eq(process(40)->unit->row.key.unit, "php.service");
        ck_assert_uint_eq(count_looks(5), 5);
}
END_TEST

START_TEST(one_that_had_no_descriptors_is_described_when_it_has_some)
{
        fake_host_start(40, "nginx", NGINX, 1, 1024);
        fake_host_set_flags(40, PROCESS_FLAGS);
        ck_assert_int_eq(scan(), 0);
        fake_host_close(40, 0);
        ck_assert_int_eq(scan(), 0);

        fake_host_set_name(40, "php-fpm");
        fake_host_open_file(40, 0);
        ck_assert_int_eq(scan(), 0);
        ck_assert_str_eq(process(40)->name, "php-fpm");
}
END_TEST

START_TEST(a_process_without_a_cgroup_that_is_known_is_unattributed)
{
        fake_host_start(40, "nginx", NGINX, 5, 1024);
        fake_host_set_cgroup(40, "");
        ck_assert_int_eq(scan(), 0);
        ck_assert_ptr_eq(process(40)->unit, units_unattributed(units));
        ck_assert_uint_eq(unit(UNIT_UNATTRIBUTED)->n_processes, 1);
}
END_TEST

START_TEST(a_process_of_a_host_without_cgroups_is_unattributed)
{
        fake_host_start(40, "nginx", NGINX, 5, 1024);
        fake_host_remove_file(40, "cgroup");
        ck_assert_int_eq(scan(), 0);
        ck_assert_ptr_eq(process(40)->unit, units_unattributed(units));
}
END_TEST

START_TEST(a_limit_that_cannot_be_read_is_not_known)
{
        fake_host_start(40, "nginx", NGINX, 5, 1024);
        fake_host_remove_file(40, "limits");
        ck_assert_int_eq(scan(), 0);
        ck_assert_uint_eq(process(40)->fd_limit, 0);
        ck_assert_uint_eq(unit("nginx.service")->worst_fd_limit, 0);
        ck_assert_uint_eq(unit("nginx.service")->open_fds, 5);
}
END_TEST

/* Or else a host that starts many processes would show some of them as unattributed. */
START_TEST(a_process_that_ends_while_it_is_looked_at_is_left_out)
{
        fake_host_start(40, "true", NGINX, 5, 1024);
        fake_host_remove_file(40, "comm");
        fake_host_remove_file(40, "cgroup");
        ck_assert_int_eq(scan(), 0);
        ck_assert_uint_eq(processes_count(processes), 0);
        ck_assert_uint_eq(unit(UNIT_UNATTRIBUTED)->n_processes, 0);
}
END_TEST

START_TEST(a_long_name_is_cut_as_the_kernel_does)
{
        fake_host_start(40, "kworker/u8:3-events_unbound", NGINX, 1, 1024);
        fake_host_start(41, "two\nlines", NGINX, 1, 1024);
        ck_assert_int_eq(scan(), 0);
        ck_assert_str_eq(process(40)->name, "kworker/u8:3-ev");
        ck_assert_str_eq(process(41)->name, "two");
}
END_TEST

/* ---- passes ---- */

START_TEST(processes_are_in_order_of_pid)
{
        static const pid_t pids[] = { 7, 100, 12, 99, 1, 4194304 };

        for (size_t i = 0; i < ELEMENTSOF(pids); i++)
                fake_host_start(pids[i], "a", NGINX, 1, 1024);
        for (unsigned pass = 0; pass < 3; pass++) {
                ck_assert_int_eq(scan(), 0);
                ck_assert_uint_eq(processes_count(processes), ELEMENTSOF(pids));
                for (size_t i = 1; i < ELEMENTSOF(pids); i++)
                        ck_assert_int_lt(processes_get(processes, i - 1)->pid,
                                         processes_get(processes, i)->pid);
        }
}
END_TEST

START_TEST(a_process_that_is_gone_is_forgotten)
{
        for (pid_t pid = 1; pid <= 5; pid++)
                fake_host_start(pid, "a", NGINX, 1, 1024);
        ck_assert_int_eq(scan(), 0);
        fake_host_end(1);
        fake_host_end(3);
        fake_host_end(5);
        ck_assert_int_eq(scan(), 0);
        ck_assert_uint_eq(processes_count(processes), 2);
        ck_assert_ptr_nonnull(find_process(2));
        ck_assert_ptr_nonnull(find_process(4));
        ck_assert_uint_eq(unit("nginx.service")->n_processes, 2);

        fake_host_end(2);
        fake_host_end(4);
        ck_assert_int_eq(scan(), 0);
        ck_assert_uint_eq(processes_count(processes), 0);
}
END_TEST

START_TEST(a_process_that_is_new_is_found_among_the_others)
{
        fake_host_start(2, "b", NGINX, 1, 1024);
        fake_host_start(4, "d", NGINX, 1, 1024);
        ck_assert_int_eq(scan(), 0);
        fake_host_start(1, "a", NGINX, 1, 1024);
        fake_host_start(3, "c", PHP, 1, 1024);
        fake_host_start(5, "e", NGINX, 1, 1024);
        ck_assert_int_eq(scan(), 0);
        ck_assert_uint_eq(processes_count(processes), 5);
        ck_assert_str_eq(process(3)->name, "c");
        ck_assert_uint_eq(unit("nginx.service")->n_processes, 4);
        ck_assert_uint_eq(unit("php.service")->n_processes, 1);
}
END_TEST

START_TEST(a_pid_that_is_used_again_shows_under_its_new_name_within_ten_seconds)
{
        fake_host_start(40, "old", NGINX, 5, 1024);
        ck_assert_int_eq(scan(), 0);
        fake_host_end(40);
        fake_host_start(40, "new", PHP, 7, 2048);
        for (unsigned second = 0; second < 10; second++) {
                ck_assert_int_eq(scan(), 0);
                ck_assert_uint_eq(process(40)->open_fds, 7);
        }
        ck_assert_str_eq(process(40)->name, "new");
        ck_assert_uint_eq(process(40)->fd_limit, 2048);
        ck_assert_uint_eq(unit("php.service")->n_processes, 1);
        ck_assert_uint_eq(unit("nginx.service")->n_processes, 0);
}
END_TEST

START_TEST(a_process_is_not_described_anew_in_each_sample)
{
        fake_host_start(40, "old", NGINX, 5, 1024);
        ck_assert_int_eq(scan(), 0);
        fake_host_set_name(40, "new");
        ck_assert_int_eq(scan(), 0);
        ck_assert_str_eq(process(40)->name, "old");
}
END_TEST

START_TEST(a_process_that_is_missed_in_one_pass_is_described_anew)
{
        fake_host_start(40, "old", NGINX, 5, 1024);
        ck_assert_int_eq(scan(), 0);
        fake_host_end(40);
        ck_assert_int_eq(scan(), 0);
        fake_host_start(40, "new", PHP, 7, 2048);
        ck_assert_int_eq(scan(), 0);
        ck_assert_str_eq(process(40)->name, "new");
}
END_TEST

/* ---- shares ---- */

/* A share is 512 entries of /proc in the first pass, and then 40. */
#define N_MANY 1300

static void start_many(void) {
        fake_host_start(1, "a", NGINX, 2, 1024);
        fake_host.crowd = (FakeCrowd){ .first = 2, .n = N_MANY - 1, .model = 1 };
}

START_TEST(many_processes_are_spread_over_samples)
{
        static const size_t known[] = { 511, 1023, N_MANY };

        start_many();
        for (size_t i = 0; i < ELEMENTSOF(known); i++) {
                ck_assert(!processes_is_complete(processes));
                ck_assert_int_eq(scan(), known[i] < N_MANY);
                ck_assert_uint_eq(processes_count(processes), known[i]);
                ck_assert_uint_eq(unit("nginx.service")->n_processes, known[i]);
        }
        ck_assert(processes_is_complete(processes));
}
END_TEST

static void scan_first_pass(void) {
        while (!processes_is_complete(processes))
                (void)scan();
}

static void scan_a_pass(void) {
        for (unsigned i = 0; i <= N_MANY / 40; i++)
                ck_assert_int_eq(scan(), 0);
}

START_TEST(what_is_known_of_all_is_known_in_each_sample)
{
        start_many();
        scan_first_pass();
        for (unsigned i = 0; i < 50; i++) {
                ck_assert_int_eq(scan(), 0);
                ck_assert_uint_eq(processes_count(processes), N_MANY);
                ck_assert_uint_eq(unit("nginx.service")->n_processes, N_MANY);
                ck_assert_uint_eq(unit("nginx.service")->open_fds, 2 * N_MANY);
                for (int i_process = 1; i_process < N_MANY; i_process++)
                        ck_assert_int_eq(processes_get(processes, (size_t)i_process)->pid, 2 * i_process);
        }
}
END_TEST

START_TEST(the_age_of_what_is_known_is_that_of_the_pass_before)
{
        usec_t first;

        start_many();
        (void)scan();
        first = processes_oldest_usec(processes);
        scan_first_pass();
        ck_assert_uint_eq(processes_oldest_usec(processes), first);
        scan_a_pass();
        ck_assert_uint_gt(processes_oldest_usec(processes), first);

        /* Those that are all looked at in one sample are of now. */
        fake_host.crowd.n = 10;
        scan_a_pass();
        scan_a_pass();
        first = processes_oldest_usec(processes);
        ck_assert_int_eq(scan(), 0);
        ck_assert_uint_gt(processes_oldest_usec(processes), first);
}
END_TEST

START_TEST(those_that_end_and_start_between_shares_are_counted_once)
{
        start_many();
        scan_first_pass();

        /* Behind where the pass stands, and before it. */
        ck_assert_int_eq(scan(), 0);
        fake_host_end(2 * 10);
        fake_host_end(2 * 1200);
        fake_host_start(21, "b", PHP, 1, 1024);
        fake_host_start(2401, "b", PHP, 1, 1024);
        scan_a_pass();
        ck_assert_ptr_null(find_process(2400));
        ck_assert_ptr_nonnull(find_process(2401));
        scan_a_pass();
        ck_assert_ptr_null(find_process(20));
        ck_assert_ptr_nonnull(find_process(21));
        ck_assert_uint_eq(processes_count(processes), N_MANY);
        ck_assert_uint_eq(unit("php.service")->n_processes, 2);
        ck_assert_uint_eq(unit("nginx.service")->n_processes, N_MANY - 2);
}
END_TEST

START_TEST(a_host_with_many_processes_is_passed_over_in_a_minute)
{
        const unsigned n_many = 12000;

        fake_host.crowd = (FakeCrowd){ .first = 2, .n = n_many, .model = 1 };
        fake_host_start(1, "a", NGINX, 2, 1024);
        scan_first_pass();
        fake_host_start(2 * n_many + 5, "b", PHP, 1, 1024);
        for (unsigned i = 0; i < 61; i++)
                (void)scan();
        ck_assert_ptr_nonnull(find_process(2 * n_many + 5));
}
END_TEST

START_TEST(processes_beyond_the_bounds_are_counted)
{
        int r = 0;

        fake_host.crowd = (FakeCrowd){ .first = 10, .n = PROCESSES_TRACKED_MAX + 7 };
        while (!processes_is_complete(processes))
                r = scan();
        ck_assert_int_eq(r, 1);
        ck_assert_uint_eq(processes_count(processes), PROCESSES_TRACKED_MAX);
        ck_assert_uint_eq(processes_count_truncated(processes), 7);
        ck_assert_int_eq(scan(), 1);

        fake_host.crowd.n = 5;
        for (unsigned i = 0; i < 3; i++)
                r = scan();
        ck_assert_int_eq(r, 0);
        ck_assert_uint_eq(processes_count(processes), 5);
        ck_assert_uint_eq(processes_count_truncated(processes), 7);
}
END_TEST

/* ---- units ---- */

START_TEST(a_unit_has_the_sum_of_its_processes)
{
        fake_host_start(1, "a", NGINX, 5, 1024);
        fake_host_start(2, "b", NGINX, 7, 1024);
        fake_host_start(3, "c", PHP, 1, 1024);
        for (unsigned i = 0; i < 3; i++) {
                ck_assert_int_eq(scan(), 0);
                ck_assert_uint_eq(unit("nginx.service")->n_processes, 2);
                ck_assert_uint_eq(unit("nginx.service")->open_fds, 12);
                ck_assert_uint_eq(unit("php.service")->open_fds, 1);
        }
}
END_TEST

START_TEST(the_worst_process_is_the_one_nearest_to_its_limit)
{
        fake_host_start(1, "a", NGINX, 50, 1000);
        fake_host_start(2, "b", NGINX, 9, 10);
        fake_host_start(3, "c", NGINX, 60, 1000);
        ck_assert_int_eq(scan(), 0);
        ck_assert_uint_eq(unit("nginx.service")->worst_open_fds, 9);
        ck_assert_uint_eq(unit("nginx.service")->worst_fd_limit, 10);
}
END_TEST

START_TEST(one_that_may_not_be_counted_is_not_the_worst)
{
        fake_host.is_old = true;
        fake_host_start(1, "a", NGINX, 5, 1);
        fake_host_refuse(1, FAKE_REFUSES_FOLDER);
        ck_assert_int_eq(scan(), 0);
        ck_assert_uint_eq(unit("nginx.service")->n_processes, 1);
        ck_assert_uint_eq(unit("nginx.service")->worst_fd_limit, 0);
}
END_TEST

START_TEST(units_of_processes_are_not_thrown_out)
{
        char path[64];

        start_many();
        scan_first_pass();
        for (unsigned second = 0; second < 130; second++) {
                for (size_t i = 0; second == 0 && i < UNITS_TRACKED_MAX; i++) {
                        (void)snprintf(path, sizeof path, "/unit-%zu.service", i);
                        (void)units_find_path(units, path, strlen(path));
                }
                ck_assert_int_eq(scan(), 0);
                (void)units_find_path(units, "/late.service", strlen("/late.service"));
                ck_assert_uint_eq(unit("nginx.service")->n_processes, N_MANY);
        }
}
END_TEST

/* ---- the collector ---- */

START_TEST(a_sample_tells_how_many_there_are_and_what_was_not_permitted)
{
        const Bounds *bounds = &bounds_default;
        CollectContext context = { .sources = &fake_host.sources, .bounds = bounds, .units = units };
        static Sample sample;
        void *state;

        context.processes = processes;
        fake_host.is_old = true;
        for (pid_t pid = 1; pid <= 5; pid++)
                fake_host_start(pid, "a", NGINX, 1, 1024);
        fake_host_refuse(2, FAKE_REFUSES_FOLDER);
        fake_host_refuse(4, FAKE_REFUSES_FOLDER);

        units_begin(units);
        sample_clear(&sample);
        ck_assert_int_eq(processes_collector.open(&context, &state), 0);
        ck_assert_int_eq(processes_collector.collect(state, &sample), 0);
        ck_assert_uint_eq(sample.values[VALUE_PROCESSES], 5);
        ck_assert_uint_eq(sample.values[VALUE_PROCESSES_NOT_PERMITTED], 2);
        ck_assert(sample_has(&sample, VALUE_PROCESSES_TRUNCATED));
        ck_assert_uint_eq(sample.values[VALUE_PROCESSES_TRUNCATED], 0);
}
END_TEST

static void add_one(Suite *suite) {
        TCase *one = tcase_create("one");

        tcase_add_checked_fixture(one, setup, teardown);
        tcase_add_test(one, a_process_has_name_unit_descriptors_and_limit);
        tcase_add_test(one, descriptors_are_read_where_folders_have_no_size);
        tcase_add_test(one, folders_are_not_read_where_they_have_a_size);
        tcase_add_test(one, descriptors_are_counted_in_each_sample);
        tcase_add_test(one, what_may_not_be_counted_is_told);
        tcase_add_test(one, want_of_descriptors_of_our_own_is_an_error);
        tcase_add_test(one, a_thread_of_the_kernel_belongs_to_no_unit);
        tcase_add_test(one, a_thread_of_the_kernel_is_looked_at_every_ten_seconds);
        tcase_add_loop_test(one, a_process_without_descriptors_is_looked_at_in_each_sample, 0, 2);
        tcase_add_test(one, what_takes_the_number_of_a_thread_of_the_kernel_is_known_after_ten_seconds);
        tcase_add_test(one, one_that_had_no_descriptors_is_described_when_it_has_some);
        tcase_add_test(one, a_process_without_a_cgroup_that_is_known_is_unattributed);
        tcase_add_test(one, a_process_of_a_host_without_cgroups_is_unattributed);
        tcase_add_test(one, a_limit_that_cannot_be_read_is_not_known);
        tcase_add_test(one, a_process_that_ends_while_it_is_looked_at_is_left_out);
        tcase_add_test(one, a_long_name_is_cut_as_the_kernel_does);
        suite_add_tcase(suite, one);
}

static void add_passes(Suite *suite) {
        TCase *passes = tcase_create("passes");

        tcase_add_checked_fixture(passes, setup, teardown);
        tcase_set_timeout(passes, 60);
        tcase_add_test(passes, processes_are_in_order_of_pid);
        tcase_add_test(passes, a_process_that_is_gone_is_forgotten);
        tcase_add_test(passes, a_process_that_is_new_is_found_among_the_others);
        tcase_add_test(passes, a_pid_that_is_used_again_shows_under_its_new_name_within_ten_seconds);
        tcase_add_test(passes, a_process_is_not_described_anew_in_each_sample);
        tcase_add_test(passes, a_process_that_is_missed_in_one_pass_is_described_anew);
        tcase_add_test(passes, many_processes_are_spread_over_samples);
        tcase_add_test(passes, what_is_known_of_all_is_known_in_each_sample);
        tcase_add_test(passes, a_host_with_many_processes_is_passed_over_in_a_minute);
        tcase_add_test(passes, the_age_of_what_is_known_is_that_of_the_pass_before);
        tcase_add_test(passes, those_that_end_and_start_between_shares_are_counted_once);
        tcase_add_test(passes, processes_beyond_the_bounds_are_counted);
        suite_add_tcase(suite, passes);
}

static void add_sums(Suite *suite) {
        TCase *sums = tcase_create("sums");

        tcase_add_checked_fixture(sums, setup, teardown);
        tcase_set_timeout(sums, 60);
        tcase_add_test(sums, a_unit_has_the_sum_of_its_processes);
        tcase_add_test(sums, the_worst_process_is_the_one_nearest_to_its_limit);
        tcase_add_test(sums, one_that_may_not_be_counted_is_not_the_worst);
        tcase_add_test(sums, units_of_processes_are_not_thrown_out);
        tcase_add_test(sums, a_sample_tells_how_many_there_are_and_what_was_not_permitted);
        suite_add_tcase(suite, sums);
}

int main(void) {
        Suite *suite = suite_create("processes");

        add_one(suite);
        add_passes(suite);
        add_sums(suite);

        return suite_main(suite);
}
