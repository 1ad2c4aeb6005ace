/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One address or path, sockets of two units: who is behind is told, and not who
 * was there first
 */

#include <errno.h>
#include <linux/sock_diag.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "actor.h"
#include "cgroups.h"
#include "namespace.h"
#include "sockets.h"
#include "watch.h"

#define PORT 5353

static Watch watch;
static Actor older;
static Actor newer;
static char path[sizeof((struct sockaddr_un *)NULL)->sun_path];

static void setup(void) {
        const char *temporary = getenv("TMPDIR");

        namespace_enter();
        cgroups_enter_own();
        watch_begin(&watch);
        (void)snprintf(path, sizeof path, "%s/sockwatch-%d.sock", temporary ? temporary : "/tmp", getpid());
        cgroup_make("/older");
        cgroup_make("/newer");
        older = actor_start("/older");
        newer = actor_start("/newer");
}

static void teardown(void) {
        (void)unlink(path);
        actor_end(&older);
        actor_end(&newer);
        watch_end(&watch);
}

/* ---- what actors do ---- */

static int own; /* socket */

static uint64_t do_receive(uint64_t option) {
        Spot at = spot("127.0.0.1", PORT);

        own = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        set_option(own, SOL_SOCKET, (int)option, 1);
        set_option(own, SOL_SOCKET, SO_RCVBUF, 8192);
        ck_assert_int_eq(bind(own, &at.any, at.size), 0);
        return 0;
}

static uint64_t do_count_drops(uint64_t argument) {
        uint32_t memory[SK_MEMINFO_VARS];
        socklen_t size = sizeof memory;

        (void)argument;
        ck_assert_int_eq(getsockopt(own, SOL_SOCKET, SO_MEMINFO, memory, &size), 0);
        return memory[SK_MEMINFO_DROPS];
}

static uint64_t do_close(uint64_t argument) {
        ck_assert_int_eq(close(own), 0);
        return argument;
}

static uint64_t do_listen(uint64_t backlog) {
        Spot at = spot("127.0.0.1", PORT);

        own = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        set_option(own, SOL_SOCKET, SO_REUSEPORT, 1);
        ck_assert_int_eq(bind(own, &at.any, at.size), 0);
        ck_assert_int_eq(listen(own, (int)backlog), 0);
        return 0;
}

static struct sockaddr_un path_address(void) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        memcpy(address.sun_path, path, sizeof path);
        return address;
}

static uint64_t do_listen_at_path(uint64_t backlog) {
        struct sockaddr_un address = path_address();

        (void)unlink(path);
        own = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(own, (const struct sockaddr *)&address, sizeof address), 0);
        ck_assert_int_eq(listen(own, (int)backlog), 0);
        return 0;
}

/* ---- what this process does ---- */

static void send_n(unsigned n) {
        Spot to = spot("127.0.0.1", PORT);

        for (unsigned i = 0; i < n; i++) {
                int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

                ck_assert_int_eq(connect(fd, &to.any, to.size), 0);
                ck_assert_int_eq(send(fd, "datagram", 8, 0), 8);
                ck_assert_int_eq(close(fd), 0);
        }
}

static void fill_path(void) {
        struct sockaddr_un address = path_address();
        int fd;

        do
                fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        while (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0);
        ck_assert_int_eq(errno, EAGAIN);
        ck_assert_int_eq(close(fd), 0);
}

/* ---- UDP ---- */

static const UdpSocketRow *udp_row(const char *unit) {
        const UdpSocketRow *found = NULL;

        for (uint32_t i = 0; i < watch.sample->n_udp_sockets; i++)
                if (strcmp(watch.sample->udp_sockets[i].key.unit, cgroup_path(unit)) == 0) {
                        ck_assert_ptr_null(found);
                        found = &watch.sample->udp_sockets[i];
                }
        return found;
}

static void check_drops(void) {
        (void)watch_sample(&watch);
        ck_assert_uint_eq(watch.sample->n_udp_sockets, 2);
        ck_assert_uint_eq(udp_row("/older")->drops, actor_do(&older, do_count_drops, 0));
        ck_assert_uint_eq(udp_row("/newer")->drops, actor_do(&newer, do_count_drops, 0));
}

