/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Ephemeral ports by destination: what this host opened, and nothing that came in
 *
 * With twenty ports to choose from, connect(2) itself says when they are used up.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "actor.h"
#include "namespace.h"
#include "proc_text.h"
#include "sockets.h"
#include "watch.h"

#define N_PORTS    20
#define FIRST_PORT 40000
#define PORT       20001

static Watch watch;

static void setup(void) {
        namespace_enter();
        write_sysctl("net/ipv4/ip_local_port_range", "40000 40019");
        watch_begin(&watch);
}

static void teardown(void) {
        watch_end(&watch);
}

/* Connects so often; returns how often it could. */
static unsigned connect_n(const Spot *from, const Spot *to, unsigned n, int *ret_fds) {
        unsigned n_connected = 0;

        for (unsigned i = 0; i < n; i++) {
                int fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

                ck_assert_int_ge(fd, 0);
                set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
                if (from)
                        ck_assert_int_eq(bind(fd, &from->any, from->size), 0);
                if (connect(fd, &to->any, to->size) == 0) {
                        if (ret_fds)
                                ret_fds[n_connected] = fd;
                        n_connected++;
                        continue;
                }
                ck_assert_int_eq(errno, EADDRNOTAVAIL);
                ck_assert_int_eq(close(fd), 0);
        }

        return n_connected;
}

static const DestinationRow *row_of(const char *address, uint16_t port) {
        char text[ENDPOINT_ADDRESS_SIZE];

        for (uint32_t i = 0; i < watch.sample->n_destinations; i++) {
                const Endpoint *endpoint = &watch.sample->destinations[i].key;

                endpoint_format_address(endpoint, text);
                if (endpoint_port(endpoint) == port && strcmp(text, address) == 0)
                        return &watch.sample->destinations[i];
        }

        return NULL;
}

/* Ports in use to there, in the last sample. */
static uint64_t ports_to(const char *address, uint16_t port) {
        const DestinationRow *row = row_of(address, port);

        ck_assert_msg(row, "%s port %u is no destination", address, port);
        ck_assert_uint_eq(row->error, 0);
        return row->n_ports;
}

static uint64_t watch_ports_to(const char *address, uint16_t port) {
        (void)watch_sample(&watch);
        return ports_to(address, port);
}

START_TEST(the_destination_that_ports_are_used_up_for_is_named)
{
        const Route *route = &routes[_i];
        Spot at = spot(route->listen, PORT), to;
        unsigned n;

        listen_on(&at, 64);
        to = spot(route->connect, PORT);
        n = connect_n(NULL, &to, 30, NULL);
        ck_assert_uint_eq(n, N_PORTS);

        ck_assert_uint_eq(watch_ports_to(route->connect, PORT), n);
        ck_assert_uint_eq(sample_value(watch.sample, VALUE_EPHEMERAL_PORTS), n);
        ck_assert_uint_eq(watch.sample->n_destinations, 1);
        ck_assert_uint_eq(sample_value(watch.sample, VALUE_DESTINATION_PORTS_MISSED), 0);
}
END_TEST

START_TEST(each_destination_has_ports_of_its_own)
{
        static const struct {
                const char *address;
                uint16_t port;
                unsigned n;
        } places[] = {
                { "127.0.0.1", PORT, 5 },
                { "127.0.0.1", PORT + 1, 7 },
                { "127.0.0.2", PORT, 20 },
                { "::1", PORT, 9 },
        };

        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                Spot at = spot(places[i].address, places[i].port);

                listen_on(&at, 64);
                ck_assert_uint_eq(connect_n(NULL, &at, places[i].n, NULL), places[i].n);
        }

        (void)watch_sample(&watch);
        for (size_t i = 0; i < ELEMENTSOF(places); i++)
                ck_assert_uint_eq(ports_to(places[i].address, places[i].port), places[i].n);
        ck_assert_uint_eq(watch.sample->n_destinations, ELEMENTSOF(places));
}
END_TEST

