/* SPDX-License-Identifier: Apache-2.0 */

/* Whom a thread lets go first */

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/scheduling.h"
#include "kernel/capability.h"

/* The least that may be asked for (__setparam_fair(), kernel/sched/fair.c). */
#define SCHEDULING_SLICE_NSEC (NSEC_PER_SEC / 10000)

/* struct sched_attr of linux/sched/types.h, which cannot be included beside glibc's sched.h. */
typedef struct SchedulingAttributes {
        uint32_t size;
        uint32_t policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime_nsec; /* of a fair policy: its slice */
        uint64_t deadline_nsec;
        uint64_t period_nsec;
} SchedulingAttributes;

/* The nice value is kept, also with SCHED_IDLE, where it has no meaning: somebody may have changed it. */
static int32_t scheduling_nice(const Scheduling *scheduling) {
        return getpriority(PRIO_PROCESS, (id_t)scheduling->thread);
}

static void scheduling_set(const Scheduling *scheduling, uint32_t policy) {
        SchedulingAttributes attributes = {
                .size = sizeof attributes,
                .policy = policy,
                .nice = scheduling_nice(scheduling),
                .runtime_nsec = SCHEDULING_SLICE_NSEC,
        };

        (void)syscall(SYS_sched_setattr, scheduling->thread, &attributes, 0);
}

/* What may be asked for is told as 1 to 40, for nice values of 19 to -20. */
static bool scheduling_may_become(int32_t nice) {
        struct rlimit limit;

        return capability_is_effective(CAP_SYS_NICE) ||
               (getrlimit(RLIMIT_NICE, &limit) == 0 && limit.rlim_cur >= (rlim_t)(20 - nice));
}

void scheduling_init(Scheduling *ret) {
        SchedulingAttributes attributes = { 0 };

        *ret = (Scheduling){ .thread = gettid() };
        if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) < 0 ||
            (attributes.policy != SCHED_OTHER && attributes.policy != SCHED_BATCH))
                return;

        ret->is_ours = true;
        scheduling_set(ret, SCHED_BATCH);
}

void scheduling_step_aside(const Scheduling *scheduling) {
        if (scheduling->is_ours && scheduling_may_become(scheduling_nice(scheduling)))
                scheduling_set(scheduling, SCHED_IDLE);
}

void scheduling_return(const Scheduling *scheduling) {
        if (scheduling->is_ours)
                scheduling_set(scheduling, SCHED_BATCH);
}
