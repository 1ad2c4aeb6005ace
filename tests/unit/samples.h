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

/* NULL, or what sample.h says of every sample and this one breaks. */
const char *sample_find_fault(const Sample *sample);

/* Adds a listener; the caller keeps to the order of keys. */
ListenerRow *sample_add_listener(Sample *sample, const char *address, uint16_t port, const char *device);

/* A small sample: some values, two reports, three listeners. */
void sample_make_small(Sample *sample);

/* A sample with all there is room for, each number the longest for the codec after an empty one. Listeners
 * stand on every other port from the first: one beside the other, two such samples share no key. */
void sample_make_full(Sample *sample, uint16_t first_port);

/* Another second on a host that serves: counters rise, gauges wander, a queue fills now and then. The first
 * call, with an empty sample, makes the host. */
void sample_step(Sample *sample, unsigned n_listeners, uint64_t *random);

/* As if nothing could be foreseen: every value, every row and how many there are. */
void sample_make_random(Sample *sample, unsigned n_listeners_max, uint64_t *random);
