/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "collect/endpoint.h"
#include "collect/owners.h"
#include "kernel/capability.h"
#include "suite.h"
#include "unit/fake_host.h"

#define NGINX "/system.slice/nginx.service"
#define PHP   "/system.slice/php.service"
#define INIT  "/init.scope"

static Units *units;
static Processes *processes;
static Owners *owners;
static Sample sample;
static usec_t now;

static void setup(void) {
        fake_host_init();
        ck_assert_int_eq(units_new(&fake_host.sources, &units), 0);
        ck_assert_int_eq(processes_new(&fake_host.sources, units, &processes), 0);
        ck_assert_int_eq(owners_new(&fake_host.sources, units, processes, &owners), 0);
        now = 1000 * USEC_PER_SEC;
}

static void teardown(void) {
        owners = owners_free(owners);
        processes = processes_free(processes);
        units = units_free(units);
        fake_host_done();
}

static void begin(void) {
        now += USEC_PER_SEC;
        units_begin(units);
        owners_begin(owners, now, /* is_hurried= */ false);
        ck_assert_int_ge(processes_scan(processes, now), 0);
}

static Unit *unit(const char *name) {
        Unit *found = units_get_named(units, name);

        ck_assert_msg(found, "unit %s is not known", name);
        return found;
}

/* What is known of it after one more sample. @unit_name: NULL: search all. */
static const Owner *find_in(const char *unit_name, uint64_t inode) {
        Unit *hint;

        begin();
        hint = unit_name ? unit(unit_name) : NULL;
        (void)owners_find(owners, inode, hint);
        owners_search(owners);
        return owners_find(owners, inode, hint);
}

static const Owner *find(uint64_t inode) {
        return find_in(NULL, inode);
}

static void report(void) {
        sample_clear(&sample);
        owners_report(owners, &sample);
}

/* ---- where there is one ---- */

START_TEST(an_owner_is_found_among_all)
{
        fake_host_start(40, "nginx", NGINX, 3, 1024);
        fake_host_start(41, "php-fpm", PHP, 3, 1024);
        fake_host_open_socket(41, 7, 123);
        ck_assert_int_eq(find(123)->state, OWNER_FOUND);
        ck_assert_int_eq(find(123)->pid, 41);
        ck_assert_ptr_eq(find(123)->unit, unit("php.service"));
        ck_assert_str_eq(find(123)->process, "php-fpm");
}
END_TEST

START_TEST(an_owner_is_found_in_its_unit_and_no_other_is_looked_at)
{
        fake_host_start(40, "nginx", NGINX, 3, 1024);
        fake_host_start(41, "php-fpm", PHP, 3, 1024);
        fake_host_open_socket(40, 7, 123);
        fake_host_open_socket(41, 7, 123);
        ck_assert_int_eq(find_in("php.service", 123)->pid, 41);

        fake_host_open_socket(40, 8, 124);
        ck_assert_int_eq(find_in("php.service", 124)->state, OWNER_NOT_FOUND);
}
END_TEST

START_TEST(of_several_the_lowest_pid_is_the_owner)
{
        const char *unit_name = _i ? "nginx.service" : NULL;

        fake_host_start(42, "worker", NGINX, 3, 1024);
        fake_host_start(40, "master", NGINX, 3, 1024);
        fake_host_start(41, "worker", NGINX, 3, 1024);
        for (pid_t pid = 40; pid <= 42; pid++)
                fake_host_open_socket(pid, 7, 123);
        ck_assert_int_eq(find_in(unit_name, 123)->pid, 40);
        ck_assert_str_eq(find_in(unit_name, 123)->process, "master");
}
END_TEST

START_TEST(nothing_is_searched_before_it_is_asked_for)
{
        fake_host_start(40, "nginx", NGINX, 3, 1024);
        fake_host_open_socket(40, 7, 123);
        begin();
        ck_assert(!owners_is_searching(owners));
        ck_assert_int_eq(owners_find(owners, 123, NULL)->state, OWNER_WANTED);
        ck_assert(owners_is_searching(owners));
        owners_search(owners);
        ck_assert(!owners_is_searching(owners));
        ck_assert_int_eq(owners_find(owners, 123, NULL)->state, OWNER_FOUND);
}
END_TEST

START_TEST(one_search_finds_all_that_is_wanted)
{
        fake_host_start(40, "nginx", NGINX, 3, 1024);
        fake_host_start(41, "php-fpm", PHP, 3, 1024);
        for (unsigned i = 0; i < 20; i++)
                fake_host_open_socket(i % 2 ? 40 : 41, 10 + i, 100 + i);
        begin();
        for (unsigned i = 0; i < 20; i++)
                (void)owners_find(owners, 100 + i, NULL);
        owners_search(owners);
        for (unsigned i = 0; i < 20; i++)
                ck_assert_int_eq(owners_find(owners, 100 + i, NULL)->pid, i % 2 ? 40 : 41);
}
END_TEST

/* ---- PID 1 ---- */

START_TEST(pid_1_comes_last)
{
        fake_host_start(1, "systemd", INIT, 3, 1024);
        fake_host_start(40, "nginx", NGINX, 3, 1024);
        fake_host_open_socket(1, 7, 123);
        fake_host_open_socket(40, 3, 123);
        ck_assert_int_eq(find(123)->pid, 40);
        ck_assert_ptr_eq(find(123)->unit, unit("nginx.service"));
}
END_TEST

