/* SPDX-License-Identifier: Apache-2.0 */

#include <arpa/inet.h>
#include <string.h>

#include "collect/endpoint.h"
#include "collect/listeners.h"
#include "suite.h"

#define ETH0 2
#define ETH1 3

static Listeners *listeners;

static void setup(void) {
        ck_assert_int_eq(listeners_new(&listeners), 0);
        listeners_clear(listeners);
}

static void teardown(void) {
        listeners = listeners_free(listeners);
}

/* A socket as the kernel tells of it; the family is that of the address. */
static struct inet_diag_msg socket_of(const char *address, uint16_t port, uint32_t interface) {
        struct inet_diag_msg message = {
                .idiag_family = strchr(address, ':') ? AF_INET6 : AF_INET,
                .id.idiag_sport = htons(port),
                .id.idiag_if = interface,
        };

        ck_assert_int_eq(inet_pton(message.idiag_family, address, message.id.idiag_src), 1);
        return message;
}

typedef enum Takes { TAKES_ITS_OWN, TAKES_IPV4_TOO } Takes;

static Listener *add_on(uint32_t interface, const char *address, uint16_t port, Takes takes) {
        struct inet_diag_msg message = socket_of(address, port, /* interface= */ 0);
        Endpoint endpoint;

        endpoint_from_socket(&message, &endpoint);
        return listeners_add(listeners, &endpoint, interface, takes == TAKES_IPV4_TOO);
}

static Listener *add(const char *address, uint16_t port) {
        return add_on(0, address, port, TAKES_ITS_OWN);
}

static Listener *match_on(uint32_t interface, const char *address, uint16_t port) {
        struct inet_diag_msg message = socket_of(address, port, interface);

        return listeners_match(listeners, &message);
}

static Listener *match(const char *address, uint16_t port) {
        return match_on(0, address, port);
}

/* ---- the table ---- */

START_TEST(listeners_are_what_was_added_since_the_sample_began)
{
        Listener *first = add("10.0.0.1", 80), *second = add("::1", 81);

        ck_assert_uint_eq(listeners_count(listeners), 2);
        ck_assert_ptr_eq(listeners_get(listeners, 0), first);
        ck_assert_ptr_eq(listeners_get(listeners, 1), second);
        ck_assert_uint_eq(first->states[STATE_ESTABLISHED], 0);

        listeners_clear(listeners);
        ck_assert_uint_eq(listeners_count(listeners), 0);
        ck_assert_ptr_null(match("10.0.0.1", 80));
}
END_TEST

START_TEST(a_listener_keeps_what_the_last_walk_counted)
{
        static const uint16_t before[] = { 80, 81, 82, 84 }, after[] = { 79, 80, 82, 83, 84, 85 };

        for (size_t i = 0; i < ELEMENTSOF(before); i++)
                add("10.0.0.1", before[i])->states[STATE_ESTABLISHED] = before[i];

        listeners_clear(listeners);
        for (size_t i = 0; i < ELEMENTSOF(after); i++) {
                bool was_there = after[i] == 80 || after[i] == 82 || after[i] == 84;

                ck_assert_uint_eq(add("10.0.0.1", after[i])->states[STATE_ESTABLISHED],
                                  was_there ? after[i] : 0);
        }
}
END_TEST

/* One that is opened anew may have connections of before. */
START_TEST(what_no_walk_has_counted_of_a_listener_is_no_measurement)
{
        Listener *listener = add("10.0.0.1", 80);

        ck_assert_uint_eq(listener->counted, COUNTED_NOTHING);
        listeners_begin_walk(listeners, WALK_RARE);
        ck_assert_uint_eq(listener->counted, COUNTED_RARE_STATES);
        listeners_begin_walk(listeners, WALK_FULL);
        listeners_begin_walk(listeners, WALK_RARE);
        ck_assert_uint_eq(listener->counted, COUNTED_ALL_STATES);

        listeners_clear(listeners);
        ck_assert_uint_eq(add("10.0.0.1", 80)->counted, COUNTED_ALL_STATES);
        listeners_clear(listeners);
        listeners_clear(listeners);
        ck_assert_uint_eq(add("10.0.0.1", 80)->counted, COUNTED_NOTHING);
}
END_TEST

