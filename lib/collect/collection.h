/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * All collectors, run once per sample
 *
 * Runs each collector, times it, and reports its success, its error and when it
 * last succeeded. One that fails takes nothing else with it: its values are
 * absent from the sample and it is tried again in the next.
 *
 * An object belongs to one thread at a time.
 */

#include "collect/bounds.h"
#include "collect/walk.h"
#include "kernel/sources.h"
#include "store/sample.h"

typedef struct Collection Collection;

/**
 * collection_new() - prepare all collectors
 * @sources:    must outlive the collection
 *
 * A collector that cannot be prepared is prepared again at each sample.
 *
 * Return: 0, -ENOMEM, or the errno of getrandom(2).
 */
_warn_unused_ int collection_new(const Sources *sources, Collection **ret);

Collection *collection_free(Collection *collection);
DEFINE_CLEANUP(Collection *, collection_free)

/**
 * collection_before_costly_fn - something that may take long is about to be asked
 * @expected_nsec:      CPU time that it took the last time; UINT64_MAX if it never was asked
 *
 * That is a walk, or another table of sockets. Called on the thread that takes the sample.
 */
typedef void (*collection_before_costly_fn)(uint64_t expected_nsec, void *userdata);

/**
 * collection_set_costly() - from now on somebody is told of that
 * @pause:      called again and again while it is asked, where one may rest (sock_diag_set_pause());
 *              but not where a walk is to be as short as can be, to learn something
 */
void collection_set_costly(Collection *collection,
                           collection_before_costly_fn before_costly,
                           sock_diag_pause_fn pause,
                           void *userdata);

/* Takes one sample within these bounds: clears it, sets its times and everything that collectors know. If a
 * walk over all TCP sockets is due, it comes with it; else what the last ones found is told again. */
void collection_run(Collection *collection, const Bounds *bounds, Sample *sample);

/* The same with this walk, and every other question asked, be it due or not. */
void collection_run_walk(Collection *collection, const Bounds *bounds, Walk walk, Sample *sample);

/* From now on nothing is spread over time to be cheap: for one who waits for a few samples, and takes no
 * more. */
void collection_hurry(Collection *collection);

/* Whether all processes and all owners that can be found were come to, so that another sample would not know
 * more. */
bool collection_is_settled(const Collection *collection);
