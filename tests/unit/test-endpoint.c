/* SPDX-License-Identifier: Apache-2.0 */

/* Whose a socket is, is in test-owners.c. */

#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>

#include "collect/endpoint.h"
#include "suite.h"

static struct inet_diag_msg socket_of(const char *address, uint16_t port) {
        struct inet_diag_msg message = {
                .idiag_family = strchr(address, ':') ? AF_INET6 : AF_INET,
                .id.idiag_sport = htons(port),
        };

        ck_assert_int_eq(inet_pton(message.idiag_family, address, message.id.idiag_src), 1);
        return message;
}

START_TEST(an_endpoint_is_the_local_address_and_port)
{
        static const char *const addresses[] = { "10.0.0.1", "0.0.0.0", "2001:db8::1", "::ffff:10.0.0.1" };
        static const char *const names[] = { "10.0.0.1:80", "0.0.0.0:80", "[2001:db8::1]:80",
                                             "[::ffff:10.0.0.1]:80" };
        struct inet_diag_msg message = socket_of(addresses[_i], 80);
        char name[ENDPOINT_NAME_SIZE];
        Endpoint endpoint;

        message.id.idiag_dport = htons(1234);
        message.id.idiag_dst[0] = 5;
        endpoint_from_socket(&message, &endpoint);
        endpoint_format_name(&endpoint, name);
        ck_assert_str_eq(name, names[_i]);
        ck_assert_uint_eq(endpoint_port(&endpoint), 80);
        ck_assert_str_eq(endpoint.device, "");
}
END_TEST

/* Keys are compared as bytes. */
START_TEST(what_is_not_used_is_0)
{
        struct inet_diag_msg message = socket_of("10.0.0.1", 80);
        Endpoint endpoint, same;

        memset(&endpoint, 0xff, sizeof endpoint);
        message.id.idiag_src[1] = message.id.idiag_src[2] = message.id.idiag_src[3] = UINT32_MAX;
        endpoint_from_socket(&message, &endpoint);
        message = socket_of("10.0.0.1", 80);
        memset(&same, 0, sizeof same);
        endpoint_from_socket(&message, &same);
        ck_assert_mem_eq(&endpoint, &same, sizeof same);
}
END_TEST

START_TEST(a_device_is_told_by_its_name)
{
        struct inet_diag_msg message = socket_of("10.0.0.1", 80);
        Endpoint endpoint;

        message.id.idiag_if = if_nametoindex("lo");
        endpoint_from_socket(&message, &endpoint);
        ck_assert_str_eq(endpoint.device, message.id.idiag_if > 0 ? "lo" : "");
}
END_TEST

START_TEST(a_device_that_is_gone_is_told_by_its_number)
{
        struct inet_diag_msg message = socket_of("10.0.0.1", 80);
        Endpoint endpoint;

        message.id.idiag_if = INT32_MAX;
        endpoint_from_socket(&message, &endpoint);
        ck_assert_str_eq(endpoint.device, "2147483647");
}
END_TEST

START_TEST(a_key_of_the_ledger_is_the_endpoint_the_unit_and_zeros)
{
        struct inet_diag_msg message = socket_of("10.0.0.1", 80);
        static const LedgerKey zeros;
        const uint64_t unit_id = UINT64_C(0x0123456789abcdef);
        Endpoint endpoint;
        LedgerKey key;

        endpoint_from_socket(&message, &endpoint);
        key = endpoint_ledger_key(&endpoint, unit_id);
        ck_assert_mem_eq(&key, &endpoint, sizeof endpoint);
        ck_assert_mem_eq(key.bytes + sizeof endpoint, &unit_id, sizeof unit_id);
        ck_assert_mem_eq(key.bytes + sizeof endpoint + sizeof unit_id, &zeros,
                         sizeof key - sizeof endpoint - sizeof unit_id);
}
END_TEST

START_TEST(a_cookie_has_its_higher_half_behind)
{
        struct inet_diag_msg message = { .id.idiag_cookie = { 0x89abcdef, 0x01234567 } };

        ck_assert_uint_eq(endpoint_cookie(&message), UINT64_C(0x0123456789abcdef));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("endpoint");
        TCase *endpoints = tcase_create("endpoints");

        tcase_add_loop_test(endpoints, an_endpoint_is_the_local_address_and_port, 0, 4);
        tcase_add_test(endpoints, what_is_not_used_is_0);
        tcase_add_test(endpoints, a_device_is_told_by_its_name);
        tcase_add_test(endpoints, a_device_that_is_gone_is_told_by_its_number);
        tcase_add_test(endpoints, a_key_of_the_ledger_is_the_endpoint_the_unit_and_zeros);
        tcase_add_test(endpoints, a_cookie_has_its_higher_half_behind);
        suite_add_tcase(suite, endpoints);

        return suite_main(suite);
}
