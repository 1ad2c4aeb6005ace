/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An HTTP server to be tested, and its clock
 *
 * The linker puts __wrap_clock_gettime() in the place of clock_gettime().
 */

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "exporters/http/address.h"
#include "http_fixture.h"

/* ---- the clock ---- */

usec_t boottime_usec;

int __real_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret) {
        if (clock != CLOCK_BOOTTIME)
                return __real_clock_gettime(clock, ret);

        *ret = (struct timespec){
                .tv_sec = (time_t)(boottime_usec / USEC_PER_SEC),
                .tv_nsec = (long)(boottime_usec % USEC_PER_SEC * NSEC_PER_USEC),
        };
        return 0;
}

/* ---- the server ---- */

sd_event *event;
HttpServer *server;
uint16_t port;
Sample samples[2];

uint16_t server_add_port(int send_bytes) {
        char text[HTTP_ADDRESS_TEXT_SIZE];
        HttpAddress address;
        int fd;

        ck_assert_int_eq(http_address_parse("127.0.0.1:0", &address), 0);
        ck_assert_int_eq(http_address_listen(&address, &fd), 0);
        if (send_bytes > 0)
                ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes), 0);
        http_address_format(fd, text);
        ck_assert_int_eq(http_server_listen(server, fd), 0);
        return (uint16_t)atoi(strrchr(text, ':') + 1);
}

void server_setup(void) {
        /* As the daemon does. */
        (void)signal(SIGPIPE, SIG_IGN);
        boottime_usec = 1000 * USEC_PER_SEC;
        ck_assert_int_ge(sd_event_new(&event), 0);
        ck_assert_int_eq(http_server_new(event, USEC_PER_SEC, &server), 0);
        port = server_add_port(0);
}

void server_teardown(void) {
        server = http_server_free(server);
        event = sd_event_unref(event);
}

void publish(size_t i, uint64_t n_established, uint32_t n_listeners) {
        Sample *sample = &samples[i];

        sample_clear(sample);
        sample->realtime_usec = UINT64_C(1795000000000000) + boottime_usec;
        sample->boottime_usec = boottime_usec;
        sample_set(sample, VALUE_TCP_ESTABLISHED, n_established);
        sample->reports[COLLECTOR_LISTEN].is_present = true;
        for (; sample->n_listeners < n_listeners; sample->n_listeners++)
                sample->listeners[sample->n_listeners] = (ListenerRow){
                        .key.endpoint = {
                                .family = AF_INET,
                                .port = { (uint8_t)(sample->n_listeners >> 8), (uint8_t)sample->n_listeners },
                        },
                };
        http_server_publish(server, sample);
}

HttpAnswer ask(const char *request) {
        return http_ask(event, port, request);
}

HttpAnswer ask_for(const char *method, const char *path) {
        char request[256];

        (void)snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: here\r\n\r\n", method, path);
        return ask(request);
}

void assert_alive(void) {
        HttpAnswer answer = ask_for("GET", "/metrics");

        ck_assert_uint_eq(answer.status, 200);
        http_answer_done(&answer);
}

void turn_until_idle(void) {
        while (sd_event_run(event, 10 * USEC_PER_MSEC) > 0)
                continue;
}
