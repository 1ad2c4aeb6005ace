/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A fixed sample in, exact text out
 *
 * After a change that is meant, GOLDEN_UPDATE=1 writes the golden files anew;
 * what changed is then reviewed in the diff.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "exporters/prometheus/catalogue.h"
#include "exporters/prometheus/exposition.h"
#include "suite.h"

#define TAKEN_USEC UINT64_C(1795000000123456)

/* ---- the samples ---- */

#define PORT(n) \
        { (uint8_t)((n) >> 8), (uint8_t)(n) }
#define IPV4 .family = AF_INET
#define IPV6 .family = AF_INET6

#define DB8_1 \
        { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 }
#define FE80_1 \
        { 0xfe, 0x80, [15] = 1 }

/* Queues that are empty, full, and in between; counters that are as high as can be; a process that could not
 * be found out. */
static const ListenerRow listeners[] = {
        {
                .counted = COUNTED_ALL_STATES,
                .key = { { IPV4, .port = PORT(22) }, "ssh.service", "sshd" },
                .limit = 128,
                .worst_limit = 128,
                .n_sockets = 1,
                .states = { [STATE_ESTABLISHED] = 2 },
        },
        {
                .counted = COUNTED_ALL_STATES,
                .key = { { IPV4, .port = PORT(80), .address = { 192, 0, 2, 7 }, .device = "eth0" },
                         "docker/0123456789ab",
                         "" },
                .length = 129,
                .limit = 128,
                .worst_length = 129,
                .worst_limit = 128,
                .peak = 129,
                .drops = 7,
                .saturated_usec = 90500000,
                .n_sockets = 1,
                .states = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 },
        },
        {
                .counted = COUNTED_ALL_STATES,
                .key = { { IPV4, .port = PORT(443), .address = { 127, 0, 0, 1 },
                           .device = "\"\\\xff\xc3\xa9" },
                         UNIT_UNATTRIBUTED,
                         "" },
                .length = 1,
                .worst_length = 1,
                .peak = 1,
                .n_sockets = 1,
        },
        {
                .counted = COUNTED_ALL_STATES,
                .key = { { IPV6, .port = PORT(80) }, "nginx.service", "ngi\"n\\x\n\xff" },
                .length = 5,
                .limit = 16384,
                .worst_length = 3,
                .worst_limit = 4096,
                .peak = 77,
                .drops = UINT64_MAX,
                .saturated_usec = 1,
                .n_sockets = 4,
                .is_dual_stack = 1,
                .states = { [STATE_ESTABLISHED] = 900000,
                            [STATE_SYN_RECV] = 6,
                            [STATE_TIME_WAIT] = UINT64_MAX },
        },
        {
                .counted = COUNTED_ALL_STATES,
                .key = { { IPV6, .port = PORT(8080), .address = DB8_1 }, "/any/other", "java" },
                .limit = 4096,
                .worst_limit = 4096,
                .n_sockets = 1,
        },
        {
                .counted = COUNTED_ALL_STATES,
                .key = { { IPV6, .port = PORT(8443), .address = FE80_1, .device = "eth0" },
                         "user@1000.service/app.service",
                         "123456789012345" },
                .length = 1,
                .limit = 2,
                .worst_length = 1,
                .worst_limit = 2,
                .peak = 3,
                .drops = 1,
                .n_sockets = 1,
        },
        {
                .counted = COUNTED_ALL_STATES,
                .key = { { .family = ENDPOINT_OTHER }, UNIT_OTHER, "" },
                .length = 20,
                .limit = 1000,
                .worst_length = 2,
                .worst_limit = 3,
                .peak = 9,
                .drops = 100,
                .saturated_usec = 2 * USEC_PER_SEC,
                .n_sockets = 30,
                .states = { [STATE_ESTABLISHED] = 40, [STATE_CLOSE_WAIT] = 1 },
        },
};

