/* SPDX-License-Identifier: Apache-2.0 */

/* How keys are packed. The steps from one table to the next are tested in test-codec.c. */

#include <signal.h>
#include <string.h>

#include "base/macro.h"
#include "store/rows.h"
#include "suite.h"
#include "unit/samples.h"

#define KEY_ROOM 400

typedef struct Row {
        uint8_t key[KEY_ROOM];
        uint64_t field;
} Row;

/* Of a step that makes a row, and of one field that is 7. */
#define STEP_MAX 2

static const uint8_t step_new[] = { 1 << 2 | 3 };

static const size_t key_sizes[] = { 1, 2, 3, 4, 36, 127, 128, 130, 259, KEY_ROOM };

static Row row, unpacked;
static uint8_t packed[KEY_ROOM + 100];

static RowLayout layout_of(size_t key_size) {
        return (RowLayout){
                .row_size = sizeof(Row),
                .key_size = key_size,
                .fields_offset = offsetof(Row, field),
                .n_fields = 1,
        };
}

static void setup(void) {
        memset(&row, 0, sizeof row);
        row.field = 7;
}

/* Returns how long the key is. */
static size_t pack(size_t key_size) {
        RowLayout layout = layout_of(key_size);
        Packer packer = { .at = packed, .end = packed + sizeof packed };

        rows_pack(&packer, &layout, NULL, 0, &row, 1);
        return (size_t)(packer.at - packed) - STEP_MAX;
}

/* Whether these bytes are a row. From memory of just that size, so that a sanitizer sees a byte too many
 * being read. */
static bool unpack(size_t key_size, const uint8_t *bytes, size_t size) {
        RowLayout layout = layout_of(key_size);
        uint8_t *copy = malloc(1 + size);
        Unpacker unpacker = { .at = copy + 1, .end = copy + 1 + size };
        size_t n;

        memcpy(copy + 1, bytes, size);
        memset(&unpacked, 0x55, sizeof unpacked);
        n = rows_unpack(&unpacker, &layout, NULL, 0, &unpacked, 1);
        free(copy);
        return n == 1 && !unpacker.is_bad;
}

static size_t check_round_trip(size_t key_size) {
        size_t size = pack(key_size);

        ck_assert_uint_le(size, ROWS_KEY_PACKED_MAX(key_size));
        ck_assert(unpack(key_size, packed, size + STEP_MAX));
        ck_assert_mem_eq(unpacked.key, row.key, key_size);
        ck_assert_uint_eq(unpacked.field, row.field);
        return size;
}

/* ---- round trips ---- */

typedef struct KeyCase {
        const char *what;
        size_t key_size;
        const char *bytes; /* of the key, and zeros behind them */
        size_t n_bytes;
        size_t packed_size;
} KeyCase;

#define KEY(text) text, sizeof(text) - 1

static const KeyCase key_cases[] = {
        { "nothing", 128, KEY(""), 2 },
        { "nothing, in fewer bytes", 127, KEY(""), 1 },
        { "one zero", 1, KEY(""), 1 },
        { "a name", 128, KEY("nginx.service"), 1 + 1 + 13 + 1 },
        { "a name that fills the key", 13, KEY("nginx.service"), 1 + 1 + 13 },
        { "a zero behind the name", 14, KEY("nginx.service"), 1 + 1 + 13 + 1 },
        { "a zero in between stays", 20, KEY("a\0b"), 1 + 1 + 3 + 1 },
        { "two zeros in between stay", 20, KEY("a\0\0b"), 1 + 1 + 4 + 1 },
        { "three zeros end a run", 20, KEY("a\0\0\0b"), 1 + 1 + 1 + 1 + 1 + 1 + 1 },
        { "zeros in front", 20, KEY("\0\0\0\0\0\0\0\0ab"), 1 + 1 + 2 + 1 },
        { "one zero in front", 3, KEY("\0ab"), 1 + 1 + 2 },
        { "zeros at both ends", 20, KEY("\0a"), 1 + 1 + 1 + 1 },
        { "a port and an address", 36, KEY("\x02\0\0\x50\x7f\0\0\x01"), 1 + 1 + 8 + 1 },
};

