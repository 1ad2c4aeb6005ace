/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "collect/top_processes.h"
#include "suite.h"
#include "unit/fake_host.h"

#define NGINX "/system.slice/nginx.service"
#define PHP   "/system.slice/php.service"

static Units *units;
static Processes *processes;
static Suspects *suspects;
static Sample sample;
static Bounds bounds;
static usec_t now;
static uint64_t n_leaked; /* by nginx.service */

static void setup(void) {
        fake_host_init();
        bounds = (Bounds){ .n_processes = PROCESSES_MAX };
        n_leaked = 0;
        ck_assert_int_eq(units_new(&fake_host.sources, &units), 0);
        ck_assert_int_eq(processes_new(&fake_host.sources, units, &processes), 0);
        ck_assert_int_eq(suspects_new(&fake_host.sources, units, processes, &suspects), 0);
        now = 1000 * USEC_PER_SEC;
}

static void teardown(void) {
        suspects = suspects_free(suspects);
        processes = processes_free(processes);
        units = units_free(units);
        fake_host_done();
}

static bool has_walks = true;

/* One sample. */
static void run(void) {
        now += USEC_PER_SEC;
        units_begin(units);
        sample_clear(&sample);
        sample.realtime_usec = sample.boottime_usec = now;
        sample.reports[COLLECTOR_TCP].is_present = has_walks;
        ck_assert_int_ge(processes_scan(processes, now), 0);
        if (n_leaked > 0)
                units_get_named(units, "nginx.service")->row.n_close_wait_accepted = n_leaked;
        suspects_step(suspects, /* was_walked= */ true, (Instant){ now, now });
        top_processes_make_rows(processes, suspects, &bounds, &sample);
}

static const ProcessRow *find_row(const char *process) {
        for (uint32_t i = 0; i < sample.n_processes; i++)
                if (strcmp(sample.processes[i].key.process, process) == 0)
                        return &sample.processes[i];

        return NULL;
}

static const ProcessRow *row(const char *process) {
        const ProcessRow *found = find_row(process);

        ck_assert_msg(found, "no row of %s", process);
        return found;
}

static uint64_t sum_of_fds(void) {
        uint64_t n = 0;

        for (uint32_t i = 0; i < sample.n_processes; i++)
                n += sample.processes[i].open_fds;
        return n;
}

START_TEST(a_process_is_a_row)
{
        fake_host_start(40, "nginx", NGINX, 5, 1024);
        run();
        ck_assert_uint_eq(sample.n_processes, 1);
        ck_assert_str_eq(row("nginx")->key.unit, "nginx.service");
        ck_assert_uint_eq(row("nginx")->pid, 40);
        ck_assert_uint_eq(row("nginx")->open_fds, 5);
        ck_assert_uint_eq(row("nginx")->fd_limit, 1024);
        ck_assert_uint_eq(row("nginx")->n_close_wait, 0);
        ck_assert(sample_has(&sample, VALUE_PROCESSES_FOLDED));
        ck_assert_uint_eq(sample.values[VALUE_PROCESSES_FOLDED], 0);
}
END_TEST

START_TEST(the_fullest_have_rows_and_the_others_are_added_up)
{
        bounds.n_processes = 2;
        fake_host_start(1, "a", NGINX, 10, 1000);
        fake_host_start(2, "b", NGINX, 9, 10);
        fake_host_start(3, "c", PHP, 20, 1000);
        fake_host_start(4, "d", PHP, 8, 10);
        fake_host_start(5, "e", PHP, 30, 1000);
        run();
        ck_assert_uint_eq(sample.n_processes, 3);
        ck_assert_uint_eq(row("b")->open_fds, 9);
        ck_assert_uint_eq(row("d")->open_fds, 8);
        ck_assert_uint_eq(row(UNIT_OTHER)->open_fds, 60);
        ck_assert_uint_eq(row(UNIT_OTHER)->pid, 0);
        ck_assert_uint_eq(row(UNIT_OTHER)->fd_limit, 0);
        ck_assert_str_eq(row(UNIT_OTHER)->key.unit, UNIT_OTHER);
        ck_assert_uint_eq(sample.values[VALUE_PROCESSES_FOLDED], 3);
}
END_TEST

/* Whatever the order of pids. */
START_TEST(the_fullest_of_many_are_found)
{
        char name[2] = "a";

        bounds.n_processes = 3;
        for (unsigned i = 0; i < 20; i++) {
                name[0] = (char)('a' + i);
                fake_host_start(1 + (pid_t)((i * 7 + (unsigned)_i) % 20), name, NGINX, 1 + i, 100);
        }
        run();
        ck_assert_uint_eq(sample.n_processes, 4);
        ck_assert_ptr_nonnull(find_row("t"));
        ck_assert_ptr_nonnull(find_row("s"));
        ck_assert_ptr_nonnull(find_row("r"));
        ck_assert_uint_eq(sum_of_fds(), 210);
}
END_TEST