START_TEST(a_walk_begins_with_nothing_of_what_it_counts)
{
        Listener *listener = add("10.0.0.1", 80);

        for (unsigned state = 0; state < _STATES; state++)
                listener->states[state] = 5;

        listeners_begin_walk(listeners, WALK_RARE);
        for (unsigned state = 0; state < _STATES; state++)
                ck_assert_uint_eq(listener->states[state], walk_counts(WALK_RARE, state) ? 0 : 5);

        listeners_begin_walk(listeners, WALK_ALL);
        for (unsigned state = 0; state < _STATES; state++)
                ck_assert_uint_eq(listener->states[state], 0);
}
END_TEST

static void format_loopback(size_t i, char ret[static INET_ADDRSTRLEN]) {
        struct in_addr address = { .s_addr = htonl(0x7f000001 + (uint32_t)i) };

        ck_assert_ptr_nonnull(inet_ntop(AF_INET, &address, ret, INET_ADDRSTRLEN));
}

/* A full table, of many addresses with few ports, more than once. */
START_TEST(each_of_8192_listeners_is_found)
{
        char address[INET_ADDRSTRLEN];

        for (uint16_t round = 0; round < 3; round++) {
                listeners_clear(listeners);
                for (size_t i = 0; i < LISTEN_SOCKETS_MAX; i++) {
                        format_loopback(i, address);
                        (void)add(address, (uint16_t)(1000 + round + i % 4));
                }

                for (size_t i = 0; i < LISTEN_SOCKETS_MAX; i++) {
                        format_loopback(i, address);
                        ck_assert_ptr_eq(match(address, (uint16_t)(1000 + round + i % 4)),
                                         listeners_get(listeners, i));
                        ck_assert_ptr_null(match(address, (uint16_t)(1000 + round + (i + 1) % 4)));
                }
        }
}
END_TEST

START_TEST(each_of_8192_devices_is_found)
{
        for (uint32_t i = 0; i < LISTEN_SOCKETS_MAX; i++)
                (void)add_on(i, "0.0.0.0", 80, TAKES_ITS_OWN);
        for (uint32_t i = 0; i < LISTEN_SOCKETS_MAX; i += 97)
                ck_assert_ptr_eq(match_on(i, "10.0.0.1", 80), listeners_get(listeners, i));
        ck_assert_ptr_eq(match_on(LISTEN_SOCKETS_MAX, "10.0.0.1", 80), listeners_get(listeners, 0));
}
END_TEST

/* ---- whom the kernel would find ---- */

START_TEST(a_connection_is_its_own_ports)
{
        Listener *http = add("0.0.0.0", 80), *https = add("0.0.0.0", 443);

        ck_assert_ptr_eq(match("10.0.0.1", 80), http);
        ck_assert_ptr_eq(match("10.0.0.1", 443), https);
        ck_assert_ptr_null(match("10.0.0.1", 8080));
}
END_TEST

START_TEST(a_specific_address_comes_before_the_wildcard)
{
        Listener *specific = add("10.0.0.1", 80), *wildcard = add("0.0.0.0", 80);
        Listener *specific6 = add("2001:db8::1", 80), *wildcard6 = add("::", 80);

        ck_assert_ptr_eq(match("10.0.0.1", 80), specific);
        ck_assert_ptr_eq(match("10.0.0.2", 80), wildcard);
        ck_assert_ptr_eq(match("2001:db8::1", 80), specific6);
        ck_assert_ptr_eq(match("2001:db8::2", 80), wildcard6);
}
END_TEST

START_TEST(a_listener_on_another_address_is_none)
{
        (void)add("10.0.0.1", 80);
        (void)add("2001:db8::1", 80);
        ck_assert_ptr_null(match("10.0.0.2", 80));
        ck_assert_ptr_null(match("2001:db8::2", 80));
}
END_TEST

