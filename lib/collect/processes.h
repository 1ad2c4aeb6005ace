/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The processes of the host: descriptors, limits, and to which unit each belongs
 *
 * /proc is read on from where the last sample stopped, a share of it in each, so
 * that twenty thousand processes are come to in a minute and a hundred in two or
 * three seconds, at a cost that is the same in every sample. What is known of a process is kept until it is
 * come to again. Name, unit and limit are read when a process is new and then rarely, and so is whether a
 * thread of the kernel still is one: what takes the number of another shows as that for ten seconds at most.
 */

#include <sys/types.h>

#include "base/macro.h"
#include "collect/units.h"
#include "kernel/sources.h"
#include "store/sample.h"

/* Processes that are told apart; more are counted and left out. */
#define PROCESSES_TRACKED_MAX 32768

typedef struct Process {
        pid_t pid;
        Unit *unit;
        uint64_t open_fds;
        uint64_t fd_limit;       /* UINT64_MAX: none */
        uint64_t described_usec; /* when all but open_fds was read; CLOCK_BOOTTIME */
        char name[PROCESS_NAME_SIZE];
        bool is_permitted;                  /* its descriptors could be counted */
        bool is_kernel_thread;              /* it has none, and no file of its own */
        const struct Process *next_of_unit; /* good until the next scan */
} Process;

/* systemd names what it has forked and not yet executed, still with its own descriptors, "(name)". */
static inline bool process_is_not_itself(const Process *process) {
        return process->name[0] == '(';
}

typedef struct Processes Processes;

/* Return: 0 or -ENOMEM. */
_warn_unused_ int processes_new(const Sources *sources, Units *units, Processes **ret);

Processes *processes_free(Processes *processes);
DEFINE_CLEANUP(Processes *, processes_free)

/**
 * processes_scan() - look at the next share, and add all that is known to the units
 * @now_usec:   CLOCK_BOOTTIME
 *
 * Return: 0, or 1 if not all were come to yet, or some are hidden, or the last pass found more than
 * there is room for, or units of processes had no room, or the errno of open(2) or getdents(2) on /proc, or
 * of looking at a process that is there, such as -EMFILE.
 */
_warn_unused_ int processes_scan(Processes *processes, usec_t now_usec);

/* Processes there was no room for, in all passes together. */
uint64_t processes_count_truncated(const Processes *processes);

/* Those that are known, in order of pid. Good until the next scan. */
size_t processes_count(const Processes *processes);
const Process *processes_get(const Processes *processes, size_t i);

/* NULL: it is not known. */
const Process *processes_find(const Processes *processes, pid_t pid);

/* Units that had no process and have one now, from when all of /proc was come to; the first of them, if a
 * scan finds many. Good until the next scan. */
#define PROCESSES_NEW_UNITS_MAX 64
size_t processes_count_new_units(const Processes *processes);
Unit *processes_get_new_unit(const Processes *processes, size_t i);

/* Whether there are others, which /proc does not show for want of CAP_SYS_PTRACE (kernel/proc_hidden.h). */
bool processes_are_hidden(const Processes *processes);

/* When the pass began in which the one was looked at that was come to the longest ago; CLOCK_BOOTTIME. */
usec_t processes_oldest_usec(const Processes *processes);

/* Whether all of /proc was come to at least once. */
bool processes_is_complete(const Processes *processes);
