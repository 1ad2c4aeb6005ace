/* SPDX-License-Identifier: Apache-2.0 */

#include <netinet/in.h>
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

#define RECEIVER .protocol = IPPROTO_UDP, .state = SOCK_STATE_CLOSE

static void setup(void) {
        fake_kernel = (FakeKernel){ 0 };
        stage_init();
        now_usec = 1000 * USEC_PER_SEC;
        ck_assert_int_eq(udp_collector.open(&stage.context, &state), 0);
}

static void teardown(void) {
        udp_collector.close(state);
        stage_done();
}

/* A second later. */
static void collect(const FakeSocket *sockets, size_t n) {
        fake_kernel.sockets = sockets;
        fake_kernel.n_sockets = n;
        stage_begin(now_usec += USEC_PER_SEC);
        ck_assert_int_eq(udp_collector.collect(state, sample), 0);
        ck_assert_ptr_null(sample_find_fault(sample));
}

static const UdpSocketRow *row_of(const char *unit, uint16_t port) {
        for (uint32_t i = 0; i < sample->n_udp_sockets; i++)
                if (endpoint_port(&sample->udp_sockets[i].key.endpoint) == port &&
                    strcmp(sample->udp_sockets[i].key.unit, unit) == 0)
                        return &sample->udp_sockets[i];
        ck_abort_msg("no row of %s on port %u", unit, port);
}

START_TEST(units_that_share_a_port_have_a_row_each)
{
        uint64_t one = stage_add_service("one.service"), two = stage_add_service("two.service");

        for (uint32_t drops = 0; drops < 3; drops++) {
                COLLECT({ RECEIVER, .port = 5353, .cookie = 1, .cgroup_id = one, .receive_queue = 5 },
                        { RECEIVER, .port = 5353, .cookie = 2, .cgroup_id = two, .drops = 191 * drops },
                        { RECEIVER, .port = 5353, .cookie = 3, .cgroup_id = one });
                ck_assert_uint_eq(sample->n_udp_sockets, 2);
                ck_assert_uint_eq(row_of("one.service", 5353)->drops, 0);
                ck_assert_uint_eq(row_of("one.service", 5353)->queue_bytes, 5);
                ck_assert_uint_eq(row_of("one.service", 5353)->n_sockets, 2);
                ck_assert_uint_eq(row_of("two.service", 5353)->drops, 191 * drops);
        }
}
END_TEST

/* Of one the kernel tells no cgroup, the other one is systemd's, for somebody who could not be found. */
START_TEST(groups_that_turn_out_to_be_of_one_unit_are_one_row)
{
        uint64_t init = stage_add_service("init.scope");

        COLLECT({ RECEIVER, .port = 53, .cookie = 1, .drops = 3, .receive_queue = 1, .receive_buffer = 100 },
                { RECEIVER, .port = 53, .cookie = 2, .drops = 4, .receive_queue = 20, .receive_buffer = 50,
                  .cgroup_id = init });
        ck_assert_uint_eq(sample->n_udp_sockets, 1);
        ck_assert_uint_eq(row_of(UNIT_UNATTRIBUTED, 53)->drops, 7);
        ck_assert_uint_eq(row_of(UNIT_UNATTRIBUTED, 53)->n_sockets, 2);
        ck_assert_uint_eq(row_of(UNIT_UNATTRIBUTED, 53)->queue_bytes, 21);
        ck_assert_uint_eq(row_of(UNIT_UNATTRIBUTED, 53)->buffer_bytes, 150);
        ck_assert_uint_eq(row_of(UNIT_UNATTRIBUTED, 53)->worst_queue_bytes, 20);
        ck_assert_uint_eq(row_of(UNIT_UNATTRIBUTED, 53)->worst_buffer_bytes, 50);
}
END_TEST

/* Clients that come and go at other ports each time: no row comes with them, and no drop goes. */
START_TEST(ports_that_the_kernel_chose_are_one_row_of_each_unit)
{
        uint64_t dns = stage_add_service("dns.service"), web = stage_add_service("web.service");

        stage.context.first_port = 32768;
        stage.context.last_port = 60999;
        for (uint16_t i = 1; i < 200; i++) {
                COLLECT({ RECEIVER, .port = 32768 + i, .address = "10.0.0.1", .cookie = 2 * i,
                          .cgroup_id = dns, .drops = 1, .receive_queue = 5, .receive_buffer = 10 },
                        { RECEIVER, .family = AF_INET6, .port = 60999 - i, .cookie = 2 * i + 1,
                          .cgroup_id = dns, .drops = 2 },
                        { RECEIVER, .port = 40000, .cookie = 1000, .cgroup_id = web, .drops = 3 },
                        { RECEIVER, .port = 32767, .cookie = 1001, .cgroup_id = web },
                        { RECEIVER, .port = 61000, .cookie = 1002, .cgroup_id = dns });
                ck_assert_uint_eq(sample->n_udp_sockets, 4);
                ck_assert_uint_eq(row_of("dns.service", ENDPOINT_PORT_EPHEMERAL)->n_sockets, 2);
                ck_assert_uint_eq(row_of("dns.service", ENDPOINT_PORT_EPHEMERAL)->drops, 3 * i);
                ck_assert_uint_eq(row_of("dns.service", ENDPOINT_PORT_EPHEMERAL)->queue_bytes, 5);
                ck_assert_uint_eq(row_of("web.service", ENDPOINT_PORT_EPHEMERAL)->drops, 3);
                ck_assert_uint_eq(row_of("web.service", 32767)->n_sockets, 1);
                ck_assert_uint_eq(row_of("dns.service", 61000)->n_sockets, 1);
        }
}
END_TEST

START_TEST(what_systemd_made_at_such_a_port_has_its_own_row)
{
        uint64_t made = stage_add_service("turn.socket");

        stage.context.first_port = 32768;
        stage.context.last_port = 60999;
        COLLECT({ RECEIVER, .port = 49152, .cookie = 1, .cgroup_id = made });
        ck_assert_uint_eq(row_of("turn.socket", 49152)->n_sockets, 1);
}
END_TEST

START_TEST(while_the_range_is_not_known_each_port_has_its_row)
{
        uint64_t one = stage_add_service("one.service");

        COLLECT({ RECEIVER, .port = 40000, .cookie = 1, .cgroup_id = one });
        ck_assert_uint_eq(row_of("one.service", 40000)->n_sockets, 1);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("udp");
        TCase *owners = tcase_create("owners"), *ephemeral = tcase_create("ephemeral");

        tcase_add_checked_fixture(owners, setup, teardown);
        tcase_add_test(owners, units_that_share_a_port_have_a_row_each);
        tcase_add_test(owners, groups_that_turn_out_to_be_of_one_unit_are_one_row);
        suite_add_tcase(suite, owners);

        tcase_add_checked_fixture(ephemeral, setup, teardown);
        tcase_add_test(ephemeral, ports_that_the_kernel_chose_are_one_row_of_each_unit);
        tcase_add_test(ephemeral, what_systemd_made_at_such_a_port_has_its_own_row);
        tcase_add_test(ephemeral, while_the_range_is_not_known_each_port_has_its_row);
        suite_add_tcase(suite, ephemeral);

        return suite_main(suite);
}
