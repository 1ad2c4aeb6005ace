/* SPDX-License-Identifier: Apache-2.0 */

/* On a tree of folders; ids are their inode numbers, as they are in cgroup2. */

#include <stdio.h>
#include <string.h>

#include "collect/units.h"
#include "suite.h"
#include "unit/fake_host.h"

/* No file system gives this number away. */
#define ID_UNKNOWN UINT64_C(0xffffffff00000000)

static Units *units;
static Sample sample;
static Bounds bounds;

/* One that has a full walk. */
static void begin_sample(void) {
        units_begin(units);
        units_begin_walk(units, WALK_ALL);
}

static void setup(void) {
        fake_host_init();
        bounds = (Bounds){ .n_units = UNITS_MAX };
        ck_assert_int_eq(units_new(&fake_host.sources, &units), 0);
        begin_sample();
}

static void teardown(void) {
        units = units_free(units);
        fake_host_done();
}

static const char *name_of(uint64_t id) {
        return units_find(units, id)->row.key.unit;
}

/* Ends the sample. */
static void end(void) {
        sample_clear(&sample);
        units_make_rows(units, &bounds, &sample);
}

static const UnitRow *find_row(const char *name) {
        for (uint32_t i = 0; i < sample.n_units; i++)
                if (strcmp(sample.units[i].key.unit, name) == 0)
                        return &sample.units[i];

        return NULL;
}

static const UnitRow *row(const char *name) {
        const UnitRow *found = find_row(name);

        ck_assert_msg(found, "no row of %s", name);
        return found;
}

static void add_sockets(Unit *unit, uint64_t n) {
        unit->row.states[STATE_ESTABLISHED] += n;
}

/* ---- names ---- */

START_TEST(a_cgroup_leads_to_its_unit)
{
        uint64_t nginx = fake_host_make_cgroup("system.slice/nginx.service");
        uint64_t session = fake_host_make_cgroup("user.slice/user-1000.slice/session-3.scope");

        ck_assert_str_eq(name_of(nginx), "nginx.service");
        ck_assert_str_eq(name_of(session), "session-3.scope");
        ck_assert_ptr_eq(units_find(units, nginx), units_get_named(units, "nginx.service"));
}
END_TEST

START_TEST(several_cgroups_lead_to_one_unit)
{
        uint64_t ids[] = {
                fake_host_make_cgroup("system.slice/php.service"),
                fake_host_make_cgroup("system.slice/php.service/pool-a"),
                fake_host_make_cgroup("system.slice/php.service/pool-b"),
        };

        for (size_t i = 0; i < ELEMENTSOF(ids); i++)
                add_sockets(units_find(units, ids[i]), i + 1);
        end();
        ck_assert_uint_eq(sample.n_units, 1);
        ck_assert_uint_eq(row("php.service")->states[STATE_ESTABLISHED], 6);
}
END_TEST

START_TEST(a_path_leads_to_the_unit_of_its_cgroup)
{
        uint64_t id = fake_host_make_cgroup("system.slice/nginx.service");
        static const char path[] = "/system.slice/nginx.service";

        ck_assert_ptr_eq(units_find_path(units, path, strlen(path)), units_find(units, id));
}
END_TEST

