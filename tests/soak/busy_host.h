/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A host at work: 50 listeners, 100 units, and what belongs to them
 *
 * 40 UNIX listeners, 10 UDP sockets, 20 processes and 20 destinations too, with
 * names as long as real ones. From one second to the next every row changes, in
 * each of the numbers that work changes on a real host, and by as much: states,
 * queues and their bytes, peaks, drops, descriptors. The same for each who asks.
 */

#include "store/sample.h"

#define BUSY_LISTENERS      50
#define BUSY_UNIX_LISTENERS 40
#define BUSY_UDP_SOCKETS    10
#define BUSY_UNITS          100
#define BUSY_PROCESSES      20
#define BUSY_DESTINATIONS   20

/* The first second. */
void busy_host_begin(Sample *ret, usec_t realtime_usec, usec_t boottime_usec);

/* Makes of one second the next one. */
void busy_host_go_on(Sample *sample);