static const UnixListenerRow unix_listeners[] = {
        {
                .key = { "/run/\"odd\" \xff\n", UNIT_UNATTRIBUTED, "" },
        },
        {
                .key = { "/run/dbus/system_bus_socket", "dbus.service", "dbus-daemon" },
                .length = 3,
                .limit = 4096,
                .worst_length = 3,
                .worst_limit = 4096,
                .peak = 15,
                .n_sockets = 1,
        },
        {
                .key = { "@abstract", "app.service", "app" },
                .length = 12,
                .limit = 10,
                .worst_length = 6,
                .worst_limit = 5,
                .peak = 12,
                .saturated_usec = 1234567,
                .n_sockets = 2,
        },
        {
                .key = { UNIX_OTHER, UNIT_OTHER, "" },
                .length = 1,
                .limit = 200,
                .worst_length = 1,
                .worst_limit = 100,
                .peak = 2,
                .n_sockets = 2,
        },
};

static const UdpSocketRow udp_sockets[] = {
        {
                .key = { { IPV4, .port = PORT(53) }, "named.service", "named" },
                .queue_bytes = 300000,
                .buffer_bytes = 425984,
                .worst_queue_bytes = 212992,
                .worst_buffer_bytes = 212992,
                .drops = 12,
                .n_sockets = 2,
        },
        {
                .key = { { IPV6, .port = PORT(546), .address = FE80_1, .device = "eth0" },
                         UNIT_UNATTRIBUTED,
                         "" },
                .queue_bytes = 768,
        },
        {
                .key = { { .family = ENDPOINT_OTHER }, UNIT_OTHER, "" },
                .buffer_bytes = 1000000,
                .worst_queue_bytes = 1,
                .worst_buffer_bytes = 3,
                .drops = 1,
                .n_sockets = 5,
        },
};

static const UnitRow units[] = {
        {
                .key = { "nginx.service" },
                .states = { 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112 },
                .receive_queue_bytes = 113,
                .send_queue_bytes = 114,
                .n_retransmitting = 115,
                .n_close_wait_accepted = 100,
                .n_processes = 5,
                .open_fds = 2000,
                .worst_open_fds = 1000,
                .worst_fd_limit = 1024,
        },
        {
                .key = { UNIT_OTHER },
                .states = { [STATE_CLOSE_WAIT] = 3 },
                .n_close_wait_accepted = 3,
                .n_processes = 70,
                .open_fds = 700,
                .worst_open_fds = 20,
                .worst_fd_limit = UINT64_MAX,
        },
        {
                .key = { UNIT_UNATTRIBUTED },
                .states = { [STATE_TIME_WAIT] = 28231 },
        },
};

static const ProcessRow processes[] = {
        {
                .key = { "cron.service", "cron" },
                .pid = 77,
                .open_fds = 5,
                .fd_limit = UINT64_MAX,
                .is_close_wait_known = 1,
        },
        {
                .key = { "nginx.service", "nginx" },
                .pid = 4711,
                .open_fds = 1000,
                .fd_limit = 1024,
                .n_close_wait = 90,
                .is_close_wait_known = 1,
        },
        {
                .key = { UNIT_OTHER, UNIT_OTHER },
                .open_fds = 12345,
        },
};

static const DestinationRow destinations[] = {
        { .key = { IPV4, .port = PORT(443), .address = { 192, 0, 2, 1 } }, .n_ports = 28000 },
        { .key = { IPV6, .port = PORT(5432), .address = DB8_1 }, .n_ports = 17, .error = 3 },
        { .key = { .family = ENDPOINT_OTHER }, .n_ports = 40000 },
};

/* Rows of a table, in order of their keys. */
static void sample_fill_table(Sample *sample, TableId table, const void *rows, size_t n) {
        const RowLayout *layout = &table_infos[table].layout;

        memcpy(sample_rows(sample, table), rows, n * layout->row_size);
        *sample_row_count(sample, table) = (uint32_t)n;
        for (size_t i = 1; i < n; i++)
                ck_assert_int_lt(memcmp(sample_get_row(sample, table, i - 1),
                                        sample_get_row(sample, table, i), layout->key_size),
                                 0);
}

static void sample_fill_tables(Sample *sample) {
        sample_fill_table(sample, TABLE_LISTENERS, listeners, ELEMENTSOF(listeners));
        sample_fill_table(sample, TABLE_UNIX_LISTENERS, unix_listeners, ELEMENTSOF(unix_listeners));
        sample_fill_table(sample, TABLE_UDP_SOCKETS, udp_sockets, ELEMENTSOF(udp_sockets));
        sample_fill_table(sample, TABLE_UNITS, units, ELEMENTSOF(units));
        sample_fill_table(sample, TABLE_PROCESSES, processes, ELEMENTSOF(processes));
        sample_fill_table(sample, TABLE_DESTINATIONS, destinations, ELEMENTSOF(destinations));
}

