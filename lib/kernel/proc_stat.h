/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * /proc/PID/stat and the limit of descriptors in /proc/PID/limits
 *
 * Pure parsers (proc_pid_stat(5), proc_pid_limits(5)).
 */

#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

/* In the kernel's units: clock ticks (sysconf(_SC_CLK_TCK)), bytes, pages. */
typedef struct ProcStat {
        uint64_t flags;
        uint64_t user_ticks;
        uint64_t system_ticks;
        uint64_t start_ticks; /* since boot */
        uint64_t virtual_bytes;
        uint64_t resident_pages;
} ProcStat;

/* Of the flags: PF_KTHREAD of include/linux/sched.h. */
#define PROC_STAT_IS_KERNEL_THREAD UINT64_C(0x200000)

/**
 * proc_stat_parse() - the fields above from /proc/PID/stat
 *
 * The second field is the command's name and may hold blanks and parentheses;
 * fields are counted from the last one that closes.
 *
 * Return: 0, or -EBADMSG.
 */
_warn_unused_ int proc_stat_parse(const char *text, size_t size, ProcStat *ret);

/**
 * proc_limits_parse_open_files() - the soft limit "Max open files"
 *
 * Return: 0 with UINT64_MAX for "unlimited", or -EBADMSG if there is no such line.
 */
_warn_unused_ int proc_limits_parse_open_files(const char *text, size_t size, uint64_t *ret);
