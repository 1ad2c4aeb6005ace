/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "fuzz/fuzz.h"
#include "kernel/proc_cgroup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *text = (const char *)data, *path = NULL;
        size_t path_size = 0;
        int r;

        r = proc_cgroup_parse(text, size, &path, &path_size);
        FUZZ_CHECK(r == 0 || r == -ENOENT || r == -EBADMSG);
        if (r == 0) {
                FUZZ_CHECK(path_size > 0 && path[0] == '/');
                FUZZ_CHECK(path >= text && path + path_size < text + size);
        } else
                FUZZ_CHECK(!path && path_size == 0);
        return 0;
}
