/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Keeping the flight recorder running
 *
 * Holds the ring file open and, should it be damaged, cut short, replaced or
 * removed while the daemon runs, begins another. Sampling never stops for it:
 * as long as no ring can be had, samples are only served, and each one tries
 * again. What happens is logged when it begins and when it ends.
 */

#include <stdint.h>

#include "base/macro.h"
#include "store/sample.h"

typedef struct Recorder Recorder;

/**
 * recorder_new() - open the ring file
 * @path:       copied
 *
 * Return: 0, or what ring_open() returns, which is left to the caller to log.
 */
_warn_unused_ int recorder_new(const char *path, uint64_t bytes, Recorder **ret);

Recorder *recorder_free(Recorder *recorder);
DEFINE_CLEANUP(Recorder *, recorder_free)

/* Commits a sample, with the recorder's own values and its number set in it. */
void recorder_append(Recorder *recorder, Sample *sample);
