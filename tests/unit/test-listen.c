/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "collect/collector.h"
#include "suite.h"
#include "unit/fake_kernel.h"
#include "unit/samples.h"
#include "unit/stage.h"

static void *state;
static usec_t now_usec;
static Sample *const sample = &stage.sample;

/* Sockets of one collection, as a test lists them. */
#define COLLECT(...)                                 \
        collect((const FakeSocket[]){ __VA_ARGS__ }, \
                sizeof((const FakeSocket[]){ __VA_ARGS__ }) / sizeof(FakeSocket))

#define LISTENER .state = SOCK_STATE_LISTEN

static void setup(void) {
        fake_kernel = (FakeKernel){ 0 };
        stage_init();
        now_usec = 1000 * USEC_PER_SEC;
        ck_assert_int_eq(listen_collector.open(&stage.context, &state), 0);
}

static void teardown(void) {
        listen_collector.close(state);
        stage_done();
}

/* A second later. */
static int collect(const FakeSocket *sockets, size_t n) {
        int r;

        fake_kernel.sockets = sockets;
        fake_kernel.n_sockets = n;
        stage_begin(now_usec += USEC_PER_SEC);
        r = listen_collector.collect(state, sample);
        if (r >= 0)
                ck_assert_ptr_null(sample_find_fault(sample));
        return r;
}

static const ListenerRow *row_of_port(uint16_t port) {
        for (uint32_t i = 0; i < sample->n_listeners; i++)
                if (endpoint_port(&sample->listeners[i].key.endpoint) == port)
                        return &sample->listeners[i];
        ck_abort_msg("no listener on port %u", port);
}

/* Of those that have no row of their own; NULL if there was none yet. */
static const ListenerRow *row_other(void) {
        const ListenerRow *last = &sample->listeners[sample->n_listeners - 1];

        return sample->n_listeners > 0 && endpoint_is_other(&last->key.endpoint) ? last : NULL;
}

START_TEST(a_listener_is_a_row)
{
        const ListenerRow *row;

        ck_assert_int_eq(COLLECT({ LISTENER, .address = "127.0.0.1", .port = 80, .cookie = 1,
                                   .receive_queue = 3, .send_queue = 128, .drops = 7 }),
                         0);
        ck_assert_uint_eq(fake_kernel.states, 1 << SOCK_STATE_LISTEN);
        ck_assert_uint_eq(sample->n_listeners, 1);

        row = &sample->listeners[0];
        ck_assert_uint_eq(row->key.endpoint.family, AF_INET);
        ck_assert_uint_eq(endpoint_port(&row->key.endpoint), 80);
        ck_assert_mem_eq(row->key.endpoint.address, "\x7f\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0", 16);
        ck_assert_str_eq(row->key.endpoint.device, "");
        ck_assert_str_eq(row->key.unit, UNIT_UNATTRIBUTED);
        ck_assert_str_eq(row->key.process, "");
        ck_assert_uint_eq(row->length, 3);
        ck_assert_uint_eq(row->limit, 128);
        ck_assert_uint_eq(row->worst_length, 3);
        ck_assert_uint_eq(row->worst_limit, 128);
        ck_assert_uint_eq(row->peak, 3);
        ck_assert_uint_eq(row->drops, 7);
        ck_assert_uint_eq(row->saturated_usec, 0);
        ck_assert_uint_eq(row->n_sockets, 1);
        ck_assert_uint_eq(row->is_dual_stack, 0);
        ck_assert_uint_eq(sample->values[VALUE_LISTENERS_TRUNCATED], 0);
        ck_assert(sample_has(sample, VALUE_LISTENERS_TRUNCATED));
        ck_assert(sample_has(sample, VALUE_LISTENERS_FOLDED));
        /* Connections are counted by another collector. */
        for (unsigned i = 0; i < _STATES; i++)
                ck_assert_uint_eq(row->states[i], 0);
}
END_TEST

