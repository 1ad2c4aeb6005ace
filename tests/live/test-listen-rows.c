/* SPDX-License-Identifier: Apache-2.0 */

/* Which listeners there are, and which sockets are one of them */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "namespace.h"
#include "proc_text.h"
#include "sockets.h"
#include "watch.h"

/* listen.c keeps no more sockets than this. */
#define SOCKETS_MAX 8192U

#define PORT        20001

static Watch watch;

static void setup(void) {
        namespace_enter();
        watch_begin(&watch);
}

static void teardown(void) {
        watch_end(&watch);
}

typedef struct Listener {
        const char *address;
        const char *device;
        bool is_ipv6_only;
} Listener;

/* SO_REUSEPORT: otherwise a wildcard and an address do not go together. */
static int open_listener(const Listener *listener, uint16_t port, int backlog) {
        Spot at = spot(listener->address, port);
        int fd = socket(at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_msg(fd >= 0, "socket: %s", strerror(errno));
        set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
        if (at.any.sa_family == AF_INET6)
                set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, listener->is_ipv6_only);
        if (listener->device)
                ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, listener->device,
                                            (socklen_t)strlen(listener->device)),
                                 0);
        ck_assert_msg(bind(fd, &at.any, at.size) == 0, "%s: %s", listener->address, strerror(errno));
        ck_assert_int_eq(listen(fd, backlog), 0);
        return fd;
}

static void connect_n(const char *address, uint16_t port, unsigned n) {
        Spot to = spot(address, port);

        for (unsigned i = 0; i < n; i++)
                connect_to(&to);
}

static void check_row(const char *address, uint64_t length, bool is_dual_stack) {
        const ListenerRow *row = watch_listener(&watch, address, PORT);

        ck_assert_msg(row->length == length, "%s: length %" PRIu64 ", not %" PRIu64, address, row->length,
                      length);
        ck_assert_msg(row->is_dual_stack == is_dual_stack, "%s: dual stack %" PRIu64, address,
                      row->is_dual_stack);
        ck_assert_uint_eq(row->n_sockets, 1);
        check_listeners_ascend(watch.sample);
}

START_TEST(without_listeners_there_are_no_rows)
{
        const Sample *sample = watch_sample(&watch);

        ck_assert_uint_eq(sample->n_listeners, 0);
        ck_assert_uint_eq(sample_value(sample, VALUE_LISTENERS_TRUNCATED), 0);
}
END_TEST

START_TEST(listeners_of_one_port_are_told_apart_by_address_and_family)
{
        open_listener(&(Listener){ "127.0.0.1" }, PORT, 20);
        open_listener(&(Listener){ "127.0.0.2" }, PORT, 20);
        open_listener(&(Listener){ "0.0.0.0" }, PORT, 20);
        open_listener(&(Listener){ "::1" }, PORT, 20);
        open_listener(&(Listener){ "::", .is_ipv6_only = true }, PORT, 20);

        connect_n("127.0.0.1", PORT, 1);
        connect_n("127.0.0.2", PORT, 2);
        connect_n("127.0.0.3", PORT, 3);
        connect_n("::1", PORT, 4);

        check_row("127.0.0.1", 1, false);
        check_row("127.0.0.2", 2, false);
        check_row("0.0.0.0", 3, false);
        check_row("::1", 4, false);
        check_row("::", 0, false);
        ck_assert_uint_eq(watch.sample->n_listeners, 5);
        ck_assert_uint_eq(sample_value(watch.sample, VALUE_TCP_LISTEN), 5);
}
END_TEST

START_TEST(a_wildcard_of_ipv6_takes_ipv4_as_well_unless_it_was_told_not_to)
{
        int fd = open_listener(&(Listener){ "::" }, PORT, 20);

        connect_n("::1", PORT, 1);
        connect_n("127.0.0.1", PORT, 1);
        check_row("::", 2, true);

        ck_assert_int_eq(close(fd), 0);
        open_listener(&(Listener){ "::", .is_ipv6_only = true }, PORT, 20);
        connect_n("::1", PORT, 1);
        check_row("::", 1, false);
}
END_TEST

