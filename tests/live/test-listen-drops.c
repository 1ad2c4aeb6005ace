/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Accept queues that fill, and what is dropped then
 *
 * A listener whose queue is full drops every SYN. A client that gives up at once
 * sends no second one, so each makes exactly one drop, now.
 */

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "namespace.h"
#include "proc_text.h"
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

/* Drops @n connections at a listener whose queue is full. */
static void drop(const Spot *to, unsigned n) {
        uint64_t before = listen_drops();

        for (unsigned i = 0; i < n; i++)
                ck_assert_int_eq(close(connect_begin(to)), 0);
        AWAIT(listen_drops() >= before + n);
        ck_assert_uint_eq(listen_drops(), before + n);
}

/* A listener on this port whose queue is full: of limit 0, with one connection in it. */
static int listen_full(const char *address, uint16_t port, Spot *ret_to) {
        Spot at = spot(address, port);
        int listener = listen_on(&at, 0);

        connect_to(&at);
        *ret_to = at;
        return listener;
}

static uint64_t drops_of(const char *address, const Spot *at) {
        return watch_listener(&watch, address, spot_port(at))->drops;
}

/* Takes a sample between two equal readings of ListenDrops, which clients move that try again. */
static const Sample *sample_while_drops_rest(uint64_t *ret_drops) {
        const Sample *sample;
        uint64_t before;

        for (;;) {
                before = listen_drops();
                sample = watch_sample(&watch);
                if (listen_drops() == before) {
                        *ret_drops = before;
                        return sample;
                }
        }
}

START_TEST(a_queue_of_sixteen_holds_seventeen_and_drops_the_rest)
{
        const Route *route = &routes[_i];
        Spot at = spot(route->listen, 0), to;
        const ListenerRow *row;
        const Sample *sample;
        uint64_t n_dropped;

        listen_on(&at, 16);
        to = spot(route->connect, spot_port(&at));

        /* Equal to the limit is not full. */
        for (unsigned i = 0; i < 17; i++) {
                row = watch_listener(&watch, route->listen, spot_port(&at));
                ck_assert_uint_eq(row->length, i);
                ck_assert_uint_eq(row->limit, 16);
                ck_assert_uint_eq(row->drops, 0);
                connect_to(&to);
        }
        ck_assert_uint_eq(listen_drops(), 0);

        for (unsigned i = 17; i < 60; i++)
                connect_begin(&to);
        AWAIT(listen_drops() >= 43);

        /* These do not give up: a second later all of them try again. */
        for (unsigned round = 0; round < 2; round++) {
                sample = sample_while_drops_rest(&n_dropped);
                row = sample_listener(sample, route->listen, spot_port(&at));
                ck_assert_ptr_nonnull(row);
                ck_assert_uint_eq(row->length, 17);
                ck_assert_uint_eq(row->limit, 16);
                ck_assert_uint_eq(row->worst_length, 17);
                ck_assert_uint_eq(row->worst_limit, 16);
                ck_assert_uint_eq(row->n_sockets, 1);
                ck_assert_uint_eq(row->drops, n_dropped);
                ck_assert_uint_eq(sample_value(sample, VALUE_TCP_LISTEN_DROPS), n_dropped);
                ck_assert_uint_eq(sample_value(sample, VALUE_TCP_LISTEN_OVERFLOWS), n_dropped);
                AWAIT(listen_drops() >= 86);
        }
}
END_TEST

START_TEST(an_accepted_connection_leaves_the_queue)
{
        Spot at = spot("127.0.0.1", 0);
        int listener = listen_on(&at, 8);

        for (unsigned i = 0; i < 5; i++)
                connect_to(&at);
        for (unsigned i = 5; i > 0; i--) {
                ck_assert_uint_eq(watch_listener(&watch, "127.0.0.1", spot_port(&at))->length, i);
                ck_assert_int_ge(accept4(listener, NULL, NULL, SOCK_CLOEXEC), 0);
        }
        ck_assert_uint_eq(watch_listener(&watch, "127.0.0.1", spot_port(&at))->length, 0);
}
END_TEST

START_TEST(of_ten_listeners_each_has_its_own_drops)
{
        static const char *const addresses[] = { "127.0.0.1", "::1" };
        uint64_t expected[10] = { 0 };
        Spot to[10];

        for (unsigned i = 0; i < ELEMENTSOF(to); i++)
                listen_full(addresses[i % 2], 0, &to[i]);

        for (unsigned i = 0; i < ELEMENTSOF(to); i++) {
                drop(&to[i], i + 1);
                expected[i] += i + 1;

                for (unsigned j = 0; j < ELEMENTSOF(to); j++)
                        ck_assert_uint_eq(drops_of(addresses[j % 2], &to[j]), expected[j]);
        }
        ck_assert_uint_eq(listen_drops(), 55);
}
END_TEST

START_TEST(drops_of_before_the_first_sample_are_counted)
{
        Spot to;

        listen_full("127.0.0.1", 0, &to);
        drop(&to, 7);

        ck_assert_uint_eq(drops_of("127.0.0.1", &to), 7);
        ck_assert_uint_eq(drops_of("127.0.0.1", &to), 7);
}
END_TEST

