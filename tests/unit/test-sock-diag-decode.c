/* SPDX-License-Identifier: Apache-2.0 */

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/sock_diag.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/sock_diag.h"
#include "suite.h"
#include "unit/folder.h"
#include "unit/netlink.h"

#define SEQUENCE            1
#define PORT_ID             7625
#define ATTRIBUTE_CGROUP_ID 21

static Datagram datagram;

/* What a visitor saw. Views live as long as the call, so they are copied. */
typedef struct Seen {
        unsigned n;
        unsigned n_of_state[_SOCK_STATE_MAX];
        SockView views[512];
        struct inet_diag_msg messages[512];
        unsigned fail_at; /* the visitor fails at this one, counted from 1 */
} Seen;

static Seen seen;

static int on_socket(const SockView *socket, void *userdata) {
        Seen *all = userdata;

        ck_assert_uint_lt(all->n, ELEMENTSOF(all->views));
        all->messages[all->n] = *socket->message;
        all->views[all->n++] = *socket;
        all->n_of_state[socket->state]++;
        return all->n == all->fail_at ? -ECANCELED : 0;
}

static void setup(void) {
        datagram = (Datagram){ .sequence = SEQUENCE, .port_id = PORT_ID };
        seen = (Seen){ 0 };
}

/* Decodes from memory of just that size, so that a sanitizer sees a byte too many being read. */
static int decode_bytes(const void *bytes, size_t size) {
        char *copy = size > 0 ? memcpy(malloc(size), bytes, size) : NULL;
        int r;

        r = sock_diag_decode_datagram(copy, size, SEQUENCE, PORT_ID, on_socket, &seen);
        free(copy);
        return r;
}

static int decode(void) {
        return decode_bytes(datagram.bytes, datagram.size);
}

static int decode_fixture(const char *name) {
        static char bytes[64 * 1024];
        size_t size = fixture_read(name, bytes, sizeof bytes);

        return decode_bytes(bytes, size);
}

/* Decodes the payload of the last message, cut to a size. */
static int decode_payload(size_t size, SockView *ret) {
        static char copy[1024] __attribute__((aligned(8)));
        SockView view = { 0 };
        char *payload = malloc(size);
        int r;

        memcpy(payload, mnl_nlmsg_get_payload(datagram.last), size);
        r = sock_diag_decode(payload, size, &view);
        if (r == 0) {
                memcpy(copy, payload, MIN(size, sizeof copy));
                view.message = (const struct inet_diag_msg *)(const void *)copy;
                *ret = view;
        }
        free(payload);
        return r;
}

static int decode_last(SockView *ret) {
        return decode_payload(mnl_nlmsg_get_payload_len(datagram.last), ret);
}

/* Likewise as a UDP socket. The view lives as long as the datagram. */
static int decode_last_udp(SockView *ret) {
        return sock_diag_decode_udp(mnl_nlmsg_get_payload(datagram.last),
                                    mnl_nlmsg_get_payload_len(datagram.last), ret);
}

/* ---- one message ---- */

START_TEST(a_listener_is_told_with_all_that_is_known)
{
        static const FakeSocket socket = {
                .family = AF_INET6,
                .state = SOCK_STATE_LISTEN,
                .address = "::1",
                .port = 443,
                .receive_queue = 5,
                .send_queue = 128,
                .drops = UINT32_MAX,
                .receive_buffer = 131072,
                .cgroup_id = UINT64_C(0x123456789abcdef0),
                .is_ipv6_only = true,
        };
        SockView view;

        (void)datagram_add_socket(&datagram, &socket, SOCK_EXTENSION_MEMORY);
        ck_assert_int_eq(decode_last(&view), 0);
        ck_assert_int_eq(view.state, SOCK_STATE_LISTEN);
        ck_assert_uint_eq(view.cgroup_id, UINT64_C(0x123456789abcdef0));
        ck_assert(view.has_drops);
        ck_assert_uint_eq(view.drops, UINT32_MAX);
        ck_assert_uint_eq(view.receive_buffer_bytes, 131072);
        ck_assert(view.is_ipv6_only);
        ck_assert_uint_eq(view.message->idiag_rqueue, 5);
        ck_assert_uint_eq(view.message->idiag_wqueue, 128);
}
END_TEST

