/* SPDX-License-Identifier: Apache-2.0 */

/* Decoding of unix_diag answers, apart from any I/O */

#include <assert.h>
#include <errno.h>
#include <linux/unix_diag.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/sock_diag.h"
#include "kernel/sock_diag_datagram.h"
#include "kernel/unix_diag.h"

static int unix_diag_decode_name(const char *payload, size_t size, UnixView *view) {
        if (size == 0)
                return 0;

        view->name = payload;
        view->name_size = payload[0] == '\0' ? size : strnlen(payload, size);
        return view->name_size <= UNIX_NAME_BYTES_MAX ? 0 : -EBADMSG;
}

static void unix_diag_decode_queue(const void *payload, size_t size, UnixView *view) {
        struct unix_diag_rqlen queue;

        if (size < sizeof queue)
                return;

        memcpy(&queue, payload, sizeof queue);
        view->length = queue.udiag_rqueue;
        view->limit = queue.udiag_wqueue;
        view->has_queue = true;
}

static int unix_diag_decode_attribute(const struct nlattr *attribute, UnixView *view) {
        const void *payload = attribute_payload(attribute);
        size_t size = attribute_payload_size(attribute);

        switch (attribute_type(attribute)) {
        case UNIX_DIAG_NAME:
                return unix_diag_decode_name(payload, size, view);

        case UNIX_DIAG_RQLEN:
                unix_diag_decode_queue(payload, size, view);
                return 0;

        default:
                return 0;
        }
}

int unix_diag_decode(const void *payload, size_t size, UnixView *ret) {
        const struct unix_diag_msg *message = payload;
        const struct nlattr *attribute;
        AttributeCursor cursor;
        UnixView view;
        int r;

        assert(payload || size == 0);
        assert(ret);

        if (size < sizeof *message)
                return -EBADMSG;
        if (message->udiag_family != AF_UNIX)
                return -EBADMSG;
        if (message->udiag_state == 0 || message->udiag_state >= _SOCK_STATE_MAX)
                return -EBADMSG;

        view = (UnixView){
                .inode = message->udiag_ino,
                .cookie = (uint64_t)message->udiag_cookie[1] << 32 | message->udiag_cookie[0],
                .type = message->udiag_type,
                .state = message->udiag_state,
        };

        cursor = attribute_cursor(payload, size, sizeof *message);
        while ((attribute = attribute_next(&cursor))) {
                r = unix_diag_decode_attribute(attribute, &view);
                if (r < 0)
                        return r;
        }

        *ret = view;
        return 0;
}

int sock_diag_visit_unix(const void *payload, size_t size, void *visitor) {
        const UnixVisitor *to = visitor;
        UnixView view;
        int r;

        r = unix_diag_decode(payload, size, &view);
        return r < 0 ? r : to->visit(&view, to->userdata);
}

int unix_diag_decode_datagram(const void *bytes,
                              size_t size,
                              uint32_t sequence,
                              uint32_t port_id,
                              unix_diag_fn visit,
                              void *userdata) {
        UnixVisitor visitor = { .visit = visit, .userdata = userdata };

        assert(visit);

        return sock_diag_walk_datagram(bytes, size, sequence, port_id, sock_diag_visit_unix, &visitor);
}
