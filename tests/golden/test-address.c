/* SPDX-License-Identifier: Apache-2.0 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "exporters/http/address.h"
#include "suite.h"

static const struct {
        const char *text;
        int family;
        const char *host;
        uint16_t port;
} good[] = {
        { "127.0.0.1:7625", AF_INET, "127.0.0.1", 7625 },
        { "0.0.0.0:0", AF_INET, "0.0.0.0", 0 },
        { "192.0.2.255:65535", AF_INET, "192.0.2.255", 65535 },
        { "[::1]:7625", AF_INET6, "::1", 7625 },
        { "[::]:80", AF_INET6, "::", 80 },
        { "[2001:DB8:0::7]:80", AF_INET6, "2001:db8::7", 80 },
        { "[::ffff:192.0.2.1]:80", AF_INET6, "::ffff:192.0.2.1", 80 },
        { ":7625", AF_INET6, "::", 7625 },
        { ":0", AF_INET6, "::", 0 },
};

START_TEST(an_address_and_a_port_are_read)
{
        char host[INET6_ADDRSTRLEN];
        HttpAddress address;

        ck_assert_int_eq(http_address_parse(good[_i].text, &address), 0);

        ck_assert_int_eq(address.storage.ss_family, good[_i].family);
        if (good[_i].family == AF_INET) {
                const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)&address.storage;

                ck_assert_uint_eq(address.size, sizeof *ipv4);
                ck_assert_uint_eq(ntohs(ipv4->sin_port), good[_i].port);
                ck_assert_ptr_nonnull(inet_ntop(AF_INET, &ipv4->sin_addr, host, sizeof host));
        } else {
                const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)&address.storage;

                ck_assert_uint_eq(address.size, sizeof *ipv6);
                ck_assert_uint_eq(ntohs(ipv6->sin6_port), good[_i].port);
                ck_assert_ptr_nonnull(inet_ntop(AF_INET6, &ipv6->sin6_addr, host, sizeof host));
        }
        ck_assert_str_eq(host, good[_i].host);
}
END_TEST

static const char *const bad[] = {
        "",
        ":",
        "7625",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:port",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:+1",
        "127.0.0.1: 80",
        "127.0.0.1:80 ",
        " 127.0.0.1:80",
        "127.0.0.1:0x50",
        "127.0.0.1:99999999999999999999999",
        "127.0.0.1:80:80",
        "127.1:80",
        "127.0.0.256:80",
        "0127.0.0.1:80",
        "[127.0.0.1]:80",
        "localhost:80",
        "*:80",
        "::1:80",
        "::1",
        "[::1]",
        "[::1]80",
        "[::1:80",
        "::1]:80",
        "[]:80",
        "[:80",
        "]:80",
        "[[::1]]:80",
        "[::1%lo]:80",
        "[::1] :80",
        "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:80",
        "http://127.0.0.1:80",
        "unix:/run/sockwatch.socket",
};

START_TEST(anything_else_is_refused)
{
        HttpAddress address, before;

        memset(&address, 0xaa, sizeof address);
        before = address;

        ck_assert_int_eq(http_address_parse(bad[_i], &address), -EINVAL);
        ck_assert_mem_eq(&address, &before, sizeof address);
}
END_TEST

/* Listens on a port that the kernel chooses. Returns the port. */
static uint16_t listen_anywhere(const char *text, int *ret_fd) {
        char formatted[HTTP_ADDRESS_TEXT_SIZE];
        HttpAddress address;

        ck_assert_int_eq(http_address_parse(text, &address), 0);
        ck_assert_int_eq(http_address_listen(&address, ret_fd), 0);
        http_address_format(*ret_fd, formatted);
        return (uint16_t)atoi(strrchr(formatted, ':') + 1);
}

static const struct {
        const char *text;
        const char *formatted; /* without the port */
} places[] = {
        { "127.0.0.1:0", "127.0.0.1:" },
        { "0.0.0.0:0", "0.0.0.0:" },
        { "[::1]:0", "[::1]:" },
        { ":0", "[::]:" },
};

START_TEST(a_socket_listens_where_it_says)
{
        char formatted[HTTP_ADDRESS_TEXT_SIZE];
        _cleanup_(close_fdp) int fd = -1;
        int is_listening = 0;
        socklen_t size = sizeof is_listening;

        ck_assert_uint_gt(listen_anywhere(places[_i].text, &fd), 0);

        http_address_format(fd, formatted);
        ck_assert_mem_eq(formatted, places[_i].formatted, strlen(places[_i].formatted));
        ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &size), 0);
        ck_assert_int_eq(is_listening, 1);
        ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
        ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
}
END_TEST

