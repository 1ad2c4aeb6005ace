/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Who holds a socket: from its inode to a process, by the tables of descriptors
 *
 * A search looks for everything that is wanted at once, so that many sockets cost
 * no more than one. Of several processes that hold a socket, as workers do, the
 * one with the lowest number is its owner: the one that was there first.
 */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/id_map.h"
#include "collect/owners.h"
#include "collect/share.h"
#include "kernel/capability.h"
#include "kernel/proc_fd.h"

/* Descriptors read in a second, at about two microseconds each, and at once after a rest; what is begun of a
 * process is read to its end. A host with a million descriptors has them read in hours: what is new is found
 * with the burst, as it is among the first of a few processes. */
#define OWNERS_PER_SEC 96
#define OWNERS_BURST   16384

/* Descriptors read of one process: where its unit is known, and where all are searched. */
#define OWNERS_OF_UNIT_MAX 4096
#define OWNERS_OF_ANY_MAX  256

/* Units whose processes are searched in one sample. */
#define OWNERS_UNITS_MAX 64

/* When to search again, doubled each time: for what was not found, and for what was, as a process may have
 * been seen between its fork and its exec, or may have passed its socket on. */
#define OWNERS_RETRY_MIN_USEC (5 * USEC_PER_SEC)
#define OWNERS_RETRY_MAX_USEC (5 * USEC_PER_MINUTE)
#define OWNERS_HURRY_USEC     USEC_PER_SEC

/* How often a queue that fills again may make haste: searches have a share, and others want it too. */
#define OWNERS_HURRY_GAP_USEC (30 * USEC_PER_SEC)

/* Units that had no process, and are to be looked into as soon as all they have has its name, or after this
 * time in any case. */
#define OWNERS_NEW_UNITS_MAX      64
#define OWNERS_NEW_UNIT_WAIT_USEC (10 * USEC_PER_SEC)

typedef struct NewUnit {
        Unit *unit;
        usec_t since_usec;
} NewUnit;

typedef struct OwnerEntry {
        uint64_t inode;
        Unit *searched_unit; /* NULL: all */
        Owner owner;
        bool is_due; /* a search for it goes on */
        usec_t begun_usec;
        bool is_busy;      /* something waits at it, or was dropped */
        usec_t busy_usec;  /* since when it was the last time */
        usec_t hurry_usec; /* when that made haste; 0: never */
        bool is_hurried;   /* to be searched out of turn */
        usec_t searched_usec;
        usec_t retry_usec;  /* how long after that to search again */
        uint64_t last_used; /* number of the sample */
} OwnerEntry;

struct Owners {
        const Sources *sources;
        Units *units;
        const Processes *processes;
        usec_t now_usec;
        Share share;       /* of descriptors to be read */
        uint64_t cpu_nsec; /* that searches took */

        uint64_t heeded; /* number of the sample of which new units were taken over */
        size_t n_new_units;
        NewUnit new_units[OWNERS_NEW_UNITS_MAX];

        /* The search among all processes goes on from sample to sample, if need be: among those that have
         * sockets for themselves, then among those that may hold them for others. */
        bool is_searching_all;
        bool is_searching_managers;
        bool all_was_refused; /* in some process of it */
        pid_t last_pid;       /* of it */

        bool was_refused_folder; /* since owners_note_refusal() */
        bool was_refused_link;
        bool wants_read_search; /* ever refused for want of the capability; some processes refuse with it too
                                 */
        bool wants_ptrace;

        IdMap *map; /* inode to index */
        uint32_t n_entries;
        OwnerEntry entries[OWNERS_MAX];
};

int owners_new(const Sources *sources, Units *units, const Processes *processes, Owners **ret) {
        _cleanup_(owners_freep) Owners *owners = NULL;
        int r;

        assert(sources && units && processes);
        assert(ret);

        owners = calloc(1, sizeof *owners);
        if (!owners)
                return -ENOMEM;

        owners->sources = sources;
        owners->units = units;
        owners->processes = processes;
        r = id_map_new(OWNERS_MAX, &owners->map);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(owners);
        return 0;
}

Owners *owners_free(Owners *owners) {
        if (!owners)
                return NULL;

        owners->map = id_map_free(owners->map);
        free(owners);
        return NULL;
}

