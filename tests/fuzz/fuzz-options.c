/* SPDX-License-Identifier: Apache-2.0 */

/* Each line of the input is a word of the command line. */

#include <errno.h>
#include <string.h>

#include "daemon/options.h"
#include "fuzz/fuzz.h"
#include "store/ring.h"

#define WORDS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *text = strndup((const char *)data, size), *rest = text;
        char program[] = "sockwatchd", message[OPTIONS_MESSAGE_SIZE] = "";
        char *words[WORDS_MAX + 1] = { program };
        Options options;
        int n = 1, r;

        FUZZ_CHECK(text);
        while (n < WORDS_MAX && rest && *rest)
                words[n++] = strsep(&rest, "\n");

        r = options_parse(n, words, &options, message);
        FUZZ_CHECK(r == 0 || r == -EINVAL);
        if (r < 0)
                FUZZ_CHECK(message[0] != '\0' && memchr(message, '\0', sizeof message));
        else {
                FUZZ_CHECK(options.interval_usec >= OPTIONS_INTERVAL_MIN_USEC &&
                           options.interval_usec <= OPTIONS_INTERVAL_MAX_USEC);
                FUZZ_CHECK(options.ring_bytes >= RING_BYTES_MIN && options.ring_bytes <= RING_BYTES_MAX);
                FUZZ_CHECK(options.n_listen <= OPTIONS_LISTEN_MAX);
                FUZZ_CHECK(options.proc_root[0] && options.sys_root[0]);
        }
        free(text);
        return 0;
}