/* One collector of it failed and never answered, another is incomplete; all other values are there. */
static void sample_fill(Sample *sample) {
        sample_clear(sample);
        sample->number = 86400;
        sample->realtime_usec = TAKEN_USEC;
        sample->boottime_usec = 7200 * USEC_PER_SEC;

        for (unsigned id = 0; id < _VALUE_ROOM; id++)
                if (value_infos[id].name && value_infos[id].collector != COLLECTOR_FD)
                        sample_set(sample, id, UINT64_C(1000003) * id);
        sample_set(sample, VALUE_TCP_CLOSING, 0);
        sample_set(sample, VALUE_TCP_SEGMENTS_SENT, UINT64_MAX);
        sample_set(sample, VALUE_TCP_MEMORY_PRESSURE_MSEC, 1500);
        sample_set(sample, VALUE_SAMPLING_INTERVAL_USEC, USEC_PER_SEC);
        sample_set(sample, VALUE_RING_OLDEST_USEC, TAKEN_USEC - USEC_PER_HOUR);
        sample_set(sample, VALUE_PROCESS_START_USEC, TAKEN_USEC - 24 * USEC_PER_HOUR);

        for (unsigned id = 0; id < _COLLECTOR_ROOM; id++)
                if (collector_name(id))
                        sample->reports[id] = (CollectorReport){
                                .is_present = true,
                                .duration_nsec = 120000 + id,
                                .last_success_usec = TAKEN_USEC + id,
                        };
        sample->reports[COLLECTOR_FD].error = -ENODATA;
        sample->reports[COLLECTOR_FD].n_failures = 86400;
        sample->reports[COLLECTOR_FD].last_success_usec = 0;
        sample->reports[COLLECTOR_LISTEN].is_incomplete = true;

        sample_fill_tables(sample);
}

static const struct {
        const char *file;
        void (*fill)(Sample *sample);
        ExpositionFormat format;
} goldens[] = {
        { GOLDEN_FOLDER "/metrics.txt", sample_fill, EXPOSITION_TEXT },
        { GOLDEN_FOLDER "/metrics.openmetrics.txt", sample_fill, EXPOSITION_OPENMETRICS },
        { GOLDEN_FOLDER "/empty.txt", sample_clear, EXPOSITION_TEXT },
        { GOLDEN_FOLDER "/empty.openmetrics.txt", sample_clear, EXPOSITION_OPENMETRICS },
};

/* The text with a NUL behind it. To be freed. */
static char *render(const Sample *sample, ExpositionFormat format) {
        Text text = { 0 };

        exposition_render(sample, format, &text);
        text_append_bytes(&text, "", 1);
        ck_assert_int_eq(text_error(&text), 0);
        return text.data;
}

static char *golden_render(size_t i) {
        static Sample sample;

        memset(&sample, 0xaa, sizeof sample);
        goldens[i].fill(&sample);
        return render(&sample, goldens[i].format);
}

static char *file_read(const char *path) {
        char *text = calloc(1, 1 << 20);
        FILE *file = fopen(path, "r");

        ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
        ck_assert_uint_lt(fread(text, 1, (1 << 20) - 1, file), (1 << 20) - 1);
        ck_assert_int_eq(fclose(file), 0);
        return text;
}

static void file_write(const char *path, const char *text) {
        FILE *file = fopen(path, "w");

        ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
        ck_assert_int_ge(fputs(text, file), 0);
        ck_assert_int_eq(fclose(file), 0);
}

START_TEST(a_fixed_sample_gives_the_golden_text)
{
        _cleanup_(freep) char *text = golden_render((size_t)_i), *golden = NULL;
        const char *line, *golden_line;
        unsigned number = 0;
        size_t n, n_golden;

        if (getenv("GOLDEN_UPDATE"))
                file_write(goldens[_i].file, text);
        golden = file_read(goldens[_i].file);

        for (line = text, golden_line = golden; *line || *golden_line; line += n, golden_line += n_golden) {
                number++;
                n = strcspn(line, "\n") + (strchr(line, '\n') != NULL);
                n_golden = strcspn(golden_line, "\n") + (strchr(golden_line, '\n') != NULL);
                if (n != n_golden || memcmp(line, golden_line, n) != 0)
                        ck_abort_msg("%s, line %u: \"%.*s\" where \"%.*s\" is wanted; GOLDEN_UPDATE=1 "
                                     "writes what is",
                                     goldens[_i].file, number, (int)n, line, (int)n_golden, golden_line);
        }
}
END_TEST

