/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The same numbers as ss, of twenty thousand sockets
 *
 * TCP_REPAIR makes an established socket without a peer and without a packet.
 * The rest are real, and because a process may have no more than 20,000
 * descriptors here, several of them hold the sockets.
 */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "namespace.h"
#include "sockets.h"
#include "watch.h"

static Watch watch;

static void setup(void) {
        namespace_enter();
        watch_begin(&watch);
}

static void teardown(void) {
        watch_end(&watch);
}

/* As ss calls the states. Of those that are bound and no more it says nothing. */
static const char *const ss_names[N_STATES] = {
        [SOCK_STATE_ESTABLISHED] = "ESTAB",    [SOCK_STATE_SYN_SENT] = "SYN-SENT",
        [SOCK_STATE_SYN_RECV] = "SYN-RECV",    [SOCK_STATE_FIN_WAIT1] = "FIN-WAIT-1",
        [SOCK_STATE_FIN_WAIT2] = "FIN-WAIT-2", [SOCK_STATE_TIME_WAIT] = "TIME-WAIT",
        [SOCK_STATE_CLOSE] = "UNCONN",         [SOCK_STATE_CLOSE_WAIT] = "CLOSE-WAIT",
        [SOCK_STATE_LAST_ACK] = "LAST-ACK",    [SOCK_STATE_LISTEN] = "LISTEN",
        [SOCK_STATE_CLOSING] = "CLOSING",
};

typedef struct SsCount {
        uint64_t n_sockets[N_STATES];
        uint64_t receive_bytes;
        uint64_t send_bytes;
} SsCount;

static void ss_count(SsCount *ret) {
        char *line = NULL, *end;
        size_t size = 0;
        FILE *ss;

        *ret = (SsCount){ 0 };
        ss = popen("PATH=/usr/bin:/bin:/usr/sbin:/sbin ss -tanH", "re");
        ck_assert_ptr_nonnull(ss);
        while (getline(&line, &size, ss) > 0) {
                size_t length = strcspn(line, " ");
                unsigned state = 0;

                while (state < N_STATES && (!ss_names[state] || strlen(ss_names[state]) != length ||
                                            strncmp(ss_names[state], line, length) != 0))
                        state++;
                ck_assert_msg(state < N_STATES, "what state is this: %s", line);

                ret->n_sockets[state]++;
                if (state != SOCK_STATE_LISTEN) {
                        ret->receive_bytes += strtoull(line + length, &end, 10);
                        ret->send_bytes += strtoull(end, &end, 10);
                }
        }
        free(line);
        ck_assert_int_eq(pclose(ss), 0);
}

/* Runs @hold in a process that keeps its sockets until it is released. */
typedef struct Holder {
        pid_t pid;
        int release;
} Holder;

static Holder hold_sockets(void (*hold)(unsigned argument), unsigned argument) {
        int ready[2], release[2];
        Holder holder;
        char byte;

        ck_assert_int_eq(pipe(ready), 0);
        ck_assert_int_eq(pipe(release), 0);
        holder.pid = fork();
        ck_assert_int_ge(holder.pid, 0);
        if (holder.pid == 0) {
                (void)close(release[1]);
                hold(argument);
                if (write(ready[1], "", 1) == 1)
                        (void)!read(release[0], &byte, 1);
                _exit(EXIT_SUCCESS);
        }

        (void)close(ready[1]);
        (void)close(release[0]);
        ck_assert_msg(read(ready[0], &byte, 1) == 1, "a process could not make its sockets");
        (void)close(ready[0]);
        holder.release = release[1];
        return holder;
}

/* A later holder has a copy of the pipe of an earlier one, so all are closed before any is waited for. */
static void release_sockets(const Holder *holders, size_t n) {
        int status;

        for (size_t i = 0; i < n; i++)
                (void)close(holders[i].release);

        for (size_t i = 0; i < n; i++) {
                ck_assert_int_eq(waitpid(holders[i].pid, &status, 0), holders[i].pid);
                ck_assert_int_eq(status, 0);
        }
}

#define N_REPAIRED 3500U

/* Established, without a peer. */
static void hold_repaired(unsigned argument) {
        Spot to = spot(argument % 2 == 0 ? "127.0.0.1" : "::1", (uint16_t)(1000 + argument));

        for (unsigned i = 0; i < N_REPAIRED; i++)
                repair_connect(NULL, &to);
}

#define N_PAIRS 400U

