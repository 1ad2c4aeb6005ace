/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Whose sockets: each process in a cgroup of its own
 *
 * A bare cgroup is called by its path, so the names that are expected are known.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "actor.h"
#include "cgroups.h"
#include "namespace.h"
#include "sockets.h"
#include "watch.h"

static Watch watch;

static void setup(void) {
        namespace_enter();
        cgroups_enter_own();
        watch_begin(&watch);
}

static void teardown(void) {
        watch_end(&watch);
}

/* ---- what actors do ---- */

#define SOCKETS_MAX 64

static const Route *route = &routes[0]; /* of all actors that are started from then on */
static int listener;
static int sockets[SOCKETS_MAX];
static uint64_t n_sockets;

static uint64_t do_name(uint64_t name) {
        return (uint64_t)prctl(PR_SET_NAME, (const char *)(uintptr_t)name);
}

/* Returns the port. */
static uint64_t do_listen(uint64_t backlog) {
        Spot at = spot(route->listen, 0);

        listener = listen_on(&at, (int)backlog);
        return spot_port(&at);
}

static uint64_t do_accept(uint64_t n) {
        for (; n > 0; n--) {
                sockets[n_sockets] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
                ck_assert_int_ge(sockets[n_sockets++], 0);
        }
        return 0;
}

static uint64_t do_accept_from(uint64_t fd) {
        listener = (int)fd;
        return do_accept(1);
}

static uint64_t do_connect(uint64_t port) {
        Spot to = spot(route->connect, (uint16_t)port);

        sockets[n_sockets++] = connect_to(&to);
        return (uint64_t)sockets[n_sockets - 1];
}

/* Does not wait until it is. */
static uint64_t do_begin_to_connect(uint64_t port) {
        Spot to = spot(route->connect, (uint16_t)port);

        sockets[n_sockets++] = connect_begin(&to);
        return 0;
}

static uint64_t do_shut_down(uint64_t argument) {
        for (uint64_t i = 0; i < n_sockets; i++)
                ck_assert_int_eq(shutdown(sockets[i], SHUT_WR), 0);
        return argument;
}

/* Once the other side has closed. */
static uint64_t do_close_after_the_end(uint64_t argument) {
        for (uint64_t i = 0; i < n_sockets; i++) {
                read_end(sockets[i]);
                ck_assert_int_eq(close(sockets[i]), 0);
        }
        n_sockets = 0;
        return argument;
}

static uint64_t do_close(uint64_t argument) {
        for (uint64_t i = 0; i < n_sockets; i++)
                ck_assert_int_eq(close(sockets[i]), 0);
        n_sockets = 0;
        return argument;
}

static uint64_t do_send(uint64_t n_bytes) {
        for (uint64_t i = 0; i < n_sockets; i++)
                write_bytes(sockets[i], (unsigned)n_bytes);
        return 0;
}

static uint64_t do_send_to_deaf_ears(uint64_t argument) {
        make_deaf_to_ack(listener);
        return argument;
}

static uint64_t do_move(uint64_t cgroup) {
        cgroup_enter((const char *)(uintptr_t)cgroup);
        return 0;
}

static uint64_t do_hand_over_listener(uint64_t argument) {
        (void)argument;
        return (uint64_t)listener;
}

static uint64_t named(const char *name) {
        return (uintptr_t)name;
}

/* ---- what is expected ---- */

/* Of a unit in the last sample; 0 if it has no row. */
static uint64_t count_of(const char *unit, unsigned state) {
        const UnitRow *row = sample_unit(watch.sample, unit);

        return row ? row->states[state] : 0;
}

static uint64_t count_in(const char *cgroup, unsigned state) {
        return count_of(cgroup_path(cgroup), state);
}

/* Likewise in the next sample. */
static uint64_t watch_in(const char *cgroup, unsigned state) {
        (void)watch_sample(&watch);
        return count_in(cgroup, state);
}

static uint64_t count_sockets(const UnitRow *row) {
        uint64_t n = 0;

        for (unsigned state = 0; state < _STATES; state++)
                n += row->states[state];
        return n;
}

