/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "base/hash.h"
#include "base/space_saving.h"
#include "suite.h"
#include "unit/samples.h"

/* ---- memory that may end ---- */

static unsigned n_callocs, n_callocs_max = UINT32_MAX;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size) {
        return n_callocs++ < n_callocs_max ? __real_calloc(n, size) : NULL;
}

static unsigned n_mallocs;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size) {
        n_mallocs++;
        return __real_malloc(size);
}

void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size) {
        n_mallocs++;
        return __real_realloc(memory, size);
}

/* ---- a seed that is known ---- */

static bool seed_is_known;
static int seed_errno;

ssize_t __real_getrandom(void *bytes, size_t size, unsigned flags);
ssize_t __wrap_getrandom(void *bytes, size_t size, unsigned flags);
ssize_t __wrap_getrandom(void *bytes, size_t size, unsigned flags) {
        if (seed_errno) {
                errno = seed_errno;
                return -1;
        }
        if (!seed_is_known)
                return __real_getrandom(bytes, size, flags);
        memset(bytes, 0, size);
        return (ssize_t)size;
}

/* ---- streams, and who counts them by force ---- */

#define N_KEYS 4096 /* the keys of streams are numbers below */
#define N_ADDS 20000

/* As long as an address and a port; the number is in the middle. */
typedef struct Key {
        uint8_t before[6];
        uint8_t number[4];
        uint8_t after[9];
} Key;

static Key key_make(uint32_t number) {
        Key key = { .before = { 2 }, .after = { 0xbb } };

        memcpy(key.number, &number, sizeof number);
        return key;
}

static uint32_t key_number(const void *key) {
        uint32_t number;

        memcpy(&number, (const char *)key + offsetof(Key, number), sizeof number);
        return number;
}

static uint64_t true_counts[N_KEYS], n_added;
static SpaceSaving *counter;

static void setup(void) {
        memset(true_counts, 0, sizeof true_counts);
        n_added = 0;
}

static void teardown(void) {
        counter = space_saving_free(counter);
        seed_is_known = false;
        seed_errno = 0;
}

static void counter_new(size_t capacity) {
        counter = space_saving_free(counter);
        setup();
        ck_assert_int_eq(space_saving_new(capacity, sizeof(Key), &counter), 0);
}

static void add(uint32_t number) {
        Key key = key_make(number);

        space_saving_add(counter, &key, 1);
        true_counts[number]++;
        n_added++;
}

/* What the header says of an entry and this one breaks, or NULL. */
static const char *entry_find_fault(const SpaceSavingEntry *entry) {
        uint32_t number = key_number(entry->key);
        Key key = key_make(number);

        if (memcmp(entry->key, &key, sizeof key) != 0 || number >= N_KEYS)
                return "a key is none that was added";
        if ((uintptr_t)entry->key % sizeof(uint64_t) != 0)
                return "a key is not aligned";
        if (true_counts[number] > entry->count)
                return "a count is too low";
        if (true_counts[number] < entry->count - entry->error)
                return "a count is higher than its error allows";
        if (entry->error > space_saving_missed_max(counter))
                return "an error is of more than was displaced";
        return NULL;
}

/* The same of all that is held. An assertion each would take most of the time. */
static const char *counter_find_fault(size_t capacity) {
        static bool is_held[N_KEYS];
        uint64_t sum = 0, count_before = UINT64_MAX;

        if (space_saving_size(counter) > capacity)
                return "more keys are held than there is room for";

        memset(is_held, 0, sizeof is_held);
        for (size_t i = 0; i < space_saving_size(counter); i++) {
                SpaceSavingEntry entry = space_saving_get(counter, i);
                const char *fault = entry_find_fault(&entry);

                if (fault)
                        return fault;
                if (is_held[key_number(entry.key)])
                        return "a key is held twice";
                if (entry.count > count_before)
                        return "counts do not descend";
                is_held[key_number(entry.key)] = true;
                count_before = entry.count;
                sum += entry.count;
        }

        if (sum != n_added)
                return "the sum of counts is not the number of adds";
        if (space_saving_missed_max(counter) > n_added / capacity)
                return "more was missed than can have been";
        for (uint32_t number = 0; number < N_KEYS; number++)
                if (!is_held[number] && true_counts[number] > space_saving_missed_max(counter))
                        return "a key is missed that was added more often than is said";
        return NULL;
}

