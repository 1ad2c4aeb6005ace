/* SPDX-License-Identifier: Apache-2.0 */

/* Telling UTF-8 from other bytes */

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static size_t utf8_length_by_first(unsigned char first) {
        if (first < 0x80)
                return 1;
        if (first >= 0xc2 && first <= 0xdf)
                return 2;
        if (first >= 0xe0 && first <= 0xef)
                return 3;
        if (first >= 0xf0 && first <= 0xf4)
                return 4;
        return 0;
}

size_t utf8_length(const char *string) {
        const unsigned char *at = (const unsigned char *)string;
        size_t n;

        assert(string);

        n = utf8_length_by_first(at[0]);
        for (size_t i = 1; i < n; i++)
                if ((at[i] & 0xc0) != 0x80)
                        return 0;

        /* Longer than need be, surrogates, beyond U+10FFFF. */
        if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
            (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
                return 0;

        return n;
}

static bool is_hex(char digit) {
        return (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f');
}

/* Whether a name has what a byte of 0x80 or more, or a backslash, is shown as. */
static bool looks_escaped(const char *at) {
        return at[0] == '\\' && at[1] == 'x' && is_hex(at[2]) && is_hex(at[3]) &&
               (at[2] >= '8' || (at[2] == '5' && at[3] == 'c'));
}

Utf8Piece utf8_show(const char *string) {
        size_t n = utf8_length(string);
        Utf8Piece piece = { .n_bytes = MAX(n, (size_t)1) };

        assert(string[0] != '\0');

        if (n == 0 || looks_escaped(string))
                (void)snprintf(piece.text, sizeof piece.text, "\\x%02x", (unsigned char)string[0]);
        else
                memcpy(piece.text, string, n);
        return piece;
}

void utf8_append(Text *text, const char *string) {
        while (*string) {
                Utf8Piece piece = utf8_show(string);

                text_append(text, piece.text);
                string += piece.n_bytes;
        }
}
