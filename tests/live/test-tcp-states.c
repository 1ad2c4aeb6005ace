/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Every TCP state, made on purpose and counted
 *
 * Each test asserts the numbers of all twelve states, so one that is counted
 * under another's name fails it twice. All of them can be made without luck:
 * a filter on one end keeps the state of the other from moving on.
 */

#include <errno.h>
#include <sys/socket.h>

#include "namespace.h"
#include "proc_text.h"
#include "sockets.h"
#include "watch.h"

#define N_PAIRS 3

static Watch watch;

static void setup(void) {
        namespace_enter();
        watch_begin(&watch);
}

static void teardown(void) {
        watch_end(&watch);
}

START_TEST(every_state_is_there_when_there_is_no_socket)
{
        const Sample *sample = watch_sample(&watch);

        for (unsigned state = SOCK_STATE_ESTABLISHED; state <= SOCK_STATE_CLOSING; state++)
                ck_assert_uint_eq(sample_value(sample, state), 0);
        ck_assert(!sample_has(sample, 0));
        ck_assert(!sample_has(sample, 12));

        /* Linux 6.8 and later. */
        ck_assert_uint_eq(sample_value(sample, VALUE_TCP_BOUND_INACTIVE), 0);
}
END_TEST

START_TEST(a_socket_without_a_port_is_in_no_state)
{
        ck_assert_int_ge(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), 0);
        ck_assert_int_ge(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), 0);

        AWAIT_STATES(&watch, 0);
}
END_TEST

START_TEST(listeners_are_counted_in_listen)
{
        for (unsigned i = 0; i < N_PAIRS; i++) {
                Spot at = spot(routes[_i].listen, 0);

                listen_on(&at, 5);
        }

        AWAIT_STATES(&watch, [SOCK_STATE_LISTEN] = N_PAIRS);
}
END_TEST

START_TEST(both_ends_of_a_connection_are_counted_in_established)
{
        _cleanup_(line_freep) Line *line = line_new(&routes[_i], N_PAIRS);

        ck_assert_ptr_nonnull(line);
        AWAIT_STATES(&watch, [SOCK_STATE_LISTEN] = 1, [SOCK_STATE_ESTABLISHED] = 2 * N_PAIRS);
}
END_TEST

START_TEST(a_connection_that_nobody_accepted_is_established)
{
        Spot at = spot(routes[_i].listen, 0), to;

        listen_on(&at, 5);
        to = spot(routes[_i].connect, spot_port(&at));
        for (unsigned i = 0; i < N_PAIRS; i++)
                connect_to(&to);

        AWAIT_STATES(&watch, [SOCK_STATE_LISTEN] = 1, [SOCK_STATE_ESTABLISHED] = 2 * N_PAIRS);
}
END_TEST

START_TEST(connects_without_an_answer_are_counted_in_syn_sent)
{
        _cleanup_(line_freep) Line *line = line_new(&routes[_i], 0);

        make_deaf(line->listener);
        for (unsigned i = 0; i < N_PAIRS; i++)
                connect_begin(&line->to);

        AWAIT_STATES(&watch, [SOCK_STATE_LISTEN] = 1, [SOCK_STATE_SYN_SENT] = N_PAIRS);
}
END_TEST

START_TEST(half_open_requests_are_counted_in_syn_recv)
{
        _cleanup_(line_freep) Line *line = line_new(&routes[_i], 0);

        make_deaf_to_ack(line->listener);
        for (unsigned i = 0; i < N_PAIRS; i++)
                connect_to(&line->to);

        /* The clients got their SYN-ACK. */
        AWAIT_STATES(&watch, [SOCK_STATE_LISTEN] = 1, [SOCK_STATE_SYN_RECV] = N_PAIRS,
                     [SOCK_STATE_ESTABLISHED] = N_PAIRS);
}
END_TEST

