/* SPDX-License-Identifier: Apache-2.0 */

/* Processes that do what the test tells them to */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "actor.h"
#include "base/macro.h"
#include "cgroups.h"
#include "suite.h"

typedef struct Order {
        actor_fn run; /* the same address in all of them, which were forked and have not executed anything */
        uint64_t argument;
} Order;

/* In an actor: the other end of Actor.fd. */
static int orders_fd;

static void actor_send(int fd, const void *bytes, size_t size) {
        ck_assert_msg(send(fd, bytes, size, MSG_NOSIGNAL) == (ssize_t)size, "an actor has failed");
}

static uint64_t actor_enter(uint64_t cgroup) {
        cgroup_enter((const char *)(uintptr_t)cgroup);
        return 0;
}

static _noreturn_ void actor_run(void) {
        Order order;
        uint64_t result;

        while (recv(orders_fd, &order, sizeof order, 0) == (ssize_t)sizeof order) {
                result = order.run(order.argument);
                actor_send(orders_fd, &result, sizeof result);
        }

        _exit(EXIT_SUCCESS);
}

Actor actor_start(const char *cgroup) {
        pid_t parent = getpid();
        Actor actor;
        int fds[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
        actor.pid = fork();
        ck_assert_int_ge(actor.pid, 0);
        if (actor.pid == 0) {
                (void)close(fds[0]);
                orders_fd = fds[1];
                if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
                        _exit(EXIT_FAILURE);
                actor_run();
        }

        (void)close(fds[1]);
        actor.fd = fds[0];
        if (cgroup)
                actor_do(&actor, actor_enter, (uintptr_t)cgroup);
        return actor;
}

void actor_begin(const Actor *actor, actor_fn run, uint64_t argument) {
        Order order = { .run = run, .argument = argument };

        actor_send(actor->fd, &order, sizeof order);
}

uint64_t actor_await(const Actor *actor) {
        uint64_t result;

        ck_assert_msg(recv(actor->fd, &result, sizeof result, 0) == (ssize_t)sizeof result,
                      "an actor has failed");
        return result;
}

uint64_t actor_do(const Actor *actor, actor_fn run, uint64_t argument) {
        actor_begin(actor, run, argument);
        return actor_await(actor);
}

/* ---- descriptors ---- */

/* A message of one byte with room for a descriptor. */
typedef struct Parcel {
        struct msghdr header;
        struct iovec vector;
        char byte;
        _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
} Parcel;

static void parcel_init(Parcel *parcel) {
        *parcel = (Parcel){
                .vector = { .iov_base = &parcel->byte, .iov_len = 1 },
                .header = { .msg_iov = &parcel->vector, .msg_iovlen = 1 },
        };
        parcel->header.msg_control = parcel->control;
        parcel->header.msg_controllen = sizeof parcel->control;
}

static void parcel_send(int to, int fd) {
        struct cmsghdr *control;
        Parcel parcel;

        parcel_init(&parcel);
        control = CMSG_FIRSTHDR(&parcel.header);
        *control = (struct cmsghdr){
                .cmsg_level = SOL_SOCKET,
                .cmsg_type = SCM_RIGHTS,
                .cmsg_len = CMSG_LEN(sizeof fd),
        };
        memcpy(CMSG_DATA(control), &fd, sizeof fd);
        ck_assert_int_eq(sendmsg(to, &parcel.header, MSG_NOSIGNAL), 1);
}

static int parcel_receive(int from) {
        Parcel parcel;
        int fd;

        parcel_init(&parcel);
        ck_assert_int_eq(recvmsg(from, &parcel.header, MSG_CMSG_CLOEXEC), 1);
        ck_assert_ptr_nonnull(CMSG_FIRSTHDR(&parcel.header));
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&parcel.header)), sizeof fd);
        return fd;
}

/* In the one that gives. */
static uint64_t give(uint64_t fd) {
        parcel_send(orders_fd, (int)fd);
        return 0;
}

/* In the one that takes. */
static uint64_t take(uint64_t argument) {
        (void)argument;
        return (uint64_t)parcel_receive(orders_fd);
}

int actor_pass(const Actor *from, int fd, const Actor *to) {
        int parcel;

        actor_begin(from, give, (uint64_t)fd);
        parcel = parcel_receive(from->fd);
        (void)actor_await(from);

        actor_begin(to, take, 0);
        parcel_send(to->fd, parcel);
        ck_assert_int_eq(close(parcel), 0);
        return (int)actor_await(to);
}

void actor_end(Actor *actor) {
        int status;

        /* One that was started later has a copy of the descriptor, so closing it would end nothing. */
        ck_assert_int_eq(shutdown(actor->fd, SHUT_WR), 0);
        ck_assert_int_eq(waitpid(actor->pid, &status, 0), actor->pid);
        ck_assert_int_eq(status, 0);
        (void)close(actor->fd);
        *actor = (Actor){ .fd = -1 };
}
