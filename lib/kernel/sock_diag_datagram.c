/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The netlink layer of a socket dump
 *
 * A datagram holds several netlink messages. libmnl has a walk over them,
 * mnl_cb_run2(), but it
 *  - does not look inside NLMSG_DONE, whose payload is the negative errno of a
 *    dump that failed (a kernel without tcp_diag says -ENOENT there, and to
 *    libmnl's default callback that is an empty dump);
 *  - takes the end of a datagram within a message for its end, and lengths from
 *    2^31 on for negative ones, which fit anywhere;
 *  - costs as much again as what is done with a socket here, once a message.
 * So this is a walk of our own, once over the bytes.
 */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "kernel/sock_diag_datagram.h"

/* Both NLMSG_DONE and NLMSG_ERROR begin with an int: 0 or a negative errno. */
static int sock_diag_read_end(const char *payload, size_t size) {
        int error;

        if (size < sizeof error)
                return -EBADMSG;

        memcpy(&error, payload, sizeof error);
        if (error == 0)
                return 0;

        return error < 0 && error >= -4095 ? error : -EBADMSG;
}

int sock_diag_walk_datagram(const void *bytes,
                            size_t size,
                            uint32_t sequence,
                            uint32_t port_id,
                            sock_diag_payload_fn visit,
                            void *userdata) {
        const char *at = bytes;

        assert(bytes || size == 0);
        assert(visit);

        do {
                const struct nlmsghdr *header = (const struct nlmsghdr *)(const void *)at;
                size_t payload_size, step;
                const char *payload;
                int r = 0;

                if (size < sizeof *header || header->nlmsg_len < sizeof *header || header->nlmsg_len > size)
                        return -EBADMSG;
                if (header->nlmsg_seq != sequence || header->nlmsg_pid != port_id)
                        return -EBADMSG;
                if (header->nlmsg_flags & NLM_F_DUMP_INTR)
                        return -EAGAIN;

                payload = at + MNL_NLMSG_HDRLEN;
                payload_size = header->nlmsg_len - MNL_NLMSG_HDRLEN;
                if (header->nlmsg_type >= NLMSG_MIN_TYPE)
                        r = visit(payload, payload_size, userdata);
                else if (header->nlmsg_type == NLMSG_OVERRUN)
                        r = -ENOBUFS;
                else if (header->nlmsg_type != NLMSG_NOOP)
                        return sock_diag_read_end(payload, payload_size);
                if (r < 0)
                        return r;

                step = MIN((size_t)MNL_ALIGN((size_t)header->nlmsg_len), size);
                at += step;
                size -= step;
        } while (size > 0);

        return 1;
}
