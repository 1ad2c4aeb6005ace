/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The tables of a sample: what a row of each says
 *
 * A row is a key, by which its table is ordered with memcmp(), and 64-bit
 * fields. Every byte of a key that is not used is 0.
 *
 * Each table has a most of rows (a setting, up to the maxima below). What is
 * beyond is added up in one row more, `other`, whose key says so in place of an
 * address or a name; how many were folded into it is a value of the sample.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/names.h"

/* Most rows that the settings can ask for. */
#define LISTENERS_MAX      512
#define UNIX_LISTENERS_MAX 128
#define UDP_SOCKETS_MAX    128
#define UNITS_MAX          256
#define PROCESSES_MAX      64
#define DESTINATIONS_MAX   64

/* An address and port, of one device if a socket is bound to one. */
typedef struct Endpoint {
        uint8_t family;      /* AF_INET or AF_INET6; ENDPOINT_OTHER in the row `other` */
        uint8_t reserved;    /* 0 */
        uint8_t port[2];     /* network byte order */
        uint8_t address[16]; /* an IPv4 address in the first four */
        char device[16];     /* SO_BINDTODEVICE, NUL-terminated; "" */
} Endpoint;

#define ENDPOINT_OTHER 255

/* In place of a port: whichever ones the kernel chose (ip_local_port_range). No socket is bound to it. */
#define ENDPOINT_PORT_EPHEMERAL 0

/* Sockets by state. The kernel's numbers, less 1; bound ones are put behind them. */
typedef enum StateIndex {
        STATE_ESTABLISHED,
        STATE_SYN_SENT,
        STATE_SYN_RECV,
        STATE_FIN_WAIT1,
        STATE_FIN_WAIT2,
        STATE_TIME_WAIT,
        STATE_CLOSE,
        STATE_CLOSE_WAIT,
        STATE_LAST_ACK,
        STATE_LISTEN,
        STATE_CLOSING,
        STATE_BOUND_INACTIVE,
        _STATES,
} StateIndex;

/* "established" and so on: label values. */
extern const char *const state_names[_STATES];

/*
 * A TCP listener: all sockets that listen on one address, port and device. There
 * is more than one with SO_REUSEPORT. Unit and process are those of the oldest, or
 * of the fullest while that is another unit's.
 */
typedef struct ListenerKey {
        Endpoint endpoint;
        char unit[UNIT_NAME_SIZE];
        char process[PROCESS_NAME_SIZE]; /* "" if it could not be found out */
} ListenerKey;

typedef struct ListenerRow {
        ListenerKey key;

        uint64_t length;       /* connections waiting for accept(2), of all its sockets */
        uint64_t limit;        /* sum of the limits; a queue is full when length > limit */
        uint64_t worst_length; /* of the socket with the highest length / limit */
        uint64_t worst_limit;
        uint64_t peak;           /* highest length over the window; of `other`, that of the highest */
        uint64_t drops;          /* connections dropped: a counter that outlives the sockets */
        uint64_t saturated_usec; /* time in which a queue was full: a counter likewise */
        uint64_t n_sockets;
        uint64_t is_dual_stack;   /* 1: an AF_INET6 listener that takes IPv4 as well */
        uint64_t states[_STATES]; /* connections that came in by it; those of the collector TCP */
        uint64_t counted;         /* of these, by walks since it listens: COUNTED_*; the others are 0 */
} ListenerRow;

/* Which states walks have counted. */
enum {
        COUNTED_NOTHING,
        COUNTED_RARE_STATES, /* all but the two that a full walk alone counts */
        COUNTED_ALL_STATES,
};

static inline bool listener_has_state(const ListenerRow *row, StateIndex state) {
        bool is_rare = state != STATE_ESTABLISHED && state != STATE_TIME_WAIT;

        return row->counted >= (uint64_t)(is_rare ? COUNTED_RARE_STATES : COUNTED_ALL_STATES);
}

/* A UNIX listener, stream or seqpacket: all sockets that listen on one path. Unit and process are those of
 * the fullest, or of the newest. */
typedef struct UnixListenerKey {
        char path[UNIX_PATH_SIZE]; /* UNIX_OTHER in the row `other` */
        char unit[UNIT_NAME_SIZE];
        char process[PROCESS_NAME_SIZE];
} UnixListenerKey;

