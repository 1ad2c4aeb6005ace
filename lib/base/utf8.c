/* SPDX-License-Identifier: Apache-2.0 */

/* Telling UTF-8 from other bytes */

#include <assert.h>

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

void utf8_append(Text *text, const char *string) {
        while (*string) {
                size_t n = utf8_length(string);

                if (n > 0)
                        text_append_bytes(text, string, n);
                else
                        text_append(text, UTF8_REPLACEMENT);
                string += MAX(n, (size_t)1);
        }
}