START_TEST(a_key_is_as_long_as_what_it_holds)
{
        const KeyCase *key = &key_cases[_i];
        size_t size;

        memcpy(row.key, key->bytes, key->n_bytes);
        size = check_round_trip(key->key_size);
        ck_assert_msg(size == key->packed_size, "%s: %zu bytes", key->what, size);
}
END_TEST

START_TEST(a_key_without_zeros_is_the_longest)
{
        memset(row.key, 1, sizeof row.key);
        for (size_t i = 0; i < ELEMENTSOF(key_sizes); i++)
                ck_assert_uint_eq(check_round_trip(key_sizes[i]), ROWS_KEY_PACKED_MAX(key_sizes[i]));
}
END_TEST

/* Runs of one length each, over and over: the ones that cost most to begin anew. */
START_TEST(no_pattern_of_zeros_is_longer)
{
        for (size_t i = 0; i < ELEMENTSOF(key_sizes); i++)
                for (size_t n_zeros = 0; n_zeros < 6; n_zeros++)
                        for (size_t n_bytes = 1; n_bytes < 140; n_bytes = n_bytes * 2 + 1)
                                for (size_t phase = 0; phase < n_zeros + n_bytes; phase += 1 + phase / 8) {
                                        for (size_t at = 0; at < key_sizes[i]; at++)
                                                row.key[at] = (at + phase) % (n_zeros + n_bytes) >= n_zeros;
                                        (void)check_round_trip(key_sizes[i]);
                                }
}
END_TEST

START_TEST(keys_of_any_kind_come_back)
{
        uint64_t random = (uint64_t)_i + 1;

        for (unsigned i = 0; i < 1000; i++) {
                size_t key_size = 1 + random_next(&random) % KEY_ROOM;
                uint64_t share = random_next(&random) % 20;

                for (size_t at = 0; at < key_size; at++)
                        row.key[at] = random_next(&random) % 20 < share ? 0 : (uint8_t)random_next(&random);
                (void)check_round_trip(key_size);
        }
}
END_TEST

/* ---- what nobody writes ---- */

typedef struct RunsCase {
        const char *what;
        bool is_row;
        size_t key_size;
        const char *bytes; /* of the key */
        size_t n_bytes;
} RunsCase;

static const RunsCase runs_cases[] = {
        { "one run", true, 4, KEY("\0\4abcd") },
        { "runs without zeros", true, 4, KEY("\0\1a\0\1b\0\1c\0\1d") },
        { "runs that need not be", true, 4, KEY("\0\1a\1\1b\1") },
        { "zeros as bytes", true, 4, KEY("\0\4\0\0\0\0") },
        { "all zeros", true, 4, KEY("\4") },
        { "no bytes", false, 4, KEY("") },
        { "too few zeros", false, 4, KEY("\3") },
        { "too many zeros", false, 4, KEY("\5") },
        { "too many zeros behind bytes", false, 4, KEY("\1\1a\3") },
        { "more zeros than numbers reach", false, 4, KEY("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01") },
        { "a number that is none", false, 4, KEY("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f") },
        { "bytes one too few", false, 4, KEY("\0\3abc") },
        { "bytes one too many", false, 4, KEY("\0\5abcde") },
        { "bytes one too many behind zeros", false, 4, KEY("\2\3abc") },
        { "more bytes than numbers reach", false, 4, KEY("\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01") },
        { "bytes that are not there", false, KEY_ROOM, KEY("\0\x90\3abcd") },
        { "a run without bytes", false, 4, KEY("\2\0\2") },
        { "a run of nothing", false, 4, KEY("\0\0\4") },
        { "no number of bytes", false, 4, KEY("\2") },
};