START_TEST(what_systemd_makes_sockets_in_passes_them_on)
{
        static const struct {
                const char *path;
                bool passes_on;
        } groups[] = {
                { "init.scope", true },
                { "user.slice/user-1000.slice/user@1000.service/init.scope", true },
                { "system.slice/sshd.socket", true },
                { "system.slice/nginx.service", false },
                { "system.slice/socket.service", false },
                { "machines/init.scope.d", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(groups); i++) {
                uint64_t id = fake_host_make_cgroup(groups[i].path);

                ck_assert_msg(unit_passes_on(units_find(units, id)) == groups[i].passes_on, "%s",
                              groups[i].path);
        }
}
END_TEST

/* ---- learning ---- */

START_TEST(a_tree_is_not_read_for_ids_that_are_known)
{
        uint64_t id = fake_host_make_cgroup("a.service"), other = fake_host_make_cgroup("b.service");

        ck_assert_uint_eq(fake_host.n_walks, 0);
        for (size_t i = 0; i < 10; i++) {
                ck_assert_str_eq(name_of(id), "a.service");
                ck_assert_str_eq(name_of(other), "b.service");
        }
        ck_assert_uint_eq(fake_host.n_walks, 1);
}
END_TEST

START_TEST(a_cgroup_that_was_made_since_is_found)
{
        uint64_t id = fake_host_make_cgroup("a.service");

        ck_assert_str_eq(name_of(id), "a.service");
        id = fake_host_make_cgroup("b.service");
        ck_assert_str_eq(name_of(id), "b.service");
        ck_assert_uint_eq(fake_host.n_walks, 2);
}
END_TEST

/* It is one of these, as far as anybody can tell. */
START_TEST(an_id_that_is_not_found_is_counted_where_the_tree_is_too_deep)
{
        char path[256] = "deep";
        uint64_t id = 0;

        for (unsigned depth = 1; depth <= 33; depth++) {
                id = fake_host_make_cgroup(path);
                strcat(path, "/below");
        }
        ck_assert_ptr_eq(units_find(units, id), units_unattributed(units));
        ck_assert_ptr_eq(units_find(units, id), units_unattributed(units));
        end();
        ck_assert_uint_eq(sample.values[VALUE_UNITS_TRUNCATED], 1);
        ck_assert_ptr_null(find_row(UNIT_OTHER));

        begin_sample();
        (void)units_find(units, id);
        end();
        ck_assert_uint_eq(sample.values[VALUE_UNITS_TRUNCATED], 1);
}
END_TEST

START_TEST(an_id_that_is_not_in_the_tree_is_not_looked_for_again)
{
        for (size_t i = 0; i < 100; i++)
                ck_assert_ptr_eq(units_find(units, ID_UNKNOWN), units_unattributed(units));
        ck_assert_uint_eq(fake_host.n_walks, 1);
}
END_TEST

START_TEST(reading_the_tree_takes_a_quarter_of_a_percent_of_the_time)
{
        uint64_t id;

        fake_host.walk_nsec = 1000000;
        ck_assert_ptr_eq(units_find(units, ID_UNKNOWN), units_unattributed(units));
        for (uint64_t i = 1; i < 1000; i++)
                ck_assert_ptr_eq(units_find(units, ID_UNKNOWN + i), units_unattributed(units));
        ck_assert_uint_eq(fake_host.n_walks, 1);

        id = fake_host_make_cgroup("a.service");
        fake_host.clock_nsec += 400 * fake_host.walk_nsec - 1;
        ck_assert_ptr_eq(units_find(units, id), units_unattributed(units));
        fake_host.clock_nsec++;
        ck_assert_str_eq(name_of(id), "a.service");
        ck_assert_uint_eq(fake_host.n_walks, 2);
}
END_TEST

/* 2: it is not told. */
static uint64_t told_whether_tree_is_readable(void) {
        sample_clear(&sample);
        units_make_rows(units, &bounds, &sample);
        return sample_has(&sample, VALUE_CGROUPS_READABLE) ? sample.values[VALUE_CGROUPS_READABLE] : 2;
}

START_TEST(a_host_without_a_tree_has_no_names_and_that_is_told)
{
        uint64_t id = fake_host_make_cgroup("a.service");

        ck_assert_uint_eq(told_whether_tree_is_readable(), 2);
        fake_host_remove_cgroup("");
        for (size_t i = 0; i < 3; i++)
                ck_assert_ptr_eq(units_find(units, id), units_unattributed(units));
        ck_assert_uint_eq(told_whether_tree_is_readable(), 0);

        /* It is mounted later. */
        id = fake_host_make_cgroup("b.service");
        ck_assert_str_eq(name_of(id), "b.service");
        ck_assert_uint_eq(told_whether_tree_is_readable(), 1);
}
END_TEST

START_TEST(a_cgroup_that_is_gone_keeps_its_name)
{
        uint64_t id = fake_host_make_cgroup("system.slice/nginx.service");

        ck_assert_str_eq(name_of(id), "nginx.service");
        fake_host_remove_cgroup("system.slice/nginx.service");
        for (size_t i = 0; i < 200; i++) {
                begin_sample();
                (void)units_find(units, ID_UNKNOWN + i);
                ck_assert_str_eq(name_of(id), "nginx.service");
        }
}
END_TEST

/* ---- rows ---- */

START_TEST(rows_are_units_that_have_something_in_order)
{
        add_sockets(units_find(units, fake_host_make_cgroup("b.service")), 1);
        units_find(units, fake_host_make_cgroup("c.service"))->row.n_processes = 1;
        (void)units_find(units, fake_host_make_cgroup("d.service"));
        add_sockets(units_find(units, fake_host_make_cgroup("a.service")), 2);

        end();
        ck_assert_uint_eq(sample.n_units, 3);
        ck_assert_str_eq(sample.units[0].key.unit, "a.service");
        ck_assert_str_eq(sample.units[1].key.unit, "b.service");
        ck_assert_str_eq(sample.units[2].key.unit, "c.service");
        ck_assert_uint_eq(sample.values[VALUE_UNITS_FOLDED], 0);
        ck_assert_uint_eq(sample.values[VALUE_UNITS_TRUNCATED], 0);
}
END_TEST

START_TEST(each_sample_begins_at_0)
{
        uint64_t id = fake_host_make_cgroup("a.service");
        static const UnitRow none = { .key.unit = "a.service", .states[STATE_LISTEN] = 1 };
        Unit *unit = units_find(units, id);

        memset((char *)&unit->row + sizeof unit->row.key, 1, sizeof unit->row - sizeof unit->row.key);
        end();
        begin_sample();
        units_find(units, id)->row.states[STATE_LISTEN] = 1;
        end();
        ck_assert_mem_eq(row("a.service"), &none, sizeof none);
}
END_TEST

START_TEST(what_was_not_attributed_is_a_row_for_good)
{
        end();
        ck_assert_uint_eq(sample.n_units, 0);
        add_sockets(units_find(units, ID_UNKNOWN), 3);
        bounds.n_units = 1;
        add_sockets(units_find(units, fake_host_make_cgroup("a.service")), 100);
        end();
        ck_assert_uint_eq(row(UNIT_UNATTRIBUTED)->states[STATE_ESTABLISHED], 3);
        ck_assert_uint_eq(sample.n_units, 2);

        begin_sample();
        end();
        ck_assert_uint_eq(row(UNIT_UNATTRIBUTED)->states[STATE_ESTABLISHED], 0);
}
END_TEST

/* A unit for each folder, with everything in it different. */
static void fill(size_t n_units, UnitRow *ret_sum) {
        char path[64];

        *ret_sum = (UnitRow){ 0 };
        for (size_t i = 0; i < n_units; i++) {
                uint64_t *fields, *sums = (uint64_t *)(void *)((char *)ret_sum + sizeof ret_sum->key);
                Unit *unit;

                (void)snprintf(path, sizeof path, "/system.slice/unit-%zu.service", i);
                unit = units_find_path(units, path, strlen(path));
                fields = (uint64_t *)(void *)((char *)&unit->row + sizeof unit->row.key);
                for (size_t k = 0; k < (sizeof unit->row - sizeof unit->row.key) / sizeof *fields; k++)
                        sums[k] += fields[k] = (i + 1) * (k + 1);
        }
}

static void check_sums(const UnitRow *sum) {
        UnitRow shown = { 0 };

        for (uint32_t i = 0; i < sample.n_units; i++) {
                const UnitRow *told = &sample.units[i];

                for (unsigned state = 0; state < _STATES; state++)
                        shown.states[state] += told->states[state];
                shown.receive_queue_bytes += told->receive_queue_bytes;
                shown.send_queue_bytes += told->send_queue_bytes;
                shown.n_retransmitting += told->n_retransmitting;
                shown.n_close_wait_accepted += told->n_close_wait_accepted;
                shown.n_processes += told->n_processes;
                shown.open_fds += told->open_fds;
        }
        shown.worst_open_fds = sum->worst_open_fds;
        shown.worst_fd_limit = sum->worst_fd_limit;
        ck_assert_mem_eq(&shown, sum, sizeof shown);
}

static const uint32_t row_counts[] = { 1, 2, 30, 49, 50, 51 };

START_TEST(sums_over_rows_are_the_totals)
{
        UnitRow sum;

        bounds.n_units = row_counts[_i];
        fill(50, &sum);
        end();
        check_sums(&sum);
        ck_assert_uint_eq(sample.n_units, MIN(bounds.n_units + 1, 50U));
        ck_assert_uint_eq(sample.values[VALUE_UNITS_FOLDED], 50 - MIN(bounds.n_units, 50U));
        ck_assert_int_eq(find_row(UNIT_OTHER) != NULL, bounds.n_units < 50);
}
END_TEST

START_TEST(other_stays_once_there_was_one)
{
        UnitRow sum;

        bounds.n_units = 1;
        fill(2, &sum);
        end();
        begin_sample();
        fill(1, &sum);
        end();
        check_sums(&sum);
        ck_assert_uint_eq(row(UNIT_OTHER)->open_fds, 0);
        ck_assert_uint_eq(sample.values[VALUE_UNITS_FOLDED], 0);
}
END_TEST

static Unit *named(const char *name) {
        return units_find_path(units, name, strlen(name));
}

START_TEST(the_worst_process_of_other_is_the_fullest)
{
        bounds.n_units = 1;
        add_sockets(named("/a.service"), 1000);
        for (unsigned i = 0; i < 3; i++) {
                static const char *const names[] = { "/b.service", "/c.service", "/d.service" };
                static const uint64_t open[] = { 500, 90, 0 }, limits[] = { 1000, 100, 0 };
                Unit *unit = named(names[i]);

                unit->row.n_processes = 1;
                unit->row.worst_open_fds = open[i];
                unit->row.worst_fd_limit = limits[i];
        }
        end();
        ck_assert_uint_eq(row(UNIT_OTHER)->worst_open_fds, 90);
        ck_assert_uint_eq(row(UNIT_OTHER)->worst_fd_limit, 100);
}
END_TEST

START_TEST(a_unit_keeps_its_row_until_another_is_busier_by_a_quarter)
{
        static const uint64_t busy[] = { 90, 101, 120, 130 };

        bounds.n_units = 1;
        for (size_t i = 0; i < ELEMENTSOF(busy); i++) {
                begin_sample();
                add_sockets(named("/a.service"), busy[i]);
                add_sockets(named("/b.service"), 100);
                end();
                ck_assert_int_eq(find_row("b.service") != NULL, i < 3);
        }
}
END_TEST

START_TEST(what_a_walk_counted_can_be_taken_back)
{
        Unit *unit = named("/a.service");
        UnitRow counted;

        for (unsigned keeps = 0; keeps < 4; keeps++) {
                memset((char *)&unit->row + sizeof unit->row.key, 1,
                       sizeof unit->row - sizeof unit->row.key);
                counted = unit->row;
                if (!(keeps & 1))
                        unit_row_forget_sockets(&unit->row, WALK_ALL);
                if (!(keeps & 2))
                        unit_row_forget_processes(&unit->row);
                if (!(keeps & 1)) {
                        memset(counted.states, 0, sizeof counted.states);
                        counted.receive_queue_bytes = counted.send_queue_bytes = 0;
                        counted.n_retransmitting = counted.n_close_wait_accepted = 0;
                }
                if (!(keeps & 2))
                        counted.n_processes = counted.open_fds = counted.worst_open_fds =
                                counted.worst_fd_limit = 0;
                ck_assert_mem_eq(&unit->row, &counted, sizeof counted);
        }
}
END_TEST

/* ---- bounds ---- */

/* Two units are always there: what is not attributed, and PID 1's. */
#define N_ROOM (UNITS_TRACKED_MAX - 1)

static Unit *numbered(size_t i) {
        char path[64];

        (void)snprintf(path, sizeof path, "/unit-%zu.service", i);
        return units_find_path(units, path, strlen(path));
}

START_TEST(units_beyond_the_bounds_are_in_other)
{
        uint64_t n = 0;

        for (size_t i = 0; i < N_ROOM + 5; i++) {
                add_sockets(numbered(i), 1);
                ck_assert_int_eq(numbered(i) == units_overflow(units), i >= N_ROOM);
        }
        bounds.n_units = 3;
        end();
        for (uint32_t i = 0; i < sample.n_units; i++)
                n += sample.units[i].states[STATE_ESTABLISHED];
        ck_assert_uint_eq(n, N_ROOM + 5);
        ck_assert_uint_eq(sample.n_units, 4);
}
END_TEST

START_TEST(units_that_were_not_met_for_a_minute_make_room)
{
        for (size_t i = 0; i < N_ROOM; i++)
                (void)numbered(i);
        for (unsigned second = 0; second <= 60; second++) {
                begin_sample();
                ck_assert_str_eq(numbered(0)->row.key.unit, "unit-0.service");
                ck_assert_int_eq(numbered(N_ROOM) == units_overflow(units), second < 60);
        }

        ck_assert_str_eq(numbered(N_ROOM)->row.key.unit, "unit-8191.service");
        ck_assert_ptr_eq(units_get_named(units, "unit-8191.service"), numbered(N_ROOM));
        ck_assert_ptr_null(units_get_named(units, "unit-1.service"));
        for (size_t i = 1; i < 1000; i++)
                ck_assert_ptr_ne(numbered(i), units_overflow(units));
}
END_TEST

/* Each of some cgroups is met in each sample, and its unit finds no room: in `other`, in each of them. */
START_TEST(cgroups_beyond_the_bounds_do_not_change_sides)
{
        uint64_t ids[3];
        char path[64];

        fake_host.walk_nsec = 25000000;
        for (size_t i = 0; i < N_ROOM; i++)
                (void)numbered(i);
        for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
                (void)snprintf(path, sizeof path, "late-%zu.service", i);
                ids[i] = fake_host_make_cgroup(path);
        }

        for (unsigned second = 0; second < 10; second++) {
                fake_host.clock_nsec += NSEC_PER_SEC;
                begin_sample();
                for (size_t i = 0; i < N_ROOM; i++)
                        (void)numbered(i);
                for (size_t i = 0; i < ELEMENTSOF(ids); i++)
                        add_sockets(units_find(units, ids[i]), 1);
                end();
                ck_assert_uint_eq(row(UNIT_OTHER)->states[STATE_ESTABLISHED], ELEMENTSOF(ids));
                ck_assert_ptr_null(find_row(UNIT_UNATTRIBUTED));
                ck_assert_uint_gt(sample.values[VALUE_UNITS_TRUNCATED], 0);
        }
}
END_TEST

