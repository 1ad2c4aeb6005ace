/* SPDX-License-Identifier: Apache-2.0 */

/* A kernel that answers socket dumps with what the test says */

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <netinet/in.h>
#include <string.h>

#include "unit/fake_kernel.h"

FakeKernel fake_kernel;

static Datagram datagram;
static size_t next;   /* of the sockets, to be told */
static bool is_ended; /* NLMSG_DONE was sent */
static unsigned n_received;
static uint16_t probe_port; /* of the process' own socket, which was just bound */

/* Keeps the port by which tcp.c finds out whether the kernel knows state 13. */
int __real_getsockname(int fd, struct sockaddr *address, socklen_t *size);
int __wrap_getsockname(int fd, struct sockaddr *address, socklen_t *size) {
        int r = __real_getsockname(fd, address, size);

        if (r == 0 && address->sa_family == AF_INET)
                probe_port = ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port);
        return r;
}

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *socket, const void *request, size_t size) {
        const struct nlmsghdr *header = request;
        const struct inet_diag_req *body = mnl_nlmsg_get_payload(header);

        ck_assert_uint_eq(size, NLMSG_SPACE(sizeof *body));
        ck_assert_uint_eq(header->nlmsg_type, TCPDIAG_GETSOCK);
        ck_assert_uint_eq(header->nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);

        fake_kernel.n_requests++;
        fake_kernel.states = body->idiag_states;
        fake_kernel.extensions = body->idiag_ext;
        datagram.sequence = header->nlmsg_seq;
        datagram.port_id = mnl_socket_get_portid(socket);
        next = 0;
        n_received = 0;
        is_ended = false;
        return (ssize_t)size;
}

static void fake_kernel_tell(const FakeSocket *told) {
        uint32_t asked = fake_kernel.states & (fake_kernel.is_old ? ~SOCK_STATE_MASK(13) : UINT32_MAX);
        FakeSocket socket = *told;

        if (!(asked & SOCK_STATE_MASK(socket.state)))
                return;
        if (socket.state == SOCK_STATE_BOUND_INACTIVE)
                socket.state = SOCK_STATE_CLOSE;
        (void)datagram_add_socket(&datagram, &socket,
                                  fake_kernel.has_no_memory ? 0 : fake_kernel.extensions);
        datagram.last->nlmsg_flags |= fake_kernel.flags;
}

ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *socket, void *buffer, size_t size) {
        if (fake_kernel.n_interrupts > 0) {
                fake_kernel.n_interrupts--;
                errno = EINTR;
                return -1;
        }
        if (fake_kernel.receive_errno && n_received == fake_kernel.n_received_before) {
                errno = fake_kernel.receive_errno;
                return -1;
        }
        n_received++;
        ck_assert_msg(!is_ended, "received after the end");

        datagram_clear(&datagram);
        while (next < fake_kernel.n_sockets && datagram_has_room(&datagram))
                fake_kernel_tell(&fake_kernel.sockets[next++]);
        if (next == fake_kernel.n_sockets && datagram_has_room(&datagram)) {
                if (fake_kernel.states == SOCK_STATE_MASK(SOCK_STATE_BOUND_INACTIVE) && probe_port)
                        fake_kernel_tell(
                                &(FakeSocket){ .state = SOCK_STATE_BOUND_INACTIVE, .port = probe_port });
                datagram_add_end(&datagram, NLMSG_DONE, fake_kernel.end_error);
                is_ended = true;
        }

        ck_assert_uint_le(datagram.size, size);
        memcpy(buffer, datagram.bytes, datagram.size);
        return (ssize_t)datagram.size;
}
