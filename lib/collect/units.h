/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Units: from a cgroup to a name, and what one sample counts for it
 *
 * A unit is a systemd unit, a container, or any other cgroup by its path
 * (kernel/cgroup_unit.h). A socket leads to it by the id of its cgroup, a process
 * by the path. Collectors add to `row` of the units that they meet; at the end of
 * the sample those become the table of units.
 *
 * When a socket brings an id that is not known, the tree of cgroups is read anew:
 * at most so often that it takes one part in a hundred of the time. A cgroup that
 * is gone keeps its name for as long as sockets carry it.
 *
 * A pointer to a unit is good for this sample, and for the next ones if
 * units_touch() is called for it in each.
 */

#include <sys/types.h>

#include "base/macro.h"
#include "collect/bounds.h"
#include "collect/walk.h"
#include "kernel/sources.h"
#include "store/sample.h"

/* Units that are told apart; as many cgroups again may lead to them. */
#define UNITS_TRACKED_MAX   8192
#define CGROUPS_TRACKED_MAX 32768

struct Process;

/* Where a search through the descriptors of processes is; all 0: there is none. */
typedef struct FdSearchPlace {
        bool goes_on;     /* in the next sample */
        bool was_refused; /* in some process */
        pid_t last_pid;
        bool is_waited_for;   /* by somebody, so it does not take its time; kept by owners.h */
        uint64_t looked_into; /* number of the sample */
} FdSearchPlace;

typedef struct Unit {
        UnitRow row;     /* its name, and what this sample counted */
        bool is_manager; /* systemd, or one of a user: sockets that it made belong to somebody else */
        bool is_socket;  /* "foo.socket": the same; where systemd filters by eBPF, it makes them in there */
        bool is_chosen;  /* it had a row of its own in the last sample */
        uint64_t id;     /* of its name: the same when it comes back, and another unit has another one */
        bool had_processes; /* in the last sample */
        bool is_suspect;    /* the next walk is to tell suspects.h of its CLOSE_WAIT sockets */
        uint64_t last_used; /* number of the sample */

        const struct Process *processes; /* that are known, in order of pid; kept by processes.h */

        FdSearchPlace search; /* in the descriptors of its processes; kept by fd_search.h */
} Unit;

typedef struct Units Units;

/* Return: 0, -ENOMEM, or the errno of getrandom(2). A host without cgroup2 is no error: nothing has a name
 * then. */
_warn_unused_ int units_new(const Sources *sources, Units **ret);

Units *units_free(Units *units);
DEFINE_CLEANUP(Units *, units_free)

/* Begins a sample: what is counted of processes is 0. What walks counted of sockets stays until the next. */
void units_begin(Units *units);

/* Begins a walk: what it is to count is 0. */
void units_begin_walk(Units *units, Walk walk);

/**
 * units_find() - the unit of a cgroup
 * @cgroup_id:  as sock_diag tells it, not 0
 *
 * Return: never NULL: units_unattributed() if its name cannot be found out, or
 * units_overflow() if there are more than UNITS_TRACKED_MAX.
 */
Unit *units_find(Units *units, uint64_t cgroup_id);

/* The unit of a path below the root of cgroup2, as /proc/PID/cgroup tells it. Never NULL. */
Unit *units_find_path(Units *units, const char *path, size_t size);

/* For what belongs to no unit that could be found out. */
Unit *units_unattributed(Units *units);

/* For units beyond the bounds: they have no row but `other`. */
Unit *units_overflow(Units *units);

/* Whether sockets of this sample are among what belongs to those. */
bool units_has_overflow_sockets(const Units *units);

/* All that are known, in no order; a slot may be free and have no name. */
size_t units_count(const Units *units);
Unit *units_get(Units *units, size_t i);

/* The unit of that name, or NULL. */
Unit *units_get_named(Units *units, const char *name);

/* Whether it makes sockets to pass them on to the unit that they are for (socket activation). */
static inline bool unit_passes_on(const Unit *unit) {
        return unit->is_manager || unit->is_socket;
}

static inline void units_touch(Unit *unit, uint64_t number) {
        unit->last_used = number;
}

/* Sockets of all states. */
uint64_t unit_row_count_sockets(const UnitRow *row);

/* Takes back what such a walk counted, or what was counted of processes. */
void unit_row_forget_sockets(UnitRow *row, Walk walk);
void unit_row_forget_processes(UnitRow *row);

/* The number of this sample, for units_touch(). */
uint64_t units_number(const Units *units);

/* At the begin of a sample: whether what was last met in the sample of that number may still be in use. It
 * is kept for sixty samples, and until a full walk did not meet it. */
bool units_is_recent(const Units *units, uint64_t last_used);

/**
 * units_make_rows() - end a sample: the units that have something become rows
 *
 * The busiest, by sockets and descriptors, have rows of their own; those that had
 * one stay unless another is busier by a quarter. Sets VALUE_UNITS_FOLDED and
 * VALUE_UNITS_TRUNCATED. What was not attributed is always a row of its own, once
 * there was anything.
 */
void units_make_rows(Units *units, const Bounds *bounds, Sample *sample);
