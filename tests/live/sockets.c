/* SPDX-License-Identifier: Apache-2.0 */

/* Sockets for tests, on loopback */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "sockets.h"
#include "suite.h"

const Route routes[N_ROUTES] = {
        { "IPv4", "127.0.0.1", "127.0.0.1", false },
        { "IPv6", "::1", "::1", false },
        { "IPv4 to a socket of IPv6", "::", "127.0.0.1", true },
};

Spot spot(const char *address, uint16_t port) {
        Spot spot = { 0 };

        if (strchr(address, ':')) {
                spot.in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
                spot.size = sizeof spot.in6;
                ck_assert_int_eq(inet_pton(AF_INET6, address, &spot.in6.sin6_addr), 1);
        } else {
                spot.in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
                spot.size = sizeof spot.in;
                ck_assert_int_eq(inet_pton(AF_INET, address, &spot.in.sin_addr), 1);
        }

        return spot;
}

uint16_t spot_port(const Spot *spot) {
        /* At the same place in both families. */
        return ntohs(spot->in.sin_port);
}

int set_option(int fd, int level, int name, int value) {
        int r = setsockopt(fd, level, name, &value, sizeof value);

        ck_assert_msg(r == 0, "option %d of level %d: %s", name, level, strerror(errno));
        return fd;
}

static int make_socket(const Spot *spot, int type) {
        int fd = socket(spot->any.sa_family, type | SOCK_CLOEXEC, 0);

        ck_assert_msg(fd >= 0, "socket: %s", strerror(errno));
        return fd;
}

int bind_to(Spot *spot, int type) {
        int fd = set_option(make_socket(spot, type), SOL_SOCKET, SO_REUSEADDR, 1);

        ck_assert_msg(bind(fd, &spot->any, spot->size) == 0, "bind: %s", strerror(errno));
        ck_assert_int_eq(getsockname(fd, &spot->any, &spot->size), 0);
        return fd;
}

int listen_on(Spot *spot, int backlog) {
        int fd = bind_to(spot, SOCK_STREAM);

        ck_assert_int_eq(listen(fd, backlog), 0);
        return fd;
}

int connect_to(const Spot *spot) {
        int fd = make_socket(spot, SOCK_STREAM);

        ck_assert_msg(connect(fd, &spot->any, spot->size) == 0, "connect: %s", strerror(errno));
        return fd;
}

int connect_begin(const Spot *spot) {
        int fd = make_socket(spot, SOCK_STREAM | SOCK_NONBLOCK);

        if (connect(fd, &spot->any, spot->size) < 0)
                ck_assert_msg(errno == EINPROGRESS, "connect: %s", strerror(errno));
        return fd;
}

int repair_connect(const Spot *from, const Spot *to) {
        int fd = set_option(make_socket(to, SOCK_STREAM), IPPROTO_TCP, TCP_REPAIR, 1);

        if (from)
                ck_assert_msg(bind(fd, &from->any, from->size) == 0, "bind: %s", strerror(errno));
        ck_assert_msg(connect(fd, &to->any, to->size) == 0, "connect: %s", strerror(errno));
        return fd;
}

unsigned raise_fd_limit(void) {
        struct rlimit limit;

        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
        limit.rlim_cur = limit.rlim_max;
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        return (unsigned)MIN(limit.rlim_cur, (rlim_t)UINT32_MAX);
}

Line *line_new(const Route *route, unsigned n_pairs) {
        Spot at = spot(route->listen, 0);
        Line *line = calloc(1, sizeof *line);

        ck_assert_ptr_nonnull(line);
        line->pairs = calloc(MAX(n_pairs, 1U), sizeof *line->pairs);
        ck_assert_ptr_nonnull(line->pairs);

        line->listener = listen_on(&at, 64);
        line->to = spot(route->connect, spot_port(&at));

        for (; line->n_pairs < n_pairs; line->n_pairs++) {
                Pair *pair = &line->pairs[line->n_pairs];

                pair->client = connect_to(&line->to);
                pair->server = accept4(line->listener, NULL, NULL, SOCK_CLOEXEC);
                ck_assert_int_ge(pair->server, 0);
        }

        return line;
}

Line *line_free(Line *line) {
        if (!line)
                return NULL;

        free(line->pairs);
        free(line);
        return NULL;
}

static void attach_filter(int fd, struct sock_filter *code, unsigned short n) {
        struct sock_fprog program = { .len = n, .filter = code };

        ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), 0);
}

void make_deaf(int fd) {
        struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, 0) };

        attach_filter(fd, code, ELEMENTSOF(code));
}

void make_deaf_to_ack(int fd) {
        /* A filter of a TCP socket sees the packet from its TCP header on; the flags are byte 13. */
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
                BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, TH_SYN, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, 0xffff),
                BPF_STMT(BPF_RET | BPF_K, 0),
        };

        attach_filter(fd, code, ELEMENTSOF(code));
}

void make_hear(int fd) {
        set_option(fd, SOL_SOCKET, SO_DETACH_FILTER, 0);
}

void write_bytes(int fd, unsigned n) {
        static const char bytes[4096];

        while (n > 0) {
                ssize_t written = send(fd, bytes, MIN(n, sizeof bytes), MSG_NOSIGNAL);

                ck_assert_msg(written > 0, "send: %s", strerror(errno));
                n -= (unsigned)written;
        }
}

void read_bytes(int fd, unsigned n) {
        char bytes[4096];

        while (n > 0) {
                ssize_t got = recv(fd, bytes, MIN(n, sizeof bytes), 0);

                ck_assert_msg(got > 0, "recv: %s", got == 0 ? "the end" : strerror(errno));
                n -= (unsigned)got;
        }
}

void read_end(int fd) {
        char byte;

        ck_assert_int_eq(recv(fd, &byte, 1, 0), 0);
}

void abort_socket(int fd) {
        struct linger linger = { .l_onoff = 1, .l_linger = 0 };

        ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
        ck_assert_int_eq(close(fd), 0);
}

void write_sysctl(const char *path, const char *text) {
        _cleanup_(close_fdp) int fd = -1;
        char full[128];

        (void)snprintf(full, sizeof full, "/proc/sys/%s", path);
        fd = open(full, O_WRONLY | O_CLOEXEC);
        ck_assert_msg(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "%s: %s", full,
                      strerror(errno));
}
