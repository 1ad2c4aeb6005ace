/* SPDX-License-Identifier: Apache-2.0 */

/* What the HTTP server answers */

#include <stdio.h>
#include <string.h>

#include "http_fixture.h"
#include "suite.h"

/* ---- what is answered ---- */

#define TEXT_TYPE        "Content-Type: text/plain; version=0.0.4; charset=utf-8"
#define OPENMETRICS_TYPE "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8"

static const struct {
        const char *header;
        const char *type;
        const char *first;
        const char *last;
} formats[] = {
        { "", TEXT_TYPE, "# HELP ", "\n" },
        { "Accept: text/plain\r\n", TEXT_TYPE, "# HELP ", "\n" },
        { "Accept: application/openmetrics-text\r\n", OPENMETRICS_TYPE, "# TYPE ", "\n# EOF\n" },
        { "aCCEPT:application/openmetrics-text;q=0.9, text/plain;q=0.1\r\n", OPENMETRICS_TYPE, "# TYPE ",
          "\n# EOF\n" },
};

START_TEST(metrics_come_in_the_format_that_was_asked_for)
{
        char request[256];
        HttpAnswer answer;

        publish(0, 7, 0);
        boottime_usec += 5700 * USEC_PER_MSEC;
        (void)snprintf(request, sizeof request, "GET /metrics HTTP/1.1\r\nHost: here\r\n%s\r\n",
                       formats[_i].header);
        answer = ask(request);

        ck_assert_uint_eq(answer.status, 200);
        ck_assert(http_answer_has(&answer, formats[_i].type));
        ck_assert(http_answer_has(&answer, "Vary: Accept"));
        ck_assert(http_answer_has(&answer, "Age: 5"));
        ck_assert_ptr_nonnull(strstr(answer.body, "\nsockwatch_tcp_sockets{state=\"established\"} 7\n"));
        ck_assert_ptr_eq(strstr(answer.body, formats[_i].first), answer.body);
        ck_assert_str_eq(answer.body + answer.body_size - strlen(formats[_i].last), formats[_i].last);
        http_answer_done(&answer);
}
END_TEST

static const char *const paths[] = { "/metrics", "/", "/-/healthy", "/-/ready", "/nowhere" };

START_TEST(head_has_the_headers_of_get_and_no_body)
{
        HttpAnswer get, head;
        HttpClient client;
        char request[128];

        publish(0, 7, 0);
        get = ask_for("GET", paths[_i]);
        ck_assert_uint_gt(get.body_size, 0);

        /* A body would stand before the end of the connection. */
        http_client_init(&client, event, "127.0.0.1", port);
        (void)snprintf(request, sizeof request,
                       "HEAD %s HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n", paths[_i]);
        head = http_client_ask(&client, request);
        http_answer_done(&head);
        http_client_wait_closed(&client);
        ck_assert_uint_eq(client.received.length, 0);
        http_client_done(&client);

        head = ask_for("HEAD", paths[_i]);
        /* They may have been answered in different seconds. */
        memset(strstr(get.head, "\nDate: "), '-', strlen("\nDate: Sun, 22 Nov 2026 14:05:30"));
        memset(strstr(head.head, "\nDate: "), '-', strlen("\nDate: Sun, 22 Nov 2026 14:05:30"));
        ck_assert_str_eq(head.head, get.head);
        http_answer_done(&get);
        http_answer_done(&head);
}
END_TEST

static const char *const nowhere[] = {
        "/metric", "/metrics/",   "/metricss",    "/METRICS",        "//metrics",
        "/-/",     "/-",          "/-/health",    "/-/healthy/more", "/../../etc/passwd",
        "/%00",    "/metrics%00", "/%6detrics",   "/metrics%2f",     "/api/v1",
        "*",       "metrics",     "/metrics%00x",
};

START_TEST(anything_else_is_not_found)
{
        HttpAnswer answer;

        publish(0, 7, 0);
        answer = ask_for("GET", nowhere[_i]);
        ck_assert_uint_eq(answer.status, 404);
        ck_assert_ptr_nonnull(strstr(answer.body, "/metrics"));
        http_answer_done(&answer);
}
END_TEST

static const char *const methods[] = {
        "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW", "get", "GETT", "G",
};

START_TEST(other_methods_are_not_allowed)
{
        HttpAnswer answer;

        publish(0, 7, 0);
        answer = ask_for(methods[_i], "/metrics");
        ck_assert_uint_eq(answer.status, 405);
        ck_assert(http_answer_has(&answer, "Allow: GET, HEAD"));
        http_answer_done(&answer);
        assert_alive();
}
END_TEST

