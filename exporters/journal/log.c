/* SPDX-License-Identifier: Apache-2.0 */

/* Telling the operator: the journal when there is one, else stderr */

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "exporters/journal/log.h"

/* Last, as it takes priorities from syslog.h. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

/* Room for two paths, and for what is said about them. */
#define LOG_MESSAGE_SIZE (10 * 1024)

static bool log_to_journal;
static int log_level_max = LOG_INFO;

/* Whether stderr is the stream that systemd made for this service. */
static bool log_stderr_is_journal(void) {
        const char *stream = getenv("JOURNAL_STREAM");
        uintmax_t device, inode;
        struct stat status;

        return stream && sscanf(stream, "%" SCNuMAX ":%" SCNuMAX, &device, &inode) == 2 &&
               fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

void log_open(void) {
        log_to_journal = log_stderr_is_journal();
}

void log_set_level(int level) {
        log_level_max = level;
}

int log_level_parse(const char *text) {
        static const struct {
                const char *name;
                int level;
        } levels[] = {
                { "error", LOG_ERR },
                { "warn", LOG_WARNING },
                { "info", LOG_INFO },
                { "debug", LOG_DEBUG },
        };

        for (size_t i = 0; i < ELEMENTSOF(levels); i++)
                if (strcmp(levels[i].name, text) == 0)
                        return levels[i].level;

        return -EINVAL;
}

/* A message is one line, whatever a flag or a file is named. */
static void log_make_one_line(char *message) {
        for (char *at = message; *at; at++)
                if ((unsigned char)*at < ' ' || *at == 0x7f)
                        *at = '?';
}

void log_write(int level, const char *format, ...) {
        char message[LOG_MESSAGE_SIZE];
        va_list arguments;

        if (level > log_level_max)
                return;

        va_start(arguments, format);
        (void)vsnprintf(message, sizeof message, format, arguments);
        va_end(arguments);
        log_make_one_line(message);

        if (log_to_journal && sd_journal_send("MESSAGE=%s", message, "PRIORITY=%i", level, NULL) >= 0)
                return;

        (void)fprintf(stderr, "sockwatchd: %s\n", message);
}
