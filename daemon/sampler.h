/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The sampler thread
 *
 * A walk over a million sockets takes half a second, and no scrape may wait for
 * it, so collectors run on a thread of their own. There is one handoff and no
 * shared memory: whoever holds the Sample owns it, and the Bounds are copied.
 *
 * What comes every second takes a millisecond, and has its full share of a processor
 * however busy the host is: that is when somebody wants to know. What takes longer lets
 * others go first, as long as the sample has patience, and rests between its steps.
 *
 *     main loop                          sampler thread
 *     sampler_request(empty)  ──────▶    collection_run()
 *     on_sample(full)         ◀──────
 */

#include <systemd/sd-event.h>

#include "base/clock.h"
#include "collect/bounds.h"
#include "kernel/sources.h"
#include "store/sample.h"

typedef struct Sampler Sampler;

/* Called on the loop with the sample that was requested. Negative ends the loop. */
typedef int (*sampler_fn)(Sample *sample, void *userdata);

/**
 * sampler_new() - start the thread
 * @sources:    used by the thread alone until sampler_free()
 * @on_sample:  called on the loop for each finished request
 *
 * Return: 0, -ENOMEM, or the errno of eventfd(2) or pthread_create(3).
 */
_warn_unused_ int
sampler_new(sd_event *event, const Sources *sources, sampler_fn on_sample, void *userdata, Sampler **ret);

/* True from a request until its answer. */
bool sampler_is_busy(const Sampler *sampler);

/**
 * sampler_request() - hand over an empty sample, to be filled now
 * @bounds:             are copied
 * @patience_usec:      for so long it may be kept waiting by others, who go first while it asks for
 *                      what takes long; then it has its full share. Waiting that began before it
 *                      stepped aside is not counted, so it is twice as long at most
 * @rest_usec:          by then what takes long is to be done with its rests (collect/pace.h)
 *
 * The sampler must not be busy.
 *
 * Return: 0, or a negative errno, and the sample remains the caller's.
 */
_warn_unused_ int sampler_request(
        Sampler *sampler, Sample *sample, const Bounds *bounds, usec_t patience_usec, usec_t rest_usec);

/**
 * sampler_free() - stop the thread
 *
 * A thread that is stuck in the kernel cannot be stopped; after a few seconds
 * it is left alone, and everything that it may still touch with it.
 *
 * Return: true if the thread ended, so that sources and samples may be freed.
 */
bool sampler_free(Sampler *sampler);