START_TEST(a_host_without_listeners_has_no_rows)
{
        ck_assert_int_eq(collect(NULL, 0), 0);
        ck_assert_uint_eq(sample->n_listeners, 0);
        ck_assert(sample_has(sample, VALUE_LISTENERS_TRUNCATED));
}
END_TEST

START_TEST(rows_stand_in_the_order_of_their_keys)
{
        ck_assert_int_eq(COLLECT({ LISTENER, .port = 443, .cookie = 1 },
                                 { LISTENER, .family = AF_INET6, .port = 80, .cookie = 2 },
                                 { LISTENER, .port = 80, .cookie = 3 },
                                 { LISTENER, .address = "10.0.0.1", .port = 80, .cookie = 4 },
                                 { LISTENER, .port = 80, .interface = 1, .cookie = 5 }),
                         0);
        ck_assert_uint_eq(sample->n_listeners, 5);
}
END_TEST

START_TEST(a_device_is_a_part_of_the_key)
{
        ck_assert_int_eq(COLLECT({ LISTENER, .port = 80, .interface = 1, .cookie = 1 },
                                 { LISTENER, .port = 81, .interface = 4000000000, .cookie = 2 }),
                         0);
        ck_assert_str_eq(row_of_port(80)->key.endpoint.device, "lo");
        ck_assert_str_eq(row_of_port(81)->key.endpoint.device, "4000000000");
}
END_TEST

START_TEST(an_ipv6_listener_may_take_ipv4_as_well)
{
        ck_assert_int_eq(COLLECT({ LISTENER, .family = AF_INET6, .port = 80, .cookie = 1 },
                                 { LISTENER, .family = AF_INET6, .port = 81, .cookie = 2,
                                   .is_ipv6_only = true },
                                 { LISTENER, .family = AF_INET6, .address = "::ffff:192.0.2.1", .port = 82,
                                   .cookie = 3 }),
                         0);
        ck_assert_uint_eq(row_of_port(80)->is_dual_stack, 1);
        ck_assert_uint_eq(row_of_port(81)->is_dual_stack, 0);
        ck_assert_uint_eq(row_of_port(82)->is_dual_stack, 0);
}
END_TEST

START_TEST(sockets_that_share_a_port_are_one_row)
{
        const ListenerRow *row;

        ck_assert_int_eq(COLLECT({ LISTENER, .port = 80, .cookie = 3, .receive_queue = 5, .send_queue = 100,
                                   .drops = 1 },
                                 { LISTENER, .port = 80, .cookie = 1, .receive_queue = 9, .send_queue = 10,
                                   .drops = 20 },
                                 { LISTENER, .port = 80, .cookie = 2, .receive_queue = 50,
                                   .send_queue = 1000, .drops = 300 }),
                         0);
        ck_assert_uint_eq(sample->n_listeners, 1);
        row = &sample->listeners[0];
        ck_assert_uint_eq(row->n_sockets, 3);
        ck_assert_uint_eq(row->length, 64);
        ck_assert_uint_eq(row->limit, 1110);
        ck_assert_uint_eq(row->worst_length, 9);
        ck_assert_uint_eq(row->worst_limit, 10);
        ck_assert_uint_eq(row->peak, 64);
        ck_assert_uint_eq(row->drops, 321);
}
END_TEST

/* ---- whose they are ---- */

START_TEST(a_listener_is_of_the_unit_of_its_cgroup)
{
        uint64_t one = stage_add_service("one.service"), two = stage_add_service("two.service");

        ck_assert_int_eq(COLLECT({ LISTENER, .port = 80, .cookie = 1, .cgroup_id = two },
                                 { LISTENER, .port = 81, .cookie = 2, .cgroup_id = one },
                                 { LISTENER, .port = 82, .cookie = 3, .cgroup_id = 1 },
                                 { LISTENER, .port = 83, .cookie = 4 }),
                         0);
        ck_assert_str_eq(row_of_port(80)->key.unit, "two.service");
        ck_assert_str_eq(row_of_port(81)->key.unit, "one.service");
        ck_assert_str_eq(row_of_port(82)->key.unit, UNIT_UNATTRIBUTED);
        ck_assert_str_eq(row_of_port(83)->key.unit, UNIT_UNATTRIBUTED);
}
END_TEST

