/* SPDX-License-Identifier: Apache-2.0 */

/* The small files of /proc/sys: numbers on a line, and lists of port ranges */

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/number.h"
#include "kernel/proc_sys.h"

static bool proc_sys_is_blank(char c) {
        return c == ' ' || c == '\t' || c == '\n';
}

int proc_sys_parse_numbers(const char *text,
                           size_t size,
                           uint64_t ret_numbers[static PROC_SYS_NUMBERS_MAX]) {
        uint64_t numbers[PROC_SYS_NUMBERS_MAX];
        size_t at = 0;
        int n = 0;

        assert(text || size == 0);

        for (;;) {
                size_t word;

                while (at < size && proc_sys_is_blank(text[at]))
                        at++;
                if (at == size)
                        break;

                for (word = at; at < size && !proc_sys_is_blank(text[at]);)
                        at++;
                if (n == PROC_SYS_NUMBERS_MAX || number_parse_u64(text + word, at - word, &numbers[n]) < 0)
                        return -EBADMSG;
                n++;
        }
        if (n == 0)
                return -EBADMSG;

        memcpy(ret_numbers, numbers, (size_t)n * sizeof *numbers);
        return n;
}

/* "8080" or "8080-8090" */
static int proc_sys_parse_range(const char *text, size_t size, uint64_t *ret_first, uint64_t *ret_last) {
        const char *dash = memchr(text, '-', size);
        size_t first_size = dash ? (size_t)(dash - text) : size;
        uint64_t first, last;

        if (number_parse_u64(text, first_size, &first) < 0)
                return -EBADMSG;
        last = first;
        if (dash && number_parse_u64(dash + 1, size - first_size - 1, &last) < 0)
                return -EBADMSG;
        if (first > last || last > UINT16_MAX)
                return -EBADMSG;

        *ret_first = first;
        *ret_last = last;
        return 0;
}

int proc_sys_count_ports(const char *text, size_t size, uint16_t first, uint16_t last) {
        uint8_t ports[(UINT16_MAX + 1) / 8] = { 0 };
        int n = 0;

        assert(text || size == 0);

        while (size > 0 && proc_sys_is_blank(text[size - 1]))
                size--;

        while (size > 0) {
                const char *comma = memchr(text, ',', size);
                size_t item = comma ? (size_t)(comma - text) : size;
                uint64_t low, high;
                int r;

                r = proc_sys_parse_range(text, item, &low, &high);
                if (r < 0)
                        return r;

                for (uint64_t port = MAX(low, (uint64_t)first); port <= high && port <= last; port++) {
                        n += !(ports[port / 8] & 1U << port % 8);
                        ports[port / 8] |= (uint8_t)(1U << port % 8);
                }

                if (!comma)
                        break;
                text += item + 1;
                size -= item + 1;
                if (size == 0)
                        return -EBADMSG;
        }

        return n;
}
