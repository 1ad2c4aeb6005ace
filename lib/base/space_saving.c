/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The most frequent keys of a stream, in memory of fixed size
 *
 * As long as every key has found room there is nothing but a count in each entry.
 * Which one is the lowest, and so all of what follows, is not asked before one has
 * to be displaced, or somebody asks for the highest; then it is kept from there on.
 *
 * An entry stays where it is for as long as its key is held. The order by count
 * is a list of entries aside from them, and those of one count, which are
 * neighbours there, form a group, which knows the count:
 *
 *   groups     ┌─── 9 ───┬─ 4 ─┬─────── 1 ───────┐
 *   order      │  7   2  │  0  │  5   1   6   3  │     numbers of entries
 *
 * To add one to an entry, it changes places with the first of its group, where
 * it joins the group before, if that is of one more, or begins one in between.
 * So nothing is searched and nobody else moves: this is the list of buckets of
 * the paper, laid out in arrays.
 *
 * An index finds the entry of a key: open addressing with linear probing, at
 * most half full. Whoever is taken out leaves no mark there, but those behind
 * that were pushed on by it move up.
 */

#include <assert.h>
#include <errno.h>
#include <stdalign.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

#include "base/hash.h"
#include "base/sort.h"
#include "base/space_saving.h"

typedef struct Entry {
        uint64_t count; /* until there is an order; then its group has it */
        uint64_t error;
        uint32_t hash;
        uint32_t position; /* in the order */
        uint32_t group;
        alignas(uint64_t) uint8_t key[];
} Entry;

typedef struct Group {
        uint64_t count;
        uint32_t first; /* position; of one that is free: the next free one */
        uint32_t n;     /* entries; of one that is free: 0 */
} Group;

typedef struct Slot {
        uint32_t hash;
        uint32_t entry; /* its number + 1; 0: an empty slot */
} Slot;

#define GROUP_NONE UINT32_MAX

struct SpaceSaving {
        size_t key_size;
        size_t entry_size;
        uint32_t capacity;
        uint32_t size;
        bool is_ordered;
        uint64_t seed;
        uint64_t missed_max;
        uint64_t n_displaced;

        uint8_t *entries;
        uint32_t *order;

        Group *groups;     /* there is an entry in each, so as many as entries are enough */
        uint32_t n_groups; /* that were taken since the last clear */
        uint32_t free_group;

        Slot *slots;
        uint32_t slot_mask;
};

static Entry *entry_at(const SpaceSaving *counter, uint32_t number) {
        return (Entry *)(counter->entries + number * counter->entry_size);
}

/* ---- the index ---- */

/* Word by word, as keys were written: memcmp() loads more at a time, for which the processor would have to
 * wait until they have left its buffer of stores. */
static bool key_equals(const uint8_t *left, const uint8_t *right, size_t size) {
        for (; size >= sizeof(uint64_t); size -= sizeof(uint64_t)) {
                if (hash_load64(left) != hash_load64(right))
                        return false;
                left += sizeof(uint64_t);
                right += sizeof(uint64_t);
        }

        return size == 0 || memcmp(left, right, size) == 0;
}

static Entry *index_find(const SpaceSaving *counter, uint32_t hash, const void *key) {
        const Slot *slots = counter->slots;

        for (uint32_t i = hash & counter->slot_mask; slots[i].entry != 0; i = (i + 1) & counter->slot_mask)
                if (slots[i].hash == hash) {
                        Entry *entry = entry_at(counter, slots[i].entry - 1);

                        if (key_equals(entry->key, key, counter->key_size))
                                return entry;
                }

        return NULL;
}

static void index_put(SpaceSaving *counter, uint32_t hash, uint32_t number) {
        uint32_t i = hash & counter->slot_mask;

        while (counter->slots[i].entry != 0)
                i = (i + 1) & counter->slot_mask;
        counter->slots[i] = (Slot){ .hash = hash, .entry = number + 1 };
}

/* The slot of an entry that has one. Passes over empty ones, as there are some while the index is cleared.
 */
