/* SPDX-License-Identifier: Apache-2.0 */

/* Clients that could hurt the HTTP server, and where it listens */

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "http_fixture.h"
#include "suite.h"

/* ---- clients that could hurt ---- */

static const struct {
        size_t size; /* of the path, or of the header */
        const char *format;
        unsigned status;
} heads[] = {
        { 1000, "GET /metrics?%s HTTP/1.1\r\nHost: here\r\n\r\n", 200 },
        { 1000, "GET /metrics HTTP/1.1\r\nHost: here\r\nX: %s\r\n\r\n", 200 },
        { 20000, "GET /metrics?%s HTTP/1.1\r\nHost: here\r\n\r\n", 414 },
        { 20000, "GET /metrics HTTP/1.1\r\nHost: here\r\nX: %s\r\n\r\n", 431 },
        { 2000000, "GET /metrics?%s HTTP/1.1\r\nHost: here\r\n\r\n", 414 },
        { 2000000, "GET /metrics HTTP/1.1\r\nHost: here\r\nX: %s\r\n\r\n", 431 },
};

static HttpAnswer ask_with_filling(const char *format, size_t size) {
        char *request = calloc(1, strlen(format) + size);
        size_t before = strcspn(format, "%");
        HttpAnswer answer;

        memcpy(request, format, before);
        memset(request + before, 'x', size);
        strcpy(request + before + size, format + before + strlen("%s"));
        answer = ask(request);
        free(request);
        return answer;
}

START_TEST(a_head_that_is_too_long_is_refused)
{
        HttpAnswer answer;

        publish(0, 7, 0);
        answer = ask_with_filling(heads[_i].format, heads[_i].size);
        /* A client that is still sending may lose the answer when the connection ends. */
        ck_assert_msg(answer.status == heads[_i].status || (answer.status == 0 && heads[_i].size > 1000000),
                      "%u", answer.status);
        http_answer_done(&answer);
        assert_alive();
}
END_TEST

START_TEST(a_head_about_as_long_as_its_limit_is_answered_refused_or_cut_off)
{
        publish(0, 7, 0);
        for (size_t size = 15500; size <= 16500; size += 25) {
                HttpAnswer answer = ask_with_filling(heads[1].format, size);

                /* Where the head just fits, there is no room left for that of the answer. */
                ck_assert_msg(answer.status == 200 || answer.status == 431 ||
                                      (answer.status == 0 && size > 16000 && size < 16400),
                              "%u with %zu bytes", answer.status, size);
                http_answer_done(&answer);
        }
        assert_alive();
}
END_TEST

START_TEST(a_head_of_very_many_lines_is_refused)
{
        Text text = { 0 };
        HttpAnswer answer;

        publish(0, 7, 0);
        text_append(&text, "GET /metrics HTTP/1.1\r\nHost: here\r\n");
        for (unsigned i = 0; i < 2000; i++)
                text_append(&text, "X: y\r\n");
        text_append_bytes(&text, "\r\n", 3);

        answer = ask(text.data);
        ck_assert_uint_eq(answer.status, 431);
        http_answer_done(&answer);
        text_done(&text);
        assert_alive();
}
END_TEST

static const char *const garbage[] = {
        "\r\n\r\n\r\n\r\n",
        "GET\r\n\r\n",
        "GET /metrics\r\n\r\n",
        "GET /metrics HTTP/9.9\r\n\r\n",
        "GET  /metrics  HTTP/1.1\r\n\r\n",
        "\x16\x03\x01\x02\x01\x01\x01\xfc\x03\x03 a client that wants TLS\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nno colon here\r\n\r\n",
        "GET /metrics HTTP/1.1\r\n: no name\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: here\r\nContent-Length: -1\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: here\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
};

START_TEST(garbage_does_not_stop_the_server)
{
        HttpClient client;

        publish(0, 7, 0);
        http_client_init(&client, event, "127.0.0.1", port);
        http_client_send(&client, garbage[_i]);
        assert_alive();
        ck_assert_int_eq(shutdown(client.fd, SHUT_WR), 0);
        assert_alive();
        http_client_done(&client);
        assert_alive();
}
END_TEST

#define MANY 200

START_TEST(very_many_connections_leave_the_server_alive)
{
        static HttpClient clients[MANY];
        unsigned n_answered = 0;

        publish(0, 7, 0);
        for (size_t i = 0; i < MANY; i++)
                http_client_init(&clients[i], event, "127.0.0.1", port);
        for (size_t i = 0; i < MANY; i++) {
                HttpAnswer answer =
                        http_client_ask(&clients[i], "GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n");

                ck_assert_msg(answer.status == 200 || answer.status == 0, "%u", answer.status);
                n_answered += answer.status == 200;
                http_answer_done(&answer);
        }
        ck_assert_uint_eq(n_answered, HTTP_CONNECTIONS_PER_ADDRESS_MAX);

        for (size_t i = 0; i < MANY; i++)
                http_client_done(&clients[i]);
        turn_until_idle();
        assert_alive();
}
END_TEST

