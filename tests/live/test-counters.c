/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Every counter of /proc/net, under load, against another reading of the same files
 *
 * First as much as can be is made to happen that the kernel counts, good and
 * bad, by IPv4 and IPv6; then it is quiet, and each value has to be the number
 * that the file has under that name. Where the number of events is known, the
 * value is held against that as well.
 */

#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
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

static const char *const sources[] = { "net/snmp", "net/netstat", "net/snmp6", "net/sockstat",
                                       "net/sockstat6" };

typedef struct Texts {
        char *of[ELEMENTSOF(sources)];
} Texts;

static void texts_read(Texts *texts) {
        for (size_t i = 0; i < ELEMENTSOF(sources); i++) {
                texts->of[i] = proc_text_read(sources[i]);
                ck_assert_msg(texts->of[i], "no /proc/%s", sources[i]);
        }
}

static void texts_done(Texts *texts) {
        for (size_t i = 0; i < ELEMENTSOF(sources); i++) {
                free(texts->of[i]);
                texts->of[i] = NULL;
        }
}

/* Returns whether the value has a place in one of the files; then, what it says there, if it does. */
static bool texts_find(const Texts *texts, ValueId id, bool *ret_is_there, uint64_t *ret) {
        const ValueInfo *info = &value_infos[id];

        for (size_t i = 0; i < ELEMENTSOF(sources); i++)
                if (info->name && strcmp(info->source, sources[i]) == 0) {
                        *ret_is_there =
                                proc_text_find(sources[i], texts->of[i], info->group, info->field, ret);
                        return true;
                }

        return false;
}

/* Memory is told in pages and kept in bytes. */
static uint64_t unit_of(ValueId id) {
        return id == VALUE_TCP_MEMORY_BYTES || id == VALUE_UDP_MEMORY_BYTES ? (uint64_t)sysconf(_SC_PAGESIZE)
                                                                            : 1;
}

/* Those that are the sum of all namespaces: others move them too, at any time. */
static bool is_of_host(ValueId id) {
        return id == VALUE_TCP_ORPHANS || id == VALUE_TCP_ALLOCATED || id == VALUE_TCP_MEMORY_BYTES ||
               id == VALUE_UDP_MEMORY_BYTES;
}

typedef struct Comparison {
        unsigned n_values;
        Brackets brackets[_VALUE_ROOM]; /* of those of the host */
} Comparison;

/* Returns false if a number of the namespace did not rest; the sample is then not compared. */
static bool is_at_rest(const Texts *before, const Texts *after) {
        uint64_t number_before, number_after;
        bool is_there;

        for (unsigned id = 0; id < _VALUE_ROOM; id++)
                if (!is_of_host(id) && texts_find(before, id, &is_there, &number_before) && is_there) {
                        ck_assert(texts_find(after, id, &is_there, &number_after) && is_there);
                        if (number_before != number_after)
                                return false;
                }

        return true;
}

static void compare(const Sample *sample, const Texts *before, const Texts *after, Comparison *comparison) {
        comparison->n_values = 0;
        for (unsigned id = 0; id < _VALUE_ROOM; id++) {
                const ValueInfo *info = &value_infos[id];
                uint64_t expected, expected_after;
                bool is_there;

                if (!texts_find(before, id, &is_there, &expected))
                        continue;

                comparison->n_values++;
                ck_assert_msg(sample_has(sample, id) == is_there, "%s is %s", info->name,
                              is_there ? "absent" : "from nowhere");
                if (!is_there)
                        continue;

                if (is_of_host(id)) {
                        (void)texts_find(after, id, &is_there, &expected_after);
                        brackets_add(&comparison->brackets[id], expected * unit_of(id), sample->values[id],
                                     expected_after * unit_of(id));
                } else
                        ck_assert_msg(sample->values[id] == expected * unit_of(id),
                                      "%s is %" PRIu64 ", but %s %s in /proc/%s is %" PRIu64, info->name,
                                      sample->values[id], info->group, info->field, info->source, expected);
        }
}

