/* SPDX-License-Identifier: Apache-2.0 */

/* What the command says above its tables, to the letter */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/printable.h"
#include "cli/remarks.h"
#include "suite.h"
#include "unit/samples.h"

#define NOW_USEC (UINT64_C(1795000000) * USEC_PER_SEC)

static Sample sample;

static void check_remarks(RemarksView view, const char *wanted) {
        _cleanup_(freep) char *text = NULL;
        size_t size;
        FILE *file = open_memstream(&text, &size);

        ck_assert_ptr_nonnull(file);
        remarks_write(&sample, view, file);
        (void)fclose(file);
        ck_assert_str_eq(text, wanted);
}

static ListenerRow *add_listener(uint16_t port, const char *unit, const char *process, uint64_t length) {
        ListenerRow *row = sample_add_listener_of(&sample, "127.0.0.1", port, unit, process);

        row->length = row->worst_length = row->peak = length;
        row->limit = row->worst_limit = 2;
        return row;
}

static ProcessRow *add_process(const char *unit, const char *process, uint64_t open_fds) {
        ProcessRow *row = sample_add_row(&sample, TABLE_PROCESSES);

        (void)snprintf(row->key.unit, sizeof row->key.unit, "%s", unit);
        (void)snprintf(row->key.process, sizeof row->key.process, "%s", process);
        row->pid = 7;
        row->open_fds = open_fds;
        row->fd_limit = 1000;
        return row;
}

static void age(ValueId id, unsigned sec) {
        sample_set(&sample, id, NOW_USEC - sec * USEC_PER_SEC);
}

static void setup(void) {
        sample_clear(&sample);
        sample.realtime_usec = NOW_USEC;
        sample.reports[COLLECTOR_TCP].is_present = true;
}

START_TEST(of_a_sample_in_which_nothing_is_wrong_nothing_is_said)
{
        add_listener(80, "a.service", "", 2);
        age(VALUE_TCP_RARE_STATES_USEC, 0);
        age(VALUE_TCP_FULL_WALK_USEC, 0);
        for (RemarksView view = 0; view < _REMARKS_VIEWS; view++)
                check_remarks(view, "");
}
END_TEST

START_TEST(what_is_wrong_comes_first_and_what_is_always_so_last)
{
        add_listener(80, "a.service", "nginx", 3);
        add_listener(81, "/", "", 3);
        age(VALUE_TCP_RARE_STATES_USEC, 4);
        sample.reports[COLLECTOR_NETSTAT] = (CollectorReport){ .is_present = true, .error = -ENOENT };
        sample.reports[COLLECTOR_UDP] = (CollectorReport){ .is_present = true, .is_incomplete = true };
        sample_set(&sample, VALUE_OWNERS_NOT_PERMITTED, 3);
        sample_set(&sample, VALUE_OWNERS_WANT_PTRACE, 3);

        check_remarks(
                REMARKS_STATUS,
                "accept queue of 127.0.0.1:80 (nginx, unit a.service) is full: 3 wait and its limit is "
                "2, so new ones are dropped\n"
                "accept queue of 127.0.0.1:81 (unit /) is full: 3 wait and its limit is 2, so new ones "
                "are dropped\n"
                "counted 4.0 s before this sample: all states but ESTABLISHED and TIME-WAIT\n"
                "collector netstat fails: No such file or directory\n"
                "collector udp is incomplete: it has not come to all of it yet, or saw more than it "
                "has room for\n"
                "owners of 3 sockets are not known: reading descriptors of other users wants "
                "CAP_SYS_PTRACE\n");
}
END_TEST

START_TEST(one_socket_is_not_several)
{
        sample_set(&sample, VALUE_OWNERS_NOT_PERMITTED, 1);
        check_remarks(REMARKS_UNITS,
                      "the owner of 1 socket is not known: some processes do not let their descriptors be "
                      "read\n");
}
END_TEST

START_TEST(a_tree_of_control_groups_that_cannot_be_read_is_said)
{
        sample_set(&sample, VALUE_CGROUPS_READABLE, 1);
        check_remarks(REMARKS_UNITS, "");
        sample_set(&sample, VALUE_CGROUPS_READABLE, 0);
        check_remarks(REMARKS_UNITS, "units of sockets are not known: sockwatchd cannot read the tree of "
                                     "control groups (cgroup2, mounted below /sys)\n");
}
END_TEST

