/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Who holds a socket: what is known of it, and when to search again
 *
 * An entry a socket. When a search of a unit begins, or one of all, those that are
 * wanted of it are due, so that many sockets cost no more than one; whoever is found
 * first has them, and what is still due at its end nobody has. Of several processes
 * that hold a socket, as workers do, that is the one with the lowest number: the one
 * that was there first.
 */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/id_map.h"
#include "collect/fd_search.h"
#include "collect/owners.h"

/* Units whose processes are searched in one sample. */
#define OWNERS_UNITS_MAX 64

/* When to search again, doubled each time: for what was not found, and for what was, as a process may have
 * been seen between its fork and its exec, or may have passed its socket on. */
#define OWNERS_RETRY_MIN_USEC (5 * USEC_PER_SEC)
#define OWNERS_RETRY_MAX_USEC (5 * USEC_PER_MINUTE)
#define OWNERS_HURRY_USEC     USEC_PER_SEC

/* How long a socket is waited for by whoever looks at it: its owner is searched as fast as it goes. */
#define OWNERS_WAIT_USEC (40 * USEC_PER_SEC)

/* Owners that are looked at again in one sample, at a descriptor each. */
#define OWNERS_AGAIN_MAX 64

/* How often a queue that fills again may make haste: searches have a share, and others want it too. */
#define OWNERS_HURRY_GAP_USEC (30 * USEC_PER_SEC)

typedef struct OwnerEntry {
        uint64_t inode;
        Unit *searched_unit; /* NULL: all */
        Owner owner;
        unsigned fd; /* of the process, by which it has it */
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
        Units *units;
        const Processes *processes;
        FdSearch search;
        usec_t now_usec;
        uint64_t cpu_nsec; /* that searches took */

        IdMap *map; /* inode to index */
        uint32_t n_entries;
        uint32_t i_again; /* where to go on looking at owners again */
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

        owners->units = units;
        owners->processes = processes;
        fd_search_init(&owners->search, sources, processes);
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
        fd_search_begin(&owners->search, now_usec, is_hurried);
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
        entry->is_hurried = true;
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
                        entry->is_hurried |= !owner_is_sure(&entry->owner);
                }
        }
        entry->is_busy = is_busy;
}

bool owners_is_outdated(const Owners *owners, const Owner *owner) {
        return owner->state == OWNER_FOUND && unit_passes_on(owner->unit) &&
               (owner->is_outdated || owners->search.n_new_units > 0);
}

/* ---- searching ---- */