START_TEST(pid_1_is_the_owner_until_somebody_else_is)
{
        fake_host_start(1, "systemd", INIT, 3, 1024);
        fake_host_start(39, "nginx", NGINX, 3, 1024);
        fake_host_open_socket(1, 7, 123);
        ck_assert_int_eq(find(123)->pid, 1);
        ck_assert_ptr_eq(find(123)->unit, unit("init.scope"));
        ck_assert(!owners_is_searching(owners));

        fake_host_start(40, "nginx", NGINX, 3, 1024);
        fake_host_open_socket(40, 3, 123);
        for (unsigned second = 0; second < 3; second++)
                ck_assert_int_eq(find(123)->pid, 1);
        for (unsigned second = 0; second < 3; second++)
                (void)find(123);
        ck_assert_int_eq(find(123)->pid, 40);
        ck_assert_ptr_eq(find(123)->unit, unit("nginx.service"));
}
END_TEST

/* What systemd has had for long is found with a unit's first process, be that still systemd's own as yet. */
START_TEST(a_unit_that_appears_is_looked_into_at_once)
{
        unsigned n_samples = 0;

        fake_host_start(1, "systemd", INIT, 3, 1024);
        fake_host_open_socket(1, 7, 123);
        for (unsigned second = 0; second < 400; second++)
                ck_assert_int_eq(find(123)->pid, 1);

        fake_host_start(40, _i ? "(nginx)" : "nginx", NGINX, 3, 1024);
        fake_host_open_socket(40, 3, 123);
        while (find(123)->pid != 40) {
                ck_assert_uint_lt(++n_samples, 15);
                if (n_samples == 2)
                        fake_host_set_name(40, "nginx");
        }
        ck_assert_str_eq(find(123)->process, "nginx");
        ck_assert_uint_le(n_samples, _i ? 11 : 1);
}
END_TEST

/* As systemd's that are forked and come to an end all the time; the next search is that of five minutes. */
START_TEST(a_process_of_a_unit_that_has_others_is_not_waited_for)
{
        fake_host_start(1, "systemd", INIT, 3, 1024);
        fake_host_start(39, "nginx", NGINX, 3, 1024);
        fake_host_open_socket(1, 7, 123);
        for (unsigned second = 0; second < 400; second++)
                (void)find(123);
        fake_host_start(40, "nginx", NGINX, 3, 1024);
        fake_host_open_socket(40, 3, 123);
        for (unsigned second = 0; second < 60; second++)
                ck_assert_int_eq(find(123)->pid, 1);
}
END_TEST

/* ---- where there is none ---- */

/* Searched for at 0, 5, 15, 35, 75, 155, 315, 615 and 915 seconds: opened just after one, it is found by the
 * next. */
START_TEST(what_was_not_found_is_searched_again_ever_more_rarely)
{
        static const unsigned searches[] = { 0, 5, 15, 35, 75, 155, 315, 615, 915 };
        unsigned last = searches[_i], next = searches[_i + 1];

        fake_host_start(40, "nginx", NGINX, 3, 1024);
        for (unsigned second = 0; second <= last; second++)
                ck_assert_int_eq(find(123)->state, OWNER_NOT_FOUND);
        fake_host_open_socket(40, 7, 123);
        for (unsigned second = last + 1; second < next; second++)
                ck_assert_int_eq(find(123)->state, OWNER_NOT_FOUND);
        ck_assert_int_eq(find(123)->state, OWNER_FOUND);
}
END_TEST

START_TEST(what_something_happened_to_is_searched_again_soon)
{
        fake_host_start(40, "nginx", NGINX, 3, 1024);
        for (unsigned second = 0; second < 400; second++)
                (void)find(123);
        fake_host_open_socket(40, 7, 123);
        ck_assert_int_eq(find(123)->state, OWNER_NOT_FOUND);
        owners_hurry(owners, 123);
        owners_hurry(owners, 99);
        ck_assert_int_eq(find(123)->state, OWNER_FOUND);
}
END_TEST

START_TEST(another_hint_is_another_search)
{
        fake_host_start(40, "nginx", NGINX, 3, 1024);
        fake_host_start(41, "php-fpm", PHP, 3, 1024);
        fake_host_open_socket(41, 7, 123);
        ck_assert_int_eq(find_in("nginx.service", 123)->state, OWNER_NOT_FOUND);
        ck_assert_int_eq(find_in("php.service", 123)->state, OWNER_FOUND);
}
END_TEST

START_TEST(nothing_is_searched_before_all_processes_are_known)
{
        fake_host.crowd = (FakeCrowd){ .first = 2, .n = 600 };
        fake_host_start(5000, "nginx", NGINX, 3, 1024);
        fake_host_open_socket(5000, 7, 123);
        ck_assert_int_eq(find(123)->state, OWNER_WANTED);
        ck_assert(owners_is_searching(owners));
        ck_assert_int_eq(find(123)->state, OWNER_FOUND);
}
END_TEST

START_TEST(an_answer_that_nobody_asked_for_is_forgotten)
{
        fake_host_start(40, "nginx", NGINX, 3, 1024);
        fake_host_start(41, "php-fpm", PHP, 3, 1024);
        fake_host_open_socket(40, 7, 123);
        ck_assert_int_eq(find(123)->pid, 40);
        fake_host_close(40, 7);
        fake_host_open_socket(41, 7, 123);
        for (unsigned second = 0; second < 40; second++)
                begin();
        ck_assert_int_eq(find(123)->pid, 41);
}
END_TEST

START_TEST(an_answer_that_is_asked_for_stays)
{
        fake_host_start(40, "nginx", NGINX, 3, 1024);
        fake_host_open_socket(40, 7, 123);
        for (unsigned second = 0; second < 100; second++) {
                ck_assert_int_eq(find(123)->pid, 40);
                ck_assert_ptr_eq(find(123)->unit, unit("nginx.service"));
        }
}
END_TEST

