/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

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

static void begin(const FakeSocket *sockets, size_t n, Walk walk) {
        usec_t realtime_usec = sample->realtime_usec + USEC_PER_SEC;

        fake_kernel.sockets = sockets;
        fake_kernel.n_sockets = n;
        if (!state)
                ck_assert_int_eq(tcp_collector.open(&stage.context, &state), 0);
        stage_begin(sample->boottime_usec + USEC_PER_SEC);
        stage.context.walk = walk;
        sample->realtime_usec = realtime_usec;
}

static int collect_walk(const FakeSocket *sockets, size_t n, Walk walk) {
        begin(sockets, n, walk);
        return tcp_collector.collect(state, sample);
}

static int collect(const FakeSocket *sockets, size_t n) {
        return collect_walk(sockets, n, WALK_ALL);
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

/* ---- walks that do not come with every sample ---- */

static const FakeSocket before[] = {
        { .state = SOCK_STATE_ESTABLISHED, .receive_queue = 5, .port = 40000, .peer_port = 443 },
        { .state = SOCK_STATE_TIME_WAIT, .port = 40001, .peer_port = 443 },
        { .state = SOCK_STATE_CLOSE_WAIT, .port = 40002, .peer_port = 443 },
        { .state = SOCK_STATE_BOUND_INACTIVE, .port = 40003 },
};

static const FakeSocket after[] = {
        { .state = SOCK_STATE_CLOSE_WAIT, .port = 40002, .peer_port = 443 },
        { .state = SOCK_STATE_CLOSE_WAIT, .port = 40003, .peer_port = 443 },
        { .state = SOCK_STATE_SYN_SENT, .port = 40004, .peer_port = 443 },
};

static const UnitRow *unattributed(void) {
        return &units_unattributed(stage.context.units)->row;
}

START_TEST(each_walk_asks_for_its_states)
{
        static const uint32_t states[_WALKS] = {
                [WALK_RARE] = 0xfbc, [WALK_FULL] = 0xffe, [WALK_ALL] = 0x2ffe
        };

        ck_assert_int_eq(collect(before, ELEMENTSOF(before)), 0);
        for (Walk walk = WALK_RARE; walk < _WALKS; walk++) {
                ck_assert_int_eq(collect_walk(before, ELEMENTSOF(before), walk), 0);
                ck_assert_uint_eq(fake_kernel.states, states[walk]);
        }
}
END_TEST

START_TEST(without_a_walk_the_last_one_is_told_again)
{
        unsigned n_requests;

        ck_assert_int_eq(collect(before, ELEMENTSOF(before)), 0);
        n_requests = fake_kernel.n_requests;
        for (unsigned i = 0; i < 100; i++) {
                ck_assert_int_eq(collect_walk(after, ELEMENTSOF(after), WALK_NONE), 0);
                ck_assert_uint_eq(sample->values[VALUE_TCP_ESTABLISHED], 1);
                ck_assert_uint_eq(sample->values[VALUE_TCP_CLOSE_WAIT], 1);
                ck_assert_uint_eq(sample->values[VALUE_TCP_RECEIVE_QUEUE_BYTES], 5);
                ck_assert_uint_eq(sample->values[VALUE_TCP_BOUND_INACTIVE], 1);
                ck_assert_uint_eq(unattributed()->states[STATE_CLOSE_WAIT], 1);
                ck_assert_uint_eq(sample->values[VALUE_TCP_RARE_STATES_USEC], USEC_PER_SEC);
                ck_assert_uint_eq(sample->values[VALUE_TCP_FULL_WALK_USEC], USEC_PER_SEC);
                ck_assert_uint_eq(sample->values[VALUE_TCP_ESTABLISHED_USEC], USEC_PER_SEC);
        }
        ck_assert_uint_eq(fake_kernel.n_requests, n_requests);
}
END_TEST

START_TEST(when_a_walk_was_made_moves_with_the_clock_that_is_set)
{
        ck_assert_int_eq(collect(before, ELEMENTSOF(before)), 0);
        sample->realtime_usec += USEC_PER_HOUR;
        ck_assert_int_eq(collect_walk(after, ELEMENTSOF(after), WALK_NONE), 0);
        ck_assert_uint_eq(sample->values[VALUE_TCP_RARE_STATES_USEC], USEC_PER_HOUR + USEC_PER_SEC);
        ck_assert_uint_eq(sample->values[VALUE_TCP_FULL_WALK_USEC], USEC_PER_HOUR + USEC_PER_SEC);
        ck_assert_uint_eq(sample->values[VALUE_TCP_BOUND_INACTIVE_USEC], USEC_PER_HOUR + USEC_PER_SEC);
        ck_assert_uint_eq(sample->realtime_usec, USEC_PER_HOUR + 2 * USEC_PER_SEC);
}
END_TEST

START_TEST(a_rare_walk_counts_its_states_and_leaves_the_others)
{
        ck_assert_int_eq(collect(before, ELEMENTSOF(before)), 0);
        ck_assert_int_eq(collect_walk(after, ELEMENTSOF(after), WALK_RARE), 0);

        ck_assert_uint_eq(sample->values[VALUE_TCP_ESTABLISHED], 1);
        ck_assert_uint_eq(sample->values[VALUE_TCP_TIME_WAIT], 1);
        ck_assert_uint_eq(sample->values[VALUE_TCP_BOUND_INACTIVE], 1);
        ck_assert_uint_eq(sample->values[VALUE_TCP_RECEIVE_QUEUE_BYTES], 5);
        ck_assert_uint_eq(sample->values[VALUE_TCP_CLOSE_WAIT], 2);
        ck_assert_uint_eq(sample->values[VALUE_TCP_SYN_SENT], 1);
        ck_assert_uint_eq(unattributed()->states[STATE_ESTABLISHED], 1);
        ck_assert_uint_eq(unattributed()->states[STATE_CLOSE_WAIT], 2);
        ck_assert_uint_eq(unattributed()->receive_queue_bytes, 5);

        ck_assert_uint_eq(sample->values[VALUE_TCP_RARE_STATES_USEC], 2 * USEC_PER_SEC);
        ck_assert_uint_eq(sample->values[VALUE_TCP_ESTABLISHED_USEC], USEC_PER_SEC);
        ck_assert_uint_eq(sample->values[VALUE_TCP_TIME_WAIT_USEC], USEC_PER_SEC);
        ck_assert_uint_eq(sample->values[VALUE_TCP_FULL_WALK_USEC], USEC_PER_SEC);
        ck_assert_uint_eq(sample->values[VALUE_TCP_BOUND_INACTIVE_USEC], USEC_PER_SEC);
}
END_TEST

START_TEST(a_full_walk_leaves_what_is_bound_alone)
{
        ck_assert_int_eq(collect(before, ELEMENTSOF(before)), 0);
        ck_assert_int_eq(collect_walk(after, ELEMENTSOF(after), WALK_FULL), 0);
        ck_assert_uint_eq(sample->values[VALUE_TCP_ESTABLISHED], 0);
        ck_assert_uint_eq(sample->values[VALUE_TCP_RECEIVE_QUEUE_BYTES], 0);
        ck_assert_uint_eq(sample->values[VALUE_TCP_BOUND_INACTIVE], 1);
        ck_assert_uint_eq(sample->values[VALUE_TCP_FULL_WALK_USEC], 2 * USEC_PER_SEC);
        ck_assert_uint_eq(sample->values[VALUE_TCP_BOUND_INACTIVE_USEC], USEC_PER_SEC);
}
END_TEST

START_TEST(before_the_first_full_walk_nothing_is_told)
{
        ck_assert_int_eq(collect_walk(before, ELEMENTSOF(before), WALK_NONE), -ENODATA);
        ck_assert_int_eq(collect_walk(before, ELEMENTSOF(before), WALK_RARE), -ENODATA);
        ck_assert_int_eq(collect_walk(before, ELEMENTSOF(before), WALK_FULL), 0);
        ck_assert(!sample_has(sample, VALUE_TCP_BOUND_INACTIVE));
        ck_assert(!sample_has(sample, VALUE_TCP_BOUND_INACTIVE_USEC));
        ck_assert_int_eq(collect_walk(before, ELEMENTSOF(before), WALK_RARE), 0);
}
END_TEST

START_TEST(a_rare_walk_that_fails_is_made_good_by_the_next)
{
        ck_assert_int_eq(collect(before, ELEMENTSOF(before)), 0);
        fake_kernel.end_error = -ENOBUFS;
        ck_assert_int_eq(collect_walk(after, ELEMENTSOF(after), WALK_RARE), -ENOBUFS);
        fake_kernel.end_error = 0;
        ck_assert_int_eq(collect_walk(after, ELEMENTSOF(after), WALK_NONE), -ENOBUFS);
        ck_assert_int_eq(collect_walk(after, ELEMENTSOF(after), WALK_RARE), 0);
        ck_assert_uint_eq(sample->values[VALUE_TCP_CLOSE_WAIT], 2);
        ck_assert_uint_eq(sample->values[VALUE_TCP_ESTABLISHED], 1);
        ck_assert_uint_eq(unattributed()->states[STATE_CLOSE_WAIT], 2);
}
END_TEST

START_TEST(a_full_walk_that_fails_is_made_good_by_a_full_one)
{
        ck_assert_int_eq(collect(before, ELEMENTSOF(before)), 0);
        fake_kernel.end_error = -ENOBUFS;
        ck_assert_int_eq(collect_walk(after, ELEMENTSOF(after), WALK_FULL), -ENOBUFS);
        fake_kernel.end_error = 0;
        ck_assert_int_eq(collect_walk(after, ELEMENTSOF(after), WALK_RARE), -ENOBUFS);
        ck_assert_int_eq(collect_walk(after, ELEMENTSOF(after), WALK_FULL), 0);
        ck_assert_uint_eq(sample->values[VALUE_TCP_CLOSE_WAIT], 2);
}
END_TEST

/* What the kernel counts: ESTABLISHED and CLOSE_WAIT, and mini-sockets. */
static void set_counters(uint64_t established, uint64_t time_wait) {
        char text[256];

        (void)snprintf(text, sizeof text,
                       "Tcp: ActiveOpens PassiveOpens CurrEstab\nTcp: 70 30 %" PRIu64 "\n", established);
        folder_write_text(&stage.folder, "net/snmp", text);
        (void)snprintf(text, sizeof text, "TCP: inuse 9 tw %" PRIu64 "\n", time_wait);
        folder_write_text(&stage.folder, "net/sockstat", text);
        sample_set(sample, VALUE_TCP_ACTIVE_OPENS, 70);
        sample_set(sample, VALUE_TCP_PASSIVE_OPENS, 30);
        sample_set(sample, VALUE_TCP_CURRENT_ESTABLISHED, established);
        sample_set(sample, VALUE_TCP_TIME_WAIT_ALLOCATED, time_wait);
}

/* By a kernel that counts ESTABLISHED alone in CurrEstab, and by one that counts CLOSE_WAIT with it.
 * Debian's 6.1 is one of the latter by now: an older one is not to be had for a test. */
START_TEST(between_walks_the_kernel_counts_what_is_established_and_in_time_wait)
{
        const uint64_t n_counted_too = (uint64_t)_i;
        static const FakeSocket sockets[] = {
                { .state = SOCK_STATE_ESTABLISHED, .peer_port = 443 },
                { .state = SOCK_STATE_TIME_WAIT, .peer_port = 443, .timer = 3 },
                { .state = SOCK_STATE_CLOSE_WAIT, .peer_port = 443 },
                { .state = SOCK_STATE_FIN_WAIT2, .peer_port = 443, .timer = 3 },
                { .state = SOCK_STATE_FIN_WAIT2, .peer_port = 443, .timer = 2 },
        };

        begin(sockets, ELEMENTSOF(sockets), WALK_ALL);
        set_counters(1 + n_counted_too, 2);
        ck_assert_int_eq(tcp_collector.collect(state, sample), 0);
        ck_assert_uint_eq(sample->values[VALUE_TCP_ESTABLISHED], 1);

        begin(sockets, ELEMENTSOF(sockets), WALK_NONE);
        set_counters(11 + n_counted_too, 22);
        ck_assert_int_eq(tcp_collector.collect(state, sample), 0);
        ck_assert_uint_eq(sample->values[VALUE_TCP_ESTABLISHED], 11);
        ck_assert_uint_eq(sample->values[VALUE_TCP_TIME_WAIT], 21);

        /* What the counters have of other states is of the last walk. Where it is nothing, they are of now;
         * mini-sockets that stand for FIN_WAIT2 are among them always. */
        ck_assert_uint_eq(sample->values[VALUE_TCP_ESTABLISHED_USEC],
                          (n_counted_too ? 1 : 2) * USEC_PER_SEC);
        ck_assert_uint_eq(sample->values[VALUE_TCP_TIME_WAIT_USEC], USEC_PER_SEC);
        ck_assert_uint_eq(sample->values[VALUE_TCP_FULL_WALK_USEC], USEC_PER_SEC);

        /* By unit it is the last walk that counts. */
        ck_assert_uint_eq(unattributed()->states[STATE_ESTABLISHED], 1);
}
END_TEST

START_TEST(what_the_kernel_counts_otherwise_is_not_used)
{
        begin(before, ELEMENTSOF(before), WALK_ALL);
        set_counters(7, 9);
        ck_assert_int_eq(tcp_collector.collect(state, sample), 0);

        begin(before, ELEMENTSOF(before), WALK_NONE);
        set_counters(17, 19);
        ck_assert_int_eq(tcp_collector.collect(state, sample), 0);
        ck_assert_uint_eq(sample->values[VALUE_TCP_ESTABLISHED], 1);
        ck_assert_uint_eq(sample->values[VALUE_TCP_TIME_WAIT], 1);
        ck_assert_uint_eq(sample->values[VALUE_TCP_ESTABLISHED_USEC], USEC_PER_SEC);
}
END_TEST

static void on_pause(void *userdata) {
        unsigned *n = userdata;

        ++*n;
}

/* How many rests a walk made, while the kernel counts both. */
static unsigned rests_of_walk(const FakeSocket *sockets, size_t n, Walk walk, uint64_t n_both) {
        unsigned n_rests = 0;

        begin(sockets, n, walk);
        set_counters(n_both, 0);
        sock_diag_set_pause(stage.sources.sock_diag, on_pause, &n_rests);
        ck_assert_int_eq(tcp_collector.collect(state, sample), 0);
        return n_rests;
}

/* The shorter a walk is, the fewer connections come and go meanwhile. */
START_TEST(a_walk_rests_unless_it_is_to_tell_what_the_kernel_counts)
{
        enum { N = 1000 };
        static FakeSocket sockets[N + 1];

        for (size_t i = 0; i < N; i++)
                sockets[i] = (FakeSocket){ .state = SOCK_STATE_ESTABLISHED, .peer_port = 443 };
        sockets[N] = (FakeSocket){ .state = SOCK_STATE_CLOSE_WAIT, .peer_port = 443 };

        ck_assert_uint_gt(rests_of_walk(sockets, N, WALK_ALL, N), 0);
        ck_assert_uint_gt(rests_of_walk(sockets, N, WALK_FULL, N), 0);

        (void)rests_of_walk(sockets, N + 1, WALK_RARE, N + 1);
        ck_assert_uint_eq(rests_of_walk(sockets, N + 1, WALK_FULL, N + 1), 0);
        ck_assert_uint_gt(rests_of_walk(sockets, N + 1, WALK_FULL, N + 1), 0);
}
END_TEST

/* A server whose clients come and go always has a few that are about to close. */
START_TEST(where_more_come_and_go_than_are_in_close_wait_walks_rest)
{
        enum { N = 1000, N_OPENING = 5 };
        static FakeSocket sockets[N + 1 + N_OPENING];

        for (size_t i = 0; i < ELEMENTSOF(sockets); i++)
                sockets[i] = (FakeSocket){ .state = SOCK_STATE_SYN_SENT, .peer_port = 443 };
        for (size_t i = 0; i < N; i++)
                sockets[i].state = SOCK_STATE_ESTABLISHED;
        sockets[N].state = SOCK_STATE_CLOSE_WAIT;

        (void)rests_of_walk(sockets, N, WALK_ALL, N);
        (void)rests_of_walk(sockets, N + 1, WALK_RARE, N + 1);
        ck_assert_uint_eq(rests_of_walk(sockets, ELEMENTSOF(sockets), WALK_FULL, N + 1), 0);
        ck_assert_uint_gt(rests_of_walk(sockets, ELEMENTSOF(sockets), WALK_FULL, N + 1), 0);

        /* Fewer do: from the next one on it is tried again. */
        ck_assert_uint_gt(rests_of_walk(sockets, N, WALK_FULL, N), 0);
        (void)rests_of_walk(sockets, N + 1, WALK_RARE, N + 1);
        ck_assert_uint_eq(rests_of_walk(sockets, N + 1, WALK_FULL, N + 1), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("tcp");
        TCase *walking = tcase_create("walking");
        TCase *between = tcase_create("between");

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

        tcase_add_checked_fixture(between, setup, teardown);
        tcase_add_test(between, each_walk_asks_for_its_states);
        tcase_add_test(between, without_a_walk_the_last_one_is_told_again);
        tcase_add_test(between, when_a_walk_was_made_moves_with_the_clock_that_is_set);
        tcase_add_test(between, a_rare_walk_counts_its_states_and_leaves_the_others);
        tcase_add_test(between, a_full_walk_leaves_what_is_bound_alone);
        tcase_add_test(between, before_the_first_full_walk_nothing_is_told);
        tcase_add_test(between, a_rare_walk_that_fails_is_made_good_by_the_next);
        tcase_add_test(between, a_full_walk_that_fails_is_made_good_by_a_full_one);
        tcase_add_loop_test(between, between_walks_the_kernel_counts_what_is_established_and_in_time_wait, 0,
                            2);
        tcase_add_test(between, what_the_kernel_counts_otherwise_is_not_used);
        tcase_add_test(between, a_walk_rests_unless_it_is_to_tell_what_the_kernel_counts);
        tcase_add_test(between, where_more_come_and_go_than_are_in_close_wait_walks_rest);
        suite_add_tcase(suite, between);

        return suite_main(suite);
}
