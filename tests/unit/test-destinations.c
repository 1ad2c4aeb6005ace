/* SPDX-License-Identifier: Apache-2.0 */

#include <arpa/inet.h>
#include <string.h>

#include "collect/destinations.h"
#include "suite.h"

#define FIRST 32768
#define LAST  60999

static Destinations *destinations;
static Sample sample;
static Bounds bounds;

static void setup(void) {
        ck_assert_int_eq(destinations_new(&destinations), 0);
        bounds = (Bounds){ .n_destinations = DESTINATIONS_MAX };
        destinations_begin(destinations, FIRST, LAST);
}

static void teardown(void) {
        destinations = destinations_free(destinations);
}

static void add_from(const char *source, uint16_t source_port, const char *address, uint16_t port) {
        struct inet_diag_msg message = {
                .idiag_family = strchr(address, ':') ? AF_INET6 : AF_INET,
                .id.idiag_sport = htons(source_port),
                .id.idiag_dport = htons(port),
        };

        ck_assert_int_eq(inet_pton(message.idiag_family, source, message.id.idiag_src), 1);
        ck_assert_int_eq(inet_pton(message.idiag_family, address, message.id.idiag_dst), 1);
        destinations_add(destinations, &message);
}

static void add(const char *address, uint16_t port, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                add_from(strchr(address, ':') ? "::ffff:10.0.0.9" : "10.0.0.9", (uint16_t)(FIRST + i),
                         address, port);
}

static void end(void) {
        sample_clear(&sample);
        destinations_end(destinations, &bounds);
        destinations_make_rows(destinations, &sample);
        for (uint32_t i = 1; i < sample.n_destinations; i++)
                ck_assert_int_lt(memcmp(&sample.destinations[i - 1].key, &sample.destinations[i].key,
                                        sizeof(Endpoint)),
                                 0);
}

static const DestinationRow *row(const char *name) {
        char text[ENDPOINT_NAME_SIZE];

        for (uint32_t i = 0; i < sample.n_destinations; i++) {
                endpoint_format_name(&sample.destinations[i].key, text);
                if (strcmp(text, name) == 0)
                        return &sample.destinations[i];
        }
        ck_abort_msg("no row of %s", name);
        return NULL;
}

START_TEST(ports_are_counted_by_destination)
{
        add("10.0.0.1", 80, 30);
        add("10.0.0.1", 443, 7);
        add("10.0.0.2", 80, 5);
        add("2001:db8::1", 80, 3);
        end();
        ck_assert_uint_eq(sample.n_destinations, 4);
        ck_assert_uint_eq(row("10.0.0.1:80")->n_ports, 30);
        ck_assert_uint_eq(row("10.0.0.1:443")->n_ports, 7);
        ck_assert_uint_eq(row("10.0.0.2:80")->n_ports, 5);
        ck_assert_uint_eq(row("[2001:db8::1]:80")->n_ports, 3);
        ck_assert_uint_eq(row("10.0.0.1:80")->error, 0);
        ck_assert_uint_eq(sample.values[VALUE_DESTINATIONS_FOLDED], 0);
        ck_assert_uint_eq(sample.values[VALUE_DESTINATION_PORTS_MISSED], 0);
}
END_TEST

START_TEST(each_walk_begins_at_0)
{
        add("10.0.0.1", 80, 30);
        end();
        destinations_begin(destinations, FIRST, LAST);
        add("10.0.0.2", 80, 5);
        end();
        ck_assert_uint_eq(sample.n_destinations, 1);
        ck_assert_uint_eq(row("10.0.0.2:80")->n_ports, 5);

        destinations_begin(destinations, FIRST, LAST);
        end();
        ck_assert_uint_eq(sample.n_destinations, 0);
        ck_assert(sample_has(&sample, VALUE_DESTINATIONS_FOLDED));
}
END_TEST

START_TEST(a_mapped_address_is_an_ipv4_address)
{
        add("10.0.0.1", 80, 3);
        add("::ffff:10.0.0.1", 80, 4);
        end();
        ck_assert_uint_eq(sample.n_destinations, 1);
        ck_assert_uint_eq(row("10.0.0.1:80")->n_ports, 7);
}
END_TEST

START_TEST(ports_outside_of_the_range_are_passed_over)
{
        add_from("10.0.0.9", FIRST - 1, "10.0.0.1", 80);
        add_from("10.0.0.9", LAST + 1, "10.0.0.1", 80);
        add_from("10.0.0.9", 0, "10.0.0.1", 80);
        end();
        ck_assert_uint_eq(sample.n_destinations, 0);
        add_from("10.0.0.9", FIRST, "10.0.0.1", 80);
        add_from("10.0.0.9", LAST, "10.0.0.1", 80);
        end();
        ck_assert_uint_eq(row("10.0.0.1:80")->n_ports, 2);
}
END_TEST

