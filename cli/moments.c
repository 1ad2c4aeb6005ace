/* SPDX-License-Identifier: Apache-2.0 */

/* Points in time, as people write and read them */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/number.h"
#include "cli/moments.h"

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

        if (number_parse_duration(text, strlen(text), &ago) == 0 && ago <= now_usec) {
                *ret = now_usec - ago;
                return 0;
        }

        if (!localtime_r(&now, &time))
                return -EINVAL;
        time.tm_sec = 0;
        time.tm_isdst = -1;
        if (!moment_scan(text, "%Y-%m-%d %H:%M:%S", &time) && !moment_scan(text, "%Y-%m-%d %H:%M", &time) &&
            !moment_scan(text, "%H:%M:%S", &time) && !moment_scan(text, "%H:%M", &time))
                return -EINVAL;

        /* mktime(3) takes the 30th of February for the 2nd of March. */
        day = time.tm_mday;
        seconds = mktime(&time);
        if (seconds < 0 || time.tm_mday != day)
                return -EINVAL;

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
