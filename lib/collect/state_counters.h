/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the kernel counts of TCP states by itself: from a sample, or read now */

#include "collect/between_walks.h"
#include "kernel/sources.h"
#include "store/sample.h"

/* Return: false if the sample does not have all of it. */
bool state_counters_take(const Sample *sample, StateCounters *ret);

/* Return: 0, -EBADMSG if a file is malformed or does not have all of it, or as file_read_at(). */
_warn_unused_ int state_counters_read(const Sources *sources, StateCounters *ret);
