/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The search through the descriptors of processes: which sockets each of them has
 *
 * In the processes of one unit or in all, by pid, as far as the share of a sample
 * goes and on from there in the next. Of all, only the first few hundred
 * descriptors of each are read, as sockets that are passed on or listened on at
 * start stand low. And the first processes of a unit are looked into as they come,
 * for what they were passed.
 *
 * What is found is handed out, and not kept: what it is wanted for owners.h knows.
 * It is searched on the thread that scans the processes, with nothing allocated, and
 * not before processes_is_complete().
 *
 * Reading another user's descriptors takes CAP_DAC_READ_SEARCH, to open the
 * folder, and CAP_SYS_PTRACE, to read what stands in it (proc_pid_fd(5)).
 */

#include "base/macro.h"
#include "collect/processes.h"
#include "collect/share.h"
#include "collect/units.h"
#include "kernel/sources.h"

/* Units that wait to be looked into; more are left to the searches. */
#define FD_SEARCH_NEW_UNITS_MAX 64

typedef struct FdSearch {
        /* For others to look at. */
        Share share;            /* of descriptors to be read */
        FdSearchPlace of_all;   /* the search of all; that of a unit stands in the unit */
        size_t n_new_units;     /* that are still to be looked into */
        bool wants_read_search; /* ever refused for want of the capability; some refuse with it too */
        bool wants_ptrace;

        const Sources *sources;
        const Processes *processes;
        usec_t now_usec;
        double kept;             /* of the share of this sample by what nobody waits for */
        bool is_new_sample;      /* its new units were not taken over yet */
        bool is_among_managers;  /* the search of all: those that may hold sockets for others */
        bool was_refused_folder; /* since fd_search_note_refusal() */
        bool was_refused_link;
        struct {
                Unit *unit;
                usec_t since_usec;
        } new_units[FD_SEARCH_NEW_UNITS_MAX];
} FdSearch;

typedef enum FdSearchResult {
        FD_SEARCH_GOES_ON, /* in the next sample */
        FD_SEARCH_ENDED,   /* all could be read */
        FD_SEARCH_REFUSED, /* it ended, and some could not be read */
} FdSearchResult;

/* Handed each socket that is found, and the process that has it, as which descriptor; good until the next
 * scan. */
typedef void (*fd_search_fn)(uint64_t inode, const Process *process, unsigned fd, void *userdata);

/* @sources and @processes have to stay. */
void fd_search_init(FdSearch *search, const Sources *sources, const Processes *processes);

/* Begins a sample, with its share of descriptors; one that is hurried has all that there is after a rest. */
void fd_search_begin(FdSearch *search, usec_t now_usec, bool is_hurried);

/* Whether something is left of the share of this sample for what nobody waits for. */
bool fd_search_has_spare(const FdSearch *search);

/* Whether the process has this socket still, by that descriptor: one is read. */
bool fd_search_look_again(FdSearch *search, pid_t pid, unsigned fd, uint64_t inode);

/**
 * fd_search_go_on() - go on in the processes of a unit, or in all
 * @unit:       NULL: all
 *
 * Unless the place is waited for it takes its time: without a burst, and without what others may need.
 * Begins anew if the last search of it ended. Managers come last among all, and only where
 * all others could be read: what they hold they may hold for them.
 */
FdSearchResult fd_search_go_on(FdSearch *search, Unit *unit, fd_search_fn found, void *userdata);

/**
 * fd_search_new_units() - look into the units that had no process and have one now
 *
 * Each once, when what it has executed has its name, or after some seconds in any case.
 */
void fd_search_new_units(FdSearch *search, fd_search_fn found, void *userdata);
