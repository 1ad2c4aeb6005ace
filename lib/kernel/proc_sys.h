/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The small files of /proc/sys: numbers on a line, and lists of port ranges
 *
 * Pure parsers (proc_sys(5)); the text may end in a newline.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

#define PROC_SYS_NUMBERS_MAX 4

/**
 * proc_sys_parse_numbers() - one to PROC_SYS_NUMBERS_MAX numbers and blanks
 *
 * Return: how many were stored in @ret_numbers, or -EBADMSG if the text is
 * anything else: empty, a negative number, one beyond 64 bits, too many.
 */
_warn_unused_ int
proc_sys_parse_numbers(const char *text, size_t size, uint64_t ret_numbers[static PROC_SYS_NUMBERS_MAX]);

/**
 * proc_sys_count_ports() - how many ports of a list lie in a range
 * @text:       as in ip_local_reserved_ports: "22,8080-8090", sorted or not,
 *              overlapping or not, or nothing
 * @first:      first port of the range
 * @last:       last port of the range, at most 65535
 *
 * Return: the count, each port once, or -EBADMSG if the text is not such a list.
 */
_warn_unused_ int proc_sys_count_ports(const char *text, size_t size, uint16_t first, uint16_t last);
