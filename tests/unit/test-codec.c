/* SPDX-License-Identifier: Apache-2.0 */

/* The steps of rows.c are tested here too, with the rows that there are: those of each table of a sample. */

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "store/codec.h"
#include "suite.h"
#include "unit/samples.h"

enum {
        SECTION_VALUES = 1,
        SECTION_REPORTS = 2,
        SECTION_RETIRED = 3,
        SECTION_UNKNOWN = 99,
};

enum {
        ROWS_KEPT,
        ROWS_GONE,
        ROW_CHANGED,
        ROW_NEW,
};

static Sample empty, base, sample, decoded;
static uint8_t encoded[SAMPLE_ENCODED_MAX + 100];

/* Decodes from memory of just that size, so that a sanitizer sees a byte too many being read. */
static int decode(const Sample *from, size_t size) {
        uint8_t *copy = memcpy(malloc(size + 1), encoded, size);
        int r;

        memmove(copy + 1, copy, size);
        memset(&decoded, 0x55, sizeof decoded);
        r = sample_decode(from, copy + 1, size, &decoded);
        free(copy);
        if (r == 0)
                ck_assert_ptr_null(sample_find_fault(&decoded));
        return r;
}

static size_t check_round_trip(const Sample *from, const Sample *to) {
        size_t size = sample_encode(from, to, encoded);

        ck_assert_uint_le(size, SAMPLE_ENCODED_MAX);
        ck_assert_int_eq(decode(from, size), 0);
        ck_assert(sample_is_same(to, &decoded));
        return size;
}

static void check_both_ways(void) {
        (void)check_round_trip(&empty, &base);
        (void)check_round_trip(&empty, &sample);
        (void)check_round_trip(&base, &sample);
        (void)check_round_trip(&sample, &base);
        (void)check_round_trip(&sample, &empty);
}

static void setup(void) {
        sample_clear(&empty);
        sample_make_small(&base);
        sample_copy(&sample, &base);
}

/* ---- round trips ---- */

START_TEST(an_empty_sample_comes_back)
{ ck_assert_uint_eq(check_round_trip(&empty, &empty), 3 + (2 + _TABLES) * PACKING_SECTION_MAX); }
END_TEST

START_TEST(what_did_not_change_costs_no_bytes)
{
        memset(sample.reports, 0, sizeof sample.reports);
        /* The rows that are kept: one byte a table. */
        ck_assert_uint_eq(check_round_trip(&base, &sample),
                          3 + (2 + _TABLES) * PACKING_SECTION_MAX + _TABLES);
}
END_TEST

START_TEST(a_sample_comes_back_whatever_it_is_packed_against)
{
        uint64_t random = 1;

        sample_clear(&base);
        sample_step(&base, 20, &random);
        sample_copy(&sample, &base);
        sample_step(&sample, 21, &random);
        check_both_ways();
}
END_TEST

START_TEST(a_full_sample_comes_back)
{
        sample_make_full(&sample, 1);
        check_both_ways();
}
END_TEST

START_TEST(the_largest_sample_fits)
{
        size_t size;

        sample_make_full(&base, 1);
        sample_make_full(&sample, 2);
        for (unsigned id = 0; id < _VALUE_ROOM; id++)
                sample_set(&base, id, 0);
        base.number = base.realtime_usec = base.boottime_usec = 0;
        for (unsigned id = 0; id < _COLLECTOR_ROOM; id++)
                base.reports[id].n_failures = 0;

        size = check_round_trip(&base, &sample);
        /* Almost as long as is planned for: the plan is not far off, and this is the worst. */
        ck_assert_uint_gt(size, SAMPLE_ENCODED_MAX / 10 * 6);
        check_both_ways();
}
END_TEST

START_TEST(counters_may_go_backwards)
{
        sample_set(&sample, VALUE_TCP_SEGMENTS_SENT, 3);
        sample_set(&sample, VALUE_HOST_MAX_FDS, 0);
        sample.number = 1;
        sample.realtime_usec = 5;
        sample.boottime_usec = 0;
        sample.listeners[1].drops = 0;
        sample.reports[COLLECTOR_LISTEN].n_failures = 0;
        check_both_ways();
}
END_TEST

