/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Making of datagrams such as the kernel answers a socket dump with */

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/unix_diag.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DATAGRAM_BYTES_MAX 32768

/* Begins with the kernel's lengths; a test then breaks what it is about. */
typedef struct Datagram {
        uint32_t sequence;
        uint32_t port_id;
        size_t size;
        struct nlmsghdr *last; /* NULL: no message yet */
        char bytes[DATAGRAM_BYTES_MAX] __attribute__((aligned(8)));
} Datagram;

/* What there is to say of a socket. Zero-initialised is an IPv4 socket of no state. */
typedef struct FakeSocket {
        uint8_t family;   /* 0: AF_INET */
        uint8_t protocol; /* 0: IPPROTO_TCP */
        uint8_t state;
        const char *address; /* NULL: any */
        uint16_t port;
        uint16_t peer_port;
        uint32_t interface;
        uint64_t cookie;
        uint32_t receive_queue;
        uint32_t send_queue;
        uint32_t drops;
        uint32_t receive_buffer;
        uint64_t cgroup_id; /* 0: not told */
        uint8_t timer;
        uint8_t retransmits;
        bool is_ipv6_only;
} FakeSocket;

/* Likewise of a UNIX socket. */
typedef struct FakeUnix {
        uint8_t type; /* 0: SOCK_STREAM */
        uint8_t state;
        const char *name; /* as the kernel tells it, a path with its NUL; NULL: none */
        size_t name_size;
        uint32_t inode;
        uint64_t cookie;
        uint32_t length;
        uint32_t limit;
} FakeUnix;

void datagram_clear(Datagram *datagram);

/* Adds a message without a payload. */
struct nlmsghdr *datagram_add(Datagram *datagram, uint16_t type);

/* NLMSG_DONE or NLMSG_ERROR */
void datagram_add_end(Datagram *datagram, uint16_t type, int error);

/* @extensions: as they were asked for */
struct inet_diag_msg *datagram_add_socket(Datagram *datagram, const FakeSocket *socket, uint8_t extensions);

/* @show: as it was asked for, bits UDIAG_SHOW_* */
struct unix_diag_msg *datagram_add_unix(Datagram *datagram, const FakeUnix *socket, uint32_t show);

/* To the last message. */
struct nlattr *datagram_put_attribute(Datagram *datagram, uint16_t type, const void *payload, size_t size);

/* Whether another socket fits. */
bool datagram_has_room(const Datagram *datagram);