/* Neither was told to take IPv6 only, but who connects to an address has that
 * address's family; and a mapped one is an address of IPv4, to which no IPv6 comes. */
START_TEST(an_address_of_ipv6_takes_one_family)
{
        open_listener(&(Listener){ "::1" }, PORT, 20);
        open_listener(&(Listener){ "::ffff:127.0.0.1" }, PORT, 20);

        connect_n("::1", PORT, 1);
        connect_n("127.0.0.1", PORT, 2);

        check_row("::1", 1, false);
        check_row("::ffff:127.0.0.1", 2, false);
}
END_TEST

START_TEST(a_listener_on_a_device_is_another_one)
{
        open_listener(&(Listener){ "0.0.0.0", .device = "lo" }, PORT, 20);
        open_listener(&(Listener){ "::", .device = "lo", .is_ipv6_only = true }, PORT, 20);
        connect_n("127.0.0.1", PORT, 3);
        connect_n("::1", PORT, 2);

        /* Only now: with SO_REUSEPORT the kernel takes the first that fits, not the one that fits best. */
        open_listener(&(Listener){ "0.0.0.0" }, PORT, 20);

        check_row("0.0.0.0%lo", 3, false);
        check_row("0.0.0.0", 0, false);
        check_row("::%lo", 2, false);
        ck_assert_uint_eq(watch.sample->n_listeners, 3);
}
END_TEST

START_TEST(a_limit_is_the_backlog_but_no_more_than_somaxconn)
{
        static const int backlogs[][2] = { { 0, 0 },     { 1, 1 },      { 99, 99 },  { 100, 100 },
                                           { 101, 100 }, { 4096, 100 }, { -1, 100 }, { 1 << 30, 100 } };

        write_sysctl("net/core/somaxconn", "100");
        for (size_t i = 0; i < ELEMENTSOF(backlogs); i++) {
                const ListenerRow *row;

                open_listener(&(Listener){ "127.0.0.1" }, (uint16_t)(PORT + i), backlogs[i][0]);
                row = watch_listener(&watch, "127.0.0.1", (uint16_t)(PORT + i));
                ck_assert_uint_eq(row->limit, (uint64_t)backlogs[i][1]);
                /* The only socket is the worst one, however empty its queue is. */
                ck_assert_uint_eq(row->worst_limit, (uint64_t)backlogs[i][1]);
        }
        ck_assert_uint_eq(sample_value(watch.sample, VALUE_SOMAXCONN), 100);
}
END_TEST

START_TEST(a_backlog_of_nothing_holds_one_connection)
{
        open_listener(&(Listener){ "127.0.0.1" }, PORT, 0);

        check_row("127.0.0.1", 0, false);
        connect_n("127.0.0.1", PORT, 1);
        check_row("127.0.0.1", 1, false);
        ck_assert_uint_eq(watch_listener(&watch, "127.0.0.1", PORT)->limit, 0);
        ck_assert_uint_eq(watch_listener(&watch, "127.0.0.1", PORT)->worst_limit, 0);
        ck_assert_uint_eq(watch_listener(&watch, "127.0.0.1", PORT)->worst_length, 1);
}
END_TEST

START_TEST(a_backlog_can_be_changed_while_it_listens)
{
        int fd = open_listener(&(Listener){ "127.0.0.1" }, PORT, 20);

        ck_assert_uint_eq(watch_listener(&watch, "127.0.0.1", PORT)->limit, 20);
        ck_assert_int_eq(listen(fd, 7), 0);
        ck_assert_uint_eq(watch_listener(&watch, "127.0.0.1", PORT)->limit, 7);
}
END_TEST

