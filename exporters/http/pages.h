/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The pages of /metrics: rendered once per sample and format, shared by all
 *
 * A page is counted by its references: one of Pages, while it is that of the
 * newest sample, and one of each answer that is still being sent. All on the
 * thread of the loop.
 */

#include "base/text.h"
#include "exporters/prometheus/exposition.h"

typedef struct Page {
        unsigned n_references;
        Text text;
} Page;

/* NULL is fine. Returns NULL. */
Page *page_unref(Page *page);

typedef struct Pages {
        const Sample *sample; /* borrowed; NULL before the first */
        Page *pages[_EXPOSITION_FORMAT_MAX];
} Pages;

/* From now on pages are of this sample, which is borrowed until the next call. */
void pages_publish(Pages *pages, const Sample *sample);

/**
 * pages_take() - the newest sample in a format
 *
 * There must be one.
 *
 * Return: a reference, for page_unref(); NULL without memory.
 */
Page *pages_take(Pages *pages, ExpositionFormat format);

/* Lets go of all pages and the sample. May be called twice. */
void pages_done(Pages *pages);