START_TEST(a_range_of_all_ports_is_a_range)
{
        destinations_begin(destinations, 1, UINT16_MAX);
        add_from("10.0.0.9", 1, "10.0.0.1", 80);
        add_from("10.0.0.9", UINT16_MAX, "10.0.0.1", 80);
        end();
        ck_assert_uint_eq(row("10.0.0.1:80")->n_ports, 2);
}
END_TEST

START_TEST(nothing_is_counted_where_the_range_is_not_known)
{
        destinations_begin(destinations, 0, 0);
        add_from("10.0.0.9", 0, "10.0.0.1", 80);
        add_from("10.0.0.9", 40000, "10.0.0.1", 80);
        end();
        ck_assert_uint_eq(sample.n_destinations, 0);
}
END_TEST

/* Ports run out for one source address at a time. */
START_TEST(of_a_destination_the_worst_source_address_is_told)
{
        for (uint16_t i = 0; i < 9; i++) {
                add_from("10.0.0.8", FIRST + i, "10.0.0.1", 80);
                if (i < 5)
                        add_from("10.0.0.7", FIRST + i, "10.0.0.1", 80);
                if (i < 7)
                        add_from("10.0.0.9", FIRST + i, "10.0.0.1", 80);
        }
        end();
        ck_assert_uint_eq(sample.n_destinations, 1);
        ck_assert_uint_eq(row("10.0.0.1:80")->n_ports, 9);
}
END_TEST

START_TEST(the_most_used_have_rows_and_the_others_are_added_up)
{
        bounds.n_destinations = 2;
        add("10.0.0.1", 80, 3);
        add("10.0.0.2", 80, 30);
        add("10.0.0.3", 80, 4);
        add("10.0.0.4", 80, 20);
        end();
        ck_assert_uint_eq(sample.n_destinations, 3);
        ck_assert_uint_eq(row("10.0.0.2:80")->n_ports, 30);
        ck_assert_uint_eq(row("10.0.0.4:80")->n_ports, 20);
        ck_assert_uint_eq(row("other")->n_ports, 7);
        ck_assert_uint_eq(sample.values[VALUE_DESTINATIONS_FOLDED], 2);
        ck_assert_uint_eq(sample.values[VALUE_DESTINATION_PORTS_MISSED], 0);

        destinations_begin(destinations, FIRST, LAST);
        add("10.0.0.1", 80, 3);
        end();
        ck_assert_uint_eq(row("other")->n_ports, 0);
        ck_assert_uint_eq(sample.values[VALUE_DESTINATIONS_FOLDED], 0);
}
END_TEST

static void format_address(uint32_t i, char ret[static INET_ADDRSTRLEN]) {
        struct in_addr address = { .s_addr = htonl(0x0b000000 + i) };

        ck_assert_ptr_nonnull(inet_ntop(AF_INET, &address, ret, INET_ADDRSTRLEN));
}

static void add_many(uint32_t n) {
        char address[INET_ADDRSTRLEN];

        for (uint32_t i = 0; i < n; i++) {
                format_address(i, address);
                add_from("10.0.0.9", (uint16_t)(FIRST + i % 20000), address, 443);
        }
}

START_TEST(all_is_exact_as_long_as_there_is_room)
{
        uint64_t n = 0;

        add("10.0.0.1", 80, 500);
        add_many(DESTINATIONS_TRACKED_MAX - 1);
        end();
        for (uint32_t i = 0; i < sample.n_destinations; i++) {
                n += sample.destinations[i].n_ports;
                ck_assert_uint_eq(sample.destinations[i].error, 0);
        }
        ck_assert_uint_eq(n, 500 + DESTINATIONS_TRACKED_MAX - 1);
        ck_assert_uint_eq(sample.values[VALUE_DESTINATION_PORTS_MISSED], 0);
        ck_assert_uint_eq(sample.values[VALUE_DESTINATIONS_FOLDED],
                          DESTINATIONS_TRACKED_MAX - DESTINATIONS_MAX);
}
END_TEST

/* At least so many are told apart when there are more of them than can be. */
#define DESTINATIONS_TRACKED_MIN (DESTINATIONS_TRACKED_MAX / 2 + 1)

/* Whoever stands out is found among a million; what may have been missed is told. */
START_TEST(a_million_destinations_are_bounded_and_marked)
{
        const uint32_t n_all = 1000000;
        uint64_t missed_max;

        add("10.0.0.1", 80, 2000);
        add_many(n_all / 2);
        add("10.0.0.1", 80, 20000);
        add_many(n_all);
        end();
        missed_max = (3 * n_all / 2 + 22000) / DESTINATIONS_TRACKED_MIN;
        ck_assert_uint_eq(sample.n_destinations, DESTINATIONS_MAX + 1);
        ck_assert_uint_ge(sample.values[VALUE_DESTINATIONS_FOLDED],
                          DESTINATIONS_TRACKED_MIN - DESTINATIONS_MAX);
        ck_assert_uint_gt(sample.values[VALUE_DESTINATION_PORTS_MISSED], 0);
        ck_assert_uint_le(sample.values[VALUE_DESTINATION_PORTS_MISSED], missed_max);
        ck_assert_uint_le(row("10.0.0.1:80")->n_ports, 22000);
        ck_assert_uint_ge(row("10.0.0.1:80")->n_ports + row("10.0.0.1:80")->error, 22000);
        ck_assert_uint_le(row("10.0.0.1:80")->error, missed_max);
}
END_TEST