START_TEST(what_the_kernel_did_not_say_is_not_known)
{
        SockView view;

        (void)datagram_add_socket(&datagram, &(FakeSocket){ .state = SOCK_STATE_LISTEN }, 0);
        ck_assert_int_eq(decode_last(&view), 0);
        ck_assert_uint_eq(view.cgroup_id, 0);
        ck_assert(!view.has_drops);
        ck_assert_uint_eq(view.drops, 0);
        ck_assert_uint_eq(view.receive_buffer_bytes, 0);
        ck_assert(!view.is_ipv6_only);
}
END_TEST

START_TEST(a_dual_stack_listener_is_not_ipv6_only)
{
        SockView view;

        (void)datagram_add_socket(&datagram, &(FakeSocket){ .family = AF_INET6, .state = SOCK_STATE_LISTEN },
                                  0);
        ck_assert_int_eq(decode_last(&view), 0);
        ck_assert(!view.is_ipv6_only);
}
END_TEST

START_TEST(a_message_cut_short_is_refused)
{
        SockView view = { .drops = 99 };

        (void)datagram_add_socket(&datagram, &(FakeSocket){ .state = SOCK_STATE_LISTEN }, 0);
        for (size_t size = 0; size < sizeof(struct inet_diag_msg); size++)
                ck_assert_int_eq(decode_payload(size, &view), -EBADMSG);
        ck_assert_uint_eq(view.drops, 99);
        ck_assert_int_eq(decode_payload(sizeof(struct inet_diag_msg), &view), 0);
}
END_TEST

START_TEST(attributes_cut_short_are_passed_over)
{
        static const FakeSocket socket = { .family = AF_INET6,
                                           .state = SOCK_STATE_LISTEN,
                                           .drops = 7,
                                           .cgroup_id = 9,
                                           .is_ipv6_only = true };
        size_t size;
        SockView view;

        (void)datagram_add_socket(&datagram, &socket, SOCK_EXTENSION_MEMORY);
        size = mnl_nlmsg_get_payload_len(datagram.last);
        for (size_t cut = sizeof(struct inet_diag_msg); cut < size; cut++) {
                ck_assert_int_eq(decode_payload(cut, &view), 0);
                ck_assert(!view.has_drops);
                ck_assert(view.cgroup_id == 0 || view.cgroup_id == 9);
        }
        ck_assert_int_eq(decode_payload(size, &view), 0);
        ck_assert_uint_eq(view.drops, 7);
}
END_TEST

START_TEST(memory_without_drops_tells_no_drops)
{
        uint32_t memory[SK_MEMINFO_DROPS] = { 1, 2, 3 };
        SockView view;

        (void)datagram_add_socket(&datagram, &(FakeSocket){ .state = SOCK_STATE_LISTEN }, 0);
        (void)datagram_put_attribute(&datagram, INET_DIAG_SKMEMINFO, memory, sizeof memory);
        ck_assert_int_eq(decode_last(&view), 0);
        ck_assert(!view.has_drops);
        ck_assert_uint_eq(view.receive_buffer_bytes, 0);
}
END_TEST

START_TEST(memory_of_a_newer_kernel_may_be_longer)
{
        uint32_t memory[SK_MEMINFO_VARS + 3] = {
                [SK_MEMINFO_RCVBUF] = 3, [SK_MEMINFO_DROPS] = 4, [SK_MEMINFO_VARS] = 5
        };
        SockView view;

        (void)datagram_add_socket(&datagram, &(FakeSocket){ .state = SOCK_STATE_LISTEN }, 0);
        (void)datagram_put_attribute(&datagram, INET_DIAG_SKMEMINFO, memory, sizeof memory);
        ck_assert_int_eq(decode_last(&view), 0);
        ck_assert_uint_eq(view.drops, 4);
        ck_assert_uint_eq(view.receive_buffer_bytes, 3);
}
END_TEST

START_TEST(a_cgroup_of_half_its_length_is_not_known)
{
        uint32_t half = 7;
        SockView view;

        (void)datagram_add_socket(&datagram, &(FakeSocket){ .state = SOCK_STATE_LISTEN }, 0);
        (void)datagram_put_attribute(&datagram, ATTRIBUTE_CGROUP_ID, &half, sizeof half);
        ck_assert_int_eq(decode_last(&view), 0);
        ck_assert_uint_eq(view.cgroup_id, 0);
}
END_TEST

