/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>
#include <string.h>

#include "collect/socket_ledger.h"
#include "suite.h"

#define WINDOW (70 * USEC_PER_SEC)

static SocketLedger *ledger;
static usec_t now;
static usec_t window;
static size_t n_rows_max;
static size_t n_forgotten; /* by the last dump */

static void setup(void) {
        ck_assert_int_eq(socket_ledger_new(&ledger), 0);
        now = 100 * USEC_PER_SEC;
        window = WINDOW;
        n_rows_max = 10;
}

static void teardown(void) {
        ledger = socket_ledger_free(ledger);
}

/* The key of a group, in the order of the numbers. */
static LedgerKey key_of(unsigned number) {
        LedgerKey key = { 0 };

        (void)snprintf((char *)key.bytes, sizeof key.bytes, "%08u", number);
        return key;
}

typedef struct Told {
        unsigned group;
        uint64_t cookie;
        uint32_t length;
        uint32_t limit;
        uint32_t drops;
} Told;

static LedgerSocket dump[LEDGER_SOCKETS_MAX];

/* One second later the kernel tells of these. */
static void enter(const Told *told, size_t n) {
        for (size_t i = 0; i < n; i++)
                dump[i] = (LedgerSocket){
                        .key = key_of(told[i].group),
                        .cookie = told[i].cookie,
                        .length = told[i].length,
                        .limit = told[i].limit,
                        .drops = told[i].drops,
                        .index = (uint32_t)i,
                };

        now += USEC_PER_SEC;
        n_forgotten = socket_ledger_enter(ledger, dump, n, now, window, n_rows_max);
}

#define ENTER(...) enter((const Told[]){ __VA_ARGS__ }, ELEMENTSOF(((const Told[]){ __VA_ARGS__ })))

static const SocketGroup *find_group(unsigned number) {
        LedgerKey key = key_of(number);

        for (size_t i = 0; i < socket_ledger_count(ledger); i++)
                if (memcmp(&socket_ledger_get(ledger, i)->key, &key, sizeof key) == 0)
                        return socket_ledger_get(ledger, i);

        return NULL;
}

static const SocketGroup *group(unsigned number) {
        const SocketGroup *found = find_group(number);

        ck_assert_msg(found, "group %u is not there", number);
        return found;
}

/* ---- groups ---- */

START_TEST(sockets_of_one_key_are_a_group)
{
        ENTER({ 2, .cookie = 3, .length = 4, .limit = 10 }, { 1, .cookie = 2, .length = 1, .limit = 5 },
              { 2, .cookie = 1, .length = 5, .limit = 20 });
        ck_assert_uint_eq(socket_ledger_count(ledger), 2);
        ck_assert_ptr_eq(socket_ledger_get(ledger, 0), group(1));
        ck_assert_uint_eq(group(1)->n_sockets, 1);
        ck_assert_uint_eq(group(2)->n_sockets, 2);
        ck_assert_uint_eq(group(2)->length, 9);
        ck_assert_uint_eq(group(2)->limit, 30);
        ck_assert_uint_eq(group(2)->worst_length, 4);
        ck_assert_uint_eq(group(2)->worst_limit, 10);
        ck_assert_uint_eq(group(2)->index, 2);
}
END_TEST

START_TEST(numbers_of_many_sockets_do_not_wrap)
{
        ENTER({ 1, 1, .length = UINT32_MAX, .limit = UINT32_MAX, .drops = UINT32_MAX },
              { 1, 2, .length = UINT32_MAX, .limit = UINT32_MAX, .drops = UINT32_MAX });
        ck_assert_uint_eq(group(1)->length, 2 * (uint64_t)UINT32_MAX);
        ck_assert_uint_eq(group(1)->limit, 2 * (uint64_t)UINT32_MAX);
        ck_assert_uint_eq(group(1)->drops, 2 * (uint64_t)UINT32_MAX);
        ck_assert_uint_eq(group(1)->worst_length, UINT32_MAX);
}
END_TEST

