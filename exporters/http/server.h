/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Serving the newest sample over HTTP, on the caller's event loop
 *
 *   /metrics      the sample, in the format that Accept asks for
 *   /-/healthy    200 while samples are fresh, else 503 and why
 *   /-/ready      200 once there is a fresh sample, else 503 and why
 *   /             where to look
 *
 * GET and HEAD only. A page is rendered at most once per sample and format and
 * shared by all who ask. There is no thread and nothing blocks: a scrape is
 * answered from the newest sample that there is, however old, and its age is in
 * the answer (the header Age, and sockwatch_last_sample_timestamp_seconds).
 *
 * Limits, so that no client can hurt: connections in all and per address, bytes
 * of a request, time that a connection may be silent, time that it may take for
 * a request (deadline.h).
 */

#include <systemd/sd-event.h>

#include "base/clock.h"
#include "base/macro.h"
#include "store/sample.h"

/* Over all listening sockets; fewer where the process may not have as many
 * descriptors beside those that it needs itself. */
#define HTTP_CONNECTIONS_MAX             64
#define HTTP_DESCRIPTORS_RESERVED        40
#define HTTP_CONNECTIONS_PER_ADDRESS_MAX 16
#define HTTP_REQUEST_BYTES_MAX           (16 * 1024)
#define HTTP_SILENCE_SEC                 10

#define HTTP_LISTENERS_MAX               16

typedef struct HttpServer HttpServer;

/**
 * http_server_new() - a server that listens nowhere yet
 * @event:      the loop; a reference is taken
 * @interval_usec: of sampling, to judge freshness by
 *
 * Return: 0, -ENOMEM, or what sd-event returns.
 */
_warn_unused_ int http_server_new(sd_event *event, usec_t interval_usec, HttpServer **ret);

/* Closes all connections and listening sockets. */
HttpServer *http_server_free(HttpServer *server);
DEFINE_CLEANUP(HttpServer *, http_server_free)

/**
 * http_server_listen() - serve on a listening socket
 * @fd:         owned by the server from here on, also on failure
 *
 * Return: 0, -EMFILE if there are HTTP_LISTENERS_MAX already, -ENOMEM, or what
 * sd-event returns.
 */
_warn_unused_ int http_server_listen(HttpServer *server, int fd);

/* From now on this sample is served. It is borrowed until the next call or the server's end. */
void http_server_publish(HttpServer *server, const Sample *sample);
