/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The TCP listeners of this moment, and which of them a connection came in by
 *
 * A hash table of family, port and address; those that differ by device alone
 * hang together in a chain. In front of it stands a bit for each port, so that
 * connections which this host opened cost one look there; the bits of all ports
 * fit the cache that is next to the processor.
 */

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/hash.h"
#include "collect/listeners.h"

#define LISTENERS_SLOTS (4 * LISTEN_SOCKETS_MAX)

/* Answers that are kept for the connections to come: most go to the same few listeners. */
#define LISTENERS_ANSWERS 1024

/* A question, zeros behind an IPv4 address, and what the answer was. */
typedef struct ListenersAnswer {
        uint32_t address[4];
        uint32_t interface;
        uint16_t port;
        uint16_t family;    /* 0: this one is empty */
        Listener *listener; /* NULL: nobody */
} ListenersAnswer;

typedef struct PortSet {
        uint64_t words[(UINT16_MAX + 1) / 64];
} PortSet;

static inline bool port_set_has(const PortSet *set, uint16_t port) {
        return set->words[port / 64] >> port % 64 & 1;
}

static inline void port_set_add(PortSet *set, uint16_t port) {
        set->words[port / 64] |= UINT64_C(1) << port % 64;
}

struct Listeners {
        uint64_t seed;   /* of the hash */
        PortSet inbound; /* something came in there: since the last full walk began, or in one that goes on
                          */
        PortSet last_inbound;            /* in the full walk before, or by the time that it began */
        uint32_t slots[LISTENERS_SLOTS]; /* index + 1 of the first of a chain; 0: free */
        size_t n;
        size_t n_last;       /* of the sample before */
        size_t i_last;       /* the next of them to be met again */
        Listener *listeners; /* one of the two tables */
        Listener *last;      /* the other one */
        Listener tables[2][LISTEN_SOCKETS_MAX];
        uint32_t used_slots[LISTEN_SOCKETS_MAX];
        size_t n_used_slots;
        bool has_answers;
        ListenersAnswer answers[LISTENERS_ANSWERS]; /* by hash, each in the place of the one before */
};

int listeners_new(Listeners **ret) {
        _cleanup_(listeners_freep) Listeners *listeners = NULL;

        assert(ret);

        listeners = calloc(1, sizeof *listeners);
        if (!listeners)
                return -ENOMEM;

        if (getrandom(&listeners->seed, sizeof listeners->seed, 0) != sizeof listeners->seed)
                return -errno;

        listeners->listeners = listeners->tables[0];
        listeners->last = listeners->tables[1];
        *ret = TAKE_PTR(listeners);
        return 0;
}

Listeners *listeners_free(Listeners *listeners) {
        free(listeners);
        return NULL;
}

static void listeners_forget_answers(Listeners *listeners) {
        if (listeners->has_answers)
                memset(listeners->answers, 0, sizeof listeners->answers);
        listeners->has_answers = false;
}

void listeners_clear(Listeners *listeners) {
        assert(listeners);

        for (size_t i = 0; i < listeners->n_used_slots; i++)
                listeners->slots[listeners->used_slots[i]] = 0;
        listeners->n_used_slots = 0;

        listeners_forget_answers(listeners);

        listeners->last = listeners->listeners;
        listeners->n_last = listeners->n;
        listeners->i_last = 0;
        listeners->listeners = listeners->tables[listeners->last == listeners->tables[0]];
        listeners->n = 0;
}

void listeners_begin_walk(Listeners *listeners, Walk walk) {
        assert(listeners);

        if (walk_is_full(walk)) {
                listeners->last_inbound = listeners->inbound;
                listeners->inbound = (PortSet){ 0 };
        }

        for (size_t i = 0; i < listeners->n; i++) {
                Listener *listener = &listeners->listeners[i];

                walk_clear_states(walk, listener->states);
                listener->counted =
                        MAX(listener->counted,
                            (uint64_t)(walk_is_full(walk) ? COUNTED_ALL_STATES : COUNTED_RARE_STATES));
                port_set_add(&listeners->inbound, endpoint_port(&listener->endpoint));
        }
}

size_t listeners_count(const Listeners *listeners) {
        return listeners->n;
}

Listener *listeners_get(Listeners *listeners, size_t i) {
        assert(i < listeners->n);

        return &listeners->listeners[i];
}

/* What the hash is over; the device is not part of it. */
typedef struct ListenersKey {
        uint32_t address[4]; /* as in Endpoint */
        uint16_t port;       /* network byte order */
        uint16_t family;
} ListenersKey;

static bool listener_has_key(const Listener *listener, const ListenersKey *key) {
        return listener->endpoint.family == key->family &&
               memcmp(listener->endpoint.port, &key->port, sizeof key->port) == 0 &&
               memcmp(listener->endpoint.address, key->address, sizeof key->address) == 0;
}

/* The slot in which a chain begins, or would. */
static size_t listeners_seek(const Listeners *listeners, const ListenersKey *key) {
        size_t at = hash_bytes(key, sizeof *key, listeners->seed) % LISTENERS_SLOTS;

        while (listeners->slots[at] > 0 &&
               !listener_has_key(&listeners->listeners[listeners->slots[at] - 1], key))
                at = (at + 1) % LISTENERS_SLOTS;
        return at;
}

