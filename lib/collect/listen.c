/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Accept queues and drops of every TCP listener
 *
 * A dump that asks for LISTEN alone costs nothing per connection. It gives one
 * entry a socket; sockets that share address, port and device (SO_REUSEPORT)
 * become one row.
 *
 * Drops are the kernel's, per socket (tcp_listendrop() in include/net/tcp.h);
 * socket_ledger.h makes counters of them that outlive the sockets.
 */

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/sort.h"
#include "collect/collector.h"
#include "collect/endpoint.h"
#include "collect/socket_ledger.h"

/* What the ledger does not keep of a socket. */
typedef struct ListenSocket {
        Endpoint endpoint;
        uint32_t interface;
        uint64_t cgroup_id;
        uint64_t inode;
        bool is_dual_stack;
} ListenSocket;

typedef struct Listen {
        const CollectContext *context;
        SocketLedger *ledger;
        uint64_t n_truncated; /* since the daemon started */

        uint64_t n_too_many; /* sockets of this dump that did not fit */
        size_t n_sockets;
        ListenSocket sockets[LISTEN_SOCKETS_MAX];
        LedgerSocket ledger_sockets[LISTEN_SOCKETS_MAX];
} Listen;

_Static_assert((int)LISTEN_SOCKETS_MAX == (int)LEDGER_SOCKETS_MAX, "the ledger takes all of them");

/* One bound to an IPv4 address by its IPv6 name takes nothing else; the kernel
 * sets IPV6_V6ONLY by itself for any other address but the wildcard. */
static bool listen_is_dual_stack(const SockView *socket) {
        const struct in6_addr *address = (const struct in6_addr *)socket->message->id.idiag_src;

        return socket->message->idiag_family == AF_INET6 && !socket->is_ipv6_only &&
               !IN6_IS_ADDR_V4MAPPED(address);
}

static int listen_visit(const SockView *socket, void *userdata) {
        const struct inet_diag_msg *message = socket->message;
        Listen *listen = userdata;
        ListenSocket *entry;

        if (socket->state != SOCK_STATE_LISTEN)
                return 0;

        /* Asked for, and answered since Linux 4.8: without it 0 would pass for a measurement. */
        if (!socket->has_drops)
                return -ENODATA;

        if (listen->n_sockets == LISTEN_SOCKETS_MAX) {
                listen->n_too_many++;
                return 0;
        }

        entry = &listen->sockets[listen->n_sockets];
        *entry = (ListenSocket){
                .interface = message->id.idiag_if,
                .cgroup_id = socket->cgroup_id,
                .inode = message->idiag_inode,
                .is_dual_stack = listen_is_dual_stack(socket),
        };
        endpoint_from_socket(message, &entry->endpoint);
        listen->ledger_sockets[listen->n_sockets] = (LedgerSocket){
                .key = endpoint_ledger_key(&entry->endpoint, /* unit_id= */ 0),
                .cookie = endpoint_cookie(message),
                .length = message->idiag_rqueue,
                .limit = message->idiag_wqueue,
                .drops = socket->drops,
                .index = (uint32_t)listen->n_sockets++,
        };
        return 0;
}

/*
 * Whose the row of a group is: its oldest socket's. Only where somebody else's
 * sibling is fuller, or drops, it is to blame; a fuller sibling of the same unit, as
 * there is any time one of some workers is behind, is not worth another process's
 * name.
 */
static const ListenSocket *listen_find_culprit(const Listen *listen, const SocketGroup *group) {
        const ListenSocket *oldest = &listen->sockets[group->index],
                           *worst = &listen->sockets[group->worst_index];
        Units *units = listen->context->units;

        if (!group->is_busy || worst->cgroup_id == oldest->cgroup_id || worst->cgroup_id == 0 ||
            oldest->cgroup_id == 0 ||
            units_find(units, worst->cgroup_id) == units_find(units, oldest->cgroup_id))
                return oldest;
        return worst;
}

static Holder
listen_find_holder(const Listen *listen, const ListenSocket *socket, const SocketGroup *group) {
        return holder_find(listen->context, socket->cgroup_id, socket->inode, group->is_busy);
}

