/* SPDX-License-Identifier: Apache-2.0 */

/* /proc/PID/stat and the limit of descriptors in /proc/PID/limits */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/number.h"
#include "kernel/proc_stat.h"

/* Numbers of the fields, as proc_pid_stat(5) counts them. */
enum {
        STAT_FIELD_AFTER_NAME = 3,
        STAT_FIELD_FLAGS = 9,
        STAT_FIELD_USER_TICKS = 14,
        STAT_FIELD_SYSTEM_TICKS = 15,
        STAT_FIELD_START_TICKS = 22,
        STAT_FIELD_VIRTUAL_BYTES = 23,
        STAT_FIELD_RESIDENT_PAGES = 24,
};

static uint64_t *proc_stat_field(ProcStat *stat, int number) {
        switch (number) {
        case STAT_FIELD_FLAGS:
                return &stat->flags;
        case STAT_FIELD_USER_TICKS:
                return &stat->user_ticks;
        case STAT_FIELD_SYSTEM_TICKS:
                return &stat->system_ticks;
        case STAT_FIELD_START_TICKS:
                return &stat->start_ticks;
        case STAT_FIELD_VIRTUAL_BYTES:
                return &stat->virtual_bytes;
        case STAT_FIELD_RESIDENT_PAGES:
                return &stat->resident_pages;
        default:
                return NULL;
        }
}

int proc_stat_parse(const char *text, size_t size, ProcStat *ret) {
        ProcStat stat = { 0 };
        const char *end = text + size, *at;

        assert(text);
        assert(ret);

        at = memrchr(text, ')', size);
        if (!at)
                return -EBADMSG;
        at++;

        for (int number = STAT_FIELD_AFTER_NAME; number <= STAT_FIELD_RESIDENT_PAGES; number++) {
                uint64_t *field = proc_stat_field(&stat, number);
                const char *word;

                while (at < end && *at == ' ')
                        at++;
                for (word = at; at < end && *at != ' ' && *at != '\n';)
                        at++;
                if (at == word)
                        return -EBADMSG;
                if (field && number_parse_u64(word, (size_t)(at - word), field) < 0)
                        return -EBADMSG;
        }

        *ret = stat;
        return 0;
}

int proc_limits_parse_open_files(const char *text, size_t size, uint64_t *ret) {
        static const char title[] = "Max open files ", unlimited[] = "unlimited";
        const char *end = text + size, *at, *word;
        uint64_t limit;

        assert(text);
        assert(ret);

        at = memmem(text, size, title, strlen(title));
        if (!at || (at != text && at[-1] != '\n'))
                return -EBADMSG;

        for (at += strlen(title); at < end && *at == ' ';)
                at++;
        for (word = at; at < end && *at != ' ' && *at != '\n';)
                at++;

        if ((size_t)(at - word) == strlen(unlimited) && memcmp(word, unlimited, strlen(unlimited)) == 0)
                limit = UINT64_MAX;
        else if (number_parse_u64(word, (size_t)(at - word), &limit) < 0)
                return -EBADMSG;

        *ret = limit;
        return 0;
}
