/* SPDX-License-Identifier: Apache-2.0 */

/* Points in time, as people write and read them */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/number.h"
#include "cli/moments.h"

#define MOMENT_USEC_PER_DAY (24 * USEC_PER_HOUR)

/* strptime(3) of all of the text, on top of what @time holds already. It writes as it reads, so what it
 * took from a text that does not fit must not stay. */
static bool moment_scan(const char *text, const char *format, struct tm *time) {
        struct tm scanned = *time;
        const char *end = strptime(text, format, &scanned);

        if (!end || *end != '\0')
                return false;

        *time = scanned;
        return true;
}

static bool moment_scan_any(const char *text, struct tm *time) {
        static const char *const formats[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S",
                                               "%Y-%m-%dT%H:%M",    "%H:%M:%S",       "%H:%M" };

        for (size_t i = 0; i < ELEMENTSOF(formats); i++)
                if (moment_scan(text, formats[i], time))
                        return true;

        return false;
}

/* "90s", "10m", "1h" as everywhere, and "3d": a history holds days. Return: 0 or -EINVAL. */
static int moment_parse_ago(const char *text, usec_t *ret) {
        size_t n = strlen(text);
        uint64_t days;

        if (number_parse_duration(text, n, ret) == 0)
                return 0;
        if (n == 0 || text[n - 1] != 'd' || number_parse_u64(text, n - 1, &days) < 0 ||
            days > UINT64_MAX / MOMENT_USEC_PER_DAY)
                return -EINVAL;

        *ret = days * MOMENT_USEC_PER_DAY;
        return 0;
}

int moment_parse(const char *text, usec_t now_usec, usec_t *ret) {
        time_t now = (time_t)(now_usec / USEC_PER_SEC), seconds;
        uint64_t number;
        struct tm time;
        usec_t ago;
        int day;

        if (text[0] == '@' && number_parse_u64(text + 1, strlen(text + 1), &number) == 0 &&
            number < INT64_MAX / USEC_PER_SEC) {
                *ret = number * USEC_PER_SEC;
                return 0;
        }

        if (strcmp(text, "now") == 0) {
                *ret = now_usec;
                return 0;
        }

        if (moment_parse_ago(text, &ago) == 0 && ago <= now_usec) {
                *ret = now_usec - ago;
                return 0;
        }

        if (!localtime_r(&now, &time))
                return -EINVAL;
        time.tm_sec = 0;
        time.tm_isdst = -1;
        if (!moment_scan_any(text, &time))
                return -EINVAL;

        /* mktime(3) takes the 30th of February for the 2nd of March. */
        day = time.tm_mday;
        seconds = mktime(&time);
        if (seconds < 0 || time.tm_mday != day)
                return -EINVAL;

        /* Just after midnight 23:57 is that of last night: a history has no future. */
        if (!strchr(text, '-') && seconds > now) {
                time.tm_mday--;
                time.tm_isdst = -1;
                seconds = mktime(&time);
        }

        *ret = (usec_t)seconds * USEC_PER_SEC;
        return 0;
}

void moment_format(usec_t usec, char ret_text[static MOMENT_SIZE]) {
        time_t seconds = (time_t)(usec / USEC_PER_SEC);
        struct tm time;

        if (!localtime_r(&seconds, &time) ||
            strftime(ret_text, MOMENT_SIZE, "%Y-%m-%d %H:%M:%S", &time) == 0)
                (void)snprintf(ret_text, MOMENT_SIZE, "@%llu", (unsigned long long)(usec / USEC_PER_SEC));
}
