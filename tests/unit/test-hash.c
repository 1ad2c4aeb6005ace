/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "base/hash.h"
#include "base/macro.h"
#include "suite.h"
#include "unit/samples.h"

#define SIZE_MAX_TESTED 50

static uint8_t bytes[SIZE_MAX_TESTED], other[SIZE_MAX_TESTED];

static void setup(void) {
        uint64_t random = 1;

        for (size_t i = 0; i < sizeof bytes; i++)
                bytes[i] = (uint8_t)random_next(&random);
        memcpy(other, bytes, sizeof other);
}

/* From memory of just that size, so that a sanitizer sees a byte too many being read. */
START_TEST(the_hash_is_of_these_bytes_alone)
{
        for (size_t size = 0; size <= sizeof bytes; size++)
                for (size_t offset = 1; offset <= 8; offset++) {
                        uint8_t *copy = malloc(offset + size);

                        memset(copy, (int)offset, offset);
                        memcpy(copy + offset, bytes, size);
                        ck_assert_uint_eq(hash_bytes(copy + offset, size, 7), hash_bytes(bytes, size, 7));
                        free(copy);
                }
}
END_TEST

START_TEST(the_hash_is_another_under_another_seed)
{
        for (size_t size = 0; size <= sizeof bytes; size++)
                for (unsigned bit = 0; bit < 64; bit++)
                        ck_assert_uint_ne(hash_bytes(bytes, size, UINT64_C(1) << bit),
                                          hash_bytes(bytes, size, 0));
}
END_TEST

/* How many of the bits of the hash change, of 64 under each of many seeds, when a bit of the key does. */
static void check_bit(size_t size, size_t bit) {
        unsigned n_changed = 0, n_odd = 0, n_seeds = 100, n_changed_of[64] = { 0 };
        uint64_t random = bit + 1;

        other[bit / 8] ^= (uint8_t)(1 << bit % 8);
        for (unsigned i = 0; i < n_seeds; i++) {
                uint64_t seed = random_next(&random);
                uint64_t changed = hash_bytes(bytes, size, seed) ^ hash_bytes(other, size, seed);

                n_changed += (unsigned)__builtin_popcountll(changed);
                for (unsigned j = 0; j < 64; j++)
                        n_changed_of[j] += changed >> j & 1;
        }
        other[bit / 8] ^= (uint8_t)(1 << bit % 8);

        /* 3200 and 50 are expected, with deviations of 40 and 5. */
        ck_assert_uint_gt(n_changed, 3200 - 6 * 40);
        ck_assert_uint_lt(n_changed, 3200 + 6 * 40);
        for (unsigned j = 0; j < 64; j++)
                n_odd += n_changed_of[j] < 50 - 6 * 5 || n_changed_of[j] > 50 + 6 * 5;
        ck_assert_uint_eq(n_odd, 0);
}

START_TEST(each_bit_of_the_key_changes_half_of_the_hash)
{
        for (size_t size = 1; size <= sizeof bytes; size++)
                for (size_t bit = 0; bit < size * 8; bit++)
                        check_bit(size, bit);
}
END_TEST

START_TEST(keys_of_zeros_differ_by_their_size)
{
        static const uint8_t zeros[SIZE_MAX_TESTED];

        for (size_t size = 0; size <= sizeof zeros; size++)
                for (size_t shorter = 0; shorter < size; shorter++)
                        ck_assert_uint_ne(hash_bytes(zeros, size, 7), hash_bytes(zeros, shorter, 7));
}
END_TEST

/* Of two sizes, the same but for a byte that would make up for the sizes if they came in front. */
START_TEST(no_byte_makes_up_for_the_size)
{
        memset(bytes, 'A', sizeof bytes);
        memset(other, 'A', sizeof other);
        for (size_t size = 1; size <= sizeof bytes; size++)
                for (size_t shorter = 0; shorter < size; shorter++) {
                        unsigned n_collisions = 0;

                        for (unsigned i = 0; i < 256; i++) {
                                bytes[0] = (uint8_t)i;
                                n_collisions += hash_bytes(bytes, size, 7) == hash_bytes(other, shorter, 7);
                        }
                        ck_assert_uint_eq(n_collisions, 0);
                }
}
END_TEST

START_TEST(halves_that_change_places_change_the_hash)
{
        memcpy(other, bytes + 8, 8);
        memcpy(other + 8, bytes, 8);
        for (uint64_t seed = 0; seed < 1000; seed++)
                ck_assert_uint_ne(hash_bytes(bytes, 16, seed), hash_bytes(other, 16, seed));
}
END_TEST

