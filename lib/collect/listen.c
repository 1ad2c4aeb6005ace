/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Accept queues and drops of every TCP listener
 *
 * A dump that asks for LISTEN alone costs nothing per connection. It gives one
 * entry a socket; sockets that share address, port and device (SO_REUSEPORT)
 * become one row.
 *
 * Drops are the kernel's, per socket: 32 bits that start at 0 with the socket
 * and are gone with it (tcp_listendrop() in include/net/tcp.h). To make of them
 * a counter that does not fall when a service is restarted, the entries of this
 * sample and of the last one are both kept sorted by key and cookie, and walked
 * side by side:
 *
 *     last  (A, 7): 40      (B, 9): 5
 *     now   (A, 7): 42                   (B, 12): 1
 *     row A += 2, row B += 1: what socket 9 dropped was added while it lived
 *
 * The totals of listeners that went away are kept for when they come back, and so
 * are the drops of sockets: one that is shut down and listens again, as HAProxy
 * pauses and resumes, still has them.
 */

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "collect/collector.h"

/* Sockets, of which SO_REUSEPORT makes several to a row. 64 bytes each, twice. */
#define LISTEN_SOCKETS_MAX 8192

/* Totals that are kept, of listeners that are there and of those that were. */
#define LISTEN_TOTALS_MAX (2 * SAMPLE_LISTENERS_MAX)

/* Sockets with drops that are remembered after they stopped listening. */
#define LISTEN_GONE_MAX 256

typedef struct ListenSocket {
        ListenerKey key;
        uint64_t cookie; /* never used again by another socket while the host runs */
        uint32_t length;
        uint32_t limit;
        uint32_t drops;
        bool is_dual_stack;
} ListenSocket;

typedef struct ListenTotal {
        ListenerKey key;
        uint64_t drops;
        uint64_t last_seen; /* number of the collection in which the listener was there */
} ListenTotal;

typedef struct ListenGone {
        uint64_t cookie;
        uint32_t drops;
} ListenGone;

