/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How many descriptors a process has open
 *
 * From Linux 6.2 on, the size of /proc/PID/fd is their number; before, it is 0
 * and the folder has to be read, an entry each (proc_pid_fd(5)).
 */

#include <stdint.h>

#include "base/macro.h"

/**
 * proc_fd_count() - count them
 * @path:       of a folder of descriptors below @dir_fd, such as "self/fd"
 *
 * Return: 0, or the errno of stat(2), open(2) or readdir(3): -EACCES if that is
 * another user's process, -ENOENT if it is gone.
 */
_warn_unused_ int proc_fd_count(int dir_fd, const char *path, uint64_t *ret);