START_TEST(values_appear_and_disappear)
{
        sample_unset(&sample, VALUE_TCP_ESTABLISHED);
        sample_unset(&sample, VALUE_TCP_CLOSE_WAIT);
        sample_set(&sample, VALUE_TCP_TIME_WAIT, 0);
        sample_set(&sample, 0, 1);
        sample_set(&sample, _VALUE_ROOM - 1, UINT64_MAX);
        check_both_ways();
}
END_TEST

START_TEST(a_value_that_is_0_is_not_an_absent_one)
{
        sample_set(&sample, VALUE_TCP_CLOSE_WAIT, 0);
        sample_unset(&base, VALUE_TCP_CLOSE_WAIT);
        check_both_ways();
        ck_assert_int_eq(check_round_trip(&base, &sample) > 0 && sample_has(&decoded, VALUE_TCP_CLOSE_WAIT),
                         true);
}
END_TEST

START_TEST(rows_appear_vanish_and_change)
{
        sample_clear(&sample);
        sample_add_listener(&sample, "10.0.0.1", 1, "")->length = 1;  /* new, before all */
        sample.listeners[sample.n_listeners++] = base.listeners[0];   /* kept */
        sample_add_listener(&sample, "127.0.0.2", 80, "")->limit = 2; /* new, between */
        sample.listeners[sample.n_listeners++] = base.listeners[2];   /* changed */
        sample.listeners[3].drops = UINT64_MAX;
        sample_add_listener(&sample, "::1", 8080, "lo")->n_sockets = 3; /* new, behind all */
        check_both_ways();
}
END_TEST

START_TEST(all_rows_may_vanish_at_once)
{
        for (TableId table = 0; table < _TABLES; table++)
                *sample_row_count(&sample, table) = 0;
        check_both_ways();
}
END_TEST

/* The same in each table, with a field each: the first, the last, those between. */
START_TEST(rows_of_any_table_appear_vanish_and_change)
{
        const TableId table = (TableId)(_i / 2);
        const SampleKeyLength length = (SampleKeyLength)(_i % 2);
        const size_t n_fields = table_infos[table].layout.n_fields;

        for (size_t field = 0; field < n_fields; field++) {
                sample_clear(&base);
                for (uint16_t number = 10; number < 50; number += 10)
                        sample_add_numbered(&base, table, number, length)[field] = number;

                sample_clear(&sample);
                sample_add_numbered(&sample, table, 1, length)[field] = 1;           /* new */
                sample_add_numbered(&sample, table, 10, length)[field] = 10;         /* kept */
                sample_add_numbered(&sample, table, 20, length)[field] = UINT64_MAX; /* changed */
                sample_add_numbered(&sample, table, 25, length)[n_fields - 1] = 1;   /* new */
                sample_add_numbered(&sample, table, 40, length)[field] = 0;          /* changed */
                (void)sample_add_numbered(&sample, table, UINT16_MAX, length);       /* new, all 0 */
                check_both_ways();
                ck_assert_uint_eq(sample_count_rows(&decoded, table), 0);
        }
}
END_TEST

START_TEST(a_table_is_as_long_as_it_may_be)
{
        const TableId table = (TableId)_i;

        sample_clear(&sample);
        for (uint16_t number = 0; number < table_infos[table].n_max; number++)
                (void)sample_add_numbered(&sample, table, number, SAMPLE_KEY_LONG);
        check_both_ways();
}
END_TEST

START_TEST(keys_differ_by_their_last_byte_alone)
{
        const TableId table = (TableId)_i;
        size_t size = table_infos[table].layout.key_size;

        sample_clear(&base);
        sample_clear(&sample);
        (void)sample_add_numbered(&base, table, 1, SAMPLE_KEY_LONG);
        (void)sample_add_numbered(&sample, table, 1, SAMPLE_KEY_LONG);
        /* The byte before the NUL of the text, or of the device, that ends the key. */
        ((char *)sample_rows(&sample, table))[size - 2]++;
        check_both_ways();
        ck_assert(!sample_is_same(&base, &sample));
}
END_TEST

START_TEST(reports_are_of_this_sample_alone)
{
        memset(sample.reports, 0, sizeof sample.reports);
        sample.reports[15] = (CollectorReport){
                .is_present = true,
                .is_incomplete = true,
                .error = -4095,
                .n_failures = UINT64_MAX,
                .duration_nsec = UINT64_MAX,
                .last_success_usec = UINT64_MAX,
        };
        check_both_ways();
}
END_TEST