/* ---- what is true of any text ---- */

/* Cuts off the next line. NULL at the end. */
static char *take_line(char **rest) {
        char *line = *rest && **rest ? strsep(rest, "\n") : NULL;

        ck_assert_msg(!line || *rest, "the last line does not end: %s", line);
        return line;
}

START_TEST(no_series_appears_twice)
{
        _cleanup_(freep) char *text = golden_render((size_t)_i);
        const char *series[2048];
        char *rest = text, *line;
        size_t n = 0;

        while ((line = take_line(&rest))) {
                if (line[0] != '#')
                        *strrchr(line, ' ') = '\0';
                for (size_t i = 0; i < n; i++)
                        ck_assert_str_ne(series[i], line);
                ck_assert_uint_lt(n, ELEMENTSOF(series));
                series[n++] = line;
        }
}
END_TEST

/* Whether a series, "name{labels} 1", is of the family, whose series have this suffix. */
static bool line_is_of(const char *line, const char *family, const char *suffix) {
        size_t size = strcspn(line, "{ ");

        return size == strlen(family) + strlen(suffix) && strncmp(line, family, strlen(family)) == 0 &&
               strncmp(line + strlen(family), suffix, strlen(suffix)) == 0;
}

START_TEST(openmetrics_tells_type_unit_and_help_in_this_order_before_the_series)
{
        _cleanup_(freep) char *text = golden_render((size_t)_i);
        char *rest = text, *line, family[128] = "", type[16] = "", unit[16] = "", last[16] = "";

        while ((line = take_line(&rest)) && strcmp(line, "# EOF") != 0) {
                if (sscanf(line, "# TYPE %127s %15s", family, type) == 2) {
                        ck_assert_str_ne(last, "TYPE");
                        unit[0] = '\0';
                        strcpy(last, "TYPE");
                } else if (sscanf(line, "# UNIT %*s %15s", unit) == 1) {
                        ck_assert_str_eq(last, "TYPE");
                        ck_assert(line_is_of(line + strlen("# UNIT "), family, ""));
                        strcpy(last, "UNIT");
                } else if (strncmp(line, "# HELP ", 7) == 0) {
                        ck_assert_str_eq(last, unit[0] ? "UNIT" : "TYPE");
                        ck_assert(line_is_of(line + strlen("# HELP "), family, ""));
                        ck_assert_str_eq(family + strlen(family) - strlen(unit), unit);
                        strcpy(last, "HELP");
                } else {
                        ck_assert_msg(strcmp(last, "HELP") == 0 || strcmp(last, "series") == 0, "%s", line);
                        ck_assert_msg(line_is_of(line, family,
                                                 strcmp(type, "counter") == 0 ? "_total"
                                                 : strcmp(type, "info") == 0  ? "_info"
                                                                              : ""),
                                      "%s is not of %s", line, family);
                        strcpy(last, "series");
                }
        }
        ck_assert_str_eq(line, "# EOF");
        ck_assert_str_eq(rest, "");
}
END_TEST

START_TEST(text_tells_help_and_type_in_this_order_before_the_series)
{
        _cleanup_(freep) char *text = golden_render((size_t)_i);
        char *rest = text, *line, family[128] = "", last[16] = "";

        while ((line = take_line(&rest))) {
                if (sscanf(line, "# HELP %127s", family) == 1) {
                        ck_assert_str_ne(last, "HELP");
                        strcpy(last, "HELP");
                } else if (strncmp(line, "# TYPE ", 7) == 0) {
                        ck_assert_str_eq(last, "HELP");
                        ck_assert(line_is_of(line + strlen("# TYPE "), family, ""));
                        strcpy(last, "TYPE");
                } else {
                        ck_assert_msg(strcmp(last, "TYPE") == 0 || strcmp(last, "series") == 0, "%s", line);
                        ck_assert_msg(line_is_of(line, family, ""), "%s is not of %s", line, family);
                        strcpy(last, "series");
                }
        }
}
END_TEST

