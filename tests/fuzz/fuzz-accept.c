/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "exporters/http/accept.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *accept = strndup((const char *)data, size);
        ExpositionFormat format;

        FUZZ_CHECK(accept);
        format = accept_choose(accept);
        FUZZ_CHECK(format >= 0 && format < _EXPOSITION_FORMAT_MAX);
        /* Whoever does not name OpenMetrics does not get it. */
        FUZZ_CHECK(format != EXPOSITION_OPENMETRICS || strcasestr(accept, "application/openmetrics-text"));
        free(accept);
        return 0;
}
