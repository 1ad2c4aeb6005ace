/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "fuzz/fuzz.h"
#include "store/codec.h"
#include "unit/samples.h"

static Sample base, sample, again;
static uint8_t encoded[SAMPLE_ENCODED_MAX];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        size_t n;
        int r;

        sample_make_small(&base);
        r = sample_decode(&base, data, size, &sample);
        FUZZ_CHECK(r == 0 || r == -EBADMSG);
        if (r < 0)
                return 0;

        FUZZ_CHECK(!sample_find_fault(&sample));
        n = sample_encode(&base, &sample, encoded);
        FUZZ_CHECK(n <= sizeof encoded);
        FUZZ_CHECK(sample_decode(&base, encoded, n, &again) == 0);
        FUZZ_CHECK(sample_is_same(&sample, &again));
        return 0;
}
