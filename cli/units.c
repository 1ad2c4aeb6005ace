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
        UNITS_PROCESSES,
        UNITS_FDS,
        UNITS_FD_RATIO,
};

static const TableColumn units_columns[] = {
        [UNITS_NAME] = { "UNIT", false },
        [UNITS_SOCKETS] = { "TCP", true },
        [UNITS_ESTABLISHED] = { "ESTAB", true },
        [UNITS_LISTEN] = { "LISTEN", true },
        [UNITS_TIME_WAIT] = { "TIME-WAIT", true },
        [UNITS_CLOSE_WAIT] = { "CLOSE-WAIT", true },
        [UNITS_NEVER_ACCEPTED] = { "NOT-ACCEPTED", true },
        [UNITS_UNREAD] = { "UNREAD", true },
        [UNITS_UNSENT] = { "UNSENT", true },
        [UNITS_RETRANSMITTING] = { "RETRANS", true },
        [UNITS_PROCESSES] = { "PROCS", true },
        [UNITS_FDS] = { "FDS", true },
        [UNITS_FD_RATIO] = { "WORST-FDS", true },
};

static uint64_t unit_count_sockets(const UnitRow *row) {
        uint64_t n = 0;

        for (unsigned i = 0; i < _STATES; i++)
                n += row->states[i];
        return n;
}

/* Those that stand for many come last. */
static bool unit_is_special(const UnitRow *row) {
        return strcmp(row->key.unit, UNIT_OTHER) == 0 || strcmp(row->key.unit, UNIT_UNATTRIBUTED) == 0;
}

static int units_compare(const void *left, const void *right) {
        const UnitRow *a = *(const UnitRow *const *)left, *b = *(const UnitRow *const *)right;
        uint64_t n_a = unit_count_sockets(a) + a->open_fds, n_b = unit_count_sockets(b) + b->open_fds;

        if (unit_is_special(a) != unit_is_special(b))
                return unit_is_special(a) ? 1 : -1;
        return n_a > n_b ? -1 : n_a < n_b;
}

static bool units_has(const Sample *sample, CollectorId id) {
        return sample->reports[id].is_present && sample->reports[id].error == 0;
}

static void units_set(struct libscols_line *line, size_t column, bool has, uint64_t number) {
        if (has)
                table_set(line, column, "%" PRIu64, number);
        else
                table_set(line, column, "-");
}

static void units_set_row(struct libscols_line *line, const Sample *sample, const UnitRow *row) {
        bool has_tcp = units_has(sample, COLLECTOR_TCP),
             has_processes = units_has(sample, COLLECTOR_PROCESSES);
        uint64_t n_close_wait = row->states[STATE_CLOSE_WAIT];

        table_set(line, UNITS_NAME, "%s", row->key.unit);
        units_set(line, UNITS_SOCKETS, has_tcp, unit_count_sockets(row));
        units_set(line, UNITS_ESTABLISHED, has_tcp, row->states[STATE_ESTABLISHED]);
        units_set(line, UNITS_LISTEN, has_tcp, row->states[STATE_LISTEN]);
        units_set(line, UNITS_TIME_WAIT, has_tcp, row->states[STATE_TIME_WAIT]);
        units_set(line, UNITS_CLOSE_WAIT, has_tcp, n_close_wait);
        units_set(line, UNITS_NEVER_ACCEPTED, has_tcp,
                  n_close_wait - MIN(n_close_wait, row->n_close_wait_accepted));
        units_set(line, UNITS_UNREAD, has_tcp, row->receive_queue_bytes);
        units_set(line, UNITS_UNSENT, has_tcp, row->send_queue_bytes);
        units_set(line, UNITS_RETRANSMITTING, has_tcp, row->n_retransmitting);
        units_set(line, UNITS_PROCESSES, has_processes, row->n_processes);
        units_set(line, UNITS_FDS, has_processes, row->open_fds);
        if (has_processes && row->worst_fd_limit > 0)
                table_set(line, UNITS_FD_RATIO, "%.1f%%",
                          (double)row->worst_open_fds * 100 / (double)row->worst_fd_limit);
        else
                table_set(line, UNITS_FD_RATIO, "-");
}

static int units_print(const Sample *sample) {
        _cleanup_(table_unrefp) struct libscols_table *table = NULL;
        const UnitRow *rows[ELEMENTSOF(sample->units)];

        table = table_new(units_columns, ELEMENTSOF(units_columns));
        if (!table)
                return -ENOMEM;

        for (uint32_t i = 0; i < sample->n_units; i++)
                rows[i] = &sample->units[i];
        qsort(rows, sample->n_units, sizeof *rows, units_compare);

        for (uint32_t i = 0; i < sample->n_units; i++) {
                struct libscols_line *line = scols_table_new_line(table, NULL);

                if (!line)
                        return -ENOMEM;
                units_set_row(line, sample, rows[i]);
        }

        return scols_print_table(table);
}

static int units_compare_processes(const void *left, const void *right) {
        const ProcessRow *a = *(const ProcessRow *const *)left, *b = *(const ProcessRow *const *)right;
        double ratio_a = a->fd_limit > 0 ? (double)a->open_fds / (double)a->fd_limit : -1;
        double ratio_b = b->fd_limit > 0 ? (double)b->open_fds / (double)b->fd_limit : -1;

        return ratio_a > ratio_b ? -1 : ratio_a < ratio_b;
}

static int units_print_processes(const Sample *sample) {
        static const TableColumn columns[] = {
                { "PROCESS", false }, { "PID", true },   { "UNIT", false },
                { "FDS", true },      { "LIMIT", true }, { "CLOSE-WAIT", true },
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
                table_set(line, 0, "%s", rows[i]->key.process);
                if (rows[i]->pid > 0)
                        table_set(line, 1, "%" PRIu64, rows[i]->pid);
                table_set(line, 2, "%s", rows[i]->key.unit);
                table_set(line, 3, "%" PRIu64, rows[i]->open_fds);
                if (rows[i]->fd_limit == UINT64_MAX)
                        table_set(line, 4, "none");
                else if (rows[i]->fd_limit > 0)
                        table_set(line, 4, "%" PRIu64, rows[i]->fd_limit);
                if (rows[i]->n_close_wait > 0)
                        table_set(line, 5, "%" PRIu64, rows[i]->n_close_wait);
        }

        return scols_print_table(table);
}

static int units_show(const CommandOptions *options, const Sample *sample) {
        int r;

        if (options->json)
                return json_write_line(sample, JSON_UNITS);

        r = units_print(sample);
        if (r < 0 || sample->n_processes == 0)
                return r;

        printf("\n");
        return units_print_processes(sample);
}

CommandStatus command_units(const CommandOptions *options) {
        static const LookPart part = { REMARKS_UNITS, units_show };

        return look_show(options, &part);
}
