/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A text that grows
 *
 * Appending cannot fail at the call: the first failed allocation is remembered
 * and text_error() tells it at the end, so that rendering code reads as a list
 * of what it writes. Zero-initialised is empty.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

typedef struct Text {
        char *data; /* not NUL-terminated; NULL while nothing was appended */
        size_t length;
        size_t size;
        int error; /* 0 or -ENOMEM; nothing is appended once it is set */
} Text;

void text_append(Text *text, const char *string);
void text_append_bytes(Text *text, const char *bytes, size_t n);
void text_append_u64(Text *text, uint64_t number);
void text_appendf(Text *text, const char *format, ...) _printf_(2, 3);

/**
 * text_append_fixed() - a number with a fixed count of decimals
 *
 * Writes @number / 10^@decimals exactly, without the zeros at its end:
 * (1500000, 6) is "1.5" and (2000, 3) is "2". Never depends on the locale.
 */
void text_append_fixed(Text *text, uint64_t number, unsigned decimals);

/* Forgets the content and any error, keeps the memory. */
void text_clear(Text *text);

/* 0, or -ENOMEM if anything that was appended is missing. */
_warn_unused_ int text_error(const Text *text);

/* Frees the content. May be called twice. */
void text_done(Text *text);
