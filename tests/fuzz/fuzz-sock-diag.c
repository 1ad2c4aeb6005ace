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
        FUZZ_CHECK(socket->has_drops || socket->drops == 0);
        (*n)++;
        return 0;
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
        free(copy);
        return 0;
}