START_TEST(samples_of_any_kind_come_back)
{
        uint64_t random = (uint64_t)_i + 1;

        for (unsigned i = 0; i < 20; i++) {
                sample_make_random(&base, 2000, &random);
                sample_make_random(&sample, 2000, &random);
                check_both_ways();
        }
}
END_TEST

/* ---- what newer versions may write ---- */

static Packer packer;

/* A sample that is put together by hand: of the number 42, at the same time as its base. */
static void begin(void) {
        packer = (Packer){ .at = encoded, .end = encoded + sizeof encoded };
        packer_put_delta(&packer, 42, base.number);
        packer_put_delta(&packer, 0, 0);
        packer_put_delta(&packer, 0, 0);
}

static int decode_packed(void) {
        return decode(&base, (size_t)(packer.at - encoded));
}

static void put_rows_kept(uint64_t n) {
        packer_put_varint(&packer, n << 2 | ROWS_KEPT);
}

/* Of any table. */
#define KEY_SIZE_MAX sizeof(UnixListenerKey)

/* A new row and its key, as one run; @mask of the fields that follow. */
static void put_row_new(TableId table, const void *key, uint64_t mask) {
        packer_put_varint(&packer, mask << 2 | ROW_NEW);
        packer_put_varint(&packer, 0);
        packer_put_varint(&packer, table_infos[table].layout.key_size);
        packer_put_bytes(&packer, key, table_infos[table].layout.key_size);
}

static uint8_t *begin_table(TableId table) {
        return packer_begin_section(&packer, table_infos[table].tag);
}

START_TEST(a_section_of_an_unknown_tag_is_passed_over)
{
        uint8_t *body;

        begin();
        body = packer_begin_section(&packer, SECTION_UNKNOWN);
        packer_put_bytes(&packer, "\xff\xff\xff", 3);
        packer_end_section(&packer, body);
        body = begin_table(TABLE_LISTENERS);
        put_rows_kept(3);
        packer_end_section(&packer, body);
        body = packer_begin_section(&packer, 0);
        packer_end_section(&packer, body);

        ck_assert_int_eq(decode_packed(), 0);
        ck_assert_uint_eq(decoded.number, 42);
        ck_assert_uint_eq(decoded.n_listeners, 3);
        ck_assert_uint_eq(decoded.values[VALUE_TCP_ESTABLISHED], 1000);
}
END_TEST

/* What ring files of the first version said of listeners: it was laid out otherwise. */
START_TEST(the_listeners_of_an_earlier_version_are_passed_over)
{
        uint8_t *body;

        begin();
        body = packer_begin_section(&packer, SECTION_RETIRED);
        packer_put_varint(&packer, UINT64_C(0x7f) << 2 | ROW_NEW);
        for (unsigned i = 0; i < 60; i++)
                packer_put_byte(&packer, 0xff);
        packer_end_section(&packer, body);

        ck_assert_int_eq(decode_packed(), 0);
        for (TableId table = 0; table < _TABLES; table++)
                ck_assert_uint_eq(sample_count_rows(&decoded, table), 0);
}
END_TEST

START_TEST(a_table_that_an_earlier_version_did_not_write_is_empty)
{
        uint8_t *body;

        begin();
        body = begin_table(TABLE_LISTENERS);
        put_rows_kept(3);
        packer_end_section(&packer, body);

        ck_assert_int_eq(decode_packed(), 0);
        for (TableId table = 0; table < _TABLES; table++)
                ck_assert_uint_eq(sample_count_rows(&decoded, table), table == TABLE_LISTENERS ? 3 : 0);
}
END_TEST

START_TEST(a_value_without_a_name_is_kept)
{
        uint8_t *body;

        ck_assert_ptr_null(value_infos[255].name);
        begin();
        body = packer_begin_section(&packer, SECTION_VALUES);
        packer_put_varint(&packer, 255 << 1 | 1);
        packer_put_delta(&packer, 17, 0);
        packer_end_section(&packer, body);
        body = begin_table(TABLE_LISTENERS);
        put_rows_kept(3);
        packer_end_section(&packer, body);

        ck_assert_int_eq(decode_packed(), 0);
        ck_assert(sample_has(&decoded, 255));
        ck_assert_uint_eq(decoded.values[255], 17);
}
END_TEST

