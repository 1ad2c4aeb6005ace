/* SPDX-License-Identifier: Apache-2.0 */

/* The pages of /metrics: rendered once per sample and format, shared by all */

#include <assert.h>

#include "exporters/http/pages.h"

Page *page_unref(Page *page) {
        if (page && --page->n_references == 0) {
                text_done(&page->text);
                free(page);
        }

        return NULL;
}

void pages_done(Pages *pages) {
        assert(pages);

        for (size_t i = 0; i < ELEMENTSOF(pages->pages); i++)
                pages->pages[i] = page_unref(pages->pages[i]);
        pages->sample = NULL;
}

void pages_publish(Pages *pages, const Sample *sample) {
        assert(sample);

        pages_done(pages);
        pages->sample = sample;
}

Page *pages_take(Pages *pages, ExpositionFormat format) {
        Page *page;

        assert(pages && pages->sample);
        assert(format < _EXPOSITION_FORMAT_MAX);

        page = pages->pages[format];
        if (!page) {
                page = calloc(1, sizeof *page);
                if (!page)
                        return NULL;

                page->n_references = 1;
                exposition_render(pages->sample, format, &page->text);
                if (text_error(&page->text) < 0)
                        return page_unref(page);
                pages->pages[format] = page;
        }

        page->n_references++;
        return page;
}