static void check_guarantees(size_t capacity) {
        const char *fault = counter_find_fault(capacity);

        ck_assert_msg(!fault, "after %" PRIu64 " adds, with room for %zu: %s", n_added, capacity, fault);
}

typedef enum StreamKind {
        STREAM_DISTINCT,
        STREAM_ROTATING,
        STREAM_RANDOM,
        STREAM_ZIPF,
        STREAM_MARCHING,
        STREAM_LATE,
        _STREAM_MAX
} StreamKind;

/* The number n of a stream, for a counter with that much room. */
static uint32_t stream_next(StreamKind kind, size_t capacity, uint32_t n, uint64_t *random) {
        switch (kind) {
        case STREAM_DISTINCT: /* as long as there are others */
                return n % N_KEYS;
        case STREAM_ROTATING: /* one more than there is room for: each was just displaced */
                return (uint32_t)(n % (capacity + 1) % N_KEYS);
        case STREAM_RANDOM:
                return (uint32_t)(random_next(random) % N_KEYS);
        case STREAM_ZIPF: /* key k with a chance of about 1 / k */
                return (uint32_t)((N_KEYS - 1) >> random_next(random) % 12) &
                       (uint32_t)(random_next(random) >> 32);
        case STREAM_MARCHING: /* a window of keys that moves on */
                return (uint32_t)((n / 8 + random_next(random) % (capacity + 1)) % N_KEYS);
        case STREAM_LATE: /* many at first, and then one alone */
                return n < N_ADDS / 2 ? n % (N_KEYS - 1) + 1 : 0;
        default:
                ck_abort();
        }
}

static const size_t capacities[] = { 1, 2, 3, 7, 64, 1000, N_KEYS - 1, N_KEYS };

#define N_STREAMS (_STREAM_MAX * (int)ELEMENTSOF(capacities))

START_TEST(what_is_said_of_counts_holds_for_any_stream)
{
        size_t capacity = capacities[_i / _STREAM_MAX];
        StreamKind kind = _i % _STREAM_MAX;
        uint64_t random = (uint64_t)_i + 1;

        counter_new(capacity);
        for (uint32_t n = 0; n < N_ADDS; n++) {
                add(stream_next(kind, capacity, n, &random));
                if (n < 200 || n % 997 == 0)
                        check_guarantees(capacity);
        }
        check_guarantees(capacity);
        if (capacity == N_KEYS)
                ck_assert_uint_eq(space_saving_missed_max(counter), 0);
}
END_TEST

/* ---- what holds for some ---- */

START_TEST(a_new_counter_holds_nothing)
{
        counter_new(10);
        ck_assert_uint_eq(space_saving_size(counter), 0);
        ck_assert_uint_eq(space_saving_missed_max(counter), 0);
}
END_TEST

START_TEST(counts_are_exact_while_all_keys_fit)
{
        uint64_t random = 1;

        counter_new(100);
        for (unsigned i = 0; i < 5000; i++)
                add((uint32_t)(random_next(&random) % 100 & random_next(&random)));
        add(99);

        check_guarantees(100);
        ck_assert_uint_eq(space_saving_missed_max(counter), 0);
        for (size_t i = 0; i < space_saving_size(counter); i++) {
                SpaceSavingEntry entry = space_saving_get(counter, i);

                ck_assert_uint_eq(entry.count, true_counts[key_number(entry.key)]);
                ck_assert_uint_eq(entry.error, 0);
        }
}
END_TEST

START_TEST(a_key_without_room_displaces_the_lowest_and_takes_its_count_over)
{
        SpaceSavingEntry entry;

        counter_new(3);
        for (unsigned i = 0; i < 5; i++)
                add(1);
        for (unsigned i = 0; i < 2; i++)
                add(2);
        for (unsigned i = 0; i < 4; i++)
                add(3);
        add(4);

        entry = space_saving_get(counter, 2);
        ck_assert_uint_eq(key_number(entry.key), 4);
        ck_assert_uint_eq(entry.count, 3);
        ck_assert_uint_eq(entry.error, 2);
        ck_assert_uint_eq(space_saving_missed_max(counter), 2);
        ck_assert_uint_eq(key_number(space_saving_get(counter, 0).key), 1);
        ck_assert_uint_eq(key_number(space_saving_get(counter, 1).key), 3);
}
END_TEST

