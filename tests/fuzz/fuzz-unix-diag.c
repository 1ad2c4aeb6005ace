/* SPDX-License-Identifier: Apache-2.0 */

#include <linux/unix_diag.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "kernel/sock_diag.h"

/* As in tests/fixtures/netlink, so that captured datagrams are answers to this request. */
#define SEQUENCE 1
#define PORT_ID  7625

static int on_socket(const UnixView *socket, void *userdata) {
        unsigned *n = userdata;
        unsigned sum = 0;

        FUZZ_CHECK(socket->state > 0 && socket->state < _SOCK_STATE_MAX);
        FUZZ_CHECK(socket->has_queue || (socket->length == 0 && socket->limit == 0));
        FUZZ_CHECK(socket->name ? socket->name_size > 0 : socket->name_size == 0);
        FUZZ_CHECK(socket->name_size <= UNIX_NAME_BYTES_MAX);

        /* Each byte of it is there, and a path has no NUL. */
        for (size_t i = 0; i < socket->name_size; i++) {
                FUZZ_CHECK(socket->name[0] == '\0' || socket->name[i] != '\0');
                sum += (uint8_t)socket->name[i];
        }
        FUZZ_CHECK(sum <= UNIX_NAME_BYTES_MAX * UINT8_MAX);
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
        r = unix_diag_decode_datagram(copy, size, SEQUENCE, PORT_ID, on_socket, &n);
        FUZZ_CHECK(r <= 1 && r >= -4095);
        FUZZ_CHECK(n <= size / sizeof(struct unix_diag_msg));
        free(copy);
        return 0;
}
