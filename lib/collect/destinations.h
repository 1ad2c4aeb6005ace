/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Ephemeral ports in use, by destination
 *
 * A connection takes one of them for its source address, destination address and
 * destination port (connect(2), ip(7)), and keeps it in TIME_WAIT. So what runs
 * out is counted for those three together; of a destination that is reached from
 * several addresses the worst is told.
 *
 * Memory is bounded, whatever the host connects to: the most used are found by a
 * counter of frequent keys (base/frequent.h). As long as no more combinations are in
 * use than it has room for, all numbers are exact. Beyond that the row `other`
 * still has every port that no other row has: only whose they are is not known, and
 * the number of rows folded into it is the least that they can be.
 */

#include <linux/inet_diag.h>

#include "base/macro.h"
#include "collect/bounds.h"
#include "store/sample.h"

/* Combinations that are told apart; of more than these at least half as many. */
#define DESTINATIONS_TRACKED_MAX 1024

typedef struct Destinations Destinations;

/* Return: 0 or -ENOMEM. */
_warn_unused_ int destinations_new(Destinations **ret);

Destinations *destinations_free(Destinations *destinations);
DEFINE_CLEANUP(Destinations *, destinations_free)

/**
 * destinations_begin() - begin a walk
 * @first, @last: ports that connect(2) chooses from; 0 and 0: not known
 */
void destinations_begin(Destinations *destinations, uint16_t first, uint16_t last);

/* Counts a connection that this host opened. Ports that are no ephemeral ones are passed over. */
void destinations_add(Destinations *destinations, const struct inet_diag_msg *message);

/* Ends the walk: the most used are to become rows. */
void destinations_end(Destinations *destinations, const Bounds *bounds);

/* What the last walk found: its rows, VALUE_DESTINATIONS_FOLDED, VALUE_DESTINATIONS_TRUNCATED and
 * VALUE_DESTINATION_PORTS_MISSED. */
void destinations_make_rows(const Destinations *destinations, Sample *sample);