#define UNIX_OTHER "other"

typedef struct UnixListenerRow {
        UnixListenerKey key;

        uint64_t length;
        uint64_t limit;
        uint64_t worst_length;
        uint64_t worst_limit;
        uint64_t peak;
        uint64_t saturated_usec;
        uint64_t n_sockets;
} UnixListenerRow;

/* UDP sockets that receive from anybody: all of one unit that are bound to one address, port and device; or
 * to ports that the kernel chose, at "::" and ENDPOINT_PORT_EPHEMERAL whatever their addresses are. */
typedef struct UdpSocketRow {
        ListenerKey key;

        uint64_t queue_bytes;       /* received and not yet read, as the kernel accounts memory */
        uint64_t buffer_bytes;      /* sum of the limits */
        uint64_t worst_queue_bytes; /* of the socket with the highest share */
        uint64_t worst_buffer_bytes;
        uint64_t drops; /* a counter that outlives the sockets */
        uint64_t n_sockets;
} UdpSocketRow;

typedef struct UnitKey {
        char unit[UNIT_NAME_SIZE]; /* also UNIT_OTHER and UNIT_UNATTRIBUTED */
} UnitKey;

typedef struct UnitRow {
        UnitKey key;

        /* Those of the collector TCP */
        uint64_t states[_STATES];
        uint64_t receive_queue_bytes;
        uint64_t send_queue_bytes;
        uint64_t n_retransmitting;
        uint64_t n_close_wait_accepted; /* the rest of its CLOSE_WAIT was never accepted */

        /* Those of the collector PROCESSES */
        uint64_t n_processes;
        uint64_t open_fds;
        uint64_t worst_open_fds; /* of the process with the highest share of its limit */
        uint64_t worst_fd_limit; /* 0: none could be looked at */
} UnitRow;

/* Processes that stand out. Of those with one name in one unit the fullest is told, and beside it the one
 * that does not close. */
typedef struct ProcessKey {
        char unit[UNIT_NAME_SIZE];
        char process[PROCESS_NAME_SIZE];
} ProcessKey;

typedef struct ProcessRow {
        ProcessKey key;

        uint64_t pid; /* 0 in `other` */
        uint64_t open_fds;
        uint64_t fd_limit;       /* UINT64_MAX: none; 0 in `other` */
        uint64_t n_close_wait;   /* sockets that one accepted and does not close; 0 where nobody looked */
        uint64_t close_wait_pid; /* which one: not always `pid`; 0 where nobody looked */
        uint64_t is_close_wait_known; /* 1: somebody looked, or the unit has none */
} ProcessRow;

/* Where this host connects to. */
typedef struct DestinationRow {
        Endpoint key;

        uint64_t n_ports; /* ephemeral ports in use to there; at least, if error > 0 */
        uint64_t error;   /* by how much it may be more */
} DestinationRow;

/* An endpoint's port, in host byte order. */
static inline uint16_t endpoint_port(const Endpoint *endpoint) {
        return (uint16_t)(endpoint->port[0] << 8 | endpoint->port[1]);
}

/* "0.0.0.0", "2001:db8::1", "fe80::1%eth0": an address as ss(8) writes it; "other" */
#define ENDPOINT_ADDRESS_SIZE 64
void endpoint_format_address(const Endpoint *endpoint, char ret_text[static ENDPOINT_ADDRESS_SIZE]);

/* "80", "ephemeral", "other" */
#define ENDPOINT_PORT_SIZE 16
void endpoint_format_port(const Endpoint *endpoint, char ret_text[static ENDPOINT_PORT_SIZE]);

/* "0.0.0.0:80", "[2001:db8::1]:80", "other" */
#define ENDPOINT_NAME_SIZE (ENDPOINT_ADDRESS_SIZE + ENDPOINT_PORT_SIZE)
void endpoint_format_name(const Endpoint *endpoint, char ret_text[static ENDPOINT_NAME_SIZE]);

static inline bool endpoint_is_other(const Endpoint *endpoint) {
        return endpoint->family == ENDPOINT_OTHER;
}
