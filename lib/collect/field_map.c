/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From the kernel's name of a number to the value it is in a sample
 *
 * Open addressing: a name whose slot is taken goes to the next free one, and a
 * search ends at the first free one.
 */

#include <assert.h>
#include <string.h>

#include "collect/field_map.h"

/* FNV-1a, 32 bits (Fowler, Noll, Vo; RFC 9923). */
static uint32_t field_map_hash(uint32_t hash, const char *text, size_t size) {
        for (size_t i = 0; i < size; i++)
                hash = (hash ^ (uint8_t)text[i]) * 16777619U;
        return hash;
}

static uint32_t field_map_slot(const char *group, size_t group_size, const char *name, size_t name_size) {
        return field_map_hash(field_map_hash(2166136261U, group, group_size), name, name_size) %
               FIELD_MAP_SLOTS;
}

void field_map_init(FieldMap *map, const char *source) {
        unsigned n = 0;

        assert(map);
        assert(source);

        *map = (FieldMap){ 0 };
        for (unsigned id = 1; id < _VALUE_ROOM; id++) {
                const ValueInfo *info = &value_infos[id];
                uint32_t slot;

                if (!info->name || strcmp(info->source, source) != 0)
                        continue;

                slot = field_map_slot(info->group, strlen(info->group), info->field, strlen(info->field));
                while (map->ids[slot] != 0)
                        slot = (slot + 1) % FIELD_MAP_SLOTS;
                map->ids[slot] = (uint16_t)id;

                n++;
                assert(n <= FIELD_MAP_SLOTS / 2);
        }
}

static bool field_map_equals(const char *string, const char *text, size_t size) {
        return strlen(string) == size && memcmp(string, text, size) == 0;
}

ValueId field_map_find(const FieldMap *map, const ProcNetField *field) {
        uint32_t slot;

        assert(map);
        assert(field);

        slot = field_map_slot(field->group, field->group_size, field->name, field->name_size);
        for (; map->ids[slot] != 0; slot = (slot + 1) % FIELD_MAP_SLOTS) {
                const ValueInfo *info = &value_infos[map->ids[slot]];

                if (field_map_equals(info->field, field->name, field->name_size) &&
                    field_map_equals(info->group, field->group, field->group_size))
                        return map->ids[slot];
        }

        return 0;
}
