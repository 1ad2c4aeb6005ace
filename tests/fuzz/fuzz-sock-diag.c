/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "fuzz/fuzz.h"
#include "kernel/sock_diag.h"

/* As in tests/fixtures/netlink, so that captured datagrams are answers to this request. */
#define SEQUENCE 1
#define PORT_ID  7625

static int on_socket(const SockView *socket, void *userdata) {
        struct inet_diag_msg message = *socket->message;
        unsigned *n = userdata;

        FUZZ_CHECK(message.idiag_family == AF_INET || message.idiag_family == AF_INET6);
        FUZZ_CHECK(socket->state > 0 && socket->state < _SOCK_STATE_MAX);
        FUZZ_CHECK(socket->has_drops || (socket->drops == 0 && socket->receive_buffer_bytes == 0));
        (*n)++;
        return 0;
}

/* Any bytes as the payload of a message: what is TCP and what UDP differs in the state alone. */
static void decode_payload(const void *payload, size_t size) {
        SockView tcp, udp;
        int r;

        r = sock_diag_decode(payload, size, &tcp);
        FUZZ_CHECK(sock_diag_decode_udp(payload, size, &udp) == r);
        if (r < 0)
                return;

        FUZZ_CHECK(udp.state == udp.message->idiag_state);
        FUZZ_CHECK(tcp.state == udp.state || tcp.state == SOCK_STATE_BOUND_INACTIVE);
        FUZZ_CHECK(tcp.drops == udp.drops && tcp.receive_buffer_bytes == udp.receive_buffer_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        /* As aligned as the buffer that is received into. */
        uint8_t *copy = malloc(size > 0 ? size : 1);
        unsigned n = 0;
        int r;

        FUZZ_CHECK(copy);
        memcpy(copy, data, size);
        r = sock_diag_decode_datagram(copy, size, SEQUENCE, PORT_ID, on_socket, &n);
        FUZZ_CHECK(r <= 1 && r >= -4095);
        FUZZ_CHECK(n <= size / sizeof(struct inet_diag_msg));
        decode_payload(copy, size);
        free(copy);
        return 0;
}
