/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What queues did over time: out of the sockets of one dump after the other
 *
 * The kernel tells the length of a queue now, and counts drops per socket: 32 bits
 * that start at 0 with the socket and are gone with it. Sockets with one key (an
 * address and port, a path) are a group. The ledger makes of each group's drops a
 * counter that outlives its sockets, adds up the time in which one of its queues
 * was full, and keeps the highest length of a window. It also chooses which groups
 * have a row of their own, and adds up the others. Pure: it asks nobody.
 */

#include <stdbool.h>

#include "base/clock.h"
#include "base/macro.h"
#include "base/names.h"

/* Sockets of one dump. */
#define LEDGER_SOCKETS_MAX 8192

/* An Endpoint and the id of a unit, or a path, zeros behind it. */
typedef struct LedgerKey {
        uint8_t bytes[UNIX_PATH_SIZE];
} LedgerKey;

typedef struct LedgerSocket {
        LedgerKey key;
        uint64_t cookie; /* never used again by another socket while the host runs */
        uint32_t length;
        uint32_t limit;
        uint32_t drops;       /* modulo 2^32, since the socket was made */
        uint32_t n_new_drops; /* of those, not yet in the ledger; set by the ledger */
        uint64_t first_seen;  /* number of the dump; set by the ledger */
        uint32_t index;       /* the caller's own */
} LedgerSocket;

typedef struct SocketGroup {
        LedgerKey key;
        uint32_t index; /* of its oldest socket: of those that were seen first, any one, and that stays */
        uint32_t newest_index; /* likewise */
        uint32_t worst_index;  /* of the fullest; of equals the one that drops most, or else the oldest */
        uint32_t n_sockets;    /* now */
        uint64_t length;       /* of all of them */
        uint64_t limit;        /* of all of them */
        uint64_t worst_length; /* of the one with the highest length / limit */
        uint64_t worst_limit;
        uint64_t peak;           /* highest length over the window, or a little longer */
        uint64_t drops;          /* since the ledger began, and of its living sockets before that */
        uint64_t saturated_usec; /* since the ledger began: time in which length > limit of one of them */
        bool is_busy;            /* something waits in a queue of it, or was dropped since the last dump */
        bool is_chosen;          /* it has a row of its own */
} SocketGroup;

typedef struct SocketLedger SocketLedger;

/* Return: 0 or -ENOMEM. All memory it will ever use is taken here. */
_warn_unused_ int socket_ledger_new(SocketLedger **ret);

SocketLedger *socket_ledger_free(SocketLedger *ledger);
DEFINE_CLEANUP(SocketLedger *, socket_ledger_free)

/**
 * socket_ledger_enter() - enter what one dump told
 * @sockets:    in any order; n_new_drops and first_seen are set
 * @n:          at most LEDGER_SOCKETS_MAX
 * @now_usec:   CLOCK_BOOTTIME
 * @window_usec: of the peaks
 * @n_rows_max: how many groups are to have a row of their own
 *
 * Groups that are full, that drop or were fuller lately come first; those that had
 * a row the last time stay before their equals.
 *
 * Return: how many sockets with drops had to be forgotten, for want of room. If
 * one of them is seen again, its drops are counted twice: say so.
 */
size_t socket_ledger_enter(SocketLedger *ledger,
                           LedgerSocket *sockets,
                           size_t n,
                           usec_t now_usec,
                           usec_t window_usec,
                           size_t n_rows_max);

/* The groups of the last dump, in order of key. */
size_t socket_ledger_count(const SocketLedger *ledger);
const SocketGroup *socket_ledger_get(const SocketLedger *ledger, size_t i);

/* How many of them have no row of their own. */
size_t socket_ledger_count_folded(const SocketLedger *ledger);

/**
 * socket_ledger_other() - those without a row, added up
 *
 * Its drops and time are what such groups had while they had no row: counters
 * that do not fall when one of them gets its own, which begins with what it had in
 * all. So the rises of all rows and of this one add up to those of all groups. Its
 * peak is that of the highest.
 *
 * Return: NULL until there was one.
 */
const SocketGroup *socket_ledger_other(const SocketLedger *ledger);
