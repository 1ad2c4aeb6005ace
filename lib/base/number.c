/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Strict parsing of numbers
 *
 * Everything is built from one scan of decimal digits that reports where it
 * stopped; the callers insist on what may follow.
 */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/number.h"

typedef struct NumberSuffix {
        const char *name;
        uint64_t factor;
} NumberSuffix;

static const NumberSuffix size_suffixes[] = {
        { "", 1 },
        { "KiB", UINT64_C(1) << 10 },
        { "MiB", UINT64_C(1) << 20 },
        { "GiB", UINT64_C(1) << 30 },
};

static const NumberSuffix duration_suffixes[] = {
        { "us", 1 },
        { "ms", USEC_PER_MSEC },
        { "s", USEC_PER_SEC },
        { "m", USEC_PER_MINUTE },
        { "h", USEC_PER_HOUR },
};

/* Returns the number of digits taken, or -ERANGE. */
static int number_scan(const char *text, size_t size, uint64_t *ret) {
        uint64_t value = 0;
        size_t i;

        for (i = 0; i < size && text[i] >= '0' && text[i] <= '9'; i++)
                if (__builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value))
                        return -ERANGE;

        *ret = value;
        return (int)i;
}

static int
number_suffix_find(const NumberSuffix *suffixes, size_t n, const char *text, size_t size, uint64_t *ret) {
        for (size_t i = 0; i < n; i++)
                if (strlen(suffixes[i].name) == size && memcmp(suffixes[i].name, text, size) == 0) {
                        *ret = suffixes[i].factor;
                        return 0;
                }

        return -EINVAL;
}

int number_parse_u64(const char *text, size_t size, uint64_t *ret) {
        uint64_t value;
        int n;

        assert(text || size == 0);
        assert(ret);

        n = number_scan(text, size, &value);
        if (n < 0)
                return n;
        if (n == 0 || (size_t)n != size)
                return -EINVAL;

        *ret = value;
        return 0;
}

int number_parse_size(const char *text, size_t size, uint64_t *ret) {
        uint64_t value, factor;
        int n, r;

        assert(text || size == 0);
        assert(ret);

        n = number_scan(text, size, &value);
        if (n < 0)
                return n;
        if (n == 0)
                return -EINVAL;

        r = number_suffix_find(size_suffixes, ELEMENTSOF(size_suffixes), text + n, size - (size_t)n,
                               &factor);
        if (r < 0)
                return r;
        if (__builtin_mul_overflow(value, factor, &value))
                return -ERANGE;

        *ret = value;
        return 0;
}

/* A number with decimals and one of these suffixes behind it, times what that stands for. */
static int number_parse_scaled(const char *text,
                               size_t size,
                               int n_decimals_max,
                               const NumberSuffix *suffixes,
                               size_t n_suffixes,
                               uint64_t *ret) {
        uint64_t whole, factor, fraction = 0, scale = 1;
        size_t at;
        int n, r;

        n = number_scan(text, size, &whole);
        if (n < 0)
                return n;
        if (n == 0)
                return -EINVAL;
        at = (size_t)n;

        if (at < size && text[at] == '.') {
                at++;
                n = number_scan(text + at, size - at, &fraction);
                if (n < 0)
                        return n;
                if (n == 0 || n > n_decimals_max)
                        return -EINVAL;
                at += (size_t)n;
                while (n-- > 0)
                        scale *= 10;
        }

        r = number_suffix_find(suffixes, n_suffixes, text + at, size - at, &factor);
        if (r < 0)
                return r;
        if (__builtin_mul_overflow(whole, factor, &whole) ||
            __builtin_add_overflow(whole, fraction * factor / scale, &whole))
                return -ERANGE;

        *ret = whole;
        return 0;
}

int number_parse_duration(const char *text, size_t size, usec_t *ret) {
        assert(text || size == 0);
        assert(ret);

        return number_parse_scaled(text, size, /* n_decimals_max= */ 6, duration_suffixes,
                                   ELEMENTSOF(duration_suffixes), ret);
}

int number_parse_percent(const char *text, size_t size, uint64_t *ret) {
        static const NumberSuffix percent = { "%", 10000 };

        assert(text || size == 0);
        assert(ret);

        return number_parse_scaled(text, size, /* n_decimals_max= */ 4, &percent, 1, ret);
}
