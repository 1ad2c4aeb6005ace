/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Telling the operator: the journal when there is one, else stderr
 *
 * The journal is there when stderr leads to it (JOURNAL_STREAM, systemd.exec(5)).
 * A message is one line, begins with what it is about and ends without a period.
 * What is survived is a warning and says what goes on without it. What repeats
 * is told when it begins and when it ends.
 *
 * The level and the place are set once, at start; after that any thread may log.
 */

#include <stdbool.h>
#include <syslog.h>

#include "base/macro.h"

/* Finds out where messages go. Until then they go to stderr, LOG_INFO and worse. */
void log_open(void);

/* Messages beyond this level (LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG) are not written. */
void log_set_level(int level);

/* "error", "warn", "info" or "debug" to a level, or -EINVAL. */
_warn_unused_ int log_level_parse(const char *text);

void log_write(int level, const char *format, ...) _printf_(2, 3);

#define log_error(...)   log_write(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)  log_write(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)    log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_write(LOG_DEBUG, __VA_ARGS__)
