/* SPDX-License-Identifier: Apache-2.0 */

/* sockwatch status: states of the host, and its listeners, in one screen */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/json.h"
#include "cli/look.h"
#include "cli/states.h"
#include "cli/table.h"

static int status_print_listeners(const Sample *sample) {
        static const TableColumn columns[] = {
                { "ADDRESS", TABLE_TEXT }, { "PORT", TABLE_NUMBER },  { "UNIT", TABLE_NAME },
                { "QUEUE", TABLE_NUMBER }, { "LIMIT", TABLE_NUMBER }, { "PEAK", TABLE_NUMBER },
                { "DROPS", TABLE_NUMBER },
        };
        _cleanup_(table_unrefp) struct libscols_table *table = NULL;

        table = table_new(columns, ELEMENTSOF(columns));
        if (!table)
                return -ENOMEM;

        for (uint32_t i = 0; i < sample->n_listeners; i++) {
                const ListenerRow *row = &sample->listeners[i];
                struct libscols_line *line = scols_table_new_line(table, NULL);
                char text[ENDPOINT_ADDRESS_SIZE];

                if (!line)
                        return -ENOMEM;
                endpoint_format_address(&row->key.endpoint, text);
                table_set(line, 0, "%s", text);
                endpoint_format_port(&row->key.endpoint, text);
                table_set(line, 1, "%s", text);
                table_set(line, 2, "%s", row->key.unit);
                table_set(line, 3, "%" PRIu64, row->length);
                table_set(line, 4, "%" PRIu64, row->limit);
                table_set(line, 5, "%" PRIu64, row->peak);
                table_set(line, 6, "%" PRIu64, row->drops);
        }

        return table_print(table);
}

static int status_show(const CommandOptions *options, const Sample *sample) {
        int r;

        if (options->json)
                return json_write_line(sample, JSON_ALL);

        r = states_print(sample);
        if (r == 0 && sample->n_listeners > 0) {
                printf("\n");
                r = status_print_listeners(sample);
                if (r == 0)
                        printf("\n%s\n", TABLE_COUNTED_SINCE);
        }

        return r;
}

CommandStatus command_status(const CommandOptions *options) {
        static const LookPart part = { REMARKS_STATUS, status_show };

        return look_show(options, &part);
}