static const struct {
        bool is_published;
        usec_t age_usec; /* of the sample, or since the start */
        const char *path;
        unsigned status;
        const char *body;
} health[] = {
        { false, 0, "/-/healthy", 200, "starting: the first sample is being taken\n" },
        { false, 0, "/-/ready", 503, "starting: the first sample is being taken\n" },
        { false, 10 * USEC_PER_SEC, "/-/healthy", 200, "starting: " },
        { false, 10500 * USEC_PER_MSEC, "/-/healthy", 503,
          "stale: sampling was begun without a sample 10.5 s ago and 10.0 s is the limit; " },
        { false, 10500 * USEC_PER_MSEC, "/-/ready", 503, "stale: " },
        { true, 0, "/-/healthy", 200, "ok: the last sample was taken 0.0 s ago\n" },
        { true, 0, "/-/ready", 200, "ok: the last sample was taken 0.0 s ago\n" },
        { true, 10 * USEC_PER_SEC, "/-/healthy", 200, "ok: the last sample was taken 10.0 s ago\n" },
        { true, 10 * USEC_PER_SEC, "/-/ready", 200, "ok: " },
        { true, USEC_PER_HOUR, "/-/healthy", 503,
          "stale: the last sample was taken 3600.0 s ago and 10.0 s is the limit; " },
        { true, USEC_PER_HOUR, "/-/ready", 503, "stale: " },
};

START_TEST(health_is_that_of_the_newest_sample)
{
        HttpAnswer answer;

        if (health[_i].is_published) {
                boottime_usec += USEC_PER_HOUR;
                publish(0, 7, 0);
        }
        boottime_usec += health[_i].age_usec;
        answer = ask_for("GET", health[_i].path);

        ck_assert_uint_eq(answer.status, health[_i].status);
        ck_assert_msg(strstr(answer.body, health[_i].body) == answer.body, "%s", answer.body);
        ck_assert(http_answer_has(&answer, "Cache-Control: no-store"));
        http_answer_done(&answer);
}
END_TEST

START_TEST(health_recovers_with_the_next_sample)
{
        HttpAnswer answer;

        publish(0, 7, 0);
        boottime_usec += USEC_PER_HOUR;
        answer = ask_for("GET", "/-/healthy");
        ck_assert_uint_eq(answer.status, 503);
        http_answer_done(&answer);

        publish(1, 7, 0);
        answer = ask_for("GET", "/-/healthy");
        ck_assert_uint_eq(answer.status, 200);
        http_answer_done(&answer);
}
END_TEST

START_TEST(metrics_are_served_however_old_they_are)
{
        HttpAnswer answer;

        publish(0, 7, 0);
        boottime_usec += USEC_PER_HOUR;
        answer = ask_for("GET", "/metrics");
        ck_assert_uint_eq(answer.status, 200);
        ck_assert(http_answer_has(&answer, "Age: 3600"));
        http_answer_done(&answer);
}
END_TEST

START_TEST(before_the_first_sample_there_are_no_metrics)
{
        HttpAnswer answer = ask_for("GET", "/metrics");

        ck_assert_uint_eq(answer.status, 503);
        http_answer_done(&answer);
}
END_TEST

START_TEST(the_landing_page_leads_on)
{
        static const char *const links[] = { "href=\"/metrics\"", "href=\"/-/healthy\"",
                                             "href=\"/-/ready\"" };
        HttpAnswer answer = ask_for("GET", "/");

        ck_assert_uint_eq(answer.status, 200);
        ck_assert(http_answer_has(&answer, "Content-Type: text/html; charset=utf-8"));
        for (size_t i = 0; i < ELEMENTSOF(links); i++)
                ck_assert_ptr_nonnull(strstr(answer.body, links[i]));
        http_answer_done(&answer);
}
END_TEST

static const char *const queries[] = {
        "/metrics?",    "/metrics?x=1", "/metrics?name[]=up&name[]=down",
        "/-/healthy?a", "/?q=<script>", "/?%00",
};

START_TEST(a_query_changes_nothing)
{
        HttpAnswer answer;

        publish(0, 7, 0);
        answer = ask_for("GET", queries[_i]);
        ck_assert_uint_eq(answer.status, 200);
        ck_assert_ptr_null(strstr(answer.body, "script"));
        http_answer_done(&answer);
}
END_TEST

START_TEST(a_connection_is_kept_for_the_next_request)
{
        static const char request[] = "GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n";
        HttpAnswer answer;
        HttpClient client;

        publish(0, 7, 0);
        http_client_init(&client, event, "127.0.0.1", port);
        for (unsigned i = 0; i < 3; i++) {
                answer = http_client_ask(&client, request);
                ck_assert_uint_eq(answer.status, 200);
                http_answer_done(&answer);
        }

        /* All at once. */
        for (unsigned i = 0; i < 3; i++)
                http_client_send(&client, request);
        for (unsigned i = 0; i < 3; i++) {
                answer = http_client_receive(&client, /* has_body= */ true);
                ck_assert_uint_eq(answer.status, 200);
                http_answer_done(&answer);
        }
        ck_assert(!client.is_closed);
        http_client_done(&client);
}
END_TEST

