/* SPDX-License-Identifier: Apache-2.0 */

/*
 * As many TCP sockets as wanted, made out of nothing, to be counted by somebody else
 *
 *     bench-sockets N [plain]
 *     bench-sockets N mixed [CGROUP-FOLDER]
 *
 * A socket in TCP_REPAIR that connects is ESTABLISHED at once, without a peer and
 * without a packet, in a few microseconds. A process may have but so many
 * descriptors, so holders, forked from here, have up to 17,000 each.
 *
 * Three in ten were opened to a few destinations, each for all ports there are, up to 100, the others came
 * in at one of 200 ports, half of them IPv4, the others IPv6, mostly of IPv4 addresses. All addresses are of
 * loopback.
 *
 * mixed: the 200 ports have listeners; of the sockets 80 % are ESTABLISHED, 5 %
 * CLOSE_WAIT, 5 % FIN_WAIT2 (the other end of those) and 10 % TIME_WAIT, all of
 * them as they are in life: two sockets that were connected to each other in
 * repair then take leave of each other over loopback. The kernel forgets a
 * TIME_WAIT after a minute, so one process makes new ones. There are at least 100
 * holders, each begun in a cgroup of its own below CGROUP-FOLDER of a cgroup2
 * tree, if that is given; they are removed at the end.
 *
 * It works in the network namespace it is started in, and needs CAP_NET_ADMIN
 * there. Says "ready", and waits for the end of its input; then everything goes
 * away. When it is killed, so are the holders.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SOCKETS_MAX      10000000U
#define PER_HOLDER_MAX   17000U
#define HOLDERS_MAX      1000U
#define MIXED_HOLDERS    100U
#define LISTENERS        200U
#define FIRST_PORT       20000U /* of the listeners; not one that connect(2) would choose */
#define FIRST_EPHEMERAL  32768U
#define EPHEMERALS       27997U /* a prime number, as the other below, so that no two connections are the same */
#define DESTINATIONS     100U
#define DESTINATION_PORT 443U
#define CLIENTS          50021U

/* Of a hundred sockets in the mix; the rest are ESTABLISHED. */
#define CLOSE_WAIT_SHARE 5U /* and as many in FIN_WAIT2 */
#define TIME_WAIT_SHARE  10U

/* TIME_WAIT are counted as often, and those that are missing are made, but so many at a time. */
#define TIME_WAIT_MSEC  50
#define TIME_WAIT_BURST 5000U

/* One end of a connection. */
typedef struct End {
        union {
                struct sockaddr any;
                struct sockaddr_in in;
                struct sockaddr_in6 in6;
        };
        socklen_t size;
} End;

typedef enum Kind {
        KIND_IPV4,
        KIND_IPV4_MAPPED,
        KIND_IPV6,
} Kind;

static unsigned n_sockets, n_holders;
static bool is_mixed;
static const char *cgroup_folder;
static pid_t pids[HOLDERS_MAX + 1];
static unsigned n_pids;

static void fail(const char *what) {
        fprintf(stderr, "bench-sockets: %s: %s\n", what, strerror(errno));
        exit(EXIT_FAILURE);
}

static End end_make(Kind kind, uint32_t address, unsigned port) {
        End end = { 0 };

        if (kind == KIND_IPV4) {
                end.in = (struct sockaddr_in){
                        .sin_family = AF_INET,
                        .sin_addr.s_addr = htonl(address),
                        .sin_port = htons((uint16_t)port),
                };
                end.size = sizeof end.in;
                return end;
        }

        end.in6 = (struct sockaddr_in6){
                .sin6_family = AF_INET6,
                .sin6_addr = in6addr_loopback,
                .sin6_port = htons((uint16_t)port),
        };
        if (kind == KIND_IPV4_MAPPED) {
                uint32_t bytes = htonl(address);

                end.in6.sin6_addr = (struct in6_addr){ .s6_addr = { [10] = 0xff, [11] = 0xff } };
                memcpy(&end.in6.sin6_addr.s6_addr[12], &bytes, sizeof bytes);
        }
        end.size = sizeof end.in6;
        return end;
}

/* The port of a listener tells its family: an even one takes IPv4, an odd one both, at an IPv6 socket. */
static Kind listener_kind(unsigned listener, unsigned number) {
        if (listener % 2 == 0)
                return KIND_IPV4;
        return number % 3 == 0 ? KIND_IPV6 : KIND_IPV4_MAPPED;
}

/* The number-th connection that came in at a listener. */
static void make_inbound(unsigned listener, unsigned number, End *local, End *remote) {
        Kind kind = listener_kind(listener, number);
        uint32_t client = 0x7f100000 + number % CLIENTS; /* 127.16.0.0 and on */

        *local = end_make(kind, INADDR_LOOPBACK, FIRST_PORT + listener);
        *remote = end_make(kind, client, FIRST_EPHEMERAL + number % EPHEMERALS);
}

