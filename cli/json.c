/* SPDX-License-Identifier: Apache-2.0 */

/* A sample as JSON, for scripts */

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"
#include "cli/json.h"

static void json_derefp(json_t **json) {
        json_decref(*json);
}

/* jansson has no unsigned numbers; what is beyond its own would be a counter of centuries. */
static json_t *json_number(uint64_t number) {
        return json_integer((json_int_t)MIN(number, (uint64_t)INT64_MAX));
}

static json_t *json_seconds(usec_t usec) {
        return json_real((double)usec / (double)USEC_PER_SEC);
}

static int json_add_values(json_t *object, const Sample *sample) {
        for (unsigned id = 0; id < _VALUE_ROOM; id++) {
                char name[64];
                size_t n = 0;

                if (!value_infos[id].name || !sample_has(sample, id))
                        continue;

                for (; value_infos[id].name[n] && n < sizeof name - 1; n++)
                        name[n] = (char)tolower((unsigned char)value_infos[id].name[n]);
                name[n] = '\0';
                if (json_object_set_new(object, name, json_number(sample->values[id])) < 0)
                        return -ENOMEM;
        }

        return 0;
}

/* A name of the kernel's, which may hold any bytes. NULL without memory. */
static json_t *json_name(const char *name) {
        _cleanup_(text_done) Text text = { 0 };

        utf8_append(&text, name);
        return text_error(&text) < 0 ? NULL : json_stringn(text.data ? text.data : "", text.length);
}

/* Adds members to an object until one cannot be made; jansson takes NULL for a value as a failure. */
typedef struct JsonMember {
        const char *name;
        json_t *value;
} JsonMember;

static int json_add_members(json_t *object, const JsonMember *members, size_t n) {
        int r = 0;

        /* All of them, as each is handed over, or released by the failed call. */
        for (size_t i = 0; i < n; i++)
                if (json_object_set_new(object, members[i].name, members[i].value) < 0)
                        r = -ENOMEM;

        return r;
}

/* Sockets by state, those that are 0 too. NULL without memory. */
static json_t *json_states(const Sample *sample, const uint64_t states[static _STATES]) {
        json_t *object = json_object();

        for (unsigned i = 0; i < _STATES; i++)
                if (i != STATE_BOUND_INACTIVE || sample_has(sample, VALUE_TCP_BOUND_INACTIVE))
                        (void)json_object_set_new(object, state_names[i], json_number(states[i]));
        return object;
}

/* The other collector's part of a row is not there if that failed. */
static bool json_has(const Sample *sample, CollectorId id) {
        return sample->reports[id].is_present && sample->reports[id].error == 0;
}

static int json_add_endpoint(json_t *object, const Endpoint *endpoint) {
        char address[ENDPOINT_ADDRESS_SIZE];

        endpoint_format_address(endpoint, address);

        const JsonMember members[] = {
                { "address", json_name(address) },
                { "port",
                  endpoint_is_other(endpoint) ? json_null() : json_integer(endpoint_port(endpoint)) },
        };
        return json_add_members(object, members, ELEMENTSOF(members));
}

static int json_add_names(json_t *object, const char *unit, const char *process) {
        const JsonMember members[] = {
                { "unit", json_name(unit) },
                { "process", process[0] ? json_name(process) : json_null() },
        };

        return json_add_members(object, members, ELEMENTSOF(members));
}

static int json_add_listener(json_t *object, const Sample *sample, const void *any) {
        const ListenerRow *row = any;
        const JsonMember members[] = {
                { "accept_queue_length", json_number(row->length) },
                { "accept_queue_limit", json_number(row->limit) },
                { "accept_queue_peak", json_number(row->peak) },
                { "drops", json_number(row->drops) },
                { "saturated_seconds", json_seconds(row->saturated_usec) },
                { "sockets", json_number(row->n_sockets) },
                { "dual_stack", json_boolean(row->is_dual_stack) },
        };
        int r;

        r = json_add_endpoint(object, &row->key.endpoint);
        if (r == 0)
                r = json_add_names(object, row->key.unit, row->key.process);
        if (json_add_members(object, members, ELEMENTSOF(members)) < 0)
                r = -ENOMEM;
        if (r == 0 && json_has(sample, COLLECTOR_TCP) &&
            json_object_set_new(object, "connections",
                                row->counted >= COUNTED_ALL_STATES ? json_states(sample, row->states)
                                                                   : json_null()) < 0)
                r = -ENOMEM;
        return r;
}

