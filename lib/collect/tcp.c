/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Every TCP socket, by walks over all of them: states, queues, and whose they are
 *
 * Each socket is counted once for the host, for its unit, for the listener that it
 * came in by, and if this host opened it for its destination. What a walk costs
 * grows with the sockets of the host, so nothing else is done per socket, and so
 * it does not come with every sample (walk.h). What walks counted stays where they
 * counted it until the next: here, in the units, in the listeners and in the
 * destinations.
 *
 * bound_inactive exists from Linux 6.8 on, and an older kernel answers the
 * question with silence, as would a newer one that has no such socket. So it is
 * found out by making one and asking whether it is there; where none can be made
 * (no port is free, no descriptor), that is tried again at the next walk.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "collect/between_walks.h"
#include "collect/collector.h"
#include "collect/destinations.h"
#include "collect/endpoint.h"
#include "collect/state_counters.h"

/* Units of cgroups that this walk has met. */
#define TCP_CGROUPS 256

typedef struct TcpCgroup {
        uint64_t id; /* 0: none */
        Unit *unit;
} TcpCgroup;

typedef struct TcpWalk {
        const CollectContext *context;
        Destinations *destinations;
        Suspects *suspects;
        uint32_t states;           /* that this kernel has */
        bool is_bound_state_known; /* whether this kernel tells of bound sockets has been found out */
        bool has_bound_inactive;   /* they were counted */

        Walk kind;          /* of the walk that goes on, or the last one */
        int error;          /* of the last walk; -ENODATA before the first full one */
        bool needs_full;    /* none was made to its end */
        usec_t sample_usec; /* CLOCK_BOOTTIME of the sample before */
        Instant rare_at;    /* of the sample in which they were counted last */
        Instant full_at;    /* the same of the others */
        Instant all_at;     /* the same of those that are bound and nothing more */
        Derivation derivation;

        uint64_t n_sockets[_STATES];
        uint64_t n_mini_fin_wait2; /* of FIN_WAIT2 */
        uint64_t receive_queue_bytes;
        uint64_t send_queue_bytes;
        uint64_t n_retransmitting;

        TcpCgroup cgroups[TCP_CGROUPS]; /* by hash, each in the place of the one before */
} TcpWalk;

/* The values' numbers are the kernel's numbers of the states. */
_Static_assert((int)VALUE_TCP_ESTABLISHED == (int)SOCK_STATE_ESTABLISHED &&
                       (int)VALUE_TCP_CLOSING == (int)SOCK_STATE_CLOSING &&
                       (int)VALUE_TCP_BOUND_INACTIVE == (int)SOCK_STATE_BOUND_INACTIVE,
               "values.tbl counts the states as the kernel does");
_Static_assert((int)STATE_CLOSING == (int)SOCK_STATE_CLOSING - 1,
               "table.h counts them as the kernel does, less 1");

static unsigned tcp_state_index(SockState state) {
        return state == SOCK_STATE_BOUND_INACTIVE ? STATE_BOUND_INACTIVE : (unsigned)state - 1;
}

static SockState tcp_state_of_index(unsigned index) {
        return index == STATE_BOUND_INACTIVE ? SOCK_STATE_BOUND_INACTIVE : (SockState)(index + 1);
}

static Unit *tcp_find_cgroup(TcpWalk *walk, uint64_t id) {
        TcpCgroup *cgroup = &walk->cgroups[id * UINT64_C(0x9e3779b97f4a7c15) >> 56];

        _Static_assert(TCP_CGROUPS == 1 << (64 - 56), "the upper bits are a place");

        if (cgroup->id != id)
                *cgroup = (TcpCgroup){ .id = id, .unit = units_find(walk->context->units, id) };
        return cgroup->unit;
}

/*
 * Whose a socket is. Its cgroup tells, but for those that carry none, half-open and
 * in TIME_WAIT, and those that came in by a listener which systemd made: these are
 * their listener's. One that systemd took in itself, to pass it on, has an owner,
 * and is not attributed until that is found.
 */
static Unit *tcp_find_unit(TcpWalk *walk, const SockView *socket, const Listener *listener) {
        const CollectContext *context = walk->context;
        Unit *unit = socket->cgroup_id > 0 ? tcp_find_cgroup(walk, socket->cgroup_id) : NULL;
        Unit *unattributed, *holder;

        if (unit && !unit_passes_on(unit))
                return unit;

        unattributed = units_unattributed(context->units);
        if (listener && listener->unit != unattributed && !unit_passes_on(listener->unit))
                return listener->unit;

        if (unit && listener)
                owners_hurry(context->owners, listener->inode);
        if (!unit || socket->message->idiag_inode == 0)
                return listener ? listener->unit : unattributed;

        holder = unit_passed_on_to(unit,
                                   owners_find_connection(context->owners, socket->message->idiag_inode));
        return holder ? holder : unattributed;
}

