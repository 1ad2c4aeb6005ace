/* SPDX-License-Identifier: Apache-2.0 */

/* Ephemeral ports in use, by destination */

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/frequent.h"
#include "base/sort.h"
#include "collect/destinations.h"

/* What a port is taken for. IPv4 addresses stand in the first four bytes, also those that were mapped to
 * IPv6. In words, as one that is written in small pieces and then read in large ones makes the processor
 * wait: measured, three times as long for all of it. */
typedef struct DestinationKey {
        uint64_t source[2];
        uint64_t address[2];
        uint16_t port; /* network byte order */
        uint16_t family;
        uint32_t reserved; /* 0 */
} DestinationKey;

/* Destinations that were met lately: most connections go to the same few. */
#define DESTINATIONS_RECENT 256

typedef struct RecentDestination {
        DestinationKey key;
        uint64_t n; /* met, and not counted yet; 0: this one is empty */
} RecentDestination;

/* A row to be, and the ports from all source addresses together. */
typedef struct Destination {
        DestinationRow row;
        uint64_t n_ports;
} Destination;

struct Destinations {
        Frequent *used;
        RecentDestination recent[DESTINATIONS_RECENT]; /* by hash, each in the place of the one before */
        uint16_t first;
        uint16_t last;
        bool had_other;
        uint64_t n_truncated; /* since the daemon started */
        size_t n_folded;      /* by the last walk */
        size_t n_rows;
        Destination rows[DESTINATIONS_TRACKED_MAX + 1];
};

int destinations_new(Destinations **ret) {
        _cleanup_(destinations_freep) Destinations *destinations = NULL;
        int r;

        assert(ret);

        destinations = calloc(1, sizeof *destinations);
        if (!destinations)
                return -ENOMEM;

        r = frequent_new(DESTINATIONS_TRACKED_MAX, sizeof(DestinationKey), &destinations->used);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(destinations);
        return 0;
}

Destinations *destinations_free(Destinations *destinations) {
        if (!destinations)
                return NULL;

        destinations->used = frequent_free(destinations->used);
        free(destinations);
        return NULL;
}

void destinations_begin(Destinations *destinations, uint16_t first, uint16_t last) {
        assert(destinations);

        frequent_clear(destinations->used);
        memset(destinations->recent, 0, sizeof destinations->recent);
        destinations->first = first;
        destinations->last = last;
}

/* A word that begins with these four bytes, zeros behind them. */
static uint64_t word_of(uint32_t bytes) {
        return (uint64_t)bytes << (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 32 : 0);
}

static inline bool key_is(const DestinationKey *left, const DestinationKey *right) {
        return left->source[0] == right->source[0] && left->address[0] == right->address[0] &&
               left->port == right->port && left->family == right->family &&
               left->source[1] == right->source[1] && left->address[1] == right->address[1];
}

/* Who can choose keys that come to the same place gains that they are counted one by one. */
static inline size_t key_place(const DestinationKey *key) {
        uint64_t mixed = key->source[0] ^ key->source[1] ^ (key->address[0] << 17) ^ key->address[1] ^
                         (uint64_t)key->port << 48;

        _Static_assert(DESTINATIONS_RECENT == 1 << (64 - 56), "the upper bits are a place");

        return mixed * UINT64_C(0x9e3779b97f4a7c15) >> 56;
}

static inline void destinations_count(Destinations *destinations, const DestinationKey *key) {
        RecentDestination *recent = &destinations->recent[key_place(key)];

        if (recent->n == 0 || !key_is(&recent->key, key)) {
                if (recent->n > 0)
                        frequent_add(destinations->used, &recent->key, recent->n);
                *recent = (RecentDestination){ .key = *key };
        }
        recent->n++;
}

void destinations_add(Destinations *destinations, const struct inet_diag_msg *message) {
        const __be32 *source = message->id.idiag_src, *address = message->id.idiag_dst;
        bool is_mapped =
                message->idiag_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)address);
        uint16_t port = ntohs(message->id.idiag_sport);
        DestinationKey key = { .port = message->id.idiag_dport };

        if (port < destinations->first || port > destinations->last || destinations->last == 0)
                return;

        if (message->idiag_family == AF_INET6 && !is_mapped) {
                key.family = AF_INET6;
                memcpy(key.source, source, sizeof key.source);
                memcpy(key.address, address, sizeof key.address);
        } else {
                size_t last = is_mapped ? 3 : 0;

                key.family = AF_INET;
                key.source[0] = word_of(source[last]);
                key.address[0] = word_of(address[last]);
        }
        destinations_count(destinations, &key);
}

