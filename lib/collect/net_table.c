/* SPDX-License-Identifier: Apache-2.0 */

/* One file below /proc/net, read into a sample */

#include <assert.h>

#include "collect/net_table.h"

/* The largest, netstat, has 6 KiB on Linux 6.18. */
#define NET_TABLE_BYTES_MAX (64 * 1024)

typedef struct NetTableVisit {
        const FieldMap *map;
        Sample *sample;
} NetTableVisit;

void net_table_init(NetTable *table, const char *source, proc_net_parse_fn parse) {
        assert(table);

        *table = (NetTable){ .file = KEPT_FILE(source), .parse = parse };
        field_map_init(&table->map, source);
}

void net_table_done(NetTable *table) {
        kept_file_done(&table->file);
}

static void net_table_on_field(const ProcNetField *field, void *userdata) {
        NetTableVisit *visit = userdata;
        ValueId id = field_map_find(visit->map, field);

        if (id > 0 && value_is_possible(id, field->value))
                sample_set(visit->sample, id, field->value);
}

int net_table_read(NetTable *table, const Sources *sources, Sample *sample) {
        NetTableVisit visit = { .map = &table->map, .sample = sample };
        char text[NET_TABLE_BYTES_MAX];
        size_t length;
        int r;

        assert(sources);
        assert(sample);

        r = kept_file_read(&table->file, sources->proc_fd, text, sizeof text, &length);
        if (r < 0)
                return r;

        return table->parse(text, length, net_table_on_field, &visit);
}