static const uint16_t attribute_types[] = { INET_DIAG_SKV6ONLY, ATTRIBUTE_CGROUP_ID, INET_DIAG_SKMEMINFO,
                                            500 };

START_TEST(an_attribute_that_is_empty_or_unknown_is_passed_over)
{
        uint64_t cgroup_id = 5;
        SockView view;

        (void)datagram_add_socket(&datagram, &(FakeSocket){ .state = SOCK_STATE_LISTEN }, 0);
        (void)datagram_put_attribute(&datagram, attribute_types[_i], "", 0);
        (void)datagram_put_attribute(&datagram, ATTRIBUTE_CGROUP_ID, &cgroup_id, sizeof cgroup_id);
        ck_assert_int_eq(decode_last(&view), 0);
        ck_assert(!view.has_drops);
        ck_assert(!view.is_ipv6_only);
        ck_assert_uint_eq(view.cgroup_id, 5);
}
END_TEST

static const uint16_t attribute_lengths[] = { 0, 1, 3, 13, 1000, UINT16_MAX };

START_TEST(an_attribute_that_says_a_wrong_length_ends_them)
{
        uint64_t cgroup_id = 5;
        SockView view;

        (void)datagram_add_socket(&datagram, &(FakeSocket){ .state = SOCK_STATE_LISTEN }, 0);
        datagram_put_attribute(&datagram, ATTRIBUTE_CGROUP_ID, &cgroup_id, sizeof cgroup_id)->nla_len =
                attribute_lengths[_i];
        ck_assert_int_eq(decode_last(&view), 0);
        ck_assert_uint_eq(view.cgroup_id, 0);
}
END_TEST

static const uint8_t unknown_families[] = { AF_UNSPEC, AF_UNIX, 3, 11, 255 };

START_TEST(a_family_other_than_ip_is_refused)
{
        SockView view;

        datagram_add_socket(&datagram, &(FakeSocket){ .state = SOCK_STATE_LISTEN }, 0)->idiag_family =
                unknown_families[_i];
        ck_assert_int_eq(decode_last(&view), -EBADMSG);
}
END_TEST

START_TEST(a_state_that_no_kernel_has_is_refused)
{
        SockView view;

        for (unsigned state = 0; state < 256; state++) {
                datagram_clear(&datagram);
                datagram_add_socket(&datagram, &(FakeSocket){ .peer_port = 1 }, 0)->idiag_state =
                        (uint8_t)state;
                ck_assert_int_eq(decode_last(&view), state >= 1 && state <= 13 ? 0 : -EBADMSG);
                if (state >= 1 && state <= 13)
                        ck_assert_uint_eq((unsigned)view.state, state);
        }
}
END_TEST

START_TEST(closed_without_a_peer_is_bound_and_nothing_more)
{
        SockView view;

        (void)datagram_add_socket(&datagram, &(FakeSocket){ .state = SOCK_STATE_CLOSE, .port = 80 }, 0);
        ck_assert_int_eq(decode_last(&view), 0);
        ck_assert_int_eq(view.state, SOCK_STATE_BOUND_INACTIVE);

        (void)datagram_add_socket(&datagram,
                                  &(FakeSocket){ .state = SOCK_STATE_CLOSE, .port = 80, .peer_port = 1 }, 0);
        ck_assert_int_eq(decode_last(&view), 0);
        ck_assert_int_eq(view.state, SOCK_STATE_CLOSE);

        (void)datagram_add_socket(&datagram, &(FakeSocket){ .state = SOCK_STATE_LISTEN, .port = 80 }, 0);
        ck_assert_int_eq(decode_last(&view), 0);
        ck_assert_int_eq(view.state, SOCK_STATE_LISTEN);
}
END_TEST

/* ---- one message of UDP ---- */

START_TEST(a_udp_socket_is_told_with_all_that_is_known)
{
        static const FakeSocket socket = {
                .family = AF_INET6,
                .state = SOCK_STATE_CLOSE,
                .address = "::1",
                .port = 53,
                .receive_queue = 212992,
                .receive_buffer = 212992,
                .drops = 3,
                .cgroup_id = 9,
                .is_ipv6_only = true,
        };
        SockView view;

        (void)datagram_add_socket(&datagram, &socket, SOCK_EXTENSION_MEMORY);
        ck_assert_int_eq(decode_last_udp(&view), 0);
        ck_assert_uint_eq(view.message->id.idiag_sport, htons(53));
        ck_assert_uint_eq(view.message->idiag_rqueue, 212992);
        ck_assert_uint_eq(view.receive_buffer_bytes, 212992);
        ck_assert_uint_eq(view.drops, 3);
        ck_assert_uint_eq(view.cgroup_id, 9);
        ck_assert(view.has_drops);
        ck_assert(view.is_ipv6_only);
}
END_TEST

