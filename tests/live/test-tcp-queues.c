/* SPDX-License-Identifier: Apache-2.0 */

/* Bytes that wait in sockets, and sockets that retransmit */

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "namespace.h"
#include "proc_text.h"
#include "sockets.h"
#include "watch.h"

#define N_PAIRS 20
#define N_BYTES 1234U

static Watch watch;

static void setup(void) {
        namespace_enter();
        watch_begin(&watch);
}

static void teardown(void) {
        watch_end(&watch);
}

static void check_queues(uint64_t receive_bytes, uint64_t send_bytes) {
        const Sample *sample = watch_sample(&watch);

        ck_assert_uint_eq(sample_value(sample, VALUE_TCP_RECEIVE_QUEUE_BYTES), receive_bytes);
        ck_assert_uint_eq(sample_value(sample, VALUE_TCP_SEND_QUEUE_BYTES), send_bytes);
}

static bool has_queues(uint64_t receive_bytes, uint64_t send_bytes) {
        const Sample *sample = watch_sample(&watch);

        return sample_value(sample, VALUE_TCP_RECEIVE_QUEUE_BYTES) == receive_bytes &&
               sample_value(sample, VALUE_TCP_SEND_QUEUE_BYTES) == send_bytes;
}

START_TEST(without_sockets_no_bytes_wait)
{
        check_queues(0, 0);
        ck_assert_uint_eq(watch_value(&watch, VALUE_TCP_RETRANSMITTING), 0);
}
END_TEST

START_TEST(unread_bytes_are_those_that_were_written_and_not_yet_read)
{
        _cleanup_(line_freep) Line *line = line_new(&routes[_i], N_PAIRS);
        uint64_t n_bytes = 0;

        for (unsigned i = 0; i < N_PAIRS; i++) {
                write_bytes(line->pairs[i].client, N_BYTES + i);
                n_bytes += N_BYTES + i;
        }
        AWAIT(has_queues(n_bytes, 0));

        for (unsigned i = 0; i < N_PAIRS; i++) {
                read_bytes(line->pairs[i].server, 1000);
                n_bytes -= 1000;
        }
        check_queues(n_bytes, 0);

        for (unsigned i = 0; i < N_PAIRS; i++)
                read_bytes(line->pairs[i].server, N_BYTES + i - 1000);
        check_queues(0, 0);
}
END_TEST

START_TEST(bytes_to_a_connection_that_nobody_accepted_are_unread)
{
        Spot at = spot(routes[_i].listen, 0), to;

        listen_on(&at, 64);
        to = spot(routes[_i].connect, spot_port(&at));
        for (unsigned i = 0; i < N_PAIRS; i++)
                write_bytes(connect_to(&to), N_BYTES);

        AWAIT(has_queues(N_PAIRS * N_BYTES, 0));
}
END_TEST

START_TEST(unsent_bytes_are_those_that_were_written_and_not_acknowledged)
{
        _cleanup_(line_freep) Line *line = line_new(&routes[_i], N_PAIRS);
        uint64_t n_bytes = 0;

        for (unsigned i = 0; i < N_PAIRS; i++) {
                make_deaf(line->pairs[i].server);
                write_bytes(line->pairs[i].client, N_BYTES + i);
                n_bytes += N_BYTES + i;
        }
        check_queues(0, n_bytes);

        /* The next retransmission finds them. */
        for (unsigned i = 0; i < N_PAIRS; i++)
                make_hear(line->pairs[i].server);
        AWAIT(has_queues(n_bytes, 0));
}
END_TEST

START_TEST(the_queues_of_listeners_are_not_bytes)
{
        _cleanup_(line_freep) Line *line = line_new(&routes[_i], 0);
        const ListenerRow *row;

        for (unsigned i = 0; i < N_PAIRS; i++)
                connect_to(&line->to);

        row = watch_listener(&watch, routes[_i].listen, spot_port(&line->to));
        ck_assert_uint_eq(row->length, N_PAIRS);
        ck_assert_uint_eq(row->limit, 64);
        check_queues(0, 0);
}
END_TEST

/* To the kernel the end of a stream has a sequence number as a byte has, and SYN too
 * (tcp_diag_get_info(), net/ipv4/tcp_diag.c). ss shows the same in Recv-Q and Send-Q:
 * the numbers are the kernel's, and not only of bytes. */
START_TEST(an_end_that_was_not_read_is_one_byte_to_the_kernel)
{
        _cleanup_(line_freep) Line *line = line_new(&routes[_i], N_PAIRS);

        for (unsigned i = 0; i < N_PAIRS; i++)
                ck_assert_int_eq(shutdown(line->pairs[i].client, SHUT_WR), 0);
        AWAIT(has_queues(N_PAIRS, 0));

        for (unsigned i = 0; i < N_PAIRS; i++)
                read_end(line->pairs[i].server);
        check_queues(0, 0);
}
END_TEST

