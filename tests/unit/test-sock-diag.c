/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>

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

static int on_unix(const UnixView *socket, void *userdata) {
        n_visited++;
        return 0;
}

static int on_unix_failing(const UnixView *socket, void *userdata) {
        return -ECANCELED;
}

static int ask_tcp(bool fails) {
        return sock_diag_dump(diag, SOCK_STATES_ALL, 0, fails ? on_socket_failing : on_socket, NULL);
}

static int ask_udp4(bool fails) {
        return sock_diag_dump_udp(diag, AF_INET, fails ? on_socket_failing : on_socket, NULL);
}

static int ask_udp6(bool fails) {
        return sock_diag_dump_udp(diag, AF_INET6, fails ? on_socket_failing : on_socket, NULL);
}

static int ask_unix(bool fails) {
        return sock_diag_dump_unix(diag, SOCK_STATES_ALL, fails ? on_unix_failing : on_unix, NULL);
}

/* Each question, and a socket that answers it. */
static const struct {
        int (*ask)(bool visitor_fails);
        FakeSocket socket;
        FakeUnix unix_socket;
} questions[] = {
        { ask_tcp, .socket = { .state = SOCK_STATE_ESTABLISHED, .peer_port = 1 } },
        { ask_udp4, .socket = { .protocol = IPPROTO_UDP, .state = SOCK_STATE_CLOSE } },
        { ask_udp6, .socket = { .family = AF_INET6, .protocol = IPPROTO_UDP, .state = SOCK_STATE_CLOSE } },
        { ask_unix, .unix_socket = { .state = SOCK_STATE_LISTEN } },
};

#define N_MANY 1000
static FakeSocket many_sockets[N_MANY];
static FakeUnix many_unix_sockets[N_MANY];

static void setup(void) {
        fake_kernel = (FakeKernel){ 0 };
        n_visited = 0;
        ck_assert_int_eq(sock_diag_new(&diag), 0);
}

static void teardown(void) {
        diag = sock_diag_free(diag);
}

/* Gives the kernel so many sockets that answer a question. */
static void make_sockets(int question, size_t n) {
        ck_assert_uint_le(n, N_MANY);
        for (size_t i = 0; i < n; i++) {
                many_sockets[i] = questions[question].socket;
                many_unix_sockets[i] = questions[question].unix_socket;
        }

        if (questions[question].unix_socket.state) {
                fake_kernel.unix_sockets = many_unix_sockets;
                fake_kernel.n_unix_sockets = n;
        } else {
                fake_kernel.sockets = many_sockets;
                fake_kernel.n_sockets = n;
        }
}

/* ---- what is asked ---- */

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

START_TEST(udp_sockets_are_asked_for_with_their_memory)
{
        static const uint8_t families[] = { AF_INET, AF_INET6 };

        for (size_t i = 0; i < ELEMENTSOF(families); i++) {
                ck_assert_int_eq(sock_diag_dump_udp(diag, families[i], on_socket, NULL), 0);
                ck_assert_uint_eq(fake_kernel.family, families[i]);
                ck_assert_uint_eq(fake_kernel.protocol, IPPROTO_UDP);
                ck_assert_uint_eq(fake_kernel.states, 1 << 7 | 1 << 1);
                ck_assert_uint_eq(fake_kernel.extensions, 1 << 6);
        }
}
END_TEST

START_TEST(unix_sockets_are_asked_for_with_names_and_queues)
{
        ck_assert_int_eq(sock_diag_dump_unix(diag, SOCK_STATE_MASK(SOCK_STATE_LISTEN), on_unix, NULL), 0);
        ck_assert_uint_eq(fake_kernel.family, AF_UNIX);
        ck_assert_uint_eq(fake_kernel.states, 1 << 10);
        ck_assert_uint_eq(fake_kernel.show, UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN);
}
END_TEST

/* ---- what is visited ---- */

static int keep_state(const SockView *socket, void *userdata) {
        SockState *state = userdata;

        *state = socket->state;
        return 0;
}

