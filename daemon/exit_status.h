/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Exit statuses of sockwatchd
 *
 * A start that cannot be honoured ends with one line that says what, where and
 * what to do, and with one of these. They stand in the manual. The unit tries
 * again after all but a wrong flag and a wrong configuration, which do not get
 * better by themselves.
 */

typedef enum ExitStatus {
        EXIT_STATUS_OK = 0,            /* told to stop */
        EXIT_STATUS_FAILURE = 1,       /* out of memory, or something that is not one of the following */
        EXIT_STATUS_USAGE = 2,         /* a wrong flag or value */
        EXIT_STATUS_LISTEN = 3,        /* cannot listen on an address */
        EXIT_STATUS_RING = 4,          /* cannot use the ring file */
        EXIT_STATUS_SOURCES = 5,       /* no netlink, or no /proc or /sys */
        EXIT_STATUS_CONFIGURATION = 6, /* cannot use the configuration file */
} ExitStatus;
