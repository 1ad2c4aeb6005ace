/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The netlink layer of a socket dump
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
#include <string.h>

#include "kernel/sock_diag_datagram.h"

typedef struct Walk {
        sock_diag_payload_fn visit;
        void *userdata;
        int error; /* the first one, negative; mnl_cb_run2() itself can only say "stop" */
} Walk;

static int sock_diag_on_message(const struct nlmsghdr *header, void *userdata) {
        Walk *walk = userdata;
        int r;

        r = walk->visit(mnl_nlmsg_get_payload(header), mnl_nlmsg_get_payload_len(header), walk->userdata);
        if (r < 0) {
                walk->error = r;
                return MNL_CB_ERROR;
        }

        return MNL_CB_OK;
}

static int sock_diag_on_noop(const struct nlmsghdr *header, void *userdata) {
        return MNL_CB_OK;
}

static int sock_diag_on_overrun(const struct nlmsghdr *header, void *userdata) {
        Walk *walk = userdata;

        walk->error = -ENOBUFS;
        return MNL_CB_ERROR;
}

/* Both NLMSG_DONE and NLMSG_ERROR begin with an int: 0 or a negative errno. */
static int sock_diag_on_end(const struct nlmsghdr *header, void *userdata) {
        Walk *walk = userdata;
        int error;

        if (mnl_nlmsg_get_payload_len(header) < sizeof error) {
                walk->error = -EBADMSG;
                return MNL_CB_ERROR;
        }

        memcpy(&error, mnl_nlmsg_get_payload(header), sizeof error);
        if (error == 0)
                return MNL_CB_STOP;

        walk->error = error < 0 && error >= -4095 ? error : -EBADMSG;
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

int sock_diag_walk_datagram(const void *bytes,
                            size_t size,
                            uint32_t sequence,
                            uint32_t port_id,
                            sock_diag_payload_fn visit,
                            void *userdata) {
        static const mnl_cb_t controls[NLMSG_MIN_TYPE] = {
                [NLMSG_NOOP] = sock_diag_on_noop,
                [NLMSG_ERROR] = sock_diag_on_end,
                [NLMSG_DONE] = sock_diag_on_end,
                [NLMSG_OVERRUN] = sock_diag_on_overrun,
        };
        Walk walk = { .visit = visit, .userdata = userdata };
        mnl_cb_t writable[NLMSG_MIN_TYPE];
        int r;

        assert(bytes || size == 0);
        assert(visit);

        if (size > INT32_MAX || !sock_diag_is_whole(bytes, size))
                return -EBADMSG;

        /* libmnl 1.0.4 declares the table without const. */
        memcpy(writable, controls, sizeof writable);
        r = mnl_cb_run2(bytes, size, sequence, port_id, sock_diag_on_message, &walk, writable,
                        ELEMENTSOF(writable));
        if (r == MNL_CB_OK)
                return 1;
        if (r == MNL_CB_STOP)
                return 0;
        if (walk.error < 0)
                return walk.error;

        /* libmnl's own findings: NLM_F_DUMP_INTR, or the wrong sequence or port. */
        return errno == EINTR ? -EAGAIN : -EBADMSG;
}
