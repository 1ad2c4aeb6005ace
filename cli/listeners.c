/* SPDX-License-Identifier: Apache-2.0 */

/* sockwatch listeners: who listens where, how full the queues are, and whose they are */

#include <stddef.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/json.h"
#include "cli/look.h"
#include "cli/table.h"

static const RowColumn queues[] = {
        { "ADDRESS", ROW_ADDRESS, offsetof(ListenerRow, key.endpoint) },
        { "PORT", ROW_PORT, offsetof(ListenerRow, key.endpoint) },
        { "UNIT", ROW_NAME, offsetof(ListenerRow, key.unit) },
        { "PROCESS", ROW_NAME, offsetof(ListenerRow, key.process) },
        { "QUEUE", ROW_COUNT, offsetof(ListenerRow, length) },
        { "LIMIT", ROW_COUNT, offsetof(ListenerRow, limit) },
        { "PEAK", ROW_COUNT, offsetof(ListenerRow, peak) },
        { "DROPS", ROW_COUNT, offsetof(ListenerRow, drops) },
        { "FULL", ROW_TIME, offsetof(ListenerRow, saturated_usec) },
        { "SOCKETS", ROW_COUNT, offsetof(ListenerRow, n_sockets) },
};

/* A table of their own: with the queues in one they would be wider than a terminal. */
static const RowColumn connections[] = {
        { "ADDRESS", ROW_ADDRESS, offsetof(ListenerRow, key.endpoint) },
        { "PORT", ROW_PORT, offsetof(ListenerRow, key.endpoint) },
        { "UNIT", ROW_NAME, offsetof(ListenerRow, key.unit) },
        { "SYN-RECV", ROW_STATE, STATE_SYN_RECV },
        { "ESTAB", ROW_STATE, STATE_ESTABLISHED },
        { "CLOSE-WAIT", ROW_STATE, STATE_CLOSE_WAIT },
        { "TIME-WAIT", ROW_STATE, STATE_TIME_WAIT },
};

static const RowColumn unix_listeners[] = {
        { "PATH", ROW_NAME, offsetof(UnixListenerRow, key.path) },
        { "UNIT", ROW_NAME, offsetof(UnixListenerRow, key.unit) },
        { "PROCESS", ROW_NAME, offsetof(UnixListenerRow, key.process) },
        { "QUEUE", ROW_COUNT, offsetof(UnixListenerRow, length) },
        { "LIMIT", ROW_COUNT, offsetof(UnixListenerRow, limit) },
        { "PEAK", ROW_COUNT, offsetof(UnixListenerRow, peak) },
        { "FULL", ROW_TIME, offsetof(UnixListenerRow, saturated_usec) },
};

static const RowColumn udp_sockets[] = {
        { "UDP ADDRESS", ROW_ADDRESS, offsetof(UdpSocketRow, key.endpoint) },
        { "PORT", ROW_PORT, offsetof(UdpSocketRow, key.endpoint) },
        { "UNIT", ROW_NAME, offsetof(UdpSocketRow, key.unit) },
        { "PROCESS", ROW_NAME, offsetof(UdpSocketRow, key.process) },
        { "UNREAD", ROW_COUNT, offsetof(UdpSocketRow, queue_bytes) },
        { "LIMIT", ROW_COUNT, offsetof(UdpSocketRow, buffer_bytes) },
        { "DROPS", ROW_COUNT, offsetof(UdpSocketRow, drops) },
        { "SOCKETS", ROW_COUNT, offsetof(UdpSocketRow, n_sockets) },
};

static const struct {
        TableId id;
        const RowColumn *columns;
        size_t n_columns;
        bool is_of_walk; /* shown only if there was one */
} tables[] = {
        { TABLE_LISTENERS, queues, ELEMENTSOF(queues), false },
        { TABLE_LISTENERS, connections, ELEMENTSOF(connections), true },
        { TABLE_UNIX_LISTENERS, unix_listeners, ELEMENTSOF(unix_listeners), false },
        { TABLE_UDP_SOCKETS, udp_sockets, ELEMENTSOF(udp_sockets), false },
};

static int listeners_show(const CommandOptions *options, const Sample *sample) {
        const CollectorReport *walk = &sample->reports[COLLECTOR_TCP];
        bool has_walk = walk->is_present && walk->error == 0;
        int r = 0;

        if (options->json)
                return json_write_line(sample, JSON_LISTENERS);

        for (size_t i = 0; i < ELEMENTSOF(tables) && r == 0; i++) {
                if (sample_count_rows(sample, tables[i].id) == 0 || (tables[i].is_of_walk && !has_walk))
                        continue;
                if (i > 0)
                        printf("\n");
                r = table_print_rows(sample, tables[i].id, tables[i].columns, tables[i].n_columns);
        }
        if (r == 0)
                printf("\n%s\n", TABLE_COUNTED_SINCE);

        return r;
}

CommandStatus command_listeners(const CommandOptions *options) {
        static const LookPart part = { REMARKS_LISTENERS, listeners_show };

        return look_show(options, &part);
}