START_TEST(fields_that_a_row_does_not_have_are_passed_over)
{
        const TableId table = (TableId)_i;
        const size_t n_fields = table_infos[table].layout.n_fields;
        const uint64_t mask = UINT64_C(1) << 0 | UINT64_C(1) << n_fields | UINT64_C(1) << 61;
        const uint32_t n_rows = 3;
        uint8_t key[KEY_SIZE_MAX], *body;

        sample_clear(&base);
        for (uint16_t number = 0; number < n_rows; number++)
                sample_add_numbered(&base, table, number, SAMPLE_KEY_SHORT)[0] = number + 10;

        begin();
        body = begin_table(table);
        packer_put_varint(&packer, mask << 2 | ROW_CHANGED);
        packer_put_delta(&packer, 5, sample_row_fields(&base, table, 0)[0]);
        packer_put_varint(&packer, UINT64_MAX);
        packer_put_varint(&packer, UINT64_MAX);
        put_rows_kept(n_rows - 1);
        sample_make_key(table, UINT16_MAX, SAMPLE_KEY_SHORT, key);
        put_row_new(table, key, mask);
        packer_put_delta(&packer, 7, 0);
        packer_put_varint(&packer, 1);
        packer_put_varint(&packer, 1);
        packer_end_section(&packer, body);

        ck_assert_int_eq(decode_packed(), 0);
        ck_assert_uint_eq(sample_count_rows(&decoded, table), n_rows + 1);
        ck_assert_uint_eq(sample_row_fields(&decoded, table, 0)[0], 5);
        ck_assert_uint_eq(sample_row_fields(&decoded, table, 0)[1], sample_row_fields(&base, table, 0)[1]);
        ck_assert_uint_eq(sample_row_fields(&decoded, table, n_rows)[0], 7);
        for (size_t i = 1; i < n_fields; i++)
                ck_assert_uint_eq(sample_row_fields(&decoded, table, n_rows)[i], 0);
}
END_TEST

/* ---- what nobody writes ---- */

static int decode_values(uint64_t code) {
        uint8_t *body;

        begin();
        body = packer_begin_section(&packer, SECTION_VALUES);
        packer_put_varint(&packer, code);
        packer_put_varint(&packer, 0);
        packer_end_section(&packer, body);
        body = begin_table(TABLE_LISTENERS);
        put_rows_kept(3);
        packer_end_section(&packer, body);
        return decode_packed();
}

START_TEST(a_value_beyond_the_last_is_refused)
{
        ck_assert_int_eq(decode_values(255 << 1 | 1), 0);
        ck_assert_int_eq(decode_values(256 << 1 | 1), -EBADMSG);
        ck_assert_int_eq(decode_values(UINT64_MAX), -EBADMSG);
}
END_TEST

static int decode_report(uint8_t id, int64_t error) {
        uint8_t *body;

        begin();
        body = packer_begin_section(&packer, SECTION_REPORTS);
        packer_put_byte(&packer, id);
        packer_put_byte(&packer, 0xff);
        packer_put_delta(&packer, (uint64_t)error, 0);
        packer_put_delta(&packer, 0, 0);
        packer_put_varint(&packer, 0);
        packer_put_delta(&packer, 0, 0);
        packer_end_section(&packer, body);
        body = begin_table(TABLE_LISTENERS);
        put_rows_kept(3);
        packer_end_section(&packer, body);
        return decode_packed();
}

START_TEST(a_report_is_of_a_collector_and_has_an_errno)
{
        ck_assert_int_eq(decode_report(15, -4095), 0);
        ck_assert(decoded.reports[15].is_incomplete);
        ck_assert_int_eq(decode_report(16, 0), -EBADMSG);
        ck_assert_int_eq(decode_report(255, 0), -EBADMSG);
        ck_assert_int_eq(decode_report(0, -4096), -EBADMSG);
        ck_assert_int_eq(decode_report(0, 1), -EBADMSG);
        ck_assert_int_eq(decode_report(0, INT64_MIN), -EBADMSG);
        ck_assert_int_eq(decode_report(0, -(INT64_C(1) << 32)), -EBADMSG);
}
END_TEST

typedef struct StepsCase {
        const char *what;
        uint64_t steps[4]; /* varints; the base has three rows */
        int result;
} StepsCase;