/* ---- looking again ---- */

/* At 0, 5, 15, 35, 75, 155, 315, 615 and 915 seconds as well; it is passed on just after one. */
START_TEST(who_lets_go_of_a_socket_is_not_told_as_its_owner_for_long)
{
        static const unsigned looks[] = { 0, 5, 15, 35, 75, 155, 315, 615, 915 };
        unsigned last = looks[_i], next = looks[_i + 1];

        fake_host_start(40, "nginx", NGINX, 3, 1024);
        fake_host_start(41, "php-fpm", PHP, 3, 1024);
        fake_host_open_socket(40, 7, 123);
        for (unsigned second = 0; second <= last; second++)
                ck_assert_int_eq(find(123)->pid, 40);
        fake_host_close(40, 7);
        fake_host_open_socket(41, 7, 123);
        for (unsigned second = last + 1; second < next; second++)
                ck_assert_int_eq(find(123)->pid, 40);
        ck_assert_int_eq(find(123)->pid, 41);
        ck_assert_ptr_eq(find(123)->unit, unit("php.service"));
}
END_TEST

/* By another descriptor, of another process, or another socket by the same. */
START_TEST(whoever_has_it_after_it_was_lost_is_the_owner)
{
        fake_host_start(40, "nginx", NGINX, 3, 1024);
        fake_host_open_socket(40, 7, 123);
        ck_assert_int_eq(find(123)->pid, 40);

        fake_host_close(40, 7);
        fake_host_open_socket(40, 7, 124);
        if (_i == 1)
                fake_host_open_socket(40, 8, 123);
        for (unsigned second = 0; second < 5; second++)
                (void)find(123);
        ck_assert_int_eq(find(123)->state, _i == 1 ? OWNER_FOUND : OWNER_NOT_FOUND);
}
END_TEST

START_TEST(an_owner_that_ends_is_searched_again)
{
        fake_host_start(40, "nginx", NGINX, 3, 1024);
        fake_host_start(41, "nginx", NGINX, 3, 1024);
        fake_host_open_socket(40, 7, 123);
        fake_host_open_socket(41, 7, 123);
        ck_assert_int_eq(find_in("nginx.service", 123)->pid, 40);
        fake_host_end(40);
        for (unsigned second = 0; second < 5; second++)
                (void)find_in("nginx.service", 123);
        ck_assert_int_eq(find_in("nginx.service", 123)->pid, 41);
}
END_TEST

/* As a process that was seen between its fork and its exec: the name comes with the next look at it. */
START_TEST(an_owner_is_told_as_what_it_is_now)
{
        fake_host_start(40, "sh", NGINX, 3, 1024);
        fake_host_open_socket(40, 7, 123);
        ck_assert_str_eq(find(123)->process, "sh");
        fake_host_set_name(40, "nginx");
        fake_host_set_cgroup(40, PHP);
        for (unsigned second = 0; second < 40; second++)
                (void)find(123);
        ck_assert_str_eq(find(123)->process, "nginx");
        ck_assert_ptr_eq(find(123)->unit, unit("php.service"));
}
END_TEST

static void find_all(uint64_t first, uint64_t n) {
        begin();
        for (uint64_t inode = first; inode < first + n; inode++)
                (void)owners_find(owners, inode, NULL);
        owners_search(owners);
}

/* However many there are, with everything else they have open. */
START_TEST(looking_again_reads_a_descriptor_a_socket_and_some_in_each_sample)
{
        fake_host_start(40, "nginx", NGINX, 0, 1024);
        fake_host_start(41, "crowd", NGINX, 250, 1024);
        fake_host.crowd = (FakeCrowd){ .first = 100, .n = 20, .model = 41 };
        for (unsigned i = 0; i < 200; i++)
                fake_host_open_socket(40, i, 1000 + i);
        find_all(1000, 200);
        find_all(1000, 200);
        for (unsigned i = 0; i < 200; i++)
                ck_assert_int_eq(owners_find(owners, 1000 + i, NULL)->pid, 40);

        fake_host.n_links = 0;
        for (unsigned second = 0, n_before = 0; second < 20; second++, n_before = fake_host.n_links) {
                find_all(1000, 200);
                ck_assert_uint_le(fake_host.n_links - n_before, 64);
        }
        /* Each at 5 and at 15 seconds. */
        ck_assert_uint_eq(fake_host.n_links, 2 * 200);
}
END_TEST

/* At ten samples a second, 4000 of them are looked at faster than the share comes in. */
START_TEST(looking_again_leaves_a_burst_to_what_is_new)
{
        fake_host_start(40, "nginx", NGINX, 0, 1024);
        for (unsigned i = 0; i < 4000; i++)
                fake_host_open_socket(40, i, 1000 + i);
        for (pid_t pid = 5000; pid < 5028; pid++)
                fake_host_start(pid, "php-fpm", PHP, 250, 1024);
        for (unsigned second = 0; second < 3; second++)
                (void)find_in("nginx.service", 1000);
        for (unsigned sample_of_35_seconds = 0; sample_of_35_seconds < 350; sample_of_35_seconds++) {
                now -= 9 * USEC_PER_SEC / 10;
                begin();
                for (unsigned i = 0; i < 4000; i++)
                        (void)owners_find(owners, 1000 + i, unit("nginx.service"));
                owners_search(owners);
        }

        fake_host_open_socket(5027, 300, 124);
        (void)find_in("php.service", 124);
        ck_assert_int_eq(find_in("php.service", 124)->pid, 5027);
}
END_TEST

/* ---- not permitted ---- */