START_TEST(rows_are_in_order)
{
        fake_host_start(1, "b", PHP, 10, 1000);
        fake_host_start(2, "z", NGINX, 9, 10);
        fake_host_start(3, "a", PHP, 20, 1000);
        fake_host_start(4, "b", NGINX, 8, 10);
        run();
        ck_assert_uint_eq(sample.n_processes, 4);
        for (uint32_t i = 1; i < 4; i++)
                ck_assert_int_lt(memcmp(&sample.processes[i - 1].key, &sample.processes[i].key,
                                        sizeof(ProcessKey)),
                                 0);
}
END_TEST

START_TEST(of_one_name_in_one_unit_the_fullest_has_the_row)
{
        fake_host_start(1, "worker", NGINX, 10, 100);
        fake_host_start(2, "worker", NGINX, 30, 100);
        fake_host_start(3, "worker", NGINX, 20, 100);
        fake_host_start(4, "worker", PHP, 5, 100);
        run();
        ck_assert_uint_eq(sample.n_processes, 3);
        ck_assert_uint_eq(row("worker")->pid, 2);
        ck_assert_uint_eq(row("worker")->open_fds, 30);
        ck_assert_uint_eq(row(UNIT_OTHER)->open_fds, 30);
        ck_assert_uint_eq(sample.values[VALUE_PROCESSES_FOLDED], 2);
}
END_TEST

START_TEST(threads_of_the_kernel_are_no_rows)
{
        fake_host_start(40, "nginx", NGINX, 5, 1024);
        fake_host.crowd = (FakeCrowd){ .first = 2, .n = 10 };
        run();
        ck_assert_uint_eq(sample.n_processes, 1);
        ck_assert_uint_eq(sample.values[VALUE_PROCESSES_FOLDED], 0);
}
END_TEST

START_TEST(one_that_may_not_be_counted_has_no_row)
{
        fake_host.is_old = true;
        fake_host_start(40, "secret", NGINX, 5, 1024);
        fake_host_refuse(40, FAKE_REFUSES_FOLDER);
        fake_host_start(41, "nginx", NGINX, 6, 1024);
        run();
        ck_assert_ptr_null(find_row("secret"));
        ck_assert_uint_eq(row("nginx")->open_fds, 6);
        ck_assert_uint_eq(sum_of_fds(), 6);
        ck_assert_uint_eq(sample.values[VALUE_PROCESSES_FOLDED], 1);
}
END_TEST

START_TEST(one_without_a_limit_comes_last)
{
        bounds.n_processes = 1;
        fake_host_start(1, "unknown", NGINX, 50, 1024);
        fake_host_remove_file(1, "limits");
        fake_host_start(2, "known", NGINX, 1, 1024);
        run();
        ck_assert_ptr_nonnull(find_row("known"));
        ck_assert_uint_eq(row(UNIT_OTHER)->open_fds, 50);
}
END_TEST

/* ---- suspects ---- */

static void start_leaky(void) {
        bounds.n_processes = 2;
        n_leaked = 20;
        fake_host_start(40, "leaky", NGINX, 1, 1000);
        for (pid_t pid = 50; pid < 60; pid++) {
                static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" };

                fake_host_start(pid, names[pid - 50], PHP, 9, 10);
        }
        for (unsigned second = 0; second < 5; second++)
                run();
}

START_TEST(none_in_close_wait_is_told_only_where_it_is_known)
{
        start_leaky();
        ck_assert_uint_eq(row("leaky")->is_close_wait_known, 1);
        for (uint32_t i = 0; i < sample.n_processes; i++)
                if (strcmp(sample.processes[i].key.unit, "php.service") == 0)
                        ck_assert_uint_eq(sample.processes[i].is_close_wait_known, 1);

        /* Of another process of the unit nobody knows; and without walks of none. */
        fake_host_start(41, "other", NGINX, 10, 10);
        run();
        ck_assert_uint_eq(row("other")->is_close_wait_known, 0);
        has_walks = false;
        run();
        for (uint32_t i = 0; i < sample.n_processes; i++)
                ck_assert_uint_eq(sample.processes[i].is_close_wait_known, 0);
}
END_TEST