/* A search, as what it finds is to be understood. */
typedef struct OwnersLook {
        Owners *owners;
        const Unit *unit; /* that is searched; NULL: all */
        bool is_new;      /* sockets may just have been passed on to what is searched */
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

static Owner owner_of_process(const Owners *owners, const Process *process) {
        Owner owner = {
                .state = OWNER_FOUND,
                .pid = process->pid,
                .unit = process->unit ? process->unit : units_unattributed(owners->units),
        };

        memcpy(owner.process, process->name, sizeof owner.process);
        return owner;
}

static bool owners_is_looked_for(const OwnersLook *look, const OwnerEntry *entry) {
        if (look->is_new)
                return !entry->searched_unit && !owner_is_sure(&entry->owner);
        return entry->is_due && entry->searched_unit == look->unit;
}

static void owners_on_socket(uint64_t inode, const Process *process, unsigned fd, void *userdata) {
        const OwnersLook *look = userdata;
        Owners *owners = look->owners;
        uint32_t index = id_map_find(owners->map, inode);

        if (index == ID_MAP_NONE || !owners_is_looked_for(look, &owners->entries[index]))
                return;

        owners->entries[index].fd = fd;
        owners_set_owner(owners, &owners->entries[index], owner_of_process(owners, process));
}

/* Connections are asked for at the end of a sample, so in the next. */
static bool owners_is_asked_for(const Owners *owners, const OwnerEntry *entry) {
        return entry->last_used + 1 >= units_number(owners->units);
}

static bool owners_is_time(const Owners *owners, const OwnerEntry *entry) {
        return owners->now_usec >= entry->searched_usec + entry->retry_usec;
}

/* Whether a search for it should begin. */
static bool owners_is_wanted(const Owners *owners, const OwnerEntry *entry) {
        return !entry->is_due && owners_is_asked_for(owners, entry) &&
               (entry->owner.state == OWNER_WANTED || entry->is_hurried ||
                (!owner_is_sure(&entry->owner) && owners_is_time(owners, entry)));
}

/* Return: whether there is anything to search for. */
static bool owners_begin_search(Owners *owners, const Unit *unit) {
        bool is_any_due = false;

        for (uint32_t i = 0; i < owners->n_entries; i++) {
                OwnerEntry *entry = &owners->entries[i];

                if (entry->searched_unit != unit)
                        continue;
                if (owners_is_wanted(owners, entry)) {
                        entry->is_due = true;
                        entry->begun_usec = owners->now_usec;
                }
                is_any_due |= entry->is_due;
        }
        return is_any_due;
}

/* Nobody has what is still due, as far as could be read. */
static void owners_end_search(Owners *owners, const Unit *unit, OwnerState state) {
        for (uint32_t i = 0; i < owners->n_entries; i++)
                if (owners->entries[i].searched_unit == unit && owners->entries[i].is_due)
                        owners_set_owner(owners, &owners->entries[i], (Owner){ .state = state });
}

static FdSearchPlace *owners_place(Owners *owners, Unit *unit) {
        return unit ? &unit->search : &owners->search.of_all;
}

/* What is new, or has just gone, or may yet be passed on, somebody waits for. */
static void owners_note_what_is_waited_for(Owners *owners) {
        owners->search.of_all.is_waited_for = false;
        for (uint32_t i = 0; i < owners->n_entries; i++)
                if (owners->entries[i].searched_unit)
                        owners->entries[i].searched_unit->search.is_waited_for = false;

        for (uint32_t i = 0; i < owners->n_entries; i++) {
                const OwnerEntry *entry = &owners->entries[i];

                if (owners_is_asked_for(owners, entry) &&
                    (entry->owner.state == OWNER_WANTED || entry->is_hurried ||
                     (!owner_is_sure(&entry->owner) && entry->retry_usec < OWNERS_WAIT_USEC &&
                      (entry->is_due || owners_is_time(owners, entry)))))
                        owners_place(owners, entry->searched_unit)->is_waited_for = true;
        }
}

/* Goes on with what is being searched, or begins if anything is wanted. @unit: NULL: all */
static void owners_search_in(Owners *owners, Unit *unit) {
        FdSearchPlace *place = owners_place(owners, unit);
        OwnersLook look = { .owners = owners, .unit = unit };
        FdSearchResult result;

        if (!place->goes_on && !owners_begin_search(owners, unit))
                return;

        place->looked_into = units_number(owners->units);
        result = fd_search_go_on(&owners->search, unit, owners_on_socket, &look);
        if (result != FD_SEARCH_GOES_ON)
                owners_end_search(owners, unit,
                                  result == FD_SEARCH_REFUSED ? OWNER_NOT_PERMITTED : OWNER_NOT_FOUND);
}

/* Those whose search goes on, or those whose search is to begin. */
static void owners_search_some_units(Owners *owners, bool is_searched, size_t n_max) {
        for (uint32_t i = 0; i < owners->n_entries && share_has_left(&owners->search.share) && n_max > 0;
             i++) {
                OwnerEntry *entry = &owners->entries[i];
                Unit *unit = entry->searched_unit;

                if (!unit || unit->search.goes_on != is_searched ||
                    unit->search.looked_into == units_number(owners->units) ||
                    !(entry->is_due || owners_is_wanted(owners, entry)))
                        continue;

                owners_search_in(owners, unit);
                n_max--;
        }
}

/* One that takes long has what the others leave: they are done in a sample or two. */
static void owners_search_units(Owners *owners) {
        owners_search_some_units(owners, /* is_searched= */ false, OWNERS_UNITS_MAX);
        owners_search_some_units(owners, /* is_searched= */ true, OWNERS_UNITS_MAX);
}

/* ---- looking again ---- */

/* The process may have passed it on, or have executed something else since, or have ended. */
static void owners_look_again(Owners *owners, OwnerEntry *entry) {
        const Process *process = processes_find(owners->processes, entry->owner.pid);

        if (process && !process_is_not_itself(process) &&
            fd_search_look_again(&owners->search, process->pid, entry->fd, entry->inode)) {
                entry->owner = owner_of_process(owners, process);
                owners_set_retry(owners, entry);
        } else {
                entry->searched_usec = 0;
                entry->is_hurried = true;
        }
}

static void owners_look_at_some_again(Owners *owners) {
        uint32_t n_looked_at = 0;

        for (uint32_t n = 0;
             n < owners->n_entries && n_looked_at < OWNERS_AGAIN_MAX && fd_search_has_spare(&owners->search);
             n++) {
                uint32_t i = owners->i_again < owners->n_entries ? owners->i_again : 0;
                OwnerEntry *entry = &owners->entries[i];

                owners->i_again = i + 1;
                if (entry->is_due || entry->is_hurried || !owners_is_asked_for(owners, entry) ||
                    !owner_is_sure(&entry->owner) || !owners_is_time(owners, entry))
                        continue;
                owners_look_again(owners, entry);
                n_looked_at++;
        }
}

void owners_search(Owners *owners) {
        OwnersLook look = { .owners = owners, .is_new = true };
        uint64_t begin_nsec;

        assert(owners);

        if (!processes_is_complete(owners->processes))
                return;

        begin_nsec = clock_nsec(CLOCK_THREAD_CPUTIME_ID);
        owners_look_at_some_again(owners);
        owners_note_what_is_waited_for(owners);
        fd_search_new_units(&owners->search, owners_on_socket, &look);
        /* Neither is to keep the other from its share. */
        if (units_number(owners->units) % 2 == 0) {
                owners_search_units(owners);
                owners_search_in(owners, /* unit= */ NULL);
        } else {
                owners_search_in(owners, /* unit= */ NULL);
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
                    owners_is_asked_for(owners, &owners->entries[i]))
                        return true;

        return false;
}

void owners_report(const Owners *owners, Sample *sample) {
        uint64_t n_not_permitted = 0;

        for (uint32_t i = 0; i < owners->n_entries; i++)
                n_not_permitted += owners->entries[i].last_used == units_number(owners->units) &&
                                   owners->entries[i].owner.state == OWNER_NOT_PERMITTED;

        sample_set(sample, VALUE_OWNERS_NOT_PERMITTED, n_not_permitted);
        sample_set(sample, VALUE_OWNERS_WANT_READ_SEARCH,
                   n_not_permitted > 0 && owners->search.wants_read_search);
        sample_set(sample, VALUE_OWNERS_WANT_PTRACE, n_not_permitted > 0 && owners->search.wants_ptrace);
}
