/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>
#include <string.h>

#include "derive/troubles.h"
#include "suite.h"
#include "unit/samples.h"

static Sample sample;

static ListenerRow *add_listener(uint16_t port, uint64_t length, uint64_t limit, uint64_t peak) {
        ListenerRow *row = sample_add_listener(&sample, "127.0.0.1", port, "");

        row->length = row->worst_length = length;
        row->limit = row->worst_limit = limit;
        row->peak = peak;
        return row;
}

static UnixListenerRow *add_unix_listener(const char *path, uint64_t length, uint64_t limit, uint64_t peak) {
        UnixListenerRow *row = sample_add_row(&sample, TABLE_UNIX_LISTENERS);

        (void)snprintf(row->key.path, sizeof row->key.path, "%s", path);
        row->length = row->worst_length = length;
        row->limit = row->worst_limit = limit;
        row->peak = peak;
        return row;
}

static void add_udp(uint64_t queue_bytes, uint64_t buffer_bytes) {
        UdpSocketRow *row = sample_add_row(&sample, TABLE_UDP_SOCKETS);

        row->worst_queue_bytes = queue_bytes;
        row->worst_buffer_bytes = buffer_bytes;
}

static ProcessRow *add_process(const char *unit, uint64_t open_fds, uint64_t fd_limit) {
        ProcessRow *row = sample_add_row(&sample, TABLE_PROCESSES);

        (void)snprintf(row->key.unit, sizeof row->key.unit, "%s", unit);
        row->open_fds = open_fds;
        row->fd_limit = fd_limit;
        return row;
}

static void add_unit(const char *name, uint64_t n_close_wait_accepted) {
        UnitRow *row = sample_add_row(&sample, TABLE_UNITS);

        (void)snprintf(row->key.unit, sizeof row->key.unit, "%s", name);
        row->n_close_wait_accepted = n_close_wait_accepted;
}

static uint32_t count(TroubleKind kind) {
        Troubles troubles;

        troubles_find(&sample, kind, &troubles);
        return troubles.n;
}

/* That one row, and no other. */
static void check_only(TroubleKind kind, uint32_t row) {
        Troubles troubles;

        troubles_find(&sample, kind, &troubles);
        ck_assert_uint_eq(troubles.n, 1);
        ck_assert_uint_eq(troubles.rows[0], row);
}

static void setup(void) {
        sample_clear(&sample);
}

START_TEST(an_empty_sample_is_in_no_trouble)
{
        for (TroubleKind kind = 0; kind < _TROUBLES; kind++)
                ck_assert_uint_eq(count(kind), 0);
        ck_assert(!troubles_has_certain(&sample));
}
END_TEST

START_TEST(a_queue_is_full_beyond_its_limit_and_that_is_certain)
{
        add_listener(1, 5, 5, 5);
        ck_assert_uint_eq(count(TROUBLE_QUEUE_FULL), 0);
        ck_assert(!troubles_has_certain(&sample));

        add_listener(2, 6, 5, 6);
        check_only(TROUBLE_QUEUE_FULL, 1);
        ck_assert(troubles_has_certain(&sample));
}
END_TEST

START_TEST(a_queue_that_was_full_is_told_and_is_not_certain)
{
        add_listener(1, 6, 5, 6);
        add_listener(2, 0, 5, 5);
        ck_assert_uint_eq(count(TROUBLE_QUEUE_WAS_FULL), 0);

        add_listener(3, 0, 5, 6);
        check_only(TROUBLE_QUEUE_WAS_FULL, 2);

        sample.n_listeners = 0;
        add_listener(3, 0, 5, 6);
        ck_assert(!troubles_has_certain(&sample));
}
END_TEST

