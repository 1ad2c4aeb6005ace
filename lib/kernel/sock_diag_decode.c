/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Decoding of inet_diag answers, apart from any I/O
 *
 * A datagram holds several netlink messages. libmnl walks them; what it does
 * not do for us is
 *  - look inside NLMSG_DONE, whose payload is the negative errno of a dump that
 *    failed (a kernel without tcp_diag says -ENOENT there, and to libmnl's
 *    default callback that is an empty dump);
 *  - notice that a datagram ends within a message: it takes that for the end.
 *    And it takes lengths from 2^31 on for negative ones, which fit anywhere.
 */

#include <assert.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/sock_diag.h"

typedef struct Datagram {
        sock_diag_fn visit;
        void *userdata;
        int error; /* the first one, negative; mnl_cb_run2() itself can only say "stop" */
} Datagram;

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
        size_t left;

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

        attribute = (const struct nlattr *)((const char *)payload + MNL_ALIGN(sizeof *view.message));
        left = size - MIN(size, (size_t)MNL_ALIGN(sizeof *view.message));
        while (mnl_attr_ok(attribute, (int)MIN(left, (size_t)INT32_MAX))) {
                size_t step = MIN((size_t)MNL_ALIGN(attribute->nla_len), left);

                sock_diag_decode_attribute(attribute, &view);
                attribute = (const struct nlattr *)((const char *)attribute + step);
                left -= step;
        }

        *ret = view;
        return 0;
}

static int sock_diag_on_socket(const struct nlmsghdr *header, void *userdata) {
        Datagram *datagram = userdata;
        SockView view;
        int r;

        r = sock_diag_decode(mnl_nlmsg_get_payload(header), mnl_nlmsg_get_payload_len(header), &view);
        if (r == 0)
                r = datagram->visit(&view, datagram->userdata);
        if (r < 0) {
                datagram->error = r;
                return MNL_CB_ERROR;
        }

        return MNL_CB_OK;
}

static int sock_diag_on_noop(const struct nlmsghdr *header, void *userdata) {
        return MNL_CB_OK;
}

static int sock_diag_on_overrun(const struct nlmsghdr *header, void *userdata) {
        Datagram *datagram = userdata;

        datagram->error = -ENOBUFS;
        return MNL_CB_ERROR;
}

/* Both NLMSG_DONE and NLMSG_ERROR begin with an int: 0 or a negative errno. */
static int sock_diag_on_end(const struct nlmsghdr *header, void *userdata) {
        Datagram *datagram = userdata;
        int error;

        if (mnl_nlmsg_get_payload_len(header) < sizeof error) {
                datagram->error = -EBADMSG;
                return MNL_CB_ERROR;
        }

        memcpy(&error, mnl_nlmsg_get_payload(header), sizeof error);
        if (error == 0)
                return MNL_CB_STOP;

        datagram->error = error < 0 && error >= -4095 ? error : -EBADMSG;
        return MNL_CB_ERROR;
}

/* Whether the datagram is whole messages, one behind the other, and at least one. */
static bool sock_diag_is_whole(const char *bytes, size_t size) {
        do {
                const struct nlmsghdr *header = (const struct nlmsghdr *)(const void *)bytes;
                size_t step;

                if (size < sizeof *header || header->nlmsg_len < sizeof *header || header->nlmsg_len > size)
                        return false;

                step = MIN((size_t)MNL_ALIGN((size_t)header->nlmsg_len), size);
                bytes += step;
                size -= step;
        } while (size > 0);

        return true;
}

int sock_diag_decode_datagram(const void *bytes,
                              size_t size,
                              uint32_t sequence,
                              uint32_t port_id,
                              sock_diag_fn visit,
                              void *userdata) {
        static const mnl_cb_t controls[NLMSG_MIN_TYPE] = {
                [NLMSG_NOOP] = sock_diag_on_noop,
                [NLMSG_ERROR] = sock_diag_on_end,
                [NLMSG_DONE] = sock_diag_on_end,
                [NLMSG_OVERRUN] = sock_diag_on_overrun,
        };
        Datagram datagram = { .visit = visit, .userdata = userdata };
        mnl_cb_t writable[NLMSG_MIN_TYPE];
        int r;

        assert(bytes || size == 0);
        assert(visit);

        if (size > INT32_MAX || !sock_diag_is_whole(bytes, size))
                return -EBADMSG;

        /* libmnl 1.0.4 declares the table without const. */
        memcpy(writable, controls, sizeof writable);
        r = mnl_cb_run2(bytes, size, sequence, port_id, sock_diag_on_socket, &datagram, writable,
                        ELEMENTSOF(writable));
        if (r == MNL_CB_OK)
                return 1;
        if (r == MNL_CB_STOP)
                return 0;
        if (datagram.error < 0)
                return datagram.error;

        /* libmnl's own findings: NLM_F_DUMP_INTR, or the wrong sequence or port. */
        return errno == EINTR ? -EAGAIN : -EBADMSG;
}