START_TEST(a_listener_on_the_device_comes_before_one_on_none)
{
        Listener *unbound, *bound;

        bound = _i ? add_on(ETH0, "10.0.0.1", 80, TAKES_ITS_OWN) : NULL;
        unbound = add("10.0.0.1", 80);
        if (!bound)
                bound = add_on(ETH0, "10.0.0.1", 80, TAKES_ITS_OWN);
        ck_assert_ptr_eq(match_on(ETH0, "10.0.0.1", 80), bound);
        ck_assert_ptr_eq(match_on(ETH1, "10.0.0.1", 80), unbound);
        ck_assert_ptr_eq(match_on(0, "10.0.0.1", 80), unbound);
}
END_TEST

START_TEST(a_listener_on_another_device_is_none)
{
        (void)add_on(ETH0, "0.0.0.0", 80, TAKES_ITS_OWN);
        ck_assert_ptr_null(match_on(ETH1, "10.0.0.1", 80));
        ck_assert_ptr_null(match_on(0, "10.0.0.1", 80));
}
END_TEST

/* inet_lookup_listener() looks for the address, and only then for the wildcard. */
START_TEST(a_specific_address_on_no_device_comes_before_the_wildcard_on_the_device)
{
        Listener *specific = add("10.0.0.1", 80);
        Listener *wildcard = add_on(ETH0, "0.0.0.0", 80, TAKES_ITS_OWN);

        ck_assert_ptr_eq(match_on(ETH0, "10.0.0.1", 80), specific);
        ck_assert_ptr_eq(match_on(ETH0, "10.0.0.2", 80), wildcard);
}
END_TEST

START_TEST(a_specific_address_on_another_device_leaves_the_wildcard)
{
        Listener *wildcard = add("0.0.0.0", 80);

        (void)add_on(ETH1, "10.0.0.1", 80, TAKES_ITS_OWN);
        ck_assert_ptr_eq(match_on(ETH0, "10.0.0.1", 80), wildcard);
}
END_TEST

/* A connection to fe80:: is bound to its device, whoever took it. */
START_TEST(a_link_local_connection_may_be_of_a_listener_on_no_device)
{
        Listener *wildcard = add("::", 80);

        ck_assert_ptr_eq(match_on(ETH0, "fe80::1", 80), wildcard);
}
END_TEST

/* ---- two families ---- */

START_TEST(ipv4_that_a_dual_stack_listener_took_has_a_mapped_address)
{
        Listener *dual = add_on(0, "::", 80, TAKES_IPV4_TOO);

        ck_assert_ptr_eq(match("::ffff:10.0.0.1", 80), dual);
        ck_assert_ptr_eq(match("2001:db8::1", 80), dual);
}
END_TEST

/* Both may listen with SO_REUSEPORT; the family of a connection tells which of them took it. */
START_TEST(a_connection_has_the_family_of_its_listener)
{
        Listener *ipv4 = add("0.0.0.0", 80), *dual = add_on(0, "::", 80, TAKES_IPV4_TOO);

        ck_assert_ptr_eq(match("10.0.0.1", 80), ipv4);
        ck_assert_ptr_eq(match("::ffff:10.0.0.1", 80), dual);
        ck_assert_ptr_eq(match("2001:db8::1", 80), dual);
}
END_TEST

START_TEST(a_listener_of_ipv6_alone_takes_no_ipv4)
{
        (void)add("::", 80);
        ck_assert_ptr_null(match("::ffff:10.0.0.1", 80));
        ck_assert_ptr_null(match("10.0.0.1", 80));
}
END_TEST

START_TEST(a_listener_on_a_mapped_address_takes_that)
{
        Listener *mapped = add("::ffff:10.0.0.1", 80), *dual = add_on(0, "::", 80, TAKES_IPV4_TOO);

        ck_assert_ptr_eq(match("::ffff:10.0.0.1", 80), mapped);
        ck_assert_ptr_eq(match("::ffff:10.0.0.2", 80), dual);
}
END_TEST

