/* SPDX-License-Identifier: Apache-2.0 */

/* Names that others chose, on a terminal */

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"
#include "cli/printable.h"

void printable_make(char *text) {
        while (*text) {
                size_t n = utf8_length(text);
                bool is_c1 = n == 2 && (unsigned char)text[0] == 0xc2 && (unsigned char)text[1] < 0xa0;

                if (n == 0 || is_c1 || (unsigned char)*text < ' ' || *text == 0x7f)
                        memset(text, '?', n > 0 ? n : 1);
                text += n > 0 ? n : 1;
        }
}

void printable_write_line(FILE *file, const char *format, ...) {
        char text[1024];
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(text, sizeof text, format, arguments);
        va_end(arguments);

        printable_make(text);
        (void)fprintf(file, "%s\n", text);
}