/* A server in /serving and a client in /calling that is connected to it so many times. */
typedef struct Scene {
        Actor server;
        Actor client;
        uint16_t port;
} Scene;

static Scene scene_begin(unsigned n_connected) {
        Scene scene;

        cgroup_make("/serving");
        cgroup_make("/calling");
        scene.server = actor_start("/serving");
        scene.client = actor_start("/calling");
        actor_do(&scene.server, do_name, named("server"));
        actor_do(&scene.client, do_name, named("client"));
        scene.port = (uint16_t)actor_do(&scene.server, do_listen, 64);
        for (unsigned i = 0; i < n_connected; i++)
                actor_do(&scene.client, do_connect, scene.port);
        return scene;
}

static void scene_end(Scene *scene) {
        actor_end(&scene->server);
        actor_end(&scene->client);
}

START_TEST(the_unit_stands_on_the_listener_on_what_came_in_and_on_what_went_out)
{
        const ListenerRow *row;
        Scene scene;

        route = &routes[_i];
        scene = scene_begin(5);
        actor_do(&scene.server, do_accept, 2);

        AWAIT(watch_listener(&watch, route->listen, scene.port)->key.process[0] != '\0');
        row = sample_listener(watch.sample, route->listen, scene.port);
        ck_assert_str_eq(row->key.unit, cgroup_path("/serving"));
        ck_assert_str_eq(row->key.process, "server");
        ck_assert_uint_eq(row->states[STATE_ESTABLISHED], 5);

        /* Three of them wait to be accepted. */
        ck_assert_uint_eq(row->length, 3);
        ck_assert_uint_eq(count_in("/serving", STATE_LISTEN), 1);
        ck_assert_uint_eq(count_in("/serving", STATE_ESTABLISHED), 5);
        ck_assert_uint_eq(count_sockets(sample_unit(watch.sample, cgroup_path("/serving"))), 6);
        ck_assert_uint_eq(count_in("/calling", STATE_ESTABLISHED), 5);
        ck_assert_uint_eq(count_sockets(sample_unit(watch.sample, cgroup_path("/calling"))), 5);

        ck_assert_uint_eq(sample_unit(watch.sample, cgroup_path("/serving"))->n_processes, 1);
        ck_assert_uint_eq(sample_unit(watch.sample, cgroup_path("/calling"))->n_processes, 1);
        scene_end(&scene);
}
END_TEST

START_TEST(close_wait_is_split_into_accepted_and_never_accepted)
{
        Scene scene;

        route = &routes[_i];
        scene = scene_begin(7);
        actor_do(&scene.server, do_accept, 3);
        actor_do(&scene.client, do_shut_down, 0);

        AWAIT(watch_in("/serving", STATE_CLOSE_WAIT) == 7);
        ck_assert_uint_eq(sample_unit(watch.sample, cgroup_path("/serving"))->n_close_wait_accepted, 3);
        AWAIT(watch_in("/calling", STATE_FIN_WAIT2) == 7);

        actor_do(&scene.server, do_accept, 1);
        AWAIT(sample_unit(watch_sample(&watch), cgroup_path("/serving"))->n_close_wait_accepted == 4);
        ck_assert_uint_eq(count_in("/serving", STATE_CLOSE_WAIT), 7);
        scene_end(&scene);
}
END_TEST

START_TEST(bytes_are_those_of_the_unit_whose_sockets_hold_them)
{
        const UnitRow *row;
        Scene scene;

        route = &routes[_i];
        scene = scene_begin(4);
        actor_do(&scene.server, do_accept, 1);
        actor_do(&scene.client, do_send, 100);

        AWAIT(sample_unit(watch_sample(&watch), cgroup_path("/serving"))->receive_queue_bytes == 400);
        row = sample_unit(watch.sample, cgroup_path("/calling"));
        ck_assert_uint_eq(row->receive_queue_bytes, 0);
        AWAIT(watch_value(&watch, VALUE_TCP_SEND_QUEUE_BYTES) == 0);
        scene_end(&scene);
}
END_TEST

