/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Receive queues and drops of UDP sockets that take datagrams from anybody
 *
 * Those are bound and not connected. Sockets of one unit that share address, port
 * and device become one row. Connected ones, as of resolvers that wait for an
 * answer, come and go by the thousand: they are left to the counters of the host.
 *
 * Clients that connect none, as some resolvers and all of QUIC, are bound to a port
 * that the kernel chose, another one each time. A row for each would be a new series
 * for each, without end: all of a unit in the range of such ports are one row. So is
 * a service in that range which chose its port itself, as the kernel does not tell
 * the difference; but what systemd made for one is not, as that is no client's.
 *
 * Sockets of several units may share a port (multicast DNS, SO_REUSEADDR), and each
 * drops for itself. So the ledger tells them apart by the unit of their cgroup,
 * which is known at once and stays, and not by who is found to have them open.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/sort.h"
#include "collect/collector.h"
#include "collect/endpoint.h"
#include "collect/socket_ledger.h"

typedef struct UdpSocket {
        Endpoint endpoint;
        uint64_t cgroup_id;
        uint64_t inode;
} UdpSocket;

typedef struct Udp {
        const CollectContext *context;
        SocketLedger *ledger;
        uint64_t n_truncated; /* since the daemon started */

        uint64_t n_too_many; /* sockets of this dump that did not fit */
        size_t n_forgotten;  /* sockets with drops that the ledger had to forget with it */
        size_t n_sockets;
        uint64_t cgroup_id; /* of the socket that was visited last */
        const Unit *unit;   /* of that; NULL: the kernel did not say */
        UdpSocket sockets[LEDGER_SOCKETS_MAX];
        LedgerSocket ledger_sockets[LEDGER_SOCKETS_MAX];
} Udp;

/* Sockets of one process mostly come one after the other. */
static const Unit *udp_find_unit(Udp *udp, uint64_t cgroup_id) {
        if (cgroup_id != udp->cgroup_id)
                udp->unit = cgroup_id > 0 ? units_find(udp->context->units, cgroup_id) : NULL;
        udp->cgroup_id = cgroup_id;
        return udp->unit;
}

static bool udp_is_ephemeral(const Udp *udp, const struct inet_diag_msg *message, const Unit *unit) {
        uint16_t port = ntohs(message->id.idiag_sport);

        return udp->context->last_port > 0 && port >= udp->context->first_port &&
               port <= udp->context->last_port && !(unit && unit_passes_on(unit));
}

static bool udp_socket_is_ephemeral(const UdpSocket *socket) {
        return endpoint_port(&socket->endpoint) == ENDPOINT_PORT_EPHEMERAL;
}

static int udp_visit(const SockView *socket, void *userdata) {
        const struct inet_diag_msg *message = socket->message;
        Udp *udp = userdata;
        const Unit *unit;
        UdpSocket *entry;

        if (socket->state != SOCK_STATE_CLOSE)
                return 0;
        if (!socket->has_drops)
                return -ENODATA;

        if (udp->n_sockets == LEDGER_SOCKETS_MAX) {
                udp->n_too_many++;
                return 0;
        }

        entry = &udp->sockets[udp->n_sockets];
        *entry = (UdpSocket){ .cgroup_id = socket->cgroup_id, .inode = message->idiag_inode };
        unit = udp_find_unit(udp, socket->cgroup_id);
        if (udp_is_ephemeral(udp, message, unit))
                entry->endpoint = (Endpoint){ .family = AF_INET6 };
        else
                endpoint_from_socket(message, &entry->endpoint);
        udp->ledger_sockets[udp->n_sockets] = (LedgerSocket){
                .key = endpoint_ledger_key(&entry->endpoint, unit ? unit->id : 0),
                .cookie = endpoint_cookie(message),
                .length = message->idiag_rqueue,
                .limit = socket->receive_buffer_bytes,
                .drops = socket->drops,
                .index = (uint32_t)udp->n_sockets++,
        };
        return 0;
}

static void udp_make_row(UdpSocketRow *row, const SocketGroup *group) {
        row->queue_bytes = group->length;
        row->buffer_bytes = group->limit;
        row->worst_queue_bytes = group->worst_length;
        row->worst_buffer_bytes = group->worst_limit;
        row->drops = group->drops;
        row->n_sockets = group->n_sockets;
}

static int udp_compare_rows(const void *left, const void *right, const void *userdata) {
        return memcmp(left, right, sizeof(ListenerKey));
}

static Holder udp_find_holder(const Udp *udp, const SocketGroup *group) {
        const UdpSocket *socket = &udp->sockets[group->index];

        /* Whose each of them is would have to be searched again and again. */
        if (udp_socket_is_ephemeral(socket))
                return (Holder){
                        .unit = socket->cgroup_id > 0 ? units_find(udp->context->units, socket->cgroup_id)
                                                      : units_unattributed(udp->context->units),
                };

        return holder_find(udp->context, socket->cgroup_id, socket->inode, group->is_busy);
}