/* What systemd holds it may hold for somebody who has not come yet. */
static bool owner_is_sure(const Owner *owner) {
        return owner->state == OWNER_FOUND && !unit_passes_on(owner->unit);
}

/* An answer that nobody asked for since may be of another socket by now. */
static bool owners_is_recent(const Owners *owners, const OwnerEntry *entry) {
        return units_is_recent(owners->units, entry->last_used);
}

static void owners_sweep(Owners *owners) {
        uint32_t n = 0;

        id_map_clear(owners->map);
        for (uint32_t i = 0; i < owners->n_entries; i++)
                if (owners_is_recent(owners, &owners->entries[i])) {
                        owners->entries[n] = owners->entries[i];
                        (void)id_map_put(owners->map, owners->entries[n].inode, n);
                        n++;
                }
        owners->n_entries = n;
}

void owners_begin(Owners *owners, usec_t now_usec, bool is_hurried) {
        assert(owners);

        owners->now_usec = now_usec;
        share_begin(&owners->share, now_usec, OWNERS_PER_SEC, OWNERS_BURST);
        if (is_hurried)
                share_fill(&owners->share, OWNERS_BURST);
        if (owners->n_entries >= OWNERS_MAX / 2)
                owners_sweep(owners);

        for (uint32_t i = 0; i < owners->n_entries; i++) {
                OwnerEntry *entry = &owners->entries[i];

                /* Its unit may be thrown out, then. */
                if (!owners_is_recent(owners, entry))
                        entry->owner = (Owner){ 0 };
                if (entry->owner.unit)
                        units_touch(entry->owner.unit, units_number(owners->units));
        }
}

/* ---- asking ---- */

static OwnerEntry *owners_add(Owners *owners, uint64_t inode) {
        if (owners->n_entries == OWNERS_MAX || !id_map_put(owners->map, inode, owners->n_entries))
                return NULL;

        owners->entries[owners->n_entries] = (OwnerEntry){ .inode = inode };
        return &owners->entries[owners->n_entries++];
}

static const Owner no_room = { .state = OWNER_WANTED };

const Owner *owners_find_connection(Owners *owners, uint64_t inode) {
        if (owners->n_entries >= OWNERS_MAX / 2 && id_map_find(owners->map, inode) == ID_MAP_NONE)
                return &no_room;

        return owners_find(owners, inode, /* unit= */ NULL);
}

/* What was not found where it was searched may be where it is to be searched now. */
static void owner_change_hint(OwnerEntry *entry, Unit *unit) {
        entry->searched_unit = unit;
        entry->searched_usec = 0;
        entry->is_due = false;
        if (entry->owner.state != OWNER_FOUND)
                entry->owner.state = OWNER_WANTED;
}

const Owner *owners_find(Owners *owners, uint64_t inode, Unit *unit) {
        uint32_t index;
        OwnerEntry *entry;

        assert(owners);
        assert(inode > 0);

        index = id_map_find(owners->map, inode);
        entry = index != ID_MAP_NONE ? &owners->entries[index] : owners_add(owners, inode);
        if (!entry)
                return &no_room;

        if (entry->searched_unit != unit)
                owner_change_hint(entry, unit);
        entry->last_used = units_number(owners->units);
        return &entry->owner;
}

void owners_hurry(Owners *owners, uint64_t inode) {
        uint32_t index = id_map_find(owners->map, inode);

        if (index != ID_MAP_NONE && !owner_is_sure(&owners->entries[index].owner))
                owners->entries[index].retry_usec =
                        MIN(owners->entries[index].retry_usec, OWNERS_HURRY_USEC);
}

static bool owners_may_hurry(const Owners *owners, const OwnerEntry *entry) {
        return entry->hurry_usec == 0 || owners->now_usec - entry->hurry_usec >= OWNERS_HURRY_GAP_USEC;
}

void owners_note_busy(Owners *owners, uint64_t inode, bool is_busy) {
        uint32_t index = id_map_find(owners->map, inode);
        OwnerEntry *entry;

        if (index == ID_MAP_NONE)
                return;

        entry = &owners->entries[index];
        if (is_busy && !entry->is_busy) {
                entry->busy_usec = owners->now_usec;
                entry->owner.is_outdated = true;
                if (owners_may_hurry(owners, entry)) {
                        entry->hurry_usec = owners->now_usec;
                        entry->is_hurried = !owner_is_sure(&entry->owner);
                }
        }
        entry->is_busy = is_busy;
}