START_TEST(a_bound_udp_socket_is_closed_and_one_of_tcp_bound_and_nothing_more)
{
        static const FakeSocket sockets[] = {
                { .protocol = IPPROTO_UDP, .state = SOCK_STATE_CLOSE, .port = 53 },
                { .state = SOCK_STATE_BOUND_INACTIVE, .port = 80 },
        };
        SockState state = 0;

        fake_kernel.sockets = sockets;
        fake_kernel.n_sockets = ELEMENTSOF(sockets);

        ck_assert_int_eq(sock_diag_dump_udp(diag, AF_INET, keep_state, &state), 0);
        ck_assert_int_eq(state, SOCK_STATE_CLOSE);
        ck_assert_int_eq(sock_diag_dump(diag, SOCK_STATE_MASK(SOCK_STATE_BOUND_INACTIVE), 0, keep_state,
                                        &state),
                         0);
        ck_assert_int_eq(state, SOCK_STATE_BOUND_INACTIVE);
}
END_TEST

static int check_unix(const UnixView *socket, void *userdata) {
        const FakeUnix *told = userdata;

        ck_assert_uint_eq(socket->name_size, told->name_size - 1);
        ck_assert_mem_eq(socket->name, told->name, socket->name_size);
        ck_assert_uint_eq(socket->length, told->length);
        ck_assert_uint_eq(socket->limit, told->limit);
        return on_unix(socket, NULL);
}

START_TEST(a_unix_listener_is_visited_with_name_and_queue)
{
        static FakeUnix socket = {
                .state = SOCK_STATE_LISTEN, .name = "/run/a", .name_size = 7, .length = 4, .limit = 3
        };

        fake_kernel.unix_sockets = &socket;
        fake_kernel.n_unix_sockets = 1;
        ck_assert_int_eq(sock_diag_dump_unix(diag, SOCK_STATES_ALL, check_unix, &socket), 0);
        ck_assert_uint_eq(n_visited, 1);
}
END_TEST

START_TEST(all_questions_go_over_one_socket)
{
        for (size_t round = 0; round < 3; round++)
                for (size_t i = 0; i < ELEMENTSOF(questions); i++)
                        ck_assert_int_eq(questions[i].ask(false), 0);
        ck_assert_uint_eq(fake_kernel.n_requests, 3 * ELEMENTSOF(questions));
        ck_assert_uint_eq(sock_diag_reopens(diag), 0);
}
END_TEST

/* ---- of each question ---- */

START_TEST(a_dump_goes_on_over_many_datagrams)
{
        make_sockets(_i, N_MANY);
        ck_assert_int_eq(questions[_i].ask(false), 0);
        ck_assert_uint_eq(n_visited, N_MANY);
}
END_TEST

typedef struct Pauses {
        unsigned n;
        unsigned n_visited; /* before the last one */
} Pauses;

static void on_pause(void *userdata) {
        Pauses *pauses = userdata;

        ck_assert_uint_gt(n_visited, pauses->n_visited);
        *pauses = (Pauses){ .n = pauses->n + 1, .n_visited = n_visited };
}

START_TEST(one_may_rest_between_the_datagrams_of_a_dump)
{
        Pauses pauses = { 0 };

        sock_diag_set_pause(diag, on_pause, &pauses);
        make_sockets(_i, 1);
        ck_assert_int_eq(questions[_i].ask(false), 0);
        ck_assert_uint_eq(pauses.n, 0);

        n_visited = 0;
        make_sockets(_i, N_MANY);
        ck_assert_int_eq(questions[_i].ask(false), 0);
        ck_assert_uint_gt(pauses.n, 0);
        ck_assert_uint_lt(pauses.n, N_MANY / 10);

        sock_diag_set_pause(diag, NULL, NULL);
        pauses.n = 0;
        ck_assert_int_eq(questions[_i].ask(false), 0);
        ck_assert_uint_eq(pauses.n, 0);
}
END_TEST

START_TEST(the_socket_is_kept_between_dumps)
{
        make_sockets(_i, 1);
        for (unsigned i = 1; i <= 3; i++) {
                ck_assert_int_eq(questions[_i].ask(false), 0);
                ck_assert_uint_eq(n_visited, i);
        }
        ck_assert_uint_eq(sock_diag_reopens(diag), 0);
}
END_TEST

START_TEST(a_signal_does_not_end_a_dump)
{
        make_sockets(_i, 1);
        fake_kernel.n_interrupts = 3;
        ck_assert_int_eq(questions[_i].ask(false), 0);
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
        make_sockets(_i, N_MANY);
        for (size_t i = 0; i < ELEMENTSOF(receive_cases); i++) {
                n_visited = 0;
                fake_kernel.n_received_before = 1;
                fake_kernel.receive_errno = receive_cases[i].receive_errno;
                ck_assert_int_eq(questions[_i].ask(false), receive_cases[i].result);
                ck_assert_uint_gt(n_visited, 0);
                ck_assert_uint_lt(n_visited, N_MANY);
        }
}
END_TEST

