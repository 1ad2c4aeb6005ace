/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The tables of the command, on a terminal and elsewhere
 *
 * A ring file holds two samples of a host with long names, and a command shows
 * them: on a terminal of so many columns its tables have no more, and no number
 * is cut; elsewhere nothing is.
 */

#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "store/ring.h"
#include "suite.h"
#include "unit/samples.h"

#define NOW_USEC    (UINT64_C(1795000000) * USEC_PER_SEC)
#define RING_BYTES  (RING_HEADER_BYTES + UINT64_C(4) * RING_SEGMENT_BYTES)
#define OUTPUT_SIZE 65536

#define UNIT        "user@1000.service/a-service-of-a-user-with-a-long-name-as-they-have-them.service"
#define PROCESS     "process-of-15ch"
#define PATH        "/run/user/1000/a/path/to/a/socket/that/is/about/as/long/as/sockaddr/un/can/hold/it/socket"

static struct {
        char folder[40];
        char path[64];
        char output[OUTPUT_SIZE];
        Sample sample;
} fix;

static const char *const names[] = { "status", "listeners", "units", "states", "history" };

static CommandStatus (*const commands[])(const CommandOptions *options) = {
        command_status, command_listeners, command_units, command_states, command_history,
};

/* ---- samples ---- */

static void add_unit_and_process(void) {
        UnitRow *unit = sample_add_row(&fix.sample, TABLE_UNITS);
        ProcessRow *process = sample_add_row(&fix.sample, TABLE_PROCESSES);

        strcpy(unit->key.unit, UNIT);
        unit->states[STATE_ESTABLISHED] = 54321;
        unit->states[STATE_CLOSE_WAIT] = 765;
        unit->states[STATE_TIME_WAIT] = 23456;
        unit->receive_queue_bytes = 7654321;
        unit->send_queue_bytes = 6543210;
        unit->n_processes = 321;
        unit->open_fds = 43210;
        unit->worst_open_fds = 500;
        unit->worst_fd_limit = 1024;

        strcpy(process->key.unit, UNIT);
        strcpy(process->key.process, PROCESS);
        process->pid = 4194301;
        process->open_fds = 1048575;
        process->fd_limit = UINT64_MAX;
        process->n_close_wait = 0;
}

static void add_listeners(uint64_t drops) {
        ListenerRow *listener = sample_add_listener_of(&fix.sample, "192.168.123.234", 54321, UNIT, PROCESS);
        UnixListenerRow *path = sample_add_row(&fix.sample, TABLE_UNIX_LISTENERS);
        UdpSocketRow *udp = sample_add_row(&fix.sample, TABLE_UDP_SOCKETS);

        listener->length = listener->worst_length = 3987;
        listener->limit = listener->worst_limit = 4096;
        listener->peak = 4090;
        listener->drops = drops;
        listener->saturated_usec = 1234500000;
        listener->n_sockets = 32;
        listener->states[STATE_ESTABLISHED] = 54321;

        strcpy(path->key.path, PATH);
        strcpy(path->key.unit, UNIT);
        strcpy(path->key.process, PROCESS);
        path->limit = path->worst_limit = 4095;
        path->saturated_usec = 1234500000;

        udp->key = listener->key;
        udp->queue_bytes = 212345;
        udp->buffer_bytes = 1212992;
        udp->drops = 1234567;
}

static void make_sample(unsigned number, uint64_t drops) {
        static const CollectorId answered[] = { COLLECTOR_TCP, COLLECTOR_LISTEN, COLLECTOR_PROCESSES };

        sample_clear(&fix.sample);
        fix.sample.number = number;
        fix.sample.realtime_usec = fix.sample.boottime_usec = NOW_USEC + number * USEC_PER_SEC;
        for (size_t i = 0; i < ELEMENTSOF(answered); i++)
                fix.sample.reports[answered[i]] = (CollectorReport){ .is_present = true };
        sample_set(&fix.sample, VALUE_TCP_ESTABLISHED, 54321);
        sample_set(&fix.sample, VALUE_TCP_CLOSE_WAIT, 4321);
        sample_set(&fix.sample, VALUE_TCP_LISTEN_DROPS, drops);
        add_unit_and_process();
        add_listeners(drops);
}