/* What we have ourselves, in place of what whoever runs this test has. */
static uint64_t capabilities;

bool __wrap_capability_is_effective(unsigned capability);
bool __wrap_capability_is_effective(unsigned capability) {
        return capabilities >> capability & 1;
}

#define HAS(capability) (UINT64_C(1) << (capability))

static const struct {
        FakeRefusal refusal;
        uint64_t capabilities;
        bool wants_read_search;
        bool wants_ptrace;
} refusals[] = {
        { FAKE_REFUSES_FOLDER, .wants_read_search = true, .wants_ptrace = true },
        { FAKE_REFUSES_FOLDER, HAS(CAP_SYS_PTRACE), .wants_read_search = true },
        { FAKE_REFUSES_LINKS, HAS(CAP_DAC_READ_SEARCH), .wants_ptrace = true },
        /* Some processes let nobody look. */
        { FAKE_REFUSES_FOLDER, HAS(CAP_DAC_READ_SEARCH) | HAS(CAP_SYS_PTRACE) },
        { FAKE_REFUSES_LINKS, HAS(CAP_DAC_READ_SEARCH) | HAS(CAP_SYS_PTRACE) },
};

/* By unit and among all, on kernels that tell the number of descriptors of anybody's processes and on those
 * that do not. */
START_TEST(what_was_not_permitted_is_told_with_the_capability_that_is_wanted)
{
        const FakeRefusal refusal = refusals[_i / 4].refusal;
        const char *unit_name = _i & 1 ? "nginx.service" : NULL;

        capabilities = refusals[_i / 4].capabilities;
        fake_host.is_old = _i & 2;
        fake_host_start(40, "nginx", NGINX, 3, 1024);
        fake_host_start(41, "php-fpm", PHP, 3, 1024);
        fake_host_open_socket(40, 7, 123);
        fake_host_refuse(40, refusal);
        ck_assert_int_eq(find_in(unit_name, 123)->state, OWNER_NOT_PERMITTED);
        report();
        ck_assert_uint_eq(sample.values[VALUE_OWNERS_NOT_PERMITTED], 1);
        ck_assert_uint_eq(sample.values[VALUE_OWNERS_WANT_READ_SEARCH], refusals[_i / 4].wants_read_search);
        ck_assert_uint_eq(sample.values[VALUE_OWNERS_WANT_PTRACE], refusals[_i / 4].wants_ptrace);

        fake_host_refuse(40, FAKE_REFUSES_NOTHING);
        now += USEC_PER_MINUTE;
        ck_assert_int_eq(find_in(unit_name, 123)->state, OWNER_FOUND);
        report();
        ck_assert_uint_eq(sample.values[VALUE_OWNERS_NOT_PERMITTED], 0);
        ck_assert_uint_eq(sample.values[VALUE_OWNERS_WANT_READ_SEARCH], 0);
        ck_assert_uint_eq(sample.values[VALUE_OWNERS_WANT_PTRACE], 0);
}
END_TEST

START_TEST(a_refusal_elsewhere_does_not_keep_from_finding)
{
        fake_host_start(40, "secret", NGINX, 3, 1024);
        fake_host_refuse(40, FAKE_REFUSES_FOLDER);
        fake_host_start(41, "php-fpm", PHP, 3, 1024);
        fake_host_open_socket(41, 7, 123);
        ck_assert_int_eq(find(123)->state, OWNER_FOUND);
        report();
        ck_assert_uint_eq(sample.values[VALUE_OWNERS_NOT_PERMITTED], 0);
        ck_assert_uint_eq(sample.values[VALUE_OWNERS_WANT_READ_SEARCH], 0);
}
END_TEST

/* What nobody could be found for, though all of its unit could be read, is not told as a want of privilege.
 */
START_TEST(a_refusal_in_another_unit_is_none_of_this_one)
{
        fake_host_start(40, "secret", NGINX, 3, 1024);
        fake_host_refuse(40, FAKE_REFUSES_FOLDER);
        fake_host_start(41, "php-fpm", PHP, 3, 1024);
        begin();
        (void)owners_find(owners, 123, unit("nginx.service"));
        (void)owners_find(owners, 124, unit("php.service"));
        owners_search(owners);
        ck_assert_int_eq(owners_find(owners, 123, unit("nginx.service"))->state, OWNER_NOT_PERMITTED);
        ck_assert_int_eq(owners_find(owners, 124, unit("php.service"))->state, OWNER_NOT_FOUND);
}
END_TEST

START_TEST(sockets_that_are_gone_are_not_told_as_not_permitted)
{
        fake_host_start(40, "secret", NGINX, 3, 1024);
        fake_host_refuse(40, FAKE_REFUSES_FOLDER);
        ck_assert_int_eq(find(123)->state, OWNER_NOT_PERMITTED);
        begin();
        report();
        ck_assert_uint_eq(sample.values[VALUE_OWNERS_NOT_PERMITTED], 0);
}
END_TEST

/* ---- shares ---- */

/* A share is 4096 descriptors; of each process 256 are read where all are searched. */
#define N_CROWD 100

/* 25,000 descriptors: 16,384 at once, then 96 a second. */
#define SAMPLES_MAX 100