/* Compares every value that has a file; returns how many. */
static unsigned compare_all(void) {
        _cleanup_(freep) Comparison *comparison = calloc(1, sizeof *comparison);

        ck_assert_ptr_nonnull(comparison);
        for (unsigned n = 0; n < N_BRACKETS;) {
                Texts before, after;
                const Sample *sample;

                texts_read(&before);
                sample = watch_sample(&watch);
                texts_read(&after);
                if (is_at_rest(&before, &after)) {
                        compare(sample, &before, &after, comparison);
                        n++;
                }
                texts_done(&before);
                texts_done(&after);
        }

        for (unsigned id = 0; id < _VALUE_ROOM; id++)
                if (is_of_host(id))
                        ck_assert_msg(brackets_agree(&comparison->brackets[id]),
                                      "%s is not what its file says", value_infos[id].name);

        return comparison->n_values;
}

static int udp_connect(const char *address, uint16_t port) {
        Spot to = spot(address, port);
        int fd = socket(to.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(connect(fd, &to.any, to.size), 0);
        return fd;
}

/* Each of these says what happens @n times and what counts it. */

static void send_datagrams(const char *address, unsigned n) {
        Spot at = spot(address, 0);
        int receiver = bind_to(&at, SOCK_DGRAM), sender = udp_connect(address, spot_port(&at));

        for (unsigned i = 0; i < n; i++) {
                ck_assert_int_eq(send(sender, "datagram", 8, 0), 8);
                read_bytes(receiver, 8);
        }
}

static void send_datagrams_to_nobody(const char *address, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                int fd = udp_connect(address, 9);

                ck_assert_int_eq(send(fd, "nobody", 6, 0), 6);
                ck_assert_int_eq(close(fd), 0);
        }
}

/* The receiver has room for some of them and never reads. */
static void overflow_receiver(const char *address, unsigned n) {
        Spot at = spot(address, 0);
        int receiver = bind_to(&at, SOCK_DGRAM), sender = udp_connect(address, spot_port(&at));
        static const char bytes[1024];

        set_option(receiver, SOL_SOCKET, SO_RCVBUF, 1);
        for (unsigned i = 0; i < n; i++)
                ck_assert_int_eq(send(sender, bytes, sizeof bytes, 0), sizeof bytes);
}

/* Raw packets: 8 bytes of UDP, or 20 of TCP, whose checksum is not theirs. */
static void send_bad_checksums(const char *address, int protocol, unsigned n) {
        static const uint8_t udp[8] = { 0, 9, 0, 9, 0, 8, 0x12, 0x34 };
        static const uint8_t tcp[20] = { 0, 9, 0, 9, [12] = 0x50, [13] = TH_SYN, [16] = 0x12, [17] = 0x34 };
        Spot to = spot(address, 0);
        int fd = socket(to.any.sa_family, SOCK_RAW | SOCK_CLOEXEC, protocol);

        ck_assert_msg(fd >= 0, "raw socket: %s", strerror(errno));
        for (unsigned i = 0; i < n; i++)
                if (protocol == IPPROTO_UDP)
                        ck_assert_int_eq(sendto(fd, udp, sizeof udp, 0, &to.any, to.size), sizeof udp);
                else
                        ck_assert_int_eq(sendto(fd, tcp, sizeof tcp, 0, &to.any, to.size), sizeof tcp);
        ck_assert_int_eq(close(fd), 0);
}

static void connect_to_nobody(const char *address, unsigned n) {
        Spot to = spot(address, 9);

        for (unsigned i = 0; i < n; i++) {
                int fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

                ck_assert_int_eq(connect(fd, &to.any, to.size), -1);
                ck_assert_int_eq(errno, ECONNREFUSED);
                ck_assert_int_eq(close(fd), 0);
        }
}

