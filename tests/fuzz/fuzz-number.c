/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/number.h"
#include "fuzz/fuzz.h"

/* What was accepted as a number is that number, but for zeros in front of it. */
static void check_number(const char *text, size_t size, uint64_t number) {
        char wanted[32];
        int n = snprintf(wanted, sizeof wanted, "%" PRIu64, number);

        for (; size > 1 && *text == '0'; size--)
                text++;
        FUZZ_CHECK((size_t)n == size && memcmp(wanted, text, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *text = (const char *)data;
        uint64_t number;
        int r;

        r = number_parse_u64(text, size, &number);
        FUZZ_CHECK(r == 0 || r == -EINVAL || r == -ERANGE);
        if (r == 0)
                check_number(text, size, number);

        r = number_parse_size(text, size, &number);
        FUZZ_CHECK(r == 0 || r == -EINVAL || r == -ERANGE);
        r = number_parse_duration(text, size, &number);
        FUZZ_CHECK(r == 0 || r == -EINVAL || r == -ERANGE);
        return 0;
}