START_TEST(a_search_among_all_goes_on_from_sample_to_sample)
{
        unsigned n_samples = 1;

        fake_host_start(1, "systemd", INIT, 3, 1024);
        fake_host_start(2, "crowd", NGINX, 250, 1024);
        fake_host.crowd = (FakeCrowd){ .first = 4, .n = N_CROWD, .model = 2 };
        fake_host_start(5000, "php-fpm", PHP, 3, 1024);
        fake_host_open_socket(5000, 7, 123);
        while (find(123)->state != OWNER_FOUND) {
                ck_assert_int_eq(owners_find(owners, 123, NULL)->state, OWNER_WANTED);
                ck_assert(owners_is_searching(owners));
                ck_assert_uint_lt(n_samples++, SAMPLES_MAX);
        }
        ck_assert_uint_ge(n_samples, (N_CROWD * 250 - 16384) / 96 - 5);
        ck_assert_int_eq(find(123)->pid, 5000);
}
END_TEST

/* 4000 descriptors come before those of the last process. */
START_TEST(no_descriptor_is_passed_over_where_a_share_ends)
{
        const char *unit_name = _i ? "nginx.service" : NULL;
        Unit *hint = NULL;

        fake_host_start(2, "worker", NGINX, 250, 1024);
        fake_host.crowd = (FakeCrowd){ .first = 4, .n = 15, .model = 2 };
        fake_host_start(5000, "listener", NGINX, 0, 1024);
        for (unsigned i = 0; i < 200; i++)
                fake_host_open_socket(5000, i, 1000 + i);

        for (unsigned second = 0; second < 3; second++) {
                begin();
                hint = unit_name ? unit(unit_name) : NULL;
                for (unsigned i = 0; i < 200; i++)
                        (void)owners_find(owners, 1000 + i, hint);
                owners_search(owners);
        }
        for (unsigned i = 0; i < 200; i++)
                ck_assert_int_eq(owners_find(owners, 1000 + i, hint)->pid, 5000);
}
END_TEST

START_TEST(what_is_wanted_while_a_search_goes_on_is_searched_next)
{
        fake_host_start(2, "crowd", NGINX, 250, 1024);
        fake_host_open_socket(2, 300, 124);
        fake_host.crowd = (FakeCrowd){ .first = 4, .n = N_CROWD, .model = 2 };
        fake_host_start(5000, "php-fpm", PHP, 3, 1024);
        fake_host_open_socket(5000, 7, 123);
        (void)find(123);
        for (unsigned i = 0; i < 2 * SAMPLES_MAX; i++) {
                begin();
                (void)owners_find(owners, 123, NULL);
                (void)owners_find(owners, 124, NULL);
                owners_search(owners);
        }
        ck_assert_int_eq(owners_find(owners, 123, NULL)->pid, 5000);
        ck_assert_int_eq(owners_find(owners, 124, NULL)->pid, 2);
}
END_TEST

START_TEST(of_any_process_the_first_descriptors_are_read)
{
        unsigned n_found = 0;

        fake_host_start(40, "proxy", NGINX, 0, 1024);
        for (unsigned fd = 0; fd < 300; fd++)
                fake_host_open_socket(40, fd, 1000 + fd);
        begin();
        for (unsigned fd = 0; fd < 300; fd++)
                (void)owners_find(owners, 1000 + fd, NULL);
        owners_search(owners);
        for (unsigned fd = 0; fd < 300; fd++)
                n_found += owners_find(owners, 1000 + fd, NULL)->state == OWNER_FOUND;
        ck_assert_uint_eq(n_found, 256);
}
END_TEST

/* A unit of many processes: the listener's is behind all others. */
START_TEST(a_search_in_a_unit_goes_on_from_sample_to_sample)
{
        unsigned n_samples = 1;

        fake_host_start(2, "worker", NGINX, 250, 1024);
        fake_host.crowd = (FakeCrowd){ .first = 4, .n = N_CROWD, .model = 2 };
        fake_host_start(5000, "listener", NGINX, 3, 1024);
        fake_host_open_socket(5000, 7, 123);
        while (find_in("nginx.service", 123)->state != OWNER_FOUND) {
                ck_assert_int_eq(owners_find(owners, 123, unit("nginx.service"))->state, OWNER_WANTED);
                ck_assert_uint_lt(n_samples++, SAMPLES_MAX);
        }
        ck_assert_int_eq(find_in("nginx.service", 123)->pid, 5000);
}
END_TEST

START_TEST(a_long_search_in_a_unit_does_not_keep_from_searching_all)
{
        unsigned n_samples = 0;

        fake_host_start(2, "worker", NGINX, 250, 1024);
        fake_host.crowd = (FakeCrowd){ .first = 4, .n = N_CROWD, .model = 2 };
        fake_host_start(5000, "php-fpm", PHP, 3, 1024);
        fake_host_open_socket(5000, 7, 123);
        do {
                begin();
                (void)owners_find(owners, 99, unit("nginx.service"));
                (void)owners_find(owners, 123, NULL);
                owners_search(owners);
                ck_assert_uint_lt(n_samples++, 12 * SAMPLES_MAX);
        } while (owners_find(owners, 123, NULL)->state != OWNER_FOUND ||
                 owners_find(owners, 99, unit("nginx.service"))->state != OWNER_NOT_FOUND);
}
END_TEST

/* Nor from searching other units, or these from searching all. */
START_TEST(a_long_search_in_a_unit_does_not_hold_up_others)
{
        unsigned n_samples = 0;

        fake_host_start(2, "worker", NGINX, 250, 1024);
        fake_host.crowd = (FakeCrowd){ .first = 4, .n = N_CROWD, .model = 2 };
        fake_host_start(5000, "php-fpm", PHP, 3, 1024);
        fake_host_open_socket(5000, 7, 123);
        begin();
        (void)owners_find(owners, 99, unit("nginx.service"));
        owners_search(owners);
        do {
                begin();
                (void)owners_find(owners, 99, unit("nginx.service"));
                (void)owners_find(owners, 123, unit("php.service"));
                owners_search(owners);
                ck_assert_uint_lt(n_samples++, 2);
        } while (owners_find(owners, 123, unit("php.service"))->state != OWNER_FOUND);
        ck_assert_int_eq(owners_find(owners, 99, unit("nginx.service"))->state, OWNER_WANTED);

        for (unsigned i = 0; i < 12 * SAMPLES_MAX; i++)
                (void)find_in("nginx.service", 99);
        ck_assert_int_eq(find_in("nginx.service", 99)->state, OWNER_NOT_FOUND);
}
END_TEST