START_TEST(a_port_that_is_taken_is_in_use)
{
        _cleanup_(close_fdp) int fd = -1;
        struct sockaddr_in taken = { 0 };
        socklen_t size = sizeof taken;
        HttpAddress address = { .size = sizeof taken };
        int other = -7;

        (void)listen_anywhere("127.0.0.1:0", &fd);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&taken, &size), 0);
        memcpy(&address.storage, &taken, sizeof taken);

        ck_assert_int_eq(http_address_listen(&address, &other), -EADDRINUSE);
        ck_assert_int_eq(other, -7);
}
END_TEST

START_TEST(an_address_of_another_host_is_not_available)
{
        HttpAddress address;
        int fd = -7;

        ck_assert_int_eq(http_address_parse("192.0.2.1:0", &address), 0);
        ck_assert_int_eq(http_address_listen(&address, &fd), -EADDRNOTAVAIL);
        ck_assert_int_eq(fd, -7);
}
END_TEST

/* A connection from 127.0.0.1, or -1. */
static int connect_to(uint16_t port) {
        struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_port = htons(port),
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        return connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ? fd : close_fd(fd);
}

START_TEST(every_address_is_those_of_both_families)
{
        _cleanup_(close_fdp) int every = -1, ipv6 = -1, client = -1;

        client = connect_to(listen_anywhere(":0", &every));
        ck_assert_int_ge(client, 0);
        ck_assert_int_lt(connect_to(listen_anywhere("[::1]:0", &ipv6)), 0);
}
END_TEST

START_TEST(a_port_is_free_again_as_soon_as_its_listener_is_gone)
{
        char text[HTTP_ADDRESS_TEXT_SIZE];
        HttpAddress address;
        int fd, client, again = -1;

        /* Who closes first keeps the port in TIME_WAIT. */
        client = connect_to(listen_anywhere("127.0.0.1:0", &fd));
        http_address_format(fd, text);
        (void)close_fd(accept(fd, NULL, NULL));
        (void)close_fd(client);
        (void)close_fd(fd);

        ck_assert_int_eq(http_address_parse(text, &address), 0);
        ck_assert_int_eq(http_address_listen(&address, &again), 0);
        (void)close_fd(again);
}
END_TEST

START_TEST(what_is_not_a_socket_listens_nowhere)
{
        char text[HTTP_ADDRESS_TEXT_SIZE];
        _cleanup_(close_fdp) int local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        http_address_format(-1, text);
        ck_assert_str_eq(text, "?");
        http_address_format(STDERR_FILENO, text);
        ck_assert_str_eq(text, "?");
        http_address_format(local, text);
        ck_assert_str_eq(text, "?");
}
END_TEST

START_TEST(a_local_socket_listens_at_its_path)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        char folder[] = "/tmp/sockwatch-address-XXXXXX", text[HTTP_ADDRESS_TEXT_SIZE], wanted[128];
        _cleanup_(close_fdp) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_ptr_nonnull(mkdtemp(folder));
        (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", folder);
        ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);

        http_address_format(fd, text);
        (void)snprintf(wanted, sizeof wanted, "unix:%s", address.sun_path);
        ck_assert_str_eq(text, wanted);
        (void)unlink(address.sun_path);
        (void)rmdir(folder);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("address");
        TCase *parsing = tcase_create("parsing"), *listening = tcase_create("listening");

        tcase_add_loop_test(parsing, an_address_and_a_port_are_read, 0, ELEMENTSOF(good));
        tcase_add_loop_test(parsing, anything_else_is_refused, 0, ELEMENTSOF(bad));
        suite_add_tcase(suite, parsing);

        tcase_add_loop_test(listening, a_socket_listens_where_it_says, 0, ELEMENTSOF(places));
        tcase_add_test(listening, a_port_that_is_taken_is_in_use);
        tcase_add_test(listening, an_address_of_another_host_is_not_available);
        tcase_add_test(listening, every_address_is_those_of_both_families);
        tcase_add_test(listening, a_port_is_free_again_as_soon_as_its_listener_is_gone);
        tcase_add_test(listening, what_is_not_a_socket_listens_nowhere);
        tcase_add_test(listening, a_local_socket_listens_at_its_path);
        suite_add_tcase(suite, listening);

        return suite_main(suite);
}