/* Numbers that are in the hash, and 0: what a stranger would try as a factor that makes the product 0. */
static const uint64_t known_factors[] = { 0, UINT64_MAX, HASH_SQRT_2, HASH_SQRT_3 };

START_TEST(no_known_factor_forgets_the_other_one)
{
        uint64_t factors[2];

        for (unsigned half = 0; half < 2; half++)
                for (uint64_t i = 0; i < 100; i++) {
                        factors[half] = known_factors[_i];
                        factors[1 - half] = i;
                        memcpy(bytes, factors, sizeof factors);
                        factors[1 - half] = i + 1;
                        memcpy(other, factors, sizeof factors);
                        ck_assert_uint_ne(hash_bytes(bytes, 16, 7), hash_bytes(other, 16, 7));
                }
}
END_TEST

/* ---- keys as there are ---- */

#define N_KEYS    65536
#define N_BUCKETS 4096

typedef struct Key {
        uint32_t address;
        uint16_t port;
        uint8_t zeros[14];
} Key;

/* Peers of one network, of one port from many addresses, and at random. */
static Key key_make(int kind, uint32_t i, uint64_t *random) {
        if (kind == 0)
                return (Key){ .address = 0x0a + (i >> 8 << 16), .port = (uint16_t)(i << 8) };
        if (kind == 1)
                return (Key){ .address = i << 16, .port = 443 };
        return (Key){ .address = (uint32_t)random_next(random), .port = (uint16_t)random_next(random) };
}

START_TEST(keys_spread_evenly_by_any_bits_of_the_hash)
{
        for (unsigned shift = 0; shift <= 48; shift += 8) {
                static unsigned buckets[N_BUCKETS];
                uint64_t random = 1, sum = 0;

                memset(buckets, 0, sizeof buckets);
                for (uint32_t i = 0; i < N_KEYS; i++) {
                        Key key = key_make(_i, i, &random);

                        buckets[hash_bytes(&key, sizeof key, 42) >> shift & (N_BUCKETS - 1)]++;
                }

                /* Chi-square of 4095 degrees of freedom, times the 16 in each bucket: 65520, deviation 1448.
                 */
                for (unsigned i = 0; i < N_BUCKETS; i++)
                        sum += (uint64_t)(((int)buckets[i] - 16) * ((int)buckets[i] - 16));
                ck_assert_uint_gt(sum, 65520 - 6 * 1448);
                ck_assert_uint_lt(sum, 65520 + 6 * 1448);
        }
}
END_TEST

/* Who found out keys of one bucket somewhere has found out nothing: elsewhere they are keys of many. */
START_TEST(collisions_do_not_outlive_their_seed)
{
        static uint32_t first_of[N_KEYS];
        unsigned n_collisions = 0, n_again = 0;
        uint64_t random = 1;

        memset(first_of, 0xff, sizeof first_of);
        for (uint32_t i = 0; i < N_KEYS; i++) {
                Key key = key_make(_i, i, &random), first;
                uint32_t *bucket = &first_of[hash_bytes(&key, sizeof key, 42) % N_KEYS];

                if (*bucket == UINT32_MAX) {
                        *bucket = i;
                        continue;
                }
                first = key_make(_i, *bucket, &random);
                n_collisions++;
                n_again += hash_bytes(&key, sizeof key, 43) % N_KEYS ==
                           hash_bytes(&first, sizeof first, 43) % N_KEYS;
        }

        ck_assert_uint_gt(n_collisions, N_KEYS / 3);
        ck_assert_uint_lt(n_again, 10);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("hash");
        TCase *bits = tcase_create("bits");
        TCase *keys = tcase_create("keys");

        tcase_add_checked_fixture(bits, setup, NULL);
        tcase_set_timeout(bits, 60);
        tcase_add_test(bits, the_hash_is_of_these_bytes_alone);
        tcase_add_test(bits, the_hash_is_another_under_another_seed);
        tcase_add_test(bits, each_bit_of_the_key_changes_half_of_the_hash);
        tcase_add_test(bits, keys_of_zeros_differ_by_their_size);
        tcase_add_test(bits, no_byte_makes_up_for_the_size);
        tcase_add_test(bits, halves_that_change_places_change_the_hash);
        tcase_add_loop_test(bits, no_known_factor_forgets_the_other_one, 0, ELEMENTSOF(known_factors));
        suite_add_tcase(suite, bits);

        tcase_set_timeout(keys, 60);
        tcase_add_loop_test(keys, keys_spread_evenly_by_any_bits_of_the_hash, 0, 3);
        tcase_add_loop_test(keys, collisions_do_not_outlive_their_seed, 0, 2);
        suite_add_tcase(suite, keys);

        return suite_main(suite);
}