typedef struct Listen {
        SockDiag *sock_diag;
        uint64_t n_collections;
        uint64_t n_truncated; /* since the daemon started */

        size_t n_sockets;
        size_t n_sockets_last;
        ListenSocket *sockets;      /* of this sample */
        ListenSocket *sockets_last; /* of the one before, sorted */
        uint64_t n_too_many;

        uint64_t n_gone; /* ever; each replaces the one of LISTEN_GONE_MAX before it */
        ListenGone gone[LISTEN_GONE_MAX];

        size_t n_totals;
        ListenTotal totals[LISTEN_TOTALS_MAX +
                           SAMPLE_LISTENERS_MAX]; /* sorted; the excess is dropped at the end */
        ListenSocket room[2][LISTEN_SOCKETS_MAX];
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

/* By key, then by cookie. */
static int listen_socket_compare(const void *left, const void *right) {
        const ListenSocket *a = left, *b = right;
        int order = memcmp(&a->key, &b->key, sizeof a->key);

        return order != 0 ? order : a->cookie < b->cookie ? -1 : a->cookie > b->cookie;
}

/* What a socket had dropped when it was last seen, before the last sample: 0 if it is new. */
static uint32_t listen_find_gone(const Listen *listen, uint64_t cookie) {
        for (uint64_t i = 0; i < MIN(listen->n_gone, (uint64_t)LISTEN_GONE_MAX); i++) {
                const ListenGone *gone = &listen->gone[(listen->n_gone - 1 - i) % LISTEN_GONE_MAX];

                if (gone->cookie == cookie)
                        return gone->drops;
        }

        return 0;
}

/* Remembers the sockets of the last sample that are not in this one. */
static void listen_remember_gone(Listen *listen) {
        size_t now = 0;

        for (size_t last = 0; last < listen->n_sockets_last; last++) {
                const ListenSocket *socket = &listen->sockets_last[last];
                int order = 1;

                while (now < listen->n_sockets &&
                       (order = listen_socket_compare(&listen->sockets[now], socket)) < 0)
                        now++;

                if (socket->drops > 0 && (now == listen->n_sockets || order > 0))
                        listen->gone[listen->n_gone++ % LISTEN_GONE_MAX] =
                                (ListenGone){ .cookie = socket->cookie, .drops = socket->drops };
        }
}

/* A dump follows its table while that changes, and may tell of a socket twice. */
static void listen_drop_twins(Listen *listen) {
        size_t n = 0;

        for (size_t i = 0; i < listen->n_sockets; i++)
                if (n == 0 || listen_socket_compare(&listen->sockets[n - 1], &listen->sockets[i]) != 0)
                        listen->sockets[n++] = listen->sockets[i];

        listen->n_sockets = n;
}

/* What a socket dropped since the last sample. Steps through the last sample's
 * sockets, which are in the same order. */
static uint32_t listen_count_drops(const Listen *listen, const ListenSocket *socket, size_t *last) {
        int order = 1;

        while (*last < listen->n_sockets_last &&
               (order = listen_socket_compare(&listen->sockets_last[*last], socket)) < 0)
                (*last)++;

        /* Both have 32 bits, so a counter that wrapped gives the right difference. */
        return *last < listen->n_sockets_last && order == 0
                       ? socket->drops - listen->sockets_last[*last].drops
                       : socket->drops - listen_find_gone(listen, socket->cookie);
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

/* The total of a key, made if there is none. NULL if there is no room. */
static ListenTotal *listen_find_total(Listen *listen, const ListenerKey *key) {
        size_t low = 0, high = listen->n_totals;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = memcmp(&listen->totals[middle].key, key, sizeof *key);

                if (order == 0)
                        return &listen->totals[middle];
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }

        if (listen->n_totals == ELEMENTSOF(listen->totals))
                return NULL;

        memmove(&listen->totals[low + 1], &listen->totals[low],
                (listen->n_totals - low) * sizeof *listen->totals);
        listen->n_totals++;
        listen->totals[low] = (ListenTotal){ .key = *key };
        return &listen->totals[low];
}

/* Forgets the totals whose listeners have been away the longest. */
static void listen_forget_totals(Listen *listen) {
        while (listen->n_totals > LISTEN_TOTALS_MAX) {
                size_t oldest = 0;

                for (size_t i = 1; i < listen->n_totals; i++)
                        if (listen->totals[i].last_seen < listen->totals[oldest].last_seen)
                                oldest = i;

                listen->n_totals--;
                memmove(&listen->totals[oldest], &listen->totals[oldest + 1],
                        (listen->n_totals - oldest) * sizeof *listen->totals);
        }
}

/* Turns the sorted sockets into rows. Returns how many rows did not fit. */
static uint64_t listen_make_rows(Listen *listen, Sample *sample) {
        uint64_t n_truncated = 0;
        size_t last = 0;

        for (size_t i = 0; i < listen->n_sockets;) {
                const ListenSocket *first = &listen->sockets[i];
                ListenerRow row = { .key = first->key };
                uint64_t drops = 0;
                ListenTotal *total;

                for (; i < listen->n_sockets &&
                       memcmp(&listen->sockets[i].key, &first->key, sizeof first->key) == 0;
                     i++) {
                        listen_merge(&row, &listen->sockets[i]);
                        drops += listen_count_drops(listen, &listen->sockets[i], &last);
                }

                total = sample->n_listeners < SAMPLE_LISTENERS_MAX ? listen_find_total(listen, &row.key)
                                                                   : NULL;
                if (!total) {
                        n_truncated++;
                        continue;
                }

                total->drops += drops;
                total->last_seen = listen->n_collections;
                row.drops = total->drops;
                sample->listeners[sample->n_listeners++] = row;
        }

        return n_truncated;
}

static int listen_open(const Sources *sources, void **ret_state) {
        Listen *listen;

        listen = calloc(1, sizeof *listen);
        if (!listen)
                return -ENOMEM;

        listen->sock_diag = sources->sock_diag;
        listen->sockets = listen->room[0];
        listen->sockets_last = listen->room[1];
        *ret_state = listen;
        return 0;
}

static int listen_collect(void *state, Sample *sample) {
        Listen *listen = state;
        ListenSocket *swap;
        uint64_t n_truncated;
        int r;

        listen->n_collections++;
        listen->n_sockets = 0;
        listen->n_too_many = 0;

        r = sock_diag_dump(listen->sock_diag, SOCK_STATE_MASK(SOCK_STATE_LISTEN), SOCK_EXTENSION_MEMORY,
                           listen_visit, listen);
        if (r < 0)
                return r;

        qsort(listen->sockets, listen->n_sockets, sizeof *listen->sockets, listen_socket_compare);
        listen_drop_twins(listen);
        n_truncated = listen->n_too_many + listen_make_rows(listen, sample);
        listen->n_truncated += n_truncated;
        listen_remember_gone(listen);
        listen_forget_totals(listen);

        swap = listen->sockets_last;
        listen->sockets_last = listen->sockets;
        listen->n_sockets_last = listen->n_sockets;
        listen->sockets = swap;

        sample_set(sample, VALUE_LISTENERS_TRUNCATED, listen->n_truncated);
        return n_truncated > 0;
}

static void listen_close(void *state) {
        free(state);
}

const Collector listen_collector = {
        .id = COLLECTOR_LISTEN,
        .cost = COLLECTOR_COST_TICK,
        .open = listen_open,
        .collect = listen_collect,
        .close = listen_close,
};