START_TEST(the_same_holds_for_unix_listeners)
{
        add_unix_listener("/a", 2, 2, 2);
        add_unix_listener("/b", 1, 2, 3);
        check_only(TROUBLE_UNIX_QUEUE_WAS_FULL, 1);
        ck_assert(!troubles_has_certain(&sample));

        add_unix_listener("/c", 3, 2, 3);
        check_only(TROUBLE_UNIX_QUEUE_FULL, 2);
        check_only(TROUBLE_UNIX_QUEUE_WAS_FULL, 1);
        ck_assert(troubles_has_certain(&sample));
}
END_TEST

START_TEST(a_process_at_its_limit_is_certain_and_one_near_it_is_not)
{
        add_process("a", 899, 1000);
        add_process("b", 900, 1000);
        add_process("c", 5000, UINT64_MAX);
        add_process("d", 5000, 0);
        check_only(TROUBLE_FDS_HIGH, 1);
        ck_assert_uint_eq(count(TROUBLE_FDS_EXHAUSTED), 0);
        ck_assert(!troubles_has_certain(&sample));

        /* A limit may be lowered below what is open already. */
        add_process("e", 1001, 1000);
        check_only(TROUBLE_FDS_EXHAUSTED, 4);
        check_only(TROUBLE_FDS_HIGH, 1);
        ck_assert(troubles_has_certain(&sample));
}
END_TEST

START_TEST(a_receiver_is_slow_above_nine_tenths)
{
        add_udp(900, 1000);
        add_udp(0, 0);
        add_udp(901, 1000);
        check_only(TROUBLE_UDP_QUEUE_HIGH, 2);
        ck_assert(!troubles_has_certain(&sample));
}
END_TEST

START_TEST(a_process_that_does_not_close_is_told_while_its_unit_still_has_such_connections)
{
        add_unit("a", 40);
        add_unit("b", 0);
        add_process("a", 1, 1000)->n_close_wait = 40;
        add_process("a", 1, 1000);
        add_process("b", 1, 1000)->n_close_wait = 40;
        add_process("c", 1, 1000)->n_close_wait = 40;
        check_only(TROUBLE_CLOSE_WAIT, 0);
        ck_assert(!troubles_has_certain(&sample));
}
END_TEST

START_TEST(a_unit_that_does_not_close_is_told_where_nobody_knows_the_process)
{
        add_unit("a", TROUBLES_CLOSE_WAIT_MIN - 1);
        add_unit("b", TROUBLES_CLOSE_WAIT_MIN);
        add_unit("c", TROUBLES_CLOSE_WAIT_MIN);
        add_process("c", 1, 1000)->n_close_wait = TROUBLES_CLOSE_WAIT_MIN;
        check_only(TROUBLE_UNIT_CLOSE_WAIT, 1);
        check_only(TROUBLE_CLOSE_WAIT, 0);
        ck_assert(!troubles_has_certain(&sample));
}
END_TEST

START_TEST(a_unit_that_does_not_accept_is_told)
{
        for (uint32_t i = 0; i < 3; i++) {
                add_unit("a", 10);
                sample.units[i].states[STATE_CLOSE_WAIT] = 10 + (i == 1 ? TROUBLES_CLOSE_WAIT_MIN : i);
        }
        check_only(TROUBLE_NOT_ACCEPTED, 1);
        ck_assert_uint_eq(count(TROUBLE_UNIT_CLOSE_WAIT), 0);
}
END_TEST

START_TEST(of_many_the_worst_are_named_and_all_are_counted)
{
        static const uint64_t lengths[] = { 20, 90, 10, 70, 30, 80, 60, 20, 40, 50 };
        static const uint32_t worst[TROUBLES_NAMED_MAX] = { 1, 5, 3, 6, 9 };
        Troubles troubles;

        for (uint16_t i = 0; i < ELEMENTSOF(lengths); i++)
                add_listener(i, lengths[i], 5, lengths[i]);
        troubles_find(&sample, TROUBLE_QUEUE_FULL, &troubles);
        ck_assert_uint_eq(troubles.n, ELEMENTSOF(lengths));
        ck_assert_mem_eq(troubles.rows, worst, sizeof worst);
}
END_TEST

