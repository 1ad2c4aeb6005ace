/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where the pressure is the highest
 *
 * Pure functions over one sample.
 */

#include "store/sample.h"

/* The listener whose accept queue is the fullest, by its fullest socket; NULL if there is none. */
const ListenerRow *pressure_fullest_listener(const Sample *sample);
