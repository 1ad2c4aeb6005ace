/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "kernel/sock_diag.h"
#include "suite.h"
#include "unit/fake_kernel.h"

static SockDiag *diag;
static unsigned n_visited;

static int on_socket(const SockView *socket, void *userdata) {
        n_visited++;
        return 0;
}

static int on_socket_failing(const SockView *socket, void *userdata) {
        return -ECANCELED;
}

static const FakeSocket one_socket = { .state = SOCK_STATE_ESTABLISHED, .peer_port = 1 };
static FakeSocket many_sockets[1000];

static void setup(void) {
        for (size_t i = 0; i < ELEMENTSOF(many_sockets); i++)
                many_sockets[i] = one_socket;
        fake_kernel = (FakeKernel){ .sockets = &one_socket, .n_sockets = 1 };
        n_visited = 0;
        ck_assert_int_eq(sock_diag_new(&diag), 0);
}

static void teardown(void) {
        diag = sock_diag_free(diag);
}

static int dump(void) {
        return sock_diag_dump(diag, SOCK_STATES_ALL, 0, on_socket, NULL);
}

START_TEST(states_and_extensions_are_asked_for_as_given)
{
        ck_assert_int_eq(sock_diag_dump(diag, SOCK_STATE_MASK(SOCK_STATE_LISTEN), SOCK_EXTENSION_MEMORY,
                                        on_socket, NULL),
                         0);
        ck_assert_uint_eq(fake_kernel.states, 1 << 10);
        ck_assert_uint_eq(fake_kernel.extensions, 1 << 6);
        ck_assert_uint_eq(n_visited, 0);
}
END_TEST

START_TEST(a_dump_goes_on_over_many_datagrams)
{
        fake_kernel.sockets = many_sockets;
        fake_kernel.n_sockets = ELEMENTSOF(many_sockets);
        ck_assert_int_eq(dump(), 0);
        ck_assert_uint_eq(n_visited, ELEMENTSOF(many_sockets));
}
END_TEST

START_TEST(the_socket_is_kept_between_dumps)
{
        for (unsigned i = 1; i <= 3; i++) {
                ck_assert_int_eq(dump(), 0);
                ck_assert_uint_eq(n_visited, i);
        }
        ck_assert_uint_eq(sock_diag_reopens(diag), 0);
}
END_TEST

START_TEST(a_signal_does_not_end_a_dump)
{
        fake_kernel.n_interrupts = 3;
        ck_assert_int_eq(dump(), 0);
        ck_assert_uint_eq(n_visited, 1);
        ck_assert_uint_eq(sock_diag_reopens(diag), 0);
}
END_TEST

typedef struct ReceiveCase {
        int receive_errno;
        int result;
} ReceiveCase;

static const ReceiveCase receive_cases[] = {
        { ENOSPC, -EMSGSIZE },
        { EAGAIN, -ETIMEDOUT },
        { ENOBUFS, -ENOBUFS },
        { ENOMEM, -ENOMEM },
};

START_TEST(a_failure_to_receive_is_told)
{
        fake_kernel.sockets = many_sockets;
        fake_kernel.n_sockets = ELEMENTSOF(many_sockets);
        fake_kernel.n_received_before = 1;
        fake_kernel.receive_errno = receive_cases[_i].receive_errno;
        ck_assert_int_eq(dump(), receive_cases[_i].result);
        ck_assert_uint_gt(n_visited, 0);
        ck_assert_uint_lt(n_visited, ELEMENTSOF(many_sockets));
}
END_TEST

START_TEST(after_an_error_the_next_dump_uses_a_fresh_socket)
{
        fake_kernel.end_error = -ENOENT;
        ck_assert_int_eq(dump(), -ENOENT);
        ck_assert_int_eq(dump(), -ENOENT);
        ck_assert_uint_eq(sock_diag_reopens(diag), 1);

        fake_kernel.end_error = 0;
        ck_assert_int_eq(dump(), 0);
        ck_assert_uint_eq(sock_diag_reopens(diag), 2);
        ck_assert_int_eq(dump(), 0);
        ck_assert_uint_eq(sock_diag_reopens(diag), 2);
}
END_TEST

START_TEST(an_interrupted_dump_is_an_error)
{
        fake_kernel.flags = NLM_F_DUMP_INTR;
        ck_assert_int_eq(dump(), -EAGAIN);
        fake_kernel.flags = 0;
        ck_assert_int_eq(dump(), 0);
        ck_assert_uint_eq(sock_diag_reopens(diag), 1);
}
END_TEST

START_TEST(the_error_of_a_visitor_ends_the_dump)
{
        ck_assert_int_eq(sock_diag_dump(diag, SOCK_STATES_ALL, 0, on_socket_failing, NULL), -ECANCELED);
        ck_assert_int_eq(dump(), 0);
        ck_assert_uint_eq(sock_diag_reopens(diag), 1);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("sock-diag");
        TCase *dumping = tcase_create("dumping");

        tcase_add_checked_fixture(dumping, setup, teardown);
        tcase_add_test(dumping, states_and_extensions_are_asked_for_as_given);
        tcase_add_test(dumping, a_dump_goes_on_over_many_datagrams);
        tcase_add_test(dumping, the_socket_is_kept_between_dumps);
        tcase_add_test(dumping, a_signal_does_not_end_a_dump);
        tcase_add_loop_test(dumping, a_failure_to_receive_is_told, 0, ELEMENTSOF(receive_cases));
        tcase_add_test(dumping, after_an_error_the_next_dump_uses_a_fresh_socket);
        tcase_add_test(dumping, an_interrupted_dump_is_an_error);
        tcase_add_test(dumping, the_error_of_a_visitor_ends_the_dump);
        suite_add_tcase(suite, dumping);

        return suite_main(suite);
}