/* What a full walk alone counts. */
static void tcp_count_in_full(TcpWalk *walk, const SockView *socket, UnitRow *row) {
        const struct inet_diag_msg *message = socket->message;
        bool is_retransmitting = message->idiag_timer == SOCK_TIMER_RETRANSMIT && message->idiag_retrans > 0;

        walk->n_retransmitting += is_retransmitting;
        row->n_retransmitting += is_retransmitting;

        /* Of a listener these are connections, not bytes. */
        if (socket->state != SOCK_STATE_LISTEN) {
                walk->receive_queue_bytes += message->idiag_rqueue;
                walk->send_queue_bytes += message->idiag_wqueue;
                row->receive_queue_bytes += message->idiag_rqueue;
                row->send_queue_bytes += message->idiag_wqueue;
        }

        if (message->id.idiag_dport != 0 && !listeners_is_inbound(walk->context->listeners, message))
                destinations_add(walk->destinations, message);
}

static void tcp_count_close_wait(const TcpWalk *walk, const SockView *socket, Unit *unit) {
        /* One that nobody accepted has no inode yet. */
        if (socket->message->idiag_inode == 0)
                return;

        unit->row.n_close_wait_accepted++;
        if (unit->is_suspect)
                suspects_add(walk->suspects, unit, socket->message->idiag_inode);
}

static int tcp_visit(const SockView *socket, void *userdata) {
        TcpWalk *walk = userdata;
        unsigned state = tcp_state_index(socket->state);
        Listener *listener = NULL;
        Unit *unit;

        if (socket->state != SOCK_STATE_BOUND_INACTIVE)
                listener = listeners_match(walk->context->listeners, socket->message);
        if (listener && socket->state != SOCK_STATE_LISTEN)
                listener->states[state]++;

        unit = tcp_find_unit(walk, socket, listener);
        unit->row.states[state]++;
        walk->n_sockets[state]++;

        if (socket->state == SOCK_STATE_CLOSE_WAIT)
                tcp_count_close_wait(walk, socket, unit);
        if (socket->state == SOCK_STATE_FIN_WAIT2)
                walk->n_mini_fin_wait2 += socket->message->idiag_timer == SOCK_TIMER_TIME_WAIT;
        if (walk_is_full(walk->kind))
                tcp_count_in_full(walk, socket, &unit->row);
        return 0;
}

typedef struct TcpProbe {
        struct sockaddr_in address;
        bool is_found;
} TcpProbe;

static int tcp_probe_visit(const SockView *socket, void *userdata) {
        TcpProbe *probe = userdata;

        if (socket->state == SOCK_STATE_BOUND_INACTIVE && socket->message->idiag_family == AF_INET &&
            socket->message->id.idiag_sport == probe->address.sin_port)
                probe->is_found = true;

        return 0;
}

/* 1 if this kernel tells of bound sockets, 0 if not, or why that cannot be found out now. */
static int tcp_probe_bound_inactive(SockDiag *sock_diag) {
        TcpProbe probe = {
                .address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) },
        };
        socklen_t size = sizeof probe.address;
        _cleanup_(close_fdp) int fd = -1;
        int r;

        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || bind(fd, (const struct sockaddr *)&probe.address, sizeof probe.address) < 0 ||
            getsockname(fd, (struct sockaddr *)&probe.address, &size) < 0)
                return -errno;

        r = sock_diag_dump(sock_diag, SOCK_STATE_MASK(SOCK_STATE_BOUND_INACTIVE), 0, tcp_probe_visit,
                           &probe);
        return r < 0 ? r : probe.is_found;
}

static void tcp_learn_bound_inactive(TcpWalk *walk) {
        int r;

        if (walk->is_bound_state_known)
                return;

        r = tcp_probe_bound_inactive(walk->context->sources->sock_diag);
        if (r < 0)
                return;

        walk->is_bound_state_known = true;
        if (r > 0)
                walk->states |= SOCK_STATE_MASK(SOCK_STATE_BOUND_INACTIVE);
}

static void tcp_close(void *state) {
        TcpWalk *walk = state;

        if (!walk)
                return;

        walk->destinations = destinations_free(walk->destinations);
        free(walk);
}

