/* SPDX-License-Identifier: Apache-2.0 */

/*
 * UDP sockets by address and port: what waits to be read, and what was dropped
 *
 * On loopback a datagram is delivered or dropped before send(2) returns, and a
 * process can ask for the numbers of its own sockets (SO_MEMINFO).
 */

#include <errno.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "namespace.h"
#include "proc_text.h"
#include "sockets.h"
#include "watch.h"

#define PORT 20001

static Watch watch;
static int sender;

static void setup(void) {
        namespace_enter();
        watch_begin(&watch);
        sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        ck_assert_int_ge(sender, 0);
}

static void teardown(void) {
        watch_end(&watch);
}

static int receive_at(const char *address, uint16_t port) {
        Spot at = spot(address, port);
        int fd = socket(at.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        ck_assert_int_ge(fd, 0);
        set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
        set_option(fd, SOL_SOCKET, SO_RCVBUF, 8192);
        ck_assert_msg(bind(fd, &at.any, at.size) == 0, "%s: %s", address, strerror(errno));
        return fd;
}

/* Connected, so that the sender has no row: without that it would take datagrams from anybody, too. */
static void send_n(const char *address, uint16_t port, unsigned n) {
        Spot to = spot(address, port);

        ck_assert_int_eq(connect(sender, &to.any, to.size), 0);
        for (unsigned i = 0; i < n; i++)
                ck_assert_int_eq(send(sender, "datagram", 8, 0), 8);
}

/* From another port each: which of some siblings it goes to depends on that. */
static void send_from_many(const char *address, uint16_t port, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                ck_assert_int_eq(close(sender), 0);
                sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
                ck_assert_int_ge(sender, 0);
                send_n(address, port, 1);
        }
}

static void receive_all(int fd) {
        char bytes[8];

        while (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) >= 0)
                ;
        ck_assert_int_eq(errno, EAGAIN);
}

static const UdpSocketRow *row_of(const Sample *sample, const char *address, uint16_t port) {
        char text[ENDPOINT_ADDRESS_SIZE];

        for (uint32_t i = 0; i < sample->n_udp_sockets; i++) {
                const Endpoint *endpoint = &sample->udp_sockets[i].key.endpoint;

                endpoint_format_address(endpoint, text);
                if (endpoint_port(endpoint) == port && strcmp(text, address) == 0)
                        return &sample->udp_sockets[i];
        }

        return NULL;
}

static const UdpSocketRow *watch_row(const char *address, uint16_t port) {
        const UdpSocketRow *row = row_of(watch_sample(&watch), address, port);

        ck_assert_msg(row, "no row for %s port %u", address, port);
        return row;
}

static uint32_t memory_of(int fd, unsigned index) {
        uint32_t memory[SK_MEMINFO_VARS];
        socklen_t size = sizeof memory;

        ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &size), 0);
        return memory[index];
}

static uint64_t count_dropped(void) {
        return proc_number("net/snmp", "Udp", "RcvbufErrors");
}

START_TEST(each_address_and_port_has_its_own_queue_and_drops)
{
        static const struct {
                const char *address;
                uint16_t port;
                unsigned n;
        } spots[] = {
                { "127.0.0.1", PORT, 3 },       { "127.0.0.2", PORT, 500 },   { "127.0.0.1", PORT + 1, 0 },
                { "127.0.0.1", PORT + 2, 200 }, { "127.0.0.2", PORT + 2, 1 },
        };
        int fds[ELEMENTSOF(spots)];
        uint64_t n_dropped = 0;

        for (size_t i = 0; i < ELEMENTSOF(spots); i++)
                fds[i] = receive_at(spots[i].address, spots[i].port);
        for (size_t i = 0; i < ELEMENTSOF(spots); i++)
                send_n(spots[i].address, spots[i].port, spots[i].n);

        for (size_t i = 0; i < ELEMENTSOF(spots); i++) {
                const UdpSocketRow *row = watch_row(spots[i].address, spots[i].port);

                ck_assert_uint_eq(row->queue_bytes, memory_of(fds[i], SK_MEMINFO_RMEM_ALLOC));
                ck_assert_uint_eq(row->buffer_bytes, memory_of(fds[i], SK_MEMINFO_RCVBUF));
                ck_assert_uint_eq(row->worst_queue_bytes, row->queue_bytes);
                ck_assert_uint_eq(row->worst_buffer_bytes, row->buffer_bytes);
                ck_assert_uint_eq(row->drops, memory_of(fds[i], SK_MEMINFO_DROPS));
                ck_assert_uint_eq(row->n_sockets, 1);
                ck_assert(spots[i].n > 100 ? row->drops > 0 : row->drops == 0);
                ck_assert((row->queue_bytes > 0) == (spots[i].n > 0));
                n_dropped += row->drops;
        }
        ck_assert_uint_eq(watch.sample->n_udp_sockets, ELEMENTSOF(spots));
        ck_assert_uint_eq(n_dropped, count_dropped());

        /* What was read leaves the queue, and is dropped no less. */
        receive_all(fds[1]);
        ck_assert_uint_eq(watch_row("127.0.0.2", PORT)->queue_bytes, 0);
        ck_assert_uint_eq(watch_row("127.0.0.2", PORT)->drops, memory_of(fds[1], SK_MEMINFO_DROPS));
}
END_TEST