/* With SO_REUSEPORT, or while one instance of a service hands over to the next. */
START_TEST(sockets_that_share_a_port_are_of_the_unit_of_the_oldest)
{
        uint64_t one = stage_add_service("one.service"), two = stage_add_service("two.service");

        ck_assert_int_eq(COLLECT({ LISTENER, .port = 80, .cookie = 9, .cgroup_id = one, .drops = 1 },
                                 { LISTENER, .port = 80, .cookie = 5, .cgroup_id = two, .drops = 1 }),
                         0);
        ck_assert_uint_eq(sample->n_listeners, 1);
        ck_assert_str_eq(sample->listeners[0].key.unit, "two.service");

        ck_assert_int_eq(COLLECT({ LISTENER, .port = 80, .cookie = 9, .cgroup_id = one, .drops = 2 }), 0);
        ck_assert_str_eq(sample->listeners[0].key.unit, "one.service");
        ck_assert_uint_eq(sample->listeners[0].drops, 3);
}
END_TEST

/* Cookies are not given in order. */
START_TEST(the_oldest_is_the_one_that_was_there_first)
{
        uint64_t one = stage_add_service("one.service"), two = stage_add_service("two.service");

        ck_assert_int_eq(COLLECT({ LISTENER, .port = 80, .cookie = 9, .cgroup_id = one }), 0);
        for (unsigned i = 0; i < 3; i++) {
                ck_assert_int_eq(COLLECT({ LISTENER, .port = 80, .cookie = 5, .cgroup_id = two },
                                         { LISTENER, .port = 80, .cookie = 9, .cgroup_id = one }),
                                 0);
                ck_assert_str_eq(sample->listeners[0].key.unit, "one.service");
        }
}
END_TEST

/* Of a sibling in another unit; in one unit there is always one that is behind the others. */
START_TEST(while_another_units_socket_is_behind_it_is_told)
{
        uint64_t one = stage_add_service("one.service"), two = stage_add_service("two.service");
        FakeSocket sockets[] = {
                { LISTENER, .port = 80, .cookie = 5, .cgroup_id = one, .receive_queue = 1, .send_queue = 9 },
                { LISTENER, .port = 80, .cookie = 9, .cgroup_id = two, .receive_queue = 2, .send_queue = 9 },
                { LISTENER, .port = 80, .cookie = 10, .cgroup_id = two, .send_queue = 9 },
        };

        for (unsigned i = 1; i < 3; i++) {
                sockets[1].receive_queue = 2;
                sockets[2].receive_queue = 0;
                ck_assert_int_eq(collect(sockets, 3), 0);
                ck_assert_str_eq(sample->listeners[0].key.unit, "two.service");
                ck_assert_uint_eq(sample->listeners[0].n_sockets, 3);

                sockets[1].receive_queue = 1;
                ck_assert_int_eq(collect(sockets, 3), 0);
                ck_assert_str_eq(sample->listeners[0].key.unit, "one.service");

                sockets[2].receive_queue = 1;
                sockets[2].drops = i;
                ck_assert_int_eq(collect(sockets, 3), 0);
                ck_assert_str_eq(sample->listeners[0].key.unit, "two.service");

                ck_assert_int_eq(collect(sockets, 3), 0);
                ck_assert_str_eq(sample->listeners[0].key.unit, "one.service");
                ck_assert_uint_eq(sample->listeners[0].drops, i);
        }
}
END_TEST

