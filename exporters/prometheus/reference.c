/* SPDX-License-Identifier: Apache-2.0 */

/* The metrics reference: the catalogue as a page for people */

#include <string.h>

#include "exporters/prometheus/catalogue.h"
#include "exporters/prometheus/reference.h"

static const char reference_head[] =
        "<!-- SPDX-License-Identifier: Apache-2.0 -->\n"
        "<!-- Written from exporters/prometheus/catalogue.c: GOLDEN_UPDATE=1 ./dev check reference -->\n"
        "\n"
        "# Metrics\n"
        "\n"
        "All metrics of `/metrics`, in its order. A gauge may fall, a counter only rises until sockwatchd "
        "or the\n"
        "host is started anew. What could not be measured is absent; 0 is a measurement.\n"
        "\n"
        "sockwatchd takes samples by itself, once a second by default, and a scrape gets the newest:\n"
        "`sockwatch_last_sample_timestamp_seconds` tells when that was, and\n"
        "`sockwatch_collector_last_success_timestamp_seconds` when each part of it was true.\n"
        "\n"
        "What is *of walks* is counted by walking over all TCP sockets, which a host with many of them does "
        "not "
        "do\n"
        "with every sample: `sockwatch_tcp_counted_timestamp_seconds` tells when that was true. What is\n"
        "*of processes* is of some of them in each sample, and of thousands within a minute:\n"
        "`sockwatch_processes_counted_timestamp_seconds` tells how old the oldest is.\n"
        "\n"
        "Tables have a most of rows, set in the configuration file; the rest is added up in one row, whose\n"
        "labels say `other`, and `sockwatch_folded_rows` tells how many that are. `unit` is a systemd unit, "
        "a\n"
        "container (`docker/0123456789ab`, `pod/UID/0123456789ab`) or the path of any other cgroup; what "
        "belongs to\n"
        "no unit that could be found is `unattributed`. `process` is there where it may be looked at.\n"
        "\n"
        "| metric | type | labels | what it says | of | where from |\n"
        "|---|---|---|---|---|---|\n";

static void reference_append_label(Text *text, const char *name, size_t *n) {
        text_append(text, (*n)++ > 0 ? ", `" : "`");
        text_append(text, name);
        text_append(text, "`");
}

/* The values of a label that has the same ones always. */
static void reference_append_values(Text *text, const char *const *values, size_t n) {
        text_append(text, " (");
        for (size_t i = 0; i < n; i++) {
                bool is_repeated = false;

                for (size_t k = 0; k < i; k++)
                        is_repeated |= strcmp(values[k], values[i]) == 0;
                if (is_repeated)
                        continue;
                text_append(text, i > 0 ? ", " : "");
                text_append(text, values[i]);
        }
        text_append(text, ")");
}

static void reference_append_row_labels(Text *text, const MetricRows *rows) {
        const char *values[METRIC_FIGURES_MAX];
        size_t n = 0;

        for (size_t i = 0; i < METRIC_ROW_LABELS_MAX && metric_row_labels[rows->table][i]; i++)
                reference_append_label(text, metric_row_labels[rows->table][i], &n);
        if (!rows->label)
                return;

        reference_append_label(text, rows->label, &n);
        for (size_t i = 0; i < rows->n_figures; i++)
                values[i] = rows->figures[i].label;
        reference_append_values(text, values, rows->n_figures);
}

static void reference_append_series_labels(Text *text, const Metric *metric) {
        const char *values[METRIC_SERIES_MAX];
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(metric->labels) && metric->labels[i]; i++) {
                size_t n_values = 0;

                for (const MetricSeries *series = metric->series; series->id > 0; series++)
                        values[n_values++] = series->labels[i];
                reference_append_label(text, metric->labels[i], &n);
                reference_append_values(text, values, n_values);
        }
}

static void reference_append_labels(Text *text, const Metric *metric) {
        size_t n = 0;

        if (metric->type == METRIC_INFO)
                reference_append_label(text, "version", &n);
        else if (metric->of_collector)
                reference_append_label(text, "collector", &n);
        else if (metric->rows.n_figures > 0)
                reference_append_row_labels(text, &metric->rows);
        else
                reference_append_series_labels(text, metric);
}

static const char *reference_of(const Metric *metric) {
        if (metric_is_of_walks(metric))
                return " | walks | ";

        return metric->rows.n_figures > 0 && metric->rows.collector == COLLECTOR_PROCESSES
                       ? " | processes | "
                       : " | each sample | ";
}

void reference_render(Text *text) {
        text_append(text, reference_head);

        for (size_t i = 0; i < n_metric_catalogue; i++) {
                const Metric *metric = &metric_catalogue[i];

                text_append(text, "| `");
                text_append(text, metric->name);
                text_append(text, "` | ");
                text_append(text, metric_type_name(metric->type));
                text_append(text, " | ");
                reference_append_labels(text, metric);
                text_append(text, " | ");
                text_append(text, metric->help);
                text_append(text, reference_of(metric));
                if (metric_has_source(metric))
                        metric_append_source(metric, text);
                else
                        text_append(text, "sockwatch");
                text_append(text, " |\n");
        }
}
