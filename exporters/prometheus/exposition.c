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

/* Up to two labels of one series. A label of no name ends them. */
typedef struct Labels {
        const char *names[2];
        const char *values[2];
} Labels;

const char *exposition_content_type(ExpositionFormat format) {
        static const char *const types[_EXPOSITION_FORMAT_MAX] = {
                [EXPOSITION_TEXT] = "text/plain; version=0.0.4; charset=utf-8",
                [EXPOSITION_OPENMETRICS] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
        };

        return types[format];
}

void exposition_append_escaped(Text *text, const char *value) {
        const char *at = value;

        while (*at) {
                size_t n = utf8_length(at);

                if (n == 0)
                        text_append(text, UTF8_REPLACEMENT);
                else if (*at == '\n')
                        text_append(text, "\\n");
                else if (*at == '\\' || *at == '"') {
                        text_append(text, "\\");
                        text_append_bytes(text, at, 1);
                } else
                        text_append_bytes(text, at, n);

                at += MAX(n, (size_t)1);
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

        exposition_begin_series(exposition, metric);
        text_append(text, metric->name);

        for (size_t i = 0; i < ELEMENTSOF(labels->names) && labels->names[i]; i++) {
                text_append(text, i == 0 ? "{" : ",");
                text_append(text, labels->names[i]);
                text_append(text, "=\"");
                exposition_append_escaped(text, labels->values[i]);
                text_append(text, "\"");
        }
        text_append(text, labels->names[0] ? "} " : " ");

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

static void exposition_append_listeners(Exposition *exposition, const Metric *metric) {
        const Sample *sample = exposition->sample;

        for (uint32_t i = 0; i < sample->n_listeners; i++) {
                const ListenerRow *row = &sample->listeners[i];
                char address[LISTENER_ADDRESS_SIZE], port[8];
                Labels labels = { .names = { "address", "port" }, .values = { address, port } };
                uint64_t number;

                if (!metric->of_listener(row, &number))
                        continue;

                listener_format_address(&row->key, address);
                (void)snprintf(port, sizeof port, "%u", listener_port(&row->key));
                exposition_append_series(exposition, metric, &labels, number);
        }
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
        else if (metric->of_listener)
                exposition_append_listeners(exposition, metric);
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
