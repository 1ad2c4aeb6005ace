/* SPDX-License-Identifier: Apache-2.0 */

/* sockwatch listeners: who listens where, how full the queues are, and whose they are */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/json.h"
#include "cli/look.h"
#include "cli/table.h"

static struct libscols_line *listeners_add_line(struct libscols_table *table, const Endpoint *endpoint) {
        struct libscols_line *line = scols_table_new_line(table, NULL);
        char text[ENDPOINT_ADDRESS_SIZE];

        if (!line)
                return NULL;

        endpoint_format_address(endpoint, text);
        table_set(line, 0, "%s", text);
        endpoint_format_port(endpoint, text);
        table_set(line, 1, "%s", text);
        return line;
}

static int listeners_print_tcp(const Sample *sample) {
        static const TableColumn columns[] = {
                { "ADDRESS", false },  { "PORT", true },     { "UNIT", false }, { "PROCESS", false },
                { "QUEUE", true },     { "LIMIT", true },    { "PEAK", true },  { "DROPS", true },
                { "FULL", true },      { "SYN-RECV", true }, { "ESTAB", true }, { "CLOSE-WAIT", true },
                { "TIME-WAIT", true }, { "SOCKETS", true },
        };
        bool has_walk =
                sample->reports[COLLECTOR_TCP].is_present && sample->reports[COLLECTOR_TCP].error == 0;
        _cleanup_(table_unrefp) struct libscols_table *table = NULL;

        table = table_new(columns, ELEMENTSOF(columns));
        if (!table)
                return -ENOMEM;

        for (uint32_t i = 0; i < sample->n_listeners; i++) {
                static const unsigned states[] = { STATE_SYN_RECV, STATE_ESTABLISHED, STATE_CLOSE_WAIT,
                                                   STATE_TIME_WAIT };
                const ListenerRow *row = &sample->listeners[i];
                struct libscols_line *line = listeners_add_line(table, &row->key.endpoint);

                if (!line)
                        return -ENOMEM;
                table_set(line, 2, "%s", row->key.unit);
                table_set(line, 3, "%s", row->key.process);
                table_set(line, 4, "%" PRIu64, row->length);
                table_set(line, 5, "%" PRIu64, row->limit);
                table_set(line, 6, "%" PRIu64, row->peak);
                table_set(line, 7, "%" PRIu64, row->drops);
                table_set(line, 8, "%.1f s", (double)row->saturated_usec / (double)USEC_PER_SEC);
                for (size_t k = 0; k < ELEMENTSOF(states); k++)
                        if (has_walk)
                                table_set(line, 9 + k, "%" PRIu64, row->states[states[k]]);
                        else
                                table_set(line, 9 + k, "-");
                table_set(line, 13, "%" PRIu64, row->n_sockets);
        }

        return scols_print_table(table);
}

static int listeners_print_unix(const Sample *sample) {
        static const TableColumn columns[] = {
                { "PATH", false }, { "UNIT", false }, { "PROCESS", false }, { "QUEUE", true },
                { "LIMIT", true }, { "PEAK", true },  { "FULL", true },
        };
        _cleanup_(table_unrefp) struct libscols_table *table = NULL;

        table = table_new(columns, ELEMENTSOF(columns));
        if (!table)
                return -ENOMEM;

        for (uint32_t i = 0; i < sample->n_unix_listeners; i++) {
                const UnixListenerRow *row = &sample->unix_listeners[i];
                struct libscols_line *line = scols_table_new_line(table, NULL);

                if (!line)
                        return -ENOMEM;
                table_set(line, 0, "%s", row->key.path);
                table_set(line, 1, "%s", row->key.unit);
                table_set(line, 2, "%s", row->key.process);
                table_set(line, 3, "%" PRIu64, row->length);
                table_set(line, 4, "%" PRIu64, row->limit);
                table_set(line, 5, "%" PRIu64, row->peak);
                table_set(line, 6, "%.1f s", (double)row->saturated_usec / (double)USEC_PER_SEC);
        }

        return scols_print_table(table);
}

static int listeners_print_udp(const Sample *sample) {
        static const TableColumn columns[] = {
                { "UDP ADDRESS", false }, { "PORT", true },  { "UNIT", false }, { "PROCESS", false },
                { "UNREAD", true },       { "LIMIT", true }, { "DROPS", true }, { "SOCKETS", true },
        };
        _cleanup_(table_unrefp) struct libscols_table *table = NULL;

        table = table_new(columns, ELEMENTSOF(columns));
        if (!table)
                return -ENOMEM;

        for (uint32_t i = 0; i < sample->n_udp_sockets; i++) {
                const UdpSocketRow *row = &sample->udp_sockets[i];
                struct libscols_line *line = listeners_add_line(table, &row->key.endpoint);

                if (!line)
                        return -ENOMEM;
                table_set(line, 2, "%s", row->key.unit);
                table_set(line, 3, "%s", row->key.process);
                table_set(line, 4, "%" PRIu64, row->queue_bytes);
                table_set(line, 5, "%" PRIu64, row->buffer_bytes);
                table_set(line, 6, "%" PRIu64, row->drops);
                table_set(line, 7, "%" PRIu64, row->n_sockets);
        }

        return scols_print_table(table);
}

static int listeners_show(const CommandOptions *options, const Sample *sample) {
        int r;

        if (options->json)
                return json_write_line(sample, JSON_LISTENERS);

        r = listeners_print_tcp(sample);
        if (r == 0 && sample->n_unix_listeners > 0) {
                printf("\n");
                r = listeners_print_unix(sample);
        }
        if (r == 0 && sample->n_udp_sockets > 0) {
                printf("\n");
                r = listeners_print_udp(sample);
        }

        return r;
}

CommandStatus command_listeners(const CommandOptions *options) {
        static const LookPart part = { REMARKS_LISTENERS, listeners_show };

        return look_show(options, &part);
}
