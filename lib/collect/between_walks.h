/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * ESTABLISHED and TIME_WAIT between full walks, from the kernel's own counters
 *
 * The kernel counts both by itself, but not under those names:
 *
 *   CurrEstab (/proc/net/snmp)   ESTABLISHED and CLOSE_WAIT, from Linux 6.10 and
 *                                its backports on; before that ESTABLISHED alone
 *                                (tcp_set_state(), net/ipv4/tcp.c)
 *   tw (/proc/net/sockstat)      the mini-sockets that stand for TIME_WAIT, and
 *                                for FIN_WAIT2 too (tcp_time_wait(),
 *                                net/ipv4/tcp_minisocks.c); the dump tells the
 *                                state that each stands for
 *
 * A version number does not tell which kernel this is, so each full walk is held
 * against the counters, read before and behind it. While connections come and go
 * they need not agree: by how much is bounded by how many did. Only where one
 * meaning is within that bound and the other is not has something been learned. Where
 * both are, because few or none are in CLOSE_WAIT, the number is derived for as long
 * as walks find none in it, as then both say the same; and if at some time neither
 * fits, nothing is.
 *
 * Pure functions.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/macro.h"

/* What the kernel counts. */
typedef struct StateCounters {
        uint64_t current_established; /* CurrEstab */
        uint64_t time_wait_allocated; /* tw */
        uint64_t n_opens;             /* ActiveOpens and PassiveOpens, which only rise */
} StateCounters;

/* What walks counted. */
typedef struct StateCounts {
        uint64_t n_established;
        uint64_t n_time_wait;
        uint64_t n_close_wait;
        uint64_t n_opening;        /* SYN_SENT and SYN_RECV */
        uint64_t n_mini_fin_wait2; /* mini-sockets that stand for FIN_WAIT2 */
} StateCounts;

typedef enum EstablishedMeaning {
        ESTABLISHED_UNKNOWN,        /* not learned yet, or it fits neither */
        ESTABLISHED_EITHER,         /* it fits both */
        ESTABLISHED_ALONE,          /* CurrEstab counts ESTABLISHED */
        ESTABLISHED_AND_CLOSE_WAIT, /* and CLOSE_WAIT with it */
} EstablishedMeaning;

/* What was learned. Zero-initialised: nothing yet. */
typedef struct Derivation {
        EstablishedMeaning established;
        bool has_time_wait; /* tw was what the last full walk found */
        uint64_t slack;     /* by how much that walk and the counters need not have agreed */
} Derivation;

/**
 * derivation_learn() - hold a full walk against the counters
 * @before, @behind: read before the walk began and after it ended
 */
void derivation_learn(Derivation *derivation,
                      const StateCounters *before,
                      const StateCounters *behind,
                      const StateCounts *walk);

/**
 * derivation_established(), derivation_time_wait() - the number now
 * @now:        the counters
 * @counts:     what the last walks counted; of a rare one all but the number that is asked for is good
 *
 * Return: false if it cannot be derived: not learned, or what was counted is more
 * than there is now.
 */
bool derivation_established(const Derivation *derivation,
                            const StateCounters *now,
                            const StateCounts *counts,
                            uint64_t *ret);
bool derivation_time_wait(const Derivation *derivation,
                          const StateCounters *now,
                          const StateCounts *counts,
                          uint64_t *ret);
