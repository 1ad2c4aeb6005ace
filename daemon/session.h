/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the daemon's session weighs beside others
 *
 * Where the scheduler groups by session (autogroup, sched(7)), all sessions weigh the same, whatever their
 * threads ask for, and each has a nice value in /proc/PID/autogroup. A rare walk is one step, of 10 ms at
 * 100,000 sockets: it cannot rest (collect/pace.h), so for that long the session is made as light as can be,
 * and the walk takes what others leave.
 *
 * That is so for all the daemon does, so it is for a walk of one step alone, and not for longer than
 * it takes and a tenth of a second: so often may a nice value be set on a host without CAP_SYS_ADMIN
 * (proc_sched_autogroup_set_nice(), kernel/sched/autogroup.c).
 *
 * The session is the daemon's own if it leads it, as a service does. Another one, say that of a shell, is
 * left alone, and so is one whose nice value somebody chose.
 */

#include <stdatomic.h>
#include <stdbool.h>

#include "base/clock.h"

/* When session_restore() may be tried again. */
#define SESSION_PAUSE_USEC (100 * USEC_PER_MSEC)

typedef struct Session {
        int fd; /* -1: it is not to be touched */
        _Atomic bool is_light;
} Session;

/* Finds out whether the session is the daemon's own. To be closed with session_done(). */
void session_init(Session *ret);

/* May be called twice. What the session weighs stays as it is. */
void session_done(Session *session);

/* Makes it light. Whoever calls this sees to it that session_restore() follows, be it from another thread.
 */
void session_lighten(Session *session);

/* As it was. Return: false if it cannot be now, and is to be tried again. */
bool session_restore(Session *session);
