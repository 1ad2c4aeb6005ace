/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The descriptors of a process: how many, and which are sockets
 *
 * From Linux 6.2 on, the size of /proc/PID/fd is their number; before, it is 0
 * and the folder has to be read, an entry each (proc_pid_fd(5)).
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/macro.h"

/**
 * proc_fd_count() - count them
 * @path:       of a folder of descriptors below @dir_fd, such as "self/fd"
 *
 * Return: 0, or the errno of stat(2), open(2) or readdir(3): -EACCES if that is
 * another user's process, -ENOENT if it is gone.
 */
_warn_unused_ int proc_fd_count(int dir_fd, const char *path, uint64_t *ret);

/* The size of the folder, and nothing else: 0 on kernels before 6.2. Errors as of stat(2). */
_warn_unused_ int proc_fd_count_by_size(int dir_fd, const char *path, uint64_t *ret);

/* @fd: by which the process has it. Return: 0 to go on, or a negative errno that ends it and is handed to
 * the caller. */
typedef int (*proc_fd_fn)(unsigned fd, uint64_t inode, void *userdata);

/**
 * proc_fd_list_sockets() - visit the sockets among a process's lowest descriptors
 * @n_max:      most descriptors to look at
 * @ret_n_read: how many were looked at; set also on failure
 *
 * A link reads "socket:[INODE]" (proc_pid_fd(5)). Nothing is allocated.
 *
 * Return: 0, or the errno of open(2) (-EACCES with @ret_n_read 0: another user's
 * process, without CAP_DAC_READ_SEARCH), of readlink(2) (-EACCES: without
 * CAP_SYS_PTRACE) or of getdents(2), or what @visit returned.
 */
_warn_unused_ int proc_fd_list_sockets(
        int proc_fd, pid_t pid, size_t n_max, proc_fd_fn visit, void *userdata, size_t *ret_n_read);

/* Whether a descriptor of a process is this socket still; false as well where that may not be read. */
bool proc_fd_is_socket(int proc_fd, pid_t pid, unsigned fd, uint64_t inode);

/**
 * proc_fd_parse_socket() - the inode of "socket:[INODE]"
 *
 * Pure. Return: 0, or -EINVAL if the link is of another kind.
 */
_warn_unused_ int proc_fd_parse_socket(const char *link, size_t size, uint64_t *ret_inode);