START_TEST(a_fin_without_an_answer_is_counted_in_fin_wait1)
{
        _cleanup_(line_freep) Line *line = line_new(&routes[_i], N_PAIRS);

        for (unsigned i = 0; i < N_PAIRS; i++) {
                make_deaf(line->pairs[i].server);
                ck_assert_int_eq(shutdown(line->pairs[i].client, SHUT_WR), 0);
        }

        AWAIT_STATES(&watch, [SOCK_STATE_LISTEN] = 1, [SOCK_STATE_FIN_WAIT1] = N_PAIRS,
                     [SOCK_STATE_ESTABLISHED] = N_PAIRS);
}
END_TEST

START_TEST(orphans_are_counted_in_fin_wait1)
{
        _cleanup_(line_freep) Line *line = line_new(&routes[_i], N_PAIRS);

        for (unsigned i = 0; i < N_PAIRS; i++) {
                make_deaf(line->pairs[i].server);
                ck_assert_int_eq(close(line->pairs[i].client), 0);
        }

        AWAIT_STATES(&watch, [SOCK_STATE_LISTEN] = 1, [SOCK_STATE_FIN_WAIT1] = N_PAIRS,
                     [SOCK_STATE_ESTABLISHED] = N_PAIRS);
}
END_TEST

START_TEST(a_half_closed_connection_is_counted_in_fin_wait2_and_close_wait)
{
        _cleanup_(line_freep) Line *line = line_new(&routes[_i], N_PAIRS);

        for (unsigned i = 0; i < N_PAIRS; i++)
                ck_assert_int_eq(shutdown(line->pairs[i].client, SHUT_WR), 0);

        AWAIT_STATES(&watch, [SOCK_STATE_LISTEN] = 1, [SOCK_STATE_FIN_WAIT2] = N_PAIRS,
                     [SOCK_STATE_CLOSE_WAIT] = N_PAIRS);
        ck_assert_uint_eq(proc_number("net/sockstat", "TCP", "tw"), 0);
}
END_TEST

/* The kernel puts the small socket that it uses for TIME_WAIT in the place of an
 * orphan in FIN_WAIT2, and counts it with those in sockstat; a dump tells the
 * state that it stands for. */
START_TEST(a_mini_socket_in_fin_wait2_is_not_counted_in_time_wait)
{
        _cleanup_(line_freep) Line *line = line_new(&routes[_i], N_PAIRS);

        for (unsigned i = 0; i < N_PAIRS; i++)
                ck_assert_int_eq(close(line->pairs[i].client), 0);

        AWAIT_STATES(&watch, [SOCK_STATE_LISTEN] = 1, [SOCK_STATE_FIN_WAIT2] = N_PAIRS,
                     [SOCK_STATE_CLOSE_WAIT] = N_PAIRS);
        ck_assert_uint_eq(proc_number("net/sockstat", "TCP", "tw"), N_PAIRS);
}
END_TEST

START_TEST(a_last_fin_without_an_answer_is_counted_in_last_ack)
{
        _cleanup_(line_freep) Line *line = line_new(&routes[_i], N_PAIRS);

        for (unsigned i = 0; i < N_PAIRS; i++) {
                ck_assert_int_eq(shutdown(line->pairs[i].client, SHUT_WR), 0);
                read_end(line->pairs[i].server);
        }
        AWAIT(watch_value(&watch, VALUE_TCP_FIN_WAIT2) == N_PAIRS);

        for (unsigned i = 0; i < N_PAIRS; i++) {
                make_deaf(line->pairs[i].client);
                ck_assert_int_eq(close(line->pairs[i].server), 0);
        }

        AWAIT_STATES(&watch, [SOCK_STATE_LISTEN] = 1, [SOCK_STATE_FIN_WAIT2] = N_PAIRS,
                     [SOCK_STATE_LAST_ACK] = N_PAIRS);
}
END_TEST

