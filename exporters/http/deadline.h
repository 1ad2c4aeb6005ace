/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Ending connections that do not get on
 *
 * libmicrohttpd ends a connection that is silent. One that sends or takes a byte
 * now and then is never silent, and sixteen such clients would shut everybody
 * else out. So each connection has to complete a request every so often, or it
 * is shut down. All on the thread of the loop.
 */

#include <microhttpd.h>
#include <stddef.h>

#include "base/clock.h"

/* Longer than a connection may be silent: an idle one has ended by then anyway. */
#define DEADLINE_USEC (30 * USEC_PER_SEC)

typedef struct DeadlineEntry DeadlineEntry;

/* All open connections. Zero-initialised is none. */
typedef struct Deadlines {
        DeadlineEntry *entries;
        size_t n_entries;
} Deadlines;

/* To be given to libmicrohttpd as MHD_OPTION_NOTIFY_CONNECTION, with Deadlines as its argument. A
 * connection for which there is no memory is not watched. */
void deadlines_on_connection(void *deadlines,
                             struct MHD_Connection *connection,
                             void **context,
                             enum MHD_ConnectionNotificationCode code);

/* To be given to libmicrohttpd as MHD_OPTION_NOTIFY_COMPLETED. */
void deadlines_on_completed(void *deadlines,
                            struct MHD_Connection *connection,
                            void **request,
                            enum MHD_RequestTerminationCode code);

/* Shuts down the connections that are overdue; libmicrohttpd notices and frees them. */
void deadlines_enforce(const Deadlines *deadlines, usec_t now_usec);
