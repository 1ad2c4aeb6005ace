/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>
#include <string.h>

#include "collect/suspects.h"
#include "suite.h"
#include "unit/fake_host.h"

#define NGINX "/system.slice/nginx.service"

static Units *units;
static Processes *processes;
static Suspects *suspects;
static usec_t now;

/* Sockets in CLOSE_WAIT that were accepted, of each unit; inodes are counted up from the first. */
typedef struct Leak {
        const char *unit;
        uint64_t first_inode;
        uint64_t n;
} Leak;

static Leak leaks[8];

static void setup(void) {
        fake_host_init();
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

static void walk(const Leak *leak) {
        Unit *unit = units_get_named(units, leak->unit);

        ck_assert_msg(unit, "unit %s is not known", leak->unit);
        units_touch(unit, units_number(units));
        unit->row.n_close_wait_accepted = leak->n;
        for (uint64_t i = 0; i < leak->n && unit->is_suspect; i++)
                suspects_add(suspects, unit, leak->first_inode + i);
}

/* One sample. */
static void run(void) {
        now += USEC_PER_SEC;
        units_begin(units);
        ck_assert_int_ge(processes_scan(processes, now), 0);
        for (size_t i = 0; i < ELEMENTSOF(leaks); i++)
                if (leaks[i].unit)
                        walk(&leaks[i]);
        suspects_step(suspects, /* was_walked= */ true, (Instant){ now, now });
}

static void run_for(unsigned n_seconds) {
        while (n_seconds-- > 0)
                run();
}

/* A process with so many of a unit's sockets open, from that one on. */
static void start(pid_t pid, const char *name, const char *cgroup, uint64_t first_inode, unsigned n) {
        fake_host_start(pid, name, cgroup, 3, 1024);
        for (unsigned i = 0; i < n; i++)
                fake_host_open_socket(pid, 10 + i, first_inode + i);
}

static void check_suspect(const char *unit, const char *process, uint64_t n_close_wait) {
        for (size_t i = 0; i < suspects_count(suspects); i++) {
                const Suspect *suspect = suspects_get(suspects, i);

                if (strcmp(suspect->key.unit, unit) == 0) {
                        ck_assert_str_eq(suspect->key.process, process);
                        ck_assert_uint_eq(suspect->n_close_wait, n_close_wait);
                        return;
                }
        }
        ck_abort_msg("no suspect of %s", unit);
}

START_TEST(the_process_that_holds_the_most_is_told)
{
        start(40, "master", NGINX, 0, 0);
        start(41, "worker-a", NGINX, 1000, 5);
        start(42, "worker-b", NGINX, 1005, 15);
        leaks[0] = (Leak){ "nginx.service", 1000, 20 };
        run_for(4);
        ck_assert_uint_eq(suspects_count(suspects), 1);
        check_suspect("nginx.service", "worker-b", 15);
        ck_assert_int_eq(suspects_get(suspects, 0)->pid, 42);
}
END_TEST

START_TEST(other_sockets_of_a_process_do_not_count)
{
        start(40, "busy", NGINX, 5000, 100);
        start(41, "leaky", NGINX, 1000, 20);
        leaks[0] = (Leak){ "nginx.service", 1000, 20 };
        run_for(600);
        check_suspect("nginx.service", "leaky", 20);
}
END_TEST

START_TEST(a_unit_with_few_does_not_stand_out)
{
        start(40, "a", NGINX, 1000, 15);
        leaks[0] = (Leak){ "nginx.service", 1000, SUSPECTS_CLOSE_WAIT_MIN - 1 };
        run_for(20);
        ck_assert_uint_eq(suspects_count(suspects), 0);
        leaks[0].n = SUSPECTS_CLOSE_WAIT_MIN;
        run_for(12);
        check_suspect("nginx.service", "a", SUSPECTS_CLOSE_WAIT_MIN);
}
END_TEST

/* Nor is a privilege needed. */
START_TEST(the_only_process_of_a_unit_is_not_searched)
{
        start(40, "leaky", NGINX, 0, 0);
        fake_host_refuse(40, FAKE_REFUSES_FOLDER);
        leaks[0] = (Leak){ "nginx.service", 1000, 20 };
        run_for(60);
        check_suspect("nginx.service", "leaky", 20);
}
END_TEST

/* With a share of the processes only one of a unit may be known as yet. */
START_TEST(nobody_is_told_before_all_processes_are_known)
{
        start(2, "first", NGINX, 0, 0);
        fake_host.crowd = (FakeCrowd){ .first = 4, .n = 2000 };
        start(5001, "leaky", NGINX, 1000, 20);
        leaks[0] = (Leak){ "nginx.service", 1000, 20 };
        while (!processes_is_complete(processes)) {
                run();
                ck_assert_uint_eq(suspects_count(suspects), 0);
        }
        run_for(20);
        check_suspect("nginx.service", "leaky", 20);
}
END_TEST

START_TEST(one_that_may_not_be_looked_at_is_not_told)
{
        start(40, "secret", NGINX, 1000, 20);
        fake_host_refuse(40, FAKE_REFUSES_FOLDER);
        start(41, "innocent", NGINX, 0, 0);
        leaks[0] = (Leak){ "nginx.service", 1000, 20 };
        run_for(30);
        ck_assert_uint_eq(suspects_count(suspects), 0);
}
END_TEST

/* That costs as much as where something is found, and comes as rarely. */
START_TEST(units_in_which_nobody_was_found_are_looked_into_every_ten_seconds)
{
        start(40, "leaky", NGINX, 1000, 20);
        fake_host_refuse(40, FAKE_REFUSES_FOLDER);
        start(41, "innocent", NGINX, 0, 0);
        leaks[0] = (Leak){ "nginx.service", 1000, 20 };
        run_for(3);
        fake_host_refuse(40, FAKE_REFUSES_NOTHING);
        run_for(6);
        ck_assert_uint_eq(suspects_count(suspects), 0);
        run_for(4);
        check_suspect("nginx.service", "leaky", 20);
}
END_TEST

START_TEST(the_units_with_the_most_are_looked_into)
{
        static const uint64_t counts[] = { 30, 100, 20, 90, 80 };
        static const char *const names[] = { "a.service", "b.service", "c.service", "d.service",
                                             "e.service" };

        for (unsigned i = 0; i < ELEMENTSOF(counts); i++) {
                char path[64];

                (void)snprintf(path, sizeof path, "/%s", names[i]);
                start(40 + (pid_t)i, "only", path, 0, 0);
                leaks[i] = (Leak){ names[i], 1000 * (i + 1), counts[i] };
        }
        run_for(4);
        ck_assert_uint_eq(suspects_count(suspects), SUSPECTS_MAX);
        check_suspect("b.service", "only", 100);
        check_suspect("d.service", "only", 90);
        check_suspect("e.service", "only", 80);
}
END_TEST

START_TEST(what_belongs_to_no_unit_is_not_looked_into)
{
        start(40, "a", NGINX, 0, 0);
        leaks[0] = (Leak){ UNIT_UNATTRIBUTED, 1000, 500 };
        run_for(20);
        ck_assert_uint_eq(suspects_count(suspects), 0);
}
END_TEST

START_TEST(what_no_longer_holds_is_not_told)
{
        start(40, "a", NGINX, 1000, 20);
        leaks[0] = (Leak){ "nginx.service", 1000, 20 };
        run_for(4);
        ck_assert_uint_eq(suspects_count(suspects), 1);
        leaks[0].n = SUSPECTS_CLOSE_WAIT_MIN - 1;
        run();
        ck_assert_uint_eq(suspects_count(suspects), 0);
}
END_TEST

START_TEST(units_are_looked_into_again_every_ten_seconds)
{
        start(40, "a", NGINX, 1000, 20);
        start(41, "b", NGINX, 2000, 0);
        leaks[0] = (Leak){ "nginx.service", 1000, 20 };
        run_for(4);
        check_suspect("nginx.service", "a", 20);

        for (unsigned i = 0; i < 30; i++)
                fake_host_open_socket(41, 10 + i, 2000 + i);
        leaks[1] = (Leak){ "nginx.service", 2000, 30 };
        run();
        check_suspect("nginx.service", "a", 20);
        run_for(12);
        check_suspect("nginx.service", "b", 30);
}
END_TEST

/* 12,000 descriptors: 8192 at once, then 100 a second. */
START_TEST(a_search_goes_on_from_sample_to_sample)
{
        start(2, "worker", NGINX, 0, 0);
        for (unsigned fd = 10; fd < 300; fd++)
                fake_host_open_file(2, fd);
        fake_host.crowd = (FakeCrowd){ .first = 4, .n = 40, .model = 2 };
        start(5000, "leaky", NGINX, 1000, 20);
        leaks[0] = (Leak){ "nginx.service", 1000, 20 };
        run_for(3);
        ck_assert_uint_eq(suspects_count(suspects), 0);
        run_for(60);
        check_suspect("nginx.service", "leaky", 20);

        /* However long it took, that was so when the sockets were told. */
        ck_assert_uint_le(suspects_counted_at(suspects).boottime_usec, 1003 * USEC_PER_SEC);
}
END_TEST

START_TEST(what_is_told_is_as_old_as_the_walk_that_told_its_sockets)
{
        usec_t counted_usec;

        start(40, "master", NGINX, 0, 0);
        start(41, "worker", NGINX, 1000, 20);
        leaks[0] = (Leak){ "nginx.service", 1000, 20 };
        run_for(4);
        counted_usec = suspects_counted_at(suspects).boottime_usec;
        ck_assert_uint_gt(counted_usec, 1000 * USEC_PER_SEC);
        ck_assert_uint_le(counted_usec, now);

        leaks[0].n = 40;
        run_for(5);
        check_suspect("nginx.service", "worker", 20);
        ck_assert_uint_eq(suspects_counted_at(suspects).boottime_usec, counted_usec);
        run_for(10);
        ck_assert_uint_gt(suspects_counted_at(suspects).boottime_usec, counted_usec);
}
END_TEST

START_TEST(sockets_that_nobody_is_searching_for_are_passed_over)
{
        start(40, "a", NGINX, 1000, 20);
        start(41, "b", NGINX, 0, 0);
        run();
        for (uint64_t i = 0; i < 20; i++)
                suspects_add(suspects, units_get_named(units, "nginx.service"), 1000 + i);
        run_for(20);
        ck_assert_uint_eq(suspects_count(suspects), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("suspects");
        TCase *telling = tcase_create("telling");

        tcase_add_checked_fixture(telling, setup, teardown);
        tcase_set_timeout(telling, 60);
        tcase_add_test(telling, the_process_that_holds_the_most_is_told);
        tcase_add_test(telling, other_sockets_of_a_process_do_not_count);
        tcase_add_test(telling, a_unit_with_few_does_not_stand_out);
        tcase_add_test(telling, the_only_process_of_a_unit_is_not_searched);
        tcase_add_test(telling, nobody_is_told_before_all_processes_are_known);
        tcase_add_test(telling, one_that_may_not_be_looked_at_is_not_told);
        tcase_add_test(telling, units_in_which_nobody_was_found_are_looked_into_every_ten_seconds);
        tcase_add_test(telling, the_units_with_the_most_are_looked_into);
        tcase_add_test(telling, what_belongs_to_no_unit_is_not_looked_into);
        tcase_add_test(telling, what_no_longer_holds_is_not_told);
        tcase_add_test(telling, units_are_looked_into_again_every_ten_seconds);
        tcase_add_test(telling, a_search_goes_on_from_sample_to_sample);
        tcase_add_test(telling, what_is_told_is_as_old_as_the_walk_that_told_its_sockets);
        tcase_add_test(telling, sockets_that_nobody_is_searching_for_are_passed_over);
        suite_add_tcase(suite, telling);

        return suite_main(suite);
}