static int json_add_unix_listener(json_t *object, const Sample *sample, const void *any) {
        const UnixListenerRow *row = any;
        const JsonMember members[] = {
                { "path", json_name(row->key.path) },
                { "accept_queue_length", json_number(row->length) },
                { "accept_queue_limit", json_number(row->limit) },
                { "accept_queue_peak", json_number(row->peak) },
                { "saturated_seconds", json_seconds(row->saturated_usec) },
                { "sockets", json_number(row->n_sockets) },
        };

        if (json_add_members(object, members, ELEMENTSOF(members)) < 0)
                return -ENOMEM;
        return json_add_names(object, row->key.unit, row->key.process);
}

static int json_add_udp_socket(json_t *object, const Sample *sample, const void *any) {
        const UdpSocketRow *row = any;
        const JsonMember members[] = {
                { "receive_queue_bytes", json_number(row->queue_bytes) },
                { "receive_buffer_bytes", json_number(row->buffer_bytes) },
                { "drops", json_number(row->drops) },
                { "sockets", json_number(row->n_sockets) },
        };
        int r;

        r = json_add_endpoint(object, &row->key.endpoint);
        if (r == 0)
                r = json_add_names(object, row->key.unit, row->key.process);
        return json_add_members(object, members, ELEMENTSOF(members)) < 0 ? -ENOMEM : r;
}

static int json_add_unit_sockets(json_t *object, const Sample *sample, const UnitRow *row) {
        const JsonMember members[] = {
                { "tcp_sockets", json_states(sample, row->states) },
                { "close_wait_accepted", json_number(row->n_close_wait_accepted) },
                { "receive_queue_bytes", json_number(row->receive_queue_bytes) },
                { "send_queue_bytes", json_number(row->send_queue_bytes) },
                { "retransmitting", json_number(row->n_retransmitting) },
        };

        return json_add_members(object, members, ELEMENTSOF(members));
}

static int json_add_unit_processes(json_t *object, const UnitRow *row) {
        const JsonMember members[] = {
                { "processes", json_number(row->n_processes) },
                { "open_fds", json_number(row->open_fds) },
                { "worst_open_fds", json_number(row->worst_open_fds) },
                { "worst_fd_limit", json_number(row->worst_fd_limit) },
        };

        return json_add_members(object, members, ELEMENTSOF(members));
}

static int json_add_unit(json_t *object, const Sample *sample, const void *any) {
        const UnitRow *row = any;
        int r = 0;

        if (json_object_set_new(object, "unit", json_name(row->key.unit)) < 0)
                return -ENOMEM;
        if (json_has(sample, COLLECTOR_TCP))
                r = json_add_unit_sockets(object, sample, row);
        if (r == 0 && json_has(sample, COLLECTOR_PROCESSES))
                r = json_add_unit_processes(object, row);
        return r;
}

static int json_add_process(json_t *object, const Sample *sample, const void *any) {
        const ProcessRow *row = any;
        bool has_limit = row->fd_limit > 0 && row->fd_limit < UINT64_MAX;
        const JsonMember members[] = {
                { "pid", row->pid > 0 ? json_number(row->pid) : json_null() },
                { "open_fds", json_number(row->open_fds) },
                { "fd_limit", has_limit ? json_number(row->fd_limit) : json_null() },
                { "close_wait", row->is_close_wait_known ? json_number(row->n_close_wait) : json_null() },
                { "close_wait_pid",
                  row->close_wait_pid > 0 ? json_number(row->close_wait_pid) : json_null() },
        };

        if (json_add_members(object, members, ELEMENTSOF(members)) < 0)
                return -ENOMEM;
        return json_add_names(object, row->key.unit, row->key.process);
}

static int json_add_destination(json_t *object, const Sample *sample, const void *any) {
        const DestinationRow *row = any;
        const JsonMember members[] = {
                { "ports", json_number(row->n_ports) },
                { "error", json_number(row->error) },
        };
        int r;

        r = json_add_endpoint(object, &row->key);
        return json_add_members(object, members, ELEMENTSOF(members)) < 0 ? -ENOMEM : r;
}

/* In the order in which they are written. */
static const struct {
        TableId table;
        JsonParts part;
        int (*add)(json_t *object, const Sample *sample, const void *row);
} json_tables[] = {
        { TABLE_LISTENERS, JSON_LISTENERS, json_add_listener },
        { TABLE_UNIX_LISTENERS, JSON_LISTENERS, json_add_unix_listener },
        { TABLE_UDP_SOCKETS, JSON_LISTENERS, json_add_udp_socket },
        { TABLE_UNITS, JSON_UNITS, json_add_unit },
        { TABLE_PROCESSES, JSON_UNITS, json_add_process },
        { TABLE_DESTINATIONS, JSON_DESTINATIONS, json_add_destination },
};