/* They carry no cgroup: the listener tells. Of a client's, nobody does. */
START_TEST(what_is_half_open_or_in_time_wait_is_its_listeners)
{
        Scene scene;

        route = &routes[_i];
        scene = scene_begin(6);
        actor_do(&scene.server, do_accept, 6);
        actor_do(&scene.server, do_close, 0);
        actor_do(&scene.client, do_close_after_the_end, 0);
        AWAIT(watch_in("/serving", STATE_TIME_WAIT) == 6);
        ck_assert_uint_eq(count_of(UNIT_UNATTRIBUTED, STATE_TIME_WAIT), 0);

        actor_do(&scene.client, do_connect, scene.port);
        actor_do(&scene.server, do_accept, 1);
        actor_do(&scene.client, do_close, 0);
        actor_do(&scene.server, do_close_after_the_end, 0);
        AWAIT(watch_value(&watch, VALUE_TCP_TIME_WAIT) == 7);
        ck_assert_uint_eq(count_in("/serving", STATE_TIME_WAIT), 6);
        ck_assert_uint_eq(count_of(UNIT_UNATTRIBUTED, STATE_TIME_WAIT), 1);

        actor_do(&scene.server, do_send_to_deaf_ears, 0);
        for (unsigned i = 0; i < 3; i++)
                actor_do(&scene.client, do_begin_to_connect, scene.port);
        AWAIT(watch_in("/serving", STATE_SYN_RECV) == 3);
        ck_assert_uint_eq(count_of(UNIT_UNATTRIBUTED, STATE_SYN_RECV), 0);
        scene_end(&scene);
}
END_TEST

/* A socket is its cgroup's in which it was made, an accepted one its listener's, whoever accepts it. */
START_TEST(a_process_that_is_moved_leaves_its_sockets_where_they_were)
{
        Scene scene = scene_begin(2);
        uint64_t port;

        cgroup_make("/moved");
        actor_do(&scene.server, do_accept, 1);
        AWAIT(watch_in("/serving", STATE_LISTEN) == 1);
        AWAIT(sample_unit(watch_sample(&watch), cgroup_path("/serving"))->n_processes == 1);
        actor_do(&scene.server, do_move, named("/moved"));
        actor_do(&scene.server, do_accept, 1);
        actor_do(&scene.client, do_connect, scene.port);
        port = actor_do(&scene.server, do_listen, 8);
        actor_do(&scene.client, do_connect, port);

        AWAIT(watch_in("/moved", STATE_LISTEN) == 1);
        ck_assert_uint_eq(count_in("/moved", STATE_ESTABLISHED), 1);
        ck_assert_uint_eq(count_in("/serving", STATE_LISTEN), 1);
        ck_assert_uint_eq(count_in("/serving", STATE_ESTABLISHED), 3);
        ck_assert_str_eq(sample_listener(watch.sample, route->listen, (uint16_t)port)->key.unit,
                         cgroup_path("/moved"));
        ck_assert_str_eq(sample_listener(watch.sample, route->listen, scene.port)->key.unit,
                         cgroup_path("/serving"));

        /* Which unit a process belongs to is looked up again now and then. */
        AWAIT(sample_unit(watch_sample(&watch), cgroup_path("/moved"))->n_processes == 1);
        ck_assert_uint_eq(sample_unit(watch.sample, cgroup_path("/serving"))->n_processes, 0);
        scene_end(&scene);
}
END_TEST

START_TEST(a_connection_is_its_listeners_even_if_a_process_of_another_unit_accepts_it)
{
        Scene scene = scene_begin(3);
        Actor worker;
        int fd;

        cgroup_make("/working");
        worker = actor_start("/working");
        fd = actor_pass(&scene.server, (int)actor_do(&scene.server, do_hand_over_listener, 0), &worker);
        actor_do(&worker, do_accept_from, (uint64_t)fd);

        AWAIT(watch_in("/serving", STATE_ESTABLISHED) == 3);
        ck_assert_uint_eq(count_in("/working", STATE_ESTABLISHED), 0);
        ck_assert_uint_eq(count_in("/working", STATE_LISTEN), 0);
        actor_end(&worker);
        scene_end(&scene);
}
END_TEST

