/* SPDX-License-Identifier: Apache-2.0 */

/* Tables that fit the terminal, by libsmartcols */

#include <assert.h>
#include <errno.h>
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

static void table_set_cell(struct libscols_line *line, size_t i, const RowColumn *column, const void *row) {
        const void *member = (const char *)row + column->member;
        const ListenerRow *listener = row;
        char text[ENDPOINT_ADDRESS_SIZE];

        switch (column->cell) {
        case ROW_ADDRESS:
                endpoint_format_address(member, text);
                table_set(line, i, "%s", text);
                break;
        case ROW_PORT:
                endpoint_format_port(member, text);
                table_set(line, i, "%s", text);
                break;
        case ROW_NAME:
                table_set_name(line, i, member);
                break;
        case ROW_COUNT:
                table_set(line, i, "%" PRIu64, *(const uint64_t *)member);
                break;
        case ROW_TIME:
                table_set(line, i, "%.1f s", (double)*(const uint64_t *)member / (double)USEC_PER_SEC);
                break;
        case ROW_STATE:
                if (listener_has_state(listener, (StateIndex)column->member))
                        table_set(line, i, "%" PRIu64, listener->states[column->member]);
                break;
        }
}

int table_print_rows(const Sample *sample, TableId id, const RowColumn *columns, size_t n_columns) {
        static const TableKind kinds[] = {
                [ROW_ADDRESS] = TABLE_TEXT, [ROW_PORT] = TABLE_NUMBER, [ROW_NAME] = TABLE_NAME,
                [ROW_COUNT] = TABLE_NUMBER, [ROW_TIME] = TABLE_NUMBER, [ROW_STATE] = TABLE_NUMBER,
        };
        _cleanup_(table_unrefp) struct libscols_table *table = NULL;
        TableColumn headings[TABLE_COLUMNS_MAX];

        assert(n_columns <= TABLE_COLUMNS_MAX);

        for (size_t i = 0; i < n_columns; i++)
                headings[i] = (TableColumn){ columns[i].name, kinds[columns[i].cell] };
        table = table_new(headings, n_columns);
        if (!table)
                return -ENOMEM;

        for (uint32_t k = 0; k < sample_count_rows(sample, id); k++) {
                struct libscols_line *line = scols_table_new_line(table, NULL);

                if (!line)
                        return -ENOMEM;
                for (size_t i = 0; i < n_columns; i++)
                        table_set_cell(line, i, &columns[i], sample_get_row(sample, id, k));
        }

        return table_print(table);
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