static uint32_t index_slot(const SpaceSaving *counter, uint32_t number) {
        uint32_t i = entry_at(counter, number)->hash & counter->slot_mask;

        while (counter->slots[i].entry != number + 1)
                i = (i + 1) & counter->slot_mask;
        return i;
}

static void index_remove(SpaceSaving *counter, uint32_t number) {
        uint32_t mask = counter->slot_mask, hole = index_slot(counter, number);
        Slot *slots = counter->slots;

        for (uint32_t i = (hole + 1) & mask; slots[i].entry != 0; i = (i + 1) & mask) {
                uint32_t pushed_on = (i - slots[i].hash) & mask;

                /* Not in front of where its search begins. */
                if (pushed_on < ((i - hole) & mask))
                        continue;
                slots[hole] = slots[i];
                hole = i;
        }
        slots[hole] = (Slot){ 0 };
}

/* ---- the order ---- */

static uint32_t group_begin(SpaceSaving *counter, uint64_t count, uint32_t first) {
        uint32_t number = counter->free_group;

        if (number == GROUP_NONE)
                number = counter->n_groups++;
        else
                counter->free_group = counter->groups[number].first;

        counter->groups[number] = (Group){ .count = count, .first = first };
        return number;
}

static void group_end(SpaceSaving *counter, uint32_t number) {
        counter->groups[number].first = counter->free_group;
        counter->free_group = number;
}

static void order_swap(SpaceSaving *counter, uint32_t left, uint32_t right) {
        uint32_t number = counter->order[left];

        counter->order[left] = counter->order[right];
        counter->order[right] = number;
        entry_at(counter, counter->order[left])->position = left;
        entry_at(counter, counter->order[right])->position = right;
}

/* To the group before it in the order, if that is of @count, or to one of its own. */
static void group_join(SpaceSaving *counter, Entry *entry, uint64_t count) {
        const Entry *before =
                entry->position > 0 ? entry_at(counter, counter->order[entry->position - 1]) : NULL;

        if (before && counter->groups[before->group].count == count)
                entry->group = before->group;
        else
                entry->group = group_begin(counter, count, entry->position);
        counter->groups[entry->group].n++;
}

static void entry_raise(SpaceSaving *counter, Entry *entry) {
        uint32_t number = entry->group;
        Group *group = &counter->groups[number];
        uint64_t count = group->count + 1;

        if (entry->position != group->first)
                order_swap(counter, entry->position, group->first);

        group->first++;
        group->n--;
        if (group->n == 0)
                group_end(counter, number);
        group_join(counter, entry, count);
}

static int order_compare(const void *left, const void *right, const void *userdata) {
        const uint32_t *a = left, *b = right;
        const SpaceSaving *counter = userdata;
        uint64_t count_a = entry_at(counter, *a)->count, count_b = entry_at(counter, *b)->count;

        return count_a > count_b ? -1 : count_a < count_b ? 1 : *a < *b ? -1 : *a > *b;
}

static void order_begin(SpaceSaving *counter) {
        if (counter->is_ordered)
                return;

        for (uint32_t number = 0; number < counter->size; number++)
                counter->order[number] = number;
        sort_in_place(counter->order, counter->size, sizeof *counter->order, order_compare, counter);

        for (uint32_t position = 0; position < counter->size; position++) {
                Entry *entry = entry_at(counter, counter->order[position]);

                entry->position = position;
                group_join(counter, entry, entry->count);
        }
        counter->is_ordered = true;
}

static void entry_count(SpaceSaving *counter, Entry *entry, uint64_t n) {
        if (!counter->is_ordered)
                entry->count += n;
        else
                for (; n > 0; n--)
                        entry_raise(counter, entry);
}

/* One that has been counted once. */
static uint32_t entry_new(SpaceSaving *counter) {
        uint32_t number = counter->size++;
        Entry *entry = entry_at(counter, number);

        entry->count = 1;
        entry->error = 0;
        if (counter->is_ordered) {
                counter->order[number] = number;
                entry->position = number;
                group_join(counter, entry, 1);
        }
        return number;
}

