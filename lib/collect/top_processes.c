/* SPDX-License-Identifier: Apache-2.0 */

/* The processes that stand out, as rows */

#include <assert.h>
#include <string.h>

#include "base/sort.h"
#include "collect/top_processes.h"

typedef struct TopProcesses {
        size_t n;
        size_t n_max;
        ProcessRow rows[PROCESSES_MAX];
} TopProcesses;

static double row_ratio(const ProcessRow *row) {
        return row->fd_limit > 0 ? (double)row->open_fds / (double)row->fd_limit : 0;
}

static double process_ratio(const Process *process) {
        return process->fd_limit > 0 ? (double)process->open_fds / (double)process->fd_limit : 0;
}

static ProcessRow *top_find(TopProcesses *top, const ProcessKey *key) {
        for (size_t i = 0; i < top->n; i++)
                if (memcmp(&top->rows[i].key, key, sizeof *key) == 0)
                        return &top->rows[i];

        return NULL;
}

/* The row to give up for a fuller one; those of suspects stay. NULL if there is none. */
static ProcessRow *top_find_lowest(TopProcesses *top) {
        ProcessRow *lowest = NULL;

        for (size_t i = 0; i < top->n; i++)
                if (top->rows[i].n_close_wait == 0 &&
                    (!lowest || row_ratio(&top->rows[i]) < row_ratio(lowest)))
                        lowest = &top->rows[i];
        return lowest;
}

static void row_set_descriptors(ProcessRow *row, const Process *process) {
        row->pid = (uint64_t)process->pid;
        row->open_fds = process->open_fds;
        row->fd_limit = process->fd_limit;
}

static ProcessRow row_of(const Process *process) {
        ProcessRow row = { 0 };

        row_set_descriptors(&row, process);
        row.is_close_wait_known = process->unit->row.n_close_wait_accepted == 0;
        memcpy(row.key.unit, process->unit->row.key.unit, sizeof row.key.unit);
        memcpy(row.key.process, process->name, sizeof row.key.process);
        return row;
}

/* Enters a process if it is fuller than one that has a row. @lowest_ratio saves the look at most of them. */
static void top_enter(TopProcesses *top, const Process *process, double *lowest_ratio) {
        double ratio = process_ratio(process);
        ProcessRow row, *same, *lowest;

        if (top->n == top->n_max && ratio <= *lowest_ratio)
                return;

        row = row_of(process);
        same = top_find(top, &row.key);
        if (same) {
                if (ratio > row_ratio(same))
                        row_set_descriptors(same, process);
        } else if (top->n < top->n_max)
                top->rows[top->n++] = row;
        else {
                lowest = top_find_lowest(top);
                if (lowest && ratio > row_ratio(lowest))
                        *lowest = row;
        }

        lowest = top_find_lowest(top);
        *lowest_ratio = lowest ? row_ratio(lowest) : 1e300;
}

static const Process *top_find_process(const Processes *processes, pid_t pid) {
        for (size_t i = 0; i < processes_count(processes); i++)
                if (processes_get(processes, i)->pid == pid)
                        return processes_get(processes, i);

        return NULL;
}

/* The fullest of a suspect's name in its unit; itself, if it may not be looked at. */
static const Process *top_find_fullest(const Processes *processes, const Process *suspect) {
        const Process *fullest = suspect;

        for (size_t i = 0; i < processes_count(processes); i++) {
                const Process *process = processes_get(processes, i);

                if (process->unit == suspect->unit && process->is_permitted &&
                    process_ratio(process) > process_ratio(fullest) &&
                    memcmp(process->name, suspect->name, sizeof process->name) == 0)
                        fullest = process;
        }

        return fullest;
}

static void top_enter_suspects(TopProcesses *top, const Processes *processes, const Suspects *suspects) {
        for (size_t i = 0; i < suspects_count(suspects) && top->n < top->n_max; i++) {
                const Suspect *suspect = suspects_get(suspects, i);
                const Process *process = top_find_process(processes, suspect->pid);
                ProcessRow row;

                if (!process || !process->unit)
                        continue;

                /* Its pid may be another's by now. */
                row = row_of(process);
                if (memcmp(&row.key, &suspect->key, sizeof row.key) != 0)
                        continue;

                /* Here, as those that are no fuller than all rows are not entered. */
                row_set_descriptors(&row, top_find_fullest(processes, process));
                row.n_close_wait = suspect->n_close_wait;
                row.close_wait_pid = (uint64_t)suspect->pid;
                row.is_close_wait_known = 1;
                top->rows[top->n++] = row;
        }
}

static int top_compare_keys(const void *left, const void *right, const void *userdata) {
        return memcmp(left, right, sizeof(ProcessKey));
}

void top_processes_make_rows(const Processes *processes,
                             const Suspects *suspects,
                             const Bounds *bounds,
                             Sample *sample) {
        TopProcesses top = { .n_max = MIN((size_t)bounds->n_processes, (size_t)PROCESSES_MAX) };
        ProcessRow other = { .key = { .unit = UNIT_OTHER, .process = UNIT_OTHER } };
        double lowest_ratio = -1;
        uint64_t n_all = 0, n_folded = 0;

        assert(processes && suspects && bounds && sample);

        top_enter_suspects(&top, processes, suspects);
        for (size_t i = 0; i < processes_count(processes); i++) {
                const Process *process = processes_get(processes, i);

                if (!process->unit)
                        continue;
                n_all++;
                other.open_fds += process->open_fds;
                if (process->is_permitted)
                        top_enter(&top, process, &lowest_ratio);
        }

        for (size_t i = 0; i < top.n; i++)
                other.open_fds -= MIN(other.open_fds, top.rows[i].open_fds);
        n_folded = n_all - MIN(n_all, (uint64_t)top.n);

        /* Without a walk nothing is known of any. */
        if (!sample->reports[COLLECTOR_TCP].is_present || sample->reports[COLLECTOR_TCP].error < 0)
                for (size_t i = 0; i < top.n; i++)
                        top.rows[i].is_close_wait_known = 0;

        memcpy(sample->processes, top.rows, top.n * sizeof *top.rows);
        sample->n_processes = (uint32_t)top.n;
        if (n_folded > 0)
                sample->processes[sample->n_processes++] = other;
        sort_in_place(sample->processes, sample->n_processes, sizeof *sample->processes, top_compare_keys,
                      /* userdata= */ NULL);
        sample_set(sample, VALUE_PROCESSES_FOLDED, n_folded);
        if (suspects_count(suspects) > 0)
                sample_set(sample, VALUE_PROCESSES_CLOSE_WAIT_USEC,
                           instant_tell(suspects_counted_at(suspects), sample_instant(sample)));
}