START_TEST(a_suspect_has_a_row_however_empty_it_is)
{
        start_leaky();
        ck_assert_uint_eq(row("leaky")->n_close_wait, 20);
        ck_assert_uint_eq(row("leaky")->pid, 40);
        ck_assert_uint_eq(row("leaky")->close_wait_pid, 40);
        ck_assert_uint_eq(row("leaky")->open_fds, 1);
        ck_assert_uint_eq(sample.n_processes, 3);
        ck_assert_uint_eq(sum_of_fds(), 91);
        ck_assert_uint_eq(sample.values[VALUE_PROCESSES_FOLDED], 9);
        ck_assert(sample_has(&sample, VALUE_PROCESSES_CLOSE_WAIT_USEC));
        ck_assert_uint_eq(sample.values[VALUE_PROCESSES_CLOSE_WAIT_USEC],
                          suspects_counted_at(suspects).realtime_usec);
}
END_TEST

/* One worker leaks connections, another one is at its limit: neither hides the other, though all rows that
 * there are may be fuller. */
START_TEST(of_one_name_the_fullest_is_told_beside_the_one_that_leaks)
{
        static const uint64_t fds[] = { 100, 80 };
        unsigned n_rows = 0;

        start_leaky();
        fake_host_start(39, "leaky", PHP, 95, 100);
        fake_host_start(41, "leaky", NGINX, fds[_i], 100);
        fake_host_start(42, "leaky", NGINX, 70, 100);
        run();
        for (uint32_t i = 0; i < sample.n_processes; i++)
                if (strcmp(sample.processes[i].key.unit, "nginx.service") == 0) {
                        ck_assert_uint_eq(sample.processes[i].pid, 41);
                        ck_assert_uint_eq(sample.processes[i].open_fds, fds[_i]);
                        ck_assert_uint_eq(sample.processes[i].fd_limit, 100);
                        ck_assert_uint_eq(sample.processes[i].n_close_wait, 20);
                        ck_assert_uint_eq(sample.processes[i].close_wait_pid, 40);
                        n_rows++;
                }
        ck_assert_uint_eq(n_rows, 1);
        ck_assert_uint_eq(sum_of_fds(), 91 + 95 + fds[_i] + 70);
}
END_TEST

START_TEST(a_suspect_that_is_gone_has_no_row)
{
        start_leaky();
        fake_host_end(40);
        fake_host_start(45, "other", NGINX, 1, 1000);
        run();
        ck_assert_ptr_null(find_row("leaky"));
}
END_TEST

/* Its pid may be another's by now. */
START_TEST(nobody_else_is_told_to_be_a_suspect)
{
        start_leaky();
        fake_host_end(40);
        run();
        fake_host_start(40, "innocent", PHP, 1, 1000);
        for (unsigned second = 0; second < 3; second++) {
                n_leaked = 20;
                run();
                for (uint32_t i = 0; i < sample.n_processes; i++)
                        ck_assert_uint_eq(sample.processes[i].n_close_wait, 0);
        }
}
END_TEST

START_TEST(one_row_may_be_a_suspects)
{
        start_leaky();
        bounds.n_processes = 1;
        run();
        ck_assert_uint_eq(sample.n_processes, 2);
        ck_assert_uint_eq(row("leaky")->n_close_wait, 20);
        ck_assert_uint_eq(row(UNIT_OTHER)->open_fds, 90);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("top-processes");
        TCase *rows = tcase_create("rows");

        tcase_add_checked_fixture(rows, setup, teardown);
        tcase_add_test(rows, a_process_is_a_row);
        tcase_add_test(rows, the_fullest_have_rows_and_the_others_are_added_up);
        tcase_add_loop_test(rows, the_fullest_of_many_are_found, 0, 20);
        tcase_add_test(rows, rows_are_in_order);
        tcase_add_test(rows, of_one_name_in_one_unit_the_fullest_has_the_row);
        tcase_add_test(rows, threads_of_the_kernel_are_no_rows);
        tcase_add_test(rows, one_that_may_not_be_counted_has_no_row);
        tcase_add_test(rows, one_without_a_limit_comes_last);
        tcase_add_test(rows, none_in_close_wait_is_told_only_where_it_is_known);
        tcase_add_test(rows, a_suspect_has_a_row_however_empty_it_is);
        tcase_add_loop_test(rows, of_one_name_the_fullest_is_told_beside_the_one_that_leaks, 0, 2);
        tcase_add_test(rows, a_suspect_that_is_gone_has_no_row);
        tcase_add_test(rows, nobody_else_is_told_to_be_a_suspect);
        tcase_add_test(rows, one_row_may_be_a_suspects);
        suite_add_tcase(suite, rows);

        return suite_main(suite);
}
