/* SPDX-License-Identifier: Apache-2.0 */

/* Ephemeral ports in use, by destination */

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/space_saving.h"
#include "collect/destinations.h"

/* What a port is taken for. IPv4 addresses stand in the first four bytes, also those that were mapped to
 * IPv6. */
typedef struct DestinationKey {
        uint8_t source[16];
        uint8_t address[16];
        uint8_t port[2];
        uint8_t family;
        uint8_t reserved[5]; /* 0 */
} DestinationKey;

struct Destinations {
        SpaceSaving *used;
        uint16_t first;
        uint16_t last;
        bool had_other;
        size_t n_folded; /* by the last walk */
        size_t n_rows;
        DestinationRow rows[DESTINATIONS_TRACKED_MAX + 1];
};

int destinations_new(Destinations **ret) {
        _cleanup_(destinations_freep) Destinations *destinations = NULL;
        int r;

        assert(ret);

        destinations = calloc(1, sizeof *destinations);
        if (!destinations)
                return -ENOMEM;

        r = space_saving_new(DESTINATIONS_TRACKED_MAX, sizeof(DestinationKey), &destinations->used);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(destinations);
        return 0;
}

Destinations *destinations_free(Destinations *destinations) {
        if (!destinations)
                return NULL;

        destinations->used = space_saving_free(destinations->used);
        free(destinations);
        return NULL;
}

void destinations_begin(Destinations *destinations, uint16_t first, uint16_t last) {
        assert(destinations);

        space_saving_clear(destinations->used);
        destinations->first = first;
        destinations->last = last;
}

void destinations_add(Destinations *destinations, const struct inet_diag_msg *message) {
        const struct in6_addr *address = (const struct in6_addr *)message->id.idiag_dst;
        bool is_mapped = message->idiag_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(address);
        DestinationKey key = { .family = is_mapped ? AF_INET : message->idiag_family };
        size_t offset = is_mapped ? 12 : 0, size = key.family == AF_INET6 ? 16 : 4;
        uint16_t port = ntohs(message->id.idiag_sport);

        if (port < destinations->first || port > destinations->last || destinations->last == 0)
                return;

        memcpy(key.source, (const char *)message->id.idiag_src + offset, size);
        memcpy(key.address, (const char *)message->id.idiag_dst + offset, size);
        memcpy(key.port, &message->id.idiag_dport, sizeof key.port);
        space_saving_add(destinations->used, &key);
}

static int destinations_compare_keys(const void *left, const void *right) {
        const DestinationRow *a = left, *b = right;

        return memcmp(&a->key, &b->key, sizeof a->key);
}

/* The most used first; of a destination, its worst. */
static int destinations_compare_ports(const void *left, const void *right) {
        const DestinationRow *a = left, *b = right;

        if (a->n_ports != b->n_ports)
                return a->n_ports > b->n_ports ? -1 : 1;
        return memcmp(&a->key, &b->key, sizeof a->key);
}

/* One row a destination: of its source addresses, the one with the most ports. */
static size_t destinations_merge(Destinations *destinations) {
        size_t n = space_saving_size(destinations->used), n_rows = 0;

        for (size_t i = 0; i < n; i++) {
                SpaceSavingEntry entry = space_saving_get(destinations->used, i);
                const DestinationKey *key = entry.key;
                DestinationRow *row = &destinations->rows[i];

                *row = (DestinationRow){
                        .key.family = key->family,
                        .n_ports = entry.count - entry.error,
                        .error = entry.error,
                };
                memcpy(row->key.port, key->port, sizeof row->key.port);
                memcpy(row->key.address, key->address, sizeof row->key.address);
        }

        qsort(destinations->rows, n, sizeof *destinations->rows, destinations_compare_keys);
        for (size_t i = 0; i < n; i++) {
                DestinationRow *row = &destinations->rows[i];

                if (n_rows == 0 || destinations_compare_keys(&destinations->rows[n_rows - 1], row) != 0)
                        destinations->rows[n_rows++] = *row;
                else if (row->n_ports > destinations->rows[n_rows - 1].n_ports)
                        destinations->rows[n_rows - 1] = *row;
        }

        return n_rows;
}

void destinations_end(Destinations *destinations, const Bounds *bounds) {
        DestinationRow other = { .key.family = ENDPOINT_OTHER };
        size_t n, n_kept;

        assert(destinations && bounds);

        n = destinations_merge(destinations);
        n_kept = MIN(n, (size_t)bounds->n_destinations);
        qsort(destinations->rows, n, sizeof *destinations->rows, destinations_compare_ports);
        for (size_t i = n_kept; i < n; i++)
                other.n_ports += destinations->rows[i].n_ports;

        destinations->n_folded = n - n_kept;
        destinations->had_other |= n > n_kept;
        destinations->n_rows = n_kept;
        if (destinations->had_other)
                destinations->rows[destinations->n_rows++] = other;
        qsort(destinations->rows, destinations->n_rows, sizeof *destinations->rows,
              destinations_compare_keys);
}

void destinations_make_rows(const Destinations *destinations, Sample *sample) {
        assert(destinations && sample);

        memcpy(sample->destinations, destinations->rows, destinations->n_rows * sizeof *destinations->rows);
        sample->n_destinations = (uint32_t)destinations->n_rows;
        sample_set(sample, VALUE_DESTINATIONS_FOLDED, destinations->n_folded);
        sample_set(sample, VALUE_DESTINATION_PORTS_MISSED, space_saving_missed_max(destinations->used));
}