START_TEST(the_walk_over_connections_knows_the_listeners_of_this_sample)
{
        uint64_t one = stage_add_service("one.service");
        const Listener *listener;

        ck_assert_int_eq(COLLECT({ LISTENER, .port = 80, .cookie = 1 },
                                 { LISTENER, .port = 81, .cookie = 2 }),
                         0);
        ck_assert_uint_eq(listeners_count(stage.context.listeners), 2);

        ck_assert_int_eq(COLLECT({ LISTENER, .family = AF_INET6, .port = 82, .interface = 1, .cookie = 3,
                                   .cgroup_id = one }),
                         0);
        ck_assert_uint_eq(listeners_count(stage.context.listeners), 1);
        listener = listeners_get(stage.context.listeners, 0);
        ck_assert_uint_eq(endpoint_port(&listener->endpoint), 82);
        ck_assert_uint_eq(listener->interface, 1);
        ck_assert(listener->is_dual_stack);
        ck_assert(!listener->is_passed_on);
        ck_assert_str_eq(listener->unit->row.key.unit, "one.service");
}
END_TEST

/* ---- what was ---- */

START_TEST(the_peak_of_a_queue_outlives_it_for_a_window)
{
        stage.bounds.peak_window_usec = 10 * USEC_PER_SEC;
        ck_assert_int_eq(COLLECT({ LISTENER, .port = 80, .cookie = 1, .receive_queue = 9,
                                   .send_queue = 10 }),
                         0);
        for (unsigned i = 1; i <= 10; i++) {
                ck_assert_int_eq(COLLECT({ LISTENER, .port = 80, .cookie = 1, .receive_queue = 2,
                                           .send_queue = 10 }),
                                 0);
                ck_assert_uint_eq(sample->listeners[0].length, 2);
                ck_assert_uint_eq(sample->listeners[0].peak, 9);
        }

        now_usec += 10 * USEC_PER_SEC;
        ck_assert_int_eq(COLLECT({ LISTENER, .port = 80, .cookie = 1, .receive_queue = 2,
                                   .send_queue = 10 }),
                         0);
        ck_assert_uint_eq(sample->listeners[0].peak, 2);
}
END_TEST

START_TEST(the_time_in_which_a_queue_is_full_is_added_up)
{
        const FakeSocket full = { LISTENER, .port = 80, .cookie = 1, .receive_queue = 11, .send_queue = 10 },
                         at_limit = { LISTENER, .port = 80, .cookie = 1, .receive_queue = 10,
                                      .send_queue = 10 };

        /* Since when it is full, the first dump does not tell. */
        ck_assert_int_eq(COLLECT(full), 0);
        ck_assert_uint_eq(sample->listeners[0].saturated_usec, 0);
        for (unsigned i = 1; i <= 3; i++) {
                ck_assert_int_eq(COLLECT(full), 0);
                ck_assert_uint_eq(sample->listeners[0].saturated_usec, i * USEC_PER_SEC);
        }

        ck_assert_int_eq(COLLECT(at_limit), 0);
        ck_assert_uint_eq(sample->listeners[0].saturated_usec, 3 * USEC_PER_SEC);
        ck_assert_int_eq(collect(NULL, 0), 0);
        ck_assert_int_eq(COLLECT(at_limit), 0);
        ck_assert_uint_eq(sample->listeners[0].saturated_usec, 3 * USEC_PER_SEC);
}
END_TEST

/* One of them is enough: its clients wait while its siblings are idle. */
START_TEST(a_listener_is_saturated_when_one_of_its_sockets_is)
{
        for (unsigned i = 0; i < 2; i++)
                ck_assert_int_eq(COLLECT({ LISTENER, .port = 80, .cookie = 1, .send_queue = 1000 },
                                         { LISTENER, .port = 80, .cookie = 2, .receive_queue = 6,
                                           .send_queue = 5 }),
                                 0);
        ck_assert_uint_eq(sample->listeners[0].saturated_usec, USEC_PER_SEC);
}
END_TEST

