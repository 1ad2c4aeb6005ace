/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * UNIX sockets as unix_diag tells of them; sock_diag_dump_unix() asks
 *
 * What the numbers mean (net/unix/diag.c, net/unix/af_unix.c; checked on Linux
 * 6.18, where tests/live/test-unix-diag.c would notice if they changed):
 *  - of a listener, length is the number of connections that wait for accept(2)
 *    and limit the backlog of listen(2), which net.core.somaxconn of the
 *    namespace caps at the time of that call (__sys_listen(), net/socket.c);
 *  - the queue is full when length > limit (unix_recvq_full()): a full one shows
 *    limit + 1, and length == limit still takes one more. It can show more when
 *    listen(2) was called again with a smaller backlog;
 *  - connect(2) to a full one waits, and one that may not wait gets EAGAIN.
 *    Neither is counted anywhere, nor moves the length: that it is full is all
 *    that can be seen. The clients are sockets in SOCK_STATE_CLOSE without name;
 *  - a connection waits until it is accepted, whether or not its client has
 *    closed in the meantime. Its own end is not listed before that: the kernel
 *    passes over sockets that have no inode;
 *  - a listener that was shut down stays in SOCK_STATE_LISTEN, refusing all;
 *  - of any other socket, length is the number of unread bytes (of a datagram
 *    socket those of the next datagram) and limit the memory of what it sent
 *    and the peer has not read;
 *  - a path is as bind(2) was given it: relative to a folder that is not told, in
 *    the mount namespace of whoever bound it, and perhaps removed since;
 *  - an accepted socket carries its listener's name;
 *  - the kernel does not tell a cgroup.
 *
 * Only sockets of the network namespace that the netlink socket was opened in
 * are listed. Path names are not bound to one: clients of another namespace that
 * reach the path stand in the same queue.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

/* Of sun_path (unix(7)). No NUL need be in it. */
#define UNIX_NAME_BYTES_MAX 108

/* One socket, as a view into the received message. */
typedef struct UnixView {
        const char *name; /* sun_path; an abstract name begins with a NUL; not NUL-terminated; NULL: none */
        size_t name_size; /* at most UNIX_NAME_BYTES_MAX; of a path up to its NUL, of an abstract name all */
        uint32_t inode;
        uint64_t cookie; /* of no other socket of the namespace, before or after */
        uint32_t length; /* of a listener: connections that wait for accept(2) */
        uint32_t limit;  /* of a listener: the backlog of listen(2) */
        bool has_queue;  /* UDIAG_SHOW_RQLEN was answered */
        uint8_t type;    /* SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM */
        uint8_t state;   /* SOCK_STATE_LISTEN, or ESTABLISHED when it is connected, or CLOSE */
} UnixView;

/**
 * unix_diag_decode() - one message's payload to a view
 *
 * Pure: reads the bytes, checks every length. Attributes that are unknown or
 * too short are passed over. The kernel ends a path with one NUL, the 109th byte
 * of the longest one; it is not part of the name here. In an abstract name each
 * byte counts, NULs too: whoever binds with the whole of sockaddr_un has a name
 * that is filled up with them.
 *
 * Return: 0, or -EBADMSG if the message is too short, its family is not AF_UNIX,
 * its state is none that the kernel has, or its name longer than any can be.
 */
_warn_unused_ int unix_diag_decode(const void *payload, size_t size, UnixView *ret);

/* Return: 0 to go on, or a negative errno that ends the dump and is handed to its caller. */
typedef int (*unix_diag_fn)(const UnixView *socket, void *userdata);

/**
 * unix_diag_decode_datagram() - all messages of one received datagram
 *
 * Return: as of sock_diag_decode_datagram().
 */
_warn_unused_ int unix_diag_decode_datagram(const void *bytes,
                                            size_t size,
                                            uint32_t sequence,
                                            uint32_t port_id,
                                            unix_diag_fn visit,
                                            void *userdata);