/* IPV6_ADDRFORM (ipv6(7)) makes an IPv4 socket of an accepted one. */
START_TEST(an_ipv4_connection_without_a_listener_of_ipv4_was_of_one_of_ipv6)
{
        Listener *dual = add_on(0, "::", 80, TAKES_IPV4_TOO), *mapped;

        ck_assert_ptr_eq(match("10.0.0.1", 80), dual);
        mapped = add("::ffff:10.0.0.1", 80);
        ck_assert_ptr_eq(match("10.0.0.1", 80), mapped);
        ck_assert_ptr_eq(match("10.0.0.2", 80), dual);
}
END_TEST

START_TEST(an_address_that_only_looks_mapped_is_ipv6)
{
        Listener *ipv6 = add("::", 80);

        ck_assert_ptr_eq(match("::fffe:10.0.0.1", 80), ipv6);
        ck_assert_ptr_eq(match("::1:ffff:10.0.0.1", 80), ipv6);
        ck_assert_ptr_eq(match("::10.0.0.1", 80), ipv6);
}
END_TEST

/* They carry addresses and nothing else: inode, uid and cgroup are 0. */
START_TEST(half_open_ones_and_those_in_time_wait_have_a_listener)
{
        Listener *specific = add("10.0.0.1", 80), *dual = add_on(0, "::", 80, TAKES_IPV4_TOO);
        static const uint8_t states[] = { SOCK_STATE_SYN_RECV, SOCK_STATE_TIME_WAIT, SOCK_STATE_FIN_WAIT2 };

        for (size_t i = 0; i < ELEMENTSOF(states); i++) {
                struct inet_diag_msg ipv4 = socket_of("10.0.0.1", 80, 0),
                                     ipv6 = socket_of("2001:db8::1", 80, 0);

                ipv4.idiag_state = ipv6.idiag_state = states[i];
                ck_assert_ptr_eq(listeners_match(listeners, &ipv4), specific);
                ck_assert_ptr_eq(listeners_match(listeners, &ipv6), dual);
        }
}
END_TEST

/* The kernel leaves what is behind an IPv4 address as it was. */
START_TEST(what_is_behind_an_ipv4_address_does_not_matter)
{
        struct inet_diag_msg message = socket_of("10.0.0.1", 80, 0);
        Listener *listener = add("10.0.0.1", 80);

        message.id.idiag_src[1] = message.id.idiag_src[3] = UINT32_MAX;
        ck_assert_ptr_eq(listeners_match(listeners, &message), listener);
}
END_TEST

/* ---- what came in ---- */

/* As with a sample in which nobody listens, and with which comes a full walk. */
static void begin_walk(void) {
        listeners_clear(listeners);
        listeners_begin_walk(listeners, WALK_ALL);
}

static bool is_inbound(uint16_t port) {
        struct inet_diag_msg message = socket_of("10.0.0.1", port, 0);

        return listeners_is_inbound(listeners, &message);
}

START_TEST(what_came_in_is_what_somebody_listens_for)
{
        (void)add("0.0.0.0", 80);
        ck_assert(is_inbound(80));
        ck_assert(!is_inbound(81));
        ck_assert(!is_inbound(0));
        ck_assert(!is_inbound(UINT16_MAX));
}
END_TEST

START_TEST(a_port_stays_inbound_while_each_walk_finds_a_connection)
{
        (void)add("0.0.0.0", 80);
        for (unsigned i = 0; i < 100; i++) {
                begin_walk();
                ck_assert(is_inbound(80));
                ck_assert(is_inbound(80));
        }

        begin_walk();
        begin_walk();
        ck_assert(!is_inbound(80));
        ck_assert(!is_inbound(80));
}
END_TEST

