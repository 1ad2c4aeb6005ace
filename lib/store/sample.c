/* SPDX-License-Identifier: Apache-2.0 */

/* One moment of the host, as plain data */

#include <assert.h>
#include <string.h>

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

#define FIELDS_COUNT(type, first) ((sizeof(type) - offsetof(type, first)) / sizeof(uint64_t))

#define TABLE(tag_, id, member_, type_, key_type_, first_, n_max_, collector_)                              \
        _Static_assert(offsetof(type_, key) == 0, "the key comes first");                                   \
        _Static_assert(sizeof(((type_ *)0)->key) == sizeof(key_type_), "the key is of its type");           \
        _Static_assert((sizeof(type_) - offsetof(type_, first_)) % sizeof(uint64_t) == 0, "64-bit fields"); \
        _Static_assert(FIELDS_COUNT(type_, first_) <= ROW_FIELDS_MAX, "a mask holds the fields");
#include "store/tables.tbl"
#undef TABLE

const TableInfo table_infos[_TABLES] = {
#define TABLE(tag_, id, member_, type_, key_type_, first_, n_max_, collector_) \
        [TABLE_##id] = {                                                        \
                .name = #member_,                                               \
                .tag = (tag_),                                                  \
                .collector = COLLECTOR_##collector_,                            \
                .count_offset = offsetof(Sample, n_##member_),                  \
                .rows_offset = offsetof(Sample, member_),                       \
                .n_max = (n_max_),                                              \
                .layout = {                                                     \
                        .row_size = sizeof(type_),                              \
                        .key_size = sizeof(key_type_),                          \
                        .fields_offset = offsetof(type_, first_),               \
                        .n_fields = FIELDS_COUNT(type_, first_),                \
                },                                                              \
        },
#include "store/tables.tbl"
#undef TABLE
};

/* All tables stand behind everything else. */
#define SAMPLE_HEAD_BYTES offsetof(Sample, listeners)

void sample_clear(Sample *sample) {
        assert(sample);

        memset(sample, 0, SAMPLE_HEAD_BYTES);
}

void sample_copy(Sample *sample, const Sample *from) {
        assert(sample && from && sample != from);

        memcpy(sample, from, SAMPLE_HEAD_BYTES);
        for (TableId id = 0; id < _TABLES; id++) {
                uint32_t n_rows = sample_count_rows(from, id);

                assert(n_rows <= table_infos[id].n_max);
                memcpy(sample_rows(sample, id), sample_get_row(from, id, 0),
                       n_rows * table_infos[id].layout.row_size);
        }
}
