/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a sample means for the log and for `systemctl status`
 *
 * Collectors never log. What they reported is told here, when it changes: the
 * first failure, another kind of failure, the recovery.
 */

#include <stddef.h>

#include "store/sample.h"

/* Logs how the collectors' reports differ from those of the sample before; NULL: there is none. */
void narrator_tell_changes(const Sample *before, const Sample *sample);

/* A line of vital numbers. */
void narrator_format_status(const Sample *sample, char *ret_text, size_t size);
