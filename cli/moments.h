/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Points in time, as people write and read them
 */

#include "base/clock.h"
#include "base/macro.h"

/**
 * moment_parse() - text to CLOCK_REALTIME
 * @now_usec:   what "ago" is taken from
 *
 * "90s", "10m", "1h", "3d": that long ago; "now"; "14:05" or "14:05:30": today, in
 * local time; "2026-11-22 14:05:30" or "2026-11-22T14:05:30": local time;
 * "@1795000000": seconds since 1970.
 *
 * Return: 0, or -EINVAL if @text is none of these.
 */
_warn_unused_ int moment_parse(const char *text, usec_t now_usec, usec_t *ret);

/* "2026-11-22 14:05:30", local time. */
#define MOMENT_SIZE 32
void moment_format(usec_t usec, char ret_text[static MOMENT_SIZE]);