/* The lowest count may rise later: who was displaced before had no more for that. */
START_TEST(the_most_that_was_missed_is_of_what_was_displaced)
{
        counter_new(2);
        add(1);
        add(2);
        add(3);
        ck_assert_uint_eq(space_saving_missed_max(counter), 1);
        for (unsigned i = 0; i < 10; i++) {
                add(key_number(space_saving_get(counter, 0).key));
                add(key_number(space_saving_get(counter, 1).key));
        }
        ck_assert_uint_gt(space_saving_get(counter, 1).count, 10);
        ck_assert_uint_eq(space_saving_missed_max(counter), 1);
}
END_TEST

START_TEST(a_frequent_key_is_found_among_many_rare_ones)
{
        uint64_t random = 1;

        counter_new(20);
        for (unsigned i = 0; i < N_ADDS; i++)
                add(i % 10 == 0 ? 7 : (uint32_t)(random_next(&random) % N_KEYS));
        ck_assert_uint_eq(key_number(space_saving_get(counter, 0).key), 7);
}
END_TEST

START_TEST(the_order_of_one_count_follows_from_what_was_added)
{
        static uint32_t numbers[2][50];

        for (unsigned run = 0; run < 2; run++) {
                uint64_t random = 1;

                counter_new(50);
                for (unsigned i = 0; i < 1000; i++)
                        add((uint32_t)(random_next(&random) % N_KEYS));
                for (size_t i = 0; i < 50; i++)
                        numbers[run][i] = key_number(space_saving_get(counter, i).key);
        }
        ck_assert_mem_eq(numbers[0], numbers[1], sizeof numbers[0]);
}
END_TEST

START_TEST(keys_that_differ_in_one_byte_are_two)
{
        for (size_t key_size = 1; key_size <= 40; key_size++) {
                uint8_t key[40] = { 0 };

                counter = space_saving_free(counter);
                ck_assert_int_eq(space_saving_new(100, key_size, &counter), 0);
                space_saving_add(counter, key, 1);
                for (size_t i = 0; i < key_size; i++) {
                        key[i] = 1;
                        space_saving_add(counter, key, 1);
                        key[i] = 0;
                }
                memset(key + key_size, 1, sizeof key - key_size);
                space_saving_add(counter, key, 1);

                ck_assert_uint_eq(space_saving_size(counter), key_size + 1);
                ck_assert_uint_eq(space_saving_get(counter, 0).count, 2);
                ck_assert_mem_eq(space_saving_get(counter, 0).key, key, key_size);
        }
}
END_TEST

/* Of these many, some have the same lower half of their hash, which is all that the index keeps. */
#define N_COLLIDING 300000

typedef struct HashedKey {
        uint32_t hash;
        uint32_t number;
} HashedKey;

static int hashed_key_compare(const void *left, const void *right) {
        const HashedKey *left_key = left, *right_key = right;

        return (left_key->hash > right_key->hash) - (left_key->hash < right_key->hash);
}

START_TEST(keys_of_one_hash_are_two)
{
        static HashedKey keys[N_COLLIDING];
        unsigned n_collisions = 0;

        seed_is_known = true;
        counter_new(2);
        for (uint32_t i = 0; i < N_COLLIDING; i++) {
                Key key = key_make(i);

                keys[i] = (HashedKey){ .hash = (uint32_t)hash_bytes(&key, sizeof key, 0), .number = i };
        }
        qsort(keys, N_COLLIDING, sizeof *keys, hashed_key_compare);

        for (uint32_t i = 1; i < N_COLLIDING; i++) {
                Key left = key_make(keys[i - 1].number), right = key_make(keys[i].number);

                if (keys[i - 1].hash != keys[i].hash)
                        continue;
                n_collisions++;
                space_saving_clear(counter);
                space_saving_add(counter, &left, 1);
                space_saving_add(counter, &right, 1);
                ck_assert_uint_eq(space_saving_size(counter), 2);
        }
        ck_assert_uint_gt(n_collisions, 0);
}
END_TEST

