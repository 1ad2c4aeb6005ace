/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where cgroup2 is mounted, from /proc/PID/mountinfo
 *
 * A pure parser (proc_pid_mountinfo(5)). The mount is found by its type, since
 * its place differs: /sys/fs/cgroup, or /sys/fs/cgroup/unified where the older
 * hierarchies are in use as well.
 */

#include <limits.h>
#include <stddef.h>

#include "base/macro.h"

/**
 * mountinfo_find_cgroup2() - the mount point of the cgroup2 tree
 * @ret_path:   NUL-terminated, octal escapes (\040) resolved
 *
 * If there are several: the first that shows the tree from its root, or else the
 * first. A line that is malformed, or whose mount point does not fit, is passed
 * over.
 *
 * Return: 0, or -ENOENT if there is none.
 */
_warn_unused_ int mountinfo_find_cgroup2(const char *text, size_t size, char ret_path[static PATH_MAX]);
