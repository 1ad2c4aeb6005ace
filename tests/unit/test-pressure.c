/* SPDX-License-Identifier: Apache-2.0 */

#include "derive/pressure.h"
#include "suite.h"
#include "unit/samples.h"

static Sample sample;

static void add(uint16_t port, uint64_t worst_length, uint64_t worst_limit) {
        ListenerRow *row = sample_add_listener(&sample, "127.0.0.1", port, "");

        row->worst_length = worst_length;
        row->worst_limit = worst_limit;
}

static void check_fullest(uint16_t port) {
        ck_assert_uint_eq(endpoint_port(&pressure_fullest_listener(&sample)->key.endpoint), port);
}

static void setup(void) {
        sample_clear(&sample);
}

START_TEST(without_listeners_there_is_none)
{ ck_assert_ptr_null(pressure_fullest_listener(&sample)); }
END_TEST

START_TEST(an_idle_listener_is_the_fullest_of_one)
{
        add(1, 0, 128);
        check_fullest(1);
}
END_TEST

START_TEST(fullness_is_by_the_limit)
{
        add(1, 100, 4096);
        add(2, 5, 5);
        add(3, 1000, 4096);
        check_fullest(2);
}
END_TEST

START_TEST(a_full_queue_is_fuller_than_one_at_its_limit)
{
        add(1, 4096, 4096);
        add(2, 3, 2);
        check_fullest(2);
}
END_TEST

START_TEST(the_fullest_socket_of_a_listener_counts)
{
        add(1, 0, 10);
        sample.listeners[0].length = 1000;
        sample.listeners[0].limit = 1000;
        add(2, 1, 10);
        check_fullest(2);
}
END_TEST

START_TEST(a_limit_of_0_is_no_harm)
{
        add(1, 1, 0);
        add(2, 2, 2);
        add(3, 0, 0);
        check_fullest(1);
}
END_TEST

START_TEST(of_equals_the_first_is_taken)
{
        add(1, 1, 1);
        add(2, 2, 3);
        check_fullest(1);
}
END_TEST

START_TEST(the_largest_queues_are_compared_rightly)
{
        add(1, UINT32_MAX - 1, UINT32_MAX);
        add(2, UINT32_MAX, UINT32_MAX);
        add(3, UINT32_MAX - 2, UINT32_MAX);
        check_fullest(2);
}
END_TEST

/* Those that have no row of their own: their queues are nobody's. */
static ListenerRow *add_other(Sample *to) {
        ListenerRow *row = sample_add_row(to, TABLE_LISTENERS);

        row->key = (ListenerKey){ .endpoint.family = ENDPOINT_OTHER, .unit = UNIT_OTHER };
        return row;
}

START_TEST(of_many_that_have_no_row_none_is_the_fullest)
{
        add_other(&sample)->worst_length = 1000;
        ck_assert_ptr_null(pressure_fullest_listener(&sample));

        sample_clear(&sample);
        add(1, 1, 10);
        add_other(&sample)->worst_length = 1000;
        check_fullest(1);
}
END_TEST

START_TEST(a_queue_is_full_when_it_is_longer_than_its_limit)
{
        ck_assert(!pressure_is_full(0, 0));
        ck_assert(!pressure_is_full(5, 5));
        ck_assert(pressure_is_full(6, 5));
        ck_assert(pressure_is_full(1, 0));
}
END_TEST

static Sample before;

static const ListenerRow *most_dropping(void) {
        return pressure_most_dropping_listener(&before, &sample);
}

START_TEST(who_drops_the_most_since_the_sample_before_is_told)
{
        add(1, 0, 10);
        add(2, 0, 10);
        add(3, 0, 10);
        sample.listeners[0].drops = 1000;
        sample.listeners[1].drops = 5;
        sample.listeners[2].drops = 7;
        sample_copy(&before, &sample);
        ck_assert_ptr_null(most_dropping());

        sample.listeners[0].drops += 1;
        sample.listeners[1].drops += 2;
        ck_assert_ptr_eq(most_dropping(), &sample.listeners[1]);
}
END_TEST

START_TEST(a_listener_that_is_new_or_was_reset_dropped_what_it_shows)
{
        add(1, 0, 10);
        add(2, 0, 10);
        sample.listeners[0].drops = 90;
        sample_copy(&before, &sample);
        before.n_listeners = 1;

        sample.listeners[1].drops = 3;
        ck_assert_ptr_eq(most_dropping(), &sample.listeners[1]);
        sample.listeners[0].drops = 4;
        ck_assert_ptr_eq(most_dropping(), &sample.listeners[0]);
}
END_TEST

/* Its unit and process are found out later, or are others after a restart. */
START_TEST(a_listener_is_the_same_whoever_has_it)
{
        add(1, 0, 10);
        sample.listeners[0].drops = 90;
        sample_add_listener_of(&sample, "127.0.0.1", 2, "a.service", "a")->drops = 50;
        sample_copy(&before, &sample);
        ck_assert_ptr_null(most_dropping());

        sample_clear(&sample);
        sample_add_listener_of(&sample, "127.0.0.1", 1, "b.service", "b")->drops = 92;
        sample_add_listener_of(&sample, "127.0.0.1", 2, "b.service", "")->drops = 51;
        ck_assert_ptr_eq(most_dropping(), &sample.listeners[0]);
}
END_TEST

START_TEST(those_without_a_row_may_drop_the_most)
{
        add(1, 0, 10);
        add_other(&sample)->drops = 100;
        sample_copy(&before, &sample);
        sample.listeners[0].drops = 1;
        sample.listeners[1].drops = 105;
        ck_assert_ptr_eq(most_dropping(), &sample.listeners[1]);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("pressure");
        TCase *listeners = tcase_create("listeners");

        tcase_add_checked_fixture(listeners, setup, NULL);
        tcase_add_test(listeners, without_listeners_there_is_none);
        tcase_add_test(listeners, an_idle_listener_is_the_fullest_of_one);
        tcase_add_test(listeners, fullness_is_by_the_limit);
        tcase_add_test(listeners, a_full_queue_is_fuller_than_one_at_its_limit);
        tcase_add_test(listeners, the_fullest_socket_of_a_listener_counts);
        tcase_add_test(listeners, a_limit_of_0_is_no_harm);
        tcase_add_test(listeners, of_equals_the_first_is_taken);
        tcase_add_test(listeners, the_largest_queues_are_compared_rightly);
        tcase_add_test(listeners, who_drops_the_most_since_the_sample_before_is_told);
        tcase_add_test(listeners, a_listener_that_is_new_or_was_reset_dropped_what_it_shows);
        tcase_add_test(listeners, of_many_that_have_no_row_none_is_the_fullest);
        tcase_add_test(listeners, a_queue_is_full_when_it_is_longer_than_its_limit);
        tcase_add_test(listeners, a_listener_is_the_same_whoever_has_it);
        tcase_add_test(listeners, those_without_a_row_may_drop_the_most);
        suite_add_tcase(suite, listeners);

        return suite_main(suite);
}