START_TEST(after_an_error_the_next_dump_uses_a_fresh_socket)
{
        make_sockets(_i, 1);
        fake_kernel.end_error = -ENOENT;
        ck_assert_int_eq(questions[_i].ask(false), -ENOENT);
        ck_assert_int_eq(questions[_i].ask(false), -ENOENT);
        ck_assert_uint_eq(sock_diag_reopens(diag), 1);

        fake_kernel.end_error = 0;
        ck_assert_int_eq(questions[_i].ask(false), 0);
        ck_assert_uint_eq(sock_diag_reopens(diag), 2);
        ck_assert_int_eq(questions[_i].ask(false), 0);
        ck_assert_uint_eq(sock_diag_reopens(diag), 2);
}
END_TEST

START_TEST(after_an_error_another_question_uses_a_fresh_socket_too)
{
        size_t other = ((size_t)_i + 1) % ELEMENTSOF(questions);

        fake_kernel.end_error = -ENOENT;
        ck_assert_int_eq(questions[_i].ask(false), -ENOENT);
        fake_kernel.end_error = 0;
        ck_assert_int_eq(questions[other].ask(false), 0);
        ck_assert_uint_eq(sock_diag_reopens(diag), 1);
}
END_TEST

START_TEST(an_interrupted_dump_is_an_error)
{
        make_sockets(_i, 1);
        fake_kernel.flags = NLM_F_DUMP_INTR;
        ck_assert_int_eq(questions[_i].ask(false), -EAGAIN);
        fake_kernel.flags = 0;
        ck_assert_int_eq(questions[_i].ask(false), 0);
        ck_assert_uint_eq(sock_diag_reopens(diag), 1);
}
END_TEST

START_TEST(the_error_of_a_visitor_ends_the_dump)
{
        make_sockets(_i, 1);
        ck_assert_int_eq(questions[_i].ask(true), -ECANCELED);
        ck_assert_int_eq(questions[_i].ask(false), 0);
        ck_assert_uint_eq(sock_diag_reopens(diag), 1);
}
END_TEST

#ifndef TEST_WITHOUT_ASSERTS
START_TEST(udp_sockets_of_no_family_are_a_bug)
{ (void)!sock_diag_dump_udp(diag, AF_UNSPEC, on_socket, NULL); }
END_TEST
#endif

int main(void) {
        Suite *suite = suite_create("sock-diag");
        TCase *asking = tcase_create("asking");
        TCase *each = tcase_create("each question");
        int n = (int)ELEMENTSOF(questions);

        tcase_add_checked_fixture(asking, setup, teardown);
        tcase_add_test(asking, states_and_extensions_are_asked_for_as_given);
        tcase_add_test(asking, udp_sockets_are_asked_for_with_their_memory);
        tcase_add_test(asking, unix_sockets_are_asked_for_with_names_and_queues);
        tcase_add_test(asking, a_bound_udp_socket_is_closed_and_one_of_tcp_bound_and_nothing_more);
        tcase_add_test(asking, a_unix_listener_is_visited_with_name_and_queue);
        tcase_add_test(asking, all_questions_go_over_one_socket);
#ifndef TEST_WITHOUT_ASSERTS
        tcase_add_test_raise_signal(asking, udp_sockets_of_no_family_are_a_bug, SIGABRT);
#endif
        suite_add_tcase(suite, asking);

        tcase_add_checked_fixture(each, setup, teardown);
        tcase_add_loop_test(each, a_dump_goes_on_over_many_datagrams, 0, n);
        tcase_add_loop_test(each, one_may_rest_between_the_datagrams_of_a_dump, 0, n);
        tcase_add_loop_test(each, the_socket_is_kept_between_dumps, 0, n);
        tcase_add_loop_test(each, a_signal_does_not_end_a_dump, 0, n);
        tcase_add_loop_test(each, a_failure_to_receive_is_told, 0, n);
        tcase_add_loop_test(each, after_an_error_the_next_dump_uses_a_fresh_socket, 0, n);
        tcase_add_loop_test(each, after_an_error_another_question_uses_a_fresh_socket_too, 0, n);
        tcase_add_loop_test(each, an_interrupted_dump_is_an_error, 0, n);
        tcase_add_loop_test(each, the_error_of_a_visitor_ends_the_dump, 0, n);
        suite_add_tcase(suite, each);

        return suite_main(suite);
}
