/* SPDX-License-Identifier: Apache-2.0 */

/* Where the pressure is the highest */

#include <assert.h>
#include <string.h>

#include "derive/pressure.h"

const ListenerRow *pressure_fullest_listener(const Sample *sample) {
        const ListenerRow *fullest = NULL;

        assert(sample);

        for (uint32_t i = 0; i < sample->n_listeners; i++) {
                const ListenerRow *row = &sample->listeners[i];

                /* One of many that have no row has no address to be told. */
                if (endpoint_is_other(&row->key.endpoint))
                        continue;

                /* length / (limit + 1), without dividing: a full queue holds limit + 1. */
                if (!fullest || row->worst_length * (fullest->worst_limit + 1) >
                                        fullest->worst_length * (row->worst_limit + 1))
                        fullest = row;
        }

        return fullest;
}

const ListenerRow *pressure_most_dropping_listener(const Sample *older, const Sample *newer) {
        const ListenerRow *most = NULL;
        uint64_t n_most = 0;
        uint32_t last = 0;

        assert(older && newer);

        /* Both are in order of key. A listener that was not there before dropped all that it shows. */
        for (uint32_t i = 0; i < newer->n_listeners; i++) {
                const ListenerRow *row = &newer->listeners[i];
                uint64_t n_before = 0, n_drops;
                int order = 1;

                while (last < older->n_listeners &&
                       (order = memcmp(&older->listeners[last].key.endpoint, &row->key.endpoint,
                                       sizeof row->key.endpoint)) < 0)
                        last++;
                if (last < older->n_listeners && order == 0)
                        n_before = older->listeners[last].drops;

                n_drops = row->drops >= n_before ? row->drops - n_before : row->drops;
                if (n_drops > n_most) {
                        n_most = n_drops;
                        most = row;
                }
        }

        return most;
}
