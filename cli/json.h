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

/* Writes one object. Return: 0, -ENOMEM, or -EIO. */
_warn_unused_ int json_write_sample(const Sample *sample, FILE *file);
