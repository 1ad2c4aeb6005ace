/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The catalogue: every metric, declared once
 *
 * The exposition, the metrics reference and the tests all come from this list.
 * A metric is either a set of single values of a sample, or one figure of each
 * row of a table, or a figure of the sample as a whole.
 *
 * To add a metric: give what it needs a row in store/values.tbl, fill that in a
 * collector, and add an entry to catalogue.c.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "store/sample.h"

typedef enum MetricType {
        METRIC_GAUGE,
        METRIC_COUNTER,
        METRIC_INFO,
} MetricType;

/* "gauge" and so on, as OpenMetrics calls it. */
const char *metric_type_name(MetricType type);

/* One series of a metric that is made of single values. */
typedef struct MetricSeries {
        ValueId id;
        const char *labels[2]; /* values of the metric's labels; NULL where it has fewer */
} MetricSeries;

#define METRIC_SERIES_MAX 14

/* A figure of a row: a field as it is, or what a function makes of the row. */
typedef struct MetricFigure {
        const char *label; /* value of the metric's own label; NULL where it has none */
        size_t field;      /* offset of a 64-bit field in the row, unless: */
        bool (*of_row)(const void *row, uint64_t *ret); /* false: this row has none */
        ValueId only_with;                    /* a value without which this is no measurement; 0: none */
        bool (*is_measured)(const void *row); /* false: not of this row; NULL: it always is */
} MetricFigure;

#define METRIC_FIGURES_MAX 12

/* One metric of each row of a table; the rows' own labels come first. */
typedef struct MetricRows {
        TableId table;
        CollectorId collector; /* whose answer the figures are; nothing is shown if it failed */
        const char *label;     /* name of one more label; NULL: none, and one figure */
        size_t n_figures;      /* 0: the metric is not one of rows */
        MetricFigure figures[METRIC_FIGURES_MAX];
} MetricRows;

typedef struct Metric {
        const char *name; /* as it is exposed, "_total" and "_info" included */
        MetricType type;
        const char *unit;  /* "bytes", "seconds", "ratio", the name's last word; NULL: things are counted */
        const char *help;  /* ends in a period; no character that needs escaping */
        unsigned decimals; /* numbers are in units of 10^-decimals */
        const char
                *labels[2]; /* names; NULL where there are fewer. Those of rows are metric_row_labels(). */

        /* Exactly one of the following is set; METRIC_INFO has none. */
        MetricSeries series[METRIC_SERIES_MAX]; /* up to the first without an id */
        bool (*of_sample)(const Sample *sample, uint64_t *ret);
        MetricRows rows;
        bool (*of_collector)(const CollectorReport *report, uint64_t *ret);

        /* The kernel's name of it where no value tells. NULL otherwise. */
        const char *source;

        bool is_of_walks; /* what walks counted is in it, which neither its table nor its values tell */
} Metric;

extern const Metric metric_catalogue[];
extern const size_t n_metric_catalogue;

/* Names of the labels that rows of a table have, up to the first NULL. */
#define METRIC_ROW_LABELS_MAX 5
extern const char *const metric_row_labels[_TABLES][METRIC_ROW_LABELS_MAX];

/* Whether the kernel says it, under a name of its own. Else it is our own bookkeeping. */
bool metric_has_source(const Metric *metric);

/* Whether it was counted by a walk over all sockets, which does not come with every sample. */
bool metric_is_of_walks(const Metric *metric);

/* Appends where the kernel says it: "net/snmp Tcp RetransSegs". Only if metric_has_source(). */
void metric_append_source(const Metric *metric, Text *text);
