/* SPDX-License-Identifier: Apache-2.0 */

/*
 * ESTABLISHED and TIME_WAIT between walks against a walk
 *
 * The kernel's counters are this kernel's: what they count is learned from it, as
 * the daemon learns it. That of others is in tests/unit/test-between-walks.c.
 */

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "namespace.h"
#include "sockets.h"
#include "watch.h"

#define N_PAIRS 30

static Watch watch;

static void setup(void) {
        namespace_enter();
        watch_begin(&watch);
}

static void teardown(void) {
        watch_end(&watch);
}

static const Sample *take(Walk walk) {
        collection_run_walk(watch.collection, &watch.bounds, walk, watch.sample);
        ck_assert_int_eq(watch.sample->reports[COLLECTOR_TCP].error, 0);
        return watch.sample;
}

typedef struct Numbers {
        uint64_t n_established;
        uint64_t n_time_wait;
        uint64_t n_opens; /* until the sample began */
        bool is_derived;  /* both: no full walk is as young */
} Numbers;

static Numbers count(Walk walk) {
        const Sample *sample = take(walk);

        return (Numbers){
                .n_established = sample_value(sample, VALUE_TCP_ESTABLISHED),
                .n_time_wait = sample_value(sample, VALUE_TCP_TIME_WAIT),
                .n_opens = sample_value(sample, VALUE_TCP_ACTIVE_OPENS) +
                           sample_value(sample, VALUE_TCP_PASSIVE_OPENS),
                .is_derived = sample_value(sample, VALUE_TCP_ESTABLISHED_USEC) >
                                      sample_value(sample, VALUE_TCP_FULL_WALK_USEC) &&
                              sample_value(sample, VALUE_TCP_TIME_WAIT_USEC) >
                                      sample_value(sample, VALUE_TCP_FULL_WALK_USEC),
        };
}

/* Some of each pair's server ends go on as they are, some see the end of their client: CLOSE_WAIT. */
static Line *make_connections(const Route *route, unsigned n_close_wait) {
        Line *line = line_new(route, N_PAIRS);

        for (unsigned i = 0; i < n_close_wait; i++)
                ck_assert_int_eq(shutdown(line->pairs[i].client, SHUT_WR), 0);
        AWAIT(watch_value(&watch, VALUE_TCP_CLOSE_WAIT) == n_close_wait);
        return line;
}

START_TEST(without_churn_they_are_what_a_walk_counts)
{
        _cleanup_(line_freep) Line *line = make_connections(&routes[_i], N_PAIRS / 3);
        Numbers derived, walked;

        (void)count(WALK_ALL);

        /* More connections, and some that end: in TIME_WAIT, and in FIN_WAIT2 without a process. */
        for (unsigned i = 0; i < 7; i++) {
                ck_assert_int_ge(connect_to(&line->to), 0);
                ck_assert_int_ge(accept4(line->listener, NULL, NULL, SOCK_CLOEXEC), 0);
        }
        for (unsigned i = N_PAIRS / 3; i < N_PAIRS / 2; i++) {
                (void)close(line->pairs[i].client);
                if (i % 2 == 0)
                        (void)close(line->pairs[i].server);
        }

        /* What is in CLOSE_WAIT is known from a rare walk. */
        AWAIT((walked = count(WALK_ALL),
               take(WALK_NONE)->values[VALUE_TCP_FIN_WAIT1] == 0 && walked.n_time_wait > 0));
        (void)take(WALK_RARE);
        derived = count(WALK_NONE);
        ck_assert(derived.is_derived);
        walked = count(WALK_ALL);
        ck_assert_uint_eq(derived.n_established, walked.n_established);
        ck_assert_uint_eq(derived.n_time_wait, walked.n_time_wait);
        ck_assert_uint_ge(derived.n_time_wait, 1);
}
END_TEST