START_TEST(a_group_that_is_gone_is_not_there)
{
        ENTER({ 1, 1, .drops = 5 }, { 2, 2 });
        ENTER({ 2, 2 });
        ck_assert_ptr_null(find_group(1));
        enter(NULL, 0);
        ck_assert_uint_eq(socket_ledger_count(ledger), 0);
}
END_TEST

START_TEST(a_socket_that_is_told_of_twice_counts_once)
{
        ENTER({ 1, 1, .length = 2, .limit = 5, .drops = 3 }, { 1, 2, .drops = 1 },
              { 1, 1, .length = 2, .limit = 5, .drops = 3 });
        ck_assert_uint_eq(group(1)->n_sockets, 2);
        ck_assert_uint_eq(group(1)->length, 2);
        ck_assert_uint_eq(group(1)->drops, 4);
}
END_TEST

/* While the dump goes on, connections come in and are dropped. */
START_TEST(twins_that_differ_count_no_drop_twice)
{
        ENTER({ 1, 1, .drops = 3 }, { 1, 1, .drops = 5 });
        ENTER({ 1, 1, .drops = 6 }, { 1, 1, .drops = 8 });
        ENTER({ 1, 1, .drops = 8 });
        ck_assert_uint_eq(group(1)->drops, 8);
}
END_TEST

/* ---- drops ---- */

START_TEST(drops_of_a_living_socket_are_the_kernels)
{
        ENTER({ 1, 1, .drops = 3 });
        ck_assert_uint_eq(group(1)->drops, 3);
        ENTER({ 1, 1, .drops = 3 });
        ENTER({ 1, 1, .drops = 9 });
        ck_assert_uint_eq(group(1)->drops, 9);
}
END_TEST

START_TEST(drops_go_on_when_a_socket_is_reopened)
{
        ENTER({ 1, 1, .drops = 3 });
        ENTER({ 1, 2, .drops = 4 });
        ck_assert_uint_eq(group(1)->drops, 7);
        enter(NULL, 0);
        ENTER({ 1, 3, .drops = 5 });
        ck_assert_uint_eq(group(1)->drops, 12);
}
END_TEST

/* HAProxy pauses a listener with shutdown(2) and resumes it with listen(2): the kernel goes on counting. */
START_TEST(a_socket_that_pauses_counts_no_drop_twice)
{
        ENTER({ 1, 1, .drops = 3 });
        for (uint32_t drops = 4; drops < 8; drops++) {
                enter(NULL, 0);
                enter(NULL, 0);
                ENTER({ 1, 1, .drops = drops });
                ck_assert_uint_eq(group(1)->drops, drops);
        }
}
END_TEST

START_TEST(a_socket_that_is_bound_anew_takes_no_drops_along)
{
        ENTER({ 1, 1, .drops = 3 });
        ENTER({ 2, 1, .drops = 5 });
        ck_assert_uint_eq(group(2)->drops, 2);
        ENTER({ 1, 1, .drops = 6 });
        ck_assert_uint_eq(group(1)->drops, 4);
}
END_TEST

START_TEST(a_counter_of_32_bits_that_wraps_goes_on)
{
        ENTER({ 1, 1, .drops = UINT32_MAX - 1 });
        ENTER({ 1, 1, .drops = 3 });
        ck_assert_uint_eq(group(1)->drops, (uint64_t)UINT32_MAX + 4);
        enter(NULL, 0);
        ENTER({ 1, 1, .drops = 2 });
        ck_assert_uint_eq(group(1)->drops, 2 * ((uint64_t)UINT32_MAX + 1) + 2);
}
END_TEST

/* ---- saturated time ---- */

START_TEST(a_queue_is_saturated_when_it_is_longer_than_its_limit)
{
        ENTER({ 1, 1, .length = 5, .limit = 5 });
        ENTER({ 1, 1, .length = 5, .limit = 5 });
        ck_assert_uint_eq(group(1)->saturated_usec, 0);
        ENTER({ 1, 1, .length = 6, .limit = 5 });
        ck_assert_uint_eq(group(1)->saturated_usec, USEC_PER_SEC);
        ENTER({ 1, 1, .length = 6, .limit = 5 });
        ENTER({ 1, 1, .length = 0, .limit = 5 });
        ck_assert_uint_eq(group(1)->saturated_usec, 2 * USEC_PER_SEC);
}
END_TEST

