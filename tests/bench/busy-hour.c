/* SPDX-License-Identifier: Apache-2.0 */

/* Writes a ring file of the default size, as a daemon on a busy host (soak/busy_host.h) would have filled it
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "daemon/options.h"
#include "soak/busy_host.h"
#include "store/ring.h"

#define N_SAMPLES (3 * 3600)

int main(int argc, char *argv[]) {
        char *arguments[] = { argv[0], NULL }, message[OPTIONS_MESSAGE_SIZE];
        usec_t begin_usec = clock_usec(CLOCK_REALTIME) - N_SAMPLES * USEC_PER_SEC;
        _cleanup_(ring_closep) Ring *ring = NULL;
        static Sample sample;
        RingFinding finding;
        Options options;
        int r;

        if (argc != 2 || options_parse(1, arguments, &options, message) < 0) {
                fprintf(stderr, "usage: busy-hour RING\n");
                return EXIT_FAILURE;
        }

        r = ring_open(argv[1], options.ring_bytes, &ring, &finding);
        for (unsigned n = 0; n < N_SAMPLES && r == 0; n++) {
                if (n == 0)
                        busy_host_begin(&sample, begin_usec, 3600 * USEC_PER_SEC);
                else
                        busy_host_go_on(&sample);
                r = ring_append(ring, &sample);
        }
        if (r < 0) {
                fprintf(stderr, "busy-hour: %s: %s\n", argv[1], strerror(-r));
                return EXIT_FAILURE;
        }

        /* What is held: the first and the last second. */
        printf("%" PRIu64 " %" PRIu64 "\n", ring_oldest_usec(ring), sample.realtime_usec);
        return EXIT_SUCCESS;
}