bool owners_is_outdated(const Owners *owners, const Owner *owner) {
        return owner->state == OWNER_FOUND && unit_passes_on(owner->unit) &&
               (owner->is_outdated || owners->n_new_units > 0);
}

/* ---- searching ---- */

typedef struct OwnersLook {
        Owners *owners;
        const Unit *unit; /* that is searched; NULL: all */
        bool is_new;      /* the process is one that sockets may just have been passed on to */
        const Process *process;
} OwnersLook;

/* When the entry is searched for the next time. */
static void owners_set_retry(const Owners *owners, OwnerEntry *entry) {
        usec_t retry_usec = entry->searched_usec == 0 ? OWNERS_RETRY_MIN_USEC
                            : entry->is_hurried       ? entry->retry_usec
                                                      : 2 * entry->retry_usec;

        entry->is_due = entry->is_hurried = false;
        entry->searched_usec = owners->now_usec;
        entry->retry_usec = MAX(MIN(retry_usec, OWNERS_RETRY_MAX_USEC), OWNERS_RETRY_MIN_USEC);
}

/* What becomes known of an entry by the search for it that ends. */
static void owners_set_owner(const Owners *owners, OwnerEntry *entry, Owner owner) {
        entry->owner = owner;
        entry->owner.is_outdated = entry->begun_usec < entry->busy_usec;
        owners_set_retry(owners, entry);
}

static bool owners_is_looked_for(const OwnersLook *look, const OwnerEntry *entry) {
        if (look->is_new)
                return !entry->searched_unit && !owner_is_sure(&entry->owner);
        return entry->is_due && entry->searched_unit == look->unit;
}

static int owners_on_socket(uint64_t inode, void *userdata) {
        const OwnersLook *look = userdata;
        Owners *owners = look->owners;
        uint32_t index = id_map_find(owners->map, inode);
        Owner owner = {
                .state = OWNER_FOUND,
                .pid = look->process->pid,
                .unit = look->process->unit ? look->process->unit : units_unattributed(owners->units),
        };

        if (index == ID_MAP_NONE || !owners_is_looked_for(look, &owners->entries[index]))
                return 0;

        memcpy(owner.process, look->process->name, sizeof owner.process);
        owners_set_owner(owners, &owners->entries[index], owner);
        return 0;
}

static void owners_read(OwnersLook *look, size_t n_max) {
        Owners *owners = look->owners;
        size_t n_read = 0;
        int r;

        r = proc_fd_list_sockets(owners->sources->proc_fd, look->process->pid, n_max, owners_on_socket, look,
                                 &n_read);
        share_take(&owners->share, MAX(n_read, (size_t)1));
        if (r == -EACCES || r == -EPERM) {
                owners->was_refused_folder |= n_read == 0;
                owners->was_refused_link |= n_read > 0;
        }
}

static void owners_look(Owners *owners, const Unit *unit, const Process *process, size_t n_max) {
        OwnersLook look = { .owners = owners, .unit = unit, .process = process };

        owners_read(&look, n_max);
}

/* Whether descriptors could not be read since the last call. Those of a process that is hidden are not. */
static bool owners_note_refusal(Owners *owners) {
        bool was_refused_folder = owners->was_refused_folder || processes_are_hidden(owners->processes);
        bool was_refused = was_refused_folder || owners->was_refused_link;

        owners->wants_read_search |= was_refused_folder && !capability_is_effective(CAP_DAC_READ_SEARCH);
        /* Refused at the folder nothing is known of the links, but it would be the same with them. */
        owners->wants_ptrace |= was_refused && !capability_is_effective(CAP_SYS_PTRACE);
        owners->was_refused_folder = owners->was_refused_link = false;
        return was_refused;
}

/* Nobody has it, as far as could be read. */
static void owners_give_up(const Owners *owners, OwnerEntry *entry, bool was_refused) {
        owners_set_owner(owners, entry,
                         (Owner){ .state = was_refused ? OWNER_NOT_PERMITTED : OWNER_NOT_FOUND });
}

/* Whether a search for it should begin. Connections are asked for at the end of a sample, so in the next. */
static bool owners_is_wanted(const Owners *owners, const OwnerEntry *entry) {
        return !entry->is_due && entry->last_used + 1 >= units_number(owners->units) &&
               (entry->owner.state == OWNER_WANTED || entry->is_hurried ||
                owners->now_usec >= entry->searched_usec + entry->retry_usec);
}

