/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "daemon/configuration.h"
#include "fuzz/fuzz.h"

static void check_message(const char *message) {
        unsigned line;
        char colon;

        FUZZ_CHECK(sscanf(message, "f:%u%c", &line, &colon) == 2 && line > 0 && colon == ':');
        FUZZ_CHECK(strstr(message, "; wanted: "));
        for (const char *at = message; *at; at++)
                FUZZ_CHECK((unsigned char)*at >= ' ' && *at != 0x7f);
}

static void check_bounds(const Bounds *bounds) {
        FUZZ_CHECK(bounds->n_listeners > 0 && bounds->n_listeners <= BOUNDS_LISTENERS_MAX);
        FUZZ_CHECK(bounds->n_unix_listeners > 0 && bounds->n_unix_listeners <= BOUNDS_UNIX_LISTENERS_MAX);
        FUZZ_CHECK(bounds->n_udp_sockets > 0 && bounds->n_udp_sockets <= BOUNDS_UDP_SOCKETS_MAX);
        FUZZ_CHECK(bounds->n_units > 0 && bounds->n_units <= BOUNDS_UNITS_MAX);
        FUZZ_CHECK(bounds->n_processes > 0 && bounds->n_processes <= BOUNDS_PROCESSES_MAX);
        FUZZ_CHECK(bounds->n_destinations > 0 && bounds->n_destinations <= BOUNDS_DESTINATIONS_MAX);
        FUZZ_CHECK(bounds->peak_window_usec >= BOUNDS_PEAK_WINDOW_MIN_USEC &&
                   bounds->peak_window_usec <= BOUNDS_PEAK_WINDOW_MAX_USEC);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char message[CONFIGURATION_MESSAGE_SIZE] = "";
        Bounds bounds, untouched;
        int r;

        memset(&bounds, 0xaa, sizeof bounds);
        memcpy(&untouched, &bounds, sizeof untouched);

        r = configuration_parse("f", (const char *)data, size, &bounds, message);
        FUZZ_CHECK(r == 0 || r == -EBADMSG);
        if (r == 0)
                check_bounds(&bounds);
        else {
                check_message(message);
                FUZZ_CHECK(memcmp(&bounds, &untouched, sizeof bounds) == 0);
        }

        return 0;
}
