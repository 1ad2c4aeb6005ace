/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The search through the descriptors of processes: which sockets each of them has
 *
 * Sockets are passed on to a unit as it starts, so to the first processes of a unit
 * that had none: these are looked into as soon as they have executed what they are,
 * which costs a few descriptors, where searching all of them would cost thousands.
 */

#include <assert.h>
#include <errno.h>

#include "collect/fd_search.h"
#include "kernel/capability.h"
#include "kernel/proc_fd.h"

/* Descriptors read in a second, at about two microseconds each, and at once after a rest; what is begun of a
 * process is read to its end. A host with a million descriptors has them read in hours: what is new is found
 * with the burst, as it is among the first of a few processes. */
#define FD_SEARCH_PER_SEC 96
#define FD_SEARCH_BURST   16384

/* Where nobody waits for it: in one sample, as many as are read of one among all, and what is left to those
 * that somebody waits for. */
#define FD_SEARCH_CALM    256
#define FD_SEARCH_RESERVE (FD_SEARCH_BURST / 2)

/* Descriptors read of one process: where its unit is known, and where all are searched. */
#define FD_SEARCH_OF_UNIT_MAX 4096
#define FD_SEARCH_OF_ANY_MAX  256

/* How long a new unit may take to execute what it is. */
#define FD_SEARCH_NEW_UNIT_WAIT_USEC (10 * USEC_PER_SEC)

void fd_search_init(FdSearch *search, const Sources *sources, const Processes *processes) {
        assert(search && sources && processes);

        *search = (FdSearch){ .sources = sources, .processes = processes };
}

void fd_search_begin(FdSearch *search, usec_t now_usec, bool is_hurried) {
        search->now_usec = now_usec;
        search->is_new_sample = true;
        share_begin(&search->share, now_usec, FD_SEARCH_PER_SEC, FD_SEARCH_BURST);
        if (is_hurried)
                share_fill(&search->share, FD_SEARCH_BURST);
        search->kept = MAX(search->share.left - FD_SEARCH_CALM, FD_SEARCH_RESERVE);
}

bool fd_search_has_spare(const FdSearch *search) {
        return search->share.left > search->kept;
}

bool fd_search_look_again(FdSearch *search, pid_t pid, unsigned fd, uint64_t inode) {
        share_take(&search->share, 1);
        return proc_fd_is_socket(search->sources->proc_fd, pid, fd, inode);
}

/* ---- one process ---- */

typedef struct FdSearchLook {
        const Process *process;
        fd_search_fn found;
        void *userdata;
} FdSearchLook;

static int fd_search_on_socket(unsigned fd, uint64_t inode, void *userdata) {
        const FdSearchLook *look = userdata;

        look->found(inode, look->process, fd, look->userdata);
        return 0;
}

/* One that is not itself yet has systemd's descriptors. */
static void
fd_search_read(FdSearch *search, const Process *process, size_t n_max, fd_search_fn found, void *userdata) {
        FdSearchLook look = { .process = process, .found = found, .userdata = userdata };
        size_t n_read = 0;
        int r;

        if (process_is_not_itself(process))
                return;

        r = proc_fd_list_sockets(search->sources->proc_fd, process->pid, n_max, fd_search_on_socket, &look,
                                 &n_read);
        share_take(&search->share, MAX(n_read, (size_t)1));
        if (r == -EACCES || r == -EPERM) {
                search->was_refused_folder |= n_read == 0;
                search->was_refused_link |= n_read > 0;
        }
}

/* Whether descriptors could not be read since the last call. Those of a process that is hidden are not. */
static bool fd_search_note_refusal(FdSearch *search) {
        bool was_refused_folder = search->was_refused_folder || processes_are_hidden(search->processes);
        bool was_refused = was_refused_folder || search->was_refused_link;

        search->wants_read_search |= was_refused_folder && !capability_is_effective(CAP_DAC_READ_SEARCH);
        /* Refused at the folder nothing is known of the links, but it would be the same with them. */
        search->wants_ptrace |= was_refused && !capability_is_effective(CAP_SYS_PTRACE);
        search->was_refused_folder = search->was_refused_link = false;
        return was_refused;
}

/* ---- a unit, and all ---- */