/* From as many addresses as it takes to reach the limit of connections in all. */
#define FULL (HTTP_CONNECTIONS_MAX / HTTP_CONNECTIONS_PER_ADDRESS_MAX)

START_TEST(a_server_that_was_full_answers_as_soon_as_it_is_not)
{
        static HttpClient clients[HTTP_CONNECTIONS_MAX];
        HttpClient waiting;
        HttpAnswer answer;

        publish(0, 7, 0);
        for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
                char from[16];

                (void)snprintf(from, sizeof from, "127.0.0.%zu", 2 + i % FULL);
                http_client_init(&clients[i], event, from, port);
                answer = http_client_ask(&clients[i], "GET /-/healthy HTTP/1.1\r\nHost: here\r\n\r\n");
                ck_assert_uint_eq(answer.status, 200);
                http_answer_done(&answer);
        }

        /* One more has to wait for the others, and no longer. */
        http_client_init(&waiting, event, "127.0.0.1", port);
        http_client_send(&waiting, "GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n");
        for (unsigned i = 0; i < 10; i++)
                ck_assert_int_ge(sd_event_run(event, USEC_PER_MSEC), 0);
        for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++)
                http_client_done(&clients[i]);

        answer = http_client_receive(&waiting, /* has_body= */ true);
        ck_assert_uint_eq(answer.status, 200);
        http_answer_done(&answer);
        http_client_done(&waiting);
        assert_alive();
}
END_TEST

/* Connects from as many addresses as it takes, asks on each connection and keeps it. Returns how many
 * were answered. */
static unsigned count_answers(HttpClient *clients, size_t n, uint16_t to_port) {
        unsigned n_answered = 0;

        for (size_t i = 0; i < n; i++) {
                HttpAnswer answer;
                char from[16];

                (void)snprintf(from, sizeof from, "127.0.0.%zu", 2 + i / HTTP_CONNECTIONS_PER_ADDRESS_MAX);
                http_client_init(&clients[i], event, from, to_port);
                answer = http_client_ask(&clients[i], "GET /-/healthy HTTP/1.1\r\nHost: here\r\n\r\n");
                n_answered += answer.status == 200;
                http_answer_done(&answer);
        }

        return n_answered;
}

static void close_all(HttpClient *clients, size_t n) {
        for (size_t i = 0; i < n; i++)
                http_client_done(&clients[i]);
        turn_until_idle();
}

START_TEST(the_limit_of_connections_is_that_of_all_ports_together)
{
        static HttpClient here[HTTP_CONNECTIONS_MAX / 2], there[HTTP_CONNECTIONS_MAX];
        uint16_t other = server_add_port(0);

        publish(0, 7, 0);
        ck_assert_uint_eq(count_answers(here, ELEMENTSOF(here), port), ELEMENTSOF(here));
        ck_assert_uint_eq(count_answers(there, ELEMENTSOF(there), other),
                          HTTP_CONNECTIONS_MAX - ELEMENTSOF(here));

        close_all(here, ELEMENTSOF(here));
        close_all(there, ELEMENTSOF(there));
        ck_assert_uint_eq(count_answers(there, ELEMENTSOF(there), other), HTTP_CONNECTIONS_MAX);
        close_all(there, ELEMENTSOF(there));
}
END_TEST

static const struct {
        rlim_t n_descriptors;
        unsigned n_connections;
} descriptors[] = {
        { 1024, HTTP_CONNECTIONS_MAX },
        { HTTP_DESCRIPTORS_RESERVED + HTTP_CONNECTIONS_MAX, HTTP_CONNECTIONS_MAX },
        { HTTP_DESCRIPTORS_RESERVED + 20, 20 },
        { HTTP_DESCRIPTORS_RESERVED + 1, 1 },
        { HTTP_DESCRIPTORS_RESERVED, 1 },
};

START_TEST(there_are_no_more_connections_than_descriptors_allow)
{
        static HttpClient clients[HTTP_CONNECTIONS_MAX];
        struct rlimit before, limit;

        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
        limit = before;
        limit.rlim_cur = descriptors[_i].n_descriptors;
        server_teardown();
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        server_setup();
        publish(0, 7, 0);

        /* The clients are of this process too. */
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
        ck_assert_uint_eq(count_answers(clients, ELEMENTSOF(clients), port), descriptors[_i].n_connections);
        close_all(clients, ELEMENTSOF(clients));
        assert_alive();
}
END_TEST

START_TEST(a_slow_client_holds_nobody_up)
{
        HttpAnswer answer;
        HttpClient slow;

        publish(0, 7, 0);
        http_client_init(&slow, event, "127.0.0.1", port);
        http_client_send(&slow, "GET /metrics HT");
        for (unsigned i = 0; i < 10; i++)
                assert_alive();

        answer = http_client_ask(&slow, "TP/1.1\r\nHost: here\r\n\r\n");
        ck_assert_uint_eq(answer.status, 200);
        http_answer_done(&answer);
        http_client_done(&slow);
}
END_TEST

