/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A sample as text that Prometheus reads
 *
 * Metric by metric, in the order of the catalogue. The head of a metric is
 * written with its first series, so a metric that has none does not appear.
 *
 * The two formats differ in the heads (OpenMetrics names a counter and an info
 * without their suffix, and has units) and in the last line.
 */

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "exporters/prometheus/catalogue.h"
#include "exporters/prometheus/exposition.h"

typedef struct Exposition {
        const Sample *sample;
        ExpositionFormat format;
        Text *text;
        bool has_head; /* of the metric that is being written */
} Exposition;

/* Labels of one series. One of no name ends them; one of an empty value is as good as none and is left out.
 */
typedef struct Labels {
        const char *names[METRIC_ROW_LABELS_MAX];
        const char *values[METRIC_ROW_LABELS_MAX];
} Labels;

const char *exposition_content_type(ExpositionFormat format) {
        static const char *const types[_EXPOSITION_FORMAT_MAX] = {
                [EXPOSITION_TEXT] = "text/plain; version=0.0.4; charset=utf-8",
                [EXPOSITION_OPENMETRICS] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
        };

        return types[format];
}

void exposition_append_escaped(Text *text, const char *value) {
        while (*value) {
                Utf8Piece piece = utf8_show(value);

                if (piece.text[0] == '\n')
                        text_append(text, "\\n");
                else {
                        if (piece.text[0] == '\\' || piece.text[0] == '"')
                                text_append(text, "\\");
                        text_append(text, piece.text);
                }
                value += piece.n_bytes;
        }
}

/* The name without "_total" or "_info", which OpenMetrics adds to each series by the type. */
static size_t exposition_family_size(const Exposition *exposition, const Metric *metric) {
        const char *suffix = metric->type == METRIC_COUNTER ? "_total"
                             : metric->type == METRIC_INFO  ? "_info"
                                                            : "";
        size_t size = strlen(metric->name);

        return exposition->format == EXPOSITION_OPENMETRICS ? size - strlen(suffix) : size;
}

static void exposition_append_head(Exposition *exposition, const Metric *metric, const char *keyword) {
        Text *text = exposition->text;

        text_append(text, "# ");
        text_append(text, keyword);
        text_append(text, " ");
        text_append_bytes(text, metric->name, exposition_family_size(exposition, metric));
        text_append(text, " ");
}

static void exposition_append_help(Exposition *exposition, const Metric *metric) {
        Text *text = exposition->text;

        exposition_append_head(exposition, metric, "HELP");
        text_append(text, metric->help);
        if (metric_is_of_walks(metric))
                text_append(text, " Counted by walks.");
        if (metric_has_source(metric)) {
                text_append(text, " Kernel: ");
                metric_append_source(metric, text);
                text_append(text, ".");
        }
        text_append(text, "\n");
}

static void exposition_append_type(Exposition *exposition, const Metric *metric) {
        MetricType type = metric->type;

        /* The older format does not have this type, and calls it a gauge. */
        if (type == METRIC_INFO && exposition->format == EXPOSITION_TEXT)
                type = METRIC_GAUGE;

        exposition_append_head(exposition, metric, "TYPE");
        text_append(exposition->text, metric_type_name(type));
        text_append(exposition->text, "\n");
}

static void exposition_begin_series(Exposition *exposition, const Metric *metric) {
        if (exposition->has_head)
                return;

        exposition->has_head = true;
        if (exposition->format == EXPOSITION_TEXT) {
                exposition_append_help(exposition, metric);
                exposition_append_type(exposition, metric);
                return;
        }

        exposition_append_type(exposition, metric);
        if (metric->unit) {
                exposition_append_head(exposition, metric, "UNIT");
                text_append(exposition->text, metric->unit);
                text_append(exposition->text, "\n");
        }
        exposition_append_help(exposition, metric);
}

static void exposition_append_series(Exposition *exposition,
                                     const Metric *metric,
                                     const Labels *labels,
                                     uint64_t number) {
        Text *text = exposition->text;
        size_t n = 0;

        exposition_begin_series(exposition, metric);
        text_append(text, metric->name);

        for (size_t i = 0; i < ELEMENTSOF(labels->names) && labels->names[i]; i++) {
                if (labels->values[i][0] == '\0')
                        continue;
                text_append(text, n++ == 0 ? "{" : ",");
                text_append(text, labels->names[i]);
                text_append(text, "=\"");
                exposition_append_escaped(text, labels->values[i]);
                text_append(text, "\"");
        }
        text_append(text, n > 0 ? "} " : " ");

        text_append_fixed(text, number, metric->decimals);
        text_append(text, "\n");
}

static void exposition_append_values(Exposition *exposition, const Metric *metric) {
        for (const MetricSeries *series = metric->series; series->id > 0; series++) {
                Labels labels = {
                        .names = { metric->labels[0], metric->labels[1] },
                        .values = { series->labels[0], series->labels[1] },
                };

                if (sample_has(exposition->sample, series->id))
                        exposition_append_series(exposition, metric, &labels,
                                                 exposition->sample->values[series->id]);
        }
}

