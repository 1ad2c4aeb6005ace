/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "kernel/mountinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char path[PATH_MAX] = "untouched";
        int r;

        r = mountinfo_find_cgroup2((const char *)data, size, path);
        FUZZ_CHECK(r == 0 || r == -ENOENT);
        if (r == 0) {
                FUZZ_CHECK(memchr(path, '\0', sizeof path));
                FUZZ_CHECK(path[0] == '/');
        } else
                FUZZ_CHECK(strcmp(path, "untouched") == 0);
        return 0;
}
