/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The tree of cgroups: which there are, and which processes are in one
 *
 * The id of a cgroup, which the kernel tells of a socket in
 * INET_DIAG_CGROUP_ID, is the inode number of its directory (cgroup_id() in
 * include/linux/cgroup.h; on 32-bit machines the inode number is only the lower
 * half of it). So one walk over the directories leads from ids to paths. It
 * needs no privilege.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/macro.h"

/* How many folders below each other are visited, that of the root not counted. */
#define CGROUP_TREE_DEPTH_MAX 32

/**
 * cgroup_tree_open() - open the root of the cgroup2 tree
 * @proc_fd:    root of /proc, whose self/mountinfo tells where the tree is
 * @sys_fd:     root of /sys; what is mounted below /sys is opened below this
 * @ret_fd:     a folder, to be closed by the caller
 *
 * Return: 0, -ENOENT if there is no cgroup2 on this host, -EFBIG if it has
 * hundreds of thousands of mounts, -ENOMEM, or another negative errno of open(2)
 * or read(2).
 */
_warn_unused_ int cgroup_tree_open(int proc_fd, int sys_fd, int *ret_fd);

/**
 * cgroup_tree_fn - one cgroup
 * @path:       below the mount: "/", or "/system.slice/nginx.service"; lives as
 *              long as the call; not NUL-terminated
 *
 * Return: 0 to go on, or a negative errno that ends the walk and is handed to
 * its caller.
 */
typedef int (*cgroup_tree_fn)(uint64_t id, const char *path, size_t size, void *userdata);

/**
 * cgroup_tree_walk() - visit every cgroup, the root first, a parent before its children
 *
 * Follows a tree that changes: what is made or removed in the meantime may be
 * visited or not, and what may not be read is visited without its children.
 *
 * Allocates nothing; takes 150 KiB of stack and one descriptor per level at
 * most. Folders without children, which the link count tells, are not opened.
 * Cost on Linux 6.18, 5,000 cgroups in 50 slices: 11 ms, 32 ms the first time;
 * 50 ms if all were opened, with 20 files each, and real ones have more.
 *
 * Return: 0, 1 if there are cgroups deeper than CGROUP_TREE_DEPTH_MAX or with a
 * path of PATH_MAX or more, which were not visited; or what @visit returned if
 * that was negative; or a negative errno of open(2), fstat(2) or getdents(2),
 * such as -EMFILE.
 */
_warn_unused_ int cgroup_tree_walk(int root_fd, cgroup_tree_fn visit, void *userdata);

/**
 * cgroup_tree_read_processes() - the processes that are in a cgroup itself
 * @path:       as visited, NUL-terminated
 * @ret_pids:   receives at most @n_max, in no order; garbage on failure
 *
 * Left out are processes of another PID namespace, which the kernel tells as 0.
 * A process that moves or ends while the list is read may be missing or stand in
 * it twice (cgroup.procs in Documentation/admin-guide/cgroup-v2.rst).
 *
 * Return: 0, 1 if there were more than @n_max, -ENOENT or -ENODEV if the cgroup
 * is gone, -EOPNOTSUPP if it is a threaded one, which has no list of its own,
 * -ENAMETOOLONG, -EBADMSG if the list is malformed, or another negative errno of
 * open(2) or read(2).
 */
_warn_unused_ int
cgroup_tree_read_processes(int root_fd, const char *path, pid_t *ret_pids, size_t n_max, size_t *ret_n);