/* Counts what was only met so far. */
static void destinations_settle(Destinations *destinations) {
        for (size_t i = 0; i < DESTINATIONS_RECENT; i++) {
                RecentDestination *recent = &destinations->recent[i];

                if (recent->n > 0)
                        frequent_add(destinations->used, &recent->key, recent->n);
                recent->n = 0;
        }
}

static int destinations_compare_keys(const void *left, const void *right, const void *userdata) {
        const Destination *a = left, *b = right;

        return memcmp(&a->row.key, &b->row.key, sizeof a->row.key);
}

/* The most used first; of a destination, its worst. */
static int destinations_compare_ports(const void *left, const void *right, const void *userdata) {
        const Destination *a = left, *b = right;

        if (a->row.n_ports != b->row.n_ports)
                return a->row.n_ports > b->row.n_ports ? -1 : 1;
        return memcmp(&a->row.key, &b->row.key, sizeof a->row.key);
}

/* Adds the ports from another source address. */
static void destination_add(Destination *destination, const Destination *other) {
        destination->n_ports += other->n_ports;
        if (other->row.n_ports > destination->row.n_ports)
                destination->row = other->row;
}

/* One row a destination: of its source addresses, the one with the most ports. */
static size_t destinations_merge(Destinations *destinations) {
        size_t n = frequent_size(destinations->used), n_rows = 0;

        for (size_t i = 0; i < n; i++) {
                FrequentEntry entry = frequent_get(destinations->used, i);
                const DestinationKey *key = entry.key;
                Destination *destination = &destinations->rows[i];

                *destination = (Destination){
                        .row.key.family = (uint8_t)key->family,
                        .row.n_ports = entry.count,
                        .row.error = entry.error,
                        .n_ports = entry.count,
                };
                memcpy(destination->row.key.port, &key->port, sizeof destination->row.key.port);
                memcpy(destination->row.key.address, key->address, sizeof destination->row.key.address);
        }

        sort_in_place(destinations->rows, n, sizeof *destinations->rows, destinations_compare_keys,
                      /* userdata= */ NULL);
        for (size_t i = 0; i < n; i++) {
                const Destination *destination = &destinations->rows[i];

                if (n_rows > 0 && destinations_compare_keys(&destinations->rows[n_rows - 1], destination,
                                                            /* userdata= */ NULL) == 0)
                        destination_add(&destinations->rows[n_rows - 1], destination);
                else
                        destinations->rows[n_rows++] = *destination;
        }

        return n_rows;
}

void destinations_end(Destinations *destinations, const Bounds *bounds) {
        Destination other = { .row.key.family = ENDPOINT_OTHER };
        uint64_t n_dropped;
        size_t n, n_kept;

        assert(destinations && bounds);

        destinations_settle(destinations);
        n = destinations_merge(destinations);
        n_kept = MIN(n, (size_t)bounds->n_destinations);
        sort_in_place(destinations->rows, n, sizeof *destinations->rows, destinations_compare_ports,
                      /* userdata= */ NULL);
        other.row.n_ports = frequent_total(destinations->used);
        for (size_t i = 0; i < n_kept; i++)
                other.row.n_ports -= destinations->rows[i].n_ports;

        n_dropped = frequent_dropped(destinations->used);
        destinations->n_truncated += n_dropped;
        destinations->n_folded = n - n_kept;
        destinations->had_other |= n > n_kept || n_dropped > 0;
        destinations->n_rows = n_kept;
        if (destinations->had_other)
                destinations->rows[destinations->n_rows++] = other;
        sort_in_place(destinations->rows, destinations->n_rows, sizeof *destinations->rows,
                      destinations_compare_keys, /* userdata= */ NULL);
}

void destinations_make_rows(const Destinations *destinations, Sample *sample) {
        assert(destinations && sample);

        for (size_t i = 0; i < destinations->n_rows; i++)
                sample->destinations[i] = destinations->rows[i].row;
        sample->n_destinations = (uint32_t)destinations->n_rows;
        sample_set(sample, VALUE_DESTINATIONS_FOLDED, destinations->n_folded);
        sample_set(sample, VALUE_DESTINATIONS_TRUNCATED, destinations->n_truncated);
        sample_set(sample, VALUE_DESTINATION_PORTS_MISSED, frequent_missed_max(destinations->used));
}