/* One port each, to more of them than can be told apart: none is lost. */
START_TEST(what_cannot_be_told_apart_is_in_other_and_counted)
{
        const uint32_t n_all = 3000;
        uint64_t n = 0, n_over = 0;

        for (unsigned walk = 1; walk < 3; walk++) {
                destinations_begin(destinations, FIRST, LAST);
                add_many(n_all);
                end();
                n = 0;
                for (uint32_t i = 0; i < sample.n_destinations; i++)
                        n += sample.destinations[i].n_ports;
                ck_assert_uint_eq(n, n_all);
                ck_assert_uint_eq(row("other")->n_ports, n_all - DESTINATIONS_MAX);
                ck_assert_uint_eq(row("other")->error, 0);
                /* Each has a row of its own, or was folded, or was left out. */
                n_over += n_all - DESTINATIONS_MAX - sample.values[VALUE_DESTINATIONS_FOLDED];
                ck_assert_uint_ge(n_over, walk * (n_all - DESTINATIONS_TRACKED_MAX));
                ck_assert_uint_le(n_over, walk * (n_all - DESTINATIONS_TRACKED_MIN));
                ck_assert_uint_eq(sample.values[VALUE_DESTINATIONS_TRUNCATED], n_over);
        }

        destinations_begin(destinations, FIRST, LAST);
        add("10.0.0.1", 80, 3);
        end();
        ck_assert_uint_eq(row("other")->n_ports, 0);
        ck_assert_uint_eq(sample.values[VALUE_DESTINATIONS_TRUNCATED], n_over);
}
END_TEST

/* What several source addresses use to one that has a row is none of the others'. */
START_TEST(other_has_all_source_addresses_of_the_others_and_none_of_the_rest)
{
        bounds.n_destinations = 1;
        add("10.0.0.1", 80, 9);
        add_from("10.0.0.8", FIRST, "10.0.0.1", 80);
        add("10.0.0.2", 80, 4);
        add_from("10.0.0.8", FIRST, "10.0.0.2", 80);
        end();
        ck_assert_uint_eq(row("10.0.0.1:80")->n_ports, 9);
        ck_assert_uint_eq(row("other")->n_ports, 5);
        ck_assert_uint_eq(sample.values[VALUE_DESTINATIONS_TRUNCATED], 0);
}
END_TEST

/* Two destinations, from more source addresses than can be told apart. */
START_TEST(what_cannot_be_told_apart_is_in_other_also_where_no_row_was_folded)
{
        char source[INET_ADDRSTRLEN];

        for (uint32_t i = 0; i < 3000; i++) {
                format_address(i, source);
                add_from(source, FIRST, i % 2 ? "10.0.0.1" : "10.0.0.2", 443);
        }
        end();
        ck_assert_uint_eq(sample.n_destinations, 3);
        ck_assert_uint_eq(sample.values[VALUE_DESTINATIONS_FOLDED], 0);
        ck_assert_uint_ge(row("other")->n_ports, 3000 - DESTINATIONS_TRACKED_MAX);
        ck_assert_uint_eq(row("other")->n_ports, sample.values[VALUE_DESTINATIONS_TRUNCATED]);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("destinations");
        TCase *ports = tcase_create("ports");

        tcase_add_checked_fixture(ports, setup, teardown);
        tcase_set_timeout(ports, 60);
        tcase_add_test(ports, ports_are_counted_by_destination);
        tcase_add_test(ports, each_walk_begins_at_0);
        tcase_add_test(ports, a_mapped_address_is_an_ipv4_address);
        tcase_add_test(ports, ports_outside_of_the_range_are_passed_over);
        tcase_add_test(ports, a_range_of_all_ports_is_a_range);
        tcase_add_test(ports, nothing_is_counted_where_the_range_is_not_known);
        tcase_add_test(ports, of_a_destination_the_worst_source_address_is_told);
        tcase_add_test(ports, the_most_used_have_rows_and_the_others_are_added_up);
        tcase_add_test(ports, all_is_exact_as_long_as_there_is_room);
        tcase_add_test(ports, a_million_destinations_are_bounded_and_marked);
        tcase_add_test(ports, what_cannot_be_told_apart_is_in_other_and_counted);
        tcase_add_test(ports, what_cannot_be_told_apart_is_in_other_also_where_no_row_was_folded);
        tcase_add_test(ports, other_has_all_source_addresses_of_the_others_and_none_of_the_rest);
        suite_add_tcase(suite, ports);

        return suite_main(suite);
}