/* Of those that listen on that many ports, each with a limit of 5. */
static void check_folded(const Sample *sample, uint32_t n_all) {
        uint32_t n_rows = watch.bounds.n_listeners;
        const ListenerRow *other = &sample->listeners[n_rows];

        ck_assert_uint_eq(sample->n_listeners, n_rows + 1);
        check_listeners_ascend(sample);
        ck_assert(endpoint_is_other(&other->key.endpoint));
        ck_assert_uint_eq(other->n_sockets, n_all - n_rows);
        ck_assert_uint_eq(other->limit, 5 * (n_all - n_rows));
        ck_assert_uint_eq(sample_value(sample, VALUE_LISTENERS_FOLDED), n_all - n_rows);
        ck_assert_uint_eq(sample_value(sample, VALUE_LISTENERS_TRUNCATED), 0);
        ck_assert_uint_eq(sample_value(sample, VALUE_TCP_LISTEN), n_all);
}

START_TEST(listeners_beyond_the_bounds_are_added_up_in_other)
{
        uint32_t n_rows = watch.bounds.n_listeners;

        for (unsigned i = 0; i < n_rows; i++)
                open_listener(&(Listener){ i % 2 == 0 ? "127.0.0.1" : "::1" }, (uint16_t)(PORT + i), 5);
        ck_assert_uint_eq(watch_sample(&watch)->n_listeners, n_rows);

        for (unsigned i = 0; i < 76; i++)
                open_listener(&(Listener){ "127.0.0.2" }, (uint16_t)(PORT + i), 5);
        for (unsigned n = 0; n < 3; n++)
                check_folded(watch_sample(&watch), n_rows + 76);
}
END_TEST

START_TEST(sockets_that_do_not_fit_are_counted_and_the_sample_is_incomplete)
{
        const Listener sibling = { "127.0.0.1" };
        const CollectorReport *report;
        const Sample *sample;

        for (unsigned i = 0; i < SOCKETS_MAX; i++)
                open_listener(&sibling, PORT, 1);
        sample = watch_sample(&watch);
        ck_assert_uint_eq(sample->n_listeners, 1);
        ck_assert_uint_eq(sample->listeners[0].n_sockets, SOCKETS_MAX);
        ck_assert_uint_eq(sample->listeners[0].limit, SOCKETS_MAX);
        ck_assert_uint_eq(sample_value(sample, VALUE_LISTENERS_TRUNCATED), 0);

        for (unsigned i = 0; i < 9; i++)
                open_listener(&sibling, PORT, 1);
        for (unsigned n = 1; n <= 3; n++) {
                sample = watch_try(&watch);
                report = &sample->reports[COLLECTOR_LISTEN];
                ck_assert_int_eq(report->error, 0);
                ck_assert(report->is_incomplete);
                ck_assert_uint_eq(sample->n_listeners, 1);
                ck_assert_uint_eq(sample->listeners[0].n_sockets, SOCKETS_MAX);
                ck_assert_uint_eq(sample_value(sample, VALUE_LISTENERS_TRUNCATED), 9 * n);
                ck_assert_uint_eq(sample_value(sample, VALUE_TCP_LISTEN), SOCKETS_MAX + 9);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("listen-rows");
        TCase *rows = tcase_create("rows");

        namespace_require();

        tcase_add_checked_fixture(rows, setup, teardown);
        tcase_set_timeout(rows, 60);
        tcase_add_test(rows, without_listeners_there_are_no_rows);
        tcase_add_test(rows, listeners_of_one_port_are_told_apart_by_address_and_family);
        tcase_add_test(rows, a_wildcard_of_ipv6_takes_ipv4_as_well_unless_it_was_told_not_to);
        tcase_add_test(rows, an_address_of_ipv6_takes_one_family);
        tcase_add_test(rows, a_listener_on_a_device_is_another_one);
        tcase_add_test(rows, a_limit_is_the_backlog_but_no_more_than_somaxconn);
        tcase_add_test(rows, a_backlog_of_nothing_holds_one_connection);
        tcase_add_test(rows, a_backlog_can_be_changed_while_it_listens);
        tcase_add_test(rows, listeners_beyond_the_bounds_are_added_up_in_other);
        tcase_add_test(rows, sockets_that_do_not_fit_are_counted_and_the_sample_is_incomplete);
        suite_add_tcase(suite, rows);

        return suite_main(suite);
}