START_TEST(drops_go_on_from_where_they_were_when_a_listener_is_opened_again)
{
        uint16_t port;
        Spot to;
        int listener;

        listener = listen_full("127.0.0.1", 0, &to);
        port = spot_port(&to);
        drop(&to, 5);
        ck_assert_uint_eq(drops_of("127.0.0.1", &to), 5);

        /* Between two samples. */
        ck_assert_int_eq(close(listener), 0);
        listener = listen_full("127.0.0.1", port, &to);
        ck_assert_uint_eq(drops_of("127.0.0.1", &to), 5);
        drop(&to, 3);
        ck_assert_uint_eq(drops_of("127.0.0.1", &to), 8);

        /* Away for one sample, and with drops of its own when it is first seen. */
        ck_assert_int_eq(close(listener), 0);
        ck_assert_ptr_null(sample_listener(watch_sample(&watch), "127.0.0.1", port));
        listener = listen_full("127.0.0.1", port, &to);
        drop(&to, 2);
        ck_assert_uint_eq(drops_of("127.0.0.1", &to), 10);

        /* Away for many. */
        ck_assert_int_eq(close(listener), 0);
        for (unsigned i = 0; i < 200; i++)
                ck_assert_ptr_null(sample_listener(watch_sample(&watch), "127.0.0.1", port));
        listen_full("127.0.0.1", port, &to);
        ck_assert_uint_eq(drops_of("127.0.0.1", &to), 10);
        drop(&to, 1);
        ck_assert_uint_eq(drops_of("127.0.0.1", &to), 11);
}
END_TEST

/* To the kernel it is the same socket all the time, and its drops are the same. */
START_TEST(a_socket_that_stops_listening_and_begins_again_is_not_counted_twice)
{
        Spot to;
        int listener;

        listener = listen_full("127.0.0.1", 20001, &to);
        drop(&to, 5);
        ck_assert_uint_eq(drops_of("127.0.0.1", &to), 5);

        ck_assert_int_eq(shutdown(listener, SHUT_RDWR), 0);
        ck_assert_ptr_null(sample_listener(watch_sample(&watch), "127.0.0.1", 20001));

        ck_assert_int_eq(listen(listener, 0), 0);
        ck_assert_uint_eq(drops_of("127.0.0.1", &to), 5);
        connect_to(&to);
        drop(&to, 2);
        ck_assert_uint_eq(drops_of("127.0.0.1", &to), 7);
}
END_TEST