static const size_t bodies[] = { 0, 1, 1000, 100000, 10000000 };

START_TEST(a_body_that_nobody_wants_is_refused)
{
        char *body = calloc(1, bodies[_i] + 1), head[128];
        HttpClient client;
        HttpAnswer answer;

        publish(0, 7, 0);
        (void)snprintf(head, sizeof head,
                       "POST /metrics HTTP/1.1\r\nHost: here\r\nContent-Length: %zu\r\n\r\n", bodies[_i]);
        http_client_init(&client, event, "127.0.0.1", port);
        http_client_send(&client, head);
        http_client_send_bytes(&client, body, bodies[_i]);
        answer = http_client_receive(&client, /* has_body= */ true);

        /* A client that is still sending may lose the answer when the connection ends. */
        ck_assert_msg(answer.status == 405 || (answer.status == 0 && bodies[_i] > 0), "%u", answer.status);
        http_answer_done(&answer);
        http_client_done(&client);
        free(body);
        assert_alive();
}
END_TEST

START_TEST(a_client_that_leaves_in_the_middle_takes_nothing_along)
{
        publish(0, 7, LISTENERS_MAX);
        for (unsigned i = 0; i < 50; i++) {
                const struct linger at_once = { .l_onoff = 1 };
                HttpClient client;

                http_client_init(&client, event, "127.0.0.1", port);
                http_client_send(&client, "GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n");
                for (unsigned turn = 0; turn < i % 5; turn++)
                        ck_assert_int_ge(sd_event_run(event, 0), 0);
                ck_assert_int_eq(setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
                http_client_done(&client);
        }
        assert_alive();
}
END_TEST

/* ---- places to listen ---- */

START_TEST(every_port_serves_the_same)
{
        uint16_t other = server_add_port(0);
        HttpAnswer here, there;

        publish(0, 7, 0);
        here = http_ask(event, port, "GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n");
        there = http_ask(event, other, "GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n");
        ck_assert_uint_eq(there.status, 200);
        ck_assert_str_eq(here.body, there.body);
        http_answer_done(&here);
        http_answer_done(&there);
}
END_TEST

START_TEST(a_port_too_many_is_refused_and_closed)
{
        int fd;

        for (unsigned i = 1; i < HTTP_LISTENERS_MAX; i++)
                (void)server_add_port(0);

        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(http_server_listen(server, fd), -EMFILE);
        ck_assert_int_lt(close(fd), 0);
}
END_TEST

START_TEST(a_server_that_ends_closes_its_ports_and_connections)
{
        struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_port = htons(port),
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        HttpClient client;
        HttpAnswer answer;
        int fd;

        publish(0, 7, 0);
        http_client_init(&client, event, "127.0.0.1", port);
        answer = http_client_ask(&client, "GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n");
        http_answer_done(&answer);

        server = http_server_free(server);
        http_client_wait_closed(&client);
        http_client_done(&client);
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_lt(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
        (void)close_fd(fd);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("server-limits");
        TCase *limits = tcase_create("limits"), *ports = tcase_create("ports"), *all[] = { limits, ports };

        for (size_t i = 0; i < ELEMENTSOF(all); i++) {
                tcase_add_checked_fixture(all[i], server_setup, server_teardown);
                tcase_set_timeout(all[i], 2 * HTTP_CLIENT_PATIENCE_SEC);
                suite_add_tcase(suite, all[i]);
        }

        tcase_add_loop_test(limits, a_head_that_is_too_long_is_refused, 0, ELEMENTSOF(heads));
        tcase_add_test(limits, a_head_about_as_long_as_its_limit_is_answered_refused_or_cut_off);
        tcase_add_test(limits, a_head_of_very_many_lines_is_refused);
        tcase_add_loop_test(limits, garbage_does_not_stop_the_server, 0, ELEMENTSOF(garbage));
        tcase_add_test(limits, very_many_connections_leave_the_server_alive);
        tcase_add_test(limits, a_server_that_was_full_answers_as_soon_as_it_is_not);
        tcase_add_test(limits, the_limit_of_connections_is_that_of_all_ports_together);
        tcase_add_loop_test(limits, there_are_no_more_connections_than_descriptors_allow, 0,
                            ELEMENTSOF(descriptors));
        tcase_add_test(limits, a_slow_client_holds_nobody_up);
        tcase_add_loop_test(limits, a_body_that_nobody_wants_is_refused, 0, ELEMENTSOF(bodies));
        tcase_add_test(limits, a_client_that_leaves_in_the_middle_takes_nothing_along);

        tcase_add_test(ports, every_port_serves_the_same);
        tcase_add_test(ports, a_port_too_many_is_refused_and_closed);
        tcase_add_test(ports, a_server_that_ends_closes_its_ports_and_connections);

        return suite_main(suite);
}