/* What follows are the fields, which are zeros, so that a key of too few bytes finds some more. */
START_TEST(runs_fill_the_key_and_no_more)
{
        const RunsCase *runs = &runs_cases[_i];
        uint8_t bytes[100];

        memcpy(bytes, step_new, sizeof step_new);
        memcpy(bytes + sizeof step_new, runs->bytes, runs->n_bytes);
        bytes[sizeof step_new + runs->n_bytes] = 2 * 7;
        ck_assert_msg(unpack(runs->key_size, bytes, sizeof step_new + runs->n_bytes + 1) == runs->is_row,
                      "%s", runs->what);
        ck_assert(!unpack(runs->key_size, bytes, sizeof step_new + runs->n_bytes));
        if (runs->is_row)
                ck_assert_uint_eq(unpacked.key[runs->key_size], 0);
}
END_TEST

START_TEST(a_key_cut_anywhere_is_refused)
{
        size_t size;

        memcpy(row.key, KEY("\0\0\0\0nginx\0\0\0\0service\0\0"));
        size = pack(128) + STEP_MAX;
        for (size_t cut = 1; cut < size; cut++)
                ck_assert(!unpack(128, packed, cut));
        ck_assert(unpack(128, packed, size));
}
END_TEST

START_TEST(bytes_of_any_kind_change_nothing_behind_the_key)
{
        static const uint8_t zeros[KEY_ROOM];
        uint64_t random = (uint64_t)_i + 1;
        unsigned n_rows = 0;

        for (unsigned i = 0; i < 20000; i++) {
                size_t size = 1 + random_next(&random) % 60, key_size = 1 + random_next(&random) % 40;

                packed[0] = 0 << 2 | 3; /* a new row without fields */
                for (size_t at = 1; at < size; at++)
                        packed[at] = (uint8_t)(random_next(&random) % (at % 3 == 0 ? 256 : 12));
                n_rows += unpack(key_size, packed, size);
                if (unpacked.key[key_size] != 0x55 && /* not even begun */
                    memcmp(unpacked.key + key_size, zeros, KEY_ROOM - key_size) != 0)
                        ck_abort_msg("a key reached beyond its end");
        }
        ck_assert_uint_gt(n_rows, 0);
}
END_TEST

#ifndef TEST_WITHOUT_ASSERTS
START_TEST(a_key_is_not_longer_than_its_plan)
{
        RowLayout layout = { .row_size = 16384 + 8, .key_size = 16384, .fields_offset = 16384 };
        Packer packer = { .at = packed, .end = packed + sizeof packed };

        rows_pack(&packer, &layout, NULL, 0, NULL, 0);
}
END_TEST
#endif

int main(void) {
        Suite *suite = suite_create("rows");
        TCase *trips = tcase_create("round trips");
        TCase *hostile = tcase_create("hostile");

        tcase_add_checked_fixture(trips, setup, NULL);
        tcase_set_timeout(trips, 60);
        tcase_add_loop_test(trips, a_key_is_as_long_as_what_it_holds, 0, ELEMENTSOF(key_cases));
        tcase_add_test(trips, a_key_without_zeros_is_the_longest);
        tcase_add_test(trips, no_pattern_of_zeros_is_longer);
        tcase_add_loop_test(trips, keys_of_any_kind_come_back, 0, 4);
        suite_add_tcase(suite, trips);

        tcase_add_checked_fixture(hostile, setup, NULL);
        tcase_set_timeout(hostile, 60);
        tcase_add_loop_test(hostile, runs_fill_the_key_and_no_more, 0, ELEMENTSOF(runs_cases));
        tcase_add_test(hostile, a_key_cut_anywhere_is_refused);
        tcase_add_loop_test(hostile, bytes_of_any_kind_change_nothing_behind_the_key, 0, 4);
#ifndef TEST_WITHOUT_ASSERTS
        tcase_add_test_raise_signal(hostile, a_key_is_not_longer_than_its_plan, SIGABRT);
#endif
        suite_add_tcase(suite, hostile);

        return suite_main(suite);
}
