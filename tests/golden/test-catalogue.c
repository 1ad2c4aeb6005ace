/* SPDX-License-Identifier: Apache-2.0 */

/* What must be true of every metric, also of the next one that is added */

#include <regex.h>
#include <string.h>

#include "exporters/prometheus/catalogue.h"
#include "suite.h"

static bool has_suffix(const char *name, const char *suffix) {
        size_t size = strlen(name), suffix_size = strlen(suffix);

        return size > suffix_size && strcmp(name + size - suffix_size, suffix) == 0;
}

/* The name without "_total" or "_info", which is that of the family in OpenMetrics. */
static void family_of(const Metric *metric, char ret_name[static 128]) {
        size_t size = strlen(metric->name);

        if (has_suffix(metric->name, "_total"))
                size -= strlen("_total");
        else if (has_suffix(metric->name, "_info"))
                size -= strlen("_info");
        ck_assert_uint_lt(size, 128);
        memcpy(ret_name, metric->name, size);
        ret_name[size] = '\0';
}

static size_t count_labels(const char *const labels[static 2]) {
        ck_assert_msg(labels[0] || !labels[1], "the second label is there and the first is not");
        return (labels[0] != NULL) + (labels[1] != NULL);
}

START_TEST(a_value_is_exposed_exactly_once)
{
        unsigned n = 0;

        if (!value_infos[_i].name)
                return;

        for (size_t i = 0; i < n_metric_catalogue; i++)
                for (const MetricSeries *series = metric_catalogue[i].series; series->id > 0; series++)
                        n += series->id == (ValueId)_i;

        ck_assert_msg(n == 1, "%s is exposed %u times", value_infos[_i].name, n);
}
END_TEST

START_TEST(a_metric_is_of_one_kind)
{
        const Metric *metric = &metric_catalogue[_i];

        ck_assert_int_eq((metric->series[0].id > 0) + (metric->of_sample != NULL) +
                                 (metric->rows.n_figures > 0) + (metric->of_collector != NULL),
                         metric->type == METRIC_INFO ? 0 : 1);
        ck_assert_msg(metric->series[METRIC_SERIES_MAX - 1].id == 0, "the series do not end");
        ck_assert_msg(!metric->source || metric->series[0].id == 0, "the source is told twice");
}
END_TEST

START_TEST(a_metric_that_only_rises_is_a_counter)
{
        const Metric *metric = &metric_catalogue[_i];

        for (const MetricSeries *series = metric->series; series->id > 0; series++)
                ck_assert_msg(value_infos[series->id].is_counter == (metric->type == METRIC_COUNTER),
                              "%s is not of the type of %s", value_infos[series->id].name, metric->name);
}
END_TEST

START_TEST(a_name_is_as_prometheus_wants_it)
{
        const Metric *metric = &metric_catalogue[_i];
        regex_t pattern;

        ck_assert_int_eq(regcomp(&pattern, "^(sockwatch|process)(_[a-z][a-z0-9]*)+$",
                                 REG_EXTENDED | REG_NOSUB),
                         0);
        ck_assert_msg(regexec(&pattern, metric->name, 0, NULL, 0) == 0, "%s", metric->name);
        regfree(&pattern);

        ck_assert_int_eq(has_suffix(metric->name, "_total"), metric->type == METRIC_COUNTER);
        ck_assert_int_eq(has_suffix(metric->name, "_info"), metric->type == METRIC_INFO);
}
END_TEST

/* Suffixes that a histogram, a summary or a creation time would have. */
static const char *const reserved_suffixes[] = {
        "_count", "_sum", "_bucket", "_created", "_gcount", "_gsum"
};

START_TEST(a_family_has_a_name_of_its_own)
{
        char family[128], other[128];

        family_of(&metric_catalogue[_i], family);
        for (size_t i = 0; i < ELEMENTSOF(reserved_suffixes); i++)
                ck_assert_msg(!has_suffix(family, reserved_suffixes[i]), "%s", family);

        for (size_t i = 0; i < n_metric_catalogue; i++) {
                family_of(&metric_catalogue[i], other);
                ck_assert_msg(i == (size_t)_i || strcmp(family, other) != 0, "%s", family);
        }
}
END_TEST