static void make_outbound(unsigned number, End *local, End *remote) {
        uint32_t server = 0x7f010000 + number / EPHEMERALS % DESTINATIONS; /* 127.1.0.0 and on */

        *local = end_make(KIND_IPV4, INADDR_LOOPBACK, FIRST_EPHEMERAL + number % EPHEMERALS);
        *remote = end_make(KIND_IPV4, server, DESTINATION_PORT);
}

static void set_repair(int fd, int value) {
        if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &value, sizeof value) < 0)
                fail("TCP_REPAIR");
}

/* Left in repair, so that closing it is silent too. */
static int connect_in_repair(const End *local, const End *remote) {
        int fd = socket(local->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0)
                fail("socket");
        set_repair(fd, 1);
        if (bind(fd, &local->any, local->size) < 0)
                fail("bind");
        if (connect(fd, &remote->any, remote->size) < 0)
                fail("connect");
        return fd;
}

/* Both ends of one connection. Sequence numbers begin at 0 in repair, so the ends agree. */
static void connect_pair(const End *local, const End *remote, int ret_fds[static 2]) {
        ret_fds[0] = connect_in_repair(local, remote);
        ret_fds[1] = connect_in_repair(remote, local);

        /* Each asks the other for its window now. */
        set_repair(ret_fds[0], 0);
        set_repair(ret_fds[1], 0);
}

static void make_close_wait(unsigned listener, unsigned number) {
        End local, remote;
        int fds[2];

        make_inbound(listener, number, &local, &remote);
        connect_pair(&local, &remote, fds);
        if (shutdown(fds[1], SHUT_WR) < 0)
                fail("shutdown");
}

static void make_time_wait(unsigned listener, unsigned number) {
        End local, remote;
        int fds[2];

        /* Not one of ::1, which has but its ports to tell them apart from those of the holders. */
        make_inbound(listener, 3 * number + 1, &local, &remote);
        connect_pair(&local, &remote, fds);
        (void)close(fds[0]);
        (void)close(fds[1]);
}

static void make_listener(unsigned listener) {
        End end = end_make(listener_kind(listener, 0), INADDR_LOOPBACK, FIRST_PORT + listener);
        const int one = 1;
        int fd;

        if (end.any.sa_family == AF_INET6)
                end.in6.sin6_addr = in6addr_any;
        fd = socket(end.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
            bind(fd, &end.any, end.size) < 0 || listen(fd, 128) < 0)
                fail("listener");
}

/* The listeners of a holder are those of the same remainder; one without any has them of another. */
static unsigned listener_of(unsigned holder, unsigned number) {
        unsigned first = holder % LISTENERS,
                 n = n_holders < LISTENERS ? (LISTENERS - first + n_holders - 1) / n_holders : 1;

        return first + number % n * n_holders;
}

static void fill_holder(unsigned holder) {
        unsigned n_full = is_mixed ? n_sockets - n_sockets / 100 * TIME_WAIT_SHARE : n_sockets,
                 begin = (unsigned)((uint64_t)n_full * holder / n_holders),
                 end = (unsigned)((uint64_t)n_full * (holder + 1) / n_holders), i = begin;

        if (is_mixed) {
                unsigned n_pairs = (end - begin) * CLOSE_WAIT_SHARE / (100 - TIME_WAIT_SHARE);

                for (unsigned l = holder; l < LISTENERS; l += n_holders)
                        make_listener(l);
                for (unsigned n = 0; n < n_pairs; n++, i += 2)
                        make_close_wait(listener_of(holder, i), i);
        }

        for (; i < end; i++) {
                End local, remote;

                if (i % 10 < 3)
                        make_outbound(i / 10 * 3 + i % 10, &local, &remote);
                else
                        make_inbound(listener_of(holder, i / 10 + i % 10), i, &local, &remote);
                (void)connect_in_repair(&local, &remote);
        }
}

/* Once all that could tell have told or ended, there is an end of file. */
static void tell_ready(int tell_fd) {
        if (write(tell_fd, "r", 1) != 1)
                fail("write");
        (void)close(tell_fd);
}

static unsigned count_time_wait(void) {
        char text[1024], *found;
        int fd = open("/proc/self/net/sockstat", O_RDONLY | O_CLOEXEC);
        ssize_t n;

        if (fd < 0)
                fail("sockstat");
        n = read(fd, text, sizeof text - 1);
        (void)close(fd);
        text[n > 0 ? n : 0] = '\0';
        found = strstr(text, " tw ");
        return found ? (unsigned)strtoul(found + 4, NULL, 10) : 0;
}

/* Numbers beyond those of the holders. */
static void fill_time_wait(unsigned wanted) {
        static unsigned number = SOCKETS_MAX;
        unsigned n = count_time_wait();

        for (unsigned i = 0; n < wanted && i < TIME_WAIT_BURST; n++, i++, number++)
                make_time_wait(number % LISTENERS, number);
}