/* A search that goes on must not be waited for when what it is for is gone, or searched elsewhere. */
START_TEST(a_search_ends_though_its_hint_changes)
{
        fake_host_start(2, "worker", NGINX, 250, 1024);
        fake_host.crowd = (FakeCrowd){ .first = 4, .n = N_CROWD, .model = 2 };
        fake_host_start(5000, "php-fpm", PHP, 3, 1024);
        fake_host_open_socket(5000, 7, 123);
        (void)find_in(_i ? NULL : "nginx.service", 123);
        for (unsigned i = 0; i < 4 * SAMPLES_MAX; i++)
                (void)find_in(_i ? "php.service" : NULL, 123);
        ck_assert_int_eq(find(123)->pid, 5000);
        ck_assert(!owners_is_searching(owners));
}
END_TEST

/* Held by systemd for somebody who may come: 80 processes with 250 descriptors are read for it. */
START_TEST(what_nobody_waits_for_is_searched_without_a_burst)
{
        unsigned n_before;

        fake_host_start(1, "systemd", INIT, 3, 1024);
        fake_host_open_socket(1, 7, 123);
        fake_host_start(2, "crowd", NGINX, 250, 1024);
        fake_host.crowd = (FakeCrowd){ .first = 4, .n = 80, .model = 2 };
        for (unsigned second = 0; second < 700; second++)
                (void)find(123);
        ck_assert_int_eq(find(123)->pid, 1);

        fake_host.n_links = 0;
        for (unsigned second = 0; second < 700; second++) {
                n_before = fake_host.n_links;
                ck_assert_int_eq(find(123)->pid, 1);
                ck_assert_uint_le(fake_host.n_links - n_before, 256 + 250);
        }
        ck_assert_uint_gt(fake_host.n_links, 80 * 250);
}
END_TEST

/* That goes on all the time: 15,000 descriptors for the one that nobody waits for, 5000 for the new one. */
START_TEST(what_nobody_waits_for_leaves_a_burst_to_what_is_new)
{
        fake_host_start(1, "systemd", INIT, 3, 1024);
        fake_host_open_socket(1, 7, 123);
        fake_host_start(2, "crowd", NGINX, 250, 1024);
        fake_host.crowd = (FakeCrowd){ .first = 4, .n = 40, .model = 2 };
        for (pid_t pid = 5000; pid < 5020; pid++)
                fake_host_start(pid, "php-fpm", PHP, 250, 1024);
        for (unsigned second = 0; second < 800; second++)
                (void)find(123);

        fake_host_open_socket(5019, 300, 124);
        (void)find_in("php.service", 124);
        ck_assert_int_eq(find_in("php.service", 124)->pid, 5019);
}
END_TEST

START_TEST(what_is_new_is_searched_with_a_burst_while_something_else_is_searched_without)
{
        unsigned n_samples = 0;

        fake_host_start(1, "systemd", INIT, 3, 1024);
        fake_host_open_socket(1, 7, 123);
        fake_host_start(2, "crowd", NGINX, 250, 1024);
        fake_host.crowd = (FakeCrowd){ .first = 4, .n = 15, .model = 2 };
        fake_host_start(5000, "php-fpm", PHP, 3, 1024);
        for (unsigned second = 0; second < 200; second++)
                (void)find(123);
        do {
                fake_host.n_links = 0;
                (void)find(123);
                ck_assert_uint_lt(n_samples++, 400);
        } while (fake_host.n_links == 0);
        ck_assert_uint_lt(fake_host.n_links, 1000);

        fake_host_open_socket(5000, 7, 124);
        for (unsigned second = 0; second < 3; second++) {
                begin();
                (void)owners_find(owners, 123, NULL);
                (void)owners_find(owners, 124, NULL);
                owners_search(owners);
        }
        ck_assert_int_eq(owners_find(owners, 124, NULL)->pid, 5000);
}
END_TEST

START_TEST(more_sockets_than_there_is_room_for_are_wanted_until_there_is)
{
        fake_host_start(40, "nginx", NGINX, 3, 1024);
        fake_host_open_socket(40, 7, 123);
        begin();
        for (uint64_t inode = 1000; inode < 1000 + OWNERS_MAX; inode++)
                (void)owners_find(owners, inode, NULL);
        ck_assert_int_eq(owners_find(owners, 123, NULL)->state, OWNER_WANTED);
        for (unsigned second = 0; second < 70; second++)
                (void)find(123);
        ck_assert_int_eq(find(123)->state, OWNER_FOUND);
}
END_TEST

/* ---- whose a socket is ---- */

static Bounds bounds;
static CollectContext context;

static Holder busy_holder_of(const char *cgroup, uint64_t inode, bool is_busy) {
        uint64_t id = cgroup ? fake_host_make_cgroup(cgroup + 1) : 0;

        bounds = bounds_default;
        context = (CollectContext){
                .sources = &fake_host.sources,
                .bounds = &bounds,
                .units = units,
                .processes = processes,
                .owners = owners,
        };
        begin();
        (void)holder_find(&context, id, inode, is_busy);
        owners_search(owners);
        return holder_find(&context, id, inode, is_busy);
}