static int tcp_open(CollectContext *context, void **ret_state) {
        TcpWalk *walk;
        int r;

        walk = calloc(1, sizeof *walk);
        if (!walk)
                return -ENOMEM;

        r = destinations_new(&walk->destinations);
        if (r < 0) {
                tcp_close(walk);
                return r;
        }

        walk->context = context;
        walk->suspects = context->suspects;
        walk->states = SOCK_STATES_ALL;
        walk->error = -ENODATA;
        walk->needs_full = true;
        *ret_state = walk;
        return 0;
}

static void tcp_begin(TcpWalk *walk) {
        const CollectContext *context = walk->context;

        walk->kind = context->walk;
        walk->n_mini_fin_wait2 = 0;
        memset(walk->cgroups, 0, sizeof walk->cgroups);
        walk_clear_states(walk->kind, walk->n_sockets);
        units_begin_walk(context->units, walk->kind);
        listeners_begin_walk(context->listeners, walk->kind);
        if (walk_is_full(walk->kind)) {
                walk->receive_queue_bytes = walk->send_queue_bytes = walk->n_retransmitting = 0;
                destinations_begin(walk->destinations, context->first_port, context->last_port);
        }
}

static ListenerRow *tcp_find_row(Sample *sample, const Endpoint *endpoint) {
        size_t low = 0, high = sample->n_listeners;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = memcmp(&sample->listeners[middle].key.endpoint, endpoint, sizeof *endpoint);

                if (order == 0)
                        return &sample->listeners[middle];
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }

        /* Folded: the row `other` comes last, if there is one. */
        return sample->n_listeners > 0 &&
                               endpoint_is_other(&sample->listeners[sample->n_listeners - 1].key.endpoint)
                       ? &sample->listeners[sample->n_listeners - 1]
                       : NULL;
}

static void tcp_fill_listeners(const TcpWalk *walk, Sample *sample) {
        const CollectContext *context = walk->context;

        for (uint32_t i = 0; i < sample->n_listeners; i++)
                sample->listeners[i].counted = COUNTED_ALL_STATES;

        for (size_t i = 0; i < listeners_count(context->listeners); i++) {
                const Listener *listener = listeners_get(context->listeners, i);
                ListenerRow *row = tcp_find_row(sample, &listener->endpoint);

                if (!row)
                        continue;
                for (unsigned state = 0; state < _STATES; state++)
                        row->states[state] += listener->states[state];
                /* Of many, one that no walk has met adds nothing yet. */
                if (!endpoint_is_other(&row->key.endpoint))
                        row->counted = MIN(row->counted, listener->counted);
        }
}

static uint32_t tcp_wanted_states(const TcpWalk *walk) {
        uint32_t wanted = 0;

        for (unsigned i = 0; i < _STATES; i++)
                if (walk_counts(walk->kind, i))
                        wanted |= SOCK_STATE_MASK(tcp_state_of_index(i));
        return wanted & walk->states;
}

static StateCounts tcp_counts(const TcpWalk *walk) {
        return (StateCounts){
                .n_established = walk->n_sockets[STATE_ESTABLISHED],
                .n_time_wait = walk->n_sockets[STATE_TIME_WAIT],
                .n_close_wait = walk->n_sockets[STATE_CLOSE_WAIT],
                .n_opening = walk->n_sockets[STATE_SYN_SENT] + walk->n_sockets[STATE_SYN_RECV],
                .n_mini_fin_wait2 = walk->n_mini_fin_wait2,
        };
}

/* Holds a full walk against the kernel's counters. On a host where one comes with every sample there is
 * nothing to derive, but what is to be learned is learned the best there, with few sockets. */
static void tcp_learn_counters(TcpWalk *walk, const Sample *sample, bool has_walked_before) {
        bool is_needed = !has_walked_before || walk->derivation.established <= ESTABLISHED_EITHER;
        StateCounters before, behind;
        StateCounts counts = tcp_counts(walk);

        if (!is_needed || !state_counters_take(sample, &before))
                return;
        if (state_counters_read(walk->context->sources, &behind) == 0)
                derivation_learn(&walk->derivation, &before, &behind, &counts);
}

/* There are sockets that tell the meanings apart, if few enough come and go while they are counted. Where
 * the last time more did, to walk without rests would gain nothing.
 */
static bool tcp_is_learning(const TcpWalk *walk) {
        return walk_is_full(walk->context->walk) && walk->derivation.established == ESTABLISHED_EITHER &&
               walk->n_sockets[STATE_CLOSE_WAIT] > walk->derivation.slack;
}

