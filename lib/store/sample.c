/* SPDX-License-Identifier: Apache-2.0 */

/* One moment of the host, as plain data */

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "store/sample.h"

const ValueInfo value_infos[_VALUE_ROOM] = {
#define VALUE(number, name_, collector_, source_, group_, field_, is_counter_) \
        [number] = {                                                           \
                .name = (name_),                                               \
                .source = (source_),                                           \
                .group = (group_),                                             \
                .field = (field_),                                             \
                .collector = COLLECTOR_##collector_,                           \
                .is_counter = (is_counter_),                                   \
        },
/* #id stands here, where an id is not expanded: SOMAXCONN is a macro of sys/socket.h. */
#define GAUGE(number, id, collector, source, group, field) \
        VALUE(number, #id, collector, source, group, field, false)
#define COUNTER(number, id, collector, source, group, field) \
        VALUE(number, #id, collector, source, group, field, true)
#include "store/values.tbl"
#undef GAUGE
#undef COUNTER
#undef VALUE
};

const char *collector_name(CollectorId id) {
        switch (id) {
#define COLLECTOR(number, id, name) \
        case COLLECTOR_##id:        \
                return name;
#include "store/collectors.tbl"
#undef COLLECTOR
        default:
                return NULL;
        }
}

void sample_clear(Sample *sample) {
        assert(sample);

        memset(sample, 0, offsetof(Sample, listeners));
}

void sample_copy(Sample *sample, const Sample *from) {
        assert(sample && from && sample != from);
        assert(from->n_listeners <= SAMPLE_LISTENERS_MAX);

        memcpy(sample, from, offsetof(Sample, listeners) + from->n_listeners * sizeof *from->listeners);
}

void listener_format_address(const ListenerKey *key, char ret_text[static LISTENER_ADDRESS_SIZE]) {
        char address[INET6_ADDRSTRLEN];

        if (!inet_ntop(key->family, key->address, address, sizeof address))
                address[0] = '\0';

        (void)snprintf(ret_text, LISTENER_ADDRESS_SIZE, "%s%s%.*s", address, key->device[0] ? "%" : "",
                       (int)strnlen(key->device, sizeof key->device), key->device);
}

void listener_format_name(const ListenerKey *key, char ret_text[static LISTENER_NAME_SIZE]) {
        char address[LISTENER_ADDRESS_SIZE];

        listener_format_address(key, address);
        (void)snprintf(ret_text, LISTENER_NAME_SIZE, key->family == AF_INET6 ? "[%s]:%u" : "%s:%u", address,
                       listener_port(key));
}
