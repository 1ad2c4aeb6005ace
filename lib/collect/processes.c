/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The processes of the host: descriptors, limits, and to which unit each belongs
 *
 * /proc lists processes in order of pid, so a pass over it steps through the table
 * of the pass before, side by side, into the next one:
 *
 *     last pass   12  40  41  97 [120 133 140]   still to be come to
 *     this pass  [12  40  96  97]                 120 is next
 *
 * What is known at any time are the two parts in brackets. No hash is needed, and
 * a process that is gone is left behind.
 */

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/number.h"
#include "collect/processes.h"
#include "kernel/proc_cgroup.h"
#include "kernel/proc_fd.h"
#include "kernel/proc_hidden.h"
#include "kernel/proc_stat.h"

/* Processes looked at in one sample; each costs about five microseconds. All of them are come to in a
 * minute, or as soon as the most of a share allows; the least is what a small host has. */
#define PROCESSES_SHARE_MIN   40
#define PROCESSES_SHARE_MAX   512
#define PROCESSES_PASS_SHARES 60

/* How long name, unit and limit of a process are believed, and that it is a thread of the kernel. */
#define PROCESSES_DESCRIBED_USEC (10 * USEC_PER_SEC)

struct Processes {
        const Sources *sources;
        Units *units;
        DIR *dir;
        bool is_complete;
        bool is_begun;         /* the pass has come to some */
        usec_t pass_usec;      /* when it began */
        usec_t last_pass_usec; /* when the one before did */
        bool was_complete;     /* when the last scan began */
        bool is_hiding;        /* /proc did not show all of them when the pass began */
        bool has_size;         /* this kernel tells how many descriptors without listing them */

        size_t n_last; /* of the table of the last pass */
        size_t i_last; /* the next in it */
        size_t n_next;
        size_t n_too_many;      /* in this pass */
        size_t n_last_too_many; /* in the last one */
        uint64_t n_truncated;   /* in all passes */
        size_t n_new_units;     /* in the last scan */
        Unit *new_units[PROCESSES_NEW_UNITS_MAX];
        Process *last; /* one of the two tables */
        Process *next; /* the other one */
        Process tables[2][PROCESSES_TRACKED_MAX];
};

int processes_new(const Sources *sources, Units *units, Processes **ret) {
        Processes *processes;

        assert(sources);
        assert(units);
        assert(ret);

        processes = calloc(1, sizeof *processes);
        if (!processes)
                return -ENOMEM;

        processes->sources = sources;
        processes->units = units;
        processes->last = processes->tables[0];
        processes->next = processes->tables[1];
        *ret = processes;
        return 0;
}

Processes *processes_free(Processes *processes) {
        if (!processes)
                return NULL;

        if (processes->dir)
                (void)closedir(processes->dir);
        free(processes);
        return NULL;
}

size_t processes_count(const Processes *processes) {
        return processes->n_next + processes->n_last - processes->i_last;
}

const Process *processes_get(const Processes *processes, size_t i) {
        return i < processes->n_next ? &processes->next[i]
                                     : &processes->last[processes->i_last + i - processes->n_next];
}

const Process *processes_find(const Processes *processes, pid_t pid) {
        size_t begin = 0, end = processes_count(processes);

        while (begin < end) {
                size_t middle = begin + (end - begin) / 2;
                const Process *process = processes_get(processes, middle);

                if (process->pid == pid)
                        return process;
                if (process->pid < pid)
                        begin = middle + 1;
                else
                        end = middle;
        }
        return NULL;
}

uint64_t processes_count_truncated(const Processes *processes) {
        return processes->n_truncated;
}

size_t processes_count_new_units(const Processes *processes) {
        return processes->n_new_units;
}

Unit *processes_get_new_unit(const Processes *processes, size_t i) {
        assert(i < processes->n_new_units);

        return processes->new_units[i];
}

bool processes_are_hidden(const Processes *processes) {
        return processes->is_hiding;
}

usec_t processes_oldest_usec(const Processes *processes) {
        return processes->is_complete ? processes->last_pass_usec : processes->pass_usec;
}

bool processes_is_complete(const Processes *processes) {
        return processes->is_complete;
}

/* ---- one process ---- */

static int process_read_file(const Processes *processes,
                             pid_t pid,
                             const char *name,
                             char *text,
                             size_t size,
                             size_t *ret_length) {
        char path[64];

        (void)snprintf(path, sizeof path, "%d/%s", (int)pid, name);
        return file_read_at(processes->sources->proc_fd, path, text, size, ret_length);
}

static int process_read_name(const Processes *processes, Process *process) {
        char text[64];
        size_t length;
        int r;

        memset(process->name, 0, sizeof process->name);
        r = process_read_file(processes, process->pid, "comm", text, sizeof text, &length);
        if (r < 0)
                return r;

        length = strcspn(text, "\n");
        memcpy(process->name, text, MIN(length, sizeof process->name - 1));
        return 0;
}