static int tcp_walk(TcpWalk *walk, Sample *sample) {
        SockDiag *sock_diag = walk->context->sources->sock_diag;
        Instant now = sample_instant(sample);
        bool has_walked_before = walk->full_at.boottime_usec == walk->sample_usec;
        int r;

        if (walk->context->walk == WALK_ALL)
                tcp_learn_bound_inactive(walk);

        if (tcp_is_learning(walk))
                sock_diag_set_pause(sock_diag, NULL, NULL);

        tcp_begin(walk);
        walk->needs_full |= walk_is_full(walk->kind);
        r = sock_diag_dump(sock_diag, tcp_wanted_states(walk), 0, tcp_visit, walk);
        if (r < 0)
                return r;

        walk->rare_at = now;
        if (walk->kind == WALK_ALL) {
                walk->has_bound_inactive = walk->states & SOCK_STATE_MASK(SOCK_STATE_BOUND_INACTIVE);
                walk->all_at = now;
        }
        if (walk_is_full(walk->kind)) {
                walk->needs_full = false;
                walk->full_at = now;
                destinations_end(walk->destinations, walk->context->bounds);
                tcp_learn_counters(walk, sample, has_walked_before);
        }
        return 0;
}

/* The two states that a rare walk does not count: by the last full one, or by the kernel's counters now less
 * what the last walk found of that in other states. Such a number is as old as the oldest of its parts. */
static void tcp_fill_counted_by_kernel(const TcpWalk *walk, Sample *sample) {
        StateCounts counts = tcp_counts(walk);
        Instant at = sample_instant(sample);
        usec_t rare_usec = instant_tell(walk->rare_at, at), full_usec = instant_tell(walk->full_at, at);
        StateCounters now;
        uint64_t n;

        sample_set(sample, VALUE_TCP_ESTABLISHED_USEC, full_usec);
        sample_set(sample, VALUE_TCP_TIME_WAIT_USEC, full_usec);
        if (walk->full_at.boottime_usec == sample->boottime_usec || !state_counters_take(sample, &now))
                return;

        if (derivation_established(&walk->derivation, &now, &counts, &n)) {
                sample_set(sample, VALUE_TCP_ESTABLISHED, n);
                sample_set(sample, VALUE_TCP_ESTABLISHED_USEC,
                           walk->derivation.established == ESTABLISHED_ALONE ? sample->realtime_usec
                                                                             : rare_usec);
        }
        if (derivation_time_wait(&walk->derivation, &now, &counts, &n)) {
                sample_set(sample, VALUE_TCP_TIME_WAIT, n);
                sample_set(sample, VALUE_TCP_TIME_WAIT_USEC, rare_usec);
        }
}

static void tcp_fill(const TcpWalk *walk, Sample *sample) {
        Instant now = sample_instant(sample);

        for (unsigned i = 0; i < _STATES; i++)
                if (i != STATE_BOUND_INACTIVE || walk->has_bound_inactive)
                        sample_set(sample, (ValueId)tcp_state_of_index(i), walk->n_sockets[i]);
        sample_set(sample, VALUE_TCP_RECEIVE_QUEUE_BYTES, walk->receive_queue_bytes);
        sample_set(sample, VALUE_TCP_SEND_QUEUE_BYTES, walk->send_queue_bytes);
        sample_set(sample, VALUE_TCP_RETRANSMITTING, walk->n_retransmitting);
        sample_set(sample, VALUE_TCP_RARE_STATES_USEC, instant_tell(walk->rare_at, now));
        sample_set(sample, VALUE_TCP_FULL_WALK_USEC, instant_tell(walk->full_at, now));
        if (walk->has_bound_inactive)
                sample_set(sample, VALUE_TCP_BOUND_INACTIVE_USEC, instant_tell(walk->all_at, now));
        tcp_fill_counted_by_kernel(walk, sample);

        tcp_fill_listeners(walk, sample);
        destinations_make_rows(walk->destinations, sample);
}

static int tcp_collect(void *state, Sample *sample) {
        TcpWalk *walk = state;
        const CollectContext *context = walk->context;

        /* What a full walk had only begun to count a rare one cannot mend. */
        if (walk_is_full(context->walk) || (context->walk == WALK_RARE && !walk->needs_full))
                walk->error = tcp_walk(walk, sample);
        walk->sample_usec = sample->boottime_usec;
        if (walk->error < 0) {
                suspects_clear(walk->suspects);
                return walk->error;
        }

        tcp_fill(walk, sample);
        suspects_step(walk->suspects, context->walk != WALK_NONE, sample_instant(sample));
        return units_has_overflow_sockets(context->units);
}

const Collector tcp_collector = {
        .id = COLLECTOR_TCP,
        .cost = COLLECTOR_COST_WALK,
        .open = tcp_open,
        .collect = tcp_collect,
        .close = tcp_close,
};