static void append(Ring *ring, unsigned number, uint64_t drops) {
        make_sample(number, drops);
        ck_assert_int_eq(ring_append(ring, &fix.sample), 0);
}

static void setup(void) {
        _cleanup_(ring_closep) Ring *ring = NULL;
        RingFinding finding;

        strcpy(fix.folder, "/tmp/sockwatch-tables-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(fix.folder));
        (void)snprintf(fix.path, sizeof fix.path, "%s/ring", fix.folder);
        ck_assert_int_eq(ring_open(fix.path, RING_BYTES, &ring, &finding), 0);
        append(ring, 1, 1000000);
        append(ring, 2, 1000007);
}

static void teardown(void) {
        (void)unlink(fix.path);
        (void)rmdir(fix.folder);
}

/* ---- running a command ---- */

/* Keeps what comes out of the other end until that is closed. A terminal ends its lines by CR LF. */
static void read_output(int fd) {
        size_t n = 0;
        ssize_t got;

        while ((got = read(fd, fix.output + n, sizeof fix.output - 1 - n)) > 0)
                n += (size_t)got;
        fix.output[n] = '\0';

        for (char *from = fix.output, *to = fix.output;; from++) {
                if (*from != '\r')
                        *to++ = *from;
                if (*from == '\0')
                        break;
        }
}

static void run(size_t i, CommandOptions options, int out, int other_end) {
        pid_t pid = fork();
        int status;

        options.ring_file = fix.path;
        options.has_ring_file = true;
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                (void)close(other_end);
                (void)dup2(out, STDOUT_FILENO);
                (void)close(out);
                (void)commands[i](&options);
                (void)fflush(stdout);
                _exit(0);
        }

        (void)close(out);
        read_output(other_end);
        (void)close(other_end);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
}

static void run_on_terminal(size_t i, unsigned short n_columns, CommandOptions options) {
        struct winsize size = { .ws_row = 24, .ws_col = n_columns };
        int master, slave;

        ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, &size), 0);
        run(i, options, slave, master);
}

static void run_in_pipe(size_t i, CommandOptions options) {
        int ends[2];

        ck_assert_int_eq(pipe(ends), 0);
        run(i, options, ends[1], ends[0]);
}

/* ---- what is to be seen ---- */

static bool has(const char *text) {
        return strstr(fix.output, text);
}

static void check_has(const char *name, const char *const *texts) {
        for (; *texts; texts++)
                ck_assert_msg(has(*texts), "%s shows no %s:\n%s", name, *texts, fix.output);
}

/* Behind the first empty line: those above it are sentences. */
static void check_width(const char *name, size_t n_columns) {
        const char *line = strstr(fix.output, "\n\n"), *end;

        for (line = line ? line + 2 : fix.output; *line; line = end + 1) {
                end = strchrnul(line, '\n');
                ck_assert_msg((size_t)(end - line) <= n_columns, "%s has %zu columns:\n%s", name,
                              (size_t)(end - line), fix.output);
                if (!*end)
                        break;
        }
}

static const char *const numbers[ELEMENTSOF(commands)][16] = {
        { "54321", "192.168.123.234", "3987", "4096", "4090", "1000007" },
        { "192.168.123.234", "54321", "3987", "4096", "4090", "1000007", "1234.5 s", "4095", "212345",
          "1212992", "1234567" },
        { "78542", "54321", "765", "23456", "7654321", "6543210", "321", "43210", "48.8%", "4194301",
          "1048575", PROCESS },
        { "54321", "4321" },
        { "54321", "4321", "7.0", "3987/4096", "192.168.123.234:54321" },
};

