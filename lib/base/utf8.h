/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Telling UTF-8 from other bytes
 *
 * Names that the kernel hands out (interfaces, commands, paths) are bytes. What
 * is shown of them, to Prometheus or as JSON, has to be UTF-8, and two names must
 * not look the same: they would be one series, twice. So a byte that is not UTF-8
 * is shown as systemd writes one, "\xff". A backslash is shown as it is, as the names
 * of units are full of them ("a\x2db.service"), unless it would look like the begin
 * of such a byte, or of itself: then it is "\x5c".
 */

#include <stddef.h>

#include "base/text.h"

/* Length in bytes of the character at the start of a NUL-terminated string, 0 if it is not UTF-8 (RFC 3629).
 */
size_t utf8_length(const char *string);

/* What is shown of the begin of a name. */
typedef struct Utf8Piece {
        size_t n_bytes; /* of the name, that it stands for; at least 1 */
        char text[5];
} Utf8Piece;

/* @string: not empty */
Utf8Piece utf8_show(const char *string);

/* Appends what is shown of all of it. */
void utf8_append(Text *text, const char *string);