static void process_read_limit(const Processes *processes, Process *process) {
        char text[4096];
        size_t length;

        if (process_read_file(processes, process->pid, "limits", text, sizeof text, &length) < 0 ||
            proc_limits_parse_open_files(text, length, &process->fd_limit) < 0)
                process->fd_limit = 0;
}

static void process_read_unit(const Processes *processes, Process *process) {
        char text[8192];
        const char *path;
        size_t length;

        process->unit = units_unattributed(processes->units);
        if (process_read_file(processes, process->pid, "cgroup", text, sizeof text, &length) == 0 &&
            proc_cgroup_parse(text, length, &path, &length) == 0)
                process->unit = units_find_path(processes->units, path, length);
}

static bool process_is_gone(int error) {
        return error == -ENOENT || error == -ESRCH;
}

/* Every process has a name: if that can be read now, it was there when the rest was. Return: false if it is
 * gone. */
static bool process_describe(const Processes *processes, Process *process, usec_t now_usec) {
        process_read_limit(processes, process);
        process_read_unit(processes, process);
        process->described_usec = now_usec;
        return !process_is_gone(process_read_name(processes, process));
}

static int process_count_fds(const Processes *processes, Process *process) {
        char path[64];
        int r;

        (void)snprintf(path, sizeof path, "%d/fd", (int)process->pid);
        r = processes->has_size
                    ? proc_fd_count_by_size(processes->sources->proc_fd, path, &process->open_fds)
                    : proc_fd_count(processes->sources->proc_fd, path, &process->open_fds);
        process->is_permitted = r == 0;
        if (r == -EACCES || r == -EPERM) {
                process->open_fds = 0;
                return 0;
        }
        return r;
}

static bool process_is_fresh(const Process *process, usec_t now_usec) {
        return now_usec - process->described_usec < PROCESSES_DESCRIBED_USEC;
}

/* One that systemd has forked has its program's name very soon. */
static bool process_is_described(const Process *process, usec_t now_usec) {
        return process->unit && !process_is_not_itself(process) && process_is_fresh(process, now_usec);
}

static bool process_has_none(const Process *process) {
        return process->open_fds == 0 && process->is_permitted;
}

static bool process_read_is_kernel_thread(const Processes *processes, const Process *process) {
        char text[1024];
        ProcStat stat;
        size_t length;

        return process_read_file(processes, process->pid, "stat", text, sizeof text, &length) == 0 &&
               proc_stat_parse(text, length, &stat) == 0 && (stat.flags & PROC_STAT_IS_KERNEL_THREAD);
}

/* Of one without descriptors nothing else is told. That it is a thread of the kernel is found out once. */
static void process_describe_empty(const Processes *processes, Process *process, usec_t now_usec) {
        process->is_kernel_thread =
                process->is_kernel_thread || process_read_is_kernel_thread(processes, process);
        process->described_usec = now_usec;
}

/* Return: 0, or -ENOENT if it is gone, or why it could not be looked at now. */
static int process_look(const Processes *processes, Process *process, usec_t now_usec) {
        Process looked_at = *process;
        int r;

        r = process_count_fds(processes, &looked_at);
        if (r < 0)
                return process_is_gone(r) ? -ENOENT : r;

        if (process_has_none(&looked_at)) {
                if (!process_is_fresh(&looked_at, now_usec))
                        process_describe_empty(processes, &looked_at, now_usec);
        } else if (process_has_none(process) || !process_is_described(&looked_at, now_usec)) {
                looked_at.is_kernel_thread = false;
                if (!process_describe(processes, &looked_at, now_usec))
                        return -ENOENT;
        }

        *process = looked_at;
        return 0;
}

/* ---- a pass ---- */