START_TEST(the_first_dump_knows_of_no_time_before_it)
{
        ENTER({ 1, 1, .length = 6, .limit = 5 });
        ck_assert_uint_eq(group(1)->saturated_usec, 0);
}
END_TEST

START_TEST(one_full_socket_of_many_saturates_its_group)
{
        enter(NULL, 0);
        ENTER({ 1, 1, .length = 0, .limit = 100 }, { 1, 2, .length = 2, .limit = 1 });
        ck_assert_uint_eq(group(1)->saturated_usec, USEC_PER_SEC);
}
END_TEST

/* listen(fd, 0) takes one, and is full with it. */
START_TEST(a_full_socket_without_a_backlog_saturates_its_group)
{
        enter(NULL, 0);
        ENTER({ 1, 1, .length = 10, .limit = 10 }, { 1, 2, .length = 1, .limit = 0 });
        ck_assert_uint_eq(group(1)->saturated_usec, USEC_PER_SEC);
        ENTER({ 1, 3, .length = 1, .limit = 0 }, { 1, 4, .length = 10, .limit = 10 });
        ck_assert_uint_eq(group(1)->saturated_usec, 2 * USEC_PER_SEC);
}
END_TEST

START_TEST(saturated_time_goes_on_when_a_listener_comes_back)
{
        enter(NULL, 0);
        ENTER({ 1, 1, .length = 6, .limit = 5 });
        enter(NULL, 0);
        ENTER({ 1, 2, .length = 6, .limit = 5 });
        ck_assert_uint_eq(group(1)->saturated_usec, 2 * USEC_PER_SEC);
}
END_TEST

/* Dumps failed, or the host slept: nobody knows what was in between. */
START_TEST(a_gap_counts_for_ten_seconds_at_most)
{
        ENTER({ 1, 1, .length = 6, .limit = 5 });
        now += 4 * USEC_PER_SEC;
        ENTER({ 1, 1, .length = 6, .limit = 5 });
        ck_assert_uint_eq(group(1)->saturated_usec, 5 * USEC_PER_SEC);
        now += USEC_PER_HOUR;
        ENTER({ 1, 1, .length = 6, .limit = 5 });
        ck_assert_uint_eq(group(1)->saturated_usec, 15 * USEC_PER_SEC);
}
END_TEST

START_TEST(a_clock_that_stands_still_counts_no_time)
{
        ENTER({ 1, 1, .length = 6, .limit = 5 });
        now -= USEC_PER_SEC;
        ENTER({ 1, 1, .length = 6, .limit = 5 });
        now -= 5 * USEC_PER_SEC;
        ENTER({ 1, 1, .length = 6, .limit = 5 });
        ck_assert_uint_eq(group(1)->saturated_usec, 0);
}
END_TEST

/* ---- peaks ---- */

START_TEST(a_peak_stays_for_the_window_and_is_forgotten_afterwards)
{
        ENTER({ 1, 1, .length = 50, .limit = 100 });
        for (usec_t age = USEC_PER_SEC; age <= WINDOW; age += USEC_PER_SEC) {
                ENTER({ 1, 1, .length = 2, .limit = 100 });
                ck_assert_uint_eq(group(1)->peak, 50);
        }

        now += WINDOW / 7;
        ENTER({ 1, 1, .length = 1, .limit = 100 });
        ck_assert_uint_eq(group(1)->peak, 2);
}
END_TEST

#define N_SECONDS 2000

static uint32_t lengths[N_SECONDS];

static uint64_t highest_length(size_t first, size_t last) {
        uint64_t highest = 0;

        for (size_t i = first; i <= last; i++)
                highest = MAX(highest, (uint64_t)lengths[i]);
        return highest;
}