static void keep_time_wait(unsigned wanted, int tell_fd) {
        const struct timespec pause_time = { .tv_nsec = TIME_WAIT_MSEC * 1000000L };

        for (unsigned last = 0; count_time_wait() < wanted; last = count_time_wait()) {
                fill_time_wait(wanted);
                if (count_time_wait() <= last) {
                        errno = ENOBUFS; /* see tcp_max_tw_buckets */
                        fail("TIME_WAIT");
                }
        }
        tell_ready(tell_fd);
        for (;;) {
                (void)nanosleep(&pause_time, NULL);
                fill_time_wait(wanted);
        }
}

static void cgroup_path(unsigned holder, char path[static PATH_MAX]) {
        (void)snprintf(path, PATH_MAX, "%s/bench-%05u.service", cgroup_folder, holder);
}

/* A process that is in its cgroup from its first instruction: moving one takes the kernel milliseconds. */
static pid_t start(int cgroup_fd) {
        struct clone_args args = {
                .flags = cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0,
                .exit_signal = SIGCHLD,
                .cgroup = cgroup_fd >= 0 ? (uint64_t)cgroup_fd : 0,
        };
        pid_t parent = getpid(), pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);

        if (pid < 0)
                fail("clone3");
        if (pid > 0)
                pids[n_pids++] = pid;
        else if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || syscall(SYS_getppid) != parent)
                _exit(EXIT_FAILURE);
        return pid;
}

static void start_holder(unsigned holder, int tell_fd) {
        int cgroup_fd = -1;

        if (cgroup_folder) {
                char path[PATH_MAX];

                cgroup_path(holder, path);
                if (mkdir(path, 0755) < 0)
                        fail(path);
                cgroup_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (cgroup_fd < 0)
                        fail(path);
        }
        if (start(cgroup_fd) == 0) {
                fill_holder(holder);
                tell_ready(tell_fd);
                for (;;)
                        (void)pause();
        }
        if (cgroup_fd >= 0)
                (void)close(cgroup_fd);
}

static void start_time_wait(unsigned unused, int tell_fd) {
        if (start(-1) == 0)
                keep_time_wait(n_sockets / 100 * TIME_WAIT_SHARE, tell_fd);
}

static void end_all(void) {
        for (unsigned i = 0; i < n_pids; i++)
                (void)kill(pids[i], SIGKILL);
        for (unsigned i = 0; i < n_pids; i++)
                (void)waitpid(pids[i], NULL, 0);
        for (unsigned i = 0; cgroup_folder && i < n_holders; i++) {
                char path[PATH_MAX];

                cgroup_path(i, path);
                (void)rmdir(path);
        }
}

static void raise_descriptor_limit(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                fail("getrlimit");
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
                fail("setrlimit");
}

static bool parse(int argc, char *argv[]) {
        char *end;

        if (argc < 2 || argc > 4)
                return false;
        n_sockets = (unsigned)strtoul(argv[1], &end, 10);
        if (*end || n_sockets == 0 || n_sockets > SOCKETS_MAX)
                return false;
        is_mixed = argc > 2 && strcmp(argv[2], "mixed") == 0;
        if (argc > 2 && !is_mixed && strcmp(argv[2], "plain") != 0)
                return false;
        cgroup_folder = argc > 3 ? argv[3] : NULL;

        n_holders = (n_sockets + PER_HOLDER_MAX - 1) / PER_HOLDER_MAX;
        if (is_mixed && n_holders < MIXED_HOLDERS)
                n_holders = MIXED_HOLDERS;
        return !cgroup_folder || is_mixed;
}

/* Starts processes 0 to n - 1, and waits until each has told that it is ready. */
static void start_all(unsigned n, void (*start_one)(unsigned, int)) {
        unsigned n_ready = 0;
        char bytes[64];
        int tell[2];

        if (pipe2(tell, O_CLOEXEC) < 0)
                fail("pipe2");
        for (unsigned i = 0; i < n; i++)
                start_one(i, tell[1]);
        (void)close(tell[1]);

        for (ssize_t got; (got = read(tell[0], bytes, sizeof bytes)) > 0;)
                n_ready += (unsigned)got;
        (void)close(tell[0]);
        if (n_ready < n) {
                /* One that failed has said why. */
                end_all();
                exit(EXIT_FAILURE);
        }
}

int main(int argc, char *argv[]) {
        char bytes[64];

        if (!parse(argc, argv)) {
                fprintf(stderr, "usage: bench-sockets N [plain | mixed [CGROUP-FOLDER]]\n");
                return EXIT_FAILURE;
        }
        raise_descriptor_limit();

        start_all(n_holders, start_holder);
        /* Not before all listeners are there: a port with a TIME_WAIT would refuse them. */
        if (is_mixed)
                start_all(1, start_time_wait);

        printf("ready\n");
        fflush(stdout);
        while (read(STDIN_FILENO, bytes, sizeof bytes) > 0)
                ;
        end_all();
        return EXIT_SUCCESS;
}
