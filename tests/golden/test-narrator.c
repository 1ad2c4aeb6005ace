/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/narrator.h"
#include "exporters/journal/log.h"
#include "suite.h"

static Sample sample, before;

/* ---- the status line ---- */

static void fill_states(void) {
        sample_set(&sample, VALUE_TCP_ESTABLISHED, 1000000);
        sample_set(&sample, VALUE_TCP_CLOSE_WAIT, 0);
        sample_set(&sample, VALUE_TCP_TIME_WAIT, 28231);
}

static void fill_listeners(void) {
        const ListenerRow rows[] = {
                { .key.endpoint = { AF_INET, .port = { 0, 22 } }, .worst_length = 0, .worst_limit = 128 },
                { .key.endpoint = { AF_INET, .port = { 1, 187 }, .address = { 192, 0, 2, 7 },
                                    .device = "eth0" },
                  .worst_length = 5,
                  .worst_limit = 4 },
                { .key.endpoint = { AF_INET6, .port = { 1, 188 } },
                  .worst_length = 100,
                  .worst_limit = 128 },
        };

        memcpy(sample.listeners, rows, sizeof rows);
        sample.n_listeners = ELEMENTSOF(rows);
}

static void fill_both(void) {
        fill_states();
        fill_listeners();
}

static const struct {
        void (*fill)(void);
        const char *line;
} lines[] = {
        { NULL, "sample 7 took 3.5 ms" },
        { fill_states, "1000000 established, 0 close-wait, 28231 time-wait; sample 7 took 3.5 ms" },
        { fill_listeners,
          "3 listeners, fullest queue 5 of 4 on 192.0.2.7%eth0 port 443; sample 7 took 3.5 ms" },
        { fill_both,
          "1000000 established, 0 close-wait, 28231 time-wait; 3 listeners, fullest queue 5 of 4 on "
          "192.0.2.7%eth0 port 443; sample 7 took 3.5 ms" },
};

static void fill_line(int i) {
        sample.number = 7;
        sample.reports[COLLECTOR_TCP].duration_nsec = 3000000;
        sample.reports[COLLECTOR_SELF].duration_nsec = 500000;
        if (lines[i].fill)
                lines[i].fill();
}

START_TEST(the_status_is_a_line_of_what_was_measured)
{
        char text[512];

        fill_line(_i);
        narrator_format_status(&sample, text, sizeof text);
        ck_assert_str_eq(text, lines[_i].line);
}
END_TEST

START_TEST(a_status_that_does_not_fit_is_cut)
{
        size_t size = strlen(lines[_i].line);
        char text[512];

        fill_line(_i);
        for (; size > 0; size--) {
                memset(text, '#', sizeof text);
                narrator_format_status(&sample, text, size);
                ck_assert_uint_eq(strlen(text), size - 1);
                ck_assert_mem_eq(text, lines[_i].line, size - 1);
                for (size_t i = size; i < sizeof text; i++)
                        ck_assert_int_eq(text[i], '#');
        }
}
END_TEST

/* ---- the log ---- */

static const struct {
        CollectorReport before;
        CollectorReport now;
        const char *said;
} changes[] = {
        { { 0 }, { 0 }, "" },
        { { 0 }, { .is_present = true }, "" },
        { { .is_present = true }, { .is_present = true }, "" },
        /* a failure is told when it begins, when it becomes another one, and when it ends */
        { { .is_present = true },
          { .is_present = true, .error = -ENOENT },
          "sockwatchd: collector listen fails, continuing without its metrics: No such file or "
          "directory\n" },
        { { .is_present = true, .error = -ENOENT }, { .is_present = true, .error = -ENOENT }, "" },
        { { .is_present = true, .error = -ENOENT },
          { .is_present = true, .error = -EACCES },
          "sockwatchd: collector listen fails, continuing without its metrics: Permission denied\n" },
        { { .is_present = true, .error = -ENOENT },
          { .is_present = true },
          "sockwatchd: collector listen answers again\n" },
        /* so is an answer that is incomplete */
        { { .is_present = true },
          { .is_present = true, .is_incomplete = true },
          "sockwatchd: collector listen saw more than it has room for, its metrics are incomplete\n" },
        { { .is_present = true, .is_incomplete = true }, { .is_present = true, .is_incomplete = true }, "" },
        { { .is_present = true, .is_incomplete = true },
          { .is_present = true },
          "sockwatchd: collector listen has room for all it sees again\n" },
        { { .is_present = true, .is_incomplete = true },
          { .is_present = true, .error = -ENOENT },
          "sockwatchd: collector listen fails, continuing without its metrics: No such file or "
          "directory\n" },
        { { .is_present = true, .error = -ENOENT },
          { .is_present = true, .is_incomplete = true },
          "sockwatchd: collector listen answers again\n"
          "sockwatchd: collector listen saw more than it has room for, its metrics are incomplete\n" },
};