/* Rare bursts, so that one is forgotten before the next. */
static void make_lengths(void) {
        uint32_t random = 1;

        for (size_t i = 0; i < N_SECONDS; i++) {
                random = random * 1664525 + 1013904223;
                lengths[i] = random >> 24 < 5 ? random >> 8 & 0xffff : random >> 30;
        }
}

static size_t seconds_back(size_t from, size_t n) {
        return from > n ? from - n : 0;
}

static const unsigned windows[] = { 1, 2, 7, 10, 60, 61, 300, 1000 };

START_TEST(a_peak_is_that_of_the_window_or_of_at_most_a_seventh_more)
{
        const unsigned seconds = windows[_i];

        make_lengths();
        window = seconds * USEC_PER_SEC;
        for (size_t i = 0; i < N_SECONDS; i++) {
                ENTER({ 1, 1, .length = lengths[i], .limit = 100 });
                ck_assert_uint_ge(group(1)->peak, highest_length(seconds_back(i, seconds - 1), i));
                ck_assert_uint_le(group(1)->peak, highest_length(seconds_back(i, (seconds * 8 + 6) / 7), i));
        }
}
END_TEST

/* The length of a window's seventh is no whole number of microseconds. */
START_TEST(a_peak_stays_to_the_last_microsecond_of_the_window)
{
        const usec_t part = 60 * USEC_PER_SEC / 7;

        window = 60 * USEC_PER_SEC;
        now = 100 * part + part - 1 - USEC_PER_SEC;
        ENTER({ 1, 1, .length = 50, .limit = 100 });
        now += window - USEC_PER_SEC - 1;
        ENTER({ 1, 1, .length = 1, .limit = 100 });
        ck_assert_uint_eq(group(1)->peak, 50);
}
END_TEST

START_TEST(a_window_that_is_changed_holds_from_then_on)
{
        const unsigned from = windows[_i / (int)ELEMENTSOF(windows)],
                       to = windows[_i % (int)ELEMENTSOF(windows)], n_before = 500;

        make_lengths();
        window = from * USEC_PER_SEC;
        for (size_t i = 0; i < N_SECONDS; i++) {
                size_t first;

                if (i == n_before)
                        window = to * USEC_PER_SEC;
                ENTER({ 1, 1, .length = lengths[i], .limit = 100 });
                if (i < n_before)
                        continue;

                first = MAX(seconds_back(i, to - 1), (size_t)n_before);
                ck_assert_uint_ge(group(1)->peak, highest_length(first, i));
                if (i >= n_before + (to * 8 + 6) / 7)
                        ck_assert_uint_le(group(1)->peak,
                                          highest_length(seconds_back(i, (to * 8 + 6) / 7), i));
        }
}
END_TEST

/* An overloaded service is restarted: what was is still to be seen. */
START_TEST(a_peak_outlives_the_listener_for_the_window)
{
        ENTER({ 1, 1, .length = 50, .limit = 100 });
        enter(NULL, 0);
        ENTER({ 1, 2, .length = 1, .limit = 100 });
        ck_assert_uint_eq(group(1)->peak, 50);

        enter(NULL, 0);
        now += 2 * WINDOW;
        ENTER({ 1, 3, .length = 1, .limit = 100 });
        ck_assert_uint_eq(group(1)->peak, 1);
}
END_TEST

/* ---- rows ---- */

static bool has_row(unsigned number) {
        return group(number)->is_chosen;
}

START_TEST(groups_that_fit_have_rows_and_there_is_no_other)
{
        n_rows_max = 2;
        ENTER({ 1, 1 }, { 2, 2 });
        ck_assert(has_row(1) && has_row(2));
        ck_assert_uint_eq(socket_ledger_count_folded(ledger), 0);
        ck_assert_ptr_null(socket_ledger_other(ledger));
}
END_TEST

