/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Samples for tests, taken as the daemon takes them
 *
 * What is asserted of a sample is asserted at once where the kernel has done its
 * part when the system call returns; where softirqs or timers have a part, the
 * test waits for the condition, with a deadline.
 */

#include <stdbool.h>

#include "base/clock.h"
#include "collect/collection.h"
#include "store/sample.h"
#include "suite.h"

#define AWAIT_SEC 15

/* Waits for a condition and fails the test when it has been in vain. */
#define AWAIT(condition)                                                                               \
        do {                                                                                           \
                usec_t begin_ = clock_usec(CLOCK_MONOTONIC);                                           \
                while (!(condition)) {                                                                 \
                        ck_assert_msg(clock_usec(CLOCK_MONOTONIC) - begin_ < AWAIT_SEC * USEC_PER_SEC, \
                                      "waited in vain for: " #condition);                              \
                        (void)usleep(1000);                                                            \
                }                                                                                      \
        } while (0)

typedef struct Watch {
        Sources sources;
        Bounds bounds; /* those of the product, until the test sets others */
        Collection *collection;
        Sample *sample;
} Watch;

/* Opens all sources of the real /proc and /sys, in the namespace that the test is in. */
void watch_begin(Watch *watch);
void watch_end(Watch *watch);

/* Takes a sample, whatever becomes of it; what is always true of one is asserted. */
const Sample *watch_try(Watch *watch);

/* Takes a sample; every collector has to succeed, and be complete. */
const Sample *watch_sample(Watch *watch);

/* Of a sample, or of the next sample of a watch; it has to be there. */
uint64_t sample_value(const Sample *sample, ValueId id);
uint64_t watch_value(Watch *watch, ValueId id);

/* The row of a listener, with its address as ss writes it. NULL if there is none. */
const ListenerRow *sample_listener(const Sample *sample, const char *address, uint16_t port);

/* Likewise in the next sample of a watch; it has to be there. */
const ListenerRow *watch_listener(Watch *watch, const char *address, uint16_t port);

/* Row of a unit, or of a cgroup of ours by its path. NULL if there is none. */
const UnitRow *sample_unit(const Sample *sample, const char *name);

/* Fails the test unless keys of rows are strictly ascending. */
void check_listeners_ascend(const Sample *sample);

/* Fails the test unless the units together have what the host has: every socket belongs to one row. */
void check_sums(const Sample *sample);

/* Indexed by SockState. */
#define N_STATES _SOCK_STATE_MAX

/* Waits until the numbers of all states are exactly these, and sees them stay so. */
void await_states(Watch *watch, const uint64_t expected[static N_STATES]);

#define AWAIT_STATES(watch, ...) await_states(watch, (const uint64_t[N_STATES]){ __VA_ARGS__ })