static const StepsCase steps_cases[] = {
        { "all are kept", { 3 << 2 | ROWS_KEPT }, 0 },
        { "one by one", { 1 << 2 | ROWS_KEPT, 1 << 2 | ROWS_GONE, 0 << 2 | ROW_CHANGED }, 0 },
        { "all are gone", { 3 << 2 | ROWS_GONE }, 0 },
        { "one is left over", { 2 << 2 | ROWS_KEPT }, -EBADMSG },
        { "more are kept than there are", { 4 << 2 | ROWS_KEPT }, -EBADMSG },
        { "more are gone than there are", { 4 << 2 | ROWS_GONE }, -EBADMSG },
        { "none is kept", { 0 << 2 | ROWS_KEPT, 3 << 2 | ROWS_KEPT }, -EBADMSG },
        { "none is gone", { 3 << 2 | ROWS_KEPT, 0 << 2 | ROWS_GONE }, -EBADMSG },
        { "one behind the last is changed", { 3 << 2 | ROWS_KEPT, 0 << 2 | ROW_CHANGED }, -EBADMSG },
        { "very many are kept", { UINT64_MAX & ~UINT64_C(3) }, -EBADMSG },
        { "very many are gone", { (UINT64_MAX & ~UINT64_C(3)) | ROWS_GONE }, -EBADMSG },
        { "a new one has no key", { 3 << 2 | ROWS_KEPT, 0 << 2 | ROW_NEW }, -EBADMSG },
        { "a changed one has no field", { 2 << 2 | ROWS_KEPT, 1 << 2 | ROW_CHANGED }, -EBADMSG },
};

START_TEST(steps_account_for_each_row_of_the_base)
{
        const StepsCase *steps = &steps_cases[_i];
        uint8_t *body;

        begin();
        body = begin_table(TABLE_LISTENERS);
        for (size_t i = 0; i < ELEMENTSOF(steps->steps); i++)
                /* A step of 0 is one that is not there, but between two others. */
                if (steps->steps[i] || (i == 0 && steps->steps[1]))
                        packer_put_varint(&packer, steps->steps[i]);
        packer_end_section(&packer, body);
        ck_assert_msg(decode_packed() == steps->result, "%s", steps->what);
}
END_TEST

START_TEST(rows_ascend_by_key)
{
        const TableId table = (TableId)_i;
        uint8_t key[KEY_SIZE_MAX], *body;

        sample_clear(&base);
        for (uint16_t number = 10; number < 40; number += 10)
                (void)sample_add_numbered(&base, table, number, SAMPLE_KEY_SHORT);

        for (uint16_t number = 19; number <= 31; number++) {
                sample_make_key(table, number, SAMPLE_KEY_SHORT, key);
                begin();
                body = begin_table(table);
                put_rows_kept(2);
                put_row_new(table, key, 0);
                put_rows_kept(1);
                packer_end_section(&packer, body);
                ck_assert_int_eq(decode_packed(), number > 20 && number < 30 ? 0 : -EBADMSG);
        }
}
END_TEST

START_TEST(more_rows_than_a_sample_holds_are_refused)
{
        const TableId table = (TableId)_i;
        const size_t n_max = table_infos[table].n_max;

        for (size_t n = n_max; n <= n_max + 1; n++) {
                uint8_t key[KEY_SIZE_MAX], *body;

                begin();
                body = begin_table(table);
                packer_put_varint(&packer, (uint64_t)sample_count_rows(&base, table) << 2 | ROWS_GONE);
                for (uint16_t number = 0; number < n; number++) {
                        sample_make_key(table, number, SAMPLE_KEY_SHORT, key);
                        put_row_new(table, key, 0);
                }
                packer_end_section(&packer, body);
                ck_assert_int_eq(decode_packed(), n == n_max ? 0 : -EBADMSG);
        }
}
END_TEST

/* A section of one table alone, with one new row of that key. */
static int decode_key(TableId table, const void *key) {
        uint8_t *body;

        sample_clear(&base);
        begin();
        body = begin_table(table);
        put_row_new(table, key, 0);
        packer_end_section(&packer, body);
        return decode_packed();
}

/* Bytes put into a key that was sound. */
typedef struct BadKey {
        TableId table;
        bool is_other; /* which stands for many, and has no address */
        size_t offset;
        size_t size;
        const char *bytes; /* NULL: a text without an end */
} BadKey;

