/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the kernel takes for a dump of its TCP sockets when nothing is done with it: the floor
 *
 *     bench-floor
 *
 * For each line of its input, makes the dump of that name, and prints what it
 * took: nanoseconds of this thread's CPU, nanoseconds of time, bytes received.
 *
 *     full     all states, IPv4 and IPv6 in one walk (TCPDIAG_GETSOCK)
 *     two      all states, a walk for each family (SOCK_DIAG_BY_FAMILY), as most programs do
 *     rare     one walk for all states but ESTABLISHED and TIME_WAIT
 *     listen   LISTEN alone, which is no walk over connections
 *
 * The netlink socket stays open. Of what is received only the first type is
 * looked at, to see the end.
 */

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_BYTES 32768
#define ALL_STATES   0xffeU /* 1 to 11 */
#define RARE_STATES  (ALL_STATES & ~(1U << TCP_ESTABLISHED) & ~(1U << TCP_TIME_WAIT))

typedef struct Request {
        struct nlmsghdr header;
        union {
                struct inet_diag_req one_walk;
                struct inet_diag_req_v2 by_family;
        };
} Request;

static char buffer[BUFFER_BYTES] __attribute__((aligned(8)));

static void fail(const char *what) {
        fprintf(stderr, "bench-floor: %s: %s\n", what, strerror(errno));
        exit(EXIT_FAILURE);
}

static uint64_t clock_nsec(clockid_t clock) {
        struct timespec now;

        (void)clock_gettime(clock, &now);
        return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

/* Asks, and receives until the end. Returns the bytes that came. */
static uint64_t dump(int fd, Request *request, size_t body_size) {
        uint64_t n_bytes = 0;

        request->header.nlmsg_len = (uint32_t)NLMSG_LENGTH(body_size);
        request->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        if (send(fd, request, request->header.nlmsg_len, 0) < 0)
                fail("send");

        for (;;) {
                const struct nlmsghdr *header = (const struct nlmsghdr *)buffer;
                ssize_t n = recv(fd, buffer, sizeof buffer, 0);

                if (n < (ssize_t)sizeof *header)
                        fail("recv");
                n_bytes += (uint64_t)n;
                if (header->nlmsg_type == NLMSG_DONE)
                        return n_bytes;
                if (header->nlmsg_type == NLMSG_ERROR) {
                        errno = EPROTO;
                        fail("dump");
                }
        }
}

static uint64_t walk(int fd, uint32_t states) {
        Request request = {
                .header.nlmsg_type = TCPDIAG_GETSOCK,
                .one_walk.idiag_states = states,
        };

        return dump(fd, &request, sizeof request.one_walk);
}

static uint64_t walk_family(int fd, uint8_t family, uint32_t states) {
        Request request = {
                .header.nlmsg_type = SOCK_DIAG_BY_FAMILY,
                .by_family = { .sdiag_family = family,
                               .sdiag_protocol = IPPROTO_TCP,
                               .idiag_states = states },
        };

        return dump(fd, &request, sizeof request.by_family);
}

static uint64_t make(int fd, const char *name) {
        if (strcmp(name, "full\n") == 0)
                return walk(fd, ALL_STATES);
        if (strcmp(name, "two\n") == 0)
                return walk_family(fd, AF_INET, ALL_STATES) + walk_family(fd, AF_INET6, ALL_STATES);
        if (strcmp(name, "rare\n") == 0)
                return walk(fd, RARE_STATES);
        if (strcmp(name, "listen\n") == 0)
                return walk(fd, 1U << TCP_LISTEN);
        errno = EINVAL;
        fail(name);
        return 0;
}

int main(void) {
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
        char name[16];

        if (fd < 0)
                fail("socket");

        while (fgets(name, sizeof name, stdin)) {
                uint64_t cpu = clock_nsec(CLOCK_THREAD_CPUTIME_ID), time = clock_nsec(CLOCK_MONOTONIC);
                uint64_t n_bytes = make(fd, name);

                cpu = clock_nsec(CLOCK_THREAD_CPUTIME_ID) - cpu;
                time = clock_nsec(CLOCK_MONOTONIC) - time;
                printf("%llu %llu %llu\n", (unsigned long long)cpu, (unsigned long long)time,
                       (unsigned long long)n_bytes);
                fflush(stdout);
        }

        (void)close(fd);
        return EXIT_SUCCESS;
}
