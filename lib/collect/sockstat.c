/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the kernel counts about its sockets by itself: /proc/net/sockstat{,6}
 *
 * orphan, alloc and mem of TCP are the whole host's, in every network
 * namespace. Memory is told in pages. sockstat6 is missing where IPv6 is.
 */

#include <errno.h>

#include "collect/collector.h"
#include "collect/net_table.h"

typedef struct Sockstat {
        const Sources *sources;
        uint64_t page_bytes;
        NetTable sockstat;
        NetTable sockstat6;
} Sockstat;

static int sockstat_open(CollectContext *context, void **ret_state) {
        Sockstat *sockstat;

        sockstat = calloc(1, sizeof *sockstat);
        if (!sockstat)
                return -ENOMEM;

        sockstat->sources = context->sources;
        sockstat->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
        net_table_init(&sockstat->sockstat, "net/sockstat", proc_net_parse_inline);
        net_table_init(&sockstat->sockstat6, "net/sockstat6", proc_net_parse_inline);

        *ret_state = sockstat;
        return 0;
}

static int sockstat_collect(void *state, Sample *sample) {
        static const ValueId in_pages[] = { VALUE_TCP_MEMORY_BYTES, VALUE_UDP_MEMORY_BYTES };
        Sockstat *sockstat = state;
        uint64_t bytes;
        int r;

        r = net_table_read(&sockstat->sockstat, sockstat->sources, sample);
        if (r < 0)
                return r;

        for (size_t i = 0; i < ELEMENTSOF(in_pages); i++)
                if (sample_has(sample, in_pages[i])) {
                        if (__builtin_mul_overflow(sample->values[in_pages[i]], sockstat->page_bytes,
                                                   &bytes))
                                return -EBADMSG;
                        sample_set(sample, in_pages[i], bytes);
                }

        r = net_table_read(&sockstat->sockstat6, sockstat->sources, sample);
        return r == -ENOENT ? 0 : r;
}

static void sockstat_close(void *state) {
        Sockstat *sockstat = state;

        if (!sockstat)
                return;

        net_table_done(&sockstat->sockstat);
        net_table_done(&sockstat->sockstat6);
        free(sockstat);
}

const Collector sockstat_collector = {
        .id = COLLECTOR_SOCKSTAT,
        .cost = COLLECTOR_COST_TICK,
        .open = sockstat_open,
        .collect = sockstat_collect,
        .close = sockstat_close,
};