static int processes_open(Processes *processes) {
        uint64_t n;
        int fd, r;

        fd = openat(processes->sources->proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;

        processes->dir = fdopendir(fd);
        if (!processes->dir) {
                r = -errno;
                (void)close_fd(fd);
                return r;
        }

        /* We have some open ourselves, so 0 means that the size says nothing (before Linux 6.2). */
        r = proc_fd_count_by_size(processes->sources->proc_fd, "self/fd", &n);
        processes->has_size = r == 0 && n > 0;
        processes->is_hiding = proc_hides_processes(processes->sources->proc_fd);
        return 0;
}

/* Return: 0, or why it could not be looked at now; it stays as it was known, then. */
static int processes_add(Processes *processes, pid_t pid, usec_t now_usec) {
        Process process = { .pid = pid, .is_permitted = true };
        int r;

        while (processes->i_last < processes->n_last && processes->last[processes->i_last].pid < pid)
                processes->i_last++;
        if (processes->i_last < processes->n_last && processes->last[processes->i_last].pid == pid)
                process = processes->last[processes->i_last++];

        if (processes->n_next == PROCESSES_TRACKED_MAX) {
                processes->n_too_many++;
                return 0;
        }

        if (process.is_kernel_thread && process_is_fresh(&process, now_usec)) {
                processes->next[processes->n_next++] = process;
                return 0;
        }

        r = process_look(processes, &process, now_usec);
        if (r == -ENOENT)
                return 0;

        processes->next[processes->n_next++] = process;
        return r;
}

static void processes_end_pass(Processes *processes) {
        Process *table = processes->last;

        processes->last = processes->next;
        processes->next = table;
        processes->n_last = processes->n_next;
        processes->i_last = 0;
        processes->n_next = 0;
        processes->n_last_too_many = processes->n_too_many;
        processes->n_truncated += processes->n_too_many;
        processes->n_too_many = 0;
        processes->is_complete = true;
        processes->last_pass_usec = processes->pass_usec;
        processes->is_begun = false;
        processes->is_hiding = proc_hides_processes(processes->sources->proc_fd);
        rewinddir(processes->dir);
}

/* Return: 1 if there is more, 0 at the end of the pass, or a negative errno. */
static int processes_step(Processes *processes, usec_t now_usec) {
        const struct dirent *entry;
        uint64_t pid;
        int r = 0;

        errno = 0;
        entry = readdir(processes->dir);
        if (!entry)
                return -errno;

        /* In order, as proc_pid_readdir() in fs/proc/base.c lists them; anything else would break the pass.
         */
        if (number_parse_u64(entry->d_name, strlen(entry->d_name), &pid) == 0 && pid <= INT32_MAX &&
            (processes->n_next == 0 || (pid_t)pid > processes->next[processes->n_next - 1].pid))
                r = processes_add(processes, (pid_t)pid, now_usec);
        return r < 0 ? r : 1;
}

static void process_add_to_unit(Processes *processes, Process *process) {
        Unit *unit = process->unit;
        UnitRow *row = &unit->row;

        units_touch(unit, units_number(processes->units));
        if (row->n_processes == 0 && !unit->had_processes && processes->was_complete &&
            processes->n_new_units < PROCESSES_NEW_UNITS_MAX)
                processes->new_units[processes->n_new_units++] = unit;
        row->n_processes++;
        row->open_fds += process->open_fds;
        if (process->fd_limit > 0 && process->is_permitted &&
            (row->worst_fd_limit == 0 ||
             (double)process->open_fds / (double)process->fd_limit >=
                     (double)row->worst_open_fds / (double)row->worst_fd_limit)) {
                row->worst_open_fds = process->open_fds;
                row->worst_fd_limit = process->fd_limit;
        }

        process->next_of_unit = unit->processes;
        unit->processes = process;
}

/* The last comes first, so that each unit's list is in order. */
static void processes_add_to_units(Processes *processes) {
        for (size_t i = 0; i < units_count(processes->units); i++)
                units_get(processes->units, i)->processes = NULL;
        units_overflow(processes->units)->processes = NULL;

        for (size_t i = processes->n_last; i > processes->i_last; i--)
                if (processes->last[i - 1].unit)
                        process_add_to_unit(processes, &processes->last[i - 1]);
        for (size_t i = processes->n_next; i > 0; i--)
                if (processes->next[i - 1].unit)
                        process_add_to_unit(processes, &processes->next[i - 1]);
}

/* In the first pass as many as may be, so that it is soon known who there is. */
static size_t processes_share(const Processes *processes) {
        size_t share = processes->n_last / PROCESSES_PASS_SHARES;

        if (!processes->is_complete)
                return PROCESSES_SHARE_MAX;
        return MAX(MIN(share, (size_t)PROCESSES_SHARE_MAX), (size_t)PROCESSES_SHARE_MIN);
}

int processes_scan(Processes *processes, usec_t now_usec) {
        int r;

        assert(processes);

        if (!processes->dir) {
                r = processes_open(processes);
                if (r < 0)
                        return r;
        }

        processes->n_new_units = 0;
        processes->was_complete = processes->is_complete;
        if (!processes->is_begun)
                processes->pass_usec = now_usec;
        processes->is_begun = true;

        r = 1;
        for (size_t n = 0; n < processes_share(processes) && r > 0; n++)
                r = processes_step(processes, now_usec);
        if (r < 0)
                return r;
        if (r == 0)
                processes_end_pass(processes);

        processes_add_to_units(processes);
        return !processes->is_complete || processes->is_hiding || processes->n_too_many > 0 ||
               processes->n_last_too_many > 0 || units_overflow(processes->units)->row.n_processes > 0;
}