START_TEST(a_cleared_counter_is_as_a_new_one)
{
        for (unsigned i = 0; i < ELEMENTSOF(capacities); i++) {
                uint64_t random = 1;

                counter_new(capacities[i]);
                for (unsigned round = 0; round < 4; round++) {
                        for (uint32_t n = 0; n < (uint32_t)N_ADDS >> 4 * round; n++)
                                add(stream_next(STREAM_ZIPF, capacities[i], n, &random));
                        check_guarantees(capacities[i]);

                        space_saving_clear(counter);
                        setup();
                        ck_assert_uint_eq(space_saving_size(counter), 0);
                        ck_assert_uint_eq(space_saving_missed_max(counter), 0);
                }
        }
}
END_TEST

/* ---- memory ---- */

START_TEST(counting_takes_no_memory)
{
        unsigned n_before, n_after;

        counter_new(64);
        n_before = n_callocs + n_mallocs;
        for (unsigned round = 0; round < 3; round++) {
                for (uint32_t i = 0; i < 100000; i++) {
                        Key key = key_make(i / (round + 1));

                        space_saving_add(counter, &key, 1);
                }
                space_saving_clear(counter);
        }
        n_after = n_callocs + n_mallocs;
        ck_assert_uint_eq(n_after, n_before);
}
END_TEST

START_TEST(no_memory_is_told_wherever_it_ends)
{
        unsigned n = 0;
        int r;

        do {
                SpaceSaving *none = NULL;

                n_callocs = 0;
                n_callocs_max = n;
                r = space_saving_new(10, 4, &none);
                n_callocs_max = UINT32_MAX;
                ck_assert_int_eq(r, n < n_callocs ? -ENOMEM : 0);
                ck_assert_int_eq(none == NULL, r < 0);
                (void)space_saving_free(none);
                n++;
        } while (r < 0);
        ck_assert_uint_gt(n, 2);
}
END_TEST

START_TEST(a_counter_without_a_seed_is_none)
{
        SpaceSaving *none = NULL;

        seed_errno = ENOSYS;
        ck_assert_int_eq(space_saving_new(10, 4, &none), -ENOSYS);
        ck_assert_ptr_null(none);
}
END_TEST

START_TEST(nothing_can_be_freed)
{ ck_assert_ptr_null(space_saving_free(NULL)); }
END_TEST

#ifndef TEST_WITHOUT_ASSERTS
START_TEST(there_is_no_entry_behind_the_last)
{
        counter_new(10);
        add(1);
        (void)space_saving_get(counter, 1);
}
END_TEST
#endif

int main(void) {
        Suite *suite = suite_create("space-saving");
        TCase *streams = tcase_create("streams");
        TCase *counting = tcase_create("counting");
        TCase *memory = tcase_create("memory");

        tcase_add_checked_fixture(streams, setup, teardown);
        tcase_set_timeout(streams, 60);
        tcase_add_loop_test(streams, what_is_said_of_counts_holds_for_any_stream, 0, N_STREAMS);
        suite_add_tcase(suite, streams);

        tcase_add_checked_fixture(counting, setup, teardown);
        tcase_set_timeout(counting, 60);
        tcase_add_test(counting, a_new_counter_holds_nothing);
        tcase_add_test(counting, counts_are_exact_while_all_keys_fit);
        tcase_add_test(counting, a_key_without_room_displaces_the_lowest_and_takes_its_count_over);
        tcase_add_test(counting, the_most_that_was_missed_is_of_what_was_displaced);
        tcase_add_test(counting, a_frequent_key_is_found_among_many_rare_ones);
        tcase_add_test(counting, the_order_of_one_count_follows_from_what_was_added);
        tcase_add_test(counting, keys_that_differ_in_one_byte_are_two);
        tcase_add_test(counting, keys_of_one_hash_are_two);
        tcase_add_test(counting, a_cleared_counter_is_as_a_new_one);
#ifndef TEST_WITHOUT_ASSERTS
        tcase_add_test_raise_signal(counting, there_is_no_entry_behind_the_last, SIGABRT);
#endif
        suite_add_tcase(suite, counting);

        tcase_add_checked_fixture(memory, setup, teardown);
        tcase_set_timeout(memory, 60);
        tcase_add_test(memory, counting_takes_no_memory);
        tcase_add_test(memory, no_memory_is_told_wherever_it_ends);
        tcase_add_test(memory, a_counter_without_a_seed_is_none);
        tcase_add_test(memory, nothing_can_be_freed);
        suite_add_tcase(suite, memory);

        return suite_main(suite);
}
