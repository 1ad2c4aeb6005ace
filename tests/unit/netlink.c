/* SPDX-License-Identifier: Apache-2.0 */

/* Making of datagrams such as the kernel answers a socket dump with */

#include <arpa/inet.h>
#include <check.h>
#include <libmnl/libmnl.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/sock_diag.h"
#include "unit/netlink.h"

#define SOCKET_BYTES_MAX    256

#define ATTRIBUTE_CGROUP_ID 21

void datagram_clear(Datagram *datagram) {
        datagram->size = 0;
        datagram->last = NULL;
}

bool datagram_has_room(const Datagram *datagram) {
        return datagram->size + SOCKET_BYTES_MAX <= sizeof datagram->bytes;
}

static void datagram_measure(Datagram *datagram) {
        datagram->size =
                (size_t)((char *)datagram->last - datagram->bytes) + MNL_ALIGN(datagram->last->nlmsg_len);
}

struct nlmsghdr *datagram_add(Datagram *datagram, uint16_t type) {
        ck_assert(datagram_has_room(datagram));

        datagram->last = mnl_nlmsg_put_header(datagram->bytes + datagram->size);
        datagram->last->nlmsg_type = type;
        datagram->last->nlmsg_flags = NLM_F_MULTI;
        datagram->last->nlmsg_seq = datagram->sequence;
        datagram->last->nlmsg_pid = datagram->port_id;
        datagram_measure(datagram);
        return datagram->last;
}

void datagram_add_end(Datagram *datagram, uint16_t type, int error) {
        memcpy(mnl_nlmsg_put_extra_header(datagram_add(datagram, type), sizeof error), &error, sizeof error);
        datagram_measure(datagram);
}

struct nlattr *datagram_put_attribute(Datagram *datagram, uint16_t type, const void *payload, size_t size) {
        struct nlattr *attribute = mnl_nlmsg_get_payload_tail(datagram->last);

        mnl_attr_put(datagram->last, type, size, payload);
        datagram_measure(datagram);
        return attribute;
}

struct inet_diag_msg *datagram_add_socket(Datagram *datagram, const FakeSocket *socket, uint8_t extensions) {
        uint32_t memory[SK_MEMINFO_VARS] = {
                [SK_MEMINFO_RMEM_ALLOC] = socket->receive_queue,
                [SK_MEMINFO_RCVBUF] = socket->receive_buffer,
                [SK_MEMINFO_SNDBUF] = 16384,
                [SK_MEMINFO_DROPS] = socket->drops,
        };
        uint8_t is_ipv6_only = socket->is_ipv6_only;
        struct inet_diag_msg *message;

        message = mnl_nlmsg_put_extra_header(datagram_add(datagram, TCPDIAG_GETSOCK), sizeof *message);
        *message = (struct inet_diag_msg){
                .idiag_family = socket->family ? socket->family : AF_INET,
                .idiag_state = socket->state,
                .idiag_timer = socket->timer,
                .idiag_retrans = socket->retransmits,
                .id.idiag_sport = htons(socket->port),
                .id.idiag_dport = htons(socket->peer_port),
                .id.idiag_if = socket->interface,
                .id.idiag_cookie = { (uint32_t)socket->cookie, (uint32_t)(socket->cookie >> 32) },
                .idiag_rqueue = socket->receive_queue,
                .idiag_wqueue = socket->send_queue,
        };
        if (socket->address)
                ck_assert_int_eq(inet_pton(message->idiag_family, socket->address, message->id.idiag_src),
                                 1);
        datagram_measure(datagram);

        /* In the order of Linux 6.18. */
        if (message->idiag_family == AF_INET6)
                (void)datagram_put_attribute(datagram, INET_DIAG_SKV6ONLY, &is_ipv6_only, 1);
        if (socket->cgroup_id)
                (void)datagram_put_attribute(datagram, ATTRIBUTE_CGROUP_ID, &socket->cgroup_id, 8);
        if (extensions & SOCK_EXTENSION_MEMORY)
                (void)datagram_put_attribute(datagram, INET_DIAG_SKMEMINFO, memory, sizeof memory);
        return message;
}

struct unix_diag_msg *datagram_add_unix(Datagram *datagram, const FakeUnix *socket, uint32_t show) {
        struct unix_diag_rqlen queue = { .udiag_rqueue = socket->length, .udiag_wqueue = socket->limit };
        struct unix_diag_msg *message;
        uint8_t shutdown = 0;

        message = mnl_nlmsg_put_extra_header(datagram_add(datagram, SOCK_DIAG_BY_FAMILY), sizeof *message);
        *message = (struct unix_diag_msg){
                .udiag_family = AF_UNIX,
                .udiag_type = socket->type ? socket->type : SOCK_STREAM,
                .udiag_state = socket->state,
                .udiag_ino = socket->inode,
                .udiag_cookie = { (uint32_t)socket->cookie, (uint32_t)(socket->cookie >> 32) },
        };
        datagram_measure(datagram);

        /* In the order of Linux 6.18. */
        if (show & UDIAG_SHOW_NAME && socket->name)
                (void)datagram_put_attribute(datagram, UNIX_DIAG_NAME, socket->name, socket->name_size);
        if (show & UDIAG_SHOW_RQLEN)
                (void)datagram_put_attribute(datagram, UNIX_DIAG_RQLEN, &queue, sizeof queue);
        (void)datagram_put_attribute(datagram, UNIX_DIAG_SHUTDOWN, &shutdown, 1);
        return message;
}