START_TEST(cgroups_beyond_the_bounds_get_their_names_when_there_is_room)
{
        uint64_t id = fake_host_make_cgroup("late.service");

        for (size_t i = 0; i < N_ROOM; i++)
                (void)numbered(i);
        for (unsigned second = 0; second <= 60; second++) {
                fake_host.clock_nsec += NSEC_PER_SEC;
                begin_sample();
                ck_assert_int_eq(units_find(units, id) == units_overflow(units), second < 60);
        }
        ck_assert_str_eq(name_of(id), "late.service");
}
END_TEST

START_TEST(cgroups_beyond_the_bounds_that_are_gone_are_not_looked_for_for_ever)
{
        uint64_t id = fake_host_make_cgroup("late.service");
        unsigned n_walks;

        for (size_t i = 0; i < N_ROOM; i++)
                (void)numbered(i);
        ck_assert_ptr_eq(units_find(units, id), units_overflow(units));
        fake_host_remove_cgroup("late.service");
        for (unsigned second = 0; second <= 60; second++) {
                begin_sample();
                (void)units_find(units, id);
        }

        ck_assert_ptr_eq(units_find(units, id), units_unattributed(units));
        n_walks = fake_host.n_walks;
        ck_assert_ptr_eq(units_find(units, id), units_unattributed(units));
        ck_assert_uint_eq(fake_host.n_walks, n_walks);
}
END_TEST

