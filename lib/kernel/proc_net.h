/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The tables of counters below /proc/net
 *
 * Three layouts, three pure parsers, one visitor. Each number is visited under
 * the names that the kernel writes beside it, so neither order nor count of the
 * fields matters, and fields of newer kernels go by unnoticed.
 *
 *   snmp, netstat         sockstat, sockstat6           snmp6
 *   Tcp: InSegs OutSegs   TCP: inuse 5 orphan 0 tw 2    Ip6InReceives   17
 *   Tcp: 1215 722         UDP: inuse 0 mem 0            Udp6NoPorts     0
 */

#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

/* One number with its names, which are not NUL-terminated and live as long as the call. */
typedef struct ProcNetField {
        const char *group; /* "Tcp"; of size 0 in snmp6 */
        size_t group_size;
        const char *name; /* "RetransSegs" */
        size_t name_size;
        uint64_t value;
} ProcNetField;

typedef void (*proc_net_fn)(const ProcNetField *field, void *userdata);

/* What all three parsers have in common, besides the layout:
 *
 * Negative numbers (Tcp MaxConn is -1, "no limit") and numbers beyond 64 bits
 * are passed over: none of them counts anything.
 *
 * Return: 0, or -EBADMSG if a line is not of the layout. What was visited
 * before a bad line is to be thrown away by the caller.
 */
typedef int (*proc_net_parse_fn)(const char *text, size_t size, proc_net_fn visit, void *userdata);

/* Pairs of lines, names and numbers, that begin with the same group. More
 * names than numbers, or the reverse, is -EBADMSG. */
_warn_unused_ int proc_net_parse_paired(const char *text, size_t size, proc_net_fn visit, void *userdata);

/* A group, then names and numbers in turn. */
_warn_unused_ int proc_net_parse_inline(const char *text, size_t size, proc_net_fn visit, void *userdata);

/* One name and one number a line, no group. */
_warn_unused_ int proc_net_parse_listed(const char *text, size_t size, proc_net_fn visit, void *userdata);
