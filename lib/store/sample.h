/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One moment of the host, as plain data
 *
 * A Sample holds single numbers (values.tbl), a report of each collector
 * (collectors.tbl) and tables of rows. It has no pointers and fixed upper
 * bounds, so it is handed between threads, packed into the ring and compared
 * without a second thought; whatever did not fit is counted in it.
 *
 * A number that is absent could not be measured. 0 is a measurement.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/macro.h"

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

/*
 * A TCP listener: all sockets that listen on one address, port and device.
 * There is more than one with SO_REUSEPORT.
 */

/* Ordered by memcmp(). Every byte that is not used is 0. */
typedef struct ListenerKey {
        uint8_t family;      /* AF_INET or AF_INET6 */
        uint8_t reserved;    /* 0 */
        uint8_t port[2];     /* network byte order */
        uint8_t address[16]; /* an IPv4 address in the first four */
        char device[16];     /* it is bound to (SO_BINDTODEVICE), NUL-terminated; "" */
} ListenerKey;

typedef struct ListenerRow {
        ListenerKey key;

        uint64_t length;       /* connections waiting for accept(2), of all its sockets */
        uint64_t limit;        /* sum of the limits; a queue is full when length > limit */
        uint64_t worst_length; /* of the socket with the highest length / limit */
        uint64_t worst_limit;
        uint64_t drops; /* connections dropped: a counter that outlives the sockets */
        uint64_t n_sockets;
        uint64_t is_dual_stack; /* 1: an AF_INET6 listener that takes IPv4 as well */
} ListenerRow;

#define LISTENER_FIELDS 7

/* Beyond this many addresses and ports, the rest is counted and not kept. */
#define SAMPLE_LISTENERS_MAX 1024

typedef struct Sample {
        uint64_t number;      /* 1, 2, 3, … in one ring file, across restarts */
        usec_t realtime_usec; /* CLOCK_REALTIME when collecting began, to be shown */
        usec_t boottime_usec; /* CLOCK_BOOTTIME of the same moment, for intervals */

        uint64_t present[_VALUE_ROOM / 64];
        uint64_t values[_VALUE_ROOM]; /* 0 where absent */

        CollectorReport reports[_COLLECTOR_ROOM];

        uint32_t n_listeners;
        ListenerRow listeners[SAMPLE_LISTENERS_MAX]; /* strictly ascending by key */
} Sample;

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

/* A listener's port, in host byte order. */
static inline uint16_t listener_port(const ListenerKey *key) {
        return (uint16_t)(key->port[0] << 8 | key->port[1]);
}

/* "0.0.0.0", "2001:db8::1", "fe80::1%eth0": an address as ss(8) writes it. */
#define LISTENER_ADDRESS_SIZE 64
void listener_format_address(const ListenerKey *key, char ret_text[static LISTENER_ADDRESS_SIZE]);

/* "0.0.0.0:80", "[2001:db8::1]:80" */
#define LISTENER_NAME_SIZE (LISTENER_ADDRESS_SIZE + 8)
void listener_format_name(const ListenerKey *key, char ret_text[static LISTENER_NAME_SIZE]);