static int json_add_rows(json_t *array, const Sample *sample, size_t i) {
        TableId table = json_tables[i].table;

        for (uint32_t row = 0; row < sample_count_rows(sample, table); row++) {
                json_t *object = json_object();

                if (json_array_append_new(array, object) < 0 ||
                    json_tables[i].add(object, sample, sample_get_row(sample, table, row)) < 0)
                        return -ENOMEM;
        }

        return 0;
}

static int json_add_tables(json_t *root, const Sample *sample, JsonParts parts) {
        for (size_t i = 0; i < ELEMENTSOF(json_tables); i++) {
                json_t *array;

                if (!(parts & json_tables[i].part))
                        continue;

                array = json_array();
                if (json_object_set_new(root, table_infos[json_tables[i].table].name, array) < 0 ||
                    json_add_rows(array, sample, i) < 0)
                        return -ENOMEM;
        }

        return 0;
}

static int json_add_collector(json_t *object, const CollectorReport *report) {
        const JsonMember members[] = {
                { "success", json_boolean(report->error == 0) },
                { "incomplete", json_boolean(report->is_incomplete) },
                { "duration_seconds", json_real((double)report->duration_nsec / (double)NSEC_PER_SEC) },
                { "last_success", json_seconds(report->last_success_usec) },
                { "error", report->error < 0 ? json_string(strerror(-report->error)) : json_null() },
        };

        return json_add_members(object, members, ELEMENTSOF(members));
}

static int json_add_collectors(json_t *object, const Sample *sample) {
        for (unsigned id = 0; id < _COLLECTOR_ROOM; id++) {
                const char *name = collector_name(id);
                json_t *entry;

                if (!sample->reports[id].is_present || !name)
                        continue;

                entry = json_object();
                if (json_object_set_new(object, name, entry) < 0 ||
                    json_add_collector(entry, &sample->reports[id]) < 0)
                        return -ENOMEM;
        }

        return 0;
}

/* When what walks count was true, which may be before the sample. */
static int json_add_counted(json_t *object, const Sample *sample) {
        static const struct {
                const char *name;
                ValueId id;
        } counted[] = {
                { "established", VALUE_TCP_ESTABLISHED_USEC },
                { "time_wait", VALUE_TCP_TIME_WAIT_USEC },
                { "bound_inactive", VALUE_TCP_BOUND_INACTIVE_USEC },
                { "rare_states", VALUE_TCP_RARE_STATES_USEC },
                { "full_walk", VALUE_TCP_FULL_WALK_USEC },
        };

        for (size_t i = 0; i < ELEMENTSOF(counted); i++)
                if (sample_has(sample, counted[i].id) &&
                    json_object_set_new(object, counted[i].name,
                                        json_seconds(sample->values[counted[i].id])) < 0)
                        return -ENOMEM;

        return 0;
}

int json_write_sample(const Sample *sample, JsonParts parts, FILE *file) {
        _cleanup_(json_derefp) json_t *root = json_object();
        json_t *values = json_object(), *collectors = json_object(), *counted = json_object();
        const JsonMember members[] = {
                { "number", json_number(sample->number) },
                { "time", json_seconds(sample->realtime_usec) },
                { "collectors", collectors },
                { "tcp_counted", counted },
                { "values", values },
        };
        size_t ascii;

        /* Handed to the root at once, so that it alone has to be released. */
        if (json_add_members(root, members, ELEMENTSOF(members)) < 0 ||
            json_add_collectors(collectors, sample) < 0 || json_add_counted(counted, sample) < 0)
                return -ENOMEM;

        if (!(parts & JSON_VALUES))
                (void)json_object_del(root, "values");
        else if (json_add_values(values, sample) < 0)
                return -ENOMEM;

        if (json_add_tables(root, sample, parts) < 0)
                return -ENOMEM;

        /* Control characters beyond ASCII are commands to some terminals, and JSON leaves them as they are.
         */
        ascii = isatty(fileno(file)) ? JSON_ENSURE_ASCII : 0;
        return json_dumpf(root, file, JSON_COMPACT | ascii) < 0 ? -EIO : 0;
}

int json_write_line(const Sample *sample, JsonParts parts) {
        int r;

        r = json_write_sample(sample, parts, stdout);
        if (r == 0)
                printf("\n");
        return r;
}
