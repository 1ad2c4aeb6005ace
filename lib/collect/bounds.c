/* SPDX-License-Identifier: Apache-2.0 */

/* What collectors are bounded by where nobody says otherwise */

#include "collect/bounds.h"

const Bounds bounds_default = {
        .n_listeners = 256,
        .n_unix_listeners = 64,
        .n_udp_sockets = 64,
        .n_units = 128,
        .n_processes = 20,
        .n_destinations = 20,
        .peak_window_usec = 60 * USEC_PER_SEC,
        .walk_budget_millionths = WALK_BUDGET_ONE / 100,
};
