/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What every fuzz target shares
 *
 * A target is fed any bytes. It must not crash, must not read beyond them, and
 * must keep what its header promises: FUZZ_CHECK() ends the process if not.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define FUZZ_CHECK(condition)                                                                         \
        do                                                                                            \
                if (!(condition)) {                                                                   \
                        fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
                        abort();                                                                      \
                }                                                                                     \
        while (0)

/* Called for each input. Always returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