START_TEST(groups_without_a_row_are_added_up)
{
        n_rows_max = 1;
        ENTER({ 1, 1, .length = 2, .limit = 10, .drops = 5 }, { 2, 2, .length = 100, .limit = 100 },
              { 3, 3, .length = 1, .limit = 2 }, { 3, 4, .length = 3, .limit = 100 });
        ck_assert(has_row(1));
        ck_assert_uint_eq(socket_ledger_count_folded(ledger), 2);
        ck_assert_uint_eq(socket_ledger_other(ledger)->length, 104);
        ck_assert_uint_eq(socket_ledger_other(ledger)->limit, 202);
        ck_assert_uint_eq(socket_ledger_other(ledger)->n_sockets, 3);
        ck_assert_uint_eq(socket_ledger_other(ledger)->worst_length, 100);
        ck_assert_uint_eq(socket_ledger_other(ledger)->worst_limit, 100);
        ck_assert_uint_eq(socket_ledger_other(ledger)->peak, 100);
        ck_assert_uint_eq(socket_ledger_other(ledger)->drops, 0);
}
END_TEST

START_TEST(rows_go_to_groups_that_are_full_or_drop)
{
        n_rows_max = 2;
        ENTER({ 1, 1, .limit = 10 }, { 2, 2, .limit = 10 }, { 3, 3, .limit = 10 }, { 4, 4, .limit = 10 });
        ck_assert(has_row(1) && has_row(2));
        ENTER({ 1, 1, .limit = 10 }, { 2, 2, .limit = 10 }, { 3, 3, .length = 9, .limit = 10 },
              { 4, 4, .limit = 10, .drops = 1 });
        ck_assert(has_row(3) && has_row(4));
}
END_TEST

START_TEST(a_group_that_was_full_keeps_its_row_for_the_window)
{
        n_rows_max = 1;
        ENTER({ 1, 1, .length = 3, .limit = 10 }, { 2, 2, .length = 11, .limit = 10 });
        ck_assert(has_row(2));
        ENTER({ 1, 1, .length = 3, .limit = 10 }, { 2, 2, .length = 0, .limit = 10 });
        ck_assert(has_row(2));
        now += 2 * WINDOW;
        ENTER({ 1, 1, .length = 3, .limit = 10 }, { 2, 2, .length = 0, .limit = 10 });
        ck_assert(has_row(1));
}
END_TEST

START_TEST(groups_that_are_about_equal_do_not_take_turns)
{
        n_rows_max = 1;
        ENTER({ 1, 1, .length = 50, .limit = 100 }, { 2, 2, .length = 49, .limit = 100 });
        ck_assert(has_row(1));
        for (uint32_t length = 50; length <= 60; length++) {
                ENTER({ 1, 1, .length = 50, .limit = 100 }, { 2, 2, .length = length, .limit = 100 });
                ck_assert(has_row(1));
        }

        ENTER({ 1, 1, .length = 50, .limit = 100 }, { 2, 2, .length = 65, .limit = 100 });
        ck_assert(has_row(2));
}
END_TEST

START_TEST(other_stays_when_all_groups_have_rows_again)
{
        n_rows_max = 1;
        ENTER({ 1, 1, .length = 2, .limit = 10, .drops = 5 }, { 2, 2, .drops = 3 });
        ENTER({ 1, 1, .length = 2, .limit = 10, .drops = 5 });
        ck_assert_uint_eq(socket_ledger_other(ledger)->drops, 3);
        ck_assert_uint_eq(socket_ledger_other(ledger)->n_sockets, 0);
        ck_assert_uint_eq(socket_ledger_other(ledger)->limit, 0);
}
END_TEST