START_TEST(a_unit_is_the_last_word_of_the_family)
{
        static const char *const units[] = { "bytes", "seconds", "ratio" };
        const Metric *metric = &metric_catalogue[_i];
        const char *unit = NULL;
        char family[128];

        family_of(metric, family);
        for (size_t i = 0; i < ELEMENTSOF(units); i++)
                if (strcmp(strrchr(family, '_') + 1, units[i]) == 0)
                        unit = units[i];

        if (unit)
                ck_assert_pstr_eq(metric->unit, unit);
        else
                ck_assert_ptr_null(metric->unit);
        ck_assert_msg(metric->unit || metric->decimals == 0, "%s counts parts of things", metric->name);
}
END_TEST

START_TEST(a_help_is_a_sentence_that_needs_no_escaping)
{
        const Metric *metric = &metric_catalogue[_i];
        Text source = { 0 };

        ck_assert_msg(has_suffix(metric->help, "."), "%s", metric->help);
        if (metric_has_source(metric))
                metric_append_source(metric, &source);
        text_append_bytes(&source, "", 1);

        ck_assert_ptr_null(strpbrk(metric->help, "\\\"\n"));
        ck_assert_ptr_null(strpbrk(source.data, "\\\"\n"));
        ck_assert_msg(!metric_has_source(metric) || source.length > 1, "%s has an empty source",
                      metric->name);
        for (const char *at = metric->help; *at; at++)
                ck_assert_msg(*at >= ' ' && *at <= '~', "%s", metric->help);
        text_done(&source);
}
END_TEST

START_TEST(a_series_has_a_value_for_each_label)
{
        const Metric *metric = &metric_catalogue[_i];
        size_t n = count_labels(metric->labels);

        ck_assert_msg(metric->series[0].id > 0 || n == 0, "rows of tables have labels of their own");
        for (const MetricSeries *series = metric->series; series->id > 0; series++)
                ck_assert_uint_eq(count_labels(series->labels), n);
}
END_TEST

START_TEST(the_series_of_a_metric_differ)
{
        const Metric *metric = &metric_catalogue[_i];

        for (const MetricSeries *one = metric->series; one->id > 0; one++)
                for (const MetricSeries *other = metric->series; other < one; other++) {
                        bool is_same = true;

                        for (size_t i = 0; i < ELEMENTSOF(one->labels) && one->labels[i]; i++)
                                is_same &= strcmp(one->labels[i], other->labels[i]) == 0;
                        ck_assert_msg(!is_same, "%s tells %s and %s alike", metric->name,
                                      value_infos[one->id].name, value_infos[other->id].name);
                }
}
END_TEST

/* ---- rows ---- */

static size_t count_row_labels(TableId table) {
        size_t n = 0;

        while (n < METRIC_ROW_LABELS_MAX && metric_row_labels[table][n])
                n++;
        return n;
}

START_TEST(rows_of_a_table_are_told_apart_by_labels)
{
        size_t n = count_row_labels((TableId)_i);

        /* One more may come, and the exposition has room for that many. */
        ck_assert_uint_gt(n, 0);
        ck_assert_uint_lt(n, METRIC_ROW_LABELS_MAX);
        for (size_t i = 0; i < n; i++)
                for (size_t k = 0; k < i; k++)
                        ck_assert_str_ne(metric_row_labels[_i][i], metric_row_labels[_i][k]);
}
END_TEST

START_TEST(a_table_is_told_by_metrics)
{
        size_t n = 0;

        for (size_t i = 0; i < n_metric_catalogue; i++)
                n += metric_catalogue[i].rows.n_figures > 0 && metric_catalogue[i].rows.table == (TableId)_i;
        ck_assert_uint_gt(n, 0);
}
END_TEST