/* Wants the owners of the sockets that have rows, and searches for them. */
static void udp_search_owners(const Udp *udp) {
        for (size_t i = 0; i < socket_ledger_count(udp->ledger); i++) {
                const SocketGroup *group = socket_ledger_get(udp->ledger, i);

                if (group->is_chosen)
                        (void)udp_find_holder(udp, group);
        }

        owners_search(udp->context->owners);
}

/* What systemd made and passed on is a group of its own, and may be found to be of a unit that has one. */
static void udp_merge_twins(Sample *sample) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < sample->n_udp_sockets; i++) {
                const UdpSocketRow *row = &sample->udp_sockets[i];
                UdpSocketRow *last = n > 0 ? &sample->udp_sockets[n - 1] : NULL;

                if (!last || udp_compare_rows(last, row, /* userdata= */ NULL) != 0) {
                        sample->udp_sockets[n++] = *row;
                        continue;
                }

                if (row->worst_queue_bytes * MAX(last->worst_buffer_bytes, UINT64_C(1)) >
                    last->worst_queue_bytes * MAX(row->worst_buffer_bytes, UINT64_C(1))) {
                        last->worst_queue_bytes = row->worst_queue_bytes;
                        last->worst_buffer_bytes = row->worst_buffer_bytes;
                }
                last->queue_bytes += row->queue_bytes;
                last->buffer_bytes += row->buffer_bytes;
                last->drops += row->drops;
                last->n_sockets += row->n_sockets;
        }
        sample->n_udp_sockets = n;
}

static void udp_make_rows(const Udp *udp, Sample *sample) {
        const SocketGroup *other = socket_ledger_other(udp->ledger);
        UdpSocketRow *row;

        for (size_t i = 0; i < socket_ledger_count(udp->ledger); i++) {
                const SocketGroup *group = socket_ledger_get(udp->ledger, i);
                const UdpSocket *socket = &udp->sockets[group->index];
                Holder holder;

                if (!group->is_chosen)
                        continue;

                holder = udp_find_holder(udp, group);
                row = &sample->udp_sockets[sample->n_udp_sockets++];
                memset(row, 0, sizeof *row);
                row->key.endpoint = socket->endpoint;
                memcpy(row->key.unit, holder.unit->row.key.unit, sizeof row->key.unit);
                memcpy(row->key.process, holder.process, sizeof row->key.process);
                udp_make_row(row, group);
        }

        if (other) {
                row = &sample->udp_sockets[sample->n_udp_sockets++];
                memset(row, 0, sizeof *row);
                row->key = (ListenerKey){ .endpoint.family = ENDPOINT_OTHER, .unit = UNIT_OTHER };
                udp_make_row(row, other);
        }

        sort_in_place(sample->udp_sockets, sample->n_udp_sockets, sizeof *sample->udp_sockets,
                      udp_compare_rows, /* userdata= */ NULL);
        udp_merge_twins(sample);
}

static void udp_close(void *state) {
        Udp *udp = state;

        if (!udp)
                return;

        udp->ledger = socket_ledger_free(udp->ledger);
        free(udp);
}

static int udp_open(CollectContext *context, void **ret_state) {
        Udp *udp;
        int r;

        udp = calloc(1, sizeof *udp);
        if (!udp)
                return -ENOMEM;

        r = socket_ledger_new(&udp->ledger);
        if (r < 0) {
                udp_close(udp);
                return r;
        }

        udp->context = context;
        *ret_state = udp;
        return 0;
}

static int udp_ask(Udp *udp) {
        const CollectContext *context = udp->context;
        int r;

        udp->n_sockets = 0;
        udp->n_too_many = 0;
        udp->cgroup_id = 0;
        udp->unit = NULL;
        r = sock_diag_dump_udp(context->sources->sock_diag, AF_INET, udp_visit, udp);
        if (r == 0)
                r = sock_diag_dump_udp(context->sources->sock_diag, AF_INET6, udp_visit, udp);
        if (r < 0)
                return r;

        udp->n_forgotten =
                socket_ledger_enter(udp->ledger, udp->ledger_sockets, udp->n_sockets, context->now_usec,
                                    context->bounds->peak_window_usec, context->bounds->n_udp_sockets);
        udp->n_truncated += udp->n_too_many;
        return 0;
}

static int udp_collect(void *state, Sample *sample) {
        Udp *udp = state;
        int r;

        r = udp->context->is_repeat ? 0 : udp_ask(udp);
        if (r < 0)
                return r;

        udp_search_owners(udp);
        udp_make_rows(udp, sample);

        sample_set(sample, VALUE_UDP_SOCKETS_TRUNCATED, udp->n_truncated);
        sample_set(sample, VALUE_UDP_SOCKETS_FOLDED, socket_ledger_count_folded(udp->ledger));
        return udp->n_too_many > 0 || udp->n_forgotten > 0;
}

const Collector udp_collector = {
        .id = COLLECTOR_UDP,
        .cost = COLLECTOR_COST_TABLE,
        .open = udp_open,
        .collect = udp_collect,
        .close = udp_close,
};