static Holder holder_of(const char *cgroup, uint64_t inode) {
        return busy_holder_of(cgroup, inode, /* is_busy= */ false);
}

START_TEST(a_socket_is_of_the_unit_of_its_cgroup)
{
        Holder holder;

        fake_host_start(40, "nginx", NGINX, 3, 1024);
        fake_host_open_socket(40, 7, 123);
        holder = holder_of(NGINX, 123);
        ck_assert_ptr_eq(holder.unit, unit("nginx.service"));
        ck_assert_str_eq(holder.process, "nginx");
        ck_assert(!holder.is_passed_on);

        /* Also where nobody may look. */
        holder = holder_of(NGINX, 999);
        ck_assert_ptr_eq(holder.unit, unit("nginx.service"));
        ck_assert_str_eq(holder.process, "");
}
END_TEST

START_TEST(a_socket_that_pid_1_made_is_of_the_unit_of_whoever_has_it)
{
        Holder holder;

        fake_host_start(1, "systemd", INIT, 3, 1024);
        fake_host_start(40, "nginx", NGINX, 3, 1024);
        fake_host_open_socket(1, 7, 123);
        fake_host_open_socket(40, 3, 123);
        fake_host_open_socket(1, 8, 124);
        holder = holder_of(INIT, 123);
        ck_assert_ptr_eq(holder.unit, unit("nginx.service"));
        ck_assert_str_eq(holder.process, "nginx");
        ck_assert(holder.is_passed_on);

        /* Nobody has come for it yet. */
        holder = holder_of(INIT, 124);
        ck_assert_ptr_eq(holder.unit, unit("init.scope"));
        ck_assert_str_eq(holder.process, "systemd");
        ck_assert(holder.is_passed_on);
}
END_TEST

/* A service that runs already takes it, and does not get on with it. */
START_TEST(a_busy_socket_that_was_passed_on_is_never_told_as_of_pid_1)
{
        static const char *const cgroups[] = { INIT, NULL };
        const char *cgroup = cgroups[_i];
        Holder holder;

        fake_host_start(1, "systemd", INIT, 3, 1024);
        fake_host_start(40, "nginx", NGINX, 3, 1024);
        fake_host_open_socket(1, 7, 123);
        for (unsigned second = 0; second < 400; second++)
                ck_assert_ptr_eq(holder_of(cgroup, 123).unit, unit("init.scope"));

        fake_host_open_socket(40, 3, 123);
        holder = busy_holder_of(cgroup, 123, /* is_busy= */ true);
        ck_assert_ptr_eq(holder.unit, unit("nginx.service"));
        ck_assert_str_eq(holder.process, "nginx");
}
END_TEST

/* On a host where that takes some samples. */
START_TEST(a_busy_socket_is_marked_until_it_was_searched_for)
{
        unsigned n_marked = 0;
        Holder holder;

        fake_host_start(1, "systemd", INIT, 3, 1024);
        fake_host_start(2, "crowd", PHP, 250, 1024);
        fake_host.crowd = (FakeCrowd){ .first = 4, .n = N_CROWD, .model = 2 };
        fake_host_start(5000, "nginx", NGINX, 3, 1024);
        fake_host_open_socket(1, 7, 123);
        for (unsigned second = 0; second < 400; second++)
                holder = holder_of(INIT, 123);
        ck_assert_ptr_eq(holder.unit, unit("init.scope"));

        fake_host_open_socket(5000, 3, 123);
        while ((holder = busy_holder_of(INIT, 123, /* is_busy= */ true)).unit != unit("nginx.service")) {
                ck_assert_ptr_eq(holder.unit, units_unattributed(units));
                ck_assert_str_eq(holder.process, "");
                ck_assert_uint_lt(n_marked++, 8 * SAMPLES_MAX);
        }
        ck_assert_uint_gt(n_marked, 2);
}
END_TEST

/* As one of which each connection becomes a service of its own: it is systemd that takes them. */
START_TEST(a_busy_socket_that_pid_1_keeps_is_its_own)
{
        fake_host_start(1, "systemd", INIT, 3, 1024);
        fake_host_open_socket(1, 7, 123);
        for (unsigned second = 0; second < 400; second++)
                ck_assert_ptr_eq(busy_holder_of(INIT, 123, /* is_busy= */ second > 100).unit,
                                 unit("init.scope"));
}
END_TEST

START_TEST(a_socket_that_pid_1_made_is_not_guessed_to_be_its_own)
{
        Holder holder;

        fake_host_start(1, "systemd", INIT, 3, 1024);
        fake_host_start(40, "nginx", NGINX, 3, 1024);
        fake_host_open_socket(1, 7, 123);
        fake_host_refuse(1, FAKE_REFUSES_FOLDER);
        fake_host_refuse(40, FAKE_REFUSES_FOLDER);
        holder = holder_of(INIT, 123);
        ck_assert_ptr_eq(holder.unit, units_unattributed(units));
        ck_assert_str_eq(holder.process, "");
        ck_assert(holder.is_passed_on);
}
END_TEST

START_TEST(a_socket_without_a_cgroup_is_of_the_unit_of_whoever_has_it)
{
        Holder holder;

        fake_host_start(40, "nginx", NGINX, 3, 1024);
        fake_host_open_socket(40, 7, 123);
        holder = holder_of(NULL, 123);
        ck_assert_ptr_eq(holder.unit, unit("nginx.service"));
        ck_assert_str_eq(holder.process, "nginx");
        ck_assert_ptr_eq(holder_of(NULL, 0).unit, units_unattributed(units));
}
END_TEST