START_TEST(numbers_of_sockets_that_share_a_port_do_not_wrap)
{
        const ListenerRow *row;

        ck_assert_int_eq(COLLECT({ LISTENER, .port = 80, .cookie = 1, .receive_queue = UINT32_MAX,
                                   .send_queue = UINT32_MAX, .drops = UINT32_MAX },
                                 { LISTENER, .port = 80, .cookie = 2, .receive_queue = UINT32_MAX,
                                   .send_queue = UINT32_MAX - 1, .drops = UINT32_MAX }),
                         0);
        row = &sample->listeners[0];
        ck_assert_uint_eq(row->length, 2 * (uint64_t)UINT32_MAX);
        ck_assert_uint_eq(row->worst_limit, UINT32_MAX - 1);
        ck_assert_uint_eq(row->drops, 2 * (uint64_t)UINT32_MAX);
}
END_TEST

/* A dump follows a table that changes under it (KERNEL.md, 13). */
START_TEST(a_socket_that_was_seen_twice_counts_once)
{
        const ListenerRow *row;

        for (uint32_t drops = 10; drops <= 30; drops += 10) {
                FakeSocket socket = { LISTENER,           .port = 80,       .cookie = 1,
                                      .receive_queue = 5, .send_queue = 10, .drops = drops };

                ck_assert_int_eq(COLLECT(socket, { LISTENER, .port = 81, .cookie = 2 }, socket), 0);
                row = row_of_port(80);
                ck_assert_uint_eq(row->n_sockets, 1);
                ck_assert_uint_eq(row->length, 5);
                ck_assert_uint_eq(row->limit, 10);
                ck_assert_uint_eq(row->drops, drops);
        }
}
END_TEST

START_TEST(drops_go_on_when_a_socket_is_replaced)
{
        ck_assert_int_eq(COLLECT({ LISTENER, .port = 80, .cookie = 7, .drops = 40 }), 0);
        ck_assert_uint_eq(row_of_port(80)->drops, 40);
        ck_assert_int_eq(COLLECT({ LISTENER, .port = 80, .cookie = 7, .drops = 42 }), 0);
        ck_assert_uint_eq(row_of_port(80)->drops, 42);
        ck_assert_int_eq(COLLECT({ LISTENER, .port = 80, .cookie = 12, .drops = 1 }), 0);
        ck_assert_uint_eq(row_of_port(80)->drops, 43);
        ck_assert_int_eq(COLLECT({ LISTENER, .port = 80, .cookie = 12, .drops = 1 }), 0);
        ck_assert_uint_eq(row_of_port(80)->drops, 43);
}
END_TEST

START_TEST(drops_of_each_socket_are_its_own)
{
        ck_assert_int_eq(COLLECT({ LISTENER, .port = 80, .cookie = 7, .drops = 40 },
                                 { LISTENER, .port = 80, .cookie = 9, .drops = 5 },
                                 { LISTENER, .port = 81, .cookie = 8, .drops = 100 }),
                         0);
        ck_assert_int_eq(COLLECT({ LISTENER, .port = 81, .cookie = 8, .drops = 100 },
                                 { LISTENER, .port = 80, .cookie = 12, .drops = 1 },
                                 { LISTENER, .port = 80, .cookie = 7, .drops = 42 }),
                         0);
        ck_assert_uint_eq(row_of_port(80)->drops, 48);
        ck_assert_uint_eq(row_of_port(81)->drops, 100);
}
END_TEST

START_TEST(a_counter_of_32_bits_that_wraps_goes_on)
{
        ck_assert_int_eq(COLLECT({ LISTENER, .port = 80, .cookie = 1, .drops = UINT32_MAX - 1 }), 0);
        ck_assert_int_eq(COLLECT({ LISTENER, .port = 80, .cookie = 1, .drops = 3 }), 0);
        ck_assert_uint_eq(row_of_port(80)->drops, (uint64_t)UINT32_MAX + 4);
}
END_TEST

START_TEST(drops_go_on_when_a_listener_comes_back)
{
        ck_assert_int_eq(COLLECT({ LISTENER, .port = 80, .cookie = 1, .drops = 10 }), 0);
        ck_assert_int_eq(collect(NULL, 0), 0);
        ck_assert_int_eq(COLLECT({ LISTENER, .port = 81, .cookie = 2, .drops = 1 }), 0);
        ck_assert_int_eq(COLLECT({ LISTENER, .port = 80, .cookie = 3, .drops = 2 }), 0);
        ck_assert_uint_eq(row_of_port(80)->drops, 12);
}
END_TEST

