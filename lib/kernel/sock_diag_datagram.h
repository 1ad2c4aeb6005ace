/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The netlink layer of a socket dump: datagrams to payloads to attributes
 *
 * What every answer of NETLINK_SOCK_DIAG shares, whatever sockets it tells of.
 * Pure, and internal to lib/kernel: the rest includes kernel/sock_diag.h.
 */

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/sock_diag.h"

/* Called with the payload of one message. Return: 0 to go on, or a negative errno that ends the dump. */
typedef int (*sock_diag_payload_fn)(const void *payload, size_t size, void *userdata);

/**
 * sock_diag_walk_datagram() - visit the payloads of one received datagram
 * @sequence:   of the request; messages of another one are an error
 * @port_id:    of our netlink socket
 *
 * Return: as of sock_diag_decode_datagram(), with @visit in place of the
 * decoder and its visitor.
 */
_warn_unused_ int sock_diag_walk_datagram(const void *bytes,
                                          size_t size,
                                          uint32_t sequence,
                                          uint32_t port_id,
                                          sock_diag_payload_fn visit,
                                          void *userdata);

/* A visitor of sockets, and what decodes a payload for it: to be the two last arguments of the above. */
typedef struct SockVisitor {
        sock_diag_fn visit;
        void *userdata;
} SockVisitor;

typedef struct UnixVisitor {
        unix_diag_fn visit;
        void *userdata;
} UnixVisitor;

int sock_diag_visit_tcp(const void *payload, size_t size, void *sock_visitor);
int sock_diag_visit_udp(const void *payload, size_t size, void *sock_visitor);
int sock_diag_visit_unix(const void *payload, size_t size, void *unix_visitor);

/* Where the next attribute of a message is. libmnl has the same, but as functions of a shared library, and
 * these run several times a socket. */
typedef struct AttributeCursor {
        const char *payload;
        size_t size;
        size_t offset; /* may be beyond the end by what the last attribute lacks of its alignment */
} AttributeCursor;

/* The attributes behind the first @fixed_size bytes of a payload, which has at least those. */
static inline AttributeCursor attribute_cursor(const void *payload, size_t size, size_t fixed_size) {
        return (AttributeCursor){ .payload = payload, .size = size, .offset = MNL_ALIGN(fixed_size) };
}

/* The next attribute, or NULL behind the last one, and where one says a length that it cannot have. */
static inline const struct nlattr *attribute_next(AttributeCursor *cursor) {
        const struct nlattr *attribute =
                (const struct nlattr *)(const void *)(cursor->payload + cursor->offset);

        if (cursor->offset + sizeof *attribute > cursor->size || attribute->nla_len < sizeof *attribute ||
            attribute->nla_len > cursor->size - cursor->offset)
                return NULL;

        cursor->offset += MNL_ALIGN((size_t)attribute->nla_len);
        return attribute;
}

static inline unsigned attribute_type(const struct nlattr *attribute) {
        return attribute->nla_type & NLA_TYPE_MASK;
}

static inline const void *attribute_payload(const struct nlattr *attribute) {
        return (const char *)attribute + MNL_ATTR_HDRLEN;
}

static inline size_t attribute_payload_size(const struct nlattr *attribute) {
        return attribute->nla_len - MNL_ATTR_HDRLEN;
}
