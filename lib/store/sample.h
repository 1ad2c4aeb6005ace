/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One moment of the host, as plain data
 *
 * A Sample holds single numbers (values.tbl), a report of each collector
 * (collectors.tbl) and tables of rows (tables.tbl, table.h). It has no pointers and fixed upper
 * bounds, so it is handed between threads, packed into the ring and compared
 * without a second thought; whatever did not fit is counted in it.
 *
 * A number that is absent could not be measured. 0 is a measurement.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/instant.h"
#include "base/macro.h"
#include "store/rows.h"
#include "store/table.h"

typedef enum CollectorId {
        COLLECTOR_NONE = -1,
#define COLLECTOR(number, id, name) COLLECTOR_##id = (number),
#include "store/collectors.tbl"
#undef COLLECTOR
        _COLLECTOR_ROOM = 16, /* ring files hold numbers below this */
} CollectorId;

typedef enum ValueId {
#define GAUGE(number, id, collector, source, group, field)   VALUE_##id = (number),
#define COUNTER(number, id, collector, source, group, field) VALUE_##id = (number),
#include "store/values.tbl"
#undef GAUGE
#undef COUNTER
        _VALUE_ROOM = 256, /* ring files hold numbers below this */
} ValueId;

/* What is known about a value besides its number in a sample. */
typedef struct ValueInfo {
        const char *name;   /* "TCP_ESTABLISHED"; NULL: no such value */
        const char *source; /* the columns of values.tbl */
        const char *group;
        const char *field;
        CollectorId collector;
        bool is_counter; /* only rises, but for resets; else a gauge */
} ValueInfo;

extern const ValueInfo value_infos[_VALUE_ROOM];

/*
 * Whether the kernel can have meant this number. CurrEstab is a sum over processors
 * that change it while it is made, so it may come out below 0, and is printed without
 * a sign all the same (snmp_seq_show_tcp_udp(), net/ipv4/proc.c): 2^64 - 1
 * connections are none that was measured. A counter may be any number.
 */
static inline bool value_is_possible(ValueId id, uint64_t number) {
        return value_infos[id].is_counter || number <= INT64_MAX;
}

/* Name of a collector as in metrics, or NULL if there is none of this id. */
const char *collector_name(CollectorId id);

/* What the core says of one collector's part in a sample. */
typedef struct CollectorReport {
        bool is_present;     /* it was tried; else all of this is 0 */
        bool is_incomplete;  /* it succeeded, but some of what it saw did not fit */
        int error;           /* 0, or the negative errno of this attempt */
        uint64_t n_failures; /* since the daemon started */
        uint64_t duration_nsec;
        usec_t last_success_usec; /* CLOCK_REALTIME; 0: never. When its values were true. */
} CollectorReport;

typedef enum TableId {
#define TABLE(tag, id, member, type, key_type, first, n_max, collector) TABLE_##id,
#include "store/tables.tbl"
#undef TABLE
        _TABLES,
} TableId;

typedef struct Sample {
        uint64_t number;      /* 1, 2, 3, … in one ring file, across restarts */
        usec_t realtime_usec; /* CLOCK_REALTIME when collecting began, to be shown */
        usec_t boottime_usec; /* CLOCK_BOOTTIME of the same moment, for intervals */

        uint64_t present[_VALUE_ROOM / 64];
        uint64_t values[_VALUE_ROOM]; /* 0 where absent */

        CollectorReport reports[_COLLECTOR_ROOM];

#define TABLE(tag, id, member, type, key_type, first, n_max, collector) uint32_t n_##member;
#include "store/tables.tbl"
#undef TABLE

        /* Rows, strictly ascending by key; those beyond the counters are garbage. */
#define TABLE(tag, id, member, type, key_type, first, n_max, collector) type member[n_max];
#include "store/tables.tbl"
#undef TABLE
} Sample;

/* When collecting began. */
static inline Instant sample_instant(const Sample *sample) {
        return (Instant){ sample->realtime_usec, sample->boottime_usec };
}

/* What is known about a table besides its rows in a sample. */
typedef struct TableInfo {
        const char *name; /* "listeners" */
        uint8_t tag;      /* of its section in ring files */
        CollectorId collector;
        size_t count_offset; /* of its counter in a Sample */
        size_t rows_offset;  /* of its rows there */
        size_t n_max;
        RowLayout layout;
} TableInfo;

extern const TableInfo table_infos[_TABLES];

static inline uint32_t *sample_row_count(Sample *sample, TableId id) {
        return (uint32_t *)((char *)sample + table_infos[id].count_offset);
}

static inline void *sample_rows(Sample *sample, TableId id) {
        return (char *)sample + table_infos[id].rows_offset;
}

/* The same of a sample that is only read. */
static inline uint32_t sample_count_rows(const Sample *sample, TableId id) {
        return *(const uint32_t *)((const char *)sample + table_infos[id].count_offset);
}

static inline const void *sample_get_row(const Sample *sample, TableId id, size_t i) {
        return (const char *)sample + table_infos[id].rows_offset + i * table_infos[id].layout.row_size;
}

/* Makes it empty: nothing present, no rows. Rows beyond the counts keep garbage. */
void sample_clear(Sample *sample);

/* Copies what is used of @from. */
void sample_copy(Sample *sample, const Sample *from);

static inline void sample_set(Sample *sample, ValueId id, uint64_t value) {
        sample->present[id / 64] |= UINT64_C(1) << id % 64;
        sample->values[id] = value;
}

static inline void sample_unset(Sample *sample, ValueId id) {
        sample->present[id / 64] &= ~(UINT64_C(1) << id % 64);
        sample->values[id] = 0;
}

static inline bool sample_has(const Sample *sample, ValueId id) {
        return sample->present[id / 64] >> id % 64 & 1;
}
