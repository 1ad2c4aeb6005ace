/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The processes that stand out, as rows
 *
 * Those that have used up the most of their limit of descriptors, and those that
 * do not close their connections. Several with one name in one unit have one row:
 * it tells the descriptors of the fullest, and what the one that leaks holds.
 */

#include "collect/processes.h"
#include "collect/suspects.h"

/**
 * top_processes_make_rows() - end a sample
 *
 * Those beyond the bounds are added up in the row `other`, without a limit. Sets
 * VALUE_PROCESSES_FOLDED.
 */
void top_processes_make_rows(const Processes *processes,
                             const Suspects *suspects,
                             const Bounds *bounds,
                             Sample *sample);