START_TEST(a_port_without_connections_stays_inbound_for_the_next_walk_only)
{
        (void)add("0.0.0.0", 80);
        (void)add("0.0.0.0", 81);
        begin_walk();
        ck_assert(is_inbound(80));
        begin_walk();
        ck_assert(is_inbound(80));
        ck_assert(!is_inbound(81));
}
END_TEST

/* Somebody listens there again: this is a listener's port, not one that was. */
START_TEST(a_port_that_was_remembered_has_no_listener)
{
        (void)add("0.0.0.0", 80);
        begin_walk();
        ck_assert(is_inbound(80));
        ck_assert_ptr_null(match("10.0.0.1", 80));
}
END_TEST

/* The dump of listeners fails at start: whatever this host opened must not pass for inbound ever after. */
START_TEST(nothing_came_in_before_the_first_sample)
{
        teardown();
        ck_assert_int_eq(listeners_new(&listeners), 0);
        ck_assert(!is_inbound(40000));
        ck_assert_ptr_null(match("10.0.0.1", 40000));
        begin_walk();
        ck_assert(!is_inbound(40000));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("listeners");
        TCase *table = tcase_create("table");
        TCase *matching = tcase_create("matching");
        TCase *inbound = tcase_create("inbound");

        tcase_add_checked_fixture(table, setup, teardown);
        tcase_add_test(table, listeners_are_what_was_added_since_the_sample_began);
        tcase_add_test(table, a_listener_keeps_what_the_last_walk_counted);
        tcase_add_test(table, what_no_walk_has_counted_of_a_listener_is_no_measurement);
        tcase_add_test(table, a_walk_begins_with_nothing_of_what_it_counts);
        tcase_add_test(table, each_of_8192_listeners_is_found);
        tcase_add_test(table, each_of_8192_devices_is_found);
        suite_add_tcase(suite, table);

        tcase_add_checked_fixture(matching, setup, teardown);
        tcase_add_test(matching, a_connection_is_its_own_ports);
        tcase_add_test(matching, a_specific_address_comes_before_the_wildcard);
        tcase_add_test(matching, a_listener_on_another_address_is_none);
        tcase_add_loop_test(matching, a_listener_on_the_device_comes_before_one_on_none, 0, 2);
        tcase_add_test(matching, a_listener_on_another_device_is_none);
        tcase_add_test(matching, a_specific_address_on_no_device_comes_before_the_wildcard_on_the_device);
        tcase_add_test(matching, a_specific_address_on_another_device_leaves_the_wildcard);
        tcase_add_test(matching, a_link_local_connection_may_be_of_a_listener_on_no_device);
        tcase_add_test(matching, ipv4_that_a_dual_stack_listener_took_has_a_mapped_address);
        tcase_add_test(matching, a_connection_has_the_family_of_its_listener);
        tcase_add_test(matching, a_listener_of_ipv6_alone_takes_no_ipv4);
        tcase_add_test(matching, a_listener_on_a_mapped_address_takes_that);
        tcase_add_test(matching, an_ipv4_connection_without_a_listener_of_ipv4_was_of_one_of_ipv6);
        tcase_add_test(matching, an_address_that_only_looks_mapped_is_ipv6);
        tcase_add_test(matching, half_open_ones_and_those_in_time_wait_have_a_listener);
        tcase_add_test(matching, what_is_behind_an_ipv4_address_does_not_matter);
        suite_add_tcase(suite, matching);

        tcase_add_checked_fixture(inbound, setup, teardown);
        tcase_add_test(inbound, what_came_in_is_what_somebody_listens_for);
        tcase_add_test(inbound, a_port_stays_inbound_while_each_walk_finds_a_connection);
        tcase_add_test(inbound, a_port_without_connections_stays_inbound_for_the_next_walk_only);
        tcase_add_test(inbound, a_port_that_was_remembered_has_no_listener);
        tcase_add_test(inbound, nothing_came_in_before_the_first_sample);
        suite_add_tcase(suite, inbound);

        return suite_main(suite);
}
