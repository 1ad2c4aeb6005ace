/* SPDX-License-Identifier: Apache-2.0 */

#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"
#include "fuzz/fuzz.h"
#include "kernel/cgroup_unit.h"

static bool is_utf8(const char *text) {
        for (size_t n; *text; text += n) {
                n = utf8_length(text);
                if (n == 0)
                        return false;
        }
        return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char name[UNIT_NAME_SIZE], again[UNIT_NAME_SIZE];
        char *path;

        memset(name, 'x', sizeof name);
        memset(again, 'y', sizeof again);
        cgroup_unit_name((const char *)data, size, name);
        cgroup_unit_name((const char *)data, size, again);
        FUZZ_CHECK(memchr(name, '\0', sizeof name));
        FUZZ_CHECK(name[0] != '\0');
        FUZZ_CHECK(strcmp(name, again) == 0);

        path = strndup((const char *)data, size);
        FUZZ_CHECK(path);
        FUZZ_CHECK(!is_utf8(path) || is_utf8(name));
        free(path);
        return 0;
}