START_TEST(a_figure_is_a_field_of_its_row)
{
        const MetricRows *rows = &metric_catalogue[_i].rows;
        const RowLayout *layout = &table_infos[rows->table].layout;

        ck_assert_uint_le(rows->n_figures, METRIC_FIGURES_MAX);
        for (size_t i = 0; i < rows->n_figures; i++) {
                size_t field = rows->figures[i].field;

                if (rows->figures[i].of_row) {
                        ck_assert_uint_eq(field, 0);
                        continue;
                }
                ck_assert_uint_ge(field, layout->fields_offset);
                ck_assert_uint_lt(field, layout->row_size);
                ck_assert_uint_eq((field - layout->fields_offset) % sizeof(uint64_t), 0);
        }
}
END_TEST

START_TEST(figures_of_a_row_are_told_apart_by_a_label_of_their_own)
{
        const MetricRows *rows = &metric_catalogue[_i].rows;

        if (rows->n_figures == 0)
                return;

        ck_assert(collector_name(rows->collector));
        ck_assert_msg(metric_has_source(&metric_catalogue[_i]), "%s: where from?",
                      metric_catalogue[_i].name);
        ck_assert_msg(rows->label || rows->n_figures == 1, "two figures without a label");
        for (size_t i = 0; rows->label && i < count_row_labels(rows->table); i++)
                ck_assert_str_ne(rows->label, metric_row_labels[rows->table][i]);
        for (size_t i = 0; i < rows->n_figures; i++) {
                ck_assert_int_eq(rows->figures[i].label != NULL, rows->label != NULL);
                for (size_t k = 0; k < i; k++)
                        ck_assert_str_ne(rows->figures[i].label, rows->figures[k].label);
        }
}
END_TEST

/* A state is called the same in every metric: as it is everywhere else. */
START_TEST(states_are_told_under_their_names)
{
        const Metric *metric = &metric_catalogue[_i];
        const MetricRows *rows = &metric->rows;

        if (!rows->label || strcmp(rows->label, "state") != 0)
                return;

        for (size_t i = 0; i < rows->n_figures; i++) {
                const MetricFigure *figure = &rows->figures[i];
                size_t first = rows->table == TABLE_UNITS ? offsetof(UnitRow, states)
                                                          : offsetof(ListenerRow, states);
                size_t state = (figure->field - first) / sizeof(uint64_t);

                ck_assert_uint_lt(state, _STATES);
                ck_assert_str_eq(figure->label, state_names[state]);
                ck_assert_int_eq(figure->only_with == VALUE_TCP_BOUND_INACTIVE,
                                 state == STATE_BOUND_INACTIVE);
        }
}
END_TEST

/* What is exposed elsewhere of a connection in such a state. */
START_TEST(no_state_of_a_unit_is_left_out)
{
        for (size_t i = 0; i < n_metric_catalogue; i++)
                if (strcmp(metric_catalogue[i].name, "sockwatch_unit_tcp_sockets") == 0) {
                        ck_assert_uint_eq(metric_catalogue[i].rows.n_figures, _STATES);
                        return;
                }
        ck_abort_msg("no such metric");
}
END_TEST