START_TEST(a_socket_that_was_missed_once_counts_no_drops_twice)
{
        ck_assert_int_eq(COLLECT({ LISTENER, .port = 80, .cookie = 1, .drops = 10 }), 0);
        for (uint32_t drops = 11; drops < 14; drops++) {
                ck_assert_int_eq(collect(NULL, 0), 0);
                ck_assert_int_eq(COLLECT({ LISTENER, .port = 80, .cookie = 1, .drops = drops }), 0);
                ck_assert_uint_eq(row_of_port(80)->drops, drops);
        }
}
END_TEST

START_TEST(a_dump_that_failed_counts_no_drops)
{
        ck_assert_int_eq(COLLECT({ LISTENER, .port = 80, .cookie = 1, .drops = 10 }), 0);
        fake_kernel.end_error = -ENOBUFS;
        ck_assert_int_eq(COLLECT({ LISTENER, .port = 80, .cookie = 1, .drops = 20 }), -ENOBUFS);
        ck_assert_uint_eq(sample->n_listeners, 0);
        fake_kernel.end_error = 0;
        ck_assert_int_eq(COLLECT({ LISTENER, .port = 80, .cookie = 1, .drops = 25 }), 0);
        ck_assert_uint_eq(row_of_port(80)->drops, 25);
}
END_TEST

START_TEST(a_kernel_that_tells_no_drops_is_not_taken_for_none)
{
        fake_kernel.has_no_memory = true;
        ck_assert_int_eq(COLLECT({ LISTENER, .port = 80, .cookie = 1, .drops = 10 }), -ENODATA);
}
END_TEST

static FakeSocket many[10000];

static void make_many(uint16_t first_port, unsigned n_per_port) {
        for (size_t i = 0; i < ELEMENTSOF(many); i++)
                many[i] = (FakeSocket){ LISTENER, .port = (uint16_t)(first_port + i / n_per_port),
                                        .cookie = i + 1, .receive_queue = 1, .drops = 1 };
}

START_TEST(listeners_beyond_the_bound_are_added_up_in_one_row)
{
        const ListenerRow *other;

        stage.bounds.n_listeners = LISTENERS_MAX;
        make_many(1, 1);
        ck_assert_int_eq(collect(many, LISTENERS_MAX), 0);
        ck_assert_uint_eq(sample->n_listeners, LISTENERS_MAX);
        ck_assert_uint_eq(sample->values[VALUE_LISTENERS_FOLDED], 0);
        ck_assert_ptr_null(row_other());

        /* Nothing is lost, so the answer is complete. */
        ck_assert_int_eq(collect(many, LISTENERS_MAX + 5), 0);
        ck_assert_uint_eq(sample->n_listeners, LISTENERS_MAX + 1);
        ck_assert_uint_eq(sample->values[VALUE_LISTENERS_FOLDED], 5);
        ck_assert_uint_eq(sample->values[VALUE_LISTENERS_TRUNCATED], 0);
        ck_assert_uint_eq(listeners_count(stage.context.listeners), LISTENERS_MAX + 5);
        other = row_other();
        ck_assert_ptr_nonnull(other);
        ck_assert_str_eq(other->key.unit, UNIT_OTHER);
        ck_assert_str_eq(other->key.process, "");
        ck_assert_uint_eq(other->length, 5);
        ck_assert_uint_eq(other->limit, 0);
        ck_assert_uint_eq(other->peak, 1);
        ck_assert_uint_eq(other->n_sockets, 5);

        /* It has counters, so it stays. */
        ck_assert_int_eq(collect(many, 1), 0);
        ck_assert_uint_eq(sample->n_listeners, 2);
        ck_assert_uint_eq(sample->values[VALUE_LISTENERS_FOLDED], 0);
        ck_assert_ptr_nonnull(row_other());
        ck_assert_uint_eq(row_other()->length, 0);
        ck_assert_uint_eq(row_other()->n_sockets, 0);
}
END_TEST