/* A tree that does not answer brings ever new ids. */
START_TEST(ids_beyond_the_bounds_are_told_and_the_known_ones_stay)
{
        uint64_t id = fake_host_make_cgroup("a.service");

        for (uint64_t i = 0; i < CGROUPS_TRACKED_MAX + 100; i++)
                ck_assert_ptr_eq(units_find(units, ID_UNKNOWN + i), units_unattributed(units));
        ck_assert_str_eq(name_of(id), "a.service");
        end();
        ck_assert_uint_ge(sample.values[VALUE_UNITS_TRUNCATED], 100);

        for (unsigned second = 0; second <= 62; second++) {
                begin_sample();
                ck_assert_str_eq(name_of(id), "a.service");
                (void)units_find(units, ID_UNKNOWN + CGROUPS_TRACKED_MAX + 1000);
        }
        end();
        ck_assert_ptr_eq(units_find(units, ID_UNKNOWN), units_unattributed(units));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("units");
        TCase *names = tcase_create("names");
        TCase *rows = tcase_create("rows");
        TCase *limits = tcase_create("limits");

        tcase_add_checked_fixture(names, setup, teardown);
        tcase_add_test(names, a_cgroup_leads_to_its_unit);
        tcase_add_test(names, several_cgroups_lead_to_one_unit);
        tcase_add_test(names, a_path_leads_to_the_unit_of_its_cgroup);
        tcase_add_test(names, what_systemd_makes_sockets_in_passes_them_on);
        tcase_add_test(names, a_tree_is_not_read_for_ids_that_are_known);
        tcase_add_test(names, a_cgroup_that_was_made_since_is_found);
        tcase_add_test(names, an_id_that_is_not_found_is_counted_where_the_tree_is_too_deep);
        tcase_add_test(names, an_id_that_is_not_in_the_tree_is_not_looked_for_again);
        tcase_add_test(names, reading_the_tree_takes_a_quarter_of_a_percent_of_the_time);
        tcase_add_test(names, a_host_without_a_tree_has_no_names_and_that_is_told);
        tcase_add_test(names, a_cgroup_that_is_gone_keeps_its_name);
        suite_add_tcase(suite, names);

        tcase_add_checked_fixture(rows, setup, teardown);
        tcase_add_test(rows, rows_are_units_that_have_something_in_order);
        tcase_add_test(rows, each_sample_begins_at_0);
        tcase_add_test(rows, what_was_not_attributed_is_a_row_for_good);
        tcase_add_loop_test(rows, sums_over_rows_are_the_totals, 0, ELEMENTSOF(row_counts));
        tcase_add_test(rows, other_stays_once_there_was_one);
        tcase_add_test(rows, the_worst_process_of_other_is_the_fullest);
        tcase_add_test(rows, a_unit_keeps_its_row_until_another_is_busier_by_a_quarter);
        tcase_add_test(rows, what_a_walk_counted_can_be_taken_back);
        suite_add_tcase(suite, rows);

        tcase_add_checked_fixture(limits, setup, teardown);
        tcase_set_timeout(limits, 60);
        tcase_add_test(limits, units_beyond_the_bounds_are_in_other);
        tcase_add_test(limits, units_that_were_not_met_for_a_minute_make_room);
        tcase_add_test(limits, cgroups_beyond_the_bounds_do_not_change_sides);
        tcase_add_test(limits, cgroups_beyond_the_bounds_get_their_names_when_there_is_room);
        tcase_add_test(limits, cgroups_beyond_the_bounds_that_are_gone_are_not_looked_for_for_ever);
        tcase_add_test(limits, ids_beyond_the_bounds_are_told_and_the_known_ones_stay);
        suite_add_tcase(suite, limits);

        return suite_main(suite);
}
