/* SPDX-License-Identifier: Apache-2.0 */

/* sockwatch states: how many sockets are in which state, and where this host's ports go */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/json.h"
#include "cli/look.h"
#include "cli/states.h"
#include "cli/table.h"

static const struct {
        const char *name;
        ValueId id;
} states[] = {
        { "ESTABLISHED", VALUE_TCP_ESTABLISHED },
        { "SYN-SENT", VALUE_TCP_SYN_SENT },
        { "SYN-RECV", VALUE_TCP_SYN_RECV },
        { "FIN-WAIT-1", VALUE_TCP_FIN_WAIT1 },
        { "FIN-WAIT-2", VALUE_TCP_FIN_WAIT2 },
        { "TIME-WAIT", VALUE_TCP_TIME_WAIT },
        { "CLOSE", VALUE_TCP_CLOSE },
        { "CLOSE-WAIT", VALUE_TCP_CLOSE_WAIT },
        { "LAST-ACK", VALUE_TCP_LAST_ACK },
        { "LISTEN", VALUE_TCP_LISTEN },
        { "CLOSING", VALUE_TCP_CLOSING },
        { "BOUND", VALUE_TCP_BOUND_INACTIVE },
};

/* What stands beside the states, as it explains them. */
static const struct {
        const char *name;
        ValueId id;
} sums[] = {
        { "unread bytes", VALUE_TCP_RECEIVE_QUEUE_BYTES }, { "unsent bytes", VALUE_TCP_SEND_QUEUE_BYTES },
        { "retransmitting", VALUE_TCP_RETRANSMITTING },    { "orphans", VALUE_TCP_ORPHANS },
        { "ephemeral ports", VALUE_EPHEMERAL_PORTS },
};

int states_print(const Sample *sample) {
        static const TableColumn columns[] = { { "STATE", TABLE_TEXT }, { "SOCKETS", TABLE_NUMBER } };
        _cleanup_(table_unrefp) struct libscols_table *table = NULL;

        table = table_new(columns, ELEMENTSOF(columns));
        if (!table)
                return -ENOMEM;

        for (size_t i = 0; i < ELEMENTSOF(states); i++) {
                struct libscols_line *line = scols_table_new_line(table, NULL);

                if (!line)
                        return -ENOMEM;
                table_set(line, 0, "%s", states[i].name);
                table_set_value(line, 1, sample, states[i].id);
        }

        return table_print(table);
}

static void states_print_sums(const Sample *sample) {
        bool is_first = true;

        for (size_t i = 0; i < ELEMENTSOF(sums); i++) {
                if (!sample_has(sample, sums[i].id))
                        continue;
                printf("%s%s %" PRIu64, is_first ? "" : ", ", sums[i].name, sample->values[sums[i].id]);
                is_first = false;
        }
        printf("\n");
}

/* The most used first. */
static int states_compare_destinations(const void *left, const void *right) {
        const DestinationRow *a = left, *b = right;

        return a->n_ports > b->n_ports ? -1 : a->n_ports < b->n_ports;
}

static int states_print_destinations(const Sample *sample) {
        static const TableColumn columns[] = { { "DESTINATION", TABLE_TEXT },
                                               { "PORTS", TABLE_NUMBER },
                                               { "USED", TABLE_NUMBER } };
        _cleanup_(table_unrefp) struct libscols_table *table = NULL;
        DestinationRow rows[ELEMENTSOF(sample->destinations)];
        uint64_t n_ports = sample->values[VALUE_EPHEMERAL_PORTS];

        table = table_new(columns, ELEMENTSOF(columns));
        if (!table)
                return -ENOMEM;

        memcpy(rows, sample->destinations, sample->n_destinations * sizeof *rows);
        qsort(rows, sample->n_destinations, sizeof *rows, states_compare_destinations);
        for (uint32_t i = 0; i < sample->n_destinations; i++) {
                struct libscols_line *line = scols_table_new_line(table, NULL);
                char name[ENDPOINT_NAME_SIZE];

                if (!line)
                        return -ENOMEM;
                endpoint_format_name(&rows[i].key, name);
                table_set(line, 0, "%s", name);
                table_set(line, 1, "%s%" PRIu64, rows[i].error > 0 ? "at least " : "", rows[i].n_ports);
                if (n_ports > 0 && !endpoint_is_other(&rows[i].key))
                        table_set(line, 2, "%.1f%%", (double)rows[i].n_ports * 100 / (double)n_ports);
        }

        return table_print(table);
}

static int states_show(const CommandOptions *options, const Sample *sample) {
        int r;

        if (options->json)
                return json_write_line(sample, JSON_VALUES | JSON_DESTINATIONS);

        r = states_print(sample);
        if (r < 0)
                return r;

        printf("\n");
        states_print_sums(sample);
        if (sample->n_destinations == 0)
                return 0;

        printf("\n");
        return states_print_destinations(sample);
}

CommandStatus command_states(const CommandOptions *options) {
        static const LookPart part = { REMARKS_STATES, states_show };

        return look_show(options, &part);
}
