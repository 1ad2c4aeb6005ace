/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The most frequent keys of a stream, in memory of fixed size
 *
 * Keys stand in the order in which they came. Beside each is the most that it can
 * have been added: its error, which is the most that it can have been added before
 * it came, and what it was added since. With room for eight:
 *
 *   key        a   b   c   d   e   f   g   h
 *   at most    5   2   4   1   4   3   3   3
 *   error      0   0   0   0   1   1   1   1      missed_max 1
 *
 * In the papers a purge lowers all counts. It is the same to leave them and to
 * raise what they are held against, missed_max; and then of a key that stays
 * nothing is lost. For a ninth key the lowest four go: b, d, and of the three that
 * are equal the two that came last:
 *
 *   key        a   c   e   f   i
 *   at most    5   4   4   4   4
 *   error      0   0   1   1   3                  missed_max 3
 *
 * How far to raise it is asked exactly: most keys of a stream that has too many
 * are rare, so that it is mostly by nothing or by one. It is searched for from
 * below, in steps that double, then between the last two; each step is a pass over
 * one array. To raise it by d are about 2 log d passes, but room / 2 * d had to
 * be added for that, so passes cost an add O(1) too. Never are there more than 128.
 *
 * Which keys stay follows from their numbers and ages alone: not from the seed, nor
 * from where in the index they stand.
 *
 * The index finds a key: open addressing with linear probing, at most a quarter
 * full, so that the first look mostly tells. It is made anew by a purge.
 */

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

#include "base/frequent.h"
#include "base/hash.h"

typedef struct Slot {
        uint32_t hash;
        uint32_t entry; /* its number + 1; 0: an empty slot */
} Slot;

struct Frequent {
        size_t key_size;
        size_t key_stride; /* the same in whole words */
        uint32_t room;
        uint32_t size;
        uint64_t seed;
        uint64_t missed_max;
        uint64_t total;
        uint64_t n_dropped;

        /* Of each key that is held */
        uint64_t *at_most;
        uint64_t *errors;
        uint32_t *hashes;
        uint8_t *keys;

        Slot *slots;
        uint32_t slot_mask;
};

static uint8_t *key_at(const Frequent *frequent, uint32_t number) {
        return frequent->keys + number * frequent->key_stride;
}

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

/* ---- the index ---- */

static size_t index_size(const Frequent *frequent) {
        return ((size_t)frequent->slot_mask + 1) * sizeof *frequent->slots;
}

/* The slot of that key, or the empty one where it would have to be. */
static uint32_t index_find(const Frequent *frequent, uint32_t hash, const void *key) {
        const Slot *slots = frequent->slots;
        uint32_t mask = frequent->slot_mask, i = hash & mask;

        for (; slots[i].entry != 0; i = (i + 1) & mask)
                if (slots[i].hash == hash &&
                    key_equals(key_at(frequent, slots[i].entry - 1), key, frequent->key_size))
                        break;
        return i;
}

static uint32_t index_find_empty(const Frequent *frequent, uint32_t hash) {
        uint32_t mask = frequent->slot_mask, i = hash & mask;

        while (frequent->slots[i].entry != 0)
                i = (i + 1) & mask;
        return i;
}

static void index_rebuild(Frequent *frequent) {
        memset(frequent->slots, 0, index_size(frequent));
        for (uint32_t number = 0; number < frequent->size; number++) {
                uint32_t hash = frequent->hashes[number];

                frequent->slots[index_find_empty(frequent, hash)] =
                        (Slot){ .hash = hash, .entry = number + 1 };
        }
}

/* ---- the purge ---- */

/* How many keys are at most so far above what may have been missed. */
static uint32_t count_within(const Frequent *frequent, uint64_t distance) {
        const uint64_t *at_most = frequent->at_most;
        uint64_t missed_max = frequent->missed_max;
        uint32_t n = 0;

        for (uint32_t number = 0; number < frequent->size; number++)
                n += at_most[number] - missed_max <= distance;
        return n;
}

/* The least distance within which there are @n keys. */
static uint64_t find_distance(const Frequent *frequent, uint32_t n) {
        uint64_t low = 0, high = 0;

        while (count_within(frequent, high) < n) {
                low = high + 1;
                high += low;
        }
        while (low < high) {
                uint64_t middle = low + (high - low) / 2;

                if (count_within(frequent, middle) < n)
                        low = middle + 1;
                else
                        high = middle;
        }

        return low;
}

static void entry_move(Frequent *frequent, uint32_t from, uint32_t to) {
        frequent->at_most[to] = frequent->at_most[from];
        frequent->errors[to] = frequent->errors[from];
        frequent->hashes[to] = frequent->hashes[from];
        memcpy(key_at(frequent, to), key_at(frequent, from), frequent->key_stride);
}

