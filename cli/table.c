/* SPDX-License-Identifier: Apache-2.0 */

/* Tables that fit the terminal, by libsmartcols */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "cli/printable.h"
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

void table_set(struct libscols_line *line, size_t column, const char *format, ...) {
        char text[256];
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(text, sizeof text, format, arguments);
        va_end(arguments);
        printable_make(text);
        (void)scols_line_set_data(line, column, text);
}

void table_set_value(struct libscols_line *line, size_t column, const Sample *sample, ValueId id) {
        if (sample_has(sample, id))
                table_set(line, column, "%" PRIu64, sample->values[id]);
        else
                table_set(line, column, "-");
}
