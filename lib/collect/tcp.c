/* SPDX-License-Identifier: Apache-2.0 */

/*
 * States and queues of every TCP socket, by one walk over all of them
 *
 * What a walk costs grows with the sockets of the host, so nothing is done per
 * socket but to count it.
 *
 * bound_inactive exists from Linux 6.8 on, and an older kernel answers the
 * question with silence, as would a newer one that has no such socket. So it is
 * found out by making one and asking whether it is there; where none can be made
 * (no port is free, no descriptor), that is tried again at the next sample.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>

#include "collect/collector.h"

typedef struct TcpWalk {
        SockDiag *sock_diag;
        uint32_t states;           /* to ask for */
        bool is_bound_state_known; /* whether this kernel tells of bound sockets has been found out */

        uint64_t n_sockets[_SOCK_STATE_MAX];
        uint64_t receive_queue_bytes;
        uint64_t send_queue_bytes;
        uint64_t n_retransmitting;
} TcpWalk;

/* The values' numbers are the kernel's numbers of the states. */
_Static_assert((int)VALUE_TCP_ESTABLISHED == (int)SOCK_STATE_ESTABLISHED &&
                       (int)VALUE_TCP_CLOSING == (int)SOCK_STATE_CLOSING &&
                       (int)VALUE_TCP_BOUND_INACTIVE == (int)SOCK_STATE_BOUND_INACTIVE,
               "values.tbl counts the states as the kernel does");

static int tcp_visit(const SockView *socket, void *userdata) {
        TcpWalk *walk = userdata;
        const struct inet_diag_msg *message = socket->message;

        walk->n_sockets[socket->state]++;

        /* Of a listener these are connections, not bytes. */
        if (socket->state != SOCK_STATE_LISTEN) {
                walk->receive_queue_bytes += message->idiag_rqueue;
                walk->send_queue_bytes += message->idiag_wqueue;
        }

        if (message->idiag_timer == SOCK_TIMER_RETRANSMIT && message->idiag_retrans > 0)
                walk->n_retransmitting++;

        return 0;
}

typedef struct TcpProbe {
        struct sockaddr_in address;
        bool is_found;
} TcpProbe;

static int tcp_probe_visit(const SockView *socket, void *userdata) {
        TcpProbe *probe = userdata;

        if (socket->state == SOCK_STATE_BOUND_INACTIVE && socket->message->idiag_family == AF_INET &&
            socket->message->id.idiag_sport == probe->address.sin_port)
                probe->is_found = true;

        return 0;
}

/* 1 if this kernel tells of bound sockets, 0 if not, or why that cannot be found out now. */
static int tcp_probe_bound_inactive(SockDiag *sock_diag) {
        TcpProbe probe = {
                .address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) },
        };
        socklen_t size = sizeof probe.address;
        _cleanup_(close_fdp) int fd = -1;
        int r;

        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || bind(fd, (const struct sockaddr *)&probe.address, sizeof probe.address) < 0 ||
            getsockname(fd, (struct sockaddr *)&probe.address, &size) < 0)
                return -errno;

        r = sock_diag_dump(sock_diag, SOCK_STATE_MASK(SOCK_STATE_BOUND_INACTIVE), 0, tcp_probe_visit,
                           &probe);
        return r < 0 ? r : probe.is_found;
}

static void tcp_learn_bound_inactive(TcpWalk *walk) {
        int r;

        if (walk->is_bound_state_known)
                return;

        r = tcp_probe_bound_inactive(walk->sock_diag);
        if (r < 0)
                return;

        walk->is_bound_state_known = true;
        if (r > 0)
                walk->states |= SOCK_STATE_MASK(SOCK_STATE_BOUND_INACTIVE);
}

static int tcp_open(const Sources *sources, void **ret_state) {
        TcpWalk *walk;

        walk = calloc(1, sizeof *walk);
        if (!walk)
                return -ENOMEM;

        walk->sock_diag = sources->sock_diag;
        walk->states = SOCK_STATES_ALL;
        *ret_state = walk;
        return 0;
}

static int tcp_collect(void *state, Sample *sample) {
        TcpWalk *walk = state;
        int r;

        tcp_learn_bound_inactive(walk);

        *walk = (TcpWalk){
                .sock_diag = walk->sock_diag,
                .states = walk->states,
                .is_bound_state_known = walk->is_bound_state_known,
        };
        r = sock_diag_dump(walk->sock_diag, walk->states, 0, tcp_visit, walk);
        if (r < 0)
                return r;

        for (unsigned i = 0; i < _SOCK_STATE_MAX; i++)
                if (walk->states & SOCK_STATE_MASK(i))
                        sample_set(sample, i, walk->n_sockets[i]);
        sample_set(sample, VALUE_TCP_RECEIVE_QUEUE_BYTES, walk->receive_queue_bytes);
        sample_set(sample, VALUE_TCP_SEND_QUEUE_BYTES, walk->send_queue_bytes);
        sample_set(sample, VALUE_TCP_RETRANSMITTING, walk->n_retransmitting);
        return 0;
}

static void tcp_close(void *state) {
        free(state);
}

const Collector tcp_collector = {
        .id = COLLECTOR_TCP,
        .cost = COLLECTOR_COST_WALK,
        .open = tcp_open,
        .collect = tcp_collect,
        .close = tcp_close,
};
