/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * TCP, UDP and UNIX sockets by NETLINK_SOCK_DIAG
 *
 * Three questions over one netlink socket. Each makes the kernel walk a table,
 * and calls a visitor for each socket whose state was asked for. A socket is
 * visited as the kernel's own message: the view lives as long as the call and
 * nothing is allocated. A dump follows the table while it changes: a socket may
 * be missed or seen twice on a busy host, and no repetition makes that better.
 *
 * What the fields mean of TCP, which is asked for with one request of type
 * TCPDIAG_GETSOCK, so that tables are walked once for IPv4 and IPv6 together
 * (net/ipv4/inet_diag.c, net/ipv4/tcp_diag.c; sock_diag(7)):
 *  - of a LISTEN socket, idiag_rqueue is the length of the accept queue and
 *    idiag_wqueue its limit; of any other they are unread and unsent bytes;
 *  - half-open requests and TIME_WAIT carry addresses and nothing else;
 *  - a dump that asks for LISTEN alone never touches the connection table.
 *
 * Of UDP (net/ipv4/udp_diag.c, net/ipv4/udp.c; checked on Linux 6.18, where
 * tests/live/test-udp-diag.c would notice if it changed):
 *  - idiag_rqueue is the memory of the datagrams that wait to be read, which is
 *    more than their bytes, as each counts its sk_buff: 832 for a byte here
 *    (udp_rqueue_get(), include/net/udp.h: sk_rmem_alloc_get() less what was read
 *    and is not yet given back). idiag_wqueue is that of datagrams sent which no
 *    device has let go of yet;
 *  - a datagram is dropped if it would make the memory more than
 *    receive_buffer_bytes, unless it is the only one; before Linux 6.18, if the
 *    memory is more than that already (__udp_enqueue_schedule_skb()). So a full
 *    queue shows somewhat less, or somewhat more, and what was read and is not
 *    yet given back counts besides, up to a quarter of the buffer;
 *  - such drops are counted in RcvbufErrors too: in Udp of /proc/net/snmp what
 *    came by IPv4, also to a socket of AF_INET6, and in Udp6 of /proc/net/snmp6
 *    what came by IPv6. The socket's own number has more: datagrams that a filter
 *    of the socket refused, with a wrong checksum, or without memory for them;
 *  - a socket is told with its cgroup, unasked, as one of TCP is;
 *  - whether it takes IPv4 is told of an AF_INET6 socket that is not connected
 *    (INET_DIAG_SKV6ONLY in TCPF_LISTEN | TCPF_CLOSE, inet_diag_msg_attrs_fill());
 *  - a socket without a port is in no table and not told of.
 *
 * Of UNIX: see kernel/unix_diag.h.
 *
 * An object belongs to one thread at a time.
 */

#include <linux/inet_diag.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "kernel/unix_diag.h"

/* The kernel's TCP states (include/net/tcp_states.h). TCP_NEW_SYN_RECV (12) is
 * never told: it is dumped as SYN_RECV. Nor is 13: asked for by its bit in the
 * mask, such sockets are dumped as CLOSE, and have no destination port. */
typedef enum SockState {
        SOCK_STATE_ESTABLISHED = 1,
        SOCK_STATE_SYN_SENT,
        SOCK_STATE_SYN_RECV,
        SOCK_STATE_FIN_WAIT1,
        SOCK_STATE_FIN_WAIT2,
        SOCK_STATE_TIME_WAIT,
        SOCK_STATE_CLOSE,
        SOCK_STATE_CLOSE_WAIT,
        SOCK_STATE_LAST_ACK,
        SOCK_STATE_LISTEN,
        SOCK_STATE_CLOSING,
        SOCK_STATE_BOUND_INACTIVE =
                13, /* bound to a port and nothing more; asked for on Linux 6.8 and later */
        _SOCK_STATE_MAX,
} SockState;

#define SOCK_STATE_MASK(state) (UINT32_C(1) << (state))

/* The eleven states that every kernel knows. */
#define SOCK_STATES_ALL UINT32_C(0xffe)

/* Extensions to ask for, bits of idiag_ext. */
#define SOCK_EXTENSION_MEMORY (1U << (INET_DIAG_SKMEMINFO - 1))

/* Value of idiag_timer: the retransmission timer runs. */
#define SOCK_TIMER_RETRANSMIT 1

/* The same of a mini-socket, be its state TIME_WAIT or FIN_WAIT2 (inet_twsk_diag_fill(),
 * net/ipv4/inet_diag.c). */
#define SOCK_TIMER_TIME_WAIT 3

/* One socket, as a view into the received message. */
typedef struct SockView {
        const struct inet_diag_msg *message;
        SockState state;    /* as message->idiag_state, but for SOCK_STATE_BOUND_INACTIVE */
        uint64_t cgroup_id; /* inode of its cgroup2 directory; 0 if the kernel did not say */
        uint32_t drops;     /* of a LISTEN socket: connections it dropped; of UDP: datagrams; modulo 2^32 */
        uint32_t receive_buffer_bytes; /* SO_RCVBUF as getsockopt(2) tells it; valid with has_drops */
        bool has_drops;                /* SOCK_EXTENSION_MEMORY was asked for and answered */
        bool is_ipv6_only;             /* an AF_INET6 socket, listener or unconnected, that takes no IPv4 */
} SockView;

