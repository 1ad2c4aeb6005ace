/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The netlink conversation of a socket dump, and the three questions it is for
 *
 *     us                            kernel
 *     TCPDIAG_GETSOCK,      ───▶
 *     SOCK_DIAG_BY_FAMILY
 *                           ◀───    up to 32 KiB of sockets, again and again
 *                           ◀───    NLMSG_DONE, with an errno inside
 *
 * The kernel never queues more than one datagram ahead of recv(2), so the
 * socket's buffer does not bound the size of a dump.
 */

#include <assert.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/clock.h"
#include "kernel/sock_diag.h"
#include "kernel/sock_diag_datagram.h"

/* The kernel fills at most SKB_WITH_OVERHEAD(32768) bytes a datagram
 * (netlink_dump(), net/netlink/af_netlink.c). */
#define SOCK_DIAG_BUFFER_BYTES 32768

/* Room for the body of the longest question. */
#define SOCK_DIAG_BODY_BYTES 64

/* A dump answers within the system call that asks; two seconds of silence
 * can only be an answer that was lost. */
#define SOCK_DIAG_SILENCE_SEC 2

struct SockDiag {
        struct mnl_socket *socket; /* NULL after an error, until the next dump */
        uint32_t sequence;
        uint64_t n_reopens;
        sock_diag_pause_fn pause; /* NULL: nobody rests */
        void *pause_userdata;
        char buffer[SOCK_DIAG_BUFFER_BYTES] __attribute__((aligned(8)));
};

static void sock_diag_close(SockDiag *diag) {
        if (!diag->socket)
                return;

        (void)mnl_socket_close(diag->socket);
        diag->socket = NULL;
}

static int sock_diag_open(SockDiag *diag) {
        struct timeval silence = { .tv_sec = SOCK_DIAG_SILENCE_SEC };
        int r;

        diag->socket = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
        if (!diag->socket)
                return -errno;

        if (mnl_socket_bind(diag->socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
            setsockopt(mnl_socket_get_fd(diag->socket), SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence) <
                    0) {
                r = -errno;
                sock_diag_close(diag);
                return r;
        }

        return 0;
}

int sock_diag_new(SockDiag **ret) {
        _cleanup_(sock_diag_freep) SockDiag *diag = NULL;
        int r;

        assert(ret);

        diag = calloc(1, sizeof *diag);
        if (!diag)
                return -ENOMEM;

        /* Other than the clock, nothing tells a late answer to an earlier process with our port id apart. */
        diag->sequence = (uint32_t)clock_usec(CLOCK_MONOTONIC);
        r = sock_diag_open(diag);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(diag);
        return 0;
}

SockDiag *sock_diag_free(SockDiag *diag) {
        if (!diag)
                return NULL;

        sock_diag_close(diag);
        free(diag);
        return NULL;
}

void sock_diag_set_pause(SockDiag *diag, sock_diag_pause_fn pause, void *userdata) {
        assert(diag);

        diag->pause = pause;
        diag->pause_userdata = userdata;
}

uint64_t sock_diag_reopens(const SockDiag *diag) {
        return diag->n_reopens;
}

static int sock_diag_ask(SockDiag *diag, uint16_t type, const void *body, size_t size) {
        char request[MNL_ALIGN(sizeof(struct nlmsghdr)) + SOCK_DIAG_BODY_BYTES]
                __attribute__((aligned(8))) = { 0 };
        struct nlmsghdr *header;

        assert(size <= SOCK_DIAG_BODY_BYTES);

        header = mnl_nlmsg_put_header(request);
        header->nlmsg_type = type;
        header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        header->nlmsg_seq = ++diag->sequence;
        memcpy(mnl_nlmsg_put_extra_header(header, size), body, size);

        return mnl_socket_sendto(diag->socket, header, header->nlmsg_len) < 0 ? -errno : 0;
}

static int sock_diag_receive(SockDiag *diag, sock_diag_payload_fn visit, void *userdata) {
        uint32_t port_id = mnl_socket_get_portid(diag->socket);

        for (;;) {
                ssize_t n;
                int r;

                n = mnl_socket_recvfrom(diag->socket, diag->buffer, sizeof diag->buffer);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return errno == ENOSPC ? -EMSGSIZE : errno == EAGAIN ? -ETIMEDOUT : -errno;

                r = sock_diag_walk_datagram(diag->buffer, (size_t)n, diag->sequence, port_id, visit,
                                            userdata);
                if (r <= 0)
                        return r;
                if (diag->pause)
                        diag->pause(diag->pause_userdata);
        }
}

/* Asks one question and hands the payload of each answer to @visit. */
static int sock_diag_converse(SockDiag *diag,
                              uint16_t type,
                              const void *body,
                              size_t size,
                              sock_diag_payload_fn visit,
                              void *userdata) {
        int r;

        if (!diag->socket) {
                diag->n_reopens++;
                r = sock_diag_open(diag);
                if (r < 0)
                        return r;
        }

        r = sock_diag_ask(diag, type, body, size);
        if (r == 0)
                r = sock_diag_receive(diag, visit, userdata);
        if (r < 0)
                sock_diag_close(diag);

        return r;
}

int sock_diag_dump(SockDiag *diag, uint32_t states, uint8_t extensions, sock_diag_fn visit, void *userdata) {
        SockVisitor visitor = { .visit = visit, .userdata = userdata };
        /* This message type makes the kernel put AF_UNSPEC in place of any family. */
        struct inet_diag_req body = { .idiag_states = states, .idiag_ext = extensions };

        assert(diag);
        assert(visit);

        return sock_diag_converse(diag, TCPDIAG_GETSOCK, &body, sizeof body, sock_diag_visit_tcp, &visitor);
}

int sock_diag_dump_udp(SockDiag *diag, uint8_t family, sock_diag_fn visit, void *userdata) {
        SockVisitor visitor = { .visit = visit, .userdata = userdata };
        struct inet_diag_req_v2 body = {
                .sdiag_family = family,
                .sdiag_protocol = IPPROTO_UDP,
                .idiag_ext = SOCK_EXTENSION_MEMORY,
                .idiag_states = SOCK_STATE_MASK(SOCK_STATE_CLOSE) | SOCK_STATE_MASK(SOCK_STATE_ESTABLISHED),
        };

        assert(diag);
        assert(family == AF_INET || family == AF_INET6);
        assert(visit);

        return sock_diag_converse(diag, SOCK_DIAG_BY_FAMILY, &body, sizeof body, sock_diag_visit_udp,
                                  &visitor);
}

int sock_diag_dump_unix(SockDiag *diag, uint32_t states, unix_diag_fn visit, void *userdata) {
        UnixVisitor visitor = { .visit = visit, .userdata = userdata };
        struct unix_diag_req body = {
                .sdiag_family = AF_UNIX,
                .udiag_states = states,
                .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN,
        };

        assert(diag);
        assert(visit);

        return sock_diag_converse(diag, SOCK_DIAG_BY_FAMILY, &body, sizeof body, sock_diag_visit_unix,
                                  &visitor);
}
