/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What listeners dropped, as counters that do not fall
 *
 * The kernel counts drops per socket: 32 bits that start at 0 with the socket and
 * are gone with it. Out of the sockets of one dump after the other the ledger
 * makes a total for each address and port. Pure: it asks nobody.
 */

#include "base/macro.h"
#include "store/sample.h"

/* Sockets of one dump, of which SO_REUSEPORT makes several to a listener. */
#define LISTEN_SOCKETS_MAX 8192

typedef struct ListenSocket {
        ListenerKey key;
        uint64_t cookie; /* never used again by another socket while the host runs */
        uint32_t length;
        uint32_t limit;
        uint32_t drops;       /* modulo 2^32, since the socket was made */
        uint32_t n_new_drops; /* of those, not yet in the ledger; set by listen_ledger_enter() */
        bool is_dual_stack;
} ListenSocket;

typedef struct ListenLedger ListenLedger;

/* Return: 0 or -ENOMEM. All memory it will ever use is taken here. */
_warn_unused_ int listen_ledger_new(ListenLedger **ret);

ListenLedger *listen_ledger_free(ListenLedger *ledger);
DEFINE_CLEANUP(ListenLedger *, listen_ledger_free)

/**
 * listen_ledger_enter() - enter what one dump told
 * @sockets:    in any order; put in order of key and cookie, each once
 * @n:          at most LISTEN_SOCKETS_MAX
 * @ret_n:      how many there are, without those that the dump told of twice
 *
 * Return: how many sockets with drops had to be forgotten, for want of room. If
 * one of them listens again, its drops are counted twice: say so.
 */
size_t listen_ledger_enter(ListenLedger *ledger, ListenSocket *sockets, size_t n, size_t *ret_n);

/* Drops of a listener since the ledger began, and of its living sockets before that. */
uint64_t listen_ledger_total(const ListenLedger *ledger, const ListenerKey *key);