/* A text without an end, or with something behind it. */
#define BAD_TEXT(table, type, member)                                                          \
        { table, false, offsetof(type, member), sizeof(((type *)0)->member), NULL },           \
                { table, false, offsetof(type, member), 5, "ab\0c" },                          \
                { table, false, offsetof(type, member), 2, "\0c" }, {                          \
                table, false, offsetof(type, member) + sizeof(((type *)0)->member) - 1, 1, "x" \
        }

/* Of no family that there is, or with something where nothing is said. The short key is of IPv4. */
#define BAD_ENDPOINT(table)                                                  \
        { table, false, offsetof(Endpoint, family), 1, "\0" },               \
                { table, false, offsetof(Endpoint, family), 1, "\xfe" },     \
                { table, false, offsetof(Endpoint, reserved), 1, "\1" },     \
                { table, false, offsetof(Endpoint, address) + 4, 1, "\1" },  \
                { table, false, offsetof(Endpoint, address) + 15, 1, "\1" }, \
                { table, true, offsetof(Endpoint, reserved), 1, "\1" },      \
                { table, true, offsetof(Endpoint, port), 1, "\1" },          \
                { table, true, offsetof(Endpoint, port) + 1, 1, "\1" },      \
                { table, true, offsetof(Endpoint, address), 1, "\1" },       \
                { table, true, offsetof(Endpoint, device), 1, "x" }, BAD_TEXT(table, Endpoint, device)

static const BadKey bad_keys[] = {
        BAD_ENDPOINT(TABLE_LISTENERS),
        BAD_TEXT(TABLE_LISTENERS, ListenerKey, unit),
        BAD_TEXT(TABLE_LISTENERS, ListenerKey, process),
        BAD_TEXT(TABLE_UNIX_LISTENERS, UnixListenerKey, path),
        BAD_TEXT(TABLE_UNIX_LISTENERS, UnixListenerKey, unit),
        BAD_TEXT(TABLE_UNIX_LISTENERS, UnixListenerKey, process),
        BAD_ENDPOINT(TABLE_UDP_SOCKETS),
        BAD_TEXT(TABLE_UDP_SOCKETS, ListenerKey, unit),
        BAD_TEXT(TABLE_UDP_SOCKETS, ListenerKey, process),
        BAD_TEXT(TABLE_UNITS, UnitKey, unit),
        BAD_TEXT(TABLE_PROCESSES, ProcessKey, unit),
        BAD_TEXT(TABLE_PROCESSES, ProcessKey, process),
        BAD_ENDPOINT(TABLE_DESTINATIONS),
};

/* Two keys that are shown as one row would be two series of one name. */
START_TEST(a_key_has_nothing_in_its_unused_bytes)
{
        const BadKey *bad = &bad_keys[_i];
        uint8_t key[KEY_SIZE_MAX];

        sample_make_key(bad->table, 80, SAMPLE_KEY_SHORT, key);
        if (bad->is_other)
                *(Endpoint *)(void *)key = (Endpoint){ .family = ENDPOINT_OTHER };
        ck_assert_int_eq(decode_key(bad->table, key), 0);

        if (bad->bytes)
                memcpy(key + bad->offset, bad->bytes, bad->size);
        else
                memset(key + bad->offset, 'x', bad->size);
        ck_assert_int_eq(decode_key(bad->table, key), -EBADMSG);
}
END_TEST

START_TEST(a_sample_cut_anywhere_is_refused_or_a_part)
{
        size_t size = sample_encode(&empty, &sample, encoded);

        for (size_t cut = 0; cut < size; cut++) {
                int r = decode(&empty, cut);

                ck_assert(r == 0 || r == -EBADMSG);
        }
}
END_TEST

