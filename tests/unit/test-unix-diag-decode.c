/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <libmnl/libmnl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/sock_diag.h"
#include "suite.h"
#include "unit/folder.h"
#include "unit/netlink.h"

#define SEQUENCE      1
#define PORT_ID       7625

#define SHOW          (UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN)

#define NAME(literal) .name = (literal), .name_size = sizeof(literal) - 1

static Datagram datagram;

/* What a visitor saw. Names live as long as the call, so they are copied. */
typedef struct Seen {
        unsigned n;
        unsigned n_of_state[_SOCK_STATE_MAX];
        UnixView views[256];
        char names[256][UNIX_NAME_BYTES_MAX];
        unsigned fail_at; /* the visitor fails at this one, counted from 1 */
} Seen;

static Seen seen;

static void keep(const UnixView *view, UnixView *ret, char name[static UNIX_NAME_BYTES_MAX]) {
        *ret = *view;
        if (view->name) {
                ck_assert_uint_le(view->name_size, UNIX_NAME_BYTES_MAX);
                ret->name = memcpy(name, view->name, view->name_size);
        }
}

static int on_socket(const UnixView *socket, void *userdata) {
        Seen *all = userdata;

        ck_assert_uint_lt(all->n, ELEMENTSOF(all->views));
        keep(socket, &all->views[all->n], all->names[all->n]);
        all->n++;
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

        r = unix_diag_decode_datagram(copy, size, SEQUENCE, PORT_ID, on_socket, &seen);
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
static int decode_payload(size_t size, UnixView *ret) {
        static char name[UNIX_NAME_BYTES_MAX];
        char *payload = malloc(MAX(size, (size_t)1));
        UnixView view;
        int r;

        memcpy(payload, mnl_nlmsg_get_payload(datagram.last), size);
        r = unix_diag_decode(payload, size, &view);
        if (r == 0)
                keep(&view, ret, name);
        free(payload);
        return r;
}

static int decode_last(UnixView *ret) {
        return decode_payload(mnl_nlmsg_get_payload_len(datagram.last), ret);
}

static void check_name(const UnixView *view, const char *name, size_t size) {
        ck_assert_ptr_nonnull(view->name);
        ck_assert_uint_eq(view->name_size, size);
        ck_assert_mem_eq(view->name, name, size);
}

/* ---- one message ---- */

START_TEST(a_listener_is_told_with_all_that_is_known)
{
        static const FakeUnix socket = {
                .type = SOCK_SEQPACKET,
                .state = SOCK_STATE_LISTEN,
                NAME("/run/one.sock\0"),
                .inode = UINT32_MAX,
                .cookie = UINT64_C(0x123456789abcdef0),
                .length = 129,
                .limit = 128,
        };
        UnixView view;

        (void)datagram_add_unix(&datagram, &socket, SHOW);
        ck_assert_int_eq(decode_last(&view), 0);
        check_name(&view, "/run/one.sock", 13);
        ck_assert_uint_eq(view.inode, UINT32_MAX);
        ck_assert_uint_eq(view.cookie, UINT64_C(0x123456789abcdef0));
        ck_assert(view.has_queue);
        ck_assert_uint_eq(view.length, 129);
        ck_assert_uint_eq(view.limit, 128);
        ck_assert_uint_eq(view.type, SOCK_SEQPACKET);
        ck_assert_uint_eq(view.state, SOCK_STATE_LISTEN);
}
END_TEST

START_TEST(what_the_kernel_did_not_say_is_not_known)
{
        static const FakeUnix socket = {
                .state = SOCK_STATE_LISTEN, NAME("/run/one.sock\0"), .length = 1, .limit = 2
        };
        UnixView view;

        (void)datagram_add_unix(&datagram, &socket, 0);
        ck_assert_int_eq(decode_last(&view), 0);
        ck_assert_ptr_null(view.name);
        ck_assert_uint_eq(view.name_size, 0);
        ck_assert(!view.has_queue);
        ck_assert_uint_eq(view.length, 0);
        ck_assert_uint_eq(view.limit, 0);
}
END_TEST

static const struct {
        const char *told;
        size_t told_size;
        size_t size;
} names[] = {
        { "/run/a\0", 7, 6 },        { "/run/a", 6, 6 },      { "relative\0", 9, 8 },
        { "/run/a\0\0\0\0", 10, 6 }, { "/run/a\0b\0", 9, 6 }, { "\0abstract", 9, 9 },
        { "\0a\0b\0", 5, 5 },        { "\0", 1, 1 },          { "\0\0\0", 3, 3 },
};

START_TEST(a_path_ends_before_its_nul_and_an_abstract_name_has_every_byte)
{
        FakeUnix socket = { .state = SOCK_STATE_LISTEN,
                            .name = names[_i].told,
                            .name_size = names[_i].told_size };
        UnixView view;

        (void)datagram_add_unix(&datagram, &socket, SHOW);
        ck_assert_int_eq(decode_last(&view), 0);
        check_name(&view, names[_i].told, names[_i].size);
}
END_TEST

START_TEST(an_empty_name_is_none)
{
        UnixView view;

        (void)datagram_add_unix(&datagram, &(FakeUnix){ .state = SOCK_STATE_LISTEN, NAME("") }, SHOW);
        ck_assert_int_eq(decode_last(&view), 0);
        ck_assert_ptr_null(view.name);
        ck_assert_uint_eq(view.name_size, 0);
}
END_TEST

static const struct {
        char first;
        size_t told_size; /* a path has a NUL as its last byte */
        int result;
} lengths[] = {
        { '/', 109, 0 },
        { '/', 110, -EBADMSG },
        { '\0', 108, 0 },
        { '\0', 109, -EBADMSG },
};

START_TEST(a_name_longer_than_any_can_be_is_refused)
{
        FakeUnix socket = { .state = SOCK_STATE_LISTEN, .name_size = lengths[_i].told_size };
        UnixView view = { .inode = 99 };
        char name[128];

        memset(name, 'n', sizeof name);
        name[0] = lengths[_i].first;
        if (name[0])
                name[socket.name_size - 1] = '\0';
        socket.name = name;

        (void)datagram_add_unix(&datagram, &socket, SHOW);
        ck_assert_int_eq(decode_last(&view), lengths[_i].result);
        if (lengths[_i].result == 0)
                check_name(&view, name, UNIX_NAME_BYTES_MAX);
        else
                ck_assert_uint_eq(view.inode, 99);
}
END_TEST

START_TEST(a_message_cut_short_is_refused)
{
        UnixView view = { .inode = 99 };

        (void)datagram_add_unix(&datagram, &(FakeUnix){ .state = SOCK_STATE_LISTEN }, SHOW);
        for (size_t size = 0; size < sizeof(struct unix_diag_msg); size++)
                ck_assert_int_eq(decode_payload(size, &view), -EBADMSG);
        ck_assert_uint_eq(view.inode, 99);
        ck_assert_int_eq(decode_payload(sizeof(struct unix_diag_msg), &view), 0);
}
END_TEST

START_TEST(attributes_cut_short_are_passed_over)
{
        static const FakeUnix socket = {
                .state = SOCK_STATE_LISTEN, NAME("/run/one.sock\0"), .length = 3, .limit = 9
        };
        UnixView view = { 0 };
        size_t size;

        (void)datagram_add_unix(&datagram, &socket, SHOW);
        size = mnl_nlmsg_get_payload_len(datagram.last);
        for (size_t cut = sizeof(struct unix_diag_msg); cut <= size; cut++) {
                ck_assert_int_eq(decode_payload(cut, &view), 0);
                if (view.name)
                        check_name(&view, "/run/one.sock", 13);
                ck_assert_uint_eq(view.length, view.has_queue ? 3 : 0);
                ck_assert_uint_eq(view.limit, view.has_queue ? 9 : 0);
        }
        ck_assert(view.has_queue);
}
END_TEST

START_TEST(half_a_queue_is_not_known)
{
        uint32_t half = 7;
        UnixView view;

        (void)datagram_add_unix(&datagram, &(FakeUnix){ .state = SOCK_STATE_LISTEN }, 0);
        (void)datagram_put_attribute(&datagram, UNIX_DIAG_RQLEN, &half, sizeof half);
        ck_assert_int_eq(decode_last(&view), 0);
        ck_assert(!view.has_queue);
        ck_assert_uint_eq(view.length, 0);
}
END_TEST

START_TEST(a_queue_of_a_newer_kernel_may_be_longer)
{
        uint32_t queue[] = { 5, 6, 7 };
        UnixView view;

        (void)datagram_add_unix(&datagram, &(FakeUnix){ .state = SOCK_STATE_LISTEN }, 0);
        (void)datagram_put_attribute(&datagram, UNIX_DIAG_RQLEN, queue, sizeof queue);
        ck_assert_int_eq(decode_last(&view), 0);
        ck_assert_uint_eq(view.length, 5);
        ck_assert_uint_eq(view.limit, 6);
}
END_TEST

static const uint16_t attribute_types[] = { UNIX_DIAG_NAME,    UNIX_DIAG_RQLEN, UNIX_DIAG_PEER,
                                            UNIX_DIAG_MEMINFO, UNIX_DIAG_UID,   500 };

START_TEST(an_attribute_that_is_empty_or_unknown_is_passed_over)
{
        uint32_t queue[] = { 5, 6 };
        UnixView view;

        (void)datagram_add_unix(&datagram, &(FakeUnix){ .state = SOCK_STATE_LISTEN }, 0);
        (void)datagram_put_attribute(&datagram, attribute_types[_i], "", 0);
        (void)datagram_put_attribute(&datagram, UNIX_DIAG_RQLEN, queue, sizeof queue);
        ck_assert_int_eq(decode_last(&view), 0);
        ck_assert_ptr_null(view.name);
        ck_assert(view.has_queue);
        ck_assert_uint_eq(view.length, 5);
}
END_TEST

static const uint16_t attribute_lengths[] = { 0, 1, 3, 13, 1000, UINT16_MAX };

START_TEST(an_attribute_that_says_a_wrong_length_ends_them)
{
        uint32_t queue[] = { 5, 6 };
        UnixView view;

        (void)datagram_add_unix(&datagram, &(FakeUnix){ .state = SOCK_STATE_LISTEN }, 0);
        datagram_put_attribute(&datagram, UNIX_DIAG_RQLEN, queue, sizeof queue)->nla_len =
                attribute_lengths[_i];
        ck_assert_int_eq(decode_last(&view), 0);
        ck_assert(!view.has_queue);
}
END_TEST

static const uint8_t unknown_families[] = { AF_UNSPEC, AF_INET, AF_INET6, 255 };

START_TEST(a_family_other_than_unix_is_refused)
{
        UnixView view;

        datagram_add_unix(&datagram, &(FakeUnix){ .state = SOCK_STATE_LISTEN }, 0)->udiag_family =
                unknown_families[_i];
        ck_assert_int_eq(decode_last(&view), -EBADMSG);
}
END_TEST

START_TEST(a_state_that_no_kernel_has_is_refused)
{
        UnixView view;

        for (unsigned state = 0; state < 256; state++) {
                datagram_clear(&datagram);
                (void)datagram_add_unix(&datagram, &(FakeUnix){ .state = (uint8_t)state }, 0);
                ck_assert_int_eq(decode_last(&view), state >= 1 && state <= 13 ? 0 : -EBADMSG);
                if (state >= 1 && state <= 13)
                        ck_assert_uint_eq(view.state, state);
        }
}
END_TEST

/* ---- datagrams ---- */

static void add_sockets(unsigned n) {
        for (unsigned i = 0; i < n; i++)
                (void)datagram_add_unix(&datagram,
                                        &(FakeUnix){ .state = SOCK_STATE_LISTEN,
                                                     NAME("/run/one.sock\0"),
                                                     .inode = i + 1 },
                                        SHOW);
}

START_TEST(every_socket_of_a_datagram_is_visited_in_order)
{
        add_sockets(100);
        ck_assert_int_eq(decode(), 1);
        ck_assert_uint_eq(seen.n, 100);
        for (unsigned i = 0; i < 100; i++)
                ck_assert_uint_eq(seen.views[i].inode, i + 1);
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

START_TEST(the_errno_at_the_end_is_handed_out)
{
        add_sockets(2);
        datagram_add_end(&datagram, NLMSG_DONE, -ENOENT);
        ck_assert_int_eq(decode(), -ENOENT);
        ck_assert_uint_eq(seen.n, 2);
}
END_TEST

START_TEST(an_inconsistent_dump_is_to_be_asked_for_again)
{
        add_sockets(3);
        datagram.last->nlmsg_flags |= NLM_F_DUMP_INTR;
        ck_assert_int_eq(decode(), -EAGAIN);
}
END_TEST

START_TEST(a_bad_message_ends_the_dump)
{
        add_sockets(1);
        (void)datagram_add_unix(&datagram, &(FakeUnix){ .state = 99 }, SHOW);
        add_sockets(1);
        ck_assert_int_eq(decode(), -EBADMSG);
        ck_assert_uint_eq(seen.n, 1);
}
END_TEST

START_TEST(a_tcp_socket_among_them_ends_the_dump)
{
        add_sockets(1);
        (void)datagram_add_socket(&datagram, &(FakeSocket){ .state = SOCK_STATE_LISTEN }, 0);
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

/* ---- as captured ---- */

/* The socket of a name; it has to be there once. */
static const UnixView *find(const char *name, size_t size) {
        const UnixView *found = NULL;

        for (unsigned i = 0; i < seen.n; i++) {
                const UnixView *view = &seen.views[i];

                if (!view->name || view->name_size != size || memcmp(view->name, name, size) != 0)
                        continue;
                ck_assert_ptr_null(found);
                found = view;
        }

        ck_assert_ptr_nonnull(found);
        return found;
}

#define FIND(literal) find((literal), sizeof(literal) - 1)

START_TEST(listeners_of_this_kernel_are_read)
{
        char padded[UNIX_NAME_BYTES_MAX] = "\0padded", longest[UNIX_NAME_BYTES_MAX] = "/run/";

        memset(longest + 5, 'n', sizeof longest - 5);
        ck_assert_int_eq(decode_fixture("netlink/unix-listeners.bin"), 1);
        ck_assert_uint_eq(seen.n, 8);
        ck_assert_uint_eq(seen.n_of_state[SOCK_STATE_LISTEN], 8);

        ck_assert_uint_eq(FIND("/run/full.sock")->length, 4);
        ck_assert_uint_eq(FIND("/run/full.sock")->limit, 3);
        ck_assert_uint_eq(FIND("/run/whole.sock")->limit, 4096);
        ck_assert_uint_eq(FIND("\0seqpacket")->length, 1);
        ck_assert_uint_eq(FIND("\0seqpacket")->limit, 128);
        ck_assert_uint_eq(FIND("\0seqpacket")->type, SOCK_SEQPACKET);
        ck_assert_uint_eq(FIND("\0")->limit, 1);
        ck_assert_uint_eq(find(padded, sizeof padded)->limit, 5);
        ck_assert_uint_eq(find(longest, sizeof longest)->limit, 7);

        for (unsigned i = 0; i < seen.n; i++) {
                ck_assert(seen.views[i].has_queue);
                ck_assert_uint_ne(seen.views[i].inode, 0);
                ck_assert_uint_ne(seen.views[i].cookie, 0);
        }
}
END_TEST

START_TEST(all_states_of_this_kernel_are_read)
{
        unsigned n_unnamed = 0, n_datagram = 0;

        ck_assert_int_eq(decode_fixture("netlink/unix-all-states.bin"), 1);
        ck_assert_uint_eq(seen.n, 21);
        ck_assert_uint_eq(seen.n_of_state[SOCK_STATE_LISTEN], 8);
        ck_assert_uint_eq(seen.n_of_state[SOCK_STATE_ESTABLISHED], 11);
        ck_assert_uint_eq(seen.n_of_state[SOCK_STATE_CLOSE], 2);

        for (unsigned i = 0; i < seen.n; i++) {
                n_unnamed += !seen.views[i].name;
                n_datagram += seen.views[i].type == SOCK_DGRAM;
        }
        ck_assert_uint_eq(n_unnamed, 11);
        ck_assert_uint_eq(n_datagram, 3);
}
END_TEST

START_TEST(a_datagram_full_of_sockets_is_read)
{
        ck_assert_int_eq(decode_fixture("netlink/unix-full.bin"), 1);
        ck_assert_uint_eq(seen.n, 197);
        ck_assert_uint_eq(seen.n_of_state[SOCK_STATE_LISTEN], 197);
        for (unsigned i = 0; i < seen.n; i++) {
                ck_assert_uint_eq(seen.views[i].name_size, UNIX_NAME_BYTES_MAX);
                ck_assert_uint_eq(seen.views[i].limit, 10);
        }
}
END_TEST

START_TEST(a_datagram_of_tcp_sockets_is_refused)
{
        ck_assert_int_eq(decode_fixture("netlink/listeners.bin"), -EBADMSG);
        ck_assert_uint_eq(seen.n, 0);
}
END_TEST

#ifndef TEST_WITHOUT_ASSERTS
START_TEST(a_dump_needs_a_visitor)
{
        add_sockets(1);
        (void)!unix_diag_decode_datagram(datagram.bytes, datagram.size, SEQUENCE, PORT_ID, NULL, NULL);
}
END_TEST
#endif

int main(void) {
        Suite *suite = suite_create("unix-diag-decode");
        TCase *message = tcase_create("message");
        TCase *datagrams = tcase_create("datagrams");
        TCase *captured = tcase_create("captured");

        tcase_add_checked_fixture(message, setup, NULL);
        tcase_add_test(message, a_listener_is_told_with_all_that_is_known);
        tcase_add_test(message, what_the_kernel_did_not_say_is_not_known);
        tcase_add_loop_test(message, a_path_ends_before_its_nul_and_an_abstract_name_has_every_byte, 0,
                            ELEMENTSOF(names));
        tcase_add_test(message, an_empty_name_is_none);
        tcase_add_loop_test(message, a_name_longer_than_any_can_be_is_refused, 0, ELEMENTSOF(lengths));
        tcase_add_test(message, a_message_cut_short_is_refused);
        tcase_add_test(message, attributes_cut_short_are_passed_over);
        tcase_add_test(message, half_a_queue_is_not_known);
        tcase_add_test(message, a_queue_of_a_newer_kernel_may_be_longer);
        tcase_add_loop_test(message, an_attribute_that_is_empty_or_unknown_is_passed_over, 0,
                            ELEMENTSOF(attribute_types));
        tcase_add_loop_test(message, an_attribute_that_says_a_wrong_length_ends_them, 0,
                            ELEMENTSOF(attribute_lengths));
        tcase_add_loop_test(message, a_family_other_than_unix_is_refused, 0, ELEMENTSOF(unknown_families));
        tcase_add_test(message, a_state_that_no_kernel_has_is_refused);
        suite_add_tcase(suite, message);

        tcase_add_checked_fixture(datagrams, setup, NULL);
        tcase_add_test(datagrams, every_socket_of_a_datagram_is_visited_in_order);
        tcase_add_test(datagrams, done_completes_the_dump);
        tcase_add_test(datagrams, the_errno_at_the_end_is_handed_out);
        tcase_add_test(datagrams, an_inconsistent_dump_is_to_be_asked_for_again);
        tcase_add_test(datagrams, a_bad_message_ends_the_dump);
        tcase_add_test(datagrams, a_tcp_socket_among_them_ends_the_dump);
        tcase_add_test(datagrams, the_error_of_a_visitor_is_handed_out);
        tcase_add_test(datagrams, a_datagram_cut_anywhere_is_malformed);
#ifndef TEST_WITHOUT_ASSERTS
        tcase_add_test_raise_signal(datagrams, a_dump_needs_a_visitor, SIGABRT);
#endif
        suite_add_tcase(suite, datagrams);

        tcase_add_checked_fixture(captured, setup, NULL);
        tcase_add_test(captured, listeners_of_this_kernel_are_read);
        tcase_add_test(captured, all_states_of_this_kernel_are_read);
        tcase_add_test(captured, a_datagram_full_of_sockets_is_read);
        tcase_add_test(captured, a_datagram_of_tcp_sockets_is_refused);
        suite_add_tcase(suite, captured);

        return suite_main(suite);
}
