/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How long names may be, wherever they stand
 *
 * All are NUL-terminated, and zeros fill what is behind them: rows that hold
 * names are compared and packed as bytes.
 */

/* "nginx.service", "user@1000.service/foo.service", "pod/…/0123456789ab", "/any/other/cgroup" */
#define UNIT_NAME_SIZE 128

/* A process's own: /proc/PID/comm, at most 15 bytes (proc_pid_comm(5)). */
#define PROCESS_NAME_SIZE 16

/* A UNIX socket's: sun_path of 108 bytes (unix(7)); an abstract one begins with "@". */
#define UNIX_PATH_SIZE 112

/* What cannot be the name of any unit: these rows stand for many. */
#define UNIT_OTHER        "other"        /* folded, as there were more than the table is to hold */
#define UNIT_UNATTRIBUTED "unattributed" /* whose it is could not be found out */