START_TEST(a_listener_that_is_full_has_a_row_before_those_that_are_not)
{
        stage.bounds.n_listeners = 3;
        make_many(1, 1);
        for (size_t i = 0; i < 20; i++)
                many[i].send_queue = 100;
        many[17].receive_queue = 101;
        ck_assert_int_eq(collect(many, 20), 0);
        ck_assert_uint_eq(sample->n_listeners, 4);
        ck_assert_uint_eq(row_of_port(18)->length, 101);
        ck_assert_uint_eq(row_other()->length, 17);
        ck_assert_uint_eq(row_other()->peak, 1);
}
END_TEST

START_TEST(sockets_that_do_not_fit_are_counted)
{
        make_many(1, 100);
        ck_assert_int_eq(collect(many, 8192), 0);
        ck_assert_int_eq(collect(many, 8195), 1);
        ck_assert_uint_eq(sample->values[VALUE_LISTENERS_TRUNCATED], 3);
        ck_assert_uint_eq(row_of_port(1)->n_sockets, 100);
}
END_TEST

/* As make_many(), and each of them a socket that never was before. */
static void make_many_new(uint16_t first_port) {
        static uint64_t n_made;

        make_many(first_port, 1);
        for (size_t i = 0; i < ELEMENTSOF(many); i++)
                many[i].cookie = ++n_made;
}

/* A host whose listeners change all day: the newest are known, and memory is bounded. */
START_TEST(totals_of_the_longest_gone_are_forgotten)
{
        stage.bounds.n_listeners = LISTENERS_MAX;
        for (uint16_t i = 0; i < 50; i++) {
                make_many_new((uint16_t)(1 + i * LISTENERS_MAX));
                ck_assert_int_ge(collect(many, LISTENERS_MAX), 0);
                ck_assert_uint_eq(sample->n_listeners, LISTENERS_MAX);
                ck_assert_uint_eq(sample->listeners[0].drops, 1);
        }

        /* The last ones but one are known, the first ones are not. */
        make_many_new(1 + 48 * LISTENERS_MAX);
        ck_assert_int_ge(collect(many, LISTENERS_MAX), 0);
        ck_assert_uint_eq(sample->listeners[0].drops, 2);

        make_many_new(1);
        ck_assert_int_ge(collect(many, LISTENERS_MAX), 0);
        ck_assert_uint_eq(sample->listeners[0].drops, 1);
}
END_TEST

/* The port, from 1 to @n, that has no row of its own. */
static uint16_t port_without_row(uint16_t n) {
        for (uint16_t port = 1; port <= n; port++) {
                bool has_row = false;

                for (uint32_t i = 0; i < sample->n_listeners; i++)
                        has_row |= endpoint_port(&sample->listeners[i].key.endpoint) == port;
                if (!has_row)
                        return port;
        }
        ck_abort_msg("all have a row");
}

START_TEST(drops_of_a_listener_without_a_row_are_not_lost)
{
        const uint16_t n = 5;
        uint16_t port;

        stage.bounds.n_listeners = n - 1;
        make_many(1, 1);
        ck_assert_int_eq(collect(many, n), 0);
        ck_assert_uint_eq(sample->n_listeners, n);
        ck_assert_uint_eq(row_other()->drops, 1);
        port = port_without_row(n);

        /* Some at all listeners, so that it stays where it is. */
        for (uint16_t i = 0; i < n; i++)
                many[i].drops += 53;
        ck_assert_int_eq(collect(many, n), 0);
        ck_assert_uint_eq(port_without_row(n), port);
        ck_assert_uint_eq(row_other()->drops, 54);

        /* Its own row has all of its drops, and the row of many keeps what it showed. */
        ck_assert_int_eq(collect(&many[port - 1], 1), 0);
        ck_assert_uint_eq(row_of_port(port)->drops, 54);
        ck_assert_uint_eq(row_other()->drops, 54);
}
END_TEST

