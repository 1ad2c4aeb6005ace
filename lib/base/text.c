/* SPDX-License-Identifier: Apache-2.0 */

/* A text that grows */

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define TEXT_SIZE_FIRST 4096

/* Makes room for n bytes more. False once an allocation has failed. */
static bool text_reserve(Text *text, size_t n) {
        size_t size = text->size > 0 ? text->size : TEXT_SIZE_FIRST;
        char *data;

        if (text->error < 0)
                return false;
        if (n <= text->size - text->length)
                return true;

        while (size - text->length < n)
                if (__builtin_mul_overflow(size, 2, &size)) {
                        text->error = -ENOMEM;
                        return false;
                }

        data = realloc(text->data, size);
        if (!data) {
                text->error = -ENOMEM;
                return false;
        }

        text->data = data;
        text->size = size;
        return true;
}

void text_append_bytes(Text *text, const char *bytes, size_t n) {
        assert(text);
        assert(bytes || n == 0);

        if (n == 0 || !text_reserve(text, n))
                return;

        memcpy(text->data + text->length, bytes, n);
        text->length += n;
}

void text_append(Text *text, const char *string) {
        text_append_bytes(text, string, strlen(string));
}

void text_append_u64(Text *text, uint64_t number) {
        char digits[20];
        size_t at = sizeof digits;

        do
                digits[--at] = (char)('0' + number % 10);
        while (number /= 10);

        text_append_bytes(text, digits + at, sizeof digits - at);
}

void text_append_fixed(Text *text, uint64_t number, unsigned decimals) {
        uint64_t scale = 1;
        char digits[20];

        assert(decimals < sizeof digits);

        for (unsigned i = 0; i < decimals; i++)
                scale *= 10;

        text_append_u64(text, number / scale);
        number %= scale;
        if (number == 0)
                return;

        for (unsigned i = decimals; i > 0; i--) {
                digits[i - 1] = (char)('0' + number % 10);
                number /= 10;
        }
        while (digits[decimals - 1] == '0')
                decimals--;

        text_append_bytes(text, ".", 1);
        text_append_bytes(text, digits, decimals);
}

void text_appendf(Text *text, const char *format, ...) {
        char line[512];
        va_list arguments;
        int n;

        va_start(arguments, format);
        n = vsnprintf(line, sizeof line, format, arguments);
        va_end(arguments);
        assert(n >= 0 && (size_t)n < sizeof line);

        text_append_bytes(text, line, (size_t)n);
}

void text_clear(Text *text) {
        text->length = 0;
        text->error = 0;
}

int text_error(const Text *text) {
        return text->error;
}

void text_done(Text *text) {
        free(text->data);
        *text = (Text){ 0 };
}
