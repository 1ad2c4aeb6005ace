/* SPDX-License-Identifier: Apache-2.0 */

/* Endpoints, and whose they are, from what sock_diag tells of a socket */

#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "collect/endpoint.h"

static void endpoint_set_device(Endpoint *endpoint, uint32_t interface) {
        char name[IF_NAMESIZE];

        if (interface == 0)
                return;

        if (if_indextoname(interface, name))
                memcpy(endpoint->device, name, strnlen(name, sizeof endpoint->device - 1));
        else
                /* The interface went away under its socket: its number is what is left. */
                (void)snprintf(endpoint->device, sizeof endpoint->device, "%u", interface);
}

void endpoint_from_socket(const struct inet_diag_msg *message, Endpoint *ret) {
        *ret = (Endpoint){ .family = message->idiag_family };
        memcpy(ret->port, &message->id.idiag_sport, sizeof ret->port);
        memcpy(ret->address, message->id.idiag_src, message->idiag_family == AF_INET6 ? 16 : 4);
        endpoint_set_device(ret, message->id.idiag_if);
}

LedgerKey endpoint_ledger_key(const Endpoint *endpoint, uint64_t unit_id) {
        LedgerKey key = { 0 };

        _Static_assert(sizeof *endpoint + sizeof unit_id <= sizeof key, "both fit a key of the ledger");

        memcpy(key.bytes, endpoint, sizeof *endpoint);
        memcpy(key.bytes + sizeof *endpoint, &unit_id, sizeof unit_id);
        return key;
}

uint64_t endpoint_cookie(const struct inet_diag_msg *message) {
        return (uint64_t)message->id.idiag_cookie[1] << 32 | message->id.idiag_cookie[0];
}

Unit *unit_passed_on_to(Unit *maker, const Owner *owner) {
        Unit *holder = owner && owner->state == OWNER_FOUND ? owner->unit : NULL;

        if (holder && !unit_passes_on(holder))
                return holder;
        return maker && maker->is_socket ? maker : holder;
}

Holder holder_find(const CollectContext *context, uint64_t cgroup_id, uint64_t inode, bool is_busy) {
        Unit *unit = cgroup_id > 0 ? units_find(context->units, cgroup_id) : NULL;
        Holder holder = { .unit = unit, .is_passed_on = !unit || unit_passes_on(unit) };
        const Owner *owner = NULL;

        if (inode > 0)
                owner = owners_find(context->owners, inode, holder.is_passed_on ? NULL : unit);
        if (owner && holder.is_passed_on) {
                owners_note_busy(context->owners, inode, is_busy);
                if (is_busy && owners_is_outdated(context->owners, owner))
                        owner = NULL;
        }

        if (owner && owner->state == OWNER_FOUND)
                memcpy(holder.process, owner->process, sizeof holder.process);
        if (holder.is_passed_on)
                holder.unit = unit_passed_on_to(unit, owner);
        if (!holder.unit)
                holder.unit = units_unattributed(context->units);
        return holder;
}
