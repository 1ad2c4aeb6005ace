/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A hash table from a 64-bit number to a small one
 *
 * All memory is taken at the start, looking up costs one cache miss as a rule,
 * and nothing is removed but all at once: who holds the things that the small
 * numbers stand for fills the map anew after throwing some out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

typedef struct IdMap IdMap;

/* What id_map_find() returns for a number that is not there. */
#define ID_MAP_NONE UINT32_MAX

/* Room for @n_max numbers. Return: 0 or -ENOMEM. */
_warn_unused_ int id_map_new(size_t n_max, IdMap **ret);

IdMap *id_map_free(IdMap *map);
DEFINE_CLEANUP(IdMap *, id_map_free)

void id_map_clear(IdMap *map);

/* The small number that @id stands for, or ID_MAP_NONE. */
uint32_t id_map_find(const IdMap *map, uint64_t id);

/**
 * id_map_put() - enter a number, or change what it stands for
 * @value:      not ID_MAP_NONE
 *
 * Return: false if there is no room.
 */
bool id_map_put(IdMap *map, uint64_t id, uint32_t value);
