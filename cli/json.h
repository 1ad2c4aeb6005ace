/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A sample as JSON, for scripts
 *
 * Numbers are the kernel's, in the units of store/values.tbl, whose ids in lower
 * case are the names. What could not be measured is not there.
 */

#include <stdio.h>

#include "base/macro.h"
#include "store/sample.h"

/* What of a sample is wanted; its number, its time, the collectors' reports and when walks counted always
 * are. */
typedef enum JsonParts {
        JSON_VALUES = 1 << 0,
        JSON_LISTENERS = 1 << 1, /* TCP, UNIX and UDP */
        JSON_UNITS = 1 << 2,     /* and processes */
        JSON_DESTINATIONS = 1 << 3,
        JSON_ALL = 0xf,
} JsonParts;

/* Writes one object. Return: 0, -ENOMEM, or -EIO. */
_warn_unused_ int json_write_sample(const Sample *sample, JsonParts parts, FILE *file);

/* Writes that and a line feed to stdout. */
_warn_unused_ int json_write_line(const Sample *sample, JsonParts parts);
