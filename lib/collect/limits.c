/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The limits that sockets run into, each a small file below /proc/sys
 *
 * Three may be absent, and nothing failed: tcp_mem and tcp_max_orphans exist in
 * the first network namespace only, conntrack's where its module is loaded. All
 * others are everywhere.
 */

#include <errno.h>

#include "base/file.h"
#include "collect/collector.h"
#include "kernel/proc_sys.h"

/* A file of the list below may hold a page; the list of reserved ports may be longer. */
#define LIMITS_TEXT_BYTES_MAX (64 * 1024)

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

/* Returns how many numbers the file holds, at least one. */
static int
limits_read(const Sources *sources, const char *path, uint64_t ret_numbers[static PROC_SYS_NUMBERS_MAX]) {
        char text[256];
        size_t length;
        int r;

        r = file_read_at(sources->proc_fd, path, text, sizeof text, &length);
        if (r < 0)
                return r;

        return proc_sys_parse_numbers(text, length, ret_numbers);
}

static int limits_collect_plain(const Sources *sources, Sample *sample) {
        uint64_t numbers[PROC_SYS_NUMBERS_MAX];
        int n;

        for (size_t i = 0; i < ELEMENTSOF(plain_limits); i++) {
                n = limits_read(sources, value_infos[plain_limits[i].id].source, numbers);
                if (n == -ENOENT && plain_limits[i].may_be_absent)
                        continue;
                if (n < 0)
                        return n;

                sample_set(sample, plain_limits[i].id, numbers[0]);
        }

        return 0;
}

static int limits_collect_memory(const Sources *sources, Sample *sample) {
        uint64_t numbers[PROC_SYS_NUMBERS_MAX], page_bytes = (uint64_t)sysconf(_SC_PAGESIZE), bytes;
        int n;

        n = limits_read(sources, value_infos[memory_limits[0]].source, numbers);
        if (n < 0)
                return n == -ENOENT ? 0 : n;
        if ((size_t)n < ELEMENTSOF(memory_limits))
                return -EBADMSG;

        for (size_t i = 0; i < ELEMENTSOF(memory_limits); i++)
                if (!__builtin_mul_overflow(numbers[i], page_bytes, &bytes))
                        sample_set(sample, memory_limits[i], bytes);

        return 0;
}

/* Ports that connect(2) may choose from: the range less those set apart (ip(7)). */
static int limits_collect_ports(CollectContext *context, Sample *sample) {
        const Sources *sources = context->sources;
        uint64_t range[PROC_SYS_NUMBERS_MAX];
        char text[LIMITS_TEXT_BYTES_MAX];
        size_t length;
        int n, r;

        n = limits_read(sources, value_infos[VALUE_EPHEMERAL_PORTS].source, range);
        if (n < 0)
                return n;
        if (n < 2 || range[0] > range[1] || range[1] > UINT16_MAX)
                return -EBADMSG;

        context->first_port = (uint16_t)range[0];
        context->last_port = (uint16_t)range[1];

        n = 0;
        r = file_read_at(sources->proc_fd, "sys/net/ipv4/ip_local_reserved_ports", text, sizeof text,
                         &length);
        if (r == 0)
                n = proc_sys_count_ports(text, length, (uint16_t)range[0], (uint16_t)range[1]);
        else if (r != -ENOENT)
                return r;
        if (n < 0)
                return n;

        sample_set(sample, VALUE_EPHEMERAL_PORTS, range[1] - range[0] + 1 - (uint64_t)n);
        return 0;
}

static int limits_open(CollectContext *context, void **ret_state) {
        *ret_state = context;
        return 0;
}

static int limits_collect(void *state, Sample *sample) {
        CollectContext *context = state;
        int r;

        r = limits_collect_plain(context->sources, sample);
        if (r < 0)
                return r;

        r = limits_collect_memory(context->sources, sample);
        if (r < 0)
                return r;

        return limits_collect_ports(context, sample);
}

const Collector limits_collector = {
        .id = COLLECTOR_LIMITS,
        .cost = COLLECTOR_COST_TICK,
        .open = limits_open,
        .collect = limits_collect,
};
