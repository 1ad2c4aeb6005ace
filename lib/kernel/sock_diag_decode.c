/* SPDX-License-Identifier: Apache-2.0 */

/* Decoding of inet_diag answers, apart from any I/O: TCP and UDP sockets */

#include <assert.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/sock_diag.h"
#include "kernel/sock_diag_datagram.h"

/* Linux 5.7 and later; missing in older headers. */
#define ATTRIBUTE_CGROUP_ID 21

/* An array of 32-bit numbers, which grows with newer kernels. */
static void sock_diag_decode_memory(const char *payload, size_t size, SockView *view) {
        if (size < (SK_MEMINFO_DROPS + 1) * sizeof(uint32_t))
                return;

        memcpy(&view->receive_buffer_bytes, payload + SK_MEMINFO_RCVBUF * sizeof(uint32_t),
               sizeof(uint32_t));
        memcpy(&view->drops, payload + SK_MEMINFO_DROPS * sizeof(uint32_t), sizeof(uint32_t));
        view->has_drops = true;
}

static inline void sock_diag_decode_attribute(const struct nlattr *attribute, SockView *view) {
        const void *payload = attribute_payload(attribute);
        size_t size = attribute_payload_size(attribute);

        switch (attribute_type(attribute)) {
        case ATTRIBUTE_CGROUP_ID:
                if (size >= sizeof view->cgroup_id)
                        memcpy(&view->cgroup_id, payload, sizeof view->cgroup_id);
                break;

        case INET_DIAG_SKMEMINFO:
                sock_diag_decode_memory(payload, size, view);
                break;

        case INET_DIAG_SKV6ONLY:
                if (size >= 1)
                        view->is_ipv6_only = *(const uint8_t *)payload != 0;
                break;
        }
}

static inline int sock_diag_decode_inet(const void *payload, size_t size, SockView *ret) {
        const struct inet_diag_msg *message = payload;
        const struct nlattr *attribute;
        AttributeCursor cursor;

        assert(payload || size == 0);
        assert(ret);

        if (size < sizeof *message)
                return -EBADMSG;
        if (message->idiag_family != AF_INET && message->idiag_family != AF_INET6)
                return -EBADMSG;
        if (message->idiag_state == 0 || message->idiag_state >= _SOCK_STATE_MAX)
                return -EBADMSG;

        *ret = (SockView){ .message = message, .state = message->idiag_state };
        cursor = attribute_cursor(payload, size, sizeof *message);
        while ((attribute = attribute_next(&cursor)))
                sock_diag_decode_attribute(attribute, ret);

        return 0;
}

int sock_diag_decode_udp(const void *payload, size_t size, SockView *ret) {
        return sock_diag_decode_inet(payload, size, ret);
}

int sock_diag_decode(const void *payload, size_t size, SockView *ret) {
        int r;

        r = sock_diag_decode_inet(payload, size, ret);
        if (r < 0)
                return r;

        /* Whoever is connected has a port at the other end (inet_diag_dump_icsk(), net/ipv4/inet_diag.c). */
        if (ret->state == SOCK_STATE_CLOSE && ret->message->id.idiag_dport == 0)
                ret->state = SOCK_STATE_BOUND_INACTIVE;

        return 0;
}

int sock_diag_visit_tcp(const void *payload, size_t size, void *visitor) {
        const SockVisitor *to = visitor;
        SockView view;
        int r;

        r = sock_diag_decode(payload, size, &view);
        return r < 0 ? r : to->visit(&view, to->userdata);
}

int sock_diag_visit_udp(const void *payload, size_t size, void *visitor) {
        const SockVisitor *to = visitor;
        SockView view;
        int r;

        r = sock_diag_decode_udp(payload, size, &view);
        return r < 0 ? r : to->visit(&view, to->userdata);
}

int sock_diag_decode_datagram(const void *bytes,
                              size_t size,
                              uint32_t sequence,
                              uint32_t port_id,
                              sock_diag_fn visit,
                              void *userdata) {
        SockVisitor visitor = { .visit = visit, .userdata = userdata };

        assert(visit);

        return sock_diag_walk_datagram(bytes, size, sequence, port_id, sock_diag_visit_tcp, &visitor);
}
