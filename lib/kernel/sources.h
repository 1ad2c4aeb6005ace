/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where facts come from: one netlink socket and the roots of /proc and /sys
 *
 * Collectors reach the kernel through this and through nothing else, so a test
 * can give them a folder, and another network namespace is another Sources.
 */

#include "base/macro.h"
#include "kernel/sock_diag.h"

typedef struct Sources {
        SockDiag *sock_diag;
        int proc_fd;
        int sys_fd;
} Sources;

/* Closed; what sources_done() takes. */
#define SOURCES_NULL ((Sources){ .proc_fd = -1, .sys_fd = -1 })

/**
 * sources_init() - open them all
 * @ret_what:   on failure, the one that could not be opened: @proc_root,
 *              @sys_root, or "netlink"; untouched on success
 *
 * Return: 0, or a negative errno of open(2) or of sock_diag_new().
 */
_warn_unused_ int
sources_init(Sources *sources, const char *proc_root, const char *sys_root, const char **ret_what);

/* May be called twice. */
void sources_done(Sources *sources);
