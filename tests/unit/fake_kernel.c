/* SPDX-License-Identifier: Apache-2.0 */

/* A kernel that answers socket dumps with what the test says */

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/sock_diag.h>
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

static void fake_kernel_hear_tcp(const void *payload, size_t size) {
        const struct inet_diag_req *body = payload;

        ck_assert_uint_eq(size, sizeof *body);
        fake_kernel.family = AF_UNSPEC;
        fake_kernel.protocol = IPPROTO_TCP;
        fake_kernel.states = body->idiag_states;
        fake_kernel.extensions = body->idiag_ext;
}

static void fake_kernel_hear_inet(const void *payload, size_t size) {
        const struct inet_diag_req_v2 *body = payload;
        static const struct inet_diag_sockid any = { 0 };

        ck_assert_uint_eq(size, sizeof *body);
        ck_assert(body->sdiag_family == AF_INET || body->sdiag_family == AF_INET6);
        ck_assert_mem_eq(&body->id, &any, sizeof any);
        fake_kernel.family = body->sdiag_family;
        fake_kernel.protocol = body->sdiag_protocol;
        fake_kernel.states = body->idiag_states;
        fake_kernel.extensions = body->idiag_ext;
}

static void fake_kernel_hear_unix(const void *payload, size_t size) {
        const struct unix_diag_req *body = payload;

        ck_assert_uint_eq(size, sizeof *body);
        ck_assert_uint_eq(body->sdiag_protocol, 0);
        ck_assert_uint_eq(body->udiag_ino, 0);
        fake_kernel.family = AF_UNIX;
        fake_kernel.states = body->udiag_states;
        fake_kernel.show = body->udiag_show;
}

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *socket, const void *request, size_t size) {
        const struct nlmsghdr *header = request;
        const uint8_t *payload = mnl_nlmsg_get_payload(header);
        size_t payload_size = mnl_nlmsg_get_payload_len(header);

        ck_assert_uint_eq(size, header->nlmsg_len);
        ck_assert_uint_eq(header->nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);

        /* SOCK_DIAG_BY_FAMILY begins with the family. */
        if (header->nlmsg_type == TCPDIAG_GETSOCK)
                fake_kernel_hear_tcp(payload, payload_size);
        else if (payload[0] == AF_UNIX)
                fake_kernel_hear_unix(payload, payload_size);
        else
                fake_kernel_hear_inet(payload, payload_size);
        if (header->nlmsg_type != TCPDIAG_GETSOCK)
                ck_assert_uint_eq(header->nlmsg_type, SOCK_DIAG_BY_FAMILY);

        fake_kernel.n_requests++;
        datagram.sequence = header->nlmsg_seq;
        datagram.port_id = mnl_socket_get_portid(socket);
        next = 0;
        n_received = 0;
        is_ended = false;
        return (ssize_t)size;
}

static bool fake_kernel_is_asked_for(const FakeSocket *socket) {
        uint32_t asked = fake_kernel.states & (fake_kernel.is_old ? ~SOCK_STATE_MASK(13) : UINT32_MAX);

        return asked & SOCK_STATE_MASK(socket->state) &&
               (socket->protocol ? socket->protocol : IPPROTO_TCP) == fake_kernel.protocol &&
               (fake_kernel.family == AF_UNSPEC ||
                fake_kernel.family == (socket->family ? socket->family : AF_INET));
}

static void fake_kernel_tell(const FakeSocket *told) {
        FakeSocket socket = *told;

        if (!fake_kernel_is_asked_for(told))
                return;
        if (socket.state == SOCK_STATE_BOUND_INACTIVE)
                socket.state = SOCK_STATE_CLOSE;
        (void)datagram_add_socket(&datagram, &socket,
                                  fake_kernel.has_no_memory ? 0 : fake_kernel.extensions);
        datagram.last->nlmsg_flags |= fake_kernel.flags;
}

static void fake_kernel_tell_unix(const FakeUnix *socket) {
        if (!(fake_kernel.states & SOCK_STATE_MASK(socket->state)))
                return;
        (void)datagram_add_unix(&datagram, socket, fake_kernel.show);
        datagram.last->nlmsg_flags |= fake_kernel.flags;
}

ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *socket, void *buffer, size_t size) {
        size_t n;

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
        n = fake_kernel.family == AF_UNIX ? fake_kernel.n_unix_sockets : fake_kernel.n_sockets;
        while (next < n && datagram_has_room(&datagram)) {
                if (fake_kernel.family == AF_UNIX)
                        fake_kernel_tell_unix(&fake_kernel.unix_sockets[next++]);
                else
                        fake_kernel_tell(&fake_kernel.sockets[next++]);
        }
        if (next == n && datagram_has_room(&datagram)) {
                if (fake_kernel.states == SOCK_STATE_MASK(SOCK_STATE_BOUND_INACTIVE) && probe_port)
                        fake_kernel_tell(
                                &(FakeSocket){ .state = SOCK_STATE_BOUND_INACTIVE, .port = probe_port });
                datagram_add_end(&datagram, NLMSG_DONE,
                                 fake_kernel.end_error_states == 0 ||
                                                 fake_kernel.end_error_states == fake_kernel.states
                                         ? fake_kernel.end_error
                                         : 0);
                is_ended = true;
        }

        ck_assert_uint_le(datagram.size, size);
        memcpy(buffer, datagram.bytes, datagram.size);
        return (ssize_t)datagram.size;
}
