/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A hash of short keys that strangers choose
 *
 * Peers choose their addresses and ports. Could they choose keys of one hash as
 * well, a table of them would become a list. So no two keys may collide under
 * more than a few of all seeds, and the seed of a table is random (getrandom(2))
 * and never told.
 *
 * 16 bytes of the key at a time are two numbers of 64 bits. Each is hidden
 * behind a secret by xor, the two are multiplied, and the upper half of the
 * product is folded onto the lower one. Three things are there for a reason:
 *
 *   - both factors are hidden, for a factor of 0 would forget the other one;
 *   - the secrets do not follow from one another by xor, or swapping the factors
 *     (each xored with the difference) would be a collision under every seed;
 *   - the size comes in behind the bytes: where it meets a secret in front of
 *     them, bytes can be chosen that make up for it.
 *
 * The hash is of use in the memory of one process alone: it depends on the order
 * of bytes of the host, and it is no cryptographic hash.
 */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t hash_load64(const uint8_t *bytes) {
        uint64_t number;

        memcpy(&number, bytes, sizeof number);
        return number;
}

static inline uint64_t hash_load32(const uint8_t *bytes) {
        uint32_t number;

        memcpy(&number, bytes, sizeof number);
        return number;
}

static inline uint64_t hash_fold(uint64_t left, uint64_t right) {
        unsigned __int128 product = (unsigned __int128)left * right;

        return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

/* Fractions of the square roots of 2 and 3: numbers that nobody chose. */
#define HASH_SQRT_2 UINT64_C(0x6a09e667f3bcc908)
#define HASH_SQRT_3 UINT64_C(0xbb67ae8584caa73b)

/* The same for the same bytes and seed; all 64 bits are as good. Any size, also 0. */
static inline uint64_t hash_bytes(const void *bytes, size_t size, uint64_t seed) {
        const uint64_t secret = hash_fold(seed ^ HASH_SQRT_2, HASH_SQRT_3);
        const uint8_t *at = bytes, *end = at + size;
        uint64_t state = seed, left = 0, right = 0;

        for (; end - at > 16; at += 16)
                state = hash_fold(hash_load64(at) ^ state, hash_load64(at + 8) ^ secret);

        /* The last bytes, some of them twice where there are not just as many as are loaded. */
        if (size >= 16) {
                left = hash_load64(end - 16);
                right = hash_load64(end - 8);
        } else if (size >= 8) {
                left = hash_load64(at);
                right = hash_load64(end - 8);
        } else if (size >= 4) {
                left = hash_load32(at);
                right = hash_load32(end - 4);
        } else if (size > 0) {
                left = at[0];
                right = (uint64_t)at[size / 2] << 8 | end[-1];
        }
        state = hash_fold(left ^ state, right ^ secret);

        return hash_fold(state ^ size, secret);
}
