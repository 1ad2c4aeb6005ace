/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Strict parsing of numbers
 *
 * All of the text is the number: no blanks around it, no sign where none is
 * allowed, no second base, no trailing garbage, no silent saturation. Nothing
 * depends on the locale. The text need not be NUL-terminated.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/macro.h"

/**
 * number_parse_u64() - a decimal number of 0 to 2^64-1
 *
 * Return: 0, or -EINVAL if @text is not a number, or -ERANGE if it is too large.
 */
_warn_unused_ int number_parse_u64(const char *text, size_t size, uint64_t *ret);

/**
 * number_parse_size() - an amount of bytes: "65536", "64KiB", "16MiB", "1GiB"
 *
 * Return: 0, -EINVAL or -ERANGE as above.
 */
_warn_unused_ int number_parse_size(const char *text, size_t size, uint64_t *ret);

/**
 * number_parse_duration() - a time span: "250ms", "1s", "1.5s", "10m", "1h"
 *
 * A unit is required and at most six decimals are taken.
 *
 * Return: 0, -EINVAL or -ERANGE as above.
 */
_warn_unused_ int number_parse_duration(const char *text, size_t size, usec_t *ret);

/**
 * number_parse_percent() - a share of a whole: "1%", "0.25%", "100%"; more is a number too
 * @ret:        in millionths of the whole
 *
 * The sign is required and at most four decimals are taken.
 *
 * Return: 0, -EINVAL or -ERANGE as above.
 */
_warn_unused_ int number_parse_percent(const char *text, size_t size, uint64_t *ret);
