/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A kernel that answers socket dumps with what the test says
 *
 * Takes the place of sendto(2) and recvmsg(2) on the netlink socket (ld's
 * --wrap), which is opened and bound as ever.
 */

#include <sys/socket.h>
#include <sys/types.h>

#include "kernel/sock_diag.h"
#include "unit/netlink.h"

typedef struct FakeKernel {
        const FakeSocket *sockets;
        size_t n_sockets;
        const FakeUnix *unix_sockets;
        size_t n_unix_sockets;

        bool is_old;               /* before Linux 6.8: nothing is said of sockets in state 13 */
        bool has_no_memory;        /* SKMEMINFO is not answered */
        int end_error;             /* within NLMSG_DONE: 0 or a negative errno */
        uint32_t end_error_states; /* 0: of any dump; else of those alone that ask for exactly these */
        int receive_errno;         /* of receiving after @n_received_before, if not 0 */
        unsigned n_received_before;
        unsigned n_interrupts; /* EINTR to come, before receiving goes on */
        uint16_t flags;        /* on each message, besides NLM_F_MULTI */

        unsigned n_requests;
        uint8_t family;   /* of the last request; AF_UNSPEC: IPv4 and IPv6 at once */
        uint8_t protocol; /* of the last request, unless of UNIX sockets */
        uint32_t states;
        uint8_t extensions;
        uint32_t show; /* of the last request of UNIX sockets */
} FakeKernel;

extern FakeKernel fake_kernel;

/* What ld calls in their place. */
struct mnl_socket;
struct sockaddr;
ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *socket, const void *request, size_t size);
ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *socket, void *buffer, size_t size);
int __wrap_getsockname(int fd, struct sockaddr *address, socklen_t *size);
