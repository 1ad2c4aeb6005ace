/* SPDX-License-Identifier: Apache-2.0 */

/* A hash table from a 64-bit number to a small one: open addressing, at most half full */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/id_map.h"

typedef struct IdMapSlot {
        uint64_t id;
        uint32_t value;
        bool is_used;
} IdMapSlot;

struct IdMap {
        size_t n;
        size_t n_max;
        size_t mask;
        IdMapSlot slots[];
};

int id_map_new(size_t n_max, IdMap **ret) {
        size_t n_slots = 16;
        IdMap *map;

        assert(ret);

        while (n_slots < 2 * n_max)
                n_slots *= 2;

        map = calloc(1, sizeof *map + n_slots * sizeof *map->slots);
        if (!map)
                return -ENOMEM;

        map->n_max = n_max;
        map->mask = n_slots - 1;
        *ret = map;
        return 0;
}

IdMap *id_map_free(IdMap *map) {
        free(map);
        return NULL;
}

void id_map_clear(IdMap *map) {
        assert(map);

        if (map->n > 0)
                memset(map->slots, 0, (map->mask + 1) * sizeof *map->slots);
        map->n = 0;
}

/* Where a number stands, or would. The numbers are the kernel's own, counted up: a multiplication spreads
 * them. */
static size_t id_map_seek(const IdMap *map, uint64_t id) {
        uint64_t mixed = (id ^ id >> 32) * UINT64_C(0x9e3779b97f4a7c15);
        size_t at = (mixed ^ mixed >> 32) & map->mask;

        while (map->slots[at].is_used && map->slots[at].id != id)
                at = (at + 1) & map->mask;
        return at;
}

uint32_t id_map_find(const IdMap *map, uint64_t id) {
        const IdMapSlot *slot = &map->slots[id_map_seek(map, id)];

        return slot->is_used ? slot->value : ID_MAP_NONE;
}

bool id_map_put(IdMap *map, uint64_t id, uint32_t value) {
        IdMapSlot *slot;

        assert(map);
        assert(value != ID_MAP_NONE);

        slot = &map->slots[id_map_seek(map, id)];
        if (!slot->is_used) {
                if (map->n == map->n_max)
                        return false;
                map->n++;
        }

        *slot = (IdMapSlot){ .id = id, .value = value, .is_used = true };
        return true;
}
