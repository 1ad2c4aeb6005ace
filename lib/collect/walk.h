/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which walk over all TCP sockets comes with this sample
 *
 * A walk costs as much as the host has sockets, so it is paid from a budget: a
 * share of one core. There are three of them, each of which answers what the ones
 * before it ask:
 *
 *   rare  all states but ESTABLISHED and TIME_WAIT: the kernel passes over most
 *         sockets and copies few (the state is tested before the message is
 *         filled, inet_diag_dump_icsk(), net/ipv4/inet_diag.c). About a seventh
 *         of the next where that was just made, and up to a half of it minutes
 *         later, when the kernel's sockets are in no cache any more.
 *   full  those two as well, with queues and destinations.
 *   all   and sockets that are bound to a port and nothing more, for which the
 *         kernel walks over its table of ports too, that is over every socket
 *         that has one: an eighth more (55 ns a socket; Linux 6.8 and later).
 *
 * Each has a part of the budget, and comes again when its part has paid for the
 * last one of its kind:
 *
 *     full ├──────────────────── cost / part ────────────────────┤ full
 *     rare      ├─ cost / part ─┤ rare   ├──────────────┤ rare
 *
 * So on a host with few sockets each sample has a walk over all, and with ever
 * more of them walks become rarer and not dearer: over any time they take the
 * budget, and at most one of each more, and those that failed and are tried again.
 * For the very first one nothing was saved: until the whole budget has made up for
 * it, rare ones have half of their part.
 *
 * Pure: times and costs are told by the caller.
 */

#include "base/clock.h"
#include "base/macro.h"
#include "store/table.h"

typedef enum Walk {
        WALK_NONE,
        WALK_RARE,
        WALK_FULL,
        WALK_ALL,
        _WALKS,
} Walk;

static inline bool walk_is_full(Walk walk) {
        return walk >= WALK_FULL;
}

/* Whether a walk counts the sockets of this state. */
static inline bool walk_counts(Walk walk, StateIndex state) {
        switch (state) {
        case STATE_ESTABLISHED:
        case STATE_TIME_WAIT:
                return walk_is_full(walk);
        case STATE_BOUND_INACTIVE:
                return walk == WALK_ALL;
        default:
                return walk != WALK_NONE;
        }
}

/* Sets the counts to 0 that a walk is about to make. */
static inline void walk_clear_states(Walk walk, uint64_t states[static _STATES]) {
        for (unsigned state = 0; state < _STATES; state++)
                if (walk_counts(walk, state))
                        states[state] = 0;
}

/* The budget is a share of one core, in millionths. */
#define WALK_BUDGET_ONE 1000000

/* Zero-initialised: no walk was made yet. */
typedef struct WalkPlan {
        usec_t made_usec[_WALKS];   /* when the last of each kind began; 0: never */
        uint64_t cost_nsec[_WALKS]; /* CPU time of that */
        Walk failed;                /* the last one, if it failed; WALK_NONE: it did not */
        unsigned n_failed;          /* how many did, one after the other */
        usec_t retry_usec;          /* when it is to be tried again */
        usec_t first_usec;          /* when the first one began; 0: there was none */
        uint64_t first_nsec;        /* CPU time of that */
} WalkPlan;

/**
 * walk_plan_choose() - the walk that is due
 * @now_usec:   CLOCK_BOOTTIME
 * @budget_millionths: 0: none ever is
 *
 * The first is a full one, whatever it costs: nothing is known before. That over
 * all comes as soon as its part could have paid for what the first one cost.
 */
Walk walk_plan_choose(const WalkPlan *plan, usec_t now_usec, uint32_t budget_millionths);

/* A walk was made that began at @now_usec, by CLOCK_BOOTTIME, and took so much CPU time. */
void walk_plan_charge(WalkPlan *plan, Walk walk, usec_t now_usec, uint64_t cost_nsec);

/**
 * walk_plan_fail() - the same of one that failed
 *
 * What it was to count is not known until it is made again: after a second, then
 * two, four and so on, at the latest when it would have come anyway. No other walk
 * comes before it.
 */
void walk_plan_fail(WalkPlan *plan, Walk walk, usec_t now_usec, uint64_t cost_nsec);