/* Return: whether it came to the last process. */
static bool fd_search_unit(FdSearch *search, Unit *unit, fd_search_fn found, void *userdata) {
        const Process *process = unit->processes;

        while (process && process->pid <= unit->search.last_pid)
                process = process->next_of_unit;

        for (; process && share_has_left(&search->share); process = process->next_of_unit) {
                unit->search.last_pid = process->pid;
                fd_search_read(search, process, FD_SEARCH_OF_UNIT_MAX, found, userdata);
        }

        unit->search.was_refused |= fd_search_note_refusal(search);
        return !process;
}

/* Managers, or all others. Return: whether it came to the last of them, with something left of the share. */
static bool fd_search_some(FdSearch *search, fd_search_fn found, void *userdata) {
        for (size_t i = 0; i < processes_count(search->processes); i++) {
                const Process *process = processes_get(search->processes, i);
                bool is_manager = process->unit && process->unit->is_manager;

                if (process->pid <= search->of_all.last_pid || is_manager != search->is_among_managers ||
                    (process->is_permitted && process->open_fds == 0))
                        continue;
                if (!share_has_left(&search->share))
                        break;
                search->of_all.last_pid = process->pid;
                fd_search_read(search, process, is_manager ? FD_SEARCH_OF_UNIT_MAX : FD_SEARCH_OF_ANY_MAX,
                               found, userdata);
        }

        search->of_all.was_refused |= fd_search_note_refusal(search);
        return share_has_left(&search->share);
}

static bool fd_search_all(FdSearch *search, fd_search_fn found, void *userdata) {
        if (!fd_search_some(search, found, userdata))
                return false;

        if (!search->is_among_managers && !search->of_all.was_refused) {
                search->is_among_managers = true;
                search->of_all.last_pid = 0;
                if (!fd_search_some(search, found, userdata))
                        return false;
        }

        search->is_among_managers = false;
        return true;
}

FdSearchResult fd_search_go_on(FdSearch *search, Unit *unit, fd_search_fn found, void *userdata) {
        FdSearchPlace *place = unit ? &unit->search : &search->of_all;
        bool was_refused;

        share_keep(&search->share, place->is_waited_for ? 0 : search->kept);
        place->goes_on = unit ? !fd_search_unit(search, unit, found, userdata)
                              : !fd_search_all(search, found, userdata);
        share_keep(&search->share, 0);
        if (place->goes_on)
                return FD_SEARCH_GOES_ON;

        was_refused = place->was_refused;
        *place = (FdSearchPlace){ 0 };
        return was_refused ? FD_SEARCH_REFUSED : FD_SEARCH_ENDED;
}

/* ---- new units ---- */

static void fd_search_take_over_new_units(FdSearch *search) {
        if (!search->is_new_sample)
                return;

        search->is_new_sample = false;
        for (size_t i = 0; i < processes_count_new_units(search->processes); i++) {
                Unit *unit = processes_get_new_unit(search->processes, i);

                if (unit_passes_on(unit) || search->n_new_units == FD_SEARCH_NEW_UNITS_MAX)
                        continue;
                search->new_units[search->n_new_units].unit = unit;
                search->new_units[search->n_new_units++].since_usec = search->now_usec;
        }
}

static bool unit_has_one_that_is_not_itself(const Unit *unit) {
        const Process *process = unit->processes;

        while (process && !process_is_not_itself(process))
                process = process->next_of_unit;
        return process;
}

static void fd_search_new_unit(FdSearch *search, const Unit *unit, fd_search_fn found, void *userdata) {
        for (const Process *process = unit->processes; process; process = process->next_of_unit)
                fd_search_read(search, process, FD_SEARCH_OF_ANY_MAX, found, userdata);

        /* That is of the search for nothing in particular. */
        (void)fd_search_note_refusal(search);
}

void fd_search_new_units(FdSearch *search, fd_search_fn found, void *userdata) {
        size_t n = 0;

        fd_search_take_over_new_units(search);
        for (size_t i = 0; i < search->n_new_units; i++) {
                const Unit *unit = search->new_units[i].unit;

                if (!share_has_left(&search->share) ||
                    (unit_has_one_that_is_not_itself(unit) &&
                     search->now_usec - search->new_units[i].since_usec < FD_SEARCH_NEW_UNIT_WAIT_USEC))
                        search->new_units[n++] = search->new_units[i];
                else
                        fd_search_new_unit(search, unit, found, userdata);
        }
        search->n_new_units = n;
}
