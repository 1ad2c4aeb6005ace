/* SPDX-License-Identifier: Apache-2.0 */

/* An HTTP client that shares a loop with the server it talks to */

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "http_client.h"

/* Room for the head of an answer. */
#define HEAD_BYTES_MAX 4096

void http_client_init(HttpClient *client, sd_event *event, const char *from, uint16_t port) {
        struct sockaddr_in address = { .sin_family = AF_INET };
        int r;

        *client = (HttpClient){ .event = event };
        client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        ck_assert_int_ge(client->fd, 0);

        ck_assert_int_eq(inet_pton(AF_INET, from, &address.sin_addr), 1);
        ck_assert_int_eq(bind(client->fd, (const struct sockaddr *)&address, sizeof address), 0);

        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        r = connect(client->fd, (const struct sockaddr *)&address, sizeof address);
        ck_assert(r == 0 || errno == EINPROGRESS);
}

void http_client_done(HttpClient *client) {
        client->fd = close_fd(client->fd);
        text_done(&client->received);
}

/* One turn of the loop: whatever is ready, or a hundredth of a second. */
static void http_client_turn(const HttpClient *client, usec_t begin_usec) {
        ck_assert_int_ge(sd_event_run(client->event, 10 * USEC_PER_MSEC), 0);
        ck_assert_msg(clock_usec(CLOCK_MONOTONIC) - begin_usec < HTTP_CLIENT_PATIENCE_SEC * USEC_PER_SEC,
                      "nothing came for %d s", HTTP_CLIENT_PATIENCE_SEC);
}

void http_client_send_bytes(HttpClient *client, const char *bytes, size_t size) {
        usec_t begin_usec = clock_usec(CLOCK_MONOTONIC);

        while (size > 0) {
                ssize_t n = send(client->fd, bytes, size, MSG_NOSIGNAL);

                if (n > 0) {
                        bytes += n;
                        size -= (size_t)n;
                        continue;
                }
                if (errno == EPIPE || errno == ECONNRESET)
                        return;
                ck_assert_msg(errno == EAGAIN || errno == ENOTCONN, "%s", strerror(errno));
                http_client_turn(client, begin_usec);
        }
}

void http_client_send(HttpClient *client, const char *string) {
        http_client_send_bytes(client, string, strlen(string));
}

/* Takes what has come. Returns false if nothing has. */
static bool http_client_take(HttpClient *client) {
        char bytes[65536];
        ssize_t n = recv(client->fd, bytes, sizeof bytes, 0);

        if (n > 0)
                text_append_bytes(&client->received, bytes, (size_t)n);
        else if (n == 0 || errno == ECONNRESET)
                client->is_closed = true;
        else
                ck_assert_msg(errno == EAGAIN || errno == ENOTCONN, "%s", strerror(errno));

        return n >= 0 || client->is_closed;
}

/* The size of the answer that stands first, 0 if it is not complete; reads its head. */
static size_t http_client_measure(const HttpClient *client, bool has_body, HttpAnswer *answer) {
        static const char name[] = "\r\nContent-Length: ";
        const char *end = NULL, *length;
        size_t head_size;

        if (client->received.length > 0)
                end = memmem(client->received.data, client->received.length, "\r\n\r\n", 4);
        if (!end)
                return 0;

        head_size = (size_t)(end - client->received.data) + 4;
        ck_assert_uint_lt(head_size, HEAD_BYTES_MAX);
        free(answer->head);
        answer->head = strndup(client->received.data, head_size);
        ck_assert_int_eq(sscanf(answer->head, "HTTP/1.1 %3u ", &answer->status), 1);

        length = strcasestr(answer->head, name);
        ck_assert_msg(length != NULL, "an answer without a length: %s", answer->head);
        answer->body_size = has_body ? strtoul(length + strlen(name), NULL, 10) : 0;
        return client->received.length >= head_size + answer->body_size ? head_size + answer->body_size : 0;
}

HttpAnswer http_client_receive(HttpClient *client, bool has_body) {
        usec_t begin_usec = clock_usec(CLOCK_MONOTONIC);
        HttpAnswer answer = { 0 };
        size_t size;

        while (!(size = http_client_measure(client, has_body, &answer))) {
                if (client->is_closed) {
                        http_answer_done(&answer);
                        return answer;
                }
                if (!http_client_take(client))
                        http_client_turn(client, begin_usec);
        }

        answer.body = calloc(1, answer.body_size + 1);
        memcpy(answer.body, client->received.data + size - answer.body_size, answer.body_size);
        memmove(client->received.data, client->received.data + size, client->received.length - size);
        client->received.length -= size;
        return answer;
}

void http_answer_done(HttpAnswer *answer) {
        free(answer->head);
        free(answer->body);
        *answer = (HttpAnswer){ 0 };
}

void http_client_wait_closed(HttpClient *client) {
        usec_t begin_usec = clock_usec(CLOCK_MONOTONIC);

        while (!client->is_closed)
                if (!http_client_take(client))
                        http_client_turn(client, begin_usec);
}

HttpAnswer http_client_ask(HttpClient *client, const char *request) {
        http_client_send(client, request);
        return http_client_receive(client, strncmp(request, "HEAD ", 5) != 0);
}

HttpAnswer http_ask(sd_event *event, uint16_t port, const char *request) {
        HttpAnswer answer;
        HttpClient client;

        http_client_init(&client, event, "127.0.0.1", port);
        answer = http_client_ask(&client, request);
        http_client_done(&client);
        return answer;
}

bool http_answer_has(const HttpAnswer *answer, const char *header) {
        const char *at = answer->head ? strcasestr(answer->head, header) : NULL;

        return at && at[-1] == '\n' && at[strlen(header)] == '\r';
}
