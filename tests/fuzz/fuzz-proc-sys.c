/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "fuzz/fuzz.h"
#include "kernel/proc_sys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *text = (const char *)data;
        uint64_t numbers[PROC_SYS_NUMBERS_MAX];
        int n, n_all, n_some;

        n = proc_sys_parse_numbers(text, size, numbers);
        FUZZ_CHECK(n == -EBADMSG || (n >= 1 && n <= PROC_SYS_NUMBERS_MAX));

        n_all = proc_sys_count_ports(text, size, 0, UINT16_MAX);
        n_some = proc_sys_count_ports(text, size, 32768, 60999);
        FUZZ_CHECK(n_all == -EBADMSG || (n_all >= 0 && n_all <= UINT16_MAX + 1));
        FUZZ_CHECK(n_some <= n_all && (n_some == -EBADMSG) == (n_all == -EBADMSG));
        return 0;
}
