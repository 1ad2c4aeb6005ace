/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "base/frequent.h"
#include "base/hash.h"
#include "suite.h"
#include "unit/samples.h"

/* ---- memory that may end ---- */

static unsigned n_callocs, n_callocs_max = UINT32_MAX;
static size_t n_bytes;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size) {
        n_bytes += n * size;
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
static Frequent *frequent;

static void setup(void) {
        memset(true_counts, 0, sizeof true_counts);
        n_added = 0;
}

static void teardown(void) {
        frequent = frequent_free(frequent);
        seed_is_known = false;
        seed_errno = 0;
}

static void frequent_start(size_t room) {
        frequent = frequent_free(frequent);
        setup();
        ck_assert_int_eq(frequent_new(room, sizeof(Key), &frequent), 0);
}

static void add_many(uint32_t number, uint64_t n) {
        Key key = key_make(number);

        frequent_add(frequent, &key, n);
        true_counts[number] += n;
        n_added += n;
}

static void add(uint32_t number) {
        add_many(number, 1);
}

/* The most that the header lets anybody miss. */
static uint64_t bound_of(size_t room) {
        return n_added / (room / 2 + 1);
}

static bool find(uint32_t number, FrequentEntry *ret) {
        for (size_t i = 0; i < frequent_size(frequent); i++) {
                FrequentEntry entry = frequent_get(frequent, i);

                if (key_number(entry.key) == number) {
                        *ret = entry;
                        return true;
                }
        }
        return false;
}

static FrequentEntry entry_of(uint32_t number) {
        FrequentEntry entry = { 0 };

        ck_assert_msg(find(number, &entry), "%" PRIu32 " is not held", number);
        return entry;
}

/* What the header says of an entry and this one breaks, or NULL. */
static const char *entry_find_fault(const FrequentEntry *entry) {
        uint32_t number = key_number(entry->key);
        Key key = key_make(number);

        if (memcmp(entry->key, &key, sizeof key) != 0 || number >= N_KEYS)
                return "a key is none that was added";
        if ((uintptr_t)entry->key % sizeof(uint64_t) != 0)
                return "a key is not aligned";
        if (entry->count == 0)
                return "a key is held of which nothing was counted";
        if (true_counts[number] < entry->count)
                return "a count is too high";
        if (true_counts[number] > entry->count + entry->error)
                return "a count is lower than its error allows";
        if (entry->error > frequent_missed_max(frequent))
                return "an error is of more than can have been missed";
        return NULL;
}

/* The same of all that is held. An assertion each would take most of the time. */
static const char *frequent_find_fault(size_t room) {
        static bool is_held[N_KEYS];
        uint64_t missed_max = frequent_missed_max(frequent), sum = 0;
        size_t n_distinct = 0, n_held = frequent_size(frequent);

        if (n_held > room)
                return "more keys are held than there is room for";

        memset(is_held, 0, sizeof is_held);
        for (size_t i = 0; i < n_held; i++) {
                FrequentEntry entry = frequent_get(frequent, i);
                const char *fault = entry_find_fault(&entry);

                if (fault)
                        return fault;
                if (is_held[key_number(entry.key)])
                        return "a key is held twice";
                is_held[key_number(entry.key)] = true;
                sum += entry.count;
        }

        if (frequent_total(frequent) != n_added)
                return "the total is not what was added";
        if (missed_max > bound_of(room))
                return "more was missed than can have been";
        for (uint32_t number = 0; number < N_KEYS; number++) {
                n_distinct += true_counts[number] > 0;
                if (!is_held[number] && true_counts[number] > missed_max)
                        return "a key is missed that was added more often than is said";
        }
        if (n_distinct > n_held + frequent_dropped(frequent))
                return "fewer were dropped than are missing";
        if (n_distinct > room && n_held < room / 2 + 1)
                return "fewer are held than is said";
        if (n_distinct <= room && (n_held < n_distinct || missed_max > 0 || sum != n_added))
                return "there was room, and not all is exact";
        return NULL;
}

static void check_guarantees(size_t room) {
        const char *fault = frequent_find_fault(room);

        ck_assert_msg(!fault, "after %" PRIu64 " adds, with room for %zu: %s", n_added, room, fault);
}

/* The first key once, the second one twice, and so on to the 64th, and then the same with others. */
static uint32_t stream_step(uint32_t n) {
        uint32_t step = 0, n_before = 0;

        while (n_before + step + 1 <= n % (64 * 65 / 2))
                n_before += ++step;
        return (n / (64 * 65 / 2) * 64 + step) % N_KEYS;
}

/* A stream that knows how this counts, and wants it to be wrong: it brings back what was dropped. To look
 * through many takes too long. */
static uint32_t stream_return(uint32_t n) {
        FrequentEntry entry;

        for (uint32_t i = 0; i < 8 && frequent_size(frequent) <= 64; i++)
                if (!find((n + i) % N_KEYS, &entry))
                        return (n + i) % N_KEYS;
        return n % N_KEYS;
}

typedef enum StreamKind {
        STREAM_DISTINCT,
        STREAM_ROTATING,
        STREAM_RANDOM,
        STREAM_ZIPF,
        STREAM_MARCHING,
        STREAM_LATE,
        STREAM_EARLY,
        STREAM_STEPS,
        STREAM_RETURNING,
        _STREAM_MAX
} StreamKind;

/* The number n of a stream, for a counter with that much room. */
static uint32_t stream_next(StreamKind kind, size_t room, uint32_t n, uint64_t *random) {
        switch (kind) {
        case STREAM_DISTINCT: /* as long as there are others */
                return n % N_KEYS;
        case STREAM_ROTATING: /* one more than there is room for */
                return (uint32_t)(n % (room + 1) % N_KEYS);
        case STREAM_RANDOM:
                return (uint32_t)(random_next(random) % N_KEYS);
        case STREAM_ZIPF: /* key k with a chance of about 1 / k */
                return (uint32_t)((N_KEYS - 1) >> random_next(random) % 12) &
                       (uint32_t)(random_next(random) >> 32);
        case STREAM_MARCHING: /* a window of keys that moves on */
                return (uint32_t)((n / 8 + random_next(random) % (room + 1)) % N_KEYS);
        case STREAM_LATE: /* many at first, and then one alone */
                return n < N_ADDS / 2 ? n % (N_KEYS - 1) + 1 : 0;
        case STREAM_EARLY: /* all that there is room for again and again, and then many */
                return n < N_ADDS / 2 ? (uint32_t)(n % room) : n % N_KEYS;
        case STREAM_STEPS:
                return stream_step(n);
        case STREAM_RETURNING:
                return stream_return(n / 3);
        default:
                ck_abort();
        }
}

static const size_t rooms[] = { 1, 2, 3, 7, 64, 1000, N_KEYS - 1, N_KEYS };

#define N_STREAMS (_STREAM_MAX * (int)ELEMENTSOF(rooms))

START_TEST(what_is_said_of_counts_holds_for_any_stream)
{
        size_t room = rooms[_i / _STREAM_MAX];
        StreamKind kind = _i % _STREAM_MAX;
        uint64_t random = (uint64_t)_i + 1;

        frequent_start(room);
        for (uint32_t n = 0; n < N_ADDS; n++) {
                add(stream_next(kind, room, n, &random));
                if (n < 200 || n % 997 == 0)
                        check_guarantees(room);
        }
        check_guarantees(room);
        if (room == N_KEYS)
                ck_assert_uint_eq(frequent_missed_max(frequent), 0);
}
END_TEST

/* As many of each as the processor has bits, so that the counts are far apart. */
START_TEST(what_is_said_of_counts_holds_for_adds_of_any_size)
{
        size_t room = rooms[_i];
        uint64_t random = (uint64_t)_i + 1;

        frequent_start(room);
        for (uint32_t n = 0; n < N_ADDS; n++) {
                uint32_t number = stream_next(STREAM_RANDOM, room, n, &random);

                add_many(number, 1 + (random_next(&random) >> (16 + random_next(&random) % 48)));
                if (n < 200 || n % 997 == 0)
                        check_guarantees(room);
        }
        check_guarantees(room);
}
END_TEST

/* ---- what holds for some ---- */

START_TEST(a_new_counter_holds_nothing)
{
        frequent_start(10);
        ck_assert_uint_eq(frequent_size(frequent), 0);
        ck_assert_uint_eq(frequent_total(frequent), 0);
        ck_assert_uint_eq(frequent_dropped(frequent), 0);
        ck_assert_uint_eq(frequent_missed_max(frequent), 0);
}
END_TEST

START_TEST(counts_are_exact_while_all_keys_fit)
{
        uint64_t random = 1;

        frequent_start(100);
        for (unsigned i = 0; i < 5000; i++)
                add((uint32_t)(random_next(&random) % 100 & random_next(&random)));
        for (uint32_t number = 0; number < 100; number++)
                add(number);

        check_guarantees(100);
        ck_assert_uint_eq(frequent_size(frequent), 100);
        ck_assert_uint_eq(frequent_missed_max(frequent), 0);
        ck_assert_uint_eq(frequent_dropped(frequent), 0);
        for (uint32_t number = 0; number < 100; number++) {
                ck_assert_uint_eq(entry_of(number).count, true_counts[number]);
                ck_assert_uint_eq(entry_of(number).error, 0);
        }
}
END_TEST

START_TEST(a_key_without_room_makes_the_lower_half_go)
{
        frequent_start(4);
        add_many(1, 5);
        add_many(2, 2);
        add_many(3, 4);
        add_many(4, 1);
        add(5);

        ck_assert_uint_eq(frequent_size(frequent), 3);
        ck_assert_uint_eq(frequent_dropped(frequent), 2);
        ck_assert_uint_eq(frequent_missed_max(frequent), 2);
        ck_assert_uint_eq(frequent_total(frequent), 13);
        ck_assert_uint_eq(entry_of(5).count, 1);
        ck_assert_uint_eq(entry_of(5).error, 2);
        check_guarantees(4);
}
END_TEST

START_TEST(what_was_held_all_the_time_stays_exact)
{
        frequent_start(8);
        for (unsigned round = 0; round < 500; round++) {
                add_many(1, 3);
                add_many(2, 5);
                for (uint32_t i = 0; i < 6; i++)
                        add(3 + (round * 6 + i) % 4000);
        }
        ck_assert_uint_gt(frequent_missed_max(frequent), 0);
        for (uint32_t number = 1; number <= 2; number++) {
                ck_assert_uint_eq(entry_of(number).count, true_counts[number]);
                ck_assert_uint_eq(entry_of(number).error, 0);
        }
        check_guarantees(8);
}
END_TEST

/* So that a stream of rare keys which comes again in the same order is told by the same ones. */
START_TEST(of_those_equally_low_the_first_stay)
{
        frequent_start(6);
        for (uint32_t number = 0; number < 7; number++)
                add(number);
        ck_assert_uint_eq(frequent_size(frequent), 4);
        for (size_t i = 0; i < 3; i++)
                ck_assert_uint_eq(key_number(frequent_get(frequent, i).key), i);
        ck_assert_uint_eq(key_number(frequent_get(frequent, 3).key), 6);
}
END_TEST

START_TEST(keys_come_in_the_order_in_which_they_came)
{
        uint64_t random = 1;

        frequent_start(10);
        for (uint32_t number = 0; number < 10; number++)
                add_many(number, 1 + random_next(&random) % 9);
        for (size_t i = 0; i < 10; i++)
                ck_assert_uint_eq(key_number(frequent_get(frequent, i).key), i);
        for (uint32_t number = 10; number < 1000; number++) {
                add_many(number, 1 + random_next(&random) % 9);
                for (size_t i = 1; i < frequent_size(frequent); i++)
                        ck_assert_uint_lt(key_number(frequent_get(frequent, i - 1).key),
                                          key_number(frequent_get(frequent, i).key));
        }
}
END_TEST

/* What may have been missed is of what was dropped, however high the others rise later. */
START_TEST(what_may_have_been_missed_grows_by_purges_alone)
{
        frequent_start(2);
        add(1);
        add(2);
        add(3);
        ck_assert_uint_eq(frequent_missed_max(frequent), 1);
        for (unsigned i = 0; i < 10; i++) {
                add(1);
                add(3);
        }
        ck_assert_uint_eq(entry_of(3).count, 11);
        ck_assert_uint_eq(frequent_missed_max(frequent), 1);
}
END_TEST

START_TEST(a_frequent_key_is_held_among_many_rare_ones)
{
        uint64_t random = 1;

        frequent_start(20);
        for (unsigned i = 0; i < N_ADDS; i++) {
                add(i % 10 == 0 ? 7 : (uint32_t)(random_next(&random) % N_KEYS));
                if (true_counts[7] > bound_of(20))
                        ck_assert_uint_ge(entry_of(7).count + entry_of(7).error, true_counts[7]);
        }
        ck_assert_uint_gt(true_counts[7], bound_of(20));
}
END_TEST

START_TEST(many_at_once_are_as_many_one_by_one)
{
        static FrequentEntry entries[50];
        static uint32_t numbers[50];
        uint64_t missed_max = 0;
        size_t n_held = 0;

        for (unsigned run = 0; run < 2; run++) {
                uint64_t random = 1;

                frequent_start(50);
                for (unsigned i = 0; i < 2000; i++) {
                        uint32_t number = (uint32_t)(random_next(&random) % 200);
                        uint64_t n = 1 + random_next(&random) % 30;

                        if (run == 0)
                                add_many(number, n);
                        else
                                for (; n > 0; n--)
                                        add(number);
                }
                for (size_t i = 0; i < frequent_size(frequent); i++) {
                        FrequentEntry entry = frequent_get(frequent, i);

                        if (run > 0) {
                                ck_assert_uint_eq(key_number(entry.key), numbers[i]);
                                ck_assert_uint_eq(entry.count, entries[i].count);
                                ck_assert_uint_eq(entry.error, entries[i].error);
                        }
                        entries[i] = entry;
                        numbers[i] = key_number(entry.key);
                }
                if (run > 0) {
                        ck_assert_uint_eq(frequent_size(frequent), n_held);
                        ck_assert_uint_eq(frequent_missed_max(frequent), missed_max);
                }
                n_held = frequent_size(frequent);
                missed_max = frequent_missed_max(frequent);
        }
        ck_assert_uint_gt(missed_max, 0);
}
END_TEST

/* All that is told of a stream, as a number. */
static uint64_t tell(StreamKind kind, size_t room) {
        uint64_t random = 1, told;

        frequent_start(room);
        for (uint32_t n = 0; n < N_ADDS; n++)
                add(stream_next(kind, room, n, &random));

        told = hash_fold(frequent_missed_max(frequent) + 3, frequent_dropped(frequent) + 5);
        for (size_t i = 0; i < frequent_size(frequent); i++) {
                FrequentEntry entry = frequent_get(frequent, i);

                told = hash_fold(told ^ key_number(entry.key), HASH_SQRT_2);
                told = hash_fold(told ^ entry.count, HASH_SQRT_3 ^ entry.error);
        }
        return told;
}

START_TEST(nothing_that_is_told_depends_on_the_seed)
{
        size_t room = rooms[_i / _STREAM_MAX];
        StreamKind kind = _i % _STREAM_MAX;
        uint64_t told;

        seed_is_known = true;
        told = tell(kind, room);
        seed_is_known = false;
        for (unsigned i = 0; i < 3; i++)
                ck_assert_uint_eq(tell(kind, room), told);
}
END_TEST

START_TEST(counts_may_be_as_high_as_numbers_are)
{
        const uint64_t high = UINT64_MAX / 4;

        frequent_start(2);
        add_many(1, high);
        add_many(2, high);
        add_many(3, high);
        ck_assert_uint_eq(frequent_size(frequent), 2);
        ck_assert_uint_eq(frequent_missed_max(frequent), high);
        ck_assert_uint_eq(entry_of(1).count, high);
        ck_assert_uint_eq(entry_of(1).error, 0);
        ck_assert_uint_eq(entry_of(3).count, high);
        check_guarantees(2);
}
END_TEST

START_TEST(keys_that_differ_in_one_byte_are_two)
{
        for (size_t key_size = 1; key_size <= 40; key_size++) {
                uint8_t key[40] = { 0 };

                frequent = frequent_free(frequent);
                ck_assert_int_eq(frequent_new(100, key_size, &frequent), 0);
                frequent_add(frequent, key, 1);
                for (size_t i = 0; i < key_size; i++) {
                        key[i] = 1;
                        frequent_add(frequent, key, 1);
                        key[i] = 0;
                }
                memset(key + key_size, 1, sizeof key - key_size);
                frequent_add(frequent, key, 1);

                ck_assert_uint_eq(frequent_size(frequent), key_size + 1);
                ck_assert_uint_eq(frequent_get(frequent, 0).count, 2);
                ck_assert_mem_eq(frequent_get(frequent, 0).key, key, key_size);
        }
}
END_TEST

/* Keys are moved when others go. */
START_TEST(keys_of_any_size_outlive_others)
{
        for (size_t key_size = 2; key_size <= 40; key_size++) {
                uint8_t key[40], wanted[40];

                memset(key, 0x55, sizeof key);
                memset(wanted, 0xaa, sizeof wanted);
                frequent = frequent_free(frequent);
                ck_assert_int_eq(frequent_new(9, key_size, &frequent), 0);
                for (unsigned i = 0; i < 1000; i++) {
                        key[0] = (uint8_t)i;
                        key[key_size - 1] = (uint8_t)(i / 256);
                        frequent_add(frequent, key, 1);
                        if (i % 2 == 1)
                                frequent_add(frequent, wanted, 1);
                }
                ck_assert_mem_eq(frequent_get(frequent, 0).key, wanted, key_size);
                ck_assert_uint_eq(frequent_get(frequent, 0).count, 500);
                ck_assert_uint_eq(frequent_get(frequent, 0).error, 0);
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
        frequent_start(2);
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
                frequent_clear(frequent);
                frequent_add(frequent, &left, 1);
                frequent_add(frequent, &right, 1);
                ck_assert_uint_eq(frequent_size(frequent), 2);
        }
        ck_assert_uint_gt(n_collisions, 0);
}
END_TEST

START_TEST(a_cleared_counter_is_as_a_new_one)
{
        for (unsigned i = 0; i < ELEMENTSOF(rooms); i++) {
                uint64_t random = 1;

                frequent_start(rooms[i]);
                for (unsigned round = 0; round < 4; round++) {
                        for (uint32_t n = 0; n < (uint32_t)N_ADDS >> 4 * round; n++)
                                add(stream_next(STREAM_ZIPF, rooms[i], n, &random));
                        check_guarantees(rooms[i]);

                        frequent_clear(frequent);
                        setup();
                        ck_assert_uint_eq(frequent_size(frequent), 0);
                        ck_assert_uint_eq(frequent_total(frequent), 0);
                        ck_assert_uint_eq(frequent_dropped(frequent), 0);
                        ck_assert_uint_eq(frequent_missed_max(frequent), 0);
                }
        }
}
END_TEST

/* ---- memory ---- */

START_TEST(counting_takes_no_memory)
{
        unsigned n_before, n_after;

        frequent_start(64);
        n_before = n_callocs + n_mallocs;
        for (unsigned round = 0; round < 3; round++) {
                for (uint32_t i = 0; i < 100000; i++) {
                        Key key = key_make(i / (round + 1));

                        frequent_add(frequent, &key, 1);
                }
                frequent_clear(frequent);
        }
        n_after = n_callocs + n_mallocs;
        ck_assert_uint_eq(n_after, n_before);
}
END_TEST

/* Of an address to another one, and a port, as many as are told apart (collect/destinations.h). */
START_TEST(room_for_a_thousand_keys_takes_a_hundred_kilobytes)
{
        n_bytes = 0;
        ck_assert_int_eq(frequent_new(1024, 40, &frequent), 0);
        ck_assert_uint_lt(n_bytes, 100 * 1024);
}
END_TEST

START_TEST(no_memory_is_told_wherever_it_ends)
{
        unsigned n = 0;
        int r;

        do {
                Frequent *none = NULL;

                n_callocs = 0;
                n_callocs_max = n;
                r = frequent_new(10, 4, &none);
                n_callocs_max = UINT32_MAX;
                ck_assert_int_eq(r, n < n_callocs ? -ENOMEM : 0);
                ck_assert_int_eq(none == NULL, r < 0);
                (void)frequent_free(none);
                n++;
        } while (r < 0);
        ck_assert_uint_gt(n, 2);
}
END_TEST

START_TEST(a_counter_without_a_seed_is_none)
{
        Frequent *none = NULL;

        seed_errno = ENOSYS;
        ck_assert_int_eq(frequent_new(10, 4, &none), -ENOSYS);
        ck_assert_ptr_null(none);
}
END_TEST

START_TEST(nothing_can_be_freed)
{ ck_assert_ptr_null(frequent_free(NULL)); }
END_TEST

#ifndef TEST_WITHOUT_ASSERTS
START_TEST(there_is_no_entry_behind_the_last)
{
        frequent_start(10);
        add(1);
        (void)frequent_get(frequent, 1);
}
END_TEST
#endif

int main(void) {
        Suite *suite = suite_create("frequent");
        TCase *streams = tcase_create("streams");
        TCase *counting = tcase_create("counting");
        TCase *memory = tcase_create("memory");

        tcase_add_checked_fixture(streams, setup, teardown);
        tcase_set_timeout(streams, 60);
        tcase_add_loop_test(streams, what_is_said_of_counts_holds_for_any_stream, 0, N_STREAMS);
        tcase_add_loop_test(streams, what_is_said_of_counts_holds_for_adds_of_any_size, 0,
                            (int)ELEMENTSOF(rooms));
        tcase_add_loop_test(streams, nothing_that_is_told_depends_on_the_seed, 0, N_STREAMS);
        suite_add_tcase(suite, streams);

        tcase_add_checked_fixture(counting, setup, teardown);
        tcase_set_timeout(counting, 60);
        tcase_add_test(counting, a_new_counter_holds_nothing);
        tcase_add_test(counting, counts_are_exact_while_all_keys_fit);
        tcase_add_test(counting, a_key_without_room_makes_the_lower_half_go);
        tcase_add_test(counting, what_was_held_all_the_time_stays_exact);
        tcase_add_test(counting, of_those_equally_low_the_first_stay);
        tcase_add_test(counting, keys_come_in_the_order_in_which_they_came);
        tcase_add_test(counting, what_may_have_been_missed_grows_by_purges_alone);
        tcase_add_test(counting, a_frequent_key_is_held_among_many_rare_ones);
        tcase_add_test(counting, many_at_once_are_as_many_one_by_one);
        tcase_add_test(counting, counts_may_be_as_high_as_numbers_are);
        tcase_add_test(counting, keys_that_differ_in_one_byte_are_two);
        tcase_add_test(counting, keys_of_any_size_outlive_others);
        tcase_add_test(counting, keys_of_one_hash_are_two);
        tcase_add_test(counting, a_cleared_counter_is_as_a_new_one);
#ifndef TEST_WITHOUT_ASSERTS
        tcase_add_test_raise_signal(counting, there_is_no_entry_behind_the_last, SIGABRT);
#endif
        suite_add_tcase(suite, counting);

        tcase_add_checked_fixture(memory, setup, teardown);
        tcase_set_timeout(memory, 60);
        tcase_add_test(memory, counting_takes_no_memory);
        tcase_add_test(memory, room_for_a_thousand_keys_takes_a_hundred_kilobytes);
        tcase_add_test(memory, no_memory_is_told_wherever_it_ends);
        tcase_add_test(memory, a_counter_without_a_seed_is_none);
        tcase_add_test(memory, nothing_can_be_freed);
        suite_add_tcase(suite, memory);

        return suite_main(suite);
}