START_TEST(on_a_terminal_of_80_columns_tables_fit_and_no_number_is_cut)
{
        run_on_terminal((size_t)_i, 80, (CommandOptions){ 0 });
        check_width(names[_i], 80);
        check_has(names[_i], numbers[_i]);
}
END_TEST

START_TEST(on_a_wide_terminal_and_in_a_pipe_nothing_is_cut)
{
        static const char *const whole[ELEMENTSOF(commands)][4] = {
                { UNIT }, { UNIT, PROCESS, PATH }, { UNIT, PROCESS }, { NULL }, { UNIT, PROCESS },
        };

        run_on_terminal((size_t)_i, 400, (CommandOptions){ 0 });
        check_has(names[_i], numbers[_i]);
        check_has(names[_i], whole[_i]);

        run_in_pipe((size_t)_i, (CommandOptions){ 0 });
        check_has(names[_i], numbers[_i]);
        check_has(names[_i], whole[_i]);
}
END_TEST

START_TEST(what_is_not_known_is_a_dash)
{
        run_in_pipe(2, (CommandOptions){ 0 });
        ck_assert(has(" 1048575  none          -\n"));
}
END_TEST

START_TEST(the_period_of_counts_is_told)
{
        run_in_pipe(1, (CommandOptions){ 0 });
        ck_assert(
                has("\nPEAK is of the last minute, or of windows.peak if that is configured. DROPS and\n"));
        run_in_pipe(0, (CommandOptions){ 0 });
        ck_assert(
                has("\nPEAK is of the last minute, or of windows.peak if that is configured. DROPS and\n"));
}
END_TEST

START_TEST(one_sample_of_a_time_has_the_rates_since_the_one_before)
{
        run_in_pipe(4, (CommandOptions){ .has_at = true, .at_usec = NOW_USEC + 2 * USEC_PER_SEC });
        ck_assert_msg(has("    7.0 "), "%s", fix.output);

        run_in_pipe(4, (CommandOptions){ .has_at = true, .at_usec = NOW_USEC + USEC_PER_SEC });
        ck_assert_msg(!has(".0 "), "%s", fix.output);
}
END_TEST

/* A fuller queue, that drops nothing, is not what drops. */
START_TEST(history_names_the_listener_that_dropped_with_its_own_queue)
{
        _cleanup_(ring_closep) Ring *ring = NULL;
        RingFinding finding;
        ListenerRow *other;

        ck_assert_int_eq(ring_open(fix.path, RING_BYTES, &ring, &finding), 0);
        make_sample(3, 1000007);
        other = sample_add_listener_of(&fix.sample, "192.168.123.234", 54322, "dropping.service", "dropper");
        other->worst_length = 1;
        other->worst_limit = 2000;
        other->drops = 5;
        ck_assert_int_eq(ring_append(ring, &fix.sample), 0);
        ring = ring_close(ring);

        run_in_pipe(4, (CommandOptions){ .has_at = true, .at_usec = NOW_USEC + 3 * USEC_PER_SEC });
        ck_assert_msg(has(" 1/2000 192.168.123.234:54322 dropping.service dropper"), "%s", fix.output);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("tables");
        TCase *tables = tcase_create("tables");

        tcase_add_checked_fixture(tables, setup, teardown);
        tcase_add_loop_test(tables, on_a_terminal_of_80_columns_tables_fit_and_no_number_is_cut, 0,
                            ELEMENTSOF(commands));
        tcase_add_loop_test(tables, on_a_wide_terminal_and_in_a_pipe_nothing_is_cut, 0,
                            ELEMENTSOF(commands));
        tcase_add_test(tables, what_is_not_known_is_a_dash);
        tcase_add_test(tables, the_period_of_counts_is_told);
        tcase_add_test(tables, one_sample_of_a_time_has_the_rates_since_the_one_before);
        tcase_add_test(tables, history_names_the_listener_that_dropped_with_its_own_queue);
        suite_add_tcase(suite, tables);

        return suite_main(suite);
}