static const uint8_t udp_states[] = { SOCK_STATE_CLOSE, SOCK_STATE_ESTABLISHED };

START_TEST(the_state_of_a_udp_socket_is_as_the_kernel_says)
{
        SockView view;

        for (uint16_t peer_port = 0; peer_port < 2; peer_port++) {
                (void)datagram_add_socket(
                        &datagram,
                        &(FakeSocket){ .state = udp_states[_i], .port = 53, .peer_port = peer_port }, 0);
                ck_assert_int_eq(decode_last_udp(&view), 0);
                ck_assert_int_eq(view.state, udp_states[_i]);
        }
}
END_TEST

START_TEST(a_udp_message_is_checked_like_one_of_tcp)
{
        SockView view = { .drops = 99 };

        datagram_add_socket(&datagram, &(FakeSocket){ .state = SOCK_STATE_CLOSE }, 0)->idiag_family =
                AF_UNIX;
        ck_assert_int_eq(decode_last_udp(&view), -EBADMSG);
        (void)datagram_add_socket(&datagram, &(FakeSocket){ .state = _SOCK_STATE_MAX }, 0);
        ck_assert_int_eq(decode_last_udp(&view), -EBADMSG);
        ck_assert_int_eq(sock_diag_decode_udp(mnl_nlmsg_get_payload(datagram.last),
                                              sizeof(struct inet_diag_msg) - 1, &view),
                         -EBADMSG);
        ck_assert_uint_eq(view.drops, 99);
}
END_TEST

/* ---- datagrams ---- */

static void add_sockets(unsigned n) {
        for (unsigned i = 0; i < n; i++)
                (void)datagram_add_socket(&datagram,
                                          &(FakeSocket){ .state = SOCK_STATE_ESTABLISHED,
                                                         .port = (uint16_t)(i + 1) },
                                          SOCK_EXTENSION_MEMORY);
}

START_TEST(every_socket_of_a_datagram_is_visited_in_order)
{
        add_sockets(100);
        ck_assert_int_eq(decode(), 1);
        ck_assert_uint_eq(seen.n, 100);
        for (unsigned i = 0; i < 100; i++)
                ck_assert_uint_eq(seen.messages[i].id.idiag_sport, htons((uint16_t)(i + 1)));
}
END_TEST

START_TEST(done_completes_the_dump)
{
        add_sockets(3);
        datagram_add_end(&datagram, NLMSG_DONE, 0);
        ck_assert_int_eq(decode(), 0);
        ck_assert_uint_eq(seen.n, 3);
}
END_TEST

START_TEST(nothing_behind_done_is_visited)
{
        datagram_add_end(&datagram, NLMSG_DONE, 0);
        add_sockets(3);
        ck_assert_int_eq(decode(), 0);
        ck_assert_uint_eq(seen.n, 0);
}
END_TEST

typedef struct EndCase {
        uint16_t type;
        int error;
        int result;
} EndCase;

static const EndCase ends[] = {
        { NLMSG_DONE, 0, 0 },
        { NLMSG_DONE, -ENOENT, -ENOENT },
        { NLMSG_DONE, -4095, -4095 },
        { NLMSG_DONE, -4096, -EBADMSG },
        { NLMSG_DONE, 1, -EBADMSG },
        { NLMSG_DONE, INT32_MIN, -EBADMSG },
        { NLMSG_DONE, INT32_MAX, -EBADMSG },
        { NLMSG_ERROR, 0, 0 },
        { NLMSG_ERROR, -EPERM, -EPERM },
        { NLMSG_ERROR, -EINVAL, -EINVAL },
        { NLMSG_ERROR, 22, -EBADMSG },
};

START_TEST(the_errno_at_the_end_is_handed_out)
{
        add_sockets(2);
        datagram_add_end(&datagram, ends[_i].type, ends[_i].error);
        ck_assert_int_eq(decode(), ends[_i].result);
        ck_assert_uint_eq(seen.n, 2);
}
END_TEST