/* Its series begins with this dump, so nobody could see these drops in it as a rise. */
START_TEST(drops_that_bring_a_group_a_row_are_seen_in_other)
{
        n_rows_max = 1;
        ENTER({ 1, 1, .length = 2, .limit = 10 }, { 2, 2, .limit = 10 });
        ENTER({ 1, 1, .length = 2, .limit = 10 }, { 2, 2, .length = 11, .limit = 10, .drops = 7 });
        ck_assert(has_row(2));
        ck_assert_uint_eq(group(2)->drops, 7);
        ck_assert_uint_eq(socket_ledger_other(ledger)->drops, 7);
        ck_assert_uint_eq(socket_ledger_other(ledger)->saturated_usec, USEC_PER_SEC);

        ENTER({ 1, 1, .length = 2, .limit = 10 }, { 2, 2, .length = 11, .limit = 10, .drops = 9 });
        ck_assert_uint_eq(socket_ledger_other(ledger)->drops, 7);
        ck_assert_uint_eq(socket_ledger_other(ledger)->saturated_usec, USEC_PER_SEC);
}
END_TEST

/* ---- sums ---- */

#define N_GROUPS 40

/* What the last dump showed. */
typedef struct Shown {
        uint64_t drops[N_GROUPS]; /* of rows; UINT64_MAX: it had none */
        uint64_t saturated[N_GROUPS];
        uint64_t other_drops;
        uint64_t other_saturated;
} Shown;

static Shown show(void) {
        const SocketGroup *other = socket_ledger_other(ledger);
        Shown shown = { 0 };

        for (unsigned i = 0; i < N_GROUPS; i++) {
                shown.drops[i] = has_row(i) ? group(i)->drops : UINT64_MAX;
                shown.saturated[i] = group(i)->saturated_usec;
        }
        shown.other_drops = other ? other->drops : 0;
        shown.other_saturated = other ? other->saturated_usec : 0;
        return shown;
}

static void check_gauges(const Told *told, size_t n) {
        const SocketGroup *other = socket_ledger_other(ledger);
        uint64_t length = other ? other->length : 0, limit = other ? other->limit : 0,
                 n_sockets = other ? other->n_sockets : 0, n_rows = 0;

        for (unsigned i = 0; i < N_GROUPS; i++)
                if (has_row(i)) {
                        length += group(i)->length;
                        limit += group(i)->limit;
                        n_sockets += group(i)->n_sockets;
                        n_rows++;
                }
        for (size_t i = 0; i < n; i++) {
                length -= told[i].length;
                limit -= told[i].limit;
        }
        ck_assert_uint_eq(length, 0);
        ck_assert_uint_eq(limit, 0);
        ck_assert_uint_eq(n_sockets, n);
        ck_assert_uint_eq(n_rows, n_rows_max);
        ck_assert_uint_eq(socket_ledger_count_folded(ledger), N_GROUPS - n_rows_max);
}

/* What somebody sees who adds up the rises of all series. */
static void check_rises(const Shown *before, const Shown *after, uint64_t n_drops, uint64_t saturated) {
        ck_assert_uint_ge(after->other_drops, before->other_drops);
        ck_assert_uint_ge(after->other_saturated, before->other_saturated);
        n_drops -= after->other_drops - before->other_drops;
        saturated -= after->other_saturated - before->other_saturated;
        for (unsigned i = 0; i < N_GROUPS; i++)
                if (before->drops[i] != UINT64_MAX && after->drops[i] != UINT64_MAX) {
                        n_drops -= after->drops[i] - before->drops[i];
                        saturated -= after->saturated[i] - before->saturated[i];
                }
        ck_assert_uint_eq(n_drops, 0);
        ck_assert_uint_eq(saturated, 0);
}

START_TEST(rows_and_other_rise_as_all_groups_would)
{
        static Told told[2 * N_GROUPS];
        uint32_t random = 7;
        Shown before = { 0 };

        n_rows_max = 5;
        window = 3 * USEC_PER_SEC;
        for (size_t second = 0; second < 300; second++) {
                uint64_t n_drops = 0, saturated = 0;
                Shown after;

                for (uint32_t i = 0; i < ELEMENTSOF(told); i++) {
                        uint32_t new_drops;

                        random = random * 1664525 + 1013904223;
                        new_drops = second > 0 && random >> 28 == 0 ? random >> 8 & 0xff : 0;
                        n_drops += new_drops;
                        told[i] = (Told){ i % N_GROUPS, i + 1, random >> 20 & 0x7, 6,
                                          told[i].drops + new_drops };
                }
                for (uint32_t i = 0; i < N_GROUPS; i++)
                        saturated += told[i].length > 6 || told[N_GROUPS + i].length > 6 ? USEC_PER_SEC : 0;

                enter(told, ELEMENTSOF(told));
                after = show();
                check_gauges(told, ELEMENTSOF(told));
                if (second > 0)
                        check_rises(&before, &after, n_drops, saturated);
                before = after;
        }
}
END_TEST