static void owners_begin_search(const Owners *owners, OwnerEntry *entry) {
        entry->is_due = true;
        entry->begun_usec = owners->now_usec;
}

static void owners_begin_search_of_unit(Owners *owners, Unit *unit) {
        unit->is_searched = true;
        unit->search_was_refused = false;
        unit->search_pid = 0;
        for (uint32_t i = 0; i < owners->n_entries; i++)
                if (owners->entries[i].searched_unit == unit &&
                    owners_is_wanted(owners, &owners->entries[i]))
                        owners_begin_search(owners, &owners->entries[i]);
}

static void owners_end_search_of_unit(Owners *owners, Unit *unit) {
        for (uint32_t i = 0; i < owners->n_entries; i++)
                if (owners->entries[i].searched_unit == unit && owners->entries[i].is_due)
                        owners_give_up(owners, &owners->entries[i], unit->search_was_refused);

        unit->is_searched = false;
}

/* Goes on in a unit that is being searched, as far as the share goes. */
static void owners_go_on_in_unit(Owners *owners, Unit *unit) {
        const Process *process = unit->processes;

        while (process && process->pid <= unit->search_pid)
                process = process->next_of_unit;

        for (; process && share_has_left(&owners->share); process = process->next_of_unit) {
                unit->search_pid = process->pid;
                if (!process_is_not_itself(process))
                        owners_look(owners, unit, process, OWNERS_OF_UNIT_MAX);
        }

        unit->search_was_refused |= owners_note_refusal(owners);
        if (!process)
                owners_end_search_of_unit(owners, unit);
}

/* Those whose search goes on, or those whose search is to begin. */
static void owners_search_some_units(Owners *owners, bool is_searched, size_t n_max) {
        for (uint32_t i = 0; i < owners->n_entries && share_has_left(&owners->share) && n_max > 0; i++) {
                OwnerEntry *entry = &owners->entries[i];
                Unit *unit = entry->searched_unit;

                if (!unit || unit->is_searched != is_searched ||
                    !(entry->is_due || owners_is_wanted(owners, entry)))
                        continue;

                if (!is_searched)
                        owners_begin_search_of_unit(owners, unit);
                owners_go_on_in_unit(owners, unit);
                n_max--;
        }
}

/* One that takes long has what the others leave: they are done in a sample or two. */
static void owners_search_units(Owners *owners) {
        owners_search_some_units(owners, /* is_searched= */ false, OWNERS_UNITS_MAX);
        owners_search_some_units(owners, /* is_searched= */ true, OWNERS_UNITS_MAX);
}

static void owners_begin_search_of_all(Owners *owners) {
        for (uint32_t i = 0; i < owners->n_entries; i++)
                if (!owners->entries[i].searched_unit && owners_is_wanted(owners, &owners->entries[i])) {
                        owners_begin_search(owners, &owners->entries[i]);
                        owners->is_searching_all = true;
                }

        owners->last_pid = 0;
        owners->all_was_refused = owners->is_searching_managers = false;
}

static void owners_end_search_of_all(Owners *owners) {
        for (uint32_t i = 0; i < owners->n_entries; i++)
                if (owners->entries[i].is_due && !owners->entries[i].searched_unit)
                        owners_give_up(owners, &owners->entries[i], owners->all_was_refused);

        owners->is_searching_all = false;
}

/* Whether this part of the search came to its end. */
static bool owners_search_on(Owners *owners) {
        for (size_t i = 0; i < processes_count(owners->processes); i++) {
                const Process *process = processes_get(owners->processes, i);
                bool is_manager = process->unit && process->unit->is_manager;

                if (process->pid <= owners->last_pid || is_manager != owners->is_searching_managers ||
                    (process->is_permitted && process->open_fds == 0))
                        continue;
                if (!share_has_left(&owners->share))
                        break;
                owners->last_pid = process->pid;
                if (process_is_not_itself(process))
                        continue;
                owners_look(owners, /* unit= */ NULL, process,
                            is_manager ? OWNERS_OF_UNIT_MAX : OWNERS_OF_ANY_MAX);
        }

        owners->all_was_refused |= owners_note_refusal(owners);
        return share_has_left(&owners->share);
}