static const uint16_t end_types[] = { NLMSG_DONE, NLMSG_ERROR };

START_TEST(an_end_without_its_errno_is_malformed)
{
        (void)datagram_add(&datagram, end_types[_i]);
        ck_assert_int_eq(decode(), -EBADMSG);
}
END_TEST

START_TEST(an_inconsistent_dump_is_to_be_asked_for_again)
{
        add_sockets(3);
        datagram.last->nlmsg_flags |= NLM_F_DUMP_INTR;
        ck_assert_int_eq(decode(), -EAGAIN);

        datagram_clear(&datagram);
        datagram_add_end(&datagram, NLMSG_DONE, 0);
        datagram.last->nlmsg_flags |= NLM_F_DUMP_INTR;
        ck_assert_int_eq(decode(), -EAGAIN);
}
END_TEST

START_TEST(an_answer_to_another_request_is_refused)
{
        add_sockets(1);
        datagram.last->nlmsg_seq = SEQUENCE + 1;
        ck_assert_int_eq(decode(), -EBADMSG);
        ck_assert_uint_eq(seen.n, 0);
}
END_TEST

START_TEST(an_answer_to_another_socket_is_refused)
{
        add_sockets(1);
        datagram.last->nlmsg_pid = PORT_ID + 1;
        ck_assert_int_eq(decode(), -EBADMSG);
        ck_assert_uint_eq(seen.n, 0);
}
END_TEST

START_TEST(an_overrun_is_told)
{
        add_sockets(1);
        (void)datagram_add(&datagram, NLMSG_OVERRUN);
        ck_assert_int_eq(decode(), -ENOBUFS);
}
END_TEST

START_TEST(noop_means_nothing)
{
        (void)datagram_add(&datagram, NLMSG_NOOP);
        add_sockets(1);
        (void)datagram_add(&datagram, NLMSG_NOOP);
        ck_assert_int_eq(decode(), 1);
        ck_assert_uint_eq(seen.n, 1);
}
END_TEST

START_TEST(a_bad_message_ends_the_dump)
{
        add_sockets(1);
        datagram_add_socket(&datagram, &(FakeSocket){ .state = 99 }, 0);
        add_sockets(1);
        ck_assert_int_eq(decode(), -EBADMSG);
        ck_assert_uint_eq(seen.n, 1);
}
END_TEST

START_TEST(the_error_of_a_visitor_is_handed_out)
{
        add_sockets(5);
        seen.fail_at = 3;
        ck_assert_int_eq(decode(), -ECANCELED);
        ck_assert_uint_eq(seen.n, 3);
}
END_TEST

/* Sockets that are missing must not look like sockets that do not exist. */
START_TEST(a_datagram_cut_anywhere_is_malformed)
{
        size_t step = 0;

        for (unsigned n = 0; n < 3; n++) {
                add_sockets(1);
                step = step == 0 ? datagram.size : step;
        }

        for (size_t size = 0; size < datagram.size; size++) {
                seen = (Seen){ 0 };
                ck_assert_int_eq(decode_bytes(datagram.bytes, size),
                                 size > 0 && size % step == 0 ? 1 : -EBADMSG);
        }
}
END_TEST

static const uint32_t message_lengths[] = { 0, 1, 15, 16, 1000, UINT32_C(0x7fffffff), UINT32_MAX };

START_TEST(a_message_that_says_a_wrong_length_is_malformed)
{
        add_sockets(2);
        datagram.last->nlmsg_len = message_lengths[_i];
        ck_assert_int_eq(decode(), -EBADMSG);
}
END_TEST

/* ---- as captured ---- */

START_TEST(listeners_of_this_kernel_are_read)
{
        unsigned n_ipv6_only = 0, n_with_drops = 0;

        ck_assert_int_eq(decode_fixture("netlink/listeners.bin"), 1);
        ck_assert_uint_eq(seen.n, 7);
        ck_assert_uint_eq(seen.n_of_state[SOCK_STATE_LISTEN], 7);

        for (unsigned i = 0; i < seen.n; i++) {
                ck_assert(seen.views[i].has_drops);
                ck_assert_uint_eq(seen.views[i].cgroup_id, 1);
                n_ipv6_only += seen.views[i].is_ipv6_only;
                n_with_drops += seen.views[i].drops > 0;
                if (seen.messages[i].id.idiag_sport == htons(8001)) {
                        ck_assert_uint_eq(seen.views[i].drops, 3);
                        ck_assert_uint_eq(seen.messages[i].idiag_rqueue, 2);
                        ck_assert_uint_eq(seen.messages[i].idiag_wqueue, 1);
                }
                if (seen.messages[i].id.idiag_sport == htons(8002))
                        ck_assert_uint_eq(seen.messages[i].id.idiag_if, 1);
        }
        ck_assert_uint_eq(n_ipv6_only, 1);
        ck_assert_uint_eq(n_with_drops, 1);
}
END_TEST

