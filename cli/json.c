/* SPDX-License-Identifier: Apache-2.0 */

/* A sample as JSON, for scripts */

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

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

static int json_add_listener(json_t *object, const ListenerRow *row) {
        char address[LISTENER_ADDRESS_SIZE];

        listener_format_address(&row->key, address);

        const JsonMember members[] = {
                { "address", json_name(address) },
                { "port", json_integer(listener_port(&row->key)) },
                { "accept_queue_length", json_number(row->length) },
                { "accept_queue_limit", json_number(row->limit) },
                { "drops", json_number(row->drops) },
                { "sockets", json_number(row->n_sockets) },
                { "dual_stack", json_boolean(row->is_dual_stack) },
        };
        return json_add_members(object, members, ELEMENTSOF(members));
}

static int json_add_listeners(json_t *array, const Sample *sample) {
        for (uint32_t i = 0; i < sample->n_listeners; i++) {
                json_t *object = json_object();

                if (json_array_append_new(array, object) < 0 ||
                    json_add_listener(object, &sample->listeners[i]) < 0)
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

int json_write_sample(const Sample *sample, FILE *file) {
        _cleanup_(json_derefp) json_t *root = json_object();
        json_t *values = json_object(), *listeners = json_array(), *collectors = json_object();
        const JsonMember members[] = {
                { "number", json_number(sample->number) },
                { "time", json_seconds(sample->realtime_usec) },
                { "values", values },
                { "listeners", listeners },
                { "collectors", collectors },
        };

        /* Handed to the root at once, so that it alone has to be released. */
        if (json_add_members(root, members, ELEMENTSOF(members)) < 0 ||
            json_add_values(values, sample) < 0 || json_add_listeners(listeners, sample) < 0 ||
            json_add_collectors(collectors, sample) < 0)
                return -ENOMEM;

        return json_dumpf(root, file, JSON_COMPACT) < 0 ? -EIO : 0;
}
