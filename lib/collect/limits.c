/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The limits that sockets run into, each a small file below /proc/sys
 *
 * Three may be absent, and nothing failed: tcp_mem and tcp_max_orphans exist in
 * the first network namespace only, conntrack's where its module is loaded. All
 * others are everywhere.
 */

#include <errno.h>

#include "base/kept_file.h"
#include "collect/collector.h"
#include "kernel/proc_sys.h"

/* Of a file of numbers, and of the list of reserved ports on most hosts. For each read of a sysctl the
 * kernel clears as many bytes as are asked for (proc_sys_call_handler(), fs/proc/proc_sysctl.c).
 */
#define LIMITS_TEXT_BYTES       256
#define LIMITS_PORTS_TEXT_BYTES (64 * 1024)

/* Files that hold one number, which is the value as it is. */
static const struct {
        ValueId id;
        bool may_be_absent;
} plain_limits[] = {
        { VALUE_SOMAXCONN, false },         { VALUE_TCP_MAX_SYN_BACKLOG, false },
        { VALUE_TCP_MAX_TIME_WAIT, false }, { VALUE_TCP_MAX_ORPHANS, true },
        { VALUE_CONNTRACK_MAX, true },      { VALUE_CONNTRACK_ENTRIES, true },
};

/* The numbers of tcp_mem, in pages, in the order of the file. */
static const ValueId memory_limits[] = {
        VALUE_TCP_MEMORY_LOW_BYTES,
        VALUE_TCP_MEMORY_PRESSURE_BYTES,
        VALUE_TCP_MEMORY_MAX_BYTES,
};

typedef struct Limits {
        CollectContext *context;
        KeptFile plain[ELEMENTSOF(plain_limits)];
        KeptFile memory;
        KeptFile port_range;
        KeptFile reserved_ports;
} Limits;

/* Returns how many numbers the file holds, at least one. */
static int
limits_read(const Limits *limits, KeptFile *file, uint64_t ret_numbers[static PROC_SYS_NUMBERS_MAX]) {
        char text[LIMITS_TEXT_BYTES];
        size_t length;
        int r;

        r = kept_file_read(file, limits->context->sources->proc_fd, text, sizeof text, &length);
        if (r < 0)
                return r;

        return proc_sys_parse_numbers(text, length, ret_numbers);
}

static int limits_collect_plain(Limits *limits, Sample *sample) {
        uint64_t numbers[PROC_SYS_NUMBERS_MAX];
        int n;

        for (size_t i = 0; i < ELEMENTSOF(plain_limits); i++) {
                n = limits_read(limits, &limits->plain[i], numbers);
                if (n == -ENOENT && plain_limits[i].may_be_absent)
                        continue;
                if (n < 0)
                        return n;

                sample_set(sample, plain_limits[i].id, numbers[0]);
        }

        return 0;
}

static int limits_collect_memory(Limits *limits, Sample *sample) {
        uint64_t numbers[PROC_SYS_NUMBERS_MAX], page_bytes = (uint64_t)sysconf(_SC_PAGESIZE), bytes;
        int n;

        n = limits_read(limits, &limits->memory, numbers);
        if (n < 0)
                return n == -ENOENT ? 0 : n;
        if ((size_t)n < ELEMENTSOF(memory_limits))
                return -EBADMSG;

        for (size_t i = 0; i < ELEMENTSOF(memory_limits); i++)
                if (!__builtin_mul_overflow(numbers[i], page_bytes, &bytes))
                        sample_set(sample, memory_limits[i], bytes);

        return 0;
}

static int limits_count_ports(Limits *limits, char *text, size_t size, uint16_t first, uint16_t last) {
        size_t length;
        int r;

        r = kept_file_read(&limits->reserved_ports, limits->context->sources->proc_fd, text, size, &length);
        return r < 0 ? r : proc_sys_count_ports(text, length, first, last);
}

/* Returns how many of these ports are set apart. */
static int limits_count_reserved_ports(Limits *limits, uint16_t first, uint16_t last) {
        char text[LIMITS_TEXT_BYTES], long_text[LIMITS_PORTS_TEXT_BYTES];
        int n;

        n = limits_count_ports(limits, text, sizeof text, first, last);
        if (n == -EFBIG)
                n = limits_count_ports(limits, long_text, sizeof long_text, first, last);
        return n == -ENOENT ? 0 : n;
}

/* Ports that connect(2) may choose from: the range less those set apart (ip(7)). */
static int limits_collect_ports(Limits *limits, Sample *sample) {
        uint64_t range[PROC_SYS_NUMBERS_MAX];
        uint16_t first, last;
        int n;

        n = limits_read(limits, &limits->port_range, range);
        if (n < 0)
                return n;
        if (n < 2 || range[0] > range[1] || range[1] > UINT16_MAX)
                return -EBADMSG;

        limits->context->first_port = first = (uint16_t)range[0];
        limits->context->last_port = last = (uint16_t)range[1];

        n = limits_count_reserved_ports(limits, first, last);
        if (n < 0)
                return n;

        sample_set(sample, VALUE_EPHEMERAL_PORTS, (uint64_t)(last - first + 1 - n));
        return 0;
}

static int limits_open(CollectContext *context, void **ret_state) {
        Limits *limits;

        limits = calloc(1, sizeof *limits);
        if (!limits)
                return -ENOMEM;

        limits->context = context;
        for (size_t i = 0; i < ELEMENTSOF(plain_limits); i++)
                limits->plain[i] = KEPT_FILE(value_infos[plain_limits[i].id].source);
        limits->memory = KEPT_FILE(value_infos[memory_limits[0]].source);
        limits->port_range = KEPT_FILE(value_infos[VALUE_EPHEMERAL_PORTS].source);
        limits->reserved_ports = KEPT_FILE("sys/net/ipv4/ip_local_reserved_ports");
        *ret_state = limits;
        return 0;
}

static int limits_collect(void *state, Sample *sample) {
        Limits *limits = state;
        int r;

        r = limits_collect_plain(limits, sample);
        if (r < 0)
                return r;

        r = limits_collect_memory(limits, sample);
        if (r < 0)
                return r;

        return limits_collect_ports(limits, sample);
}

static void limits_close(void *state) {
        Limits *limits = state;

        if (!limits)
                return;

        for (size_t i = 0; i < ELEMENTSOF(limits->plain); i++)
                kept_file_done(&limits->plain[i]);
        kept_file_done(&limits->memory);
        kept_file_done(&limits->port_range);
        kept_file_done(&limits->reserved_ports);
        free(limits);
}

const Collector limits_collector = {
        .id = COLLECTOR_LIMITS,
        .cost = COLLECTOR_COST_TICK,
        .open = limits_open,
        .collect = limits_collect,
        .close = limits_close,
};
