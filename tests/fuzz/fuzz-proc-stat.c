/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "fuzz/fuzz.h"
#include "kernel/proc_stat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *text = (const char *)data;
        uint64_t limit;
        ProcStat stat;
        int r;

        r = proc_stat_parse(text, size, &stat);
        FUZZ_CHECK(r == 0 || r == -EBADMSG);
        r = proc_limits_parse_open_files(text, size, &limit);
        FUZZ_CHECK(r == 0 || r == -EBADMSG);
        return 0;
}
