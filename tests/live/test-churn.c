/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Samples while the tables change under them
 *
 * A dump follows a table that others write to: a socket may be missed or be seen
 * twice, but nothing fails, and what stands still is there every time.
 */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "namespace.h"
#include "sockets.h"
#include "watch.h"

/* For how long, and at least how much of it, however slow the machine is. */
#define CHURN_SEC     2
#define N_SAMPLES_MIN 50
#define N_OPENED_MIN  2000

static Watch watch;

static void setup(void) {
        namespace_enter();
        watch_begin(&watch);
}

static void teardown(void) {
        watch_end(&watch);
}

/* Opens, uses and closes connections and listeners until it is killed. */
static void churn(const Route *route) {
        Spot at = spot(route->listen, 0), to;
        int listener = listen_on(&at, 64), clients[16], servers[16];

        to = spot(route->connect, spot_port(&at));
        for (unsigned round = 0;; round++) {
                Spot other = spot(route->listen, 0);
                int passing = listen_on(&other, 5);

                for (size_t i = 0; i < ELEMENTSOF(clients); i++) {
                        clients[i] = connect_to(&to);
                        write_bytes(clients[i], 10);
                        servers[i] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
                }

                /* All ways to end; those by RST leave no TIME_WAIT and so no lack of ports. */
                for (size_t i = 0; i < ELEMENTSOF(clients); i++) {
                        if (round % 16 == 0)
                                (void)close(clients[i]);
                        else
                                abort_socket(clients[i]);
                        (void)close(servers[i]);
                }
                (void)close(passing);
        }
}

static pid_t start_churn(const Route *route) {
        pid_t pid = fork();

        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                churn(route);
        }

        return pid;
}

START_TEST(every_sample_succeeds_while_connections_come_and_go)
{
        static const char *const stays[] = { "127.0.0.5", "::1" };
        usec_t begin_usec = clock_usec(CLOCK_MONOTONIC);
        uint64_t n_opened = 0, n_samples = 0;
        pid_t pids[N_ROUTES];
        int status;

        for (size_t i = 0; i < ELEMENTSOF(stays); i++) {
                Spot at = spot(stays[i], 20001);

                listen_on(&at, 3);
        }
        for (unsigned i = 0; i < N_ROUTES; i++)
                pids[i] = start_churn(&routes[i]);

        for (; clock_usec(CLOCK_MONOTONIC) - begin_usec < CHURN_SEC * USEC_PER_SEC ||
               n_samples < N_SAMPLES_MIN || n_opened < N_OPENED_MIN;
             n_samples++) {
                const Sample *sample = watch_sample(&watch);

                check_listeners_ascend(sample);
                for (size_t i = 0; i < ELEMENTSOF(stays); i++) {
                        const ListenerRow *row = sample_listener(sample, stays[i], 20001);

                        ck_assert_ptr_nonnull(row);
                        ck_assert_uint_eq(row->n_sockets, 1);
                        ck_assert_uint_eq(row->limit, 3);
                        ck_assert_uint_eq(row->drops, 0);
                }
                ck_assert_uint_le(sample_value(sample, VALUE_TCP_LISTEN), 2 + 2 * N_ROUTES + 2);
                ck_assert_uint_ge(sample_value(sample, VALUE_TCP_ACTIVE_OPENS), n_opened);
                n_opened = sample_value(sample, VALUE_TCP_ACTIVE_OPENS);
        }

        for (unsigned i = 0; i < N_ROUTES; i++) {
                /* None has ended by itself, for a reason of its own. */
                ck_assert_int_eq(waitpid(pids[i], &status, WNOHANG), 0);
                ck_assert_int_eq(kill(pids[i], SIGKILL), 0);
                ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        }

        ck_assert_uint_eq(sample_value(watch.sample, VALUE_NETLINK_REOPENS), 0);

        AWAIT(watch_value(&watch, VALUE_TCP_LISTEN) == 2);
        AWAIT(watch_value(&watch, VALUE_TCP_ESTABLISHED) == 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("churn");
        TCase *changing = tcase_create("changing");

        namespace_require();

        tcase_add_checked_fixture(changing, setup, teardown);
        tcase_set_timeout(changing, 60);
        tcase_add_test(changing, every_sample_succeeds_while_connections_come_and_go);
        suite_add_tcase(suite, changing);

        return suite_main(suite);
}