START_TEST(of_several_source_addresses_the_worst_is_told)
{
        Spot to = spot("127.0.0.1", PORT), from = spot("127.0.0.5", 0);

        listen_on(&to, 64);
        ck_assert_uint_eq(connect_n(NULL, &to, 8, NULL), 8);
        ck_assert_uint_eq(watch_ports_to("127.0.0.1", PORT), 8);
        ck_assert_uint_eq(connect_n(&from, &to, 30, NULL), N_PORTS);
        ck_assert_uint_eq(watch_ports_to("127.0.0.1", PORT), N_PORTS);
        ck_assert_uint_eq(watch.sample->n_destinations, 1);
}
END_TEST

START_TEST(a_socket_of_ipv6_that_goes_by_ipv4_uses_ports_of_the_same_destination)
{
        Spot at = spot("127.0.0.1", PORT), mapped = spot("::ffff:127.0.0.1", PORT);
        unsigned n;

        listen_on(&at, 64);
        n = connect_n(NULL, &at, 12, NULL) + connect_n(NULL, &mapped, 12, NULL);
        ck_assert_uint_eq(n, N_PORTS);
        ck_assert_uint_eq(watch_ports_to("127.0.0.1", PORT), n);
        ck_assert_uint_eq(watch.sample->n_destinations, 1);
}
END_TEST

START_TEST(a_port_in_time_wait_is_in_use)
{
        Spot to = spot("127.0.0.1", PORT);
        int listener = listen_on(&to, 64), fds[N_PORTS], server;

        ck_assert_uint_eq(connect_n(NULL, &to, N_PORTS, fds), N_PORTS);
        for (unsigned i = 0; i < N_PORTS; i++) {
                ck_assert_int_eq(close(fds[i]), 0);
                server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
                read_end(server);
                ck_assert_int_eq(close(server), 0);
        }

        AWAIT(watch_value(&watch, VALUE_TCP_TIME_WAIT) == N_PORTS);
        ck_assert_uint_eq(sample_value(watch.sample, VALUE_TCP_ESTABLISHED), 0);
        ck_assert_uint_eq(ports_to("127.0.0.1", PORT), N_PORTS);
}
END_TEST

START_TEST(reserved_ports_are_no_part_of_the_range)
{
        Spot to = spot("127.0.0.1", PORT);
        unsigned n;

        write_sysctl("net/ipv4/ip_local_reserved_ports", "39990-40004,40010");
        listen_on(&to, 64);
        n = connect_n(NULL, &to, 30, NULL);
        ck_assert_uint_eq(n, N_PORTS - 6);
        ck_assert_uint_eq(watch_ports_to("127.0.0.1", PORT), n);
        ck_assert_uint_eq(sample_value(watch.sample, VALUE_EPHEMERAL_PORTS), n);
}
END_TEST

/* ---- what came in ---- */

/* In the range: were the connections taken for this host's own, their ports would count. */
#define INBOUND_PORT FIRST_PORT

/* A process holds so many sockets; some hosts do not let it have more than 20,000. */
#define N_PER_ACTOR 19000U

/* A million take three quarters of a minute and some gigabytes of the kernel's, which is too much for a
 * suite that is run often; with this variable as many are made as it says. */
#define N_INBOUND_VARIABLE "SOCKWATCH_TEST_INBOUND"
#define N_INBOUND          100000U

#define N_ACTORS_MAX       64U

/* From so many peers, no two of which share an address, beginning with this one. */
static uint64_t take_in(uint64_t first) {
        Spot from = spot("127.0.0.1", INBOUND_PORT), to = spot("127.0.0.1", 0);
        uint32_t n = (uint32_t)(first >> 32);

        (void)raise_fd_limit();
        for (uint32_t i = 0; i < n; i++) {
                to.in.sin_addr.s_addr = htonl(UINT32_C(0x7f100000) + (uint32_t)first + i);
                to.in.sin_port = htons((uint16_t)(1024 + i));
                repair_connect(&from, &to);
        }
        return 0;
}

