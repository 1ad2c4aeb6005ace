/* SPDX-License-Identifier: Apache-2.0 */

/*
 * UDP sockets, as the kernel tells of them
 *
 * What kernel/sock_diag.h says of it, compared with what the kernel counts in
 * /proc and what the socket says of itself (SO_MEMINFO).
 */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/sock_diag.h"
#include "namespace.h"
#include "proc_text.h"
#include "sockets.h"
#include "watch.h"

#define N_SEEN_MAX 2048

typedef struct Seen {
        unsigned n;
        SockView views[N_SEEN_MAX];
        struct inet_diag_msg messages[N_SEEN_MAX];
} Seen;

static SockDiag *diag;
static Seen seen;

static void setup(void) {
        namespace_enter();
        ck_assert_int_eq(sock_diag_new(&diag), 0);
}

static void teardown(void) {
        diag = sock_diag_free(diag);
}

static int on_socket(const SockView *socket, void *userdata) {
        ck_assert_uint_lt(seen.n, N_SEEN_MAX);
        seen.messages[seen.n] = *socket->message;
        seen.views[seen.n] = *socket;
        seen.views[seen.n].message = &seen.messages[seen.n];
        seen.n++;
        return 0;
}

static void dump(uint8_t family) {
        seen.n = 0;
        ck_assert_int_eq(sock_diag_dump_udp(diag, family, on_socket, NULL), 0);
}

/* The socket at this port, in a dump of its family; it has to be there once. */
static const SockView *ask(const Spot *at) {
        const SockView *found = NULL;

        dump((uint8_t)at->any.sa_family);
        for (unsigned i = 0; i < seen.n; i++) {
                if (seen.messages[i].id.idiag_sport != htons(spot_port(at)))
                        continue;
                ck_assert_ptr_null(found);
                found = &seen.views[i];
        }

        ck_assert_ptr_nonnull(found);
        return found;
}

static uint32_t queue_of(const Spot *at) {
        return ask(at)->message->idiag_rqueue;
}

static void get_memory(int fd, uint32_t ret[static SK_MEMINFO_VARS]) {
        socklen_t size = SK_MEMINFO_VARS * sizeof *ret;

        ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_MEMINFO, ret, &size), 0);
}

static uint32_t get_receive_buffer(int fd) {
        int value;
        socklen_t size = sizeof value;

        ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, &size), 0);
        return (uint32_t)value;
}

static void connect_udp(int fd, const Spot *to) {
        ck_assert_int_eq(connect(fd, &to->any, to->size), 0);
}

/* Where a socket is bound to by connecting it. */
static Spot name_of(int fd) {
        Spot at = { .size = sizeof at.in6 };

        ck_assert_int_eq(getsockname(fd, &at.any, &at.size), 0);
        return at;
}

