/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The cgroup of a process, from /proc/PID/cgroup
 *
 * A pure parser (cgroups(7)). Each line is of one hierarchy, ID:CONTROLLERS:PATH;
 * that of cgroup2 has 0 and no controllers, and stands beside others on hosts
 * that use the older hierarchies as well.
 */

#include <stddef.h>

#include "base/macro.h"

/**
 * proc_cgroup_parse() - the path in the cgroup2 tree
 * @ret_path:   within @text, not NUL-terminated; begins with "/"
 *
 * The kernel adds " (deleted)" when the cgroup was removed under a process that
 * is about to end. It is stripped, also from a cgroup that is named so.
 *
 * Return: 0, -ENOENT if there is no such line, or -EBADMSG if a line up to it is
 * malformed or cut short: half of a path would name another cgroup.
 */
_warn_unused_ int proc_cgroup_parse(const char *text, size_t size, const char **ret_path, size_t *ret_size);
