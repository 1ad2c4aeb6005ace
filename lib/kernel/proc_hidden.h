/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whether /proc leaves out processes of others
 *
 * As it does where it is mounted with hidepid=2 or 4 (systemd: ProtectProc=
 * invisible or ptraceable), to whoever has not CAP_SYS_PTRACE and is not in the
 * group of gid= (proc(5); proc_pid_readdir() in fs/proc/base.c). Nothing is refused
 * then: they are not there. But each PID namespace has a process 1 for as long as
 * it lives, and if that is not there others are not either.
 */

#include <stdbool.h>

/* @proc_fd: its root; of a folder that is no procfs nothing is hidden */
bool proc_hides_processes(int proc_fd);