/* Managers come last, and only where all others could be read: what they hold they may hold for them. */
static void owners_search_all(Owners *owners) {
        if (!owners->is_searching_all)
                owners_begin_search_of_all(owners);
        if (!owners->is_searching_all || !owners_search_on(owners))
                return;

        if (!owners->is_searching_managers && !owners->all_was_refused) {
                owners->is_searching_managers = true;
                owners->last_pid = 0;
                if (!owners_search_on(owners))
                        return;
        }

        owners_end_search_of_all(owners);
}

/*
 * Sockets are passed on to a unit as it starts, so to the first processes of a unit
 * that had none: these are looked into as soon as they have executed what they are,
 * which costs a few descriptors, where searching all of them would cost thousands.
 */
static void owners_take_over_new_units(Owners *owners) {
        if (owners->heeded == units_number(owners->units))
                return;

        owners->heeded = units_number(owners->units);
        for (size_t i = 0; i < processes_count_new_units(owners->processes); i++) {
                Unit *unit = processes_get_new_unit(owners->processes, i);

                if (!unit_passes_on(unit) && owners->n_new_units < OWNERS_NEW_UNITS_MAX)
                        owners->new_units[owners->n_new_units++] =
                                (NewUnit){ .unit = unit, .since_usec = owners->now_usec };
        }
}

static bool unit_has_one_that_is_not_itself(const Unit *unit) {
        const Process *process = unit->processes;

        while (process && !process_is_not_itself(process))
                process = process->next_of_unit;
        return process;
}

static void owners_look_into_new_unit(Owners *owners, const Unit *unit) {
        for (const Process *process = unit->processes; process; process = process->next_of_unit)
                if (!process_is_not_itself(process))
                        owners_read(&(OwnersLook){ .owners = owners, .is_new = true, .process = process },
                                    OWNERS_OF_ANY_MAX);

        /* That is of the search for nothing in particular. */
        (void)owners_note_refusal(owners);
}

static void owners_look_into_new_units(Owners *owners) {
        size_t n = 0;

        for (size_t i = 0; i < owners->n_new_units; i++) {
                const NewUnit *new_unit = &owners->new_units[i];

                if (!share_has_left(&owners->share) ||
                    (unit_has_one_that_is_not_itself(new_unit->unit) &&
                     owners->now_usec - new_unit->since_usec < OWNERS_NEW_UNIT_WAIT_USEC))
                        owners->new_units[n++] = *new_unit;
                else
                        owners_look_into_new_unit(owners, new_unit->unit);
        }
        owners->n_new_units = n;
}

void owners_search(Owners *owners) {
        uint64_t begin_nsec;

        assert(owners);

        if (!processes_is_complete(owners->processes))
                return;

        begin_nsec = clock_nsec(CLOCK_THREAD_CPUTIME_ID);
        owners_take_over_new_units(owners);
        owners_look_into_new_units(owners);
        /* Neither is to keep the other from its share. */
        if (units_number(owners->units) % 2 == 0) {
                owners_search_units(owners);
                owners_search_all(owners);
        } else {
                owners_search_all(owners);
                owners_search_units(owners);
        }
        owners->cpu_nsec += clock_nsec(CLOCK_THREAD_CPUTIME_ID) - begin_nsec;
}

uint64_t owners_cpu_nsec(const Owners *owners) {
        return owners->cpu_nsec;
}

bool owners_is_searching(const Owners *owners) {
        for (uint32_t i = 0; i < owners->n_entries; i++)
                if (owners->entries[i].owner.state == OWNER_WANTED &&
                    owners->entries[i].last_used + 1 >= units_number(owners->units))
                        return true;

        return false;
}

void owners_report(const Owners *owners, Sample *sample) {
        uint64_t n_not_permitted = 0;

        for (uint32_t i = 0; i < owners->n_entries; i++)
                n_not_permitted += owners->entries[i].last_used == units_number(owners->units) &&
                                   owners->entries[i].owner.state == OWNER_NOT_PERMITTED;

        sample_set(sample, VALUE_OWNERS_NOT_PERMITTED, n_not_permitted);
        sample_set(sample, VALUE_OWNERS_WANT_READ_SEARCH, n_not_permitted > 0 && owners->wants_read_search);
        sample_set(sample, VALUE_OWNERS_WANT_PTRACE, n_not_permitted > 0 && owners->wants_ptrace);
}
