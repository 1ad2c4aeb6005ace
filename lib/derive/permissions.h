/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which privilege would tell more
 *
 * Pure functions over samples.
 */

#include "store/sample.h"

/* The capabilities for want of which owners of sockets are not known, as text for people; NULL if none would
 * help. */
const char *permissions_wanted_for_owners(const Sample *sample);
