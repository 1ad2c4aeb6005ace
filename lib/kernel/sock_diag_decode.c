/* SPDX-License-Identifier: Apache-2.0 */

/* Decoding of inet_diag answers, apart from any I/O */

#include <assert.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/sock_diag.h"
#include "kernel/sock_diag_datagram.h"

/* Linux 5.7 and later; missing in older headers. */
#define ATTRIBUTE_CGROUP_ID 21

static void sock_diag_decode_attribute(const struct nlattr *attribute, SockView *view) {
        const void *payload = mnl_attr_get_payload(attribute);
        size_t size = mnl_attr_get_payload_len(attribute);
        size_t at;

        switch (mnl_attr_get_type(attribute)) {
        case ATTRIBUTE_CGROUP_ID:
                if (size >= sizeof view->cgroup_id)
                        memcpy(&view->cgroup_id, payload, sizeof view->cgroup_id);
                break;

        case INET_DIAG_SKMEMINFO:
                at = SK_MEMINFO_DROPS * sizeof view->drops;
                if (size >= at + sizeof view->drops) {
                        memcpy(&view->drops, (const char *)payload + at, sizeof view->drops);
                        view->has_drops = true;
                }
                break;

        case INET_DIAG_SKV6ONLY:
                if (size >= 1)
                        view->is_ipv6_only = *(const uint8_t *)payload != 0;
                break;
        }
}

int sock_diag_decode(const void *payload, size_t size, SockView *ret) {
        SockView view = { .message = payload };
        const struct nlattr *attribute;
        AttributeCursor cursor;

        assert(payload || size == 0);
        assert(ret);

        if (size < sizeof *view.message)
                return -EBADMSG;
        if (view.message->idiag_family != AF_INET && view.message->idiag_family != AF_INET6)
                return -EBADMSG;
        if (view.message->idiag_state == 0 || view.message->idiag_state >= _SOCK_STATE_MAX)
                return -EBADMSG;

        /* Whoever is connected has a port at the other end (inet_diag_dump_icsk(), net/ipv4/inet_diag.c). */
        view.state = view.message->idiag_state;
        if (view.state == SOCK_STATE_CLOSE && view.message->id.idiag_dport == 0)
                view.state = SOCK_STATE_BOUND_INACTIVE;

        cursor = attribute_cursor(payload, size, sizeof *view.message);
        while ((attribute = attribute_next(&cursor)))
                sock_diag_decode_attribute(attribute, &view);

        *ret = view;
        return 0;
}

int sock_diag_visit_tcp(const void *payload, size_t size, void *visitor) {
        const SockVisitor *to = visitor;
        SockView view;
        int r;

        r = sock_diag_decode(payload, size, &view);
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
