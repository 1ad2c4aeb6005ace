/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From the kernel's name of a number to the value it is in a sample
 *
 * A table for one file below /proc/net, built from the rows of
 * store/values.tbl that have it as their source. Looking a name up costs one
 * hash and, nearly always, one comparison.
 */

#include <stdint.h>

#include "kernel/proc_net.h"
#include "store/sample.h"

#define FIELD_MAP_SLOTS 256

typedef struct FieldMap {
        uint16_t
                ids[FIELD_MAP_SLOTS]; /* a ValueId by hash of its names; 0: free, as no value has number 0 */
} FieldMap;

/* @source: "net/snmp" and the like. At most half of the slots may be taken: asserted. */
void field_map_init(FieldMap *map, const char *source);

/* Returns the value of that name, or 0 if the sample has none. */
ValueId field_map_find(const FieldMap *map, const ProcNetField *field);