/* Sanitizers keep what was freed, and their own books. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED true
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED false
#endif

static uint64_t resident_bytes(void) {
        _cleanup_(freep) char *text = proc_text_read("self/statm");
        unsigned long size, resident;

        ck_assert_int_eq(sscanf(text, "%lu %lu", &size, &resident), 2);
        return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static unsigned count_inbound(void) {
        const char *wanted = getenv(N_INBOUND_VARIABLE);

        return wanted ? (unsigned)strtoul(wanted, NULL, 10) : N_INBOUND;
}

START_TEST(what_came_in_is_no_destination_and_takes_no_memory)
{
        unsigned n_wanted = count_inbound(), n_actors = (n_wanted + N_PER_ACTOR - 1) / N_PER_ACTOR;
        Actor actors[N_ACTORS_MAX];
        Spot at = spot("127.0.0.1", INBOUND_PORT), to = spot("127.0.0.1", PORT);
        uint64_t before, n = 0;

        ck_assert_uint_le(n_actors, N_ACTORS_MAX);
        listen_on(&at, 64);
        listen_on(&to, 64);
        ck_assert_uint_eq(connect_n(NULL, &to, 3, NULL), 3);
        for (unsigned i = 0; i < n_actors; i++)
                actors[i] = actor_start(NULL);

        /* All that it ever takes it has taken after a first sample. */
        (void)watch_sample(&watch);
        (void)watch_sample(&watch);
        before = resident_bytes();

        for (unsigned i = 0; i < n_actors; i++, n += N_PER_ACTOR)
                actor_begin(&actors[i], take_in, MIN(N_PER_ACTOR, n_wanted - n) << 32 | n);
        for (unsigned i = 0; i < n_actors; i++)
                (void)actor_await(&actors[i]);

        for (unsigned i = 0; i < 3; i++) {
                (void)watch_sample(&watch);
                ck_assert_uint_eq(sample_value(watch.sample, VALUE_TCP_ESTABLISHED), n_wanted + 6);
                ck_assert_uint_eq(watch.sample->n_destinations, 1);
                ck_assert_uint_eq(ports_to("127.0.0.1", PORT), 3);
                ck_assert_uint_eq(sample_value(watch.sample, VALUE_DESTINATION_PORTS_MISSED), 0);
                ck_assert_uint_eq(
                        sample_listener(watch.sample, "127.0.0.1", INBOUND_PORT)->states[STATE_ESTABLISHED],
                        n_wanted);
        }

        printf("# %u connections came in: resident %" PRIu64 " KiB before, %" PRIu64 " KiB after\n",
               n_wanted, before / 1024, resident_bytes() / 1024);
        (void)fflush(stdout);
        if (!IS_SANITIZED)
                ck_assert_uint_le(resident_bytes(), before + UINT64_C(1024) * 1024);
        for (unsigned i = 0; i < n_actors; i++)
                actor_end(&actors[i]);
}
END_TEST

START_TEST(when_the_listener_is_gone_what_came_in_has_come_in_still)
{
        Spot at = spot("127.0.0.1", INBOUND_PORT);
        int fd = listen_on(&at, 64);

        take_in(UINT64_C(50) << 32);
        ck_assert_uint_eq(watch_listener(&watch, "127.0.0.1", INBOUND_PORT)->states[STATE_ESTABLISHED], 50);
        ck_assert_int_eq(close(fd), 0);
        for (unsigned i = 0; i < 10; i++) {
                ck_assert_uint_eq(watch_value(&watch, VALUE_TCP_ESTABLISHED), 50);
                ck_assert_uint_eq(watch.sample->n_destinations, 0);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("destinations");
        TCase *opened = tcase_create("opened here");
        TCase *came_in = tcase_create("came in");

        namespace_require();

        tcase_add_checked_fixture(opened, setup, teardown);
        tcase_set_timeout(opened, 30);
        tcase_add_loop_test(opened, the_destination_that_ports_are_used_up_for_is_named, 0, N_ROUTES);
        tcase_add_test(opened, each_destination_has_ports_of_its_own);
        tcase_add_test(opened, of_several_source_addresses_the_worst_is_told);
        tcase_add_test(opened, a_socket_of_ipv6_that_goes_by_ipv4_uses_ports_of_the_same_destination);
        tcase_add_test(opened, a_port_in_time_wait_is_in_use);
        tcase_add_test(opened, reserved_ports_are_no_part_of_the_range);
        suite_add_tcase(suite, opened);

        tcase_add_checked_fixture(came_in, setup, teardown);
        tcase_set_timeout(came_in, 100);
        tcase_add_test(came_in, what_came_in_is_no_destination_and_takes_no_memory);
        tcase_add_test(came_in, when_the_listener_is_gone_what_came_in_has_come_in_still);
        suite_add_tcase(suite, came_in);

        return suite_main(suite);
}
