/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What collectors are bounded by
 *
 * Plain data, copied from hand to hand: whoever asks for a sample says how much
 * of it is wanted. The maxima are what a Sample has room for.
 */

#include <stdint.h>

#include "base/clock.h"
#include "collect/walk.h"
#include "store/table.h"

#define BOUNDS_LISTENERS_MAX        LISTENERS_MAX
#define BOUNDS_UNIX_LISTENERS_MAX   UNIX_LISTENERS_MAX
#define BOUNDS_UDP_SOCKETS_MAX      UDP_SOCKETS_MAX
#define BOUNDS_UNITS_MAX            UNITS_MAX
#define BOUNDS_PROCESSES_MAX        PROCESSES_MAX
#define BOUNDS_DESTINATIONS_MAX     DESTINATIONS_MAX
#define BOUNDS_PEAK_WINDOW_MIN_USEC USEC_PER_SEC
#define BOUNDS_PEAK_WINDOW_MAX_USEC USEC_PER_HOUR

typedef struct Bounds {
        /* Most rows of each table, 1 to the maximum above; the row `other`, which adds up the rest, is not
         * counted. */
        uint32_t n_listeners;
        uint32_t n_unix_listeners;
        uint32_t n_udp_sockets;
        uint32_t n_units;
        uint32_t n_processes;
        uint32_t n_destinations;

        usec_t peak_window_usec; /* over which peaks are taken */

        /* The share of one core that walks over all TCP sockets may take, 0 to WALK_BUDGET_ONE; 0: there
         * are none. */
        uint32_t walk_budget_millionths;
} Bounds;

extern const Bounds bounds_default;
