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
                                 (metric->of_listener != NULL) + (metric->of_collector != NULL),
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

        ck_assert_msg(metric->series[0].id > 0 || n == 0, "rows of tables have their own labels");
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
        TCase *metrics = tcase_create("metrics"), *words = tcase_create("words");
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

        tcase_add_loop_test(words, a_metric_tells_where_the_kernel_says_it, 0, ELEMENTSOF(sources));
        tcase_add_test(words, a_type_is_called_as_openmetrics_calls_it);
        suite_add_tcase(suite, words);

        return suite_main(suite);
}
