/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which listener a connection is counted at
 *
 * The kernel knows: a connection that nobody accepted yet stands in the queue of
 * its listener, and one that was came out of a descriptor. So each arrangement of
 * listeners on one port is compared with what the kernel itself made of it.
 */

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "actor.h"
#include "namespace.h"
#include "sockets.h"
#include "watch.h"

#define PORT 20001

static Watch watch;

static void setup(void) {
        namespace_enter();
        watch_begin(&watch);
}

static void teardown(void) {
        watch_end(&watch);
}

typedef struct Listening {
        const char *address;
        const char *device; /* "lo", or NULL */
        bool is_ipv6_only;
        const char *shown; /* with its device, as ss(8) writes it */
        int fd;
} Listening;

/* SO_REUSEPORT: otherwise a wildcard and an address do not go together. False if this one does not go with
 * those that are there. */
static bool try_listen(Listening *listening, uint16_t port) {
        Spot at = spot(listening->address, port);
        int fd = socket(at.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        ck_assert_int_ge(fd, 0);
        set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
        if (at.any.sa_family == AF_INET6)
                set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, listening->is_ipv6_only);
        if (listening->device)
                ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, listening->device,
                                            (socklen_t)strlen(listening->device)),
                                 0);
        if (bind(fd, &at.any, at.size) < 0 || listen(fd, 64) < 0) {
                ck_assert_int_eq(errno, EADDRINUSE);
                ck_assert_int_eq(close(fd), 0);
                return false;
        }

        listening->fd = fd;
        return true;
}

static void must_listen(Listening *listening, uint16_t port) {
        ck_assert_msg(try_listen(listening, port), "%s: %s", listening->shown, strerror(errno));
}

static uint64_t count_in(const Listening *listening, uint16_t port, unsigned state) {
        const ListenerRow *row = sample_listener(watch.sample, listening->shown, port);

        ck_assert_msg(row, "no row for %s", listening->shown);
        return row->states[state];
}

/* ---- arrangements ---- */

/* Of everything that can listen on one port of loopback. */
static const Listening all[] = {
        { .address = "127.0.0.1", .shown = "127.0.0.1" },
        { .address = "127.0.0.2", .shown = "127.0.0.2" },
        { .address = "0.0.0.0", .shown = "0.0.0.0" },
        { .address = "::1", .shown = "::1" },
        { .address = "::", .shown = "::" },
        { .address = "::", .is_ipv6_only = true, .shown = "::" },
        { .address = "::ffff:127.0.0.1", .shown = "::ffff:127.0.0.1" },
        { .address = "127.0.0.1", .device = "lo", .shown = "127.0.0.1%lo" },
        { .address = "0.0.0.0", .device = "lo", .shown = "0.0.0.0%lo" },
        { .address = "::1", .device = "lo", .shown = "::1%lo" },
        { .address = "::", .device = "lo", .shown = "::%lo" },
        { .address = "::ffff:127.0.0.1", .device = "lo", .shown = "::ffff:127.0.0.1%lo" },
};

static const char *const targets[] = { "127.0.0.1", "127.0.0.2", "127.0.0.3", "::1" };

/* Listeners on one port, opened in some order. */
typedef struct Arrangement {
        uint16_t port;
        size_t n;
        Listening listening[ELEMENTSOF(all)];
} Arrangement;

/* Whether one of these has the same row: they would be siblings, of which here is one of a kind. */
static bool has_shown(const Arrangement *arrangement, const char *shown) {
        for (size_t i = 0; i < arrangement->n; i++)
                if (strcmp(arrangement->listening[i].shown, shown) == 0)
                        return true;

        return false;
}

/* Some other arrangement for each number: about half of all, in an order of its own. */
static void arrange(Arrangement *arrangement, unsigned number) {
        uint64_t random = number + 1;

        arrangement->port = (uint16_t)(PORT + number);
        arrangement->n = 0;
        for (size_t i = 0; i < ELEMENTSOF(all); i++) {
                /* As in MMIX (Knuth); 5 has no factor in common with the number of them. */
                size_t which = (number + 5 * i) % ELEMENTSOF(all);
                Listening *listening = &arrangement->listening[arrangement->n];

                random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                *listening = all[which];
                if (random >> 63 && !has_shown(arrangement, listening->shown) &&
                    try_listen(listening, arrangement->port))
                        arrangement->n++;
        }
}

/* Connects to each target, to some more often; those that nobody listens at refuse. Returns how many did
 * not.
 */
