/* SPDX-License-Identifier: Apache-2.0 */

/* sockwatch status: states of the host, and its listeners, in one screen */

#include <stddef.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/json.h"
#include "cli/look.h"
#include "cli/states.h"
#include "cli/table.h"

static const RowColumn listeners[] = {
        { "ADDRESS", ROW_ADDRESS, offsetof(ListenerRow, key.endpoint) },
        { "PORT", ROW_PORT, offsetof(ListenerRow, key.endpoint) },
        { "UNIT", ROW_NAME, offsetof(ListenerRow, key.unit) },
        { "QUEUE", ROW_COUNT, offsetof(ListenerRow, length) },
        { "LIMIT", ROW_COUNT, offsetof(ListenerRow, limit) },
        { "PEAK", ROW_COUNT, offsetof(ListenerRow, peak) },
        { "DROPS", ROW_COUNT, offsetof(ListenerRow, drops) },
};

static int status_show(const CommandOptions *options, const Sample *sample) {
        int r;

        if (options->json)
                return json_write_line(sample, JSON_ALL);

        r = states_print(sample);
        if (r == 0 && sample->n_listeners > 0) {
                printf("\n");
                r = table_print_rows(sample, TABLE_LISTENERS, listeners, ELEMENTSOF(listeners));
                if (r == 0)
                        printf("\n%s\n", TABLE_COUNTED_SINCE);
        }

        return r;
}

CommandStatus command_status(const CommandOptions *options) {
        static const LookPart part = { REMARKS_STATUS, status_show };

        return look_show(options, &part);
}