START_TEST(all_states_of_this_kernel_are_read)
{
        ck_assert_int_eq(decode_fixture("netlink/all-states.bin"), 1);
        ck_assert_uint_eq(seen.n, 19);
        ck_assert_uint_eq(seen.n_of_state[SOCK_STATE_LISTEN], 7);
        ck_assert_uint_eq(seen.n_of_state[SOCK_STATE_ESTABLISHED], 6);
        ck_assert_uint_eq(seen.n_of_state[SOCK_STATE_SYN_SENT], 3);
        ck_assert_uint_eq(seen.n_of_state[SOCK_STATE_CLOSE_WAIT], 1);
        ck_assert_uint_eq(seen.n_of_state[SOCK_STATE_FIN_WAIT2], 1);
        ck_assert_uint_eq(seen.n_of_state[SOCK_STATE_TIME_WAIT], 1);
        for (unsigned i = 0; i < seen.n; i++)
                ck_assert(!seen.views[i].has_drops);
}
END_TEST

START_TEST(a_bound_socket_of_this_kernel_is_known_as_such)
{
        ck_assert_int_eq(decode_fixture("netlink/bound.bin"), 1);
        ck_assert_uint_eq(seen.n_of_state[SOCK_STATE_BOUND_INACTIVE], 1);
        ck_assert_uint_eq(seen.messages[0].id.idiag_sport, htons(8007));
}
END_TEST

START_TEST(a_datagram_full_of_sockets_is_read)
{
        ck_assert_int_eq(decode_fixture("netlink/full.bin"), 1);
        ck_assert_uint_eq(seen.n, 261);
        ck_assert_uint_eq(seen.n_of_state[SOCK_STATE_ESTABLISHED], 261);
}
END_TEST

/* By the messages that were seen, as UDP sockets are closed to the decoder of TCP. */
START_TEST(udp_sockets_of_this_kernel_are_read)
{
        static const char *const fixtures[] = { "netlink/udp4.bin", "netlink/udp6.bin" };

        for (size_t i = 0; i < ELEMENTSOF(fixtures); i++) {
                seen = (Seen){ 0 };
                ck_assert_int_eq(decode_fixture(fixtures[i]), 1);
                ck_assert_uint_eq(seen.n, 3);
                for (unsigned j = 0; j < seen.n; j++) {
                        ck_assert(seen.views[j].has_drops);
                        ck_assert_uint_eq(seen.views[j].cgroup_id, 1);
                        if (seen.messages[j].id.idiag_sport == htons(8101)) {
                                ck_assert_uint_eq(seen.views[j].drops, 16);
                                ck_assert_uint_eq(seen.views[j].receive_buffer_bytes, 4096);
                                ck_assert_uint_eq(seen.messages[j].idiag_rqueue, 3328);
                        }
                        ck_assert_int_eq(seen.views[j].is_ipv6_only,
                                         seen.messages[j].id.idiag_sport == htons(8112));
                        ck_assert_int_eq(seen.messages[j].idiag_state == SOCK_STATE_ESTABLISHED,
                                         seen.messages[j].id.idiag_dport != 0);
                }
        }
}
END_TEST

START_TEST(ends_of_this_kernel_are_read)
{
        ck_assert_int_eq(decode_fixture("netlink/done.bin"), 0);
        ck_assert_int_eq(decode_fixture("netlink/no-diag-module.bin"), -ENOENT);
        ck_assert_int_eq(decode_fixture("netlink/refused.bin"), -EINVAL);
        ck_assert_uint_eq(seen.n, 0);
}
END_TEST

#ifndef TEST_WITHOUT_ASSERTS
START_TEST(a_dump_needs_a_visitor)
{
        add_sockets(1);
        (void)!sock_diag_decode_datagram(datagram.bytes, datagram.size, SEQUENCE, PORT_ID, NULL, NULL);
}
END_TEST
#endif