/* The counts of a listener that was there in the last sample; both tables are in order. */
static void listeners_take_states(Listeners *listeners, Listener *listener) {
        for (; listeners->i_last < listeners->n_last; listeners->i_last++) {
                const Listener *last = &listeners->last[listeners->i_last];
                int order = memcmp(&last->endpoint, &listener->endpoint, sizeof last->endpoint);

                if (order == 0) {
                        memcpy(listener->states, last->states, sizeof listener->states);
                        listener->counted = last->counted;
                }
                if (order >= 0)
                        return;
        }
}

Listener *
listeners_add(Listeners *listeners, const Endpoint *endpoint, uint32_t interface, bool is_dual_stack) {
        ListenersKey key = { .family = endpoint->family };
        Listener *listener;
        size_t slot;

        assert(listeners && listeners->n < LISTEN_SOCKETS_MAX);

        memcpy(key.address, endpoint->address, sizeof key.address);
        memcpy(&key.port, endpoint->port, sizeof key.port);
        slot = listeners_seek(listeners, &key);
        if (listeners->slots[slot] == 0)
                listeners->used_slots[listeners->n_used_slots++] = (uint32_t)slot;

        listeners_forget_answers(listeners);
        listener = &listeners->listeners[listeners->n++];
        *listener = (Listener){
                .endpoint = *endpoint,
                .interface = interface,
                .is_dual_stack = is_dual_stack,
                .next = listeners->slots[slot],
        };
        listeners_take_states(listeners, listener);
        listeners->slots[slot] = (uint32_t)listeners->n;
        port_set_add(&listeners->inbound, ntohs(key.port));
        return listener;
}

/* Of one address, whom the kernel would choose for a connection on this device. */
static Listener *listeners_find(Listeners *listeners, const ListenersKey *key, uint32_t interface) {
        Listener *unbound = NULL;

        for (uint32_t i = listeners->slots[listeners_seek(listeners, key)]; i > 0;) {
                Listener *listener = &listeners->listeners[i - 1];

                if (listener->interface == interface && interface > 0)
                        return listener;
                if (listener->interface == 0)
                        unbound = listener;
                i = listener->next;
        }

        return unbound;
}

static bool key_is_mapped(const ListenersKey *key) {
        return key->family == AF_INET6 && key->address[0] == 0 && key->address[1] == 0 &&
               key->address[2] == htonl(0xffff);
}

/* The wildcard of the key's own family; IPv4 by an IPv6 listener, only where that takes it. */
static Listener *listeners_find_wildcard(Listeners *listeners, const ListenersKey *key, uint32_t interface) {
        ListenersKey wildcard = { .port = key->port, .family = key->family };
        Listener *listener = listeners_find(listeners, &wildcard, interface);

        return listener && key_is_mapped(key) && !listener->is_dual_stack ? NULL : listener;
}

static Listener *listeners_find_any(Listeners *listeners, const ListenersKey *key, uint32_t interface) {
        Listener *listener = listeners_find(listeners, key, interface);

        return listener ? listener : listeners_find_wildcard(listeners, key, interface);
}

static Listener *listeners_search(Listeners *listeners, const ListenersAnswer *question) {
        ListenersKey key = { .port = question->port, .family = question->family };
        ListenersKey mapped = { .port = key.port, .family = AF_INET6 };
        Listener *listener;

        memcpy(key.address, question->address, sizeof key.address);
        listener = listeners_find_any(listeners, &key, question->interface);
        if (listener || key.family == AF_INET6)
                return listener;

        /* Taken from an IPv6 listener and made an IPv4 socket since (IPV6_ADDRFORM, ipv6(7)). */
        mapped.address[2] = htonl(0xffff);
        mapped.address[3] = key.address[0];
        return listeners_find_any(listeners, &mapped, question->interface);
}

/* Both are questions: whether they are the same one. */
static bool answer_is_to(const ListenersAnswer *answer, const ListenersAnswer *question) {
        return memcmp(answer, question, offsetof(ListenersAnswer, listener)) == 0;
}

Listener *listeners_match(Listeners *listeners, const struct inet_diag_msg *message) {
        ListenersAnswer question = {
                .interface = message->id.idiag_if,
                .port = message->id.idiag_sport,
                .family = message->idiag_family,
        };
        ListenersAnswer *answer;
        uint32_t mixed;

        if (!port_set_has(&listeners->inbound, ntohs(question.port)))
                return NULL;

        /* Strangers choose neither the addresses nor the ports that somebody listens on here, so this hash
         * need not hold out against them. */
        question.address[0] = message->id.idiag_src[0];
        if (question.family == AF_INET6)
                memcpy(question.address, message->id.idiag_src, sizeof question.address);
        mixed = (question.address[0] ^ question.address[1] ^ question.address[2] ^ question.address[3] ^
                 question.interface ^ (uint32_t)question.port << 16) *
                UINT32_C(0x9e3779b1);
        answer = &listeners->answers[mixed >> 22];
        _Static_assert(LISTENERS_ANSWERS == 1 << (32 - 22), "the upper bits are a place");

        if (!answer_is_to(answer, &question)) {
                question.listener = listeners_search(listeners, &question);
                *answer = question;
                listeners->has_answers = true;
        }
        return answer->listener;
}

bool listeners_is_inbound(Listeners *listeners, const struct inet_diag_msg *message) {
        uint16_t port = ntohs(message->id.idiag_sport);

        if (port_set_has(&listeners->inbound, port))
                return true;
        if (!port_set_has(&listeners->last_inbound, port))
                return false;

        port_set_add(&listeners->inbound, port);
        return true;
}
