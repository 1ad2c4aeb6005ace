/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What no kernel can be made to show in a test: a listener with billions of drops
 *
 * The kernel's number has 32 bits, and it would take days to reach their end. So
 * this program, and it alone, puts a SockDiag of its own in place of the product's
 * and runs the collector over what it makes up. It needs no namespace.
 */

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "collect/collector.h"
#include "suite.h"

/* Defined here, these keep the linker from taking sock_diag.c out of the library. */

struct SockDiag {
        size_t n;
        struct {
                uint64_t cookie;
                uint32_t drops;
        } sockets[4];
};

int sock_diag_new(SockDiag **ret) {
        return -ENOSYS;
}

SockDiag *sock_diag_free(SockDiag *diag) {
        return NULL;
}

uint64_t sock_diag_reopens(const SockDiag *diag) {
        return 0;
}

int sock_diag_dump(SockDiag *diag, uint32_t states, uint8_t extensions, sock_diag_fn visit, void *userdata) {
        ck_assert_uint_eq(states, SOCK_STATE_MASK(SOCK_STATE_LISTEN));
        ck_assert_uint_eq(extensions, SOCK_EXTENSION_MEMORY);

        for (size_t i = 0; i < diag->n; i++) {
                struct inet_diag_msg message = {
                        .idiag_family = AF_INET,
                        .idiag_state = SOCK_STATE_LISTEN,
                        .id.idiag_sport = htons(80),
                        .id.idiag_cookie = { (uint32_t)diag->sockets[i].cookie,
                                             (uint32_t)(diag->sockets[i].cookie >> 32) },
                };
                SockView view = {
                        .message = &message,
                        .state = SOCK_STATE_LISTEN,
                        .drops = diag->sockets[i].drops,
                        .has_drops = true,
                };
                int r = visit(&view, userdata);

                if (r < 0)
                        return r;
        }

        return 0;
}

static SockDiag diag;
static Sources sources;
static void *listen_state;
static Sample *sample;

static void setup(void) {
        sources = (Sources){ .sock_diag = &diag, .proc_fd = -1, .sys_fd = -1 };
        sample = calloc(1, sizeof *sample);
        ck_assert_ptr_nonnull(sample);
        ck_assert_int_eq(listen_collector.open(&sources, &listen_state), 0);
}

static void teardown(void) {
        listen_collector.close(listen_state);
        free(sample);
}

static uint64_t drops(void) {
        sample_clear(sample);
        ck_assert_int_eq(listen_collector.collect(listen_state, sample), 0);
        ck_assert_uint_eq(sample->n_listeners, 1);
        return sample->listeners[0].drops;
}

START_TEST(drops_go_on_beyond_32_bits)
{
        diag = (SockDiag){ .n = 1, .sockets = { { 7, UINT32_MAX - 1 } } };
        ck_assert_uint_eq(drops(), UINT32_MAX - UINT64_C(1));

        diag.sockets[0].drops = UINT32_MAX;
        ck_assert_uint_eq(drops(), UINT32_MAX);
        diag.sockets[0].drops = 0;
        ck_assert_uint_eq(drops(), UINT32_MAX + UINT64_C(1));
        diag.sockets[0].drops = 41;
        ck_assert_uint_eq(drops(), UINT32_MAX + UINT64_C(42));

        /* And once more. */
        diag.sockets[0].drops = UINT32_MAX;
        ck_assert_uint_eq(drops(), 2 * (uint64_t)UINT32_MAX + 1);
        diag.sockets[0].drops = 3;
        ck_assert_uint_eq(drops(), 2 * (uint64_t)UINT32_MAX + 5);
}
END_TEST

START_TEST(siblings_wrap_each_for_itself)
{
        diag = (SockDiag){ .n = 3, .sockets = { { 9, 100 }, { 7, UINT32_MAX }, { UINT64_C(1) << 40, 5 } } };
        ck_assert_uint_eq(drops(), UINT32_MAX + UINT64_C(105));

        diag.sockets[0].drops = 101;
        diag.sockets[1].drops = 9;
        diag.sockets[2].drops = 5;
        ck_assert_uint_eq(drops(), UINT32_MAX + UINT64_C(105) + 1 + 10);
}
END_TEST

START_TEST(a_new_socket_with_few_drops_is_not_one_that_wrapped)
{
        diag = (SockDiag){ .n = 1, .sockets = { { 7, 1000 } } };
        ck_assert_uint_eq(drops(), 1000);

        diag = (SockDiag){ .n = 1, .sockets = { { 8, 3 } } };
        ck_assert_uint_eq(drops(), 1003);

        /* Whether its number is the greater or the smaller one. */
        diag = (SockDiag){ .n = 1, .sockets = { { 6, 2 } } };
        ck_assert_uint_eq(drops(), 1005);
}
END_TEST

START_TEST(a_socket_that_was_away_goes_on_from_where_it_was)
{
        diag = (SockDiag){ .n = 2, .sockets = { { 7, UINT32_MAX }, { 8, 10 } } };
        ck_assert_uint_eq(drops(), UINT32_MAX + UINT64_C(10));

        /* Away, for a new one; then again, further on; then back for good. */
        for (unsigned i = 0; i < 3; i++) {
                diag = (SockDiag){ .n = 1, .sockets = { { 8, 10 } } };
                ck_assert_uint_eq(drops(), UINT32_MAX + UINT64_C(10) + 5 * i);
                diag = (SockDiag){ .n = 2, .sockets = { { 7, UINT32_MAX + 5 * (i + 1) }, { 8, 10 } } };
                ck_assert_uint_eq(drops(), UINT32_MAX + UINT64_C(10) + 5 * (i + 1));
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("listen-wrap");
        TCase *wrap = tcase_create("wrap");

        tcase_add_checked_fixture(wrap, setup, teardown);
        tcase_add_test(wrap, drops_go_on_beyond_32_bits);
        tcase_add_test(wrap, siblings_wrap_each_for_itself);
        tcase_add_test(wrap, a_new_socket_with_few_drops_is_not_one_that_wrapped);
        tcase_add_test(wrap, a_socket_that_was_away_goes_on_from_where_it_was);
        suite_add_tcase(suite, wrap);

        return suite_main(suite);
}