START_TEST(a_cgroup_that_is_removed_keeps_its_name_while_its_sockets_live)
{
        Scene scene = scene_begin(2);
        char name[UNIT_NAME_SIZE];
        Actor heir;
        int fd;

        cgroup_make("/heir");
        heir = actor_start("/heir");
        (void)snprintf(name, sizeof name, "%s", cgroup_path("/serving"));
        AWAIT(watch_in("/serving", STATE_ESTABLISHED) == 2);

        fd = actor_pass(&scene.server, (int)actor_do(&scene.server, do_hand_over_listener, 0), &heir);
        actor_end(&scene.server);
        cgroup_remove("/serving");
        actor_do(&heir, do_accept_from, (uint64_t)fd);
        actor_do(&scene.client, do_connect, scene.port);

        for (unsigned i = 0; i < 200; i++) {
                (void)watch_sample(&watch);
                ck_assert_uint_eq(count_of(name, STATE_LISTEN), 1);
                ck_assert_uint_eq(count_of(name, STATE_ESTABLISHED), 3);
                ck_assert_str_eq(sample_listener(watch.sample, route->listen, scene.port)->key.unit, name);
        }

        actor_end(&heir);
        actor_end(&scene.client);
}
END_TEST

START_TEST(of_a_cgroup_that_was_removed_before_anybody_looked_nothing_is_guessed)
{
        Scene scene = scene_begin(2);
        Actor heir;

        cgroup_make("/heir");
        heir = actor_start("/heir");
        (void)actor_pass(&scene.server, (int)actor_do(&scene.server, do_hand_over_listener, 0), &heir);
        actor_end(&scene.server);
        cgroup_remove("/serving");

        AWAIT(watch_in("/calling", STATE_ESTABLISHED) == 2);
        ck_assert_uint_eq(count_of(UNIT_UNATTRIBUTED, STATE_LISTEN), 1);
        ck_assert_uint_eq(count_of(UNIT_UNATTRIBUTED, STATE_ESTABLISHED), 2);
        ck_assert_uint_eq(count_in("/heir", STATE_LISTEN), 0);

        actor_end(&heir);
        actor_end(&scene.client);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("units");
        TCase *routed = tcase_create("by every route");
        TCase *life = tcase_create("over time");
        int status;

        namespace_require();
        cgroups_require();

        tcase_add_checked_fixture(routed, setup, teardown);
        tcase_set_timeout(routed, 30);
        tcase_add_loop_test(routed, the_unit_stands_on_the_listener_on_what_came_in_and_on_what_went_out, 0,
                            N_ROUTES);
        tcase_add_loop_test(routed, close_wait_is_split_into_accepted_and_never_accepted, 0, N_ROUTES);
        tcase_add_loop_test(routed, bytes_are_those_of_the_unit_whose_sockets_hold_them, 0, N_ROUTES);
        tcase_add_loop_test(routed, what_is_half_open_or_in_time_wait_is_its_listeners, 0, N_ROUTES);
        suite_add_tcase(suite, routed);

        tcase_add_checked_fixture(life, setup, teardown);
        tcase_set_timeout(life, 60);
        tcase_add_test(life, a_process_that_is_moved_leaves_its_sockets_where_they_were);
        tcase_add_test(life, a_connection_is_its_listeners_even_if_a_process_of_another_unit_accepts_it);
        tcase_add_test(life, a_cgroup_that_is_removed_keeps_its_name_while_its_sockets_live);
        tcase_add_test(life, of_a_cgroup_that_was_removed_before_anybody_looked_nothing_is_guessed);
        suite_add_tcase(suite, life);

        status = suite_main(suite);
        cgroups_remove();
        return status;
}