START_TEST(rendering_appends_to_what_is_there)
{
        static Sample sample;
        Text text = { 0 };

        text_append(&text, "before\n");
        exposition_render(&sample, EXPOSITION_OPENMETRICS, &text);

        ck_assert_mem_eq(text.data, "before\n# TYPE ", strlen("before\n# TYPE "));
        text_done(&text);
}
END_TEST

START_TEST(a_format_has_a_content_type_with_its_version)
{
        ck_assert_str_eq(exposition_content_type(EXPOSITION_TEXT),
                         "text/plain; version=0.0.4; charset=utf-8");
        ck_assert_str_eq(exposition_content_type(EXPOSITION_OPENMETRICS),
                         "application/openmetrics-text; version=1.0.0; charset=utf-8");
}
END_TEST

/* ---- rows ---- */

/* Lines of a metric, "name{labels} 1". */
static size_t count_series(const char *text, const char *name) {
        size_t n = 0;

        for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
                n += line_is_of(line, name, "");
        return n;
}

/* By all that was measured each metric of rows has a series, so that what follows looks at all of them. */
START_TEST(each_metric_of_rows_has_series)
{
        _cleanup_(freep) char *text = golden_render(0);

        for (size_t i = 0; i < n_metric_catalogue; i++)
                if (metric_catalogue[i].rows.n_figures > 0)
                        ck_assert_msg(count_series(text, metric_catalogue[i].name) > 0, "%s",
                                      metric_catalogue[i].name);
}
END_TEST

/* Rows that others filled are there; a part of them that was not measured must not pass for 0. */
START_TEST(what_a_failed_collector_did_not_tell_of_rows_is_not_there)
{
        const CollectorId failed = (CollectorId)_i;
        _cleanup_(freep) char *all = golden_render(0), *text = NULL;
        static Sample sample;

        if (!collector_name(failed))
                return;

        sample_fill(&sample);
        sample.reports[failed].error = -EIO;
        text = render(&sample, EXPOSITION_TEXT);
        for (size_t i = 0; i < n_metric_catalogue; i++) {
                const Metric *metric = &metric_catalogue[i];
                bool is_lost = metric->rows.collector == failed;

                if (metric->rows.n_figures > 0)
                        ck_assert_msg(count_series(text, metric->name) ==
                                              (is_lost ? 0 : count_series(all, metric->name)),
                                      "%s", metric->name);
        }
        ck_assert_uint_eq(count_series(text, "sockwatch_ephemeral_port_utilization_ratio"),
                          failed != COLLECTOR_TCP);
}
END_TEST

START_TEST(a_collector_that_was_not_asked_tells_nothing_of_rows)
{
        _cleanup_(freep) char *text = NULL;
        static Sample sample;

        sample_fill(&sample);
        memset(sample.reports, 0, sizeof sample.reports);
        text = render(&sample, EXPOSITION_TEXT);
        for (size_t i = 0; i < n_metric_catalogue; i++)
                if (metric_catalogue[i].rows.n_figures > 0)
                        ck_assert_uint_eq(count_series(text, metric_catalogue[i].name), 0);
}
END_TEST

/* An incomplete answer is one. */
START_TEST(a_collector_that_saw_more_than_it_has_room_for_tells_its_rows)
{
        _cleanup_(freep) char *text = golden_render(0);

        ck_assert_uint_eq(count_series(text, "sockwatch_listener_drops_total"), ELEMENTSOF(listeners));
}
END_TEST

START_TEST(a_process_that_is_not_known_has_no_label)
{
        _cleanup_(freep) char *text = golden_render((size_t)_i);

        ck_assert_ptr_null(strstr(text, "=\"\""));
        ck_assert_ptr_null(strstr(text, "{,"));
        ck_assert_ptr_null(strstr(text, ",}"));
        ck_assert_ptr_null(strstr(text, "{}"));
}
END_TEST