START_TEST(a_sample_with_any_bit_flipped_is_refused_or_a_sample)
{
        uint64_t random = 1;
        size_t size;

        sample_clear(&base);
        sample_step(&base, 3, &random);
        sample_copy(&sample, &base);
        sample_step(&sample, 4, &random);
        size = sample_encode(&base, &sample, encoded);
        ck_assert_uint_lt(size, 2000);

        for (size_t bit = 0; bit < size * 8; bit++) {
                int r;

                encoded[bit / 8] ^= (uint8_t)(1 << bit % 8);
                r = decode(&base, size);
                ck_assert(r == 0 || r == -EBADMSG);
                encoded[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        ck_assert_int_eq(decode(&base, size), 0);
        ck_assert(sample_is_same(&sample, &decoded));
}
END_TEST

START_TEST(bytes_of_any_kind_are_refused_or_a_sample)
{
        uint64_t random = (uint64_t)_i + 1;

        for (unsigned i = 0; i < 2000; i++) {
                size_t size = random_next(&random) % 200;
                int r;

                for (size_t at = 0; at < size; at++)
                        encoded[at] = (uint8_t)(random_next(&random) % (at % 5 == 0 ? 4 : 256));
                r = decode(&base, size);
                ck_assert(r == 0 || r == -EBADMSG);
        }
}
END_TEST

#ifndef TEST_WITHOUT_ASSERTS
START_TEST(a_base_is_another_object_than_the_result)
{
        size_t size = sample_encode(&base, &sample, encoded);

        (void)!sample_decode(&base, encoded, size, &base);
}
END_TEST
#endif

int main(void) {
        Suite *suite = suite_create("codec");
        TCase *trips = tcase_create("round trips");
        TCase *newer = tcase_create("newer");
        TCase *hostile = tcase_create("hostile");

        tcase_add_checked_fixture(trips, setup, NULL);
        tcase_set_timeout(trips, 60);
        tcase_add_test(trips, an_empty_sample_comes_back);
        tcase_add_test(trips, what_did_not_change_costs_no_bytes);
        tcase_add_test(trips, a_sample_comes_back_whatever_it_is_packed_against);
        tcase_add_test(trips, a_full_sample_comes_back);
        tcase_add_test(trips, the_largest_sample_fits);
        tcase_add_test(trips, counters_may_go_backwards);
        tcase_add_test(trips, values_appear_and_disappear);
        tcase_add_test(trips, a_value_that_is_0_is_not_an_absent_one);
        tcase_add_test(trips, rows_appear_vanish_and_change);
        tcase_add_loop_test(trips, rows_of_any_table_appear_vanish_and_change, 0, 2 * _TABLES);
        tcase_add_loop_test(trips, a_table_is_as_long_as_it_may_be, 0, _TABLES);
        tcase_add_loop_test(trips, keys_differ_by_their_last_byte_alone, 0, _TABLES);
        tcase_add_test(trips, all_rows_may_vanish_at_once);
        tcase_add_test(trips, reports_are_of_this_sample_alone);
        tcase_add_loop_test(trips, samples_of_any_kind_come_back, 0, 4);
        suite_add_tcase(suite, trips);

        tcase_add_checked_fixture(newer, setup, NULL);
        tcase_add_test(newer, a_section_of_an_unknown_tag_is_passed_over);
        tcase_add_test(newer, a_value_without_a_name_is_kept);
        tcase_add_test(newer, the_listeners_of_an_earlier_version_are_passed_over);
        tcase_add_test(newer, a_table_that_an_earlier_version_did_not_write_is_empty);
        tcase_add_loop_test(newer, fields_that_a_row_does_not_have_are_passed_over, 0, _TABLES);
        suite_add_tcase(suite, newer);

        tcase_add_checked_fixture(hostile, setup, NULL);
        tcase_set_timeout(hostile, 60);
        tcase_add_test(hostile, a_value_beyond_the_last_is_refused);
        tcase_add_test(hostile, a_report_is_of_a_collector_and_has_an_errno);
        tcase_add_loop_test(hostile, steps_account_for_each_row_of_the_base, 0, ELEMENTSOF(steps_cases));
        tcase_add_loop_test(hostile, rows_ascend_by_key, 0, _TABLES);
        tcase_add_loop_test(hostile, more_rows_than_a_sample_holds_are_refused, 0, _TABLES);
        tcase_add_loop_test(hostile, a_key_has_nothing_in_its_unused_bytes, 0, ELEMENTSOF(bad_keys));
        tcase_add_test(hostile, a_sample_cut_anywhere_is_refused_or_a_part);
        tcase_add_test(hostile, a_sample_with_any_bit_flipped_is_refused_or_a_sample);
        tcase_add_loop_test(hostile, bytes_of_any_kind_are_refused_or_a_sample, 0, 4);
#ifndef TEST_WITHOUT_ASSERTS
        tcase_add_test_raise_signal(hostile, a_base_is_another_object_than_the_result, SIGABRT);
#endif
        suite_add_tcase(suite, hostile);

        return suite_main(suite);
}