START_TEST(siblings_are_one_row_with_sums_and_the_worst_of_them)
{
        uint64_t queues[2], worst;
        const UdpSocketRow *row;
        int fds[2];

        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                fds[i] = receive_at("127.0.0.1", PORT);
        send_from_many("127.0.0.1", PORT, 400);

        row = watch_row("127.0.0.1", PORT);
        ck_assert_uint_eq(watch.sample->n_udp_sockets, 1);
        ck_assert_uint_eq(row->n_sockets, 2);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++) {
                queues[i] = memory_of(fds[i], SK_MEMINFO_RMEM_ALLOC);
                ck_assert_uint_gt(memory_of(fds[i], SK_MEMINFO_DROPS), 0);
        }
        worst = MAX(queues[0], queues[1]);
        ck_assert_uint_eq(row->queue_bytes, queues[0] + queues[1]);
        ck_assert_uint_eq(row->worst_queue_bytes, worst);
        ck_assert_uint_eq(row->buffer_bytes, UINT64_C(2) * memory_of(fds[0], SK_MEMINFO_RCVBUF));
        ck_assert_uint_eq(row->worst_buffer_bytes, memory_of(fds[0], SK_MEMINFO_RCVBUF));
        ck_assert_uint_eq(row->drops, count_dropped());

        /* One that is read leaves the other the worst. */
        receive_all(fds[0]);
        row = watch_row("127.0.0.1", PORT);
        ck_assert_uint_eq(row->queue_bytes, queues[1]);
        ck_assert_uint_eq(row->worst_queue_bytes, queues[1]);

        /* When one goes, what it dropped has been dropped. */
        ck_assert_int_eq(close(fds[0]), 0);
        row = watch_row("127.0.0.1", PORT);
        ck_assert_uint_eq(row->n_sockets, 1);
        ck_assert_uint_eq(row->drops, count_dropped());
        ck_assert_uint_eq(row->buffer_bytes, memory_of(fds[1], SK_MEMINFO_RCVBUF));
}
END_TEST

START_TEST(drops_go_on_from_where_they_were_when_a_socket_is_opened_again)
{
        int fd = receive_at("127.0.0.1", PORT);
        uint64_t n;

        send_n("127.0.0.1", PORT, 200);
        n = watch_row("127.0.0.1", PORT)->drops;
        ck_assert_uint_gt(n, 0);

        /* Between two samples. */
        ck_assert_int_eq(close(fd), 0);
        fd = receive_at("127.0.0.1", PORT);
        ck_assert_uint_eq(watch_row("127.0.0.1", PORT)->drops, n);
        send_n("127.0.0.1", PORT, 300);
        ck_assert_uint_eq(watch_row("127.0.0.1", PORT)->drops, count_dropped());
        ck_assert_uint_gt(count_dropped(), n);

        /* Away for a sample, and with drops of its own when it is seen again. */
        ck_assert_int_eq(close(fd), 0);
        ck_assert_ptr_null(row_of(watch_sample(&watch), "127.0.0.1", PORT));
        receive_at("127.0.0.1", PORT);
        send_n("127.0.0.1", PORT, 100);
        ck_assert_uint_eq(watch_row("127.0.0.1", PORT)->drops, count_dropped());
}
END_TEST

START_TEST(an_ipv6_socket_that_takes_ipv4_has_both_in_its_row)
{
        int fd = receive_at("::", PORT);
        Spot to = spot("::1", PORT);
        const UdpSocketRow *row;
        int sender6;

        send_n("127.0.0.1", PORT, 2);
        sender6 = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(connect(sender6, &to.any, to.size), 0);
        ck_assert_int_eq(send(sender6, "datagram", 8, 0), 8);

        row = watch_row("::", PORT);
        ck_assert_uint_eq(row->queue_bytes, memory_of(fd, SK_MEMINFO_RMEM_ALLOC));
        ck_assert_uint_eq(watch.sample->n_udp_sockets, 1);
}
END_TEST

START_TEST(what_is_connected_has_no_row)
{
        receive_at("127.0.0.1", PORT);
        send_n("127.0.0.1", PORT, 1);
        (void)watch_row("127.0.0.1", PORT);
        ck_assert_uint_eq(watch.sample->n_udp_sockets, 1);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("udp-rows");
        TCase *rows = tcase_create("rows");

        namespace_require();

        tcase_add_checked_fixture(rows, setup, teardown);
        tcase_set_timeout(rows, 30);
        tcase_add_test(rows, each_address_and_port_has_its_own_queue_and_drops);
        tcase_add_test(rows, siblings_are_one_row_with_sums_and_the_worst_of_them);
        tcase_add_test(rows, drops_go_on_from_where_they_were_when_a_socket_is_opened_again);
        tcase_add_test(rows, an_ipv6_socket_that_takes_ipv4_has_both_in_its_row);
        tcase_add_test(rows, what_is_connected_has_no_row);
        suite_add_tcase(suite, rows);

        return suite_main(suite);
}
