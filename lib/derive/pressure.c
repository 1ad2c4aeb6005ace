/* SPDX-License-Identifier: Apache-2.0 */

/* Where the pressure is the highest */

#include <assert.h>

#include "derive/pressure.h"

const ListenerRow *pressure_fullest_listener(const Sample *sample) {
        const ListenerRow *fullest = NULL;

        assert(sample);

        for (uint32_t i = 0; i < sample->n_listeners; i++) {
                const ListenerRow *row = &sample->listeners[i];

                /* length / (limit + 1), without dividing: a full queue holds limit + 1. */
                if (!fullest || row->worst_length * (fullest->worst_limit + 1) >
                                        fullest->worst_length * (row->worst_limit + 1))
                        fullest = row;
        }

        return fullest;
}