static void connect_nowhere(const char *address, unsigned n) {
        Spot to = spot(address, 9);
        int fd = socket(to.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        for (unsigned i = 0; i < n; i++) {
                ck_assert_int_eq(sendto(fd, "x", 1, 0, &to.any, to.size), -1);
                ck_assert_int_eq(errno, ENETUNREACH);
        }
        ck_assert_int_eq(close(fd), 0);
}

/* Connections that end in every way there is. Pair 0 to 3 of each line. */
static void end_connections(const Route *route, unsigned n) {
        Line *line = line_new(route, 4 * n);
        char byte;

        for (unsigned i = 0; i < n; i++) {
                Pair *pairs = line->pairs + 4 * i;

                /* In order: TIME_WAIT. */
                write_bytes(pairs[0].client, 100);
                read_bytes(pairs[0].server, 100);
                (void)close(pairs[0].client);
                read_end(pairs[0].server);
                (void)close(pairs[0].server);

                /* By a RST: EstabResets at both ends. */
                abort_socket(pairs[1].client);
                AWAIT(recv(pairs[1].server, &byte, 1, MSG_DONTWAIT) < 0 && errno == ECONNRESET);
                (void)close(pairs[1].server);

                /* Closed with unread bytes: TCPAbortOnClose. */
                write_bytes(pairs[2].client, 100);
                AWAIT(recv(pairs[2].server, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 1);
                (void)close(pairs[2].server);
                (void)close(pairs[2].client);

                /* Bytes to one that is closed: TCPAbortOnData. */
                (void)close(pairs[3].server);
                read_end(pairs[3].client);
                write_bytes(pairs[3].client, 1);
                AWAIT(send(pairs[3].client, "x", 1, MSG_NOSIGNAL) < 0);
                (void)close(pairs[3].client);
        }

        (void)close(line->listener);
        line_free(line);
}

static void fill_accept_queue(const Route *route, unsigned n) {
        Line *line = line_new(route, 0);

        ck_assert_int_eq(listen(line->listener, 1), 0);
        connect_to(&line->to);
        connect_to(&line->to);
        for (unsigned i = 0; i < n; i++)
                (void)close(connect_begin(&line->to));
        line_free(line);
}

/* More half-open requests than the backlog: cookies are sent, then received. */
static void use_cookies(const Route *route, unsigned n) {
        Line *line = line_new(route, 0);

        write_sysctl("net/ipv4/tcp_syncookies", "2");
        for (unsigned i = 0; i < n; i++)
                ck_assert_int_ge(connect_to(&line->to), 0);
        write_sysctl("net/ipv4/tcp_syncookies", "1");
        line_free(line);
}

/* What is lost once is sent again. */
static void lose_packets(const Route *route, unsigned n) {
        Line *line = line_new(route, n);

        for (unsigned i = 0; i < n; i++) {
                make_deaf(line->pairs[i].server);
                write_bytes(line->pairs[i].client, 100);
        }
        AWAIT(watch_value(&watch, VALUE_TCP_RETRANSMITTING) >= n);
        for (unsigned i = 0; i < n; i++)
                make_hear(line->pairs[i].server);
        AWAIT(watch_value(&watch, VALUE_TCP_SEND_QUEUE_BYTES) == 0);
        line_free(line);
}

START_TEST(every_value_is_what_its_file_says_in_a_new_namespace)
{ ck_assert_uint_ge(compare_all(), 70); }
END_TEST

/* What the load cannot make happen on loopback, or not without harm to the host: it is equal because it is
 * 0. */
static const ValueId unmoved[] = {
        VALUE_TCP_SYN_COOKIES_FAILED,   VALUE_TCP_REQUEST_QUEUE_FULL_DROPS,
        VALUE_TCP_SYN_RETRANSMITS,      VALUE_TCP_FAST_RETRANSMITS,
        VALUE_TCP_LOST_RETRANSMITS,     VALUE_TCP_ABORTS_ON_MEMORY,
        VALUE_TCP_ABORTS_ON_TIMEOUT,    VALUE_TCP_ABORTS_ON_LINGER,
        VALUE_TCP_ABORTS_FAILED,        VALUE_TCP_BACKLOG_DROPS,
        VALUE_TCP_RECEIVE_QUEUE_DROPS,  VALUE_TCP_PRUNES,
        VALUE_TCP_RECEIVE_PRUNED,       VALUE_TCP_OUT_OF_ORDER_PRUNED,
        VALUE_TCP_OUT_OF_ORDER_DROPS,   VALUE_TCP_ZERO_WINDOW_DROPS,
        VALUE_TCP_WINDOW_PROBES,        VALUE_TCP_MEMORY_PRESSURES,
        VALUE_TCP_MEMORY_PRESSURE_MSEC, VALUE_TCP_TIME_WAIT_OVERFLOWS,
        VALUE_TCP_DEFER_ACCEPT_DROPS,   VALUE_TCP_MINIMUM_TTL_DROPS,
        VALUE_TCP_RETRANSMIT_FAILURES,  VALUE_TCP_EMBRYONIC_RESETS,
        VALUE_UDP4_SEND_BUFFER_ERRORS,  VALUE_UDP6_SEND_BUFFER_ERRORS,
        VALUE_UDP4_MEMORY_ERRORS,       VALUE_UDP6_MEMORY_ERRORS,
        VALUE_IP4_RECEIVE_DISCARDS,     VALUE_IP6_RECEIVE_DISCARDS,
        VALUE_IP4_SEND_DISCARDS,        VALUE_IP6_SEND_DISCARDS,
        VALUE_IP4_HEADER_ERRORS,        VALUE_IP6_HEADER_ERRORS,
        VALUE_IP4_ADDRESS_ERRORS,       VALUE_IP6_ADDRESS_ERRORS,
        VALUE_IP_REVERSE_PATH_DROPS,
};

static bool is_unmoved(ValueId id) {
        for (size_t i = 0; i < ELEMENTSOF(unmoved); i++)
                if (unmoved[i] == id)
                        return true;

        return false;
}

START_TEST(every_value_is_what_its_file_says_under_load)
{
        for (unsigned i = 0; i < N_ROUTES; i++) {
                end_connections(&routes[i], 10);
                fill_accept_queue(&routes[i], 5);
                use_cookies(&routes[i], 5);
                lose_packets(&routes[i], 5);
        }
        for (unsigned i = 0; i < 2; i++) {
                const char *address = routes[i].connect;

                send_datagrams(address, 50 + i);
                send_datagrams_to_nobody(address, 20 + i);
                overflow_receiver(address, 30 + i);
                send_bad_checksums(address, IPPROTO_UDP, 7 + i);
                send_bad_checksums(address, IPPROTO_TCP, 3 + i);
                connect_to_nobody(address, 11 + i);
        }
        connect_nowhere("192.0.2.1", 6);
        connect_nowhere("2001:db8::1", 5);

        ck_assert_uint_ge(compare_all(), 70);

        for (unsigned id = 0; id < _VALUE_ROOM; id++)
                if (value_infos[id].name && value_infos[id].collector == COLLECTOR_NETSTAT)
                        ck_assert_msg(is_unmoved(id) || watch.sample->values[id] > 0, "%s is %" PRIu64,
                                      value_infos[id].name, watch.sample->values[id]);
}
END_TEST

/* In a namespace of its own the number of events is the number counted. */

static void check_rest(ValueId id, uint64_t expected) {
        AWAIT(watch_value(&watch, id) >= expected);
        ck_assert_msg(watch_value(&watch, id) == expected, "%s is %" PRIu64 ", not %" PRIu64,
                      value_infos[id].name, watch.sample->values[id], expected);
}

START_TEST(datagrams_are_counted_by_family_and_by_what_became_of_them)
{
        send_datagrams("127.0.0.1", 50);
        check_rest(VALUE_UDP4_SENT, 50);
        check_rest(VALUE_UDP4_RECEIVED, 50);
        check_rest(VALUE_UDP6_SENT, 0);
        send_datagrams("::1", 40);
        check_rest(VALUE_UDP6_SENT, 40);
        check_rest(VALUE_UDP6_RECEIVED, 40);
        check_rest(VALUE_UDP4_SENT, 50);

        send_datagrams_to_nobody("127.0.0.1", 20);
        send_datagrams_to_nobody("::1", 10);
        check_rest(VALUE_UDP4_NO_PORTS, 20);
        check_rest(VALUE_UDP6_NO_PORTS, 10);

        send_bad_checksums("127.0.0.1", IPPROTO_UDP, 8);
        send_bad_checksums("::1", IPPROTO_UDP, 9);
        check_rest(VALUE_UDP4_CHECKSUM_ERRORS, 8);
        check_rest(VALUE_UDP6_CHECKSUM_ERRORS, 9);
        check_rest(VALUE_UDP4_RECEIVE_ERRORS, 8);
        check_rest(VALUE_UDP6_RECEIVE_ERRORS, 9);
        check_rest(VALUE_UDP4_RECEIVE_BUFFER_ERRORS, 0);

        /* The first is taken whatever the room is. */
        overflow_receiver("127.0.0.1", 30);
        overflow_receiver("::1", 25);
        AWAIT(watch_value(&watch, VALUE_UDP4_RECEIVE_BUFFER_ERRORS) > 0);
        AWAIT(watch_value(&watch, VALUE_UDP6_RECEIVE_BUFFER_ERRORS) > 0);
        ck_assert_uint_eq(watch_value(&watch, VALUE_UDP4_RECEIVE_ERRORS),
                          8 + sample_value(watch.sample, VALUE_UDP4_RECEIVE_BUFFER_ERRORS));
        ck_assert_uint_eq(watch_value(&watch, VALUE_UDP6_RECEIVE_ERRORS),
                          9 + sample_value(watch.sample, VALUE_UDP6_RECEIVE_BUFFER_ERRORS));
}
END_TEST

START_TEST(a_refused_connect_is_a_failed_attempt_and_a_reset_sent)
{
        connect_to_nobody("127.0.0.1", 7);
        connect_to_nobody("::1", 5);

        check_rest(VALUE_TCP_ACTIVE_OPENS, 12);
        check_rest(VALUE_TCP_ATTEMPT_FAILS, 12);
        check_rest(VALUE_TCP_RESETS_SENT, 12);
        check_rest(VALUE_TCP_PASSIVE_OPENS, 0);
        check_rest(VALUE_TCP_ESTABLISHED_RESETS, 0);
}
END_TEST

START_TEST(an_aborted_connection_is_reset_at_both_ends)
{
        _cleanup_(line_freep) Line *line = line_new(&routes[_i], 6);

        for (unsigned i = 0; i < line->n_pairs; i++)
                abort_socket(line->pairs[i].client);

        check_rest(VALUE_TCP_ACTIVE_OPENS, 6);
        check_rest(VALUE_TCP_PASSIVE_OPENS, 6);
        check_rest(VALUE_TCP_ABORTS_ON_DATA, 6);
        check_rest(VALUE_TCP_RESETS_SENT, 6);
        check_rest(VALUE_TCP_ESTABLISHED_RESETS, 12);
        check_rest(VALUE_TCP_ATTEMPT_FAILS, 0);
}
END_TEST

START_TEST(time_wait_beyond_its_limit_is_an_overflow)
{
        _cleanup_(line_freep) Line *line = line_new(&routes[_i], 10);

        write_sysctl("net/ipv4/tcp_max_tw_buckets", "4");
        for (unsigned i = 0; i < line->n_pairs; i++) {
                ck_assert_int_eq(close(line->pairs[i].client), 0);
                read_end(line->pairs[i].server);
                ck_assert_int_eq(close(line->pairs[i].server), 0);
        }

        check_rest(VALUE_TCP_TIME_WAIT_OVERFLOWS, 6);
        ck_assert_uint_eq(sample_value(watch.sample, VALUE_TCP_TIME_WAIT), 4);
        ck_assert_uint_eq(sample_value(watch.sample, VALUE_TCP_MAX_TIME_WAIT), 4);
}
END_TEST

START_TEST(cookies_are_counted_when_sent_and_when_received)
{
        use_cookies(&routes[_i], 5);

        check_rest(VALUE_TCP_SYN_COOKIES_SENT, 5);
        check_rest(VALUE_TCP_SYN_COOKIES_RECEIVED, 5);
        check_rest(VALUE_TCP_SYN_COOKIES_FAILED, 0);
        check_rest(VALUE_TCP_LISTEN_DROPS, 0);
}
END_TEST

/* As in a flood of SYNs: a backlog of 4 has room for 5 half-open requests, and without
 * cookies the rest is dropped.
 */
START_TEST(requests_beyond_the_backlog_are_dropped_without_cookies)
{
        _cleanup_(line_freep) Line *line = line_new(&routes[_i], 0);

        write_sysctl("net/ipv4/tcp_syncookies", "0");
        ck_assert_int_eq(listen(line->listener, 4), 0);
        make_deaf_to_ack(line->listener);
        for (unsigned i = 0; i < 5; i++)
                connect_to(&line->to);
        AWAIT(watch_value(&watch, VALUE_TCP_SYN_RECV) == 5);
        check_rest(VALUE_TCP_REQUEST_QUEUE_FULL_DROPS, 0);

        for (unsigned i = 0; i < 7; i++)
                ck_assert_int_eq(close(connect_begin(&line->to)), 0);
        check_rest(VALUE_TCP_REQUEST_QUEUE_FULL_DROPS, 7);
        check_rest(VALUE_TCP_LISTEN_DROPS, 7);
        check_rest(VALUE_TCP_LISTEN_OVERFLOWS, 0);
        ck_assert_uint_eq(sample_value(watch.sample, VALUE_TCP_SYN_RECV), 5);
}
END_TEST

START_TEST(sockets_in_use_are_counted_by_family)
{
        uint64_t n_used = watch_value(&watch, VALUE_SOCKETS_USED), n_in_use, n_in_use6;
        _cleanup_(line_freep) Line *line = NULL;

        n_in_use = sample_value(watch.sample, VALUE_TCP4_IN_USE);
        n_in_use6 = sample_value(watch.sample, VALUE_TCP6_IN_USE);
        ck_assert_uint_eq(n_in_use, 0);
        ck_assert_uint_eq(n_in_use6, 0);

        line = line_new(&routes[_i], 9);
        ck_assert_uint_eq(watch_value(&watch, VALUE_SOCKETS_USED), n_used + 19);
        ck_assert_uint_eq(sample_value(watch.sample, VALUE_TCP4_IN_USE) +
                                  sample_value(watch.sample, VALUE_TCP6_IN_USE),
                          19);
        /* By the family of the socket, not of its packets: of the mapped, clients are IPv4. */
        ck_assert_uint_eq(sample_value(watch.sample, VALUE_TCP6_IN_USE), routes[_i].is_mapped ? 10
                                                                         : strchr(routes[_i].listen, ':')
                                                                                 ? 19
                                                                                 : 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("counters");
        TCase *files = tcase_create("files");
        TCase *events = tcase_create("events");

        namespace_require();

        tcase_add_checked_fixture(files, setup, teardown);
        tcase_set_timeout(files, 60);
        tcase_add_test(files, every_value_is_what_its_file_says_in_a_new_namespace);
        tcase_add_test(files, every_value_is_what_its_file_says_under_load);
        suite_add_tcase(suite, files);

        tcase_add_checked_fixture(events, setup, teardown);
        tcase_set_timeout(events, 30);
        tcase_add_test(events, datagrams_are_counted_by_family_and_by_what_became_of_them);
        tcase_add_test(events, a_refused_connect_is_a_failed_attempt_and_a_reset_sent);
        tcase_add_loop_test(events, an_aborted_connection_is_reset_at_both_ends, 0, N_ROUTES);
        tcase_add_loop_test(events, time_wait_beyond_its_limit_is_an_overflow, 0, N_ROUTES);
        tcase_add_loop_test(events, cookies_are_counted_when_sent_and_when_received, 0, N_ROUTES);
        tcase_add_loop_test(events, requests_beyond_the_backlog_are_dropped_without_cookies, 0, N_ROUTES);
        tcase_add_loop_test(events, sockets_in_use_are_counted_by_family, 0, N_ROUTES);
        suite_add_tcase(suite, events);

        return suite_main(suite);
}
