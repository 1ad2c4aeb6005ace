/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the commands of sockwatch have in common
 *
 * A command reads the ring file, writes to stdout and returns an exit status.
 * Errors are one line on stderr.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

typedef enum CommandStatus {
        COMMAND_FINE = 0,
        COMMAND_FOUND = 1, /* something is wrong with what was looked at */
        COMMAND_USAGE = 2,
        COMMAND_BLIND = 3, /* could not look */
} CommandStatus;

typedef struct CommandOptions {
        const char *ring_file;
        bool has_ring_file; /* it was named, and is not the default */
        const char *proc_root;
        const char *sys_root;
        bool json;

        bool has_since;
        usec_t since_usec; /* CLOCK_REALTIME */
        bool has_at;
        usec_t at_usec; /* CLOCK_REALTIME */
} CommandOptions;

/* States and listeners in one screen. This and the next three: of the newest sample, of one by its time, or
 * where there is no ring file of one taken now. */
CommandStatus command_status(const CommandOptions *options);

/* Who listens where, how full the queues are, and whose they are. */
CommandStatus command_listeners(const CommandOptions *options);

/* Whose sockets and descriptors they are. */
CommandStatus command_units(const CommandOptions *options);

/* How many sockets are in which state, and where this host's ports go. */
CommandStatus command_states(const CommandOptions *options);

/* Samples of the ring, one a line. */
CommandStatus command_history(const CommandOptions *options);