/* What is said to stderr about the step from one sample to another. */
static void listen_to(const Sample *from, const Sample *to, char ret_text[static 1024]) {
        FILE *file = tmpfile();
        size_t n;
        int saved;

        ck_assert_ptr_nonnull(file);
        saved = dup(STDERR_FILENO);
        ck_assert_int_ge(dup2(fileno(file), STDERR_FILENO), 0);
        narrator_tell_changes(from, to);
        ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
        (void)close_fd(saved);

        rewind(file);
        n = fread(ret_text, 1, 1023, file);
        ret_text[n] = '\0';
        (void)fclose(file);
}

START_TEST(a_change_is_told_once)
{
        char text[1024];

        before.reports[COLLECTOR_LISTEN] = changes[_i].before;
        sample.reports[COLLECTOR_LISTEN] = changes[_i].now;

        listen_to(&before, &sample, text);
        ck_assert_str_eq(text, changes[_i].said);
}
END_TEST

START_TEST(a_tree_of_control_groups_that_cannot_be_read_is_told_once)
{
        static Sample without, with;
        char said[1024];

        sample_clear(&without);
        sample_clear(&with);
        sample_set(&without, VALUE_CGROUPS_READABLE, 0);
        sample_set(&with, VALUE_CGROUPS_READABLE, 1);

        listen_to(NULL, &without, said);
        ck_assert_str_eq(
                said, "sockwatchd: units of sockets cannot be found: the tree of control groups (cgroup2) "
                      "cannot be read below /sys\n");
        listen_to(&without, &without, said);
        ck_assert_str_eq(said, "");
        listen_to(&without, &with, said);
        ck_assert_str_eq(said, "sockwatchd: the tree of control groups can be read again\n");
        listen_to(NULL, &with, said);
        ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(what_the_first_sample_lacks_is_told)
{
        char text[1024];

        sample.reports[COLLECTOR_LISTEN] = (CollectorReport){ .is_present = true, .error = -ENOENT };
        sample.reports[COLLECTOR_TCP] = (CollectorReport){ .is_present = true };

        listen_to(NULL, &sample, text);
        ck_assert_str_eq(text, "sockwatchd: collector listen fails, continuing without its metrics: No such "
                               "file or directory\n");
}
END_TEST

START_TEST(what_is_beyond_the_level_is_not_written)
{
        char text[1024];

        log_set_level(LOG_ERR);
        sample.reports[COLLECTOR_LISTEN] = (CollectorReport){ .is_present = true, .error = -ENOENT };

        listen_to(NULL, &sample, text);
        ck_assert_str_eq(text, "");
}
END_TEST

static const struct {
        const char *text;
        int level;
} levels[] = {
        { "error", LOG_ERR }, { "warn", LOG_WARNING }, { "info", LOG_INFO }, { "debug", LOG_DEBUG },
        { "", -EINVAL },      { "warning", -EINVAL },  { "Info", -EINVAL },  { "info ", -EINVAL },
};

START_TEST(a_level_has_a_name)
{ ck_assert_int_eq(log_level_parse(levels[_i].text), levels[_i].level); }
END_TEST

int main(void) {
        Suite *suite = suite_create("narrator");
        TCase *status = tcase_create("status"), *logging = tcase_create("logging");

        tcase_add_loop_test(status, the_status_is_a_line_of_what_was_measured, 0, ELEMENTSOF(lines));
        tcase_add_loop_test(status, a_status_that_does_not_fit_is_cut, 0, ELEMENTSOF(lines));
        suite_add_tcase(suite, status);

        tcase_add_loop_test(logging, a_change_is_told_once, 0, ELEMENTSOF(changes));
        tcase_add_test(logging, a_tree_of_control_groups_that_cannot_be_read_is_told_once);
        tcase_add_test(logging, what_the_first_sample_lacks_is_told);
        tcase_add_test(logging, what_is_beyond_the_level_is_not_written);
        tcase_add_loop_test(logging, a_level_has_a_name, 0, ELEMENTSOF(levels));
        suite_add_tcase(suite, logging);

        return suite_main(suite);
}