START_TEST(what_was_wrong_and_what_comes_near_to_it_is_said)
{
        ListenerRow *listener = add_listener(80, "a.service", "nginx", 0);
        UnixListenerRow *path = sample_add_row(&sample, TABLE_UNIX_LISTENERS);
        UdpSocketRow *udp = sample_add_row(&sample, TABLE_UDP_SOCKETS);
        UnitRow *unit = sample_add_row(&sample, TABLE_UNITS);

        listener->peak = 9;
        listener->drops = 5;
        strcpy(path->key.path, "/run/x");
        strcpy(path->key.unit, "x.service");
        path->limit = path->worst_limit = 2;
        path->peak = 3;
        udp->key = listener->key;
        udp->worst_queue_bytes = 95;
        udp->worst_buffer_bytes = 100;
        udp->drops = 7;
        strcpy(unit->key.unit, "b.service");
        unit->n_close_wait_accepted = 40;
        add_process("b.service", "leaker", 1)->n_close_wait = 40;
        add_process("c.service", "eater", 1000);
        add_process("d.service", "nearly", 950);

        check_remarks(
                REMARKS_STATUS,
                "eater (pid 7, unit c.service) has 1000 of 1000 descriptors open, so it can open no "
                "more\n"
                "accept queue of 127.0.0.1:80 (nginx, unit a.service) was full lately: 9 waited "
                "and its limit is 2; it has dropped 5 so far\n"
                "accept queue of /run/x (unit x.service) was full lately: 3 waited and its limit "
                "is 2\n"
                "receive queue of UDP 127.0.0.1:80 (nginx, unit a.service) is at 95% of its limit, and "
                "it has dropped 7 so far\n"
                "nearly (pid 7, unit d.service) has 950 of 1000 descriptors open\n"
                "leaker (pid 7, unit b.service) holds 40 connections in CLOSE-WAIT: their peers have "
                "closed and it does not\n");
}
END_TEST

START_TEST(of_many_five_are_named_and_the_others_counted)
{
        _cleanup_(freep) char *text = NULL;
        size_t size, n_lines = 0;
        FILE *file;

        for (uint16_t port = 1; port <= 8; port++)
                add_listener(port, "a.service", "", 3);
        file = open_memstream(&text, &size);
        ck_assert_ptr_nonnull(file);
        remarks_write(&sample, REMARKS_STATUS, file);
        (void)fclose(file);

        for (const char *line = text; *line; line = strchr(line, '\n') + 1)
                n_lines++;
        ck_assert_uint_eq(n_lines, 6);
        ck_assert_ptr_nonnull(strstr(text, "and 3 more: accept queues are full\n"));
}
END_TEST

START_TEST(ages_are_those_of_what_the_tables_show)
{
        age(VALUE_TCP_ESTABLISHED_USEC, 0);
        age(VALUE_TCP_TIME_WAIT_USEC, 0);
        age(VALUE_TCP_RARE_STATES_USEC, 4);
        age(VALUE_TCP_BOUND_INACTIVE_USEC, 42);
        age(VALUE_TCP_FULL_WALK_USEC, 42);
        check_remarks(REMARKS_STATUS,
                      "counted 4.0 s before this sample: all states but ESTABLISHED and TIME-WAIT\n"
                      "counted 42.0 s before this sample: BOUND\n");
        check_remarks(REMARKS_STATES,
                      "counted 4.0 s before this sample: all states but ESTABLISHED and TIME-WAIT\n"
                      "counted 42.0 s before this sample: BOUND, unread and unsent bytes, retransmitting, "
                      "destinations\n");
        check_remarks(REMARKS_LISTENERS, "counted 4.0 s before this sample: SYN-RECV, CLOSE-WAIT\n"
                                         "counted 42.0 s before this sample: ESTAB, TIME-WAIT\n");
        check_remarks(REMARKS_UNITS,
                      "counted 4.0 s before this sample: LISTEN, CLOSE-W, NOT-ACC\n"
                      "counted 42.0 s before this sample: TCP, ESTAB, TIME-W, UNREAD, UNSENT, RETR\n");
}
END_TEST