static void add_finding(Suite *suite) {
        TCase *finding = tcase_create("finding");

        tcase_add_checked_fixture(finding, setup, teardown);
        tcase_add_test(finding, an_owner_is_found_among_all);
        tcase_add_test(finding, an_owner_is_found_in_its_unit_and_no_other_is_looked_at);
        tcase_add_loop_test(finding, of_several_the_lowest_pid_is_the_owner, 0, 2);
        tcase_add_test(finding, nothing_is_searched_before_it_is_asked_for);
        tcase_add_test(finding, one_search_finds_all_that_is_wanted);
        tcase_add_test(finding, pid_1_comes_last);
        tcase_add_test(finding, pid_1_is_the_owner_until_somebody_else_is);
        tcase_add_loop_test(finding, a_unit_that_appears_is_looked_into_at_once, 0, 2);
        tcase_add_test(finding, a_process_of_a_unit_that_has_others_is_not_waited_for);
        tcase_add_loop_test(finding, what_was_not_found_is_searched_again_ever_more_rarely, 0, 8);
        tcase_add_test(finding, what_something_happened_to_is_searched_again_soon);
        tcase_add_test(finding, another_hint_is_another_search);
        tcase_add_test(finding, nothing_is_searched_before_all_processes_are_known);
        tcase_add_test(finding, an_answer_that_nobody_asked_for_is_forgotten);
        tcase_add_test(finding, an_answer_that_is_asked_for_stays);
        suite_add_tcase(suite, finding);
}

static void add_again(Suite *suite) {
        TCase *again = tcase_create("again");

        tcase_add_checked_fixture(again, setup, teardown);
        tcase_add_loop_test(again, who_lets_go_of_a_socket_is_not_told_as_its_owner_for_long, 0, 8);
        tcase_add_loop_test(again, whoever_has_it_after_it_was_lost_is_the_owner, 0, 2);
        tcase_add_test(again, an_owner_that_ends_is_searched_again);
        tcase_add_test(again, an_owner_is_told_as_what_it_is_now);
        tcase_set_timeout(again, 60);
        tcase_add_test(again, looking_again_leaves_a_burst_to_what_is_new);
        tcase_add_test(again, looking_again_reads_a_descriptor_a_socket_and_some_in_each_sample);
        suite_add_tcase(suite, again);
}

static void add_refusals(Suite *suite) {
        TCase *refused = tcase_create("refused");

        tcase_add_checked_fixture(refused, setup, teardown);
        tcase_add_loop_test(refused, what_was_not_permitted_is_told_with_the_capability_that_is_wanted, 0,
                            4 * ELEMENTSOF(refusals));
        tcase_add_test(refused, a_refusal_elsewhere_does_not_keep_from_finding);
        tcase_add_test(refused, a_refusal_in_another_unit_is_none_of_this_one);
        tcase_add_test(refused, sockets_that_are_gone_are_not_told_as_not_permitted);
        suite_add_tcase(suite, refused);
}

static void add_shares(Suite *suite) {
        TCase *shares = tcase_create("shares");

        tcase_add_checked_fixture(shares, setup, teardown);
        tcase_set_timeout(shares, 60);
        tcase_add_test(shares, a_search_among_all_goes_on_from_sample_to_sample);
        tcase_add_loop_test(shares, no_descriptor_is_passed_over_where_a_share_ends, 0, 2);
        tcase_add_test(shares, what_is_wanted_while_a_search_goes_on_is_searched_next);
        tcase_add_test(shares, of_any_process_the_first_descriptors_are_read);
        tcase_add_test(shares, a_search_in_a_unit_goes_on_from_sample_to_sample);
        tcase_add_test(shares, a_long_search_in_a_unit_does_not_keep_from_searching_all);
        tcase_add_test(shares, a_long_search_in_a_unit_does_not_hold_up_others);
        tcase_add_loop_test(shares, a_search_ends_though_its_hint_changes, 0, 2);
        tcase_add_test(shares, what_nobody_waits_for_is_searched_without_a_burst);
        tcase_add_test(shares, what_nobody_waits_for_leaves_a_burst_to_what_is_new);
        tcase_add_test(shares,
                       what_is_new_is_searched_with_a_burst_while_something_else_is_searched_without);
        tcase_add_test(shares, more_sockets_than_there_is_room_for_are_wanted_until_there_is);
        suite_add_tcase(suite, shares);
}

static void add_holders(Suite *suite) {
        TCase *holders = tcase_create("holders");

        tcase_add_checked_fixture(holders, setup, teardown);
        tcase_add_test(holders, a_socket_is_of_the_unit_of_its_cgroup);
        tcase_add_test(holders, a_socket_that_pid_1_made_is_of_the_unit_of_whoever_has_it);
        tcase_set_timeout(holders, 60);
        tcase_add_loop_test(holders, a_busy_socket_that_was_passed_on_is_never_told_as_of_pid_1, 0, 2);
        tcase_add_test(holders, a_busy_socket_is_marked_until_it_was_searched_for);
        tcase_add_test(holders, a_busy_socket_that_pid_1_keeps_is_its_own);
        tcase_add_test(holders, a_socket_that_pid_1_made_is_not_guessed_to_be_its_own);
        tcase_add_test(holders, a_socket_without_a_cgroup_is_of_the_unit_of_whoever_has_it);
        suite_add_tcase(suite, holders);
}

int main(void) {
        Suite *suite = suite_create("owners");

        add_finding(suite);
        add_again(suite);
        add_refusals(suite);
        add_shares(suite);
        add_holders(suite);

        return suite_main(suite);
}
