/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The counters of the network namespace: /proc/net/snmp, netstat and snmp6
 *
 * Every kernel with TCP has the first two. The third is missing where IPv6 is;
 * its values are then absent, and nothing failed.
 */

#include <errno.h>

#include "collect/collector.h"
#include "collect/net_table.h"

typedef struct Netstat {
        const Sources *sources;
        NetTable snmp;
        NetTable netstat;
        NetTable snmp6;
} Netstat;

static int netstat_open(CollectContext *context, void **ret_state) {
        Netstat *netstat;

        netstat = calloc(1, sizeof *netstat);
        if (!netstat)
                return -ENOMEM;

        netstat->sources = context->sources;
        net_table_init(&netstat->snmp, "net/snmp", proc_net_parse_paired);
        net_table_init(&netstat->netstat, "net/netstat", proc_net_parse_paired);
        net_table_init(&netstat->snmp6, "net/snmp6", proc_net_parse_listed);

        *ret_state = netstat;
        return 0;
}

static int netstat_collect(void *state, Sample *sample) {
        Netstat *netstat = state;
        int r;

        r = net_table_read(&netstat->snmp, netstat->sources, sample);
        if (r < 0)
                return r;

        r = net_table_read(&netstat->netstat, netstat->sources, sample);
        if (r < 0)
                return r;

        r = net_table_read(&netstat->snmp6, netstat->sources, sample);
        return r == -ENOENT ? 0 : r;
}

static void netstat_close(void *state) {
        Netstat *netstat = state;

        if (!netstat)
                return;

        net_table_done(&netstat->snmp);
        net_table_done(&netstat->netstat);
        net_table_done(&netstat->snmp6);
        free(netstat);
}

const Collector netstat_collector = {
        .id = COLLECTOR_NETSTAT,
        .cost = COLLECTOR_COST_TICK,
        .open = netstat_open,
        .collect = netstat_collect,
        .close = netstat_close,
};
