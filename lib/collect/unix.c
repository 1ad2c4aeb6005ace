/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Accept queues of UNIX listeners
 *
 * The kernel counts no drops here: a connect(2) to a full queue waits, or fails
 * with EAGAIN. It tells no cgroup either, so the unit is that of the process which
 * has the socket open, as far as that may be looked at.
 *
 * Sockets that listen under one name become one row: a program that removes its
 * path and binds it anew leaves an old one behind for as long as that is open. The
 * row is that of the fullest, or while nothing waits of the newest, to which the path
 * leads.
 */

#include <errno.h>
#include <string.h>

#include "base/sort.h"
#include "collect/collector.h"
#include "collect/endpoint.h"
#include "collect/socket_ledger.h"

typedef struct Unix {
        const CollectContext *context;
        SocketLedger *ledger;
        uint64_t n_truncated; /* since the daemon started */

        uint64_t n_too_many; /* sockets of this dump that did not fit */
        size_t n_sockets;
        uint64_t inodes[LEDGER_SOCKETS_MAX];
        LedgerSocket ledger_sockets[LEDGER_SOCKETS_MAX];
} Unix;

/*
 * The name as people write it: "@" for the NUL in front of an abstract one, and for
 * those within, as ss(8) has it. Abstract names that differ in nothing but a NUL and
 * a "@" become one row: there is no room to write each of the hundred NULs of a name
 * that was bound with all of sun_path as anything longer.
 *
 * A file "@foo" is called "./@foo", which is the same file and no abstract name.
 */
static void unix_set_path(LedgerKey *key, const UnixView *socket) {
        size_t size = MIN(socket->name_size, sizeof key->bytes - 1), n_before = 0;
        bool is_abstract = size > 0 && socket->name[0] == '\0';

        /* A path ends at its NUL, which bind(2) may have been given or not. */
        if (!is_abstract && size > 0)
                size = strnlen(socket->name, size);
        if (size > 0 && socket->name[0] == '@') {
                memcpy(key->bytes, "./", 2);
                n_before = 2;
                size = MIN(size, sizeof key->bytes - 1 - n_before);
        }
        for (size_t i = 0; i < size; i++)
                key->bytes[n_before + i] = socket->name[i] != '\0' ? (uint8_t)socket->name[i] : '@';
}

static int unix_visit(const UnixView *socket, void *userdata) {
        Unix *unix_state = userdata;
        LedgerSocket *entry;

        if (socket->state != SOCK_STATE_LISTEN)
                return 0;
        if (!socket->has_queue)
                return -ENODATA;

        if (unix_state->n_sockets == LEDGER_SOCKETS_MAX) {
                unix_state->n_too_many++;
                return 0;
        }

        unix_state->inodes[unix_state->n_sockets] = socket->inode;
        entry = &unix_state->ledger_sockets[unix_state->n_sockets];
        *entry = (LedgerSocket){
                .cookie = socket->cookie,
                .length = socket->length,
                .limit = socket->limit,
                .index = (uint32_t)unix_state->n_sockets++,
        };
        unix_set_path(&entry->key, socket);
        return 0;
}

static void unix_make_row(UnixListenerRow *row, const SocketGroup *group) {
        row->length = group->length;
        row->limit = group->limit;
        row->worst_length = group->worst_length;
        row->worst_limit = group->worst_limit;
        row->peak = group->peak;
        row->saturated_usec = group->saturated_usec;
        row->n_sockets = group->n_sockets;
}

static int unix_compare_rows(const void *left, const void *right, const void *userdata) {
        return memcmp(left, right, sizeof(UnixListenerKey));
}

static Holder unix_find_holder(const Unix *unix_state, const SocketGroup *group) {
        uint32_t index = group->length > 0 ? group->worst_index : group->newest_index;

        return holder_find(unix_state->context, /* cgroup_id= */ 0, unix_state->inodes[index],
                           group->is_busy);
}