/* By one route: connections of every age, some with bytes in them, and listeners. */
static void hold_connections(unsigned argument) {
        const Route *route = &routes[argument];
        Line *line = line_new(route, 4 * N_PAIRS);
        Spot at, to;
        int listener;

        for (unsigned i = 0; i < N_PAIRS; i++) {
                Pair *pairs = line->pairs + 4 * i;

                write_bytes(pairs[0].client, i);

                ck_assert_int_eq(shutdown(pairs[1].client, SHUT_WR), 0);

                ck_assert_int_eq(close(pairs[2].client), 0);
                read_end(pairs[2].server);
                ck_assert_int_eq(close(pairs[2].server), 0);

                make_deaf(pairs[3].server);
                if (i % 2 == 0)
                        ck_assert_int_eq(shutdown(pairs[3].client, SHUT_WR), 0);
                if (i % 4 == 0)
                        ck_assert_int_eq(shutdown(pairs[3].server, SHUT_WR), 0);
                write_bytes(i % 2 == 0 ? pairs[0].server : pairs[3].client, i);
        }

        for (unsigned i = 0; i < 100; i++) {
                at = spot(route->listen, 0);
                listener = listen_on(&at, 5);
                to = spot(route->connect, spot_port(&at));
                if (i % 3 == 0)
                        make_deaf(listener);
                if (i % 3 == 1)
                        make_deaf_to_ack(listener);
                connect_begin(&to);

                at = spot(route->listen, 0);
                bind_to(&at, SOCK_STREAM);
        }

        line_free(line);
}

static bool is_same_as_ss(void) {
        const Sample *sample;
        SsCount before, after;

        ss_count(&before);
        sample = watch_sample(&watch);
        ss_count(&after);
        if (memcmp(&before, &after, sizeof before) != 0)
                return false;

        for (unsigned state = 0; state < N_STATES; state++)
                if (ss_names[state])
                        ck_assert_msg(sample_value(sample, state) == before.n_sockets[state],
                                      "%s is %lu, to ss %s is %lu", value_infos[state].name,
                                      sample->values[state], ss_names[state], before.n_sockets[state]);
        ck_assert_uint_eq(sample_value(sample, VALUE_TCP_RECEIVE_QUEUE_BYTES), before.receive_bytes);
        ck_assert_uint_eq(sample_value(sample, VALUE_TCP_SEND_QUEUE_BYTES), before.send_bytes);
        return true;
}

START_TEST(every_state_of_twenty_thousand_sockets_is_as_ss_counts_it)
{
        Holder holders[4 + N_ROUTES];
        uint64_t n_all = 0;

        for (unsigned i = 0; i < 4; i++)
                holders[i] = hold_sockets(hold_repaired, i);
        for (unsigned i = 0; i < N_ROUTES; i++)
                holders[4 + i] = hold_sockets(hold_connections, i);

        /* What is lost is sent again, and that does not stop; it changes no state. */
        AWAIT(is_same_as_ss());

        for (unsigned state = 0; state < N_STATES; state++)
                if (ss_names[state])
                        n_all += sample_value(watch.sample, state);
        ck_assert_uint_ge(n_all, 20000);

        /* None of them is equal because it is 0. All could be made but LAST_ACK, for which see tcp-states.
         */
        for (unsigned state = 0; state < N_STATES; state++)
                if (ss_names[state] && state != SOCK_STATE_CLOSE && state != SOCK_STATE_LAST_ACK)
                        ck_assert_msg(sample_value(watch.sample, state) > 0, "no socket in %s",
                                      value_infos[state].name);
        ck_assert_uint_eq(sample_value(watch.sample, VALUE_TCP_BOUND_INACTIVE), 100 * N_ROUTES);
        ck_assert_uint_gt(sample_value(watch.sample, VALUE_TCP_RECEIVE_QUEUE_BYTES), 0);
        ck_assert_uint_gt(sample_value(watch.sample, VALUE_TCP_SEND_QUEUE_BYTES), 0);

        release_sockets(holders, ELEMENTSOF(holders));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("ss");
        TCase *compare = tcase_create("compare");

        namespace_require_program("ss");
        namespace_require();

        tcase_add_checked_fixture(compare, setup, teardown);
        tcase_set_timeout(compare, 60);
        tcase_add_test(compare, every_state_of_twenty_thousand_sockets_is_as_ss_counts_it);
        suite_add_tcase(suite, compare);

        return suite_main(suite);
}
