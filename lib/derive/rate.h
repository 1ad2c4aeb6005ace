/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How fast a counter rose between two samples
 *
 * Pure. Intervals are taken from CLOCK_BOOTTIME.
 */

#include "base/macro.h"
#include "store/sample.h"

/**
 * rate_per_sec() - rise of a counter per second
 * @older, @newer: two samples of one host, in this order
 *
 * A counter that went backwards was reset: what it shows now is what it rose.
 *
 * Return: 0, or -ENODATA if one of the samples does not have the value, or no
 * time passed between them on this clock (the host was started anew).
 */
_warn_unused_ int rate_per_sec(const Sample *older, const Sample *newer, ValueId id, double *ret);
