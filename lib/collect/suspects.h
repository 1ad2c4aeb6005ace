/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which process of a unit does not close its connections
 *
 * The few units with the most connections in CLOSE_WAIT that were accepted are
 * looked into, at once when there is the first and then every ten seconds: one walk
 * tells the inodes of those sockets, and the descriptors of that unit's processes,
 * and of no others, are searched for them. Where a unit has one process only there
 * is nothing to search, and no privilege is needed.
 */

#include "base/instant.h"
#include "base/macro.h"
#include "collect/processes.h"
#include "collect/units.h"
#include "kernel/sources.h"

#define SUSPECTS_MAX 3

/* With fewer of them a unit does not stand out. */
#define SUSPECTS_CLOSE_WAIT_MIN 16

typedef struct Suspect {
        ProcessKey key; /* the process that holds the most of them */
        pid_t pid;
        uint64_t n_close_wait; /* how many it holds; at least, if it has more than could be looked at */
} Suspect;

typedef struct Suspects Suspects;

/* Return: 0 or -ENOMEM. */
_warn_unused_ int
suspects_new(const Sources *sources, Units *units, const Processes *processes, Suspects **ret);

Suspects *suspects_free(Suspects *suspects);
DEFINE_CLEANUP(Suspects *, suspects_free)

/* During a walk: a socket in CLOSE_WAIT, that was accepted, of a unit that is_suspect. */
void suspects_add(Suspects *suspects, const Unit *unit, uint64_t inode);

/* Once a sample: goes on with what is being looked into. @was_walked: with this sample came a walk. */
void suspects_step(Suspects *suspects, bool was_walked, Instant now);

/* Forgets what was found out, as no walk tells any more whether it still holds. */
void suspects_clear(Suspects *suspects);

/* What was found out, as far as it still holds. */
size_t suspects_count(const Suspects *suspects);
const Suspect *suspects_get(const Suspects *suspects, size_t i);

/* When the walk was made by whose sockets it was found out. */
Instant suspects_counted_at(const Suspects *suspects);