START_TEST(a_kernel_that_does_not_tell_of_bound_sockets_has_no_such_state)
{
        _cleanup_(freep) char *all = golden_render(0), *text = NULL;
        static Sample sample;

        ck_assert_ptr_nonnull(
                strstr(all,
                       "sockwatch_unit_tcp_sockets{unit=\"nginx.service\",state=\"bound_inactive\"} 112\n"));

        sample_fill(&sample);
        sample_unset(&sample, VALUE_TCP_BOUND_INACTIVE);
        sample_unset(&sample, VALUE_TCP_BOUND_INACTIVE_USEC);
        text = render(&sample, EXPOSITION_TEXT);
        ck_assert_ptr_null(strstr(text, "\"bound_inactive\""));
        ck_assert_uint_eq(count_series(text, "sockwatch_unit_tcp_sockets"), 11 * ELEMENTSOF(units));
        ck_assert_uint_eq(count_series(text, "sockwatch_tcp_sockets"), 11);
}
END_TEST

START_TEST(the_destination_with_the_most_ports_is_against_all_ports)
{
        _cleanup_(freep) char *text = NULL;
        static Sample sample;

        sample_fill(&sample);
        sample_set(&sample, VALUE_EPHEMERAL_PORTS, 28232);
        text = render(&sample, EXPOSITION_TEXT);
        ck_assert_ptr_nonnull(strstr(text, "\nsockwatch_ephemeral_port_utilization_ratio 0.991782\n"));
        free(TAKE_PTR(text));

        /* Of none the ratio is 0; without knowing how many ports there are it is none. */
        sample.n_destinations = 0;
        text = render(&sample, EXPOSITION_TEXT);
        ck_assert_ptr_nonnull(strstr(text, "\nsockwatch_ephemeral_port_utilization_ratio 0\n"));
        free(TAKE_PTR(text));

        sample_unset(&sample, VALUE_EPHEMERAL_PORTS);
        text = render(&sample, EXPOSITION_TEXT);
        ck_assert_uint_eq(count_series(text, "sockwatch_ephemeral_port_utilization_ratio"), 0);
}
END_TEST

/* ---- numbers and label values ---- */

static const struct {
        ValueId id;
        uint64_t number;
        const char *line;
} decimals[] = {
        { VALUE_PROCESS_CPU_USEC, 0, "\nprocess_cpu_seconds_total 0\n" },
        { VALUE_PROCESS_CPU_USEC, 1, "\nprocess_cpu_seconds_total 0.000001\n" },
        { VALUE_PROCESS_CPU_USEC, 1500000, "\nprocess_cpu_seconds_total 1.5\n" },
        { VALUE_PROCESS_CPU_USEC, 2000000, "\nprocess_cpu_seconds_total 2\n" },
        { VALUE_PROCESS_CPU_USEC, UINT64_MAX, "\nprocess_cpu_seconds_total 18446744073709.551615\n" },
        { VALUE_TCP_MEMORY_PRESSURE_MSEC, 1, "\nsockwatch_tcp_memory_pressure_seconds_total 0.001\n" },
        { VALUE_TCP_MEMORY_PRESSURE_MSEC, 10, "\nsockwatch_tcp_memory_pressure_seconds_total 0.01\n" },
        { VALUE_TCP_LISTEN_DROPS, UINT64_MAX, "\nsockwatch_tcp_listen_drops_total 18446744073709551615\n" },
        { VALUE_TCP_LISTEN_DROPS, 100, "\nsockwatch_tcp_listen_drops_total 100\n" },
};

START_TEST(numbers_are_written_exactly)
{
        static Sample sample;
        Text text = { 0 };

        sample_set(&sample, decimals[_i].id, decimals[_i].number);
        exposition_render(&sample, EXPOSITION_TEXT, &text);

        ck_assert_ptr_nonnull(memmem(text.data, text.length, decimals[_i].line, strlen(decimals[_i].line)));
        text_done(&text);
}
END_TEST

/* A byte that is no character. */
#define BAD(hex) "\\\\x" #hex

