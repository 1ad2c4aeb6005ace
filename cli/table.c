/* SPDX-License-Identifier: Apache-2.0 */

/* Tables that fit the terminal, by libsmartcols */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "cli/table.h"

struct libscols_table *table_new(const TableColumn *columns, size_t n_columns) {
        struct libscols_table *table;

        table = scols_new_table();
        if (!table)
                return NULL;

        /* It would write the backslash of "a\x2db.service" as "\x5c". */
        (void)scols_table_enable_noencoding(table, 1);
        for (size_t i = 0; i < n_columns; i++)
                if (!scols_table_new_column(table, columns[i].name, 0,
                                            columns[i].is_number ? SCOLS_FL_RIGHT : 0)) {
                        scols_unref_table(table);
                        return NULL;
                }

        return table;
}

/* Puts "?" for what is no text, or would be a command to the terminal (C0, C1 and DEL): names that others
 * chose are shown here. */
static void table_make_printable(char *text) {
        while (*text) {
                size_t n = utf8_length(text);
                bool is_c1 = n == 2 && (unsigned char)text[0] == 0xc2 && (unsigned char)text[1] < 0xa0;

                if (n == 0 || is_c1 || (unsigned char)*text < ' ' || *text == 0x7f)
                        memset(text, '?', n > 0 ? n : 1);
                text += n > 0 ? n : 1;
        }
}

void table_set(struct libscols_line *line, size_t column, const char *format, ...) {
        char text[128];
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(text, sizeof text, format, arguments);
        va_end(arguments);
        table_make_printable(text);
        (void)scols_line_set_data(line, column, text);
}

void table_set_value(struct libscols_line *line, size_t column, const Sample *sample, ValueId id) {
        if (sample_has(sample, id))
                table_set(line, column, "%" PRIu64, sample->values[id]);
        else
                table_set(line, column, "-");
}
