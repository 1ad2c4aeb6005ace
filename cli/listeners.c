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

static int listeners_print_queues(const Sample *sample) {
        static const TableColumn columns[] = {
                { "ADDRESS", TABLE_TEXT },   { "PORT", TABLE_NUMBER },  { "UNIT", TABLE_NAME },
                { "PROCESS", TABLE_NAME },   { "QUEUE", TABLE_NUMBER }, { "LIMIT", TABLE_NUMBER },
                { "PEAK", TABLE_NUMBER },    { "DROPS", TABLE_NUMBER }, { "FULL", TABLE_NUMBER },
                { "SOCKETS", TABLE_NUMBER },
        };
        _cleanup_(table_unrefp) struct libscols_table *table = NULL;

        table = table_new(columns, ELEMENTSOF(columns));
        if (!table)
                return -ENOMEM;

        for (uint32_t i = 0; i < sample->n_listeners; i++) {
                const ListenerRow *row = &sample->listeners[i];
                struct libscols_line *line = listeners_add_line(table, &row->key.endpoint);

                if (!line)
                        return -ENOMEM;
                table_set(line, 2, "%s", row->key.unit);
                table_set_name(line, 3, row->key.process);
                table_set(line, 4, "%" PRIu64, row->length);
                table_set(line, 5, "%" PRIu64, row->limit);
                table_set(line, 6, "%" PRIu64, row->peak);
                table_set(line, 7, "%" PRIu64, row->drops);
                table_set(line, 8, "%.1f s", (double)row->saturated_usec / (double)USEC_PER_SEC);
                table_set(line, 9, "%" PRIu64, row->n_sockets);
        }

        return table_print(table);
}

/* A table of their own: with the queues in one they would be wider than a terminal. */
static int listeners_print_connections(const Sample *sample) {
        static const TableColumn columns[] = {
                { "ADDRESS", TABLE_TEXT },     { "PORT", TABLE_NUMBER },  { "UNIT", TABLE_NAME },
                { "SYN-RECV", TABLE_NUMBER },  { "ESTAB", TABLE_NUMBER }, { "CLOSE-WAIT", TABLE_NUMBER },
                { "TIME-WAIT", TABLE_NUMBER },
        };
        static const unsigned states[] = { STATE_SYN_RECV, STATE_ESTABLISHED, STATE_CLOSE_WAIT,
                                           STATE_TIME_WAIT };
        _cleanup_(table_unrefp) struct libscols_table *table = NULL;

        table = table_new(columns, ELEMENTSOF(columns));
        if (!table)
                return -ENOMEM;

        for (uint32_t i = 0; i < sample->n_listeners; i++) {
                const ListenerRow *row = &sample->listeners[i];
                struct libscols_line *line = listeners_add_line(table, &row->key.endpoint);

                if (!line)
                        return -ENOMEM;
                table_set(line, 2, "%s", row->key.unit);
                for (size_t k = 0; k < ELEMENTSOF(states); k++)
                        if (listener_has_state(row, states[k]))
                                table_set(line, 3 + k, "%" PRIu64, row->states[states[k]]);
                        else
                                table_set(line, 3 + k, "-");
        }

        return table_print(table);
}

static int listeners_print_tcp(const Sample *sample) {
        bool has_walk =
                sample->reports[COLLECTOR_TCP].is_present && sample->reports[COLLECTOR_TCP].error == 0;
        int r;

        if (sample->n_listeners == 0)
                return 0;

        r = listeners_print_queues(sample);
        if (r != 0)
                return r;

        if (!has_walk)
                return 0;

        printf("\n");
        return listeners_print_connections(sample);
}

static int listeners_print_unix(const Sample *sample) {
        static const TableColumn columns[] = {
                { "PATH", TABLE_NAME },    { "UNIT", TABLE_NAME },    { "PROCESS", TABLE_NAME },
                { "QUEUE", TABLE_NUMBER }, { "LIMIT", TABLE_NUMBER }, { "PEAK", TABLE_NUMBER },
                { "FULL", TABLE_NUMBER },
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
                table_set_name(line, 2, row->key.process);
                table_set(line, 3, "%" PRIu64, row->length);
                table_set(line, 4, "%" PRIu64, row->limit);
                table_set(line, 5, "%" PRIu64, row->peak);
                table_set(line, 6, "%.1f s", (double)row->saturated_usec / (double)USEC_PER_SEC);
        }

        return table_print(table);
}

static int listeners_print_udp(const Sample *sample) {
        static const TableColumn columns[] = {
                { "UDP ADDRESS", TABLE_TEXT }, { "PORT", TABLE_NUMBER },    { "UNIT", TABLE_NAME },
                { "PROCESS", TABLE_NAME },     { "UNREAD", TABLE_NUMBER },  { "LIMIT", TABLE_NUMBER },
                { "DROPS", TABLE_NUMBER },     { "SOCKETS", TABLE_NUMBER },
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
                table_set_name(line, 3, row->key.process);
                table_set(line, 4, "%" PRIu64, row->queue_bytes);
                table_set(line, 5, "%" PRIu64, row->buffer_bytes);
                table_set(line, 6, "%" PRIu64, row->drops);
                table_set(line, 7, "%" PRIu64, row->n_sockets);
        }

        return table_print(table);
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
        if (r == 0)
                printf("\n%s\n", TABLE_COUNTED_SINCE);

        return r;
}

CommandStatus command_listeners(const CommandOptions *options) {
        static const LookPart part = { REMARKS_LISTENERS, listeners_show };

        return look_show(options, &part);
}