/**
 * sock_diag_decode() - one message's payload to a view
 *
 * Pure: reads the bytes, checks every length. Attributes that are unknown or
 * too short are passed over.
 *
 * Return: 0, or -EBADMSG if the message is too short, its family is neither
 * AF_INET nor AF_INET6, or its state is none that the kernel has.
 */
_warn_unused_ int sock_diag_decode(const void *payload, size_t size, SockView *ret);

/**
 * sock_diag_decode_udp() - likewise, of a UDP socket
 *
 * The state is message->idiag_state as it is: SOCK_STATE_CLOSE is a socket that
 * is bound, SOCK_STATE_ESTABLISHED one that is connected.
 *
 * Return: as above.
 */
_warn_unused_ int sock_diag_decode_udp(const void *payload, size_t size, SockView *ret);

/* Return: 0 to go on, or a negative errno that ends the dump and is handed to its caller. */
typedef int (*sock_diag_fn)(const SockView *socket, void *userdata);

/**
 * sock_diag_decode_datagram() - all messages of one received datagram, of TCP sockets
 * @sequence:   of the request; messages of another one are an error
 * @port_id:    of our netlink socket
 *
 * Pure as above; calls @visit for each socket in the datagram.
 *
 * Return: 1 if the dump goes on in the next datagram, 0 if it is complete, or
 * a negative errno: that of the kernel, from NLMSG_ERROR or from within
 * NLMSG_DONE (-ENOENT: no tcp_diag in this kernel); -EAGAIN if the kernel
 * flagged the dump as inconsistent; -ENOBUFS for NLMSG_OVERRUN; -EBADMSG if it
 * is malformed or not an answer to @sequence; or what @visit returned.
 */
_warn_unused_ int sock_diag_decode_datagram(const void *bytes,
                                            size_t size,
                                            uint32_t sequence,
                                            uint32_t port_id,
                                            sock_diag_fn visit,
                                            void *userdata);

typedef struct SockDiag SockDiag;

/**
 * sock_diag_new() - open a netlink socket that is kept between dumps
 *
 * Return: 0, -ENOMEM, or the errno of socket(2): -EAFNOSUPPORT where AF_NETLINK
 * is forbidden (RestrictAddressFamilies=), -EPROTONOSUPPORT where the kernel
 * was built without sock_diag.
 */
_warn_unused_ int sock_diag_new(SockDiag **ret);

SockDiag *sock_diag_free(SockDiag *diag);
DEFINE_CLEANUP(SockDiag *, sock_diag_free)

/**
 * sock_diag_dump() - visit every TCP socket of the namespace in one of @states
 * @states:     bits SOCK_STATE_MASK(); named one by one, as all ones would also
 *              walk the table of bound ports
 * @extensions: bits SOCK_EXTENSION_*
 *
 * After any error what was visited is incomplete, the netlink socket is closed,
 * since answers may still stand in it, and the next dump opens a fresh one.
 *
 * Return: 0, or a negative errno as of sock_diag_decode_datagram(), or
 * -EMSGSIZE if a datagram was larger than any the kernel sends, -ENOBUFS if it
 * had no memory for one, -ETIMEDOUT if it fell silent, or another of sendto(2)
 * or recvmsg(2).
 */
_warn_unused_ int
sock_diag_dump(SockDiag *diag, uint32_t states, uint8_t extensions, sock_diag_fn visit, void *userdata);

/**
 * sock_diag_dump_udp() - visit every UDP socket of the namespace that has a port
 * @family: AF_INET or AF_INET6: the kernel has no question for both
 *
 * With drops and the receive buffer. What is said of errors above holds here.
 *
 * Return: as of sock_diag_dump(); -ENOENT: no udp_diag in this kernel.
 */
_warn_unused_ int sock_diag_dump_udp(SockDiag *diag, uint8_t family, sock_diag_fn visit, void *userdata);

/**
 * sock_diag_dump_unix() - visit every UNIX socket of the namespace in one of @states
 * @states: bits SOCK_STATE_MASK() of SOCK_STATE_LISTEN, _ESTABLISHED, _CLOSE
 *
 * With names and queues. What is said of errors above holds here. The kernel
 * looks at each UNIX socket of the namespace, whatever is asked for; before Linux
 * 6.0 at each of the host.
 *
 * Return: as of sock_diag_dump(); -ENOENT: no unix_diag in this kernel.
 */
_warn_unused_ int sock_diag_dump_unix(SockDiag *diag, uint32_t states, unix_diag_fn visit, void *userdata);

/* Called between two datagrams of a dump; see sock_diag_set_pause(). */
typedef void (*sock_diag_pause_fn)(void *userdata);

/**
 * sock_diag_set_pause() - from now on somebody may rest in the midst of a dump
 * @pause:      NULL: nobody does
 *
 * The kernel fills the next datagram, of up to 32 KiB or some 300 sockets, when one is
 * received, and remembers the place in its table until then (netlink_recvmsg(),
 * net/netlink/af_netlink.c): whoever sleeps there holds no lock and keeps nobody
 * waiting. The dump follows the table for longer then, with what is said above.
 */
void sock_diag_set_pause(SockDiag *diag, sock_diag_pause_fn pause, void *userdata);

/* How many times the netlink socket had to be opened anew since sock_diag_new(). */
uint64_t sock_diag_reopens(const SockDiag *diag);
