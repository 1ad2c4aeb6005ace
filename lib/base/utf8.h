/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Telling UTF-8 from other bytes
 *
 * Names that the kernel hands out (interfaces, commands, paths) are bytes. What
 * is shown of them, to Prometheus or as JSON, has to be UTF-8.
 */

#include <stddef.h>

#include "base/text.h"

/* What stands in for a byte that is not UTF-8: U+FFFD. */
#define UTF8_REPLACEMENT "\xef\xbf\xbd"

/* Length in bytes of the character at the start of a NUL-terminated string, 0 if it is not UTF-8 (RFC 3629).
 */
size_t utf8_length(const char *string);

/* Appends a string, each byte that is not UTF-8 replaced. */
void utf8_append(Text *text, const char *string);
