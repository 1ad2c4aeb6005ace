/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "collect/collector.h"
#include "suite.h"
#include "unit/fake_kernel.h"
#include "unit/stage.h"

static void *state;
static Sample *const sample = &stage.sample;

static void setup(void) {
        fake_kernel = (FakeKernel){ 0 };
        state = NULL;
        stage_init();
}

static void teardown(void) {
        tcp_collector.close(state);
        stage_done();
}

static int collect(const FakeSocket *sockets, size_t n) {
        fake_kernel.sockets = sockets;
        fake_kernel.n_sockets = n;
        if (!state)
                ck_assert_int_eq(tcp_collector.open(&stage.context, &state), 0);
        stage_begin(sample->boottime_usec + USEC_PER_SEC);
        return tcp_collector.collect(state, sample);
}

START_TEST(each_state_is_counted_in_its_place)
{
        static FakeSocket sockets[14 * 13 / 2];
        size_t n = 0;

        /* As many sockets of each state as is its number. */
        for (uint8_t number = 1; number <= SOCK_STATE_BOUND_INACTIVE; number++)
                for (unsigned i = 0; i < number && number != 12; i++)
                        sockets[n++] = (FakeSocket){
                                .state = number,
                                .peer_port = number != SOCK_STATE_BOUND_INACTIVE,
                        };

        ck_assert_int_eq(collect(sockets, n), 0);
        for (unsigned number = 1; number <= 13; number++)
                if (number != 12)
                        ck_assert_uint_eq(sample->values[number], number);
        ck_assert(!sample_has(sample, 12));
}
END_TEST

START_TEST(a_state_without_sockets_is_0)
{
        ck_assert_int_eq(collect(NULL, 0), 0);
        for (unsigned number = 1; number <= 13; number++) {
                ck_assert_int_eq(sample_has(sample, number), number != 12);
                ck_assert_uint_eq(sample->values[number], 0);
        }
}
END_TEST

START_TEST(bound_sockets_are_not_asked_for_where_the_kernel_has_none)
{
        fake_kernel.is_old = true;
        ck_assert_int_eq(collect(NULL, 0), 0);
        ck_assert_uint_eq(fake_kernel.states, 0xffe);
        ck_assert(!sample_has(sample, VALUE_TCP_BOUND_INACTIVE));
        ck_assert(sample_has(sample, VALUE_TCP_CLOSING));
}
END_TEST

START_TEST(every_state_is_asked_for_by_name)
{
        ck_assert_int_eq(collect(NULL, 0), 0);
        ck_assert_uint_eq(fake_kernel.states, 0x2ffe);
        ck_assert_uint_eq(fake_kernel.extensions, 0);
}
END_TEST

START_TEST(queues_of_listeners_are_not_bytes)
{
        static const FakeSocket sockets[] = {
                { .state = SOCK_STATE_LISTEN, .receive_queue = 1000, .send_queue = 4096 },
                { .state = SOCK_STATE_ESTABLISHED, .receive_queue = UINT32_MAX, .send_queue = 5 },
                { .state = SOCK_STATE_CLOSE_WAIT, .receive_queue = UINT32_MAX, .send_queue = 6 },
        };

        ck_assert_int_eq(collect(sockets, ELEMENTSOF(sockets)), 0);
        ck_assert_uint_eq(sample->values[VALUE_TCP_RECEIVE_QUEUE_BYTES], 2 * (uint64_t)UINT32_MAX);
        ck_assert_uint_eq(sample->values[VALUE_TCP_SEND_QUEUE_BYTES], 11);
}
END_TEST

START_TEST(a_socket_retransmits_when_its_timer_has_run_out)
{
        static const FakeSocket sockets[] = {
                { .state = SOCK_STATE_ESTABLISHED, .timer = 1, .retransmits = 3 },
                { .state = SOCK_STATE_ESTABLISHED, .timer = 1 },                   /* waits for an answer */
                { .state = SOCK_STATE_ESTABLISHED, .timer = 4, .retransmits = 3 }, /* probes a window */
                { .state = SOCK_STATE_ESTABLISHED },
        };

        ck_assert_int_eq(collect(sockets, ELEMENTSOF(sockets)), 0);
        ck_assert_uint_eq(sample->values[VALUE_TCP_RETRANSMITTING], 1);
}
END_TEST

START_TEST(each_walk_begins_at_0)
{
        static const FakeSocket socket = { .state = SOCK_STATE_ESTABLISHED, .receive_queue = 5 };

        for (unsigned i = 0; i < 3; i++) {
                ck_assert_int_eq(collect(&socket, 1), 0);
                ck_assert_uint_eq(sample->values[VALUE_TCP_ESTABLISHED], 1);
                ck_assert_uint_eq(sample->values[VALUE_TCP_RECEIVE_QUEUE_BYTES], 5);
        }
}
END_TEST

START_TEST(a_dump_that_fails_tells_nothing)
{
        static const FakeSocket socket = { .state = SOCK_STATE_ESTABLISHED };

        ck_assert_int_eq(collect(&socket, 1), 0);
        fake_kernel.flags = NLM_F_DUMP_INTR;
        ck_assert_int_eq(collect(&socket, 1), -EAGAIN);
        ck_assert(!sample_has(sample, VALUE_TCP_ESTABLISHED));
        fake_kernel.flags = 0;
        ck_assert_int_eq(collect(&socket, 1), 0);
        ck_assert_uint_eq(sample->values[VALUE_TCP_ESTABLISHED], 1);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("tcp");
        TCase *walking = tcase_create("walking");

        tcase_add_checked_fixture(walking, setup, teardown);
        tcase_add_test(walking, each_state_is_counted_in_its_place);
        tcase_add_test(walking, a_state_without_sockets_is_0);
        tcase_add_test(walking, bound_sockets_are_not_asked_for_where_the_kernel_has_none);
        tcase_add_test(walking, every_state_is_asked_for_by_name);
        tcase_add_test(walking, queues_of_listeners_are_not_bytes);
        tcase_add_test(walking, a_socket_retransmits_when_its_timer_has_run_out);
        tcase_add_test(walking, each_walk_begins_at_0);
        tcase_add_test(walking, a_dump_that_fails_tells_nothing);
        suite_add_tcase(suite, walking);

        return suite_main(suite);
}
