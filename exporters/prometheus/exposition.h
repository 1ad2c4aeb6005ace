/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A sample as text that Prometheus reads
 *
 * Text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats) and
 * OpenMetrics 1.0.0 (prometheus.io/docs/specs/om/open_metrics_spec). Pure: the
 * same sample gives the same text. Nothing is timestamped; when it was taken is
 * a metric.
 */

#include "base/text.h"
#include "store/sample.h"

typedef enum ExpositionFormat {
        EXPOSITION_TEXT,
        EXPOSITION_OPENMETRICS,
        _EXPOSITION_FORMAT_MAX,
} ExpositionFormat;

/* Value of the Content-Type header. */
const char *exposition_content_type(ExpositionFormat format);

/* Appends all metrics of the sample. Whether memory sufficed, text_error() tells. */
void exposition_render(const Sample *sample, ExpositionFormat format, Text *text);

/**
 * exposition_append_escaped() - a label value, without its quotes
 *
 * Escapes backslash, quote and line feed. Bytes that are not UTF-8, for which
 * Prometheus would refuse the whole scrape, are shown as base/utf8.h says: two
 * values are never the same label.
 */
void exposition_append_escaped(Text *text, const char *value);