START_TEST(thousands_of_sockets_may_pause_and_count_no_drop_twice)
{
        uint64_t n_drops = 0;

        make_many(1, LISTEN_SOCKETS_MAX);
        ck_assert_int_eq(collect(many, LISTEN_SOCKETS_MAX), 0);
        ck_assert_int_eq(collect(many, 0), 0);
        ck_assert_int_eq(collect(many, LISTEN_SOCKETS_MAX), 0);
        for (uint32_t i = 0; i < sample->n_listeners; i++)
                n_drops += sample->listeners[i].drops;
        ck_assert_uint_eq(n_drops, LISTEN_SOCKETS_MAX);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("listen");
        TCase *rows = tcase_create("rows");
        TCase *owners = tcase_create("owners");
        TCase *past = tcase_create("past");
        TCase *drops = tcase_create("drops");
        TCase *limits = tcase_create("limits");

        tcase_add_checked_fixture(rows, setup, teardown);
        tcase_add_test(rows, a_listener_is_a_row);
        tcase_add_test(rows, a_host_without_listeners_has_no_rows);
        tcase_add_test(rows, rows_stand_in_the_order_of_their_keys);
        tcase_add_test(rows, a_device_is_a_part_of_the_key);
        tcase_add_test(rows, an_ipv6_listener_may_take_ipv4_as_well);
        tcase_add_test(rows, sockets_that_share_a_port_are_one_row);
        tcase_add_test(rows, numbers_of_sockets_that_share_a_port_do_not_wrap);
        tcase_add_test(rows, a_socket_that_was_seen_twice_counts_once);
        suite_add_tcase(suite, rows);

        tcase_add_checked_fixture(owners, setup, teardown);
        tcase_add_test(owners, a_listener_is_of_the_unit_of_its_cgroup);
        tcase_add_test(owners, sockets_that_share_a_port_are_of_the_unit_of_the_oldest);
        tcase_add_test(owners, the_oldest_is_the_one_that_was_there_first);
        tcase_add_test(owners, while_another_units_socket_is_behind_it_is_told);
        tcase_add_test(owners, the_walk_over_connections_knows_the_listeners_of_this_sample);
        suite_add_tcase(suite, owners);

        tcase_add_checked_fixture(past, setup, teardown);
        tcase_add_test(past, the_peak_of_a_queue_outlives_it_for_a_window);
        tcase_add_test(past, the_time_in_which_a_queue_is_full_is_added_up);
        tcase_add_test(past, a_listener_is_saturated_when_one_of_its_sockets_is);
        suite_add_tcase(suite, past);

        tcase_add_checked_fixture(drops, setup, teardown);
        tcase_add_test(drops, drops_go_on_when_a_socket_is_replaced);
        tcase_add_test(drops, drops_of_each_socket_are_its_own);
        tcase_add_test(drops, a_counter_of_32_bits_that_wraps_goes_on);
        tcase_add_test(drops, drops_go_on_when_a_listener_comes_back);
        tcase_add_test(drops, a_socket_that_was_missed_once_counts_no_drops_twice);
        tcase_add_test(drops, a_dump_that_failed_counts_no_drops);
        tcase_add_test(drops, a_kernel_that_tells_no_drops_is_not_taken_for_none);
        suite_add_tcase(suite, drops);

        tcase_add_checked_fixture(limits, setup, teardown);
        tcase_set_timeout(limits, 60);
        tcase_add_test(limits, listeners_beyond_the_bound_are_added_up_in_one_row);
        tcase_add_test(limits, a_listener_that_is_full_has_a_row_before_those_that_are_not);
        tcase_add_test(limits, sockets_that_do_not_fit_are_counted);
        tcase_add_test(limits, totals_of_the_longest_gone_are_forgotten);
        tcase_add_test(limits, drops_of_a_listener_without_a_row_are_not_lost);
        tcase_add_test(limits, thousands_of_sockets_may_pause_and_count_no_drop_twice);
        suite_add_tcase(suite, limits);

        return suite_main(suite);
}
