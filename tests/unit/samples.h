/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Samples to test with
 *
 * Nothing here uses Check, so that fuzz targets can use it too.
 */

#include "store/sample.h"

/* xorshift64: the same numbers from the same seed, which is not 0. */
uint64_t random_next(uint64_t *state);

/* Whether all that is used of both is the same. */
bool sample_is_same(const Sample *left, const Sample *right);

/* NULL, or what sample.h and table.h say of every sample and this one breaks. */
const char *sample_find_fault(const Sample *sample);

/* ---- rows ---- */

typedef enum SampleKeyLength {
        SAMPLE_KEY_SHORT, /* as on many a host: an IPv4 address, "unit-00001.service" */
        SAMPLE_KEY_LONG,  /* every byte is used */
} SampleKeyLength;

/* Makes the key of that number. Of two that are as long, the one with the higher number stands behind. */
void sample_make_key(TableId table, uint16_t number, SampleKeyLength length, void *ret_key);

/* Adds a row of zeros. This and the next three: the caller keeps to the order of keys. */
void *sample_add_row(Sample *sample, TableId table);

/* Adds a row with the key of that number. Returns its fields. */
uint64_t *sample_add_numbered(Sample *sample, TableId table, uint16_t number, SampleKeyLength length);

/* Adds a listener of no known unit or process. */
ListenerRow *sample_add_listener(Sample *sample, const char *address, uint16_t port, const char *device);

/* Adds one of a unit's process. */
ListenerRow *sample_add_listener_of(
        Sample *sample, const char *address, uint16_t port, const char *unit, const char *process);

/* The 64-bit fields of a row. */
uint64_t *sample_row_fields(Sample *sample, TableId table, size_t i);

/* ---- whole samples ---- */

/* A small sample: some values, two reports, three listeners, and two rows in each other table, of which the
 * last is `other` where addresses are the keys. */
void sample_make_small(Sample *sample);

/* A sample with all there is room for, each number the longest for the codec after an empty one. Rows have
 * every other number from the first: one beside the other, two such samples share no key. */
void sample_make_full(Sample *sample, uint16_t first);

/* Another second on a host that serves: counters rise, gauges wander, a queue fills now and then. The first
 * call, with an empty sample, makes the host, with so many listeners and some rows in each other table. */
void sample_step(Sample *sample, unsigned n_listeners, uint64_t *random);

/* As if nothing could be foreseen: every value, every row and how many there are, in all tables together up
 * to so many. */
void sample_make_random(Sample *sample, unsigned n_rows_max, uint64_t *random);
