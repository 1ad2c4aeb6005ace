/* SPDX-License-Identifier: Apache-2.0 */

/* sockwatch units: whose sockets and descriptors they are, the busiest first */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/json.h"
#include "cli/look.h"
#include "cli/table.h"

/* Connections and descriptors stand in tables of their own, as one would be wider than a terminal. */
enum {
        UNITS_NAME,
        UNITS_SOCKETS,
        UNITS_ESTABLISHED,
        UNITS_LISTEN,
        UNITS_TIME_WAIT,
        UNITS_CLOSE_WAIT,
        UNITS_NEVER_ACCEPTED,
        UNITS_UNREAD,
        UNITS_UNSENT,
        UNITS_RETRANSMITTING,
};

static const TableColumn units_columns[] = {
        [UNITS_NAME] = { "UNIT", TABLE_NAME },
        [UNITS_SOCKETS] = { "TCP", TABLE_NUMBER },
        [UNITS_ESTABLISHED] = { "ESTAB", TABLE_NUMBER },
        [UNITS_LISTEN] = { "LISTEN", TABLE_NUMBER },
        [UNITS_TIME_WAIT] = { "TIME-W", TABLE_NUMBER },
        [UNITS_CLOSE_WAIT] = { "CLOSE-W", TABLE_NUMBER },
        [UNITS_NEVER_ACCEPTED] = { "NOT-ACC", TABLE_NUMBER },
        [UNITS_UNREAD] = { "UNREAD", TABLE_NUMBER },
        [UNITS_UNSENT] = { "UNSENT", TABLE_NUMBER },
        [UNITS_RETRANSMITTING] = { "RETR", TABLE_NUMBER },
};

static uint64_t unit_count_sockets(const UnitRow *row) {
        uint64_t n = 0;

        for (unsigned i = 0; i < _STATES; i++)
                n += row->states[i];
        return n;
}

static uint64_t unit_count_fds(const UnitRow *row) {
        return row->open_fds + row->n_processes;
}

/* Those that stand for many come last. */
static bool unit_is_special(const UnitRow *row) {
        return strcmp(row->key.unit, UNIT_OTHER) == 0 || strcmp(row->key.unit, UNIT_UNATTRIBUTED) == 0;
}

static int unit_compare(const UnitRow *a, const UnitRow *b, uint64_t (*count)(const UnitRow *row)) {
        uint64_t n_a = count(a), n_b = count(b);

        if (unit_is_special(a) != unit_is_special(b))
                return unit_is_special(a) ? 1 : -1;
        return n_a > n_b ? -1 : n_a < n_b;
}

static int units_compare_sockets(const void *left, const void *right) {
        return unit_compare(*(const UnitRow *const *)left, *(const UnitRow *const *)right,
                            unit_count_sockets);
}

static int units_compare_fds(const void *left, const void *right) {
        return unit_compare(*(const UnitRow *const *)left, *(const UnitRow *const *)right, unit_count_fds);
}

static bool units_has(const Sample *sample, CollectorId id) {
        return sample->reports[id].is_present && sample->reports[id].error == 0;
}

static void units_set(struct libscols_line *line, size_t column, uint64_t number) {
        table_set(line, column, "%" PRIu64, number);
}

static void units_set_sockets(struct libscols_line *line, const UnitRow *row) {
        uint64_t n_close_wait = row->states[STATE_CLOSE_WAIT];

        table_set(line, UNITS_NAME, "%s", row->key.unit);
        units_set(line, UNITS_SOCKETS, unit_count_sockets(row));
        units_set(line, UNITS_ESTABLISHED, row->states[STATE_ESTABLISHED]);
        units_set(line, UNITS_LISTEN, row->states[STATE_LISTEN]);
        units_set(line, UNITS_TIME_WAIT, row->states[STATE_TIME_WAIT]);
        units_set(line, UNITS_CLOSE_WAIT, n_close_wait);
        units_set(line, UNITS_NEVER_ACCEPTED, n_close_wait - MIN(n_close_wait, row->n_close_wait_accepted));
        units_set(line, UNITS_UNREAD, row->receive_queue_bytes);
        units_set(line, UNITS_UNSENT, row->send_queue_bytes);
        units_set(line, UNITS_RETRANSMITTING, row->n_retransmitting);
}

static void units_set_fds(struct libscols_line *line, const UnitRow *row) {
        table_set(line, 0, "%s", row->key.unit);
        units_set(line, 1, row->n_processes);
        units_set(line, 2, row->open_fds);
        if (row->worst_fd_limit > 0)
                table_set(line, 3, "%.1f%%",
                          (double)row->worst_open_fds * 100 / (double)row->worst_fd_limit);
}