/* A sender of datagrams that is connected to there. */
static int send_to(const Spot *to) {
        int fd = socket(to->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        ck_assert_int_ge(fd, 0);
        connect_udp(fd, to);
        return fd;
}

static void send_datagrams(int fd, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                ck_assert_int_eq(send(fd, "x", 1, 0), 1);
}

static unsigned receive_what_is_there(int fd) {
        unsigned n = 0;
        char byte;

        while (recv(fd, &byte, 1, MSG_DONTWAIT) == 1)
                n++;
        ck_assert_int_eq(errno, EAGAIN);
        return n;
}

/* What the kernel counts of drops, by the protocol that the datagram came by. */
static uint64_t receive_buffer_errors(const Route *route) {
        bool is_ipv6 = strchr(route->connect, ':');

        return is_ipv6 ? proc_number("net/snmp6", "", "Udp6RcvbufErrors")
                       : proc_number("net/snmp", "Udp", "RcvbufErrors");
}

/* ---- queues and drops ---- */

START_TEST(a_receiver_that_does_not_read_drops_what_the_kernel_counts)
{
        const Route *route = &routes[_i];
        Spot at = spot(route->listen, 0), to;
        int receiver = bind_to(&at, SOCK_DGRAM);
        uint32_t memory[SK_MEMINFO_VARS];
        unsigned n_received = 0;
        const SockView *view;

        set_option(receiver, SOL_SOCKET, SO_RCVBUF, 8192);
        ck_assert_uint_eq(ask(&at)->receive_buffer_bytes, get_receive_buffer(receiver));
        to = spot(route->connect, spot_port(&at));
        send_datagrams(send_to(&to), 500);
        AWAIT(receive_buffer_errors(route) > 0);

        /* Full: there is hardly room for another, and what is there fits, or is one too much. */
        view = ask(&at);
        ck_assert(view->has_drops);
        ck_assert_uint_gt(view->message->idiag_rqueue, view->receive_buffer_bytes / 2);
        ck_assert_uint_lt(view->message->idiag_rqueue, 2 * view->receive_buffer_bytes);
        ck_assert_int_eq(view->state, SOCK_STATE_CLOSE);

        /* A softirq may still bring what was sent. */
        AWAIT((n_received += receive_what_is_there(receiver)) + ask(&at)->drops == 500);
        AWAIT(ask(&at)->drops == receive_buffer_errors(route));
        view = ask(&at);
        ck_assert_uint_gt(view->drops, 0);
        ck_assert_uint_eq(view->message->idiag_rqueue, 0);
        get_memory(receiver, memory);
        ck_assert_uint_eq(view->drops, memory[SK_MEMINFO_DROPS]);
        ck_assert_uint_eq(view->receive_buffer_bytes, memory[SK_MEMINFO_RCVBUF]);
}
END_TEST

START_TEST(the_queue_is_memory_and_not_bytes)
{
        const Route *route = &routes[_i];
        Spot at = spot(route->listen, 0), to;
        int receiver = bind_to(&at, SOCK_DGRAM), sender;
        uint32_t memory[SK_MEMINFO_VARS], one;

        to = spot(route->connect, spot_port(&at));
        sender = send_to(&to);
        ck_assert_uint_eq(queue_of(&at), 0);
        send_datagrams(sender, 1);
        AWAIT(queue_of(&at) > 0);
        one = queue_of(&at);
        ck_assert_uint_gt(one, 100);

        send_datagrams(sender, 19);
        AWAIT(queue_of(&at) == 20 * one);
        get_memory(receiver, memory);
        ck_assert_uint_eq(memory[SK_MEMINFO_RMEM_ALLOC], 20 * one);

        for (unsigned i = 20; i > 0; i--) {
                ck_assert_uint_eq(queue_of(&at), i * one);
                read_bytes(receiver, 1);
        }
        ck_assert_uint_eq(queue_of(&at), 0);
        ck_assert_uint_eq(ask(&at)->drops, 0);
}
END_TEST

/* While memory that was read is held back, the queue does not count it. */
START_TEST(what_was_read_leaves_the_queue_before_its_memory_is_given_back)
{
        Spot at = spot("127.0.0.1", 0);
        int receiver = bind_to(&at, SOCK_DGRAM), sender = send_to(&at);
        uint32_t memory[SK_MEMINFO_VARS], one;

        send_datagrams(sender, 1);
        AWAIT(queue_of(&at) > 0);
        one = queue_of(&at);
        send_datagrams(sender, 2);
        AWAIT(queue_of(&at) == 3 * one);
        read_bytes(receiver, 1);
        read_bytes(receiver, 1);
        ck_assert_uint_eq(queue_of(&at), one);
        get_memory(receiver, memory);
        ck_assert_uint_ge(memory[SK_MEMINFO_RMEM_ALLOC], one);
        ck_assert_uint_le(memory[SK_MEMINFO_RMEM_ALLOC], one + memory[SK_MEMINFO_RCVBUF] / 4);
}
END_TEST

START_TEST(what_a_filter_refuses_is_in_drops_alone)
{
        const Route *route = &routes[_i];
        Spot at = spot(route->listen, 0), to;

        make_deaf(bind_to(&at, SOCK_DGRAM));
        to = spot(route->connect, spot_port(&at));
        send_datagrams(send_to(&to), 5);
        AWAIT(ask(&at)->drops == 5);
        ck_assert_uint_eq(receive_buffer_errors(route), 0);
        ck_assert_uint_eq(queue_of(&at), 0);
}
END_TEST

START_TEST(each_socket_has_its_own_drops)
{
        Spot at[6];

        for (unsigned i = 0; i < ELEMENTSOF(at); i++) {
                at[i] = spot(i % 2 ? "::1" : "127.0.0.1", 0);
                make_deaf(bind_to(&at[i], SOCK_DGRAM));
                send_datagrams(send_to(&at[i]), i);
        }
        for (unsigned i = 0; i < ELEMENTSOF(at); i++)
                AWAIT(ask(&at[i])->drops == i);
}
END_TEST

/* ---- what is listed ---- */

static const char *const addresses[] = { "127.0.0.1", "::1" };

START_TEST(a_socket_is_closed_when_it_is_bound_and_established_when_it_is_connected)
{
        Spot at = spot(addresses[_i], 0), to = spot(addresses[_i], 9);
        struct sockaddr none = { .sa_family = AF_UNSPEC };
        const SockView *view;
        int fd;

        /* Without a port it is not told of. */
        fd = socket(at.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        dump((uint8_t)at.any.sa_family);
        ck_assert_uint_eq(seen.n, 0);

        connect_udp(fd, &to);
        at = name_of(fd);
        view = ask(&at);
        ck_assert_int_eq(view->state, SOCK_STATE_ESTABLISHED);
        ck_assert_uint_eq(view->message->id.idiag_dport, htons(9));

        /* A port that was not asked for is given up. */
        ck_assert_int_eq(connect(fd, &none, sizeof none), 0);
        dump((uint8_t)at.any.sa_family);
        ck_assert_uint_eq(seen.n, 0);

        at = spot(addresses[_i], 20000);
        fd = bind_to(&at, SOCK_DGRAM);
        view = ask(&at);
        ck_assert_int_eq(view->state, SOCK_STATE_CLOSE);
        ck_assert_uint_eq(view->message->id.idiag_dport, 0);
        ck_assert_uint_ne(view->message->idiag_inode, 0);

        connect_udp(fd, &to);
        ck_assert_int_eq(ask(&at)->state, SOCK_STATE_ESTABLISHED);
        ck_assert_int_eq(connect(fd, &none, sizeof none), 0);
        ck_assert_int_eq(ask(&at)->state, SOCK_STATE_CLOSE);
        ck_assert_uint_eq(seen.n, 1);
}
END_TEST

START_TEST(each_family_is_told_alone)
{
        Spot at4 = spot("127.0.0.1", 0), at6 = spot("::1", 0), tcp = spot("127.0.0.1", 0);

        bind_to(&at4, SOCK_DGRAM);
        bind_to(&at6, SOCK_DGRAM);
        listen_on(&tcp, 5);
        ck_assert_uint_eq(ask(&at4)->message->idiag_family, AF_INET);
        ck_assert_uint_eq(seen.n, 1);
        ck_assert_uint_eq(ask(&at6)->message->idiag_family, AF_INET6);
        ck_assert_uint_eq(seen.n, 1);
}
END_TEST

START_TEST(whether_it_takes_ipv4_is_told_until_it_is_connected)
{
        for (int is_only = 0; is_only < 2; is_only++) {
                Spot at = spot("::", 0), to = spot("::1", 9);
                int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

                set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, is_only);
                ck_assert_int_eq(bind(fd, &at.any, at.size), 0);
                at = name_of(fd);
                ck_assert_int_eq(ask(&at)->is_ipv6_only, is_only);

                connect_udp(fd, &to);
                ck_assert(!ask(&at)->is_ipv6_only);
        }
}
END_TEST

/* A TCP listener of this process is in the same cgroup, and collectors know it from there. */
static int keep_cgroup(const SockView *socket, void *userdata) {
        uint64_t *cgroup_id = userdata;

        *cgroup_id = socket->cgroup_id;
        return 0;
}

START_TEST(the_cgroup_is_told_as_of_tcp)
{
        Spot udp = spot(addresses[_i], 0), tcp = spot(addresses[_i], 0);
        uint64_t cgroup_id = 0;

        listen_on(&tcp, 5);
        bind_to(&udp, SOCK_DGRAM);
        ck_assert_int_eq(sock_diag_dump(diag, SOCK_STATE_MASK(SOCK_STATE_LISTEN), 0, keep_cgroup,
                                        &cgroup_id),
                         0);
        ck_assert_uint_eq(ask(&udp)->cgroup_id, cgroup_id);
}
END_TEST

#define N_MANY 700

START_TEST(many_sockets_are_each_told_once)
{
        bool is_seen[N_MANY] = { false };

        for (uint16_t i = 0; i < N_MANY; i++) {
                Spot at = spot(addresses[_i], 20000 + i);

                bind_to(&at, SOCK_DGRAM);
        }

        dump(_i == 0 ? AF_INET : AF_INET6);
        ck_assert_uint_eq(seen.n, N_MANY);
        for (unsigned i = 0; i < N_MANY; i++) {
                unsigned at = ntohs(seen.messages[i].id.idiag_sport) - 20000U;

                ck_assert_uint_lt(at, N_MANY);
                ck_assert(!is_seen[at]);
                is_seen[at] = true;
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("udp-diag");
        TCase *queues = tcase_create("queues");
        TCase *listing = tcase_create("listing");

        namespace_require();

        tcase_add_checked_fixture(queues, setup, teardown);
        tcase_set_timeout(queues, 30);
        tcase_add_loop_test(queues, a_receiver_that_does_not_read_drops_what_the_kernel_counts, 0, N_ROUTES);
        tcase_add_loop_test(queues, the_queue_is_memory_and_not_bytes, 0, N_ROUTES);
        tcase_add_test(queues, what_was_read_leaves_the_queue_before_its_memory_is_given_back);
        tcase_add_loop_test(queues, what_a_filter_refuses_is_in_drops_alone, 0, N_ROUTES);
        tcase_add_test(queues, each_socket_has_its_own_drops);
        suite_add_tcase(suite, queues);

        tcase_add_checked_fixture(listing, setup, teardown);
        tcase_set_timeout(listing, 30);
        tcase_add_loop_test(listing,
                            a_socket_is_closed_when_it_is_bound_and_established_when_it_is_connected, 0,
                            ELEMENTSOF(addresses));
        tcase_add_test(listing, each_family_is_told_alone);
        tcase_add_test(listing, whether_it_takes_ipv4_is_told_until_it_is_connected);
        tcase_add_loop_test(listing, the_cgroup_is_told_as_of_tcp, 0, ELEMENTSOF(addresses));
        tcase_add_loop_test(listing, many_sockets_are_each_told_once, 0, ELEMENTSOF(addresses));
        suite_add_tcase(suite, listing);

        return suite_main(suite);
}