/* ---- bounds ---- */

static Told many[LEDGER_SOCKETS_MAX];

/* As many sockets as fit, each dropped one, with numbers and cookies that begin there. */
static void enter_many(unsigned first) {
        for (unsigned i = 0; i < ELEMENTSOF(many); i++)
                many[i] = (Told){ first + i, first + i + 1, .drops = 1 };
        enter(many, ELEMENTSOF(many));
}

static uint64_t sum_of_drops(void) {
        uint64_t n = 0;

        for (size_t i = 0; i < socket_ledger_count(ledger); i++)
                n += socket_ledger_get(ledger, i)->drops;
        return n;
}

START_TEST(as_many_as_fit_may_pause)
{
        enter_many(0);
        enter(NULL, 0);
        enter_many(0);
        ck_assert_uint_eq(n_forgotten, 0);
        ck_assert_uint_eq(socket_ledger_count(ledger), LEDGER_SOCKETS_MAX);
        ck_assert_uint_eq(sum_of_drops(), LEDGER_SOCKETS_MAX);
}
END_TEST

START_TEST(the_longest_gone_are_forgotten_first_and_that_is_told)
{
        enter_many(0);
        enter_many(LEDGER_SOCKETS_MAX);
        ck_assert_uint_eq(n_forgotten, 0);
        enter_many(2 * LEDGER_SOCKETS_MAX);
        ck_assert_uint_eq(n_forgotten, LEDGER_SOCKETS_MAX);

        /* Those that were there the time before are known as yet. */
        enter_many(LEDGER_SOCKETS_MAX);
        ck_assert_uint_eq(n_forgotten, 0);
        ck_assert_uint_eq(sum_of_drops(), LEDGER_SOCKETS_MAX);
}
END_TEST

START_TEST(sockets_that_dropped_nothing_take_no_room)
{
        for (unsigned round = 0; round < 8; round++) {
                for (unsigned i = 0; i < ELEMENTSOF(many); i++)
                        many[i] = (Told){ i, round * LEDGER_SOCKETS_MAX + i + 1 };
                enter(many, ELEMENTSOF(many));
                ck_assert_uint_eq(n_forgotten, 0);
        }
}
END_TEST

/* A host whose listeners change all day. */
START_TEST(memory_is_bounded_however_many_come_and_go)
{
        for (unsigned round = 0; round < 50; round++) {
                enter_many(round * LEDGER_SOCKETS_MAX);
                ck_assert_uint_eq(socket_ledger_count(ledger), LEDGER_SOCKETS_MAX);
                ck_assert_uint_eq(sum_of_drops(), LEDGER_SOCKETS_MAX);
        }

        enter_many(48 * LEDGER_SOCKETS_MAX);
        ck_assert_uint_eq(sum_of_drops(), LEDGER_SOCKETS_MAX);
        enter_many(0);
        ck_assert_uint_eq(group(0)->drops, 1);
}
END_TEST

/* A drop is counted where it happened, though its group is folded, gone or forgotten. */
START_TEST(other_never_falls_however_many_come_and_go)
{
        uint64_t last = 0;

        n_rows_max = 100;
        for (unsigned round = 0; round < 10; round++) {
                enter_many(round * LEDGER_SOCKETS_MAX / 2);
                ck_assert_uint_ge(socket_ledger_other(ledger)->drops, last);
                last = socket_ledger_other(ledger)->drops;
        }
        ck_assert_uint_ge(last, LEDGER_SOCKETS_MAX - n_rows_max);
}
END_TEST