/* With SO_REUSEADDR, as for multicast, one of them gets all of it; with SO_REUSEPORT both have a part. */
START_TEST(each_unit_at_a_port_has_its_own_drops)
{
        static const int options[] = { SO_REUSEADDR, SO_REUSEPORT };
        uint64_t n_dropped;

        actor_do(&older, do_receive, (uint64_t)options[_i]);
        actor_do(&newer, do_receive, (uint64_t)options[_i]);
        check_drops();
        ck_assert_uint_eq(udp_row("/older")->n_sockets, 1);

        send_n(300);
        check_drops();
        ck_assert_uint_gt(udp_row("/older")->drops + udp_row("/newer")->drops, 0);
        send_n(300);
        check_drops();

        /* What one dropped stays with it when it is opened again. */
        n_dropped = udp_row("/newer")->drops;
        actor_do(&newer, do_close, 0);
        (void)watch_sample(&watch);
        ck_assert_ptr_null(udp_row("/newer"));
        actor_do(&newer, do_receive, (uint64_t)options[_i]);
        (void)watch_sample(&watch);
        ck_assert_uint_eq(udp_row("/newer")->drops, n_dropped);
}
END_TEST

/* ---- TCP ---- */

static const ListenerRow *tcp_row(void) {
        (void)watch_sample(&watch);
        ck_assert_uint_eq(watch.sample->n_listeners, 1);
        return &watch.sample->listeners[0];
}

START_TEST(of_siblings_in_two_units_the_full_one_is_told)
{
        Spot to = spot("127.0.0.1", PORT);

        actor_do(&older, do_listen, 100);
        ck_assert_str_eq(tcp_row()->key.unit, cgroup_path("/older"));
        actor_do(&newer, do_listen, 2);
        ck_assert_str_eq(tcp_row()->key.unit, cgroup_path("/older"));
        for (unsigned i = 0; i < 40; i++)
                connect_begin(&to);

        AWAIT(tcp_row()->worst_length == 3);
        ck_assert_uint_eq(tcp_row()->worst_limit, 2);
        ck_assert_uint_eq(tcp_row()->n_sockets, 2);
        ck_assert_str_eq(tcp_row()->key.unit, cgroup_path("/newer"));
}
END_TEST

/* ---- UNIX ---- */

static const UnixListenerRow *unix_row(void) {
        (void)watch_sample(&watch);
        ck_assert_uint_eq(watch.sample->n_unix_listeners, 1);
        return &watch.sample->unix_listeners[0];
}

START_TEST(of_two_that_bound_a_path_the_full_one_is_told_or_else_the_newer)
{
        actor_do(&older, do_listen_at_path, 100);
        AWAIT(strcmp(unix_row()->key.unit, cgroup_path("/older")) == 0);

        if (_i) {
                fill_path();
                actor_do(&newer, do_listen_at_path, 3);
                ck_assert_uint_eq(unix_row()->n_sockets, 2);
                ck_assert_uint_eq(unix_row()->worst_limit, 100);
                for (unsigned i = 0; i < 8; i++)
                        ck_assert_str_eq(unix_row()->key.unit, cgroup_path("/older"));
                return;
        }

        actor_do(&newer, do_listen_at_path, 3);
        ck_assert_uint_eq(unix_row()->n_sockets, 2);
        AWAIT(strcmp(unix_row()->key.unit, cgroup_path("/newer")) == 0);
        fill_path();
        ck_assert_uint_eq(unix_row()->worst_length, 4);
        ck_assert_str_eq(unix_row()->key.unit, cgroup_path("/newer"));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("shared");
        TCase *shared = tcase_create("shared");
        int status;

        namespace_require();
        cgroups_require();

        tcase_add_checked_fixture(shared, setup, teardown);
        tcase_set_timeout(shared, 60);
        tcase_add_loop_test(shared, each_unit_at_a_port_has_its_own_drops, 0, 2);
        tcase_add_test(shared, of_siblings_in_two_units_the_full_one_is_told);
        tcase_add_loop_test(shared, of_two_that_bound_a_path_the_full_one_is_told_or_else_the_newer, 0, 2);
        suite_add_tcase(suite, shared);

        status = suite_main(suite);
        cgroups_remove();
        return status;
}