/* Makes the listeners of this moment known to the walk over all sockets, and wants their owners. */
static void listen_enter_listeners(Listen *listen) {
        const CollectContext *context = listen->context;

        listeners_clear(context->listeners);
        for (size_t i = 0; i < socket_ledger_count(listen->ledger); i++) {
                const SocketGroup *group = socket_ledger_get(listen->ledger, i);
                const ListenSocket *socket = &listen->sockets[group->index];
                Listener *listener = listeners_add(context->listeners, &socket->endpoint, socket->interface,
                                                   socket->is_dual_stack);

                listener->inode = socket->inode;
                (void)listen_find_holder(listen, socket, group);
                if (group->is_chosen)
                        (void)listen_find_holder(listen, listen_find_culprit(listen, group), group);
        }

        owners_search(context->owners);
}

static void listen_make_row(ListenerRow *row, const SocketGroup *group) {
        row->length = group->length;
        row->limit = group->limit;
        row->worst_length = group->worst_length;
        row->worst_limit = group->worst_limit;
        row->peak = group->peak;
        row->drops = group->drops;
        row->saturated_usec = group->saturated_usec;
        row->n_sockets = group->n_sockets;
}

static int listen_compare_rows(const void *left, const void *right, const void *userdata) {
        return memcmp(left, right, sizeof(ListenerKey));
}

static void listen_make_rows(Listen *listen, Sample *sample) {
        const CollectContext *context = listen->context;
        const SocketGroup *other = socket_ledger_other(listen->ledger);
        ListenerRow *row;

        for (size_t i = 0; i < socket_ledger_count(listen->ledger); i++) {
                const SocketGroup *group = socket_ledger_get(listen->ledger, i);
                const ListenSocket *socket = &listen->sockets[group->index];
                Listener *listener = listeners_get(context->listeners, i);
                Holder holder = listen_find_holder(listen, socket, group);

                listener->unit = holder.unit;
                listener->is_passed_on = holder.is_passed_on;
                if (!group->is_chosen)
                        continue;

                holder = listen_find_holder(listen, listen_find_culprit(listen, group), group);
                row = &sample->listeners[sample->n_listeners++];
                memset(row, 0, sizeof *row);
                row->key.endpoint = socket->endpoint;
                memcpy(row->key.unit, holder.unit->row.key.unit, sizeof row->key.unit);
                memcpy(row->key.process, holder.process, sizeof row->key.process);
                row->is_dual_stack = socket->is_dual_stack;
                listen_make_row(row, group);
        }

        if (other) {
                row = &sample->listeners[sample->n_listeners++];
                memset(row, 0, sizeof *row);
                row->key = (ListenerKey){ .endpoint.family = ENDPOINT_OTHER, .unit = UNIT_OTHER };
                listen_make_row(row, other);
        }

        sort_in_place(sample->listeners, sample->n_listeners, sizeof *sample->listeners, listen_compare_rows,
                      /* userdata= */ NULL);
}

static void listen_close(void *state) {
        Listen *listen = state;

        if (!listen)
                return;

        listen->ledger = socket_ledger_free(listen->ledger);
        free(listen);
}

static int listen_open(CollectContext *context, void **ret_state) {
        Listen *listen;
        int r;

        listen = calloc(1, sizeof *listen);
        if (!listen)
                return -ENOMEM;

        r = socket_ledger_new(&listen->ledger);
        if (r < 0) {
                listen_close(listen);
                return r;
        }

        listen->context = context;
        *ret_state = listen;
        return 0;
}

static int listen_collect(void *state, Sample *sample) {
        Listen *listen = state;
        const CollectContext *context = listen->context;
        size_t n_forgotten;
        int r;

        listen->n_sockets = 0;
        listen->n_too_many = 0;
        r = sock_diag_dump(context->sources->sock_diag, SOCK_STATE_MASK(SOCK_STATE_LISTEN),
                           SOCK_EXTENSION_MEMORY, listen_visit, listen);
        if (r < 0)
                return r;

        n_forgotten = socket_ledger_enter(listen->ledger, listen->ledger_sockets, listen->n_sockets,
                                          context->now_usec, context->bounds->peak_window_usec,
                                          context->bounds->n_listeners);
        listen_enter_listeners(listen);
        listen_make_rows(listen, sample);

        listen->n_truncated += listen->n_too_many;
        sample_set(sample, VALUE_LISTENERS_TRUNCATED, listen->n_truncated);
        sample_set(sample, VALUE_LISTENERS_FOLDED, socket_ledger_count_folded(listen->ledger));
        return listen->n_too_many > 0 || n_forgotten > 0;
}

const Collector listen_collector = {
        .id = COLLECTOR_LISTEN,
        .cost = COLLECTOR_COST_TICK,
        .open = listen_open,
        .collect = listen_collect,
        .close = listen_close,
};