START_TEST(a_request_with_a_body_is_answered_as_without)
{
        HttpAnswer answer;

        publish(0, 7, 0);
        answer = ask("GET /metrics HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n\r\nhello");
        ck_assert_uint_eq(answer.status, 200);
        http_answer_done(&answer);
}
END_TEST

/* ---- pages ---- */

static const char *const accepts[] = { "text/plain", "application/openmetrics-text" };

static HttpAnswer ask_for_page(const char *accept) {
        char request[256];

        (void)snprintf(request, sizeof request, "GET /metrics HTTP/1.1\r\nHost: here\r\nAccept: %s\r\n\r\n",
                       accept);
        return ask(request);
}

START_TEST(a_page_is_rendered_once_per_sample)
{
        HttpAnswer first, again, next;

        publish(0, 7, 0);
        first = ask_for_page(accepts[_i]);

        /* Nobody may do this: it shows that the sample is not looked at again. */
        sample_set(&samples[0], VALUE_TCP_ESTABLISHED, 8);
        again = ask_for_page(accepts[_i]);
        ck_assert_str_eq(again.body, first.body);

        publish(1, 9, 0);
        next = ask_for_page(accepts[_i]);
        ck_assert_ptr_nonnull(strstr(next.body, "{state=\"established\"} 9\n"));

        http_answer_done(&first);
        http_answer_done(&again);
        http_answer_done(&next);
}
END_TEST

START_TEST(a_page_that_is_being_sent_outlives_its_sample)
{
        uint16_t narrow = server_add_port(/* send_bytes= */ 4096);
        HttpAnswer first, slow;
        HttpClient client;

        publish(0, 7, LISTENERS_MAX);
        first = ask_for_page(accepts[_i]);
        ck_assert_uint_gt(first.body_size, 256 * 1024);

        /* The client does not read yet and there is little room on the way, so most of the page waits. */
        http_client_init(&client, event, "127.0.0.1", narrow);
        http_client_send(&client, "GET /metrics HTTP/1.1\r\nHost: here\r\nAccept: ");
        http_client_send(&client, accepts[_i]);
        http_client_send(&client, "\r\n\r\n");
        turn_until_idle();

        publish(1, 8, 0);
        publish(0, 9, 0);
        assert_alive();

        slow = http_client_receive(&client, /* has_body= */ true);
        ck_assert_uint_eq(slow.body_size, first.body_size);
        ck_assert_str_eq(slow.body, first.body);
        http_client_done(&client);
        http_answer_done(&first);
        http_answer_done(&slow);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("server");
        TCase *answers = tcase_create("answers"), *pages = tcase_create("pages"),
              *all[] = { answers, pages };

        for (size_t i = 0; i < ELEMENTSOF(all); i++) {
                tcase_add_checked_fixture(all[i], server_setup, server_teardown);
                tcase_set_timeout(all[i], 2 * HTTP_CLIENT_PATIENCE_SEC);
                suite_add_tcase(suite, all[i]);
        }

        tcase_add_loop_test(answers, metrics_come_in_the_format_that_was_asked_for, 0, ELEMENTSOF(formats));
        tcase_add_loop_test(answers, head_has_the_headers_of_get_and_no_body, 0, ELEMENTSOF(paths));
        tcase_add_loop_test(answers, anything_else_is_not_found, 0, ELEMENTSOF(nowhere));
        tcase_add_loop_test(answers, other_methods_are_not_allowed, 0, ELEMENTSOF(methods));
        tcase_add_loop_test(answers, health_is_that_of_the_newest_sample, 0, ELEMENTSOF(health));
        tcase_add_test(answers, health_recovers_with_the_next_sample);
        tcase_add_test(answers, metrics_are_served_however_old_they_are);
        tcase_add_test(answers, before_the_first_sample_there_are_no_metrics);
        tcase_add_test(answers, the_landing_page_leads_on);
        tcase_add_loop_test(answers, a_query_changes_nothing, 0, ELEMENTSOF(queries));
        tcase_add_test(answers, a_connection_is_kept_for_the_next_request);
        tcase_add_test(answers, a_request_with_a_body_is_answered_as_without);

        tcase_add_loop_test(pages, a_page_is_rendered_once_per_sample, 0, ELEMENTSOF(accepts));
        tcase_add_loop_test(pages, a_page_that_is_being_sent_outlives_its_sample, 0, ELEMENTSOF(accepts));

        return suite_main(suite);
}
