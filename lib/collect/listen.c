/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Accept queues and drops of every TCP listener
 *
 * A dump that asks for LISTEN alone costs nothing per connection. It gives one
 * entry a socket; sockets that share address, port and device (SO_REUSEPORT)
 * become one row.
 *
 * Drops are the kernel's, per socket (tcp_listendrop() in include/net/tcp.h);
 * listen_ledger.h makes counters of them that outlive the sockets.
 */

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "collect/collector.h"
#include "collect/listen_ledger.h"

typedef struct Listen {
        SockDiag *sock_diag;
        ListenLedger *ledger;
        uint64_t n_truncated; /* since the daemon started */

        uint64_t n_too_many; /* sockets of this dump that did not fit */
        size_t n_sockets;
        ListenSocket sockets[LISTEN_SOCKETS_MAX];
} Listen;

static void listen_set_device(ListenerKey *key, uint32_t interface) {
        char name[IF_NAMESIZE];

        if (interface == 0)
                return;

        if (if_indextoname(interface, name))
                memcpy(key->device, name, strnlen(name, sizeof key->device - 1));
        else
                /* The interface went away under its listener: its number is what is left. */
                (void)snprintf(key->device, sizeof key->device, "%u", interface);
}

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

        entry = &listen->sockets[listen->n_sockets++];
        *entry = (ListenSocket){
                .key.family = message->idiag_family,
                .cookie = (uint64_t)message->id.idiag_cookie[1] << 32 | message->id.idiag_cookie[0],
                .length = message->idiag_rqueue,
                .limit = message->idiag_wqueue,
                .drops = socket->drops,
                .is_dual_stack = listen_is_dual_stack(socket),
        };
        memcpy(entry->key.port, &message->id.idiag_sport, sizeof entry->key.port);
        memcpy(entry->key.address, message->id.idiag_src, message->idiag_family == AF_INET6 ? 16 : 4);
        listen_set_device(&entry->key, message->id.idiag_if);
        return 0;
}

static void listen_merge(ListenerRow *row, const ListenSocket *socket) {
        if (row->n_sockets == 0 || socket->length * MAX(row->worst_limit, UINT64_C(1)) >
                                           row->worst_length * MAX(socket->limit, 1U)) {
                row->worst_length = socket->length;
                row->worst_limit = socket->limit;
        }

        row->length += socket->length;
        row->limit += socket->limit;
        row->n_sockets++;
        row->is_dual_stack |= socket->is_dual_stack;
}

/* Turns the sockets, which are in order of key, into rows. Returns how many rows did not fit. */
static uint64_t listen_make_rows(const Listen *listen, size_t n_sockets, Sample *sample) {
        uint64_t n_truncated = 0;

        for (size_t i = 0; i < n_sockets;) {
                ListenerRow row = { .key = listen->sockets[i].key };

                for (; i < n_sockets && memcmp(&listen->sockets[i].key, &row.key, sizeof row.key) == 0; i++)
                        listen_merge(&row, &listen->sockets[i]);

                row.drops = listen_ledger_total(listen->ledger, &row.key);
                if (sample->n_listeners < SAMPLE_LISTENERS_MAX)
                        sample->listeners[sample->n_listeners++] = row;
                else
                        n_truncated++;
        }

        return n_truncated;
}

static void listen_close(void *state) {
        Listen *listen = state;

        if (!listen)
                return;

        listen->ledger = listen_ledger_free(listen->ledger);
        free(listen);
}

static int listen_open(const Sources *sources, void **ret_state) {
        Listen *listen;
        int r;

        listen = calloc(1, sizeof *listen);
        if (!listen)
                return -ENOMEM;

        r = listen_ledger_new(&listen->ledger);
        if (r < 0) {
                listen_close(listen);
                return r;
        }

        listen->sock_diag = sources->sock_diag;
        *ret_state = listen;
        return 0;
}

static int listen_collect(void *state, Sample *sample) {
        Listen *listen = state;
        size_t n_sockets, n_forgotten;
        uint64_t n_truncated;
        int r;

        listen->n_sockets = 0;
        listen->n_too_many = 0;
        r = sock_diag_dump(listen->sock_diag, SOCK_STATE_MASK(SOCK_STATE_LISTEN), SOCK_EXTENSION_MEMORY,
                           listen_visit, listen);
        if (r < 0)
                return r;

        n_forgotten = listen_ledger_enter(listen->ledger, listen->sockets, listen->n_sockets, &n_sockets);
        n_truncated = listen->n_too_many + listen_make_rows(listen, n_sockets, sample);
        listen->n_truncated += n_truncated;

        sample_set(sample, VALUE_LISTENERS_TRUNCATED, listen->n_truncated);
        return n_truncated > 0 || n_forgotten > 0;
}

const Collector listen_collector = {
        .id = COLLECTOR_LISTEN,
        .cost = COLLECTOR_COST_TICK,
        .open = listen_open,
        .collect = listen_collect,
        .close = listen_close,
};
