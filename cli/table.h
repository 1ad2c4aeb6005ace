/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tables that fit the terminal, by libsmartcols
 *
 * Where one is too wide for it names are cut, numbers never. Where
 * stdout is no terminal nothing is. A cell that nothing was set in, or that could
 * not be for want of memory, is "-": not known.
 */

#include <libsmartcols.h>

#include "base/macro.h"
#include "store/sample.h"

typedef enum TableKind {
        TABLE_NAME,   /* may be cut */
        TABLE_TEXT,   /* is not: an address, of which half would be no use */
        TABLE_NUMBER, /* set to the right */
} TableKind;

typedef struct TableColumn {
        const char *name;
        TableKind kind;
} TableColumn;

/* What has to be known of the columns PEAK, DROPS and FULL, wherever they stand. */
#define TABLE_COUNTED_SINCE                                                                 \
        "PEAK is of the last minute, or of windows.peak if that is configured. DROPS and\n" \
        "FULL count since sockwatchd started, DROPS also what a listener older than that\n" \
        "had dropped before."

/* A table with these columns, or NULL without memory. To be released by scols_unref_table(). */
struct libscols_table *table_new(const TableColumn *columns, size_t n_columns);

static inline void table_unrefp(struct libscols_table **table) {
        scols_unref_table(*table);
}

void table_set(struct libscols_line *line, size_t column, const char *format, ...) _printf_(3, 4);

/* A name, "-" if it is "": not known. */
void table_set_name(struct libscols_line *line, size_t column, const char *name);

/* Ends a table: writes it to stdout. Return: 0, or what scols_print_table(3) returns. */
_warn_unused_ int table_print(struct libscols_table *table);

/* What of a row of a sample stands in a cell, and in which form. */
typedef enum RowCell {
        ROW_ADDRESS, /* of an Endpoint */
        ROW_PORT,    /* of an Endpoint */
        ROW_NAME,    /* text, NUL-terminated; "": not known */
        ROW_COUNT,   /* uint64_t */
        ROW_TIME,    /* uint64_t, in microseconds; shown in seconds */
        ROW_STATE,   /* of a ListenerRow: its connections in a state, if a walk has counted them */
} RowCell;

typedef struct RowColumn {
        const char *name;
        RowCell cell;
        size_t member; /* its offset in the row; of ROW_STATE the StateIndex */
} RowColumn;

#define TABLE_COLUMNS_MAX 16

/**
 * table_print_rows() - write a table of a sample to stdout, a line each row
 * @columns:    at most TABLE_COLUMNS_MAX: asserted
 *
 * Return: 0, -ENOMEM, or what scols_print_table(3) returns.
 */
_warn_unused_ int
table_print_rows(const Sample *sample, TableId id, const RowColumn *columns, size_t n_columns);

/* How many columns the terminal has; 0: stdout is none, or does not tell. */
unsigned table_terminal_width(void);

/* A value of a sample, "-" if it could not be measured. */
void table_set_value(struct libscols_line *line, size_t column, const Sample *sample, ValueId id);
