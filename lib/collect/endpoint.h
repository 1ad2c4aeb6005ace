/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Endpoints, and whose they are, from what sock_diag tells of a socket */

#include "collect/context.h"
#include "collect/socket_ledger.h"
#include "kernel/sock_diag.h"
#include "store/sample.h"

/* The local address, port and device of a socket; the device by name, or by number if it is gone. */
void endpoint_from_socket(const struct inet_diag_msg *message, Endpoint *ret);

/* @unit_id: 0: whosever they are, sockets of one endpoint are one group */
LedgerKey endpoint_ledger_key(const Endpoint *endpoint, uint64_t unit_id);

uint64_t endpoint_cookie(const struct inet_diag_msg *message);

/* Who has a socket. */
typedef struct Holder {
        Unit *unit;        /* never NULL */
        bool is_passed_on; /* systemd made it: `unit` is who has it now, if that could be found out */
        char process[PROCESS_NAME_SIZE]; /* "" if it is not known */
} Holder;

/**
 * unit_passed_on_to() - whose a socket is that systemd made
 * @maker:      the unit of its cgroup; NULL: the kernel did not say
 * @owner:      may be NULL, or not found
 *
 * Return: the unit of its owner; if that is systemd itself, or not known, the
 * socket unit that it was made in, if there is one; else systemd's, or NULL.
 */
Unit *unit_passed_on_to(Unit *maker, const Owner *owner);

/**
 * holder_find() - the unit and the process that have a socket
 * @cgroup_id:  0: the kernel did not say
 * @inode:      0: nobody has it open
 * @is_busy:    something waits there or was dropped
 *
 * The unit is that of the cgroup. Where that passes sockets on, or is none, it is
 * unit_passed_on_to(), or units_unattributed() if that is not known.
 *
 * A busy socket that systemd had when it was looked last may have been passed on
 * since, and whoever has it is to blame, not systemd: that is looked for again
 * soon, and until then not known.
 */
Holder holder_find(const CollectContext *context, uint64_t cgroup_id, uint64_t inode, bool is_busy);
