/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is to be said of a sample above its tables: what is wrong first, what is
 * always so last
 *
 * One line each, so that a person sees all of it and a script finds each.
 */

#include <stdio.h>

#include "store/sample.h"

/* What the tables below show, and so which ages are of interest. */
typedef enum RemarksView {
        REMARKS_STATUS,
        REMARKS_STATES,
        REMARKS_LISTENERS,
        REMARKS_UNITS,
        _REMARKS_VIEWS,
} RemarksView;

void remarks_write(const Sample *sample, RemarksView view, FILE *file);