/* The client's FIN is lost, the server's arrives: both ends want to close, and one of them knows. */
START_TEST(a_close_at_both_ends_is_counted_in_closing)
{
        _cleanup_(line_freep) Line *line = line_new(&routes[_i], N_PAIRS);

        for (unsigned i = 0; i < N_PAIRS; i++) {
                make_deaf(line->pairs[i].server);
                ck_assert_int_eq(shutdown(line->pairs[i].client, SHUT_WR), 0);
                ck_assert_int_eq(shutdown(line->pairs[i].server, SHUT_WR), 0);
        }

        AWAIT_STATES(&watch, [SOCK_STATE_LISTEN] = 1, [SOCK_STATE_CLOSING] = N_PAIRS,
                     [SOCK_STATE_FIN_WAIT1] = N_PAIRS);
}
END_TEST

START_TEST(whoever_closed_first_is_counted_in_time_wait)
{
        _cleanup_(line_freep) Line *line = line_new(&routes[_i], N_PAIRS);

        for (unsigned i = 0; i < N_PAIRS; i++) {
                ck_assert_int_eq(close(line->pairs[i].client), 0);
                read_end(line->pairs[i].server);
                ck_assert_int_eq(close(line->pairs[i].server), 0);
        }

        AWAIT_STATES(&watch, [SOCK_STATE_LISTEN] = 1, [SOCK_STATE_TIME_WAIT] = N_PAIRS);
        ck_assert_uint_eq(proc_number("net/sockstat", "TCP", "tw"), N_PAIRS);
}
END_TEST

START_TEST(sockets_that_are_bound_and_no_more_are_counted_in_bound_inactive)
{
        static const char *const addresses[] = { "127.0.0.1", "0.0.0.0",          "127.0.0.9",
                                                 "::1",       "::ffff:127.0.0.1", "::" };

        for (size_t i = 0; i < ELEMENTSOF(addresses); i++) {
                Spot at = spot(addresses[i], 0);

                bind_to(&at, SOCK_STREAM);
                AWAIT_STATES(&watch, [SOCK_STATE_BOUND_INACTIVE] = i + 1);
        }
}
END_TEST

START_TEST(a_bound_socket_that_listens_or_connects_is_not_bound_inactive)
{
        _cleanup_(line_freep) Line *line = line_new(&routes[_i], 0);
        Spot from = spot(routes[_i].connect, 0);
        int fd = bind_to(&from, SOCK_STREAM);

        AWAIT_STATES(&watch, [SOCK_STATE_LISTEN] = 1, [SOCK_STATE_BOUND_INACTIVE] = 1);

        ck_assert_int_eq(connect(fd, &line->to.any, line->to.size), 0);
        AWAIT_STATES(&watch, [SOCK_STATE_LISTEN] = 1, [SOCK_STATE_ESTABLISHED] = 2);
}
END_TEST

/* It keeps the port that it was bound to (one it had asked for by number), and its
 * peer's, so it is not one that never connected. */
START_TEST(a_bound_socket_that_was_reset_is_counted_in_close)
{
        _cleanup_(line_freep) Line *line = line_new(&routes[_i], 0);
        Spot from = spot(routes[_i].connect, 20001);
        int fd = bind_to(&from, SOCK_STREAM), server;

        ck_assert_int_eq(connect(fd, &line->to.any, line->to.size), 0);
        server = accept4(line->listener, NULL, NULL, SOCK_CLOEXEC);
        ck_assert_int_ge(server, 0);
        abort_socket(server);

        AWAIT_STATES(&watch, [SOCK_STATE_LISTEN] = 1, [SOCK_STATE_CLOSE] = 1);

        from = spot(routes[_i].connect, 0);
        bind_to(&from, SOCK_STREAM);
        AWAIT_STATES(
                &watch, [SOCK_STATE_LISTEN] = 1, [SOCK_STATE_CLOSE] = 1, [SOCK_STATE_BOUND_INACTIVE] = 1);
}
END_TEST

