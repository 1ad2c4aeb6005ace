/* SPDX-License-Identifier: Apache-2.0 */

/* Tables that fit the terminal, by libsmartcols */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/printable.h"
#include "cli/table.h"

struct libscols_table *table_new(const TableColumn *columns, size_t n_columns) {
        static const int flags[] = { [TABLE_NAME] = SCOLS_FL_TRUNC, [TABLE_NUMBER] = SCOLS_FL_RIGHT };
        struct libscols_table *table;

        table = scols_new_table();
        if (!table)
                return NULL;

        /* It would write the backslash of "a\x2db.service" as "\x5c". */
        (void)scols_table_enable_noencoding(table, 1);
        for (size_t i = 0; i < n_columns; i++)
                if (!scols_table_new_column(table, columns[i].name, 0, flags[columns[i].kind])) {
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

void table_set_name(struct libscols_line *line, size_t column, const char *name) {
        table_set(line, column, "%s", name[0] ? name : "-");
}

int table_print(struct libscols_table *table) {
        size_t n_columns = scols_table_get_ncols(table), n_lines = scols_table_get_nlines(table);

        for (size_t i = 0; i < n_lines; i++)
                for (size_t column = 0; column < n_columns; column++) {
                        struct libscols_line *line = scols_table_get_line(table, i);
                        struct libscols_cell *cell = scols_line_get_cell(line, column);

                        if (cell && !scols_cell_get_data(cell))
                                (void)scols_cell_set_data(cell, "-");
                }

        return scols_print_table(table);
}

unsigned table_terminal_width(void) {
        struct winsize size;

        return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void table_set_value(struct libscols_line *line, size_t column, const Sample *sample, ValueId id) {
        if (sample_has(sample, id))
                table_set(line, column, "%" PRIu64, sample->values[id]);
        else
                table_set(line, column, "-");
}
