/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Ending connections that do not get on
 *
 * There is no call to end a connection of libmicrohttpd's from outside. Shutting
 * its socket down makes it readable, with nothing to read, and the library does
 * the rest.
 */

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "exporters/http/deadline.h"

struct DeadlineEntry {
        DeadlineEntry *previous;
        DeadlineEntry *next;
        int fd;
        usec_t since_usec; /* CLOCK_BOOTTIME: accepted, or completed its last request */
};

static DeadlineEntry *deadlines_add(Deadlines *deadlines, struct MHD_Connection *connection) {
        const union MHD_ConnectionInfo *info =
                MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        DeadlineEntry *entry;

        entry = calloc(1, sizeof *entry);
        if (!entry || !info) {
                free(entry);
                return NULL;
        }

        entry->fd = info->connect_fd;
        entry->since_usec = clock_usec(CLOCK_BOOTTIME);
        entry->next = deadlines->entries;
        if (entry->next)
                entry->next->previous = entry;
        deadlines->entries = entry;
        deadlines->n_entries++;
        return entry;
}

static void deadlines_remove(Deadlines *deadlines, DeadlineEntry *entry) {
        if (!entry)
                return;

        if (entry->previous)
                entry->previous->next = entry->next;
        else
                deadlines->entries = entry->next;
        if (entry->next)
                entry->next->previous = entry->previous;
        deadlines->n_entries--;
        free(entry);
}

void deadlines_on_connection(void *deadlines,
                             struct MHD_Connection *connection,
                             void **context,
                             enum MHD_ConnectionNotificationCode code) {
        assert(deadlines);

        if (code == MHD_CONNECTION_NOTIFY_STARTED)
                *context = deadlines_add(deadlines, connection);
        else {
                deadlines_remove(deadlines, *context);
                *context = NULL;
        }
}

void deadlines_on_completed(void *deadlines,
                            struct MHD_Connection *connection,
                            void **request,
                            enum MHD_RequestTerminationCode code) {
        const union MHD_ConnectionInfo *info =
                MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        DeadlineEntry *entry = info ? info->socket_context : NULL;

        if (entry)
                entry->since_usec = clock_usec(CLOCK_BOOTTIME);
}

void deadlines_enforce(const Deadlines *deadlines, usec_t now_usec) {
        assert(deadlines);

        for (const DeadlineEntry *entry = deadlines->entries; entry; entry = entry->next)
                if (now_usec > entry->since_usec && now_usec - entry->since_usec > DEADLINE_USEC)
                        (void)shutdown(entry->fd, SHUT_RDWR);
}
