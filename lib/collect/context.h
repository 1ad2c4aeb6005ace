/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What collectors share: where facts come from, and whose sockets are whose
 *
 * The collection owns all of it and prepares it for each sample. Collectors run
 * one after the other on one thread, so a later one builds on what an earlier one
 * found: the walk over all sockets on the listeners, for example.
 */

#include "collect/bounds.h"
#include "collect/listeners.h"
#include "collect/owners.h"
#include "collect/processes.h"
#include "collect/suspects.h"
#include "collect/units.h"
#include "collect/walk.h"
#include "kernel/sources.h"

typedef struct CollectContext {
        const Sources *sources;
        const Bounds *bounds; /* of this sample */
        usec_t now_usec;      /* CLOCK_BOOTTIME at which this sample began */
        Walk walk;            /* over all TCP sockets, that comes with this sample */
        bool is_hurried;      /* whatever is spread over time may be done at once */
        bool is_repeat; /* the collector is not to ask, but to tell again what it found the last time */

        /* Ports that connect(2) chooses from, set by the collector of limits; 0 and 0: not known. */
        uint16_t first_port;
        uint16_t last_port;

        Units *units;
        Processes *processes;
        Owners *owners;
        Listeners *listeners;
        Suspects *suspects;
} CollectContext;