START_TEST(a_socket_that_was_reset_and_not_bound_is_in_no_state)
{
        _cleanup_(line_freep) Line *line = line_new(&routes[_i], N_PAIRS);

        for (unsigned i = 0; i < N_PAIRS; i++)
                abort_socket(line->pairs[i].server);

        AWAIT_STATES(&watch, [SOCK_STATE_LISTEN] = 1);
}
END_TEST

START_TEST(datagram_sockets_are_not_counted)
{
        Spot at = spot("127.0.0.1", 0), at6 = spot("::1", 0);

        bind_to(&at, SOCK_DGRAM);
        bind_to(&at6, SOCK_DGRAM);

        AWAIT_STATES(&watch, 0);
}
END_TEST

START_TEST(three_hundred_leaked_connections_are_three_hundred_in_close_wait)
{
        Line *lines[N_ROUTES];

        for (unsigned i = 0; i < N_ROUTES; i++) {
                lines[i] = line_new(&routes[i], 100);
                for (unsigned j = 0; j < 100; j++)
                        ck_assert_int_eq(close(lines[i]->pairs[j].client), 0);
        }
        AWAIT_STATES(&watch, [SOCK_STATE_LISTEN] = N_ROUTES, [SOCK_STATE_CLOSE_WAIT] = 300,
                     [SOCK_STATE_FIN_WAIT2] = 300);

        for (unsigned i = 0; i < N_ROUTES; i++)
                for (unsigned j = 0; j < 100; j++) {
                        read_end(lines[i]->pairs[j].server);
                        ck_assert_int_eq(close(lines[i]->pairs[j].server), 0);
                }
        AWAIT_STATES(&watch, [SOCK_STATE_LISTEN] = N_ROUTES, [SOCK_STATE_TIME_WAIT] = 300);

        for (unsigned i = 0; i < N_ROUTES; i++)
                line_free(lines[i]);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("tcp-states");
        TCase *alone = tcase_create("alone");
        TCase *routed = tcase_create("by every route");
        const TTest *const tests[] = {
                listeners_are_counted_in_listen,
                both_ends_of_a_connection_are_counted_in_established,
                a_connection_that_nobody_accepted_is_established,
                connects_without_an_answer_are_counted_in_syn_sent,
                half_open_requests_are_counted_in_syn_recv,
                a_fin_without_an_answer_is_counted_in_fin_wait1,
                orphans_are_counted_in_fin_wait1,
                a_half_closed_connection_is_counted_in_fin_wait2_and_close_wait,
                a_mini_socket_in_fin_wait2_is_not_counted_in_time_wait,
                a_last_fin_without_an_answer_is_counted_in_last_ack,
                a_close_at_both_ends_is_counted_in_closing,
                whoever_closed_first_is_counted_in_time_wait,
                a_bound_socket_that_listens_or_connects_is_not_bound_inactive,
                a_bound_socket_that_was_reset_is_counted_in_close,
                a_socket_that_was_reset_and_not_bound_is_in_no_state,
        };

        namespace_require();

        tcase_add_checked_fixture(alone, setup, teardown);
        tcase_set_timeout(alone, 30);
        tcase_add_test(alone, every_state_is_there_when_there_is_no_socket);
        tcase_add_test(alone, a_socket_without_a_port_is_in_no_state);
        tcase_add_test(alone, sockets_that_are_bound_and_no_more_are_counted_in_bound_inactive);
        tcase_add_test(alone, datagram_sockets_are_not_counted);
        tcase_add_test(alone, three_hundred_leaked_connections_are_three_hundred_in_close_wait);
        suite_add_tcase(suite, alone);

        tcase_add_checked_fixture(routed, setup, teardown);
        tcase_set_timeout(routed, 30);
        for (size_t i = 0; i < ELEMENTSOF(tests); i++)
                tcase_add_loop_test(routed, tests[i], 0, N_ROUTES);
        suite_add_tcase(suite, routed);

        return suite_main(suite);
}
