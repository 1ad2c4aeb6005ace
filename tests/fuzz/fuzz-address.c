/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "exporters/http/address.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *text = strndup((const char *)data, size);
        HttpAddress address;
        int r;

        FUZZ_CHECK(text);
        r = http_address_parse(text, &address);
        FUZZ_CHECK(r == 0 || r == -EINVAL);
        if (r == 0 && address.storage.ss_family == AF_INET)
                FUZZ_CHECK(address.size == sizeof(struct sockaddr_in));
        else if (r == 0)
                FUZZ_CHECK(address.storage.ss_family == AF_INET6 &&
                           address.size == sizeof(struct sockaddr_in6));
        free(text);
        return 0;
}
