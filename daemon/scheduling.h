/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whom a thread lets go first
 *
 * A walk over many sockets takes a processor for a tenth of a second and more, nearly
 * all of it in the kernel. Who wakes up there has to wait until it has used up its
 * slice, which the scheduler looks at every few milliseconds: a scrape does, and
 * so does whatever the host is there for. So the thread asks for the shortest slices
 * and pushes nobody off when it wakes up; and what takes long it does as SCHED_IDLE:
 * that gives way at once to whoever wakes up (wakeup_preempt_fair(), kernel/sched/fair.c).
 * A nice value of 19 does so by chance: its turn may have come.
 *
 * Policy and nice value count among those that the scheduler compares with each other: all
 * of the host, or all of one control group that has a cpu.weight, or all of one session
 * where it groups by these (autogroup, sched(7)). So a scrape does not wait for a walk, and
 * towards other services, where these are groups of their own, a walk is one of equals,
 * with short slices; for these it rests (collect/pace.h).
 *
 * Measured with a walk a second at 1,000,000 sockets on two cores, p99 of a scrape in
 * each of five turns: 0.15 to 0.24 ms without walks and 0.15 to 0.22 ms as it is; with nice
 * value 19 it was 3.6 ms in two of five, and with short slices alone 3.8 ms in three.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct Scheduling {
        pid_t thread;
        bool is_ours; /* nobody chose a policy for it */
} Scheduling;

/**
 * scheduling_init() - for the thread that calls
 *
 * Asks for slices of a tenth of a millisecond instead of one to four (protect_slice(),
 * kernel/sched/fair.c; Linux 6.12 and later) and for SCHED_BATCH (sched(7)). A
 * policy other than SCHED_OTHER, as somebody chose it, is left alone; and where a
 * sandbox forbids it nothing changes.
 */
void scheduling_init(Scheduling *ret);

/**
 * scheduling_step_aside() - let everybody else go first
 *
 * Beside others of its group that are busy it gets next to nothing then, a three hundredth of
 * a processor (WEIGHT_IDLEPRIO, kernel/sched/sched.h): whoever calls
 * this sees to it that scheduling_return() comes after a while, from any thread.
 * Does nothing where the way back is not allowed, which takes CAP_SYS_NICE or an
 * RLIMIT_NICE (getrlimit(2)) that has room for the thread's own nice value (sched(7)).
 */
void scheduling_step_aside(const Scheduling *scheduling);

/* Its own share again. Any thread may call it, at any time. */
void scheduling_return(const Scheduling *scheduling);