int main(void) {
        Suite *suite = suite_create("sock-diag-decode");
        TCase *message = tcase_create("message");
        TCase *udp = tcase_create("message of UDP");
        TCase *datagrams = tcase_create("datagrams");
        TCase *captured = tcase_create("captured");

        tcase_add_checked_fixture(message, setup, NULL);
        tcase_add_test(message, a_listener_is_told_with_all_that_is_known);
        tcase_add_test(message, what_the_kernel_did_not_say_is_not_known);
        tcase_add_test(message, a_dual_stack_listener_is_not_ipv6_only);
        tcase_add_test(message, a_message_cut_short_is_refused);
        tcase_add_test(message, attributes_cut_short_are_passed_over);
        tcase_add_test(message, memory_without_drops_tells_no_drops);
        tcase_add_test(message, memory_of_a_newer_kernel_may_be_longer);
        tcase_add_test(message, a_cgroup_of_half_its_length_is_not_known);
        tcase_add_loop_test(message, an_attribute_that_is_empty_or_unknown_is_passed_over, 0,
                            ELEMENTSOF(attribute_types));
        tcase_add_loop_test(message, an_attribute_that_says_a_wrong_length_ends_them, 0,
                            ELEMENTSOF(attribute_lengths));
        tcase_add_loop_test(message, a_family_other_than_ip_is_refused, 0, ELEMENTSOF(unknown_families));
        tcase_add_test(message, a_state_that_no_kernel_has_is_refused);
        tcase_add_test(message, closed_without_a_peer_is_bound_and_nothing_more);
        suite_add_tcase(suite, message);

        tcase_add_checked_fixture(udp, setup, NULL);
        tcase_add_test(udp, a_udp_socket_is_told_with_all_that_is_known);
        tcase_add_loop_test(udp, the_state_of_a_udp_socket_is_as_the_kernel_says, 0, ELEMENTSOF(udp_states));
        tcase_add_test(udp, a_udp_message_is_checked_like_one_of_tcp);
        suite_add_tcase(suite, udp);

        tcase_add_checked_fixture(datagrams, setup, NULL);
        tcase_add_test(datagrams, every_socket_of_a_datagram_is_visited_in_order);
        tcase_add_test(datagrams, done_completes_the_dump);
        tcase_add_test(datagrams, nothing_behind_done_is_visited);
        tcase_add_loop_test(datagrams, the_errno_at_the_end_is_handed_out, 0, ELEMENTSOF(ends));
        tcase_add_loop_test(datagrams, an_end_without_its_errno_is_malformed, 0, ELEMENTSOF(end_types));
        tcase_add_test(datagrams, an_inconsistent_dump_is_to_be_asked_for_again);
        tcase_add_test(datagrams, an_answer_to_another_request_is_refused);
        tcase_add_test(datagrams, an_answer_to_another_socket_is_refused);
        tcase_add_test(datagrams, an_overrun_is_told);
        tcase_add_test(datagrams, noop_means_nothing);
        tcase_add_test(datagrams, a_bad_message_ends_the_dump);
        tcase_add_test(datagrams, the_error_of_a_visitor_is_handed_out);
        tcase_add_test(datagrams, a_datagram_cut_anywhere_is_malformed);
        tcase_add_loop_test(datagrams, a_message_that_says_a_wrong_length_is_malformed, 0,
                            ELEMENTSOF(message_lengths));
#ifndef TEST_WITHOUT_ASSERTS
        tcase_add_test_raise_signal(datagrams, a_dump_needs_a_visitor, SIGABRT);
#endif
        suite_add_tcase(suite, datagrams);

        tcase_add_checked_fixture(captured, setup, NULL);
        tcase_add_test(captured, listeners_of_this_kernel_are_read);
        tcase_add_test(captured, all_states_of_this_kernel_are_read);
        tcase_add_test(captured, a_bound_socket_of_this_kernel_is_known_as_such);
        tcase_add_test(captured, a_datagram_full_of_sockets_is_read);
        tcase_add_test(captured, udp_sockets_of_this_kernel_are_read);
        tcase_add_test(captured, ends_of_this_kernel_are_read);
        suite_add_tcase(suite, captured);

        return suite_main(suite);
}