static const struct {
        const char *name;
        const char *source; /* NULL: our own bookkeeping */
} sources[] = {
        { "sockwatch_tcp_segments_retransmitted_total", "net/snmp Tcp RetransSegs" },
        { "sockwatch_udp_receive_errors_total", "net/snmp Udp InErrors, net/snmp6 Udp6InErrors" },
        { "sockwatch_tcp_aborts_total",
          "net/netstat TcpExt TCPAbortOnData, TCPAbortOnClose, TCPAbortOnMemory, TCPAbortOnTimeout, "
          "TCPAbortOnLinger" },
        { "sockwatch_tcp_memory_limit_bytes", "sys/net/ipv4/tcp_mem low, pressure, max" },
        { "sockwatch_somaxconn", "sys/net/core/somaxconn" },
        { "sockwatch_listener_drops_total", "sock_diag SK_MEMINFO_DROPS" },
        { "sockwatch_listener_syn_queue_length", "sock_diag TCP_SYN_RECV" },
        { "sockwatch_unix_listener_accept_queue_limit", "unix_diag udiag_wqueue" },
        { "sockwatch_udp_socket_drops_total", "udp_diag SK_MEMINFO_DROPS" },
        { "sockwatch_unit_open_fds", "/proc/PID/fd" },
        { "sockwatch_samples_total", NULL },
        { "sockwatch_build_info", NULL },
        { "sockwatch_collector_success", NULL },
};

START_TEST(a_metric_tells_where_the_kernel_says_it)
{
        const Metric *metric = NULL;
        Text text = { 0 };

        for (size_t i = 0; i < n_metric_catalogue && !metric; i++)
                if (strcmp(metric_catalogue[i].name, sources[_i].name) == 0)
                        metric = &metric_catalogue[i];
        ck_assert_ptr_nonnull(metric);
        ck_assert_int_eq(metric_has_source(metric), sources[_i].source != NULL);
        if (!sources[_i].source)
                return;

        metric_append_source(metric, &text);
        text_append_bytes(&text, "", 1);
        ck_assert_str_eq(text.data, sources[_i].source);
        text_done(&text);
}
END_TEST

START_TEST(a_type_is_called_as_openmetrics_calls_it)
{
        ck_assert_str_eq(metric_type_name(METRIC_GAUGE), "gauge");
        ck_assert_str_eq(metric_type_name(METRIC_COUNTER), "counter");
        ck_assert_str_eq(metric_type_name(METRIC_INFO), "info");
}
END_TEST

int main(void) {
        Suite *suite = suite_create("catalogue");
        TCase *metrics = tcase_create("metrics"), *rows = tcase_create("rows"),
              *words = tcase_create("words");
        int n = (int)n_metric_catalogue;

        tcase_add_loop_test(metrics, a_value_is_exposed_exactly_once, 0, _VALUE_ROOM);
        tcase_add_loop_test(metrics, a_metric_is_of_one_kind, 0, n);
        tcase_add_loop_test(metrics, a_metric_that_only_rises_is_a_counter, 0, n);
        tcase_add_loop_test(metrics, a_name_is_as_prometheus_wants_it, 0, n);
        tcase_add_loop_test(metrics, a_family_has_a_name_of_its_own, 0, n);
        tcase_add_loop_test(metrics, a_unit_is_the_last_word_of_the_family, 0, n);
        tcase_add_loop_test(metrics, a_help_is_a_sentence_that_needs_no_escaping, 0, n);
        tcase_add_loop_test(metrics, a_series_has_a_value_for_each_label, 0, n);
        tcase_add_loop_test(metrics, the_series_of_a_metric_differ, 0, n);
        suite_add_tcase(suite, metrics);

        tcase_add_loop_test(rows, rows_of_a_table_are_told_apart_by_labels, 0, _TABLES);
        tcase_add_loop_test(rows, a_table_is_told_by_metrics, 0, _TABLES);
        tcase_add_loop_test(rows, a_figure_is_a_field_of_its_row, 0, n);
        tcase_add_loop_test(rows, figures_of_a_row_are_told_apart_by_a_label_of_their_own, 0, n);
        tcase_add_loop_test(rows, states_are_told_under_their_names, 0, n);
        tcase_add_test(rows, no_state_of_a_unit_is_left_out);
        suite_add_tcase(suite, rows);

        tcase_add_loop_test(words, a_metric_tells_where_the_kernel_says_it, 0, ELEMENTSOF(sources));
        tcase_add_test(words, a_type_is_called_as_openmetrics_calls_it);
        suite_add_tcase(suite, words);

        return suite_main_in_one_process(suite);
}