START_TEST(they_are_not_derived_before_close_wait_has_told_what_is_counted)
{
        _cleanup_(line_freep) Line *line = make_connections(&routes[0], 0);
        usec_t walk_usec;

        walk_usec = take(WALK_ALL)->realtime_usec;
        ck_assert_uint_eq(sample_value(take(WALK_NONE), VALUE_TCP_ESTABLISHED_USEC), walk_usec);
        ck_assert_uint_eq(sample_value(watch.sample, VALUE_TCP_ESTABLISHED), 2 * N_PAIRS);

        ck_assert_int_eq(shutdown(line->pairs[0].client, SHUT_WR), 0);
        AWAIT(watch_value(&watch, VALUE_TCP_CLOSE_WAIT) == 1);
        ck_assert_uint_eq(sample_value(take(WALK_NONE), VALUE_TCP_ESTABLISHED), 2 * N_PAIRS - 2);
}
END_TEST

/* The counters have ESTABLISHED and CLOSE_WAIT in one number, of which the latter is of the last walk. */
START_TEST(what_changed_in_close_wait_since_is_told_by_the_age_of_the_number)
{
        _cleanup_(line_freep) Line *line = make_connections(&routes[0], N_PAIRS / 3);
        usec_t walk_usec, told_usec;
        uint64_t n_before;

        n_before = sample_value(take(WALK_ALL), VALUE_TCP_ESTABLISHED);
        walk_usec = take(WALK_RARE)->realtime_usec;
        for (unsigned i = 0; i < N_PAIRS / 3; i++)
                (void)close(line->pairs[i].server);

        told_usec = sample_value(take(WALK_NONE), VALUE_TCP_ESTABLISHED_USEC);
        ck_assert(told_usec == walk_usec || sample_value(watch.sample, VALUE_TCP_ESTABLISHED) == n_before);
        AWAIT(sample_value(take(WALK_RARE), VALUE_TCP_CLOSE_WAIT) == 0);
        ck_assert_uint_eq(sample_value(watch.sample, VALUE_TCP_ESTABLISHED), n_before);
        ck_assert_uint_eq(sample_value(watch.sample, VALUE_TCP_ESTABLISHED_USEC),
                          watch.sample->realtime_usec);
}
END_TEST

static _Noreturn void churn(void) {
        Spot at = spot("127.0.0.1", 0);
        int listener = listen_on(&at, 64);

        for (;;) {
                int client = connect_to(&at), server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

                (void)close(client);
                (void)close(server);
        }
}

static uint64_t distance(uint64_t left, uint64_t right) {
        return left > right ? left - right : right - left;
}

START_TEST(with_churn_they_differ_by_no_more_than_that)
{
        _cleanup_(line_freep) Line *line = make_connections(&routes[0], N_PAIRS / 3);
        pid_t pid;
        int status;

        (void)line;
        (void)count(WALK_ALL);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                churn();
        }
        AWAIT(count(WALK_NONE).n_time_wait > 100);

        for (unsigned i = 0; i < 200; i++) {
                Numbers derived = count(WALK_NONE), walked = count(WALK_ALL), after = count(WALK_NONE);
                uint64_t n_opens = after.n_opens - derived.n_opens;

                ck_assert_uint_le(distance(derived.n_established, walked.n_established), 2 * n_opens + 4);
                ck_assert_uint_le(distance(derived.n_time_wait, walked.n_time_wait), 2 * n_opens + 4);
        }

        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("between-walks");
        TCase *counters = tcase_create("counters");

        namespace_require();

        tcase_add_checked_fixture(counters, setup, teardown);
        tcase_set_timeout(counters, 60);
        tcase_add_loop_test(counters, without_churn_they_are_what_a_walk_counts, 0, N_ROUTES);
        tcase_add_test(counters, they_are_not_derived_before_close_wait_has_told_what_is_counted);
        tcase_add_test(counters, what_changed_in_close_wait_since_is_told_by_the_age_of_the_number);
        tcase_add_test(counters, with_churn_they_differ_by_no_more_than_that);
        suite_add_tcase(suite, counters);

        return suite_main(suite);
}