/* What the labels of a row are made of; it has to outlive them. */
typedef struct RowTexts {
        char address[ENDPOINT_ADDRESS_SIZE];
        char port[ENDPOINT_PORT_SIZE];
        char name[ENDPOINT_NAME_SIZE];
} RowTexts;

/* In the order of metric_row_labels. Returns how many there are. */
static size_t
exposition_set_row_values(TableId table, const void *row, RowTexts *texts, const char **values) {
        const UnixListenerKey *unix_listener = row;
        const ListenerKey *listener = row;
        const ProcessKey *process = row;
        const UnitKey *unit = row;

        switch (table) {
        case TABLE_LISTENERS:
        case TABLE_UDP_SOCKETS:
                endpoint_format_address(&listener->endpoint, texts->address);
                endpoint_format_port(&listener->endpoint, texts->port);
                values[0] = texts->address;
                values[1] = texts->port;
                values[2] = listener->unit;
                values[3] = listener->process;
                return 4;
        case TABLE_UNIX_LISTENERS:
                values[0] = unix_listener->path;
                values[1] = unix_listener->unit;
                values[2] = unix_listener->process;
                return 3;
        case TABLE_UNITS:
                values[0] = unit->unit;
                return 1;
        case TABLE_PROCESSES:
                values[0] = process->process;
                values[1] = process->unit;
                return 2;
        case TABLE_DESTINATIONS:
                endpoint_format_name(row, texts->name);
                values[0] = texts->name;
                return 1;
        default:
                return 0;
        }
}

static bool exposition_get_figure(const MetricFigure *figure, const void *row, uint64_t *ret) {
        if (figure->of_row)
                return figure->of_row(row, ret);

        memcpy(ret, (const char *)row + figure->field, sizeof *ret);
        return true;
}

static void exposition_append_row(Exposition *exposition, const Metric *metric, const void *row) {
        const MetricRows *rows = &metric->rows;
        Labels labels = { 0 };
        RowTexts texts;
        size_t n;

        n = exposition_set_row_values(rows->table, row, &texts, labels.values);
        memcpy(labels.names, metric_row_labels[rows->table], sizeof labels.names);
        if (rows->label)
                labels.names[n] = rows->label;

        for (size_t i = 0; i < rows->n_figures; i++) {
                const MetricFigure *figure = &rows->figures[i];
                uint64_t number;

                if (figure->only_with > 0 && !sample_has(exposition->sample, figure->only_with))
                        continue;
                if (figure->is_measured && !figure->is_measured(row))
                        continue;
                if (!exposition_get_figure(figure, row, &number))
                        continue;
                if (rows->label)
                        labels.values[n] = figure->label;
                exposition_append_series(exposition, metric, &labels, number);
        }
}

static void exposition_append_rows(Exposition *exposition, const Metric *metric) {
        const MetricRows *rows = &metric->rows;
        const CollectorReport *report = &exposition->sample->reports[rows->collector];

        /* Rows may be there for another collector's sake: its own part of them could not be measured. */
        if (!report->is_present || report->error < 0)
                return;

        for (uint32_t i = 0; i < sample_count_rows(exposition->sample, rows->table); i++)
                exposition_append_row(exposition, metric,
                                      sample_get_row(exposition->sample, rows->table, i));
}

static void exposition_append_collectors(Exposition *exposition, const Metric *metric) {
        for (unsigned id = 0; id < _COLLECTOR_ROOM; id++) {
                const CollectorReport *report = &exposition->sample->reports[id];
                Labels labels = { .names = { "collector" }, .values = { collector_name(id) } };
                uint64_t number;

                if (report->is_present && labels.values[0] && metric->of_collector(report, &number))
                        exposition_append_series(exposition, metric, &labels, number);
        }
}

static void exposition_append_metric(Exposition *exposition, const Metric *metric) {
        static const Labels none, build = { .names = { "version" }, .values = { SOCKWATCH_VERSION } };
        uint64_t number;

        exposition->has_head = false;

        if (metric->type == METRIC_INFO)
                exposition_append_series(exposition, metric, &build, 1);
        else if (metric->rows.n_figures > 0)
                exposition_append_rows(exposition, metric);
        else if (metric->of_collector)
                exposition_append_collectors(exposition, metric);
        else if (metric->of_sample) {
                if (metric->of_sample(exposition->sample, &number))
                        exposition_append_series(exposition, metric, &none, number);
        } else
                exposition_append_values(exposition, metric);
}

void exposition_render(const Sample *sample, ExpositionFormat format, Text *text) {
        Exposition exposition = { .sample = sample, .format = format, .text = text };

        assert(sample);
        assert(format < _EXPOSITION_FORMAT_MAX);
        assert(text);

        for (size_t i = 0; i < n_metric_catalogue; i++)
                exposition_append_metric(&exposition, &metric_catalogue[i]);

        if (format == EXPOSITION_OPENMETRICS)
                text_append(text, "# EOF\n");
}