static const struct {
        const char *value;
        const char *escaped;
} label_values[] = {
        { "", "" },
        { "0.0.0.0", "0.0.0.0" },
        { "a\\b", "a\\\\b" },
        { "a\\xff", "a\\\\x5cxff" },
        { "a\"b", "a\\\"b" },
        { "a\nb", "a\\nb" },
        { "\\n", "\\\\n" },
        { "\t\r\x01\x7f", "\t\r\x01\x7f" },
        /* the first and the last sequence of each length */
        { "\xc2\x80\xdf\xbf", "\xc2\x80\xdf\xbf" },
        { "\xe0\xa0\x80\xef\xbf\xbf", "\xe0\xa0\x80\xef\xbf\xbf" },
        { "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
        /* around the surrogates */
        { "\xed\x9f\xbf\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80" },
        { "\xed\xa0\x80", BAD(ed) BAD(a0) BAD(80) },
        { "\xed\xbf\xbf", BAD(ed) BAD(bf) BAD(bf) },
        /* longer than need be */
        { "\xc0\x80", BAD(c0) BAD(80) },
        { "\xc1\xbf", BAD(c1) BAD(bf) },
        { "\xe0\x9f\xbf", BAD(e0) BAD(9f) BAD(bf) },
        { "\xf0\x8f\xbf\xbf", BAD(f0) BAD(8f) BAD(bf) BAD(bf) },
        /* beyond U+10FFFF */
        { "\xf4\x90\x80\x80", BAD(f4) BAD(90) BAD(80) BAD(80) },
        { "\xf5\x80\x80\x80", BAD(f5) BAD(80) BAD(80) BAD(80) },
        { "\xfe\xff", BAD(fe) BAD(ff) },
        /* cut short, or a rest */
        { "\x80", BAD(80) },
        { "\xc3", BAD(c3) },
        { "\xe2\x82", BAD(e2) BAD(82) },
        { "\xf0\x9f\x98", BAD(f0) BAD(9f) BAD(98) },
        { "\xe2\x82x", BAD(e2) BAD(82) "x" },
        { "\xc3\"", BAD(c3) "\\\"" },
        { "\xc3\\", BAD(c3) "\\\\" },
        { "\xe2\xc3\xa9", BAD(e2) "\xc3\xa9" },
};

START_TEST(label_values_are_escaped_and_always_utf8)
{
        /* On the heap and no longer than it has to be, so that a step too far is seen. */
        _cleanup_(freep) char *value = strdup(label_values[_i].value);
        Text text = { 0 };

        exposition_append_escaped(&text, value);

        ck_assert_uint_eq(text.length, strlen(label_values[_i].escaped));
        if (text.length > 0)
                ck_assert_mem_eq(text.data, label_values[_i].escaped, text.length);
        text_done(&text);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("exposition");
        TCase *golden = tcase_create("golden"), *rows = tcase_create("rows"),
              *values = tcase_create("values");

        tcase_add_loop_test(golden, a_fixed_sample_gives_the_golden_text, 0, ELEMENTSOF(goldens));
        tcase_add_loop_test(golden, no_series_appears_twice, 0, ELEMENTSOF(goldens));
        for (int i = 0; i < (int)ELEMENTSOF(goldens); i++)
                if (goldens[i].format == EXPOSITION_OPENMETRICS)
                        tcase_add_loop_test(
                                golden, openmetrics_tells_type_unit_and_help_in_this_order_before_the_series,
                                i, i + 1);
                else
                        tcase_add_loop_test(golden, text_tells_help_and_type_in_this_order_before_the_series,
                                            i, i + 1);
        tcase_add_test(golden, rendering_appends_to_what_is_there);
        tcase_add_test(golden, a_format_has_a_content_type_with_its_version);
        suite_add_tcase(suite, golden);

        tcase_add_test(rows, each_metric_of_rows_has_series);
        tcase_add_loop_test(rows, what_a_failed_collector_did_not_tell_of_rows_is_not_there, 0,
                            _COLLECTOR_ROOM);
        tcase_add_test(rows, a_collector_that_was_not_asked_tells_nothing_of_rows);
        tcase_add_test(rows, a_collector_that_saw_more_than_it_has_room_for_tells_its_rows);
        tcase_add_loop_test(rows, a_process_that_is_not_known_has_no_label, 0, ELEMENTSOF(goldens));
        tcase_add_test(rows, a_kernel_that_does_not_tell_of_bound_sockets_has_no_such_state);
        tcase_add_test(rows, the_destination_with_the_most_ports_is_against_all_ports);
        suite_add_tcase(suite, rows);

        tcase_add_loop_test(values, numbers_are_written_exactly, 0, ELEMENTSOF(decimals));
        tcase_add_loop_test(values, label_values_are_escaped_and_always_utf8, 0, ELEMENTSOF(label_values));
        suite_add_tcase(suite, values);

        return suite_main(suite);
}