/* The last one of the order becomes another key's. */
static uint32_t entry_displace(SpaceSaving *counter) {
        uint32_t number;
        Entry *entry;

        order_begin(counter);
        number = counter->order[counter->size - 1];
        entry = entry_at(counter, number);
        index_remove(counter, number);
        counter->n_displaced++;
        entry->error = counter->missed_max = counter->groups[entry->group].count;
        entry_raise(counter, entry);
        return number;
}

/* ---- what the header has ---- */

void space_saving_add(SpaceSaving *counter, const void *key, uint64_t n) {
        uint32_t hash, number;
        Entry *entry;

        assert(counter);
        assert(key);
        assert(n > 0);

        hash = (uint32_t)hash_bytes(key, counter->key_size, counter->seed);
        entry = index_find(counter, hash, key);
        if (entry) {
                entry_count(counter, entry, n);
                return;
        }

        number = counter->size < counter->capacity ? entry_new(counter) : entry_displace(counter);
        entry = entry_at(counter, number);
        entry->hash = hash;
        memcpy(entry->key, key, counter->key_size);
        index_put(counter, hash, number);
        entry_count(counter, entry, n - 1);
}

void space_saving_clear(SpaceSaving *counter) {
        assert(counter);

        for (uint32_t number = 0; number < counter->size; number++)
                counter->slots[index_slot(counter, number)] = (Slot){ 0 };
        counter->size = counter->n_groups = 0;
        counter->is_ordered = false;
        counter->free_group = GROUP_NONE;
        counter->missed_max = counter->n_displaced = 0;
}

size_t space_saving_size(const SpaceSaving *counter) {
        assert(counter);

        return counter->size;
}

SpaceSavingEntry space_saving_get(SpaceSaving *counter, size_t i) {
        const Entry *entry;

        assert(counter);
        assert(i < counter->size);

        order_begin(counter);
        entry = entry_at(counter, counter->order[i]);
        return (SpaceSavingEntry){
                .key = entry->key,
                .count = counter->groups[entry->group].count,
                .error = entry->error,
        };
}

/* A key that is not held was never added, or had at most its count when it was displaced; and the lowest
 * count, which is the one to be displaced, never falls. */
uint64_t space_saving_missed_max(const SpaceSaving *counter) {
        assert(counter);

        return counter->missed_max;
}

uint64_t space_saving_displaced(const SpaceSaving *counter) {
        assert(counter);

        return counter->n_displaced;
}

SpaceSaving *space_saving_free(SpaceSaving *counter) {
        if (!counter)
                return NULL;

        free(counter->slots);
        free(counter->groups);
        free(counter->order);
        free(counter->entries);
        free(counter);
        return NULL;
}

int space_saving_new(size_t capacity, size_t key_size, SpaceSaving **ret) {
        _cleanup_(space_saving_freep) SpaceSaving *counter = NULL;
        size_t n_slots = 2;

        assert(capacity > 0 && capacity <= SPACE_SAVING_CAPACITY_MAX);
        assert(key_size > 0 && key_size <= SPACE_SAVING_KEY_SIZE_MAX);
        assert(ret);

        while (n_slots < 2 * capacity)
                n_slots *= 2;

        counter = calloc(1, sizeof *counter);
        if (!counter)
                return -ENOMEM;

        *counter = (SpaceSaving){
                .key_size = key_size,
                .entry_size =
                        sizeof(Entry) + (key_size + alignof(Entry) - 1) / alignof(Entry) * alignof(Entry),
                .capacity = (uint32_t)capacity,
                .free_group = GROUP_NONE,
                .slot_mask = (uint32_t)(n_slots - 1),
        };
        counter->entries = calloc(capacity, counter->entry_size);
        counter->order = calloc(capacity, sizeof *counter->order);
        counter->groups = calloc(capacity, sizeof *counter->groups);
        counter->slots = calloc(n_slots, sizeof *counter->slots);
        if (!counter->entries || !counter->order || !counter->groups || !counter->slots)
                return -ENOMEM;

        if (getrandom(&counter->seed, sizeof counter->seed, 0) != sizeof counter->seed)
                return -errno;

        *ret = TAKE_PTR(counter);
        return 0;
}