START_TEST(what_is_wrong_is_told_with_the_age_of_what_tells_it)
{
        UnitRow *unit = sample_add_row(&sample, TABLE_UNITS);
        ProcessRow *process = add_process("a.service", "nginx", 1000);

        (void)snprintf(unit->key.unit, sizeof unit->key.unit, "b.service");
        unit->states[STATE_CLOSE_WAIT] = unit->n_close_wait_accepted = 300;
        process->fd_limit = 1000;
        add_listener(80, "a.service", "nginx", 3);
        age(VALUE_TCP_RARE_STATES_USEC, 18);
        age(VALUE_PROCESSES_COUNTED_USEC, 2);
        check_remarks(
                REMARKS_STATUS,
                "accept queue of 127.0.0.1:80 (nginx, unit a.service) is full: 3 wait and its limit is "
                "2, so new ones are dropped\n"
                "nginx (pid 7, unit a.service) has 1000 of 1000 descriptors open, so it can open no "
                "more, counted up to 2.0 s before this sample\n"
                "unit b.service holds 300 connections in CLOSE-WAIT: their peers have closed and it "
                "does not, counted up to 18.0 s before this sample\n"
                "counted 18.0 s before this sample: all states but ESTABLISHED and TIME-WAIT\n");
}
END_TEST

START_TEST(tables_that_are_not_asked_for_each_second_are_told_with_their_age)
{
        CollectorReport report = { .is_present = true, .last_success_usec = NOW_USEC - 12 * USEC_PER_SEC };

        sample.reports[COLLECTOR_UNIX] = sample.reports[COLLECTOR_UDP] = report;
        check_remarks(REMARKS_LISTENERS, "counted 12.0 s before this sample: UNIX listeners, UDP sockets\n");
        check_remarks(REMARKS_STATUS, "");
}
END_TEST

START_TEST(states_of_one_age_are_all_states)
{
        age(VALUE_TCP_ESTABLISHED_USEC, 4);
        age(VALUE_TCP_TIME_WAIT_USEC, 4);
        age(VALUE_TCP_RARE_STATES_USEC, 4);
        age(VALUE_TCP_BOUND_INACTIVE_USEC, 4);
        age(VALUE_TCP_FULL_WALK_USEC, 4);
        check_remarks(REMARKS_STATUS, "counted 4.0 s before this sample: all states\n");
}
END_TEST

START_TEST(walks_that_are_turned_off_are_told)
{
        sample.reports[COLLECTOR_TCP].is_present = false;
        check_remarks(
                REMARKS_LISTENERS,
                "TCP sockets are not counted, as walks over them are turned off (walks.budget is 0%)\n");
}
END_TEST

/* Whoever may name a unit, a process or a path may not command the terminal. */
START_TEST(names_do_not_command_the_terminal)
{
        UnixListenerRow *path = sample_add_row(&sample, TABLE_UNIX_LISTENERS);

        add_listener(80, "/\x1b[1munit", "a\nb\x7f", 3);
        strcpy(path->key.path, "/\x1b]0;title\x07\xc2\x9b\xff");
        strcpy(path->key.unit, "caf\xc3\xa9.service");
        path->worst_length = 1;
        check_remarks(REMARKS_STATUS,
                      "accept queue of 127.0.0.1:80 (a?b?, unit /?[1munit) is full: 3 wait and its limit is "
                      "2, so new ones are dropped\n"
                      "accept queue of /?]0;title???? (unit caf\xc3\xa9.service) is full: 1 wait and its "
                      "limit is 0, so others wait or are refused\n");
}
END_TEST

int main(void) {
        Suite *suite = suite_create("remarks");
        TCase *remarks = tcase_create("remarks");

        tcase_add_checked_fixture(remarks, setup, NULL);
        tcase_add_test(remarks, of_a_sample_in_which_nothing_is_wrong_nothing_is_said);
        tcase_add_test(remarks, what_is_wrong_comes_first_and_what_is_always_so_last);
        tcase_add_test(remarks, one_socket_is_not_several);
        tcase_add_test(remarks, a_tree_of_control_groups_that_cannot_be_read_is_said);
        tcase_add_test(remarks, what_was_wrong_and_what_comes_near_to_it_is_said);
        tcase_add_test(remarks, of_many_five_are_named_and_the_others_counted);
        tcase_add_test(remarks, ages_are_those_of_what_the_tables_show);
        tcase_add_test(remarks, states_of_one_age_are_all_states);
        tcase_add_test(remarks, what_is_wrong_is_told_with_the_age_of_what_tells_it);
        tcase_add_test(remarks, tables_that_are_not_asked_for_each_second_are_told_with_their_age);
        tcase_add_test(remarks, walks_that_are_turned_off_are_told);
        tcase_add_test(remarks, names_do_not_command_the_terminal);
        suite_add_tcase(suite, remarks);

        return suite_main(suite);
}