/* The accept queue of one socket, asked of the socket itself (tcp_get_info(), net/ipv4/tcp.c). */
static void get_queue(int listener, uint64_t *ret_length, uint64_t *ret_limit) {
        struct tcp_info info = { 0 };
        socklen_t size = sizeof info;

        ck_assert_int_eq(getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
        ck_assert_int_eq(info.tcpi_state, TCP_LISTEN);
        *ret_length = info.tcpi_unacked;
        *ret_limit = info.tcpi_sacked;
}

#define N_SIBLINGS 8

static void listen_siblings(Spot *at, int ret_listeners[static N_SIBLINGS]) {
        for (unsigned i = 0; i < N_SIBLINGS; i++) {
                int fd = socket(at->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

                set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
                ck_assert_int_eq(bind(fd, &at->any, at->size), 0);
                ck_assert_int_eq(getsockname(fd, &at->any, &at->size), 0);
                ck_assert_int_eq(listen(fd, 2 + 3 * (int)i), 0);
                ret_listeners[i] = fd;
        }
}

START_TEST(siblings_are_one_row_with_sums_and_the_worst_of_them)
{
        const Route *route = &routes[_i];
        Spot at = spot(route->listen, 0), to;
        uint64_t lengths = 0, limits = 0, worst_length = 0, worst_limit = 1, length, limit, n_dropped;
        int listeners[N_SIBLINGS];
        const ListenerRow *row;
        const Sample *sample;

        listen_siblings(&at, listeners);
        to = spot(route->connect, spot_port(&at));

        /* The kernel chooses by a hash of addresses and ports; the smallest queue is soon full. */
        for (unsigned i = 0; i < 100; i++)
                connect_begin(&to);
        AWAIT(listen_drops() > 0);

        sample = sample_while_drops_rest(&n_dropped);
        ck_assert_uint_eq(sample->n_listeners, 1);
        row = sample_listener(sample, route->listen, spot_port(&at));
        ck_assert_ptr_nonnull(row);

        for (unsigned i = 0; i < N_SIBLINGS; i++) {
                get_queue(listeners[i], &length, &limit);
                ck_assert_uint_eq(limit, 2 + 3 * i);
                lengths += length;
                limits += limit;
                if (length * worst_limit > worst_length * limit) {
                        worst_length = length;
                        worst_limit = limit;
                }
        }

        ck_assert_uint_eq(row->n_sockets, N_SIBLINGS);
        ck_assert_uint_eq(row->length, lengths);
        ck_assert_uint_eq(row->limit, limits);
        ck_assert_uint_eq(row->worst_length * worst_limit, worst_length * row->worst_limit);
        ck_assert_uint_gt(row->worst_length, row->worst_limit);
        ck_assert_uint_eq(row->drops, n_dropped);
}
END_TEST

START_TEST(when_a_sibling_goes_the_drops_of_all_stay)
{
        Spot at = spot("127.0.0.1", 0);
        int listeners[N_SIBLINGS];
        const ListenerRow *row;
        uint64_t before;

        listen_siblings(&at, listeners);
        for (unsigned i = 0; i < 200; i++)
                ck_assert_int_eq(close(connect_begin(&at)), 0);
        AWAIT(listen_drops() > 20);
        before = listen_drops();
        ck_assert_uint_eq(drops_of("127.0.0.1", &at), before);

        for (unsigned i = 0; i < N_SIBLINGS - 1; i++) {
                ck_assert_int_eq(close(listeners[i]), 0);
                row = watch_listener(&watch, "127.0.0.1", spot_port(&at));
                ck_assert_uint_eq(row->n_sockets, N_SIBLINGS - 1 - i);
                ck_assert_uint_eq(row->drops, before);
        }
}
END_TEST

/* What follows is what the kernel's number means besides; see tcp_v4_rcv(),
 * net/ipv4/tcp_ipv4.c: each packet that a listener throws away while it looks at a
 * half-open request is added to the same number. The tests are here to notice if
 * that changes, as the help of the metric has to tell. */

START_TEST(an_ack_that_finds_the_queue_full_is_counted_twice_by_the_kernel)
{
        _cleanup_(line_freep) Line *line = line_new(&routes[_i], 0);
        uint64_t before, n_dropped;
        int half_open[4];
        const Sample *sample;

        write_sysctl("net/ipv4/tcp_syncookies", "0");
        ck_assert_int_eq(listen(line->listener, 8), 0);

        make_deaf_to_ack(line->listener);
        for (size_t i = 0; i < ELEMENTSOF(half_open); i++)
                half_open[i] = connect_to(&line->to);
        make_hear(line->listener);
        AWAIT(watch_value(&watch, VALUE_TCP_SYN_RECV) == ELEMENTSOF(half_open));
        for (unsigned i = 0; i < 9; i++)
                connect_to(&line->to);

        before = watch_listener(&watch, routes[_i].listen, spot_port(&line->to))->drops;
        ck_assert_uint_eq(listen_drops(), 0);

        for (size_t i = 0; i < ELEMENTSOF(half_open); i++)
                write_bytes(half_open[i], 1);
        AWAIT(listen_drops() >= ELEMENTSOF(half_open));

        sample = sample_while_drops_rest(&n_dropped);
        ck_assert_uint_eq(sample_listener(sample, routes[_i].listen, spot_port(&line->to))->drops - before,
                          2 * n_dropped);
}
END_TEST

START_TEST(a_deferred_accept_is_a_drop_to_the_kernel_and_no_connection_is_lost)
{
        _cleanup_(line_freep) Line *line = line_new(&routes[_i], 0);
        int fds[6];

        set_option(line->listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, 30);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                fds[i] = connect_to(&line->to);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++) {
                write_bytes(fds[i], 1);
                fds[i] = accept4(line->listener, NULL, NULL, SOCK_CLOEXEC);
                ck_assert_int_ge(fds[i], 0);
                read_bytes(fds[i], 1);
        }

        ck_assert_uint_eq(listen_drops(), 0);
        ck_assert_uint_eq(drops_of(routes[_i].listen, &line->to), ELEMENTSOF(fds));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("listen-drops");
        TCase *alone = tcase_create("alone");
        TCase *routed = tcase_create("by every route");

        namespace_require();

        tcase_add_checked_fixture(alone, setup, teardown);
        tcase_set_timeout(alone, 30);
        tcase_add_test(alone, an_accepted_connection_leaves_the_queue);
        tcase_add_test(alone, of_ten_listeners_each_has_its_own_drops);
        tcase_add_test(alone, drops_of_before_the_first_sample_are_counted);
        tcase_add_test(alone, drops_go_on_from_where_they_were_when_a_listener_is_opened_again);
        tcase_add_test(alone, a_socket_that_stops_listening_and_begins_again_is_not_counted_twice);
        tcase_add_test(alone, when_a_sibling_goes_the_drops_of_all_stay);
        suite_add_tcase(suite, alone);

        tcase_add_checked_fixture(routed, setup, teardown);
        tcase_set_timeout(routed, 30);
        tcase_add_loop_test(routed, a_queue_of_sixteen_holds_seventeen_and_drops_the_rest, 0, N_ROUTES);
        tcase_add_loop_test(routed, siblings_are_one_row_with_sums_and_the_worst_of_them, 0, N_ROUTES);
        tcase_add_loop_test(routed, an_ack_that_finds_the_queue_full_is_counted_twice_by_the_kernel, 0,
                            N_ROUTES);
        tcase_add_loop_test(routed, a_deferred_accept_is_a_drop_to_the_kernel_and_no_connection_is_lost, 0,
                            N_ROUTES);
        suite_add_tcase(suite, routed);

        return suite_main(suite);
}