START_TEST(a_syn_and_a_fin_without_an_answer_are_one_byte_each_to_the_kernel)
{
        _cleanup_(line_freep) Line *line = line_new(&routes[_i], N_PAIRS);

        for (unsigned i = 0; i < N_PAIRS; i++) {
                make_deaf(line->pairs[i].server);
                ck_assert_int_eq(shutdown(line->pairs[i].client, SHUT_WR), 0);
        }
        check_queues(0, N_PAIRS);

        make_deaf(line->listener);
        for (unsigned i = 0; i < 5; i++)
                connect_begin(&line->to);
        check_queues(0, N_PAIRS + 5);
}
END_TEST

START_TEST(sockets_retransmit_while_their_packets_are_lost)
{
        _cleanup_(line_freep) Line *line = line_new(&routes[_i], N_PAIRS);

        for (unsigned i = 0; i < N_PAIRS; i++) {
                if (i % 2 == 0)
                        make_deaf(line->pairs[i].server);
                write_bytes(line->pairs[i].client, N_BYTES);
        }
        AWAIT(watch_value(&watch, VALUE_TCP_RETRANSMITTING) == N_PAIRS / 2);
        ck_assert_uint_ge(proc_number("net/snmp", "Tcp", "RetransSegs"), N_PAIRS / 2);

        for (unsigned i = 0; i < N_PAIRS; i += 2)
                make_hear(line->pairs[i].server);
        AWAIT(watch_value(&watch, VALUE_TCP_RETRANSMITTING) == 0);
}
END_TEST

START_TEST(connects_without_an_answer_retransmit)
{
        _cleanup_(line_freep) Line *line = line_new(&routes[_i], 0);

        make_deaf(line->listener);
        for (unsigned i = 0; i < 5; i++)
                connect_begin(&line->to);

        /* Nothing is sent twice before a second has passed. */
        ck_assert_uint_eq(watch_value(&watch, VALUE_TCP_RETRANSMITTING), 0);
        AWAIT(watch_value(&watch, VALUE_TCP_RETRANSMITTING) == 5);
}
END_TEST

START_TEST(nothing_retransmits_when_nothing_is_lost)
{
        _cleanup_(line_freep) Line *line = line_new(&routes[_i], N_PAIRS);

        for (unsigned round = 0; round < 50; round++) {
                for (unsigned i = 0; i < N_PAIRS; i++)
                        write_bytes(line->pairs[i].client, N_BYTES);
                ck_assert_uint_eq(watch_value(&watch, VALUE_TCP_RETRANSMITTING), 0);
                for (unsigned i = 0; i < N_PAIRS; i++)
                        read_bytes(line->pairs[i].server, N_BYTES);
        }

        ck_assert_uint_eq(proc_number("net/snmp", "Tcp", "RetransSegs"), 0);
}
END_TEST

/* Its peer does not read: the window is probed again and again, and no packet was lost. */
START_TEST(a_socket_that_probes_a_closed_window_does_not_retransmit)
{
        _cleanup_(line_freep) Line *line = line_new(&routes[_i], 1);
        static const char bytes[65536];
        uint64_t n_bytes = 0;
        ssize_t n;

        while ((n = send(line->pairs[0].client, bytes, sizeof bytes, MSG_DONTWAIT)) > 0 ||
               watch_value(&watch, VALUE_TCP_WINDOW_PROBES) == 0) {
                n_bytes += (uint64_t)MAX(n, 0);
                ck_assert_uint_eq(watch_value(&watch, VALUE_TCP_RETRANSMITTING), 0);
                ck_assert_uint_lt(n_bytes, 64 * 1024 * 1024);
        }
        ck_assert_uint_eq(watch_value(&watch, VALUE_TCP_RETRANSMITTING), 0);

        /* Every byte is in one queue or the other. */
        AWAIT(watch_value(&watch, VALUE_TCP_RECEIVE_QUEUE_BYTES) +
                      sample_value(watch.sample, VALUE_TCP_SEND_QUEUE_BYTES) ==
              n_bytes);
        ck_assert_uint_gt(sample_value(watch.sample, VALUE_TCP_SEND_QUEUE_BYTES), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("tcp-queues");
        TCase *alone = tcase_create("alone");
        TCase *routed = tcase_create("by every route");
        const TTest *const tests[] = {
                unread_bytes_are_those_that_were_written_and_not_yet_read,
                bytes_to_a_connection_that_nobody_accepted_are_unread,
                unsent_bytes_are_those_that_were_written_and_not_acknowledged,
                the_queues_of_listeners_are_not_bytes,
                an_end_that_was_not_read_is_one_byte_to_the_kernel,
                a_syn_and_a_fin_without_an_answer_are_one_byte_each_to_the_kernel,
                sockets_retransmit_while_their_packets_are_lost,
                connects_without_an_answer_retransmit,
                nothing_retransmits_when_nothing_is_lost,
                a_socket_that_probes_a_closed_window_does_not_retransmit,
        };

        namespace_require();

        tcase_add_checked_fixture(alone, setup, teardown);
        tcase_set_timeout(alone, 30);
        tcase_add_test(alone, without_sockets_no_bytes_wait);
        suite_add_tcase(suite, alone);

        tcase_add_checked_fixture(routed, setup, teardown);
        tcase_set_timeout(routed, 30);
        for (size_t i = 0; i < ELEMENTSOF(tests); i++)
                tcase_add_loop_test(routed, tests[i], 0, N_ROUTES);
        suite_add_tcase(suite, routed);

        return suite_main(suite);
}