static void add_groups(Suite *suite) {
        TCase *groups = tcase_create("groups");

        tcase_add_checked_fixture(groups, setup, teardown);
        tcase_add_test(groups, sockets_of_one_key_are_a_group);
        tcase_add_test(groups, numbers_of_many_sockets_do_not_wrap);
        tcase_add_test(groups, a_group_that_is_gone_is_not_there);
        tcase_add_test(groups, a_socket_that_is_told_of_twice_counts_once);
        tcase_add_test(groups, twins_that_differ_count_no_drop_twice);
        tcase_add_test(groups, drops_of_a_living_socket_are_the_kernels);
        tcase_add_test(groups, drops_go_on_when_a_socket_is_reopened);
        tcase_add_test(groups, a_socket_that_pauses_counts_no_drop_twice);
        tcase_add_test(groups, a_socket_that_is_bound_anew_takes_no_drops_along);
        tcase_add_test(groups, a_counter_of_32_bits_that_wraps_goes_on);
        suite_add_tcase(suite, groups);
}

static void add_times(Suite *suite) {
        TCase *times = tcase_create("times");

        tcase_add_checked_fixture(times, setup, teardown);
        tcase_add_test(times, a_queue_is_saturated_when_it_is_longer_than_its_limit);
        tcase_add_test(times, the_first_dump_knows_of_no_time_before_it);
        tcase_add_test(times, one_full_socket_of_many_saturates_its_group);
        tcase_add_test(times, a_full_socket_without_a_backlog_saturates_its_group);
        tcase_add_test(times, saturated_time_goes_on_when_a_listener_comes_back);
        tcase_add_test(times, a_gap_counts_for_ten_seconds_at_most);
        tcase_add_test(times, a_clock_that_stands_still_counts_no_time);
        tcase_add_test(times, a_peak_stays_for_the_window_and_is_forgotten_afterwards);
        tcase_add_loop_test(times, a_peak_is_that_of_the_window_or_of_at_most_a_seventh_more, 0,
                            ELEMENTSOF(windows));
        tcase_add_test(times, a_peak_stays_to_the_last_microsecond_of_the_window);
        tcase_add_loop_test(times, a_window_that_is_changed_holds_from_then_on, 0,
                            ELEMENTSOF(windows) * ELEMENTSOF(windows));
        tcase_add_test(times, a_peak_outlives_the_listener_for_the_window);
        suite_add_tcase(suite, times);
}

static void add_rows(Suite *suite) {
        TCase *rows = tcase_create("rows");

        tcase_add_checked_fixture(rows, setup, teardown);
        tcase_set_timeout(rows, 60);
        tcase_add_test(rows, groups_that_fit_have_rows_and_there_is_no_other);
        tcase_add_test(rows, groups_without_a_row_are_added_up);
        tcase_add_test(rows, rows_go_to_groups_that_are_full_or_drop);
        tcase_add_test(rows, a_group_that_was_full_keeps_its_row_for_the_window);
        tcase_add_test(rows, groups_that_are_about_equal_do_not_take_turns);
        tcase_add_test(rows, other_stays_when_all_groups_have_rows_again);
        tcase_add_test(rows, drops_that_bring_a_group_a_row_are_seen_in_other);
        tcase_add_test(rows, rows_and_other_rise_as_all_groups_would);
        tcase_add_test(rows, as_many_as_fit_may_pause);
        tcase_add_test(rows, the_longest_gone_are_forgotten_first_and_that_is_told);
        tcase_add_test(rows, sockets_that_dropped_nothing_take_no_room);
        tcase_add_test(rows, memory_is_bounded_however_many_come_and_go);
        tcase_add_test(rows, other_never_falls_however_many_come_and_go);
        suite_add_tcase(suite, rows);
}

int main(void) {
        Suite *suite = suite_create("socket-ledger");

        add_groups(suite);
        add_times(suite);
        add_rows(suite);

        return suite_main(suite);
}
