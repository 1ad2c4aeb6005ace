/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Processes that use up their descriptors
 *
 * A process at its limit cannot open another one: the kernel says EMFILE, and
 * then the ratio is 1.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "actor.h"
#include "cgroups.h"
#include "namespace.h"
#include "watch.h"

#define LIMIT 100

static Watch watch;
static Actor leaking, modest;

static uint64_t do_name(uint64_t name) {
        return (uint64_t)prctl(PR_SET_NAME, (const char *)(uintptr_t)name);
}

static uint64_t do_limit(uint64_t n) {
        struct rlimit limit = { .rlim_cur = n, .rlim_max = n };

        /* What is beyond the limit already stays open, and would count. */
        ck_assert_int_eq(close_range((unsigned)n, UINT_MAX, 0), 0);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        return 0;
}

/* Opens so many more, or as many as it may. Returns how many those were. */
static uint64_t do_leak(uint64_t n_more) {
        uint64_t n = 0;

        while (n < n_more && open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
                n++;
        if (n < n_more)
                ck_assert_int_eq(errno, EMFILE);
        return n;
}

/* Closes what was opened last, so that this many are left. */
static uint64_t do_close(uint64_t n_left) {
        return (uint64_t)close_range((unsigned)n_left, UINT_MAX, 0);
}

static void setup(void) {
        namespace_enter();
        cgroups_enter_own();
        cgroup_make("/leaking");
        modest = actor_start("/leaking");
        leaking = actor_start("/leaking");
        actor_do(&modest, do_name, (uintptr_t) "modest");
        actor_do(&leaking, do_name, (uintptr_t) "leaking");
        actor_do(&leaking, do_limit, LIMIT);
        watch_begin(&watch);
}

static void teardown(void) {
        actor_end(&leaking);
        actor_end(&modest);
        watch_end(&watch);
}

static const ProcessRow *row_of(const Actor *actor) {
        for (uint32_t i = 0; i < watch.sample->n_processes; i++)
                if (watch.sample->processes[i].pid == (uint64_t)actor->pid)
                        return &watch.sample->processes[i];

        return NULL;
}

/* A sample has a share of the processes of the host; ours come last. */
static void watch_until(uint64_t n_open) {
        AWAIT((watch_sample(&watch), row_of(&leaking) && row_of(&leaking)->open_fds == n_open));
}

static double ratio_of(const ProcessRow *row) {
        return row->fd_limit > 0 ? (double)row->open_fds / (double)row->fd_limit : 0;
}

static uint64_t count_by_units(void) {
        uint64_t n = 0;

        for (uint32_t i = 0; i < watch.sample->n_units; i++)
                n += watch.sample->units[i].open_fds;
        return n;
}

static uint64_t count_by_processes(void) {
        uint64_t n = 0;

        for (uint32_t i = 0; i < watch.sample->n_processes; i++)
                n += watch.sample->processes[i].open_fds;
        return n;
}

START_TEST(one_that_leaks_up_to_its_limit_stands_first_and_so_does_its_unit)
{
        uint64_t n_before;
        const UnitRow *unit;

        n_before = LIMIT - actor_do(&leaking, do_leak, UINT64_MAX);
        actor_do(&leaking, do_close, n_before + LIMIT / 2);
        watch_until(n_before + LIMIT / 2);
        actor_do(&leaking, do_leak, UINT64_MAX);
        watch_until(LIMIT);
        ck_assert_str_eq(row_of(&leaking)->key.process, "leaking");
        ck_assert_str_eq(row_of(&leaking)->key.unit, cgroup_path("/leaking"));
        ck_assert_uint_eq(row_of(&leaking)->open_fds, LIMIT);
        ck_assert_uint_eq(row_of(&leaking)->fd_limit, LIMIT);
        for (uint32_t i = 0; i < watch.sample->n_processes; i++)
                ck_assert_double_le(ratio_of(&watch.sample->processes[i]), 1);

        unit = sample_unit(watch.sample, cgroup_path("/leaking"));
        ck_assert_uint_eq(unit->worst_open_fds, LIMIT);
        ck_assert_uint_eq(unit->worst_fd_limit, LIMIT);
        ck_assert_uint_eq(unit->n_processes, 2);
        ck_assert_uint_gt(unit->open_fds, LIMIT);
}
END_TEST

START_TEST(of_many_the_one_at_its_limit_is_the_one_that_is_kept)
{
        const ProcessRow *other = NULL;

        (void)actor_do(&leaking, do_leak, UINT64_MAX);
        watch.bounds.n_processes = 1;
        watch_until(LIMIT);

        ck_assert_uint_eq(watch.sample->n_processes, 2);
        ck_assert_ptr_nonnull(row_of(&leaking));
        for (uint32_t i = 0; i < 2; i++)
                if (strcmp(watch.sample->processes[i].key.unit, UNIT_OTHER) == 0)
                        other = &watch.sample->processes[i];
        ck_assert_ptr_nonnull(other);
        ck_assert_uint_eq(other->fd_limit, 0);
        ck_assert_uint_gt(sample_value(watch.sample, VALUE_PROCESSES_FOLDED), 0);
        ck_assert_uint_eq(count_by_processes(), count_by_units());
}
END_TEST

START_TEST(a_process_that_uses_more_without_being_fuller_does_not_take_its_place)
{
        (void)actor_do(&leaking, do_leak, UINT64_MAX);
        ck_assert_uint_eq(actor_do(&modest, do_leak, 2L * LIMIT), 2L * LIMIT);
        watch.bounds.n_processes = 1;
        watch_until(LIMIT);

        ck_assert_ptr_nonnull(row_of(&leaking));
        ck_assert_ptr_null(row_of(&modest));
        ck_assert_uint_eq(sample_unit(watch.sample, cgroup_path("/leaking"))->worst_open_fds, LIMIT);
}
END_TEST

START_TEST(descriptors_of_processes_are_descriptors_of_units)
{
        (void)actor_do(&leaking, do_leak, UINT64_MAX);
        watch_until(LIMIT);
        ck_assert_uint_eq(count_by_processes(), count_by_units());
        ck_assert_uint_gt(count_by_units(), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("processes");
        TCase *descriptors = tcase_create("descriptors");
        int status;

        namespace_require();
        cgroups_require();

        tcase_add_checked_fixture(descriptors, setup, teardown);
        tcase_set_timeout(descriptors, 60);
        tcase_add_test(descriptors, one_that_leaks_up_to_its_limit_stands_first_and_so_does_its_unit);
        tcase_add_test(descriptors, of_many_the_one_at_its_limit_is_the_one_that_is_kept);
        tcase_add_test(descriptors, a_process_that_uses_more_without_being_fuller_does_not_take_its_place);
        tcase_add_test(descriptors, descriptors_of_processes_are_descriptors_of_units);
        suite_add_tcase(suite, descriptors);

        status = suite_main(suite);
        cgroups_remove();
        return status;
}