/* A table of the units of which there is something to count. */
typedef struct UnitsTable {
        const TableColumn *columns;
        size_t n_columns;
        uint64_t (*count)(const UnitRow *row);
        int (*compare)(const void *left, const void *right);
        void (*set)(struct libscols_line *line, const UnitRow *row);
} UnitsTable;

static int units_print(const Sample *sample, const UnitsTable *what) {
        _cleanup_(table_unrefp) struct libscols_table *table = NULL;
        const UnitRow *rows[ELEMENTSOF(sample->units)];
        size_t n = 0;

        table = table_new(what->columns, what->n_columns);
        if (!table)
                return -ENOMEM;

        for (uint32_t i = 0; i < sample->n_units; i++)
                if (what->count(&sample->units[i]) > 0)
                        rows[n++] = &sample->units[i];
        qsort(rows, n, sizeof *rows, what->compare);

        for (size_t i = 0; i < n; i++) {
                struct libscols_line *line = scols_table_new_line(table, NULL);

                if (!line)
                        return -ENOMEM;
                what->set(line, rows[i]);
        }

        return table_print(table);
}

static int units_print_sockets(const Sample *sample) {
        static const UnitsTable what = { units_columns, ELEMENTSOF(units_columns), unit_count_sockets,
                                         units_compare_sockets, units_set_sockets };

        return units_print(sample, &what);
}

static int units_print_fds(const Sample *sample) {
        static const TableColumn columns[] = {
                { "UNIT", TABLE_NAME },
                { "PROCS", TABLE_NUMBER },
                { "FDS", TABLE_NUMBER },
                { "WORST-FDS", TABLE_NUMBER },
        };
        static const UnitsTable what = { columns, ELEMENTSOF(columns), unit_count_fds, units_compare_fds,
                                         units_set_fds };

        return units_print(sample, &what);
}

static int units_compare_processes(const void *left, const void *right) {
        const ProcessRow *a = *(const ProcessRow *const *)left, *b = *(const ProcessRow *const *)right;
        double ratio_a = a->fd_limit > 0 ? (double)a->open_fds / (double)a->fd_limit : -1;
        double ratio_b = b->fd_limit > 0 ? (double)b->open_fds / (double)b->fd_limit : -1;

        return ratio_a > ratio_b ? -1 : ratio_a < ratio_b;
}

static int units_print_processes(const Sample *sample) {
        static const TableColumn columns[] = {
                { "PROCESS", TABLE_TEXT }, { "PID", TABLE_NUMBER },   { "UNIT", TABLE_NAME },
                { "FDS", TABLE_NUMBER },   { "LIMIT", TABLE_NUMBER }, { "CLOSE-WAIT", TABLE_NUMBER },
        };
        _cleanup_(table_unrefp) struct libscols_table *table = NULL;
        const ProcessRow *rows[ELEMENTSOF(sample->processes)];

        table = table_new(columns, ELEMENTSOF(columns));
        if (!table)
                return -ENOMEM;

        for (uint32_t i = 0; i < sample->n_processes; i++)
                rows[i] = &sample->processes[i];
        qsort(rows, sample->n_processes, sizeof *rows, units_compare_processes);

        for (uint32_t i = 0; i < sample->n_processes; i++) {
                struct libscols_line *line = scols_table_new_line(table, NULL);

                if (!line)
                        return -ENOMEM;
                table_set_name(line, 0, rows[i]->key.process);
                if (rows[i]->pid > 0)
                        table_set(line, 1, "%" PRIu64, rows[i]->pid);
                table_set(line, 2, "%s", rows[i]->key.unit);
                table_set(line, 3, "%" PRIu64, rows[i]->open_fds);
                if (rows[i]->fd_limit == UINT64_MAX)
                        table_set(line, 4, "none");
                else if (rows[i]->fd_limit > 0)
                        table_set(line, 4, "%" PRIu64, rows[i]->fd_limit);
                if (rows[i]->is_close_wait_known)
                        table_set(line, 5, "%" PRIu64, rows[i]->n_close_wait);
        }

        return table_print(table);
}

static int units_show(const CommandOptions *options, const Sample *sample) {
        static int (*const tables[])(const Sample *sample) = { units_print_sockets, units_print_fds,
                                                               units_print_processes };
        const bool has[] = { units_has(sample, COLLECTOR_TCP), units_has(sample, COLLECTOR_PROCESSES),
                             sample->n_processes > 0 };
        bool is_first = true;
        int r = 0;

        if (options->json)
                return json_write_line(sample, JSON_UNITS);

        for (size_t i = 0; i < ELEMENTSOF(tables) && r == 0; i++) {
                if (!has[i])
                        continue;
                if (!is_first)
                        printf("\n");
                is_first = false;
                r = tables[i](sample);
        }

        return r;
}

CommandStatus command_units(const CommandOptions *options) {
        static const LookPart part = { REMARKS_UNITS, units_show };

        return look_show(options, &part);
}
