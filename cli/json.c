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

/* Each step fails into the object: jansson takes NULL for "no memory" and says so at the end. */
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

static int json_add_listeners(json_t *array, const Sample *sample) {
        for (uint32_t i = 0; i < sample->n_listeners; i++) {
                const ListenerRow *row = &sample->listeners[i];
                char address[LISTENER_ADDRESS_SIZE];
                json_t *object;

                listener_format_address(&row->key, address);
                object = json_pack("{s:o, s:i, s:o, s:o, s:o, s:o, s:b}", "address", address, "port",
                                   (int)listener_port(&row->key), "accept_queue_length",
                                   json_number(row->length), "accept_queue_limit", json_number(row->limit),
                                   "drops", json_number(row->drops), "sockets", json_number(row->n_sockets),
                                   "dual_stack", row->is_dual_stack != 0);
                if (json_array_append_new(array, object) < 0)
                        return -ENOMEM;
        }

        return 0;
}

static int json_add_collectors(json_t *object, const Sample *sample) {
        for (unsigned id = 0; id < _COLLECTOR_ROOM; id++) {
                const CollectorReport *report = &sample->reports[id];
                json_t *entry;

                if (!report->is_present || !collector_name(id))
                        continue;

                entry = json_pack("{s:b, s:b, s:o, s:o}", "success", report->error == 0, "incomplete",
                                  report->is_incomplete, "duration_seconds",
                                  json_real((double)report->duration_nsec / (double)NSEC_PER_SEC),
                                  "last_success", json_seconds(report->last_success_usec));
                if (!entry)
                        return -ENOMEM;
                if (report->error < 0 &&
                    json_object_set_new(entry, "error", json_string(strerror(-report->error))) < 0) {
                        json_decref(entry);
                        return -ENOMEM;
                }
                if (json_object_set_new(object, collector_name(id), entry) < 0)
                        return -ENOMEM;
        }

        return 0;
}

int json_write_sample(const Sample *sample, FILE *file) {
        _cleanup_(json_derefp) json_t *root = json_object();
        json_t *values = json_object(), *listeners = json_array(), *collectors = json_object();
        bool is_whole;

        /* Handed to the root at once, so that it alone has to be released. */
        is_whole = json_object_set_new(root, "number", json_number(sample->number)) == 0;
        is_whole &= json_object_set_new(root, "time", json_seconds(sample->realtime_usec)) == 0;
        is_whole &= json_object_set_new(root, "values", values) == 0;
        is_whole &= json_object_set_new(root, "listeners", listeners) == 0;
        is_whole &= json_object_set_new(root, "collectors", collectors) == 0;

        if (!is_whole || json_add_values(values, sample) < 0 || json_add_listeners(listeners, sample) < 0 ||
            json_add_collectors(collectors, sample) < 0)
                return -ENOMEM;

        return json_dumpf(root, file, JSON_COMPACT) < 0 ? -EIO : 0;
}
