/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The TCP listeners of this moment, and which of them a connection came in by
 *
 * Filled by the collector of listeners, asked once per socket by the walk over
 * all sockets. A connection belongs to the listener that the kernel would find
 * for its local address (inet_lookup_listener(), __inet6_lookup_listener(),
 * compute_score() in net/ipv4/inet_hashtables.c):
 *
 *   - its own address before the wildcard; of these, one that is bound to the
 *     connection's device before one that is bound to none;
 *   - a socket, TIME_WAIT and half-open ones included, has the family of its
 *     listener: one that an IPv6 listener took from IPv4 has a mapped address.
 */

#include <linux/inet_diag.h>

#include "base/macro.h"
#include "collect/units.h"
#include "collect/walk.h"
#include "store/sample.h"

/* Sockets of one dump, of which SO_REUSEPORT makes several to a listener. */
#define LISTEN_SOCKETS_MAX 8192

typedef struct Listener {
        Endpoint endpoint;
        uint32_t interface; /* index of the device, 0: none */
        bool is_dual_stack;
        bool is_passed_on; /* systemd made it for somebody else, whose unit is `unit` if that is known */
        uint64_t inode;    /* of its oldest socket */
        Unit *unit;
        uint64_t states[_STATES]; /* of its connections, as the last walk found them */
        uint64_t counted;         /* which of these a walk has counted: COUNTED_* */
        uint32_t next;            /* with the same family, port and address; index + 1 */
} Listener;

typedef struct Listeners Listeners;

/* Return: 0, -ENOMEM, or the errno of getrandom(2). */
_warn_unused_ int listeners_new(Listeners **ret);

Listeners *listeners_free(Listeners *listeners);
DEFINE_CLEANUP(Listeners *, listeners_free)

/* Begins a sample: there are none. */
void listeners_clear(Listeners *listeners);

/* Adds one; endpoint and interface of each are different. At most LISTEN_SOCKETS_MAX. If they come in order
 * of endpoint, one that was there in the last sample keeps what the last walk counted for it. */
Listener *
listeners_add(Listeners *listeners, const Endpoint *endpoint, uint32_t interface, bool is_dual_stack);

/* Begins a walk: what it is to count is 0. */
void listeners_begin_walk(Listeners *listeners, Walk walk);

size_t listeners_count(const Listeners *listeners);
Listener *listeners_get(Listeners *listeners, size_t i);

/* The listener that a connection came in by, or NULL. */
Listener *listeners_match(Listeners *listeners, const struct inet_diag_msg *message);

/**
 * listeners_is_inbound() - whether a connection came in, be its listener gone or not; in a full walk
 *
 * A connection whose port nobody listens on was opened by this host, unless
 * somebody did listen there while the connections to that port were made: that is
 * remembered for as long as every full walk finds one of them.
 */
bool listeners_is_inbound(Listeners *listeners, const struct inet_diag_msg *message);