START_TEST(of_equals_the_first_are_named)
{
        static const uint32_t first[TROUBLES_NAMED_MAX] = { 0, 1, 2, 3, 4 };
        Troubles troubles;

        for (uint16_t i = 0; i < 9; i++)
                add_listener(i, 9, 5, 9);
        troubles_find(&sample, TROUBLE_QUEUE_FULL, &troubles);
        ck_assert_mem_eq(troubles.rows, first, sizeof first);
}
END_TEST

START_TEST(a_trouble_is_as_old_as_what_it_is_judged_by)
{
        sample.realtime_usec = 100 * USEC_PER_SEC;
        for (TroubleKind kind = 0; kind < _TROUBLES; kind++)
                ck_assert_uint_eq(trouble_age(&sample, kind), 0);

        sample_set(&sample, VALUE_TCP_RARE_STATES_USEC, 80 * USEC_PER_SEC);
        sample_set(&sample, VALUE_PROCESSES_COUNTED_USEC, 97 * USEC_PER_SEC);
        sample_set(&sample, VALUE_PROCESSES_CLOSE_WAIT_USEC, 40 * USEC_PER_SEC);
        sample.reports[COLLECTOR_UNIX].last_success_usec = 94 * USEC_PER_SEC;
        sample.reports[COLLECTOR_UDP].last_success_usec = 95 * USEC_PER_SEC;
        ck_assert_uint_eq(trouble_age(&sample, TROUBLE_CLOSE_WAIT), 60 * USEC_PER_SEC);
        ck_assert_uint_eq(trouble_age(&sample, TROUBLE_UNIT_CLOSE_WAIT), 20 * USEC_PER_SEC);
        ck_assert_uint_eq(trouble_age(&sample, TROUBLE_NOT_ACCEPTED), 20 * USEC_PER_SEC);
        ck_assert_uint_eq(trouble_age(&sample, TROUBLE_UNIX_QUEUE_FULL), 6 * USEC_PER_SEC);
        ck_assert_uint_eq(trouble_age(&sample, TROUBLE_UDP_QUEUE_HIGH), 5 * USEC_PER_SEC);
        ck_assert_uint_eq(trouble_age(&sample, TROUBLE_FDS_HIGH), 3 * USEC_PER_SEC);

        /* These are asked for at every tick. */
        ck_assert_uint_eq(trouble_age(&sample, TROUBLE_QUEUE_FULL), 0);
        ck_assert_uint_eq(trouble_age(&sample, TROUBLE_QUEUE_WAS_FULL), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("troubles");
        TCase *troubles = tcase_create("troubles");

        tcase_add_checked_fixture(troubles, setup, NULL);
        tcase_add_test(troubles, an_empty_sample_is_in_no_trouble);
        tcase_add_test(troubles, a_queue_is_full_beyond_its_limit_and_that_is_certain);
        tcase_add_test(troubles, a_queue_that_was_full_is_told_and_is_not_certain);
        tcase_add_test(troubles, the_same_holds_for_unix_listeners);
        tcase_add_test(troubles, a_process_at_its_limit_is_certain_and_one_near_it_is_not);
        tcase_add_test(troubles, a_receiver_is_slow_above_nine_tenths);
        tcase_add_test(troubles,
                       a_process_that_does_not_close_is_told_while_its_unit_still_has_such_connections);
        tcase_add_test(troubles, a_unit_that_does_not_close_is_told_where_nobody_knows_the_process);
        tcase_add_test(troubles, a_unit_that_does_not_accept_is_told);
        tcase_add_test(troubles, of_many_the_worst_are_named_and_all_are_counted);
        tcase_add_test(troubles, of_equals_the_first_are_named);
        tcase_add_test(troubles, a_trouble_is_as_old_as_what_it_is_judged_by);
        suite_add_tcase(suite, troubles);

        return suite_main(suite);
}
