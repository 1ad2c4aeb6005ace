/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A network namespace of the test's own
 *
 * Skipping is said in TAP ("1..0 # SKIP"), and the exit status is 0: to meson 1.0
 * any other status of a program that speaks TAP is an error, 77 as well.
 */

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "namespace.h"
#include "suite.h"

static int namespace_write(const char *path, const char *text) {
        _cleanup_(close_fdp) int fd = -1;

        fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, text, strlen(text)) < 0)
                return -errno;

        return 0;
}

/* Root is the only user of the new namespace, and it is us. */
static int namespace_map_user(uid_t uid, gid_t gid) {
        char map[64];
        int r;

        (void)snprintf(map, sizeof map, "0 %u 1", uid);
        r = namespace_write("/proc/self/uid_map", map);
        if (r < 0)
                return r;

        r = namespace_write("/proc/self/setgroups", "deny");
        if (r < 0)
                return r;

        (void)snprintf(map, sizeof map, "0 %u 1", gid);
        return namespace_write("/proc/self/gid_map", map);
}

/* The kernel gives it 127.0.0.1 and ::1 by itself. */
static int namespace_raise_loopback(void) {
        struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
        _cleanup_(close_fdp) int fd = -1;

        fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
                return -errno;

        return 0;
}

static int namespace_try_enter(void) {
        uid_t uid = geteuid();
        gid_t gid = getegid();
        int r;

        /* SOCKWATCH_TEST_USER_NAMESPACE makes root go the way of other users. */
        if (getenv("SOCKWATCH_TEST_USER_NAMESPACE") || unshare(CLONE_NEWNET) < 0) {
                if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
                        return -errno;

                r = namespace_map_user(uid, gid);
                if (r < 0)
                        return r;
        }

        return namespace_raise_loopback();
}

void namespace_enter(void) {
        int r = namespace_try_enter();

        ck_assert_msg(r == 0, "cannot enter a namespace: %s", strerror(-r));
}

static _noreturn_ void namespace_skip(const char *reason) {
        printf("TAP version 13\n1..0 # SKIP %s\n", reason);
        exit(EXIT_SUCCESS);
}

void namespace_require(void) {
        int status, r;
        pid_t pid;

        pid = fork();
        if (pid == 0) {
                r = namespace_try_enter();
                _exit(r == 0 ? 0 : -r);
        }
        if (pid < 0 || waitpid(pid, &status, 0) != pid)
                namespace_skip("cannot fork");
        if (status != 0)
                namespace_skip("user and network namespaces are refused here");
}

void namespace_require_program(const char *name) {
        static const char *const folders[] = { "/usr/bin", "/bin", "/usr/sbin", "/sbin" };
        char path[64];

        for (size_t i = 0; i < ELEMENTSOF(folders); i++) {
                (void)snprintf(path, sizeof path, "%s/%s", folders[i], name);
                if (access(path, X_OK) == 0)
                        return;
        }

        (void)snprintf(path, sizeof path, "no %s on this host", name);
        namespace_skip(path);
}
