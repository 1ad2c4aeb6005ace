/* SPDX-License-Identifier: Apache-2.0 */

/* Clients that keep the HTTP server waiting, in real time */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "exporters/http/deadline.h"
#include "http_fixture.h"
#include "suite.h"

/* The library counts whole seconds. */
#define SILENCE_MIN_USEC ((HTTP_SILENCE_SEC - 1) * USEC_PER_SEC)
#define SILENCE_MAX_USEC ((HTTP_SILENCE_SEC + 2) * USEC_PER_SEC)

/* Accepting, two or three sweeps, the timeout: not a loop that spins. */
#define TURNS_MAX 20

static bool is_open(const HttpClient *client) {
        char byte;

        return recv(client->fd, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

static const char *const beginnings[] = { "", "GET /metrics HT", "GET /metrics HTTP/1.1\r\nHost: here\r\n" };

START_TEST(a_silent_client_is_let_go_and_the_loop_rests_meanwhile)
{
        usec_t begin_usec = clock_usec(CLOCK_MONOTONIC), silent_usec;
        unsigned n_turns = 0;
        HttpClient client;

        publish(0, 7, 0);
        http_client_init(&client, event, "127.0.0.1", port);
        http_client_send(&client, beginnings[_i]);
        while (is_open(&client)) {
                n_turns += sd_event_run(event, 100 * USEC_PER_MSEC) > 0;
                ck_assert_uint_lt(clock_usec(CLOCK_MONOTONIC) - begin_usec, SILENCE_MAX_USEC);
        }
        silent_usec = clock_usec(CLOCK_MONOTONIC) - begin_usec;

        ck_assert_uint_gt(silent_usec, SILENCE_MIN_USEC);
        ck_assert_uint_le(n_turns, TURNS_MAX);
        http_client_done(&client);
        assert_alive();
}
END_TEST

START_TEST(a_client_that_trickles_is_let_go_and_one_that_gets_on_is_kept)
{
        static const char request[] = "GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n";
        usec_t begin_usec = clock_usec(CLOCK_MONOTONIC);
        HttpClient trickling, working;
        HttpAnswer answer;

        publish(0, 7, 0);
        http_client_init(&trickling, event, "127.0.0.1", port);
        http_client_init(&working, event, "127.0.0.1", port);
        http_client_send(&trickling, "GET /metrics HTTP/1.1\r\nX: ");
        answer = http_client_ask(&working, request);
        http_answer_done(&answer);

        boottime_usec += DEADLINE_USEC + USEC_PER_SEC;
        answer = http_client_ask(&working, request);
        http_answer_done(&answer);
        while (is_open(&trickling)) {
                if (sd_event_run(event, 100 * USEC_PER_MSEC) == 0)
                        http_client_send(&trickling, "x");
                /* Before it could be taken for silent. */
                ck_assert_uint_lt(clock_usec(CLOCK_MONOTONIC) - begin_usec, SILENCE_MIN_USEC);
        }

        answer = http_client_ask(&working, request);
        ck_assert_uint_eq(answer.status, 200);
        http_answer_done(&answer);
        http_client_done(&trickling);
        http_client_done(&working);
        assert_alive();
}
END_TEST

int main(void) {
        Suite *suite = suite_create("patience");
        TCase *waiting = tcase_create("waiting");

        tcase_add_checked_fixture(waiting, server_setup, server_teardown);
        tcase_set_timeout(waiting, 60);
        tcase_add_loop_test(waiting, a_silent_client_is_let_go_and_the_loop_rests_meanwhile, 0,
                            ELEMENTSOF(beginnings));
        tcase_add_test(waiting, a_client_that_trickles_is_let_go_and_one_that_gets_on_is_kept);
        suite_add_tcase(suite, waiting);

        return suite_main(suite);
}
