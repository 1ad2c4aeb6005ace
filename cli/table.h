/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tables that fit the terminal, by libsmartcols
 *
 * Cells that could not be written, for want of memory, are left empty.
 */

#include <libsmartcols.h>

#include "base/macro.h"
#include "store/sample.h"

typedef struct TableColumn {
        const char *name;
        bool is_number; /* set to the right */
} TableColumn;

/* A table with these columns, or NULL without memory. To be released by scols_unref_table(). */
struct libscols_table *table_new(const TableColumn *columns, size_t n_columns);

static inline void table_unrefp(struct libscols_table **table) {
        scols_unref_table(*table);
}

void table_set(struct libscols_line *line, size_t column, const char *format, ...) _printf_(3, 4);

/* A value of a sample, "-" if it could not be measured. */
void table_set_value(struct libscols_line *line, size_t column, const Sample *sample, ValueId id);