static void unix_search_owners(const Unix *unix_state) {
        for (size_t i = 0; i < socket_ledger_count(unix_state->ledger); i++) {
                const SocketGroup *group = socket_ledger_get(unix_state->ledger, i);

                if (group->is_chosen)
                        (void)unix_find_holder(unix_state, group);
        }

        owners_search(unix_state->context->owners);
}

static void unix_make_rows(const Unix *unix_state, Sample *sample) {
        const SocketGroup *other = socket_ledger_other(unix_state->ledger);
        UnixListenerRow *row;

        for (size_t i = 0; i < socket_ledger_count(unix_state->ledger); i++) {
                const SocketGroup *group = socket_ledger_get(unix_state->ledger, i);
                Holder holder;

                if (!group->is_chosen)
                        continue;

                holder = unix_find_holder(unix_state, group);
                row = &sample->unix_listeners[sample->n_unix_listeners++];
                memset(row, 0, sizeof *row);
                memcpy(row->key.path, group->key.bytes, sizeof row->key.path);
                memcpy(row->key.unit, holder.unit->row.key.unit, sizeof row->key.unit);
                memcpy(row->key.process, holder.process, sizeof row->key.process);
                unix_make_row(row, group);
        }

        if (other) {
                row = &sample->unix_listeners[sample->n_unix_listeners++];
                memset(row, 0, sizeof *row);
                row->key = (UnixListenerKey){ .path = UNIX_OTHER, .unit = UNIT_OTHER };
                unix_make_row(row, other);
        }

        sort_in_place(sample->unix_listeners, sample->n_unix_listeners, sizeof *sample->unix_listeners,
                      unix_compare_rows, /* userdata= */ NULL);
}

static void unix_close(void *state) {
        Unix *unix_state = state;

        if (!unix_state)
                return;

        unix_state->ledger = socket_ledger_free(unix_state->ledger);
        free(unix_state);
}

static int unix_open(CollectContext *context, void **ret_state) {
        Unix *unix_state;
        int r;

        unix_state = calloc(1, sizeof *unix_state);
        if (!unix_state)
                return -ENOMEM;

        r = socket_ledger_new(&unix_state->ledger);
        if (r < 0) {
                unix_close(unix_state);
                return r;
        }

        unix_state->context = context;
        *ret_state = unix_state;
        return 0;
}

static int unix_ask(Unix *unix_state) {
        const CollectContext *context = unix_state->context;
        int r;

        unix_state->n_sockets = 0;
        unix_state->n_too_many = 0;
        r = sock_diag_dump_unix(context->sources->sock_diag, SOCK_STATE_MASK(SOCK_STATE_LISTEN), unix_visit,
                                unix_state);
        if (r < 0)
                return r;

        (void)socket_ledger_enter(unix_state->ledger, unix_state->ledger_sockets, unix_state->n_sockets,
                                  context->now_usec, context->bounds->peak_window_usec,
                                  context->bounds->n_unix_listeners);
        unix_state->n_truncated += unix_state->n_too_many;
        return 0;
}

static int unix_collect(void *state, Sample *sample) {
        Unix *unix_state = state;
        int r;

        r = unix_state->context->is_repeat ? 0 : unix_ask(unix_state);
        if (r < 0)
                return r;

        unix_search_owners(unix_state);
        unix_make_rows(unix_state, sample);

        sample_set(sample, VALUE_UNIX_LISTENERS_TRUNCATED, unix_state->n_truncated);
        sample_set(sample, VALUE_UNIX_LISTENERS_FOLDED, socket_ledger_count_folded(unix_state->ledger));
        return unix_state->n_too_many > 0;
}

const Collector unix_collector = {
        .id = COLLECTOR_UNIX,
        .cost = COLLECTOR_COST_TABLE,
        .open = unix_open,
        .collect = unix_collect,
        .close = unix_close,
};
