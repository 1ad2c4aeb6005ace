/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An HTTP client that shares a loop with the server it talks to
 *
 * While the client waits, the loop turns; so there is no thread, and nothing
 * waits longer than it has to. A wait of more than HTTP_CLIENT_PATIENCE_SEC
 * fails the test.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/text.h"

#define HTTP_CLIENT_PATIENCE_SEC 20

typedef struct HttpClient {
        sd_event *event;
        int fd;
        Text received;  /* and not yet taken as an answer */
        bool is_closed; /* by the server */
} HttpClient;

typedef struct HttpAnswer {
        unsigned status; /* 0: the connection was closed instead */
        char *head;      /* from the status line to the empty line */
        char *body;      /* with a NUL behind it */
        size_t body_size;
} HttpAnswer;

/* Begins to connect to 127.0.0.1, from an address of the loopback network. */
void http_client_init(HttpClient *client, sd_event *event, const char *from, uint16_t port);
void http_client_done(HttpClient *client);

/* Sends it all, unless the server closes the connection before that. */
void http_client_send_bytes(HttpClient *client, const char *bytes, size_t size);
void http_client_send(HttpClient *client, const char *string);

/* Waits for an answer; one to HEAD has no body. */
HttpAnswer http_client_receive(HttpClient *client, bool has_body);
void http_answer_done(HttpAnswer *answer);

/* Waits until the server closes the connection. What it still sent is kept. */
void http_client_wait_closed(HttpClient *client);

/* Sends a request that is given in full and waits for its answer. */
HttpAnswer http_client_ask(HttpClient *client, const char *request);

/* The same on a connection of its own. */
HttpAnswer http_ask(sd_event *event, uint16_t port, const char *request);

/* Whether the answer has this line among its headers: "Allow: GET, HEAD". */
bool http_answer_has(const HttpAnswer *answer, const char *header);