/* Drops half of all keys: the lowest, and of those that are equally low the latest. */
static void purge(Frequent *frequent) {
        uint32_t n = frequent->room - frequent->room / 2, n_kept = 0, n_equal;
        uint64_t distance = find_distance(frequent, n);

        n_equal = count_within(frequent, distance) - n; /* that are kept */
        frequent->missed_max += distance;
        for (uint32_t number = 0; number < frequent->size; number++) {
                if (frequent->at_most[number] < frequent->missed_max)
                        continue;
                if (frequent->at_most[number] == frequent->missed_max) {
                        if (n_equal == 0)
                                continue;
                        n_equal--;
                }
                if (number != n_kept)
                        entry_move(frequent, number, n_kept);
                n_kept++;
        }

        frequent->n_dropped += frequent->size - n_kept;
        frequent->size = n_kept;
        index_rebuild(frequent);
}

/* ---- what the header has ---- */

void frequent_add(Frequent *frequent, const void *key, uint64_t n) {
        uint32_t hash, i, number;

        assert(frequent);
        assert(key);
        assert(n > 0);

        hash = (uint32_t)hash_bytes(key, frequent->key_size, frequent->seed);
        frequent->total += n;
        i = index_find(frequent, hash, key);
        if (frequent->slots[i].entry != 0) {
                frequent->at_most[frequent->slots[i].entry - 1] += n;
                return;
        }

        if (frequent->size == frequent->room) {
                purge(frequent);
                i = index_find_empty(frequent, hash);
        }
        number = frequent->size++;
        frequent->at_most[number] = frequent->missed_max + n;
        frequent->errors[number] = frequent->missed_max;
        frequent->hashes[number] = hash;
        memcpy(key_at(frequent, number), key, frequent->key_size);
        frequent->slots[i] = (Slot){ .hash = hash, .entry = number + 1 };
}

void frequent_clear(Frequent *frequent) {
        assert(frequent);

        memset(frequent->slots, 0, index_size(frequent));
        frequent->size = 0;
        frequent->missed_max = frequent->total = frequent->n_dropped = 0;
}

size_t frequent_size(const Frequent *frequent) {
        assert(frequent);

        return frequent->size;
}

FrequentEntry frequent_get(const Frequent *frequent, size_t i) {
        assert(frequent);
        assert(i < frequent->size);

        return (FrequentEntry){
                .key = key_at(frequent, (uint32_t)i),
                .count = frequent->at_most[i] - frequent->errors[i],
                .error = frequent->errors[i],
        };
}

uint64_t frequent_total(const Frequent *frequent) {
        assert(frequent);

        return frequent->total;
}

uint64_t frequent_dropped(const Frequent *frequent) {
        assert(frequent);

        return frequent->n_dropped;
}

uint64_t frequent_missed_max(const Frequent *frequent) {
        assert(frequent);

        return frequent->missed_max;
}

Frequent *frequent_free(Frequent *frequent) {
        if (!frequent)
                return NULL;

        free(frequent->slots);
        free(frequent->keys);
        free(frequent->hashes);
        free(frequent->errors);
        free(frequent->at_most);
        free(frequent);
        return NULL;
}

int frequent_new(size_t room, size_t key_size, Frequent **ret) {
        _cleanup_(frequent_freep) Frequent *frequent = NULL;
        size_t n_slots = 4;

        assert(room > 0 && room <= FREQUENT_ROOM_MAX);
        assert(key_size > 0 && key_size <= FREQUENT_KEY_SIZE_MAX);
        assert(ret);

        while (n_slots < 4 * room)
                n_slots *= 2;

        frequent = calloc(1, sizeof *frequent);
        if (!frequent)
                return -ENOMEM;

        *frequent = (Frequent){
                .key_size = key_size,
                .key_stride = (key_size + sizeof(uint64_t) - 1) / sizeof(uint64_t) * sizeof(uint64_t),
                .room = (uint32_t)room,
                .slot_mask = (uint32_t)(n_slots - 1),
        };
        frequent->at_most = calloc(room, sizeof *frequent->at_most);
        frequent->errors = calloc(room, sizeof *frequent->errors);
        frequent->hashes = calloc(room, sizeof *frequent->hashes);
        frequent->keys = calloc(room, frequent->key_stride);
        frequent->slots = calloc(n_slots, sizeof *frequent->slots);
        if (!frequent->at_most || !frequent->errors || !frequent->hashes || !frequent->keys ||
            !frequent->slots)
                return -ENOMEM;

        if (getrandom(&frequent->seed, sizeof frequent->seed, 0) != sizeof frequent->seed)
                return -errno;

        *ret = TAKE_PTR(frequent);
        return 0;
}