static unsigned connect_all(const Arrangement *arrangement, int *clients) {
        unsigned n = 0;

        for (unsigned i = 0; i < ELEMENTSOF(targets); i++)
                for (unsigned again = 0; again <= i; again++) {
                        Spot to = spot(targets[i], arrangement->port);
                        int fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

                        ck_assert_int_ge(fd, 0);
                        if (connect(fd, &to.any, to.size) == 0) {
                                clients[n++] = fd;
                                continue;
                        }
                        ck_assert_int_eq(errno, ECONNREFUSED);
                        ck_assert_int_eq(close(fd), 0);
                }

        return n;
}

#define N_CLIENTS_MAX 10

static void close_arrangement(const Arrangement *arrangement) {
        for (size_t i = 0; i < arrangement->n; i++)
                ck_assert_int_eq(close(arrangement->listening[i].fd), 0);
}

/* Accepts all from one listener, ends each from this side, and returns how many there were. */
static uint64_t accept_and_end(const Listening *listening) {
        uint64_t n = 0;
        int fd;

        while ((fd = accept4(listening->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
                ck_assert_int_eq(close(fd), 0);
                n++;
        }
        ck_assert_int_eq(errno, EAGAIN);
        return n;
}

/* Those that wait in the queue of each listener, as the kernel tells, are those that are counted there. */
static uint64_t check_waiting(const Arrangement *arrangement) {
        uint64_t n_all = 0;

        (void)watch_sample(&watch);
        for (size_t i = 0; i < arrangement->n; i++) {
                const Listening *listening = &arrangement->listening[i];
                uint64_t n = count_in(listening, arrangement->port, STATE_ESTABLISHED),
                         length = sample_listener(watch.sample, listening->shown, arrangement->port)->length;

                ck_assert_msg(n == length, "%s, of %zu on port %u: %lu, not %lu", listening->shown,
                              arrangement->n, arrangement->port, n, length);
                n_all += n;
        }

        return n_all;
}

#define N_ARRANGEMENTS 150

START_TEST(a_connection_is_counted_where_the_kernel_put_it_and_in_time_wait_still)
{
        unsigned n_all = 0;

        for (unsigned number = 0; number < N_ARRANGEMENTS; number++) {
                uint64_t n_accepted[ELEMENTSOF(all)];
                int clients[N_CLIENTS_MAX];
                Arrangement arrangement;
                unsigned n;

                arrange(&arrangement, number);
                n = connect_all(&arrangement, clients);
                ck_assert_uint_eq(check_waiting(&arrangement), n);

                for (size_t i = 0; i < arrangement.n; i++)
                        n_accepted[i] = accept_and_end(&arrangement.listening[i]);
                for (unsigned i = 0; i < n; i++) {
                        read_end(clients[i]);
                        ck_assert_int_eq(close(clients[i]), 0);
                }

                n_all += n;
                AWAIT(watch_value(&watch, VALUE_TCP_TIME_WAIT) == n_all);
                for (size_t i = 0; i < arrangement.n; i++)
                        ck_assert_uint_eq(count_in(&arrangement.listening[i], arrangement.port,
                                                   STATE_TIME_WAIT),
                                          n_accepted[i]);
                close_arrangement(&arrangement);
        }

        ck_assert_uint_gt(n_all, N_ARRANGEMENTS);
}
END_TEST

/* A second later the SYN-ACKs are sent again, and then everybody gets through. */
START_TEST(a_half_open_one_is_counted_at_the_listener_whose_queue_it_comes_into)
{
        static Arrangement arrangements[20];
        uint64_t half_open[ELEMENTSOF(arrangements)][ELEMENTSOF(all)], n_all = 0;
        int clients[N_CLIENTS_MAX];

        for (unsigned number = 0; number < ELEMENTSOF(arrangements); number++) {
                arrange(&arrangements[number], number);
                for (size_t i = 0; i < arrangements[number].n; i++)
                        make_deaf_to_ack(arrangements[number].listening[i].fd);
                n_all += connect_all(&arrangements[number], clients);
        }

        ck_assert_uint_eq(watch_value(&watch, VALUE_TCP_SYN_RECV), n_all);
        for (unsigned number = 0; number < ELEMENTSOF(arrangements); number++)
                for (size_t i = 0; i < arrangements[number].n; i++)
                        half_open[number][i] = count_in(&arrangements[number].listening[i],
                                                        arrangements[number].port, STATE_SYN_RECV);

        for (unsigned number = 0; number < ELEMENTSOF(arrangements); number++)
                for (size_t i = 0; i < arrangements[number].n; i++)
                        make_hear(arrangements[number].listening[i].fd);
        AWAIT(watch_value(&watch, VALUE_TCP_SYN_RECV) == 0);

        for (unsigned number = 0; number < ELEMENTSOF(arrangements); number++) {
                (void)check_waiting(&arrangements[number]);
                for (size_t i = 0; i < arrangements[number].n; i++)
                        ck_assert_uint_eq(half_open[number][i],
                                          count_in(&arrangements[number].listening[i],
                                                   arrangements[number].port, STATE_ESTABLISHED));
        }
}
END_TEST

/* ---- cases that people know by name ---- */

START_TEST(beside_a_wildcard_an_address_has_its_own)
{
        Listening specific = { .address = "127.0.0.1", .shown = "127.0.0.1" };
        Listening wildcard = { .address = "0.0.0.0", .shown = "0.0.0.0" };
        Spot to;

        must_listen(&specific, PORT);
        must_listen(&wildcard, PORT);
        to = spot("127.0.0.1", PORT);
        for (unsigned i = 0; i < 3; i++)
                connect_to(&to);
        to = spot("127.0.0.2", PORT);
        for (unsigned i = 0; i < 5; i++)
                connect_to(&to);

        (void)watch_sample(&watch);
        ck_assert_uint_eq(count_in(&specific, PORT, STATE_ESTABLISHED), 3);
        ck_assert_uint_eq(count_in(&wildcard, PORT, STATE_ESTABLISHED), 5);
}
END_TEST

START_TEST(a_dual_stack_listener_has_what_came_by_ipv4_in_every_state)
{
        const Route *mapped = &routes[2];
        Line *line = line_new(mapped, 6);
        Listening listening = { .shown = "::" };
        uint16_t port = spot_port(&line->to);

        for (unsigned i = 0; i < 2; i++) {
                ck_assert_int_eq(shutdown(line->pairs[i].client, SHUT_WR), 0);
                read_end(line->pairs[i].server);
        }
        ck_assert_int_eq(close(line->pairs[5].server), 0);
        read_end(line->pairs[5].client);
        ck_assert_int_eq(close(line->pairs[5].client), 0);
        make_deaf_to_ack(line->listener);
        connect_begin(&line->to);

        AWAIT(watch_value(&watch, VALUE_TCP_TIME_WAIT) == 1);
        ck_assert_uint_eq(count_in(&listening, port, STATE_ESTABLISHED), 3);
        ck_assert_uint_eq(count_in(&listening, port, STATE_CLOSE_WAIT), 2);
        ck_assert_uint_eq(count_in(&listening, port, STATE_TIME_WAIT), 1);
        ck_assert_uint_eq(count_in(&listening, port, STATE_SYN_RECV), 1);
        ck_assert_uint_eq(count_in(&listening, port, STATE_FIN_WAIT2), 0);
        ck_assert_uint_eq(count_in(&listening, port, STATE_LISTEN), 0);
        line_free(line);
}
END_TEST

START_TEST(a_listener_on_a_device_has_nothing_of_what_came_before_it)
{
        Listening unbound = { .address = "0.0.0.0", .shown = "0.0.0.0" };
        Listening bound = { .address = "127.0.0.1", .device = "lo", .shown = "127.0.0.1%lo" };
        Spot to = spot("127.0.0.1", PORT);

        must_listen(&unbound, PORT);
        for (unsigned i = 0; i < 3; i++)
                connect_to(&to);
        must_listen(&bound, PORT);
        for (unsigned i = 0; i < 4; i++)
                connect_to(&to);

        (void)watch_sample(&watch);
        ck_assert_uint_eq(count_in(&unbound, PORT, STATE_ESTABLISHED), 3);
        ck_assert_uint_eq(count_in(&bound, PORT, STATE_ESTABLISHED), 4);
}
END_TEST

/* In a namespace of its own, on the other side of a pair of devices: connects so often. */
static uint64_t connect_from_afar(uint64_t n) {
        Spot to = spot("10.6.6.1", PORT);

        for (uint64_t i = 0; i < n; i++)
                connect_to(&to);
        return 0;
}

static uint64_t leave_namespace(uint64_t argument) {
        ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
        return argument;
}

_printf_(1, 2) static void run_ip(const char *format, ...) {
        char command[256] = "PATH=/usr/bin:/bin:/usr/sbin:/sbin ";
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(command + strlen(command), sizeof command - strlen(command), format, arguments);
        va_end(arguments);
        ck_assert_msg(system(command) == 0, "%s", command);
}

START_TEST(what_comes_by_another_device_goes_past_the_listener_on_a_device)
{
        Listening on_loopback = { .address = "127.0.0.1", .device = "lo", .shown = "127.0.0.1%lo" };
        Listening on_pair = { .address = "0.0.0.0", .device = "pair", .shown = "0.0.0.0%pair" };
        Listening unbound = { .address = "0.0.0.0", .shown = "0.0.0.0" };
        Actor far = actor_start(NULL);
        Spot to = spot("127.0.0.1", PORT), to_own = spot("10.6.6.1", PORT);

        actor_do(&far, leave_namespace, 0);
        run_ip("ip link add pair type veth peer name riap netns %d && ip address add 10.6.6.1/24 dev pair "
               "&& "
               "ip link set pair up && nsenter --net=/proc/%d/ns/net sh -c "
               "'ip address add 10.6.6.2/24 dev riap; ip link set riap up'",
               far.pid, far.pid);

        must_listen(&on_loopback, PORT);
        must_listen(&unbound, PORT);
        actor_do(&far, connect_from_afar, 2);
        must_listen(&on_pair, PORT);
        actor_do(&far, connect_from_afar, 3);
        for (unsigned i = 0; i < 4; i++)
                connect_to(&to);
        /* It goes by loopback, but the kernel takes it for one of the device that has the address. */
        connect_to(&to_own);

        (void)watch_sample(&watch);
        ck_assert_uint_eq(sample_listener(watch.sample, on_pair.shown, PORT)->length, 4);
        ck_assert_uint_eq(count_in(&unbound, PORT, STATE_ESTABLISHED), 2);
        ck_assert_uint_eq(count_in(&on_pair, PORT, STATE_ESTABLISHED), 4);
        ck_assert_uint_eq(count_in(&on_loopback, PORT, STATE_ESTABLISHED), 4);
        actor_end(&far);
}
END_TEST

START_TEST(eight_siblings_have_together_what_each_of_them_took)
{
        Listening siblings[8];
        uint64_t n_all = 0, n_worst = 0;
        const ListenerRow *row;
        Spot to = spot("127.0.0.1", PORT);

        for (unsigned i = 0; i < ELEMENTSOF(siblings); i++) {
                siblings[i] = (Listening){ .address = "127.0.0.1", .shown = "127.0.0.1" };
                must_listen(&siblings[i], PORT);
        }
        for (unsigned i = 0; i < 80; i++)
                connect_to(&to);

        row = watch_listener(&watch, "127.0.0.1", PORT);
        ck_assert_uint_eq(watch.sample->n_listeners, 1);
        ck_assert_uint_eq(row->n_sockets, 8);
        ck_assert_uint_eq(row->states[STATE_ESTABLISHED], 80);
        ck_assert_uint_eq(row->length, 80);
        ck_assert_uint_eq(row->limit, UINT64_C(8) * 64);

        for (unsigned i = 0; i < ELEMENTSOF(siblings); i++) {
                uint64_t n = accept_and_end(&siblings[i]);

                n_all += n;
                n_worst = MAX(n_worst, n);
        }
        ck_assert_uint_eq(n_all, 80);
        ck_assert_uint_eq(row->worst_length, n_worst);
        ck_assert_uint_eq(row->worst_limit, 64);

        /* The clients have not closed. */
        AWAIT(watch_listener(&watch, "127.0.0.1", PORT)->states[STATE_FIN_WAIT2] == 80);
        ck_assert_uint_eq(watch_listener(&watch, "127.0.0.1", PORT)->length, 0);
}
END_TEST

START_TEST(what_this_host_opened_is_counted_at_no_listener)
{
        Line *line = line_new(&routes[_i], 7);

        (void)watch_listener(&watch, routes[_i].listen, spot_port(&line->to));
        ck_assert_uint_eq(sample_value(watch.sample, VALUE_TCP_ESTABLISHED), 14);
        ck_assert_uint_eq(watch.sample->n_listeners, 1);
        ck_assert_uint_eq(watch.sample->listeners[0].states[STATE_ESTABLISHED], 7);
        line_free(line);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("listener-states");
        TCase *kernel = tcase_create("as the kernel does");
        TCase *known = tcase_create("known cases");

        namespace_require_program("ip");
        namespace_require();

        tcase_add_checked_fixture(kernel, setup, teardown);
        tcase_set_timeout(kernel, 60);
        tcase_add_test(kernel, a_connection_is_counted_where_the_kernel_put_it_and_in_time_wait_still);
        tcase_add_test(kernel, a_half_open_one_is_counted_at_the_listener_whose_queue_it_comes_into);
        suite_add_tcase(suite, kernel);

        tcase_add_checked_fixture(known, setup, teardown);
        tcase_set_timeout(known, 30);
        tcase_add_test(known, beside_a_wildcard_an_address_has_its_own);
        tcase_add_test(known, a_dual_stack_listener_has_what_came_by_ipv4_in_every_state);
        tcase_add_test(known, a_listener_on_a_device_has_nothing_of_what_came_before_it);
        tcase_add_test(known, what_comes_by_another_device_goes_past_the_listener_on_a_device);
        tcase_add_test(known, eight_siblings_have_together_what_each_of_them_took);
        tcase_add_loop_test(known, what_this_host_opened_is_counted_at_no_listener, 0, N_ROUTES);
        suite_add_tcase(suite, known);

        return suite_main(suite);
}
