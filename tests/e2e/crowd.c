/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A crowd to be looked at: cgroups, sockets that listen in them, processes that pause in them
 *
 *     crowd FOLDER CGROUPS SOCKETS PROCESSES
 *
 * Makes that many cgroups below a folder of the cgroup2 tree (none, if CGROUPS is
 * 0), and deals the others out to them in turn: one socket each on 127.0.0.1 from
 * port 10000 on, and processes of this program. Each is begun where it belongs
 * (CLONE_INTO_CGROUP), as moving a process takes the kernel milliseconds. Says
 * "ready" and waits for the end of its input; then everything goes away. What it
 * cannot clean up itself, because it was killed, the kernel does, but for the
 * cgroups.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <signal.h>
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
#include <unistd.h>

#define FIRST_PORT 10000

static unsigned n_cgroups, n_sockets, n_processes;
static const char *folder;
static int own_cgroup_fd = -1;
static pid_t *pids;

static void fail(const char *what) {
        fprintf(stderr, "crowd: %s: %s\n", what, strerror(errno));
        exit(EXIT_FAILURE);
}

static void cgroup_path(unsigned i, char path[static PATH_MAX]) {
        (void)snprintf(path, PATH_MAX, "%s/crowd-%05u.service", folder, i);
}

/* The cgroup of the i-th of something, or our own. */
static int open_cgroup(unsigned i) {
        char path[PATH_MAX];
        int fd;

        if (n_cgroups == 0)
                return own_cgroup_fd;

        cgroup_path(i % n_cgroups, path);
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                fail(path);
        return fd;
}

static pid_t start(int cgroup_fd, uint64_t flags) {
        struct clone_args args = {
                .flags = flags | (cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0),
                .exit_signal = SIGCHLD,
                .cgroup = cgroup_fd >= 0 ? (uint64_t)cgroup_fd : 0,
        };
        pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);

        if (pid < 0)
                fail("clone3");
        return pid;
}

/* The socket is of the cgroup that its maker is in, and stays when that is gone: descriptors are shared. */
static void make_socket(unsigned i) {
        struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                .sin_port = htons((uint16_t)(FIRST_PORT + i)),
        };
        int cgroup_fd = open_cgroup(i), status;
        pid_t pid = start(cgroup_fd, CLONE_FILES);

        if (pid == 0) {
                int fd = socket(AF_INET, SOCK_STREAM, 0);

                _exit(fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 ||
                                      listen(fd, 16) < 0
                              ? errno
                              : 0);
        }

        if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
                errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
                fail("socket");
        }
        if (cgroup_fd != own_cgroup_fd)
                (void)close(cgroup_fd);
}

static void make_process(unsigned i, pid_t parent) {
        int cgroup_fd = open_cgroup(i);

        pids[i] = start(cgroup_fd, 0);
        if (pids[i] == 0) {
                /* Not with the sockets, which are not theirs, nor after us. */
                (void)close_range(3, ~0U, 0);
                if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
                        _exit(1);
                for (;;)
                        (void)pause();
        }
        if (cgroup_fd != own_cgroup_fd)
                (void)close(cgroup_fd);
}

static void end(void) {
        for (unsigned i = 0; i < n_processes; i++)
                (void)kill(pids[i], SIGKILL);
        for (unsigned i = 0; i < n_processes; i++)
                (void)waitpid(pids[i], NULL, 0);
        for (unsigned i = 0; i < n_cgroups; i++) {
                char path[PATH_MAX];

                cgroup_path(i, path);
                (void)rmdir(path);
        }
}

int main(int argc, char *argv[]) {
        struct rlimit limit;
        char buffer[64];

        if (argc != 5) {
                fprintf(stderr, "usage: crowd FOLDER CGROUPS SOCKETS PROCESSES\n");
                return EXIT_FAILURE;
        }
        folder = argv[1];
        n_cgroups = (unsigned)strtoul(argv[2], NULL, 10);
        n_sockets = (unsigned)strtoul(argv[3], NULL, 10);
        n_processes = (unsigned)strtoul(argv[4], NULL, 10);

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                fail("getrlimit");
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
                fail("setrlimit");
        pids = calloc(n_processes + 1, sizeof *pids);
        if (!pids)
                fail("calloc");

        for (unsigned i = 0; i < n_cgroups; i++) {
                char path[PATH_MAX];

                cgroup_path(i, path);
                if (mkdir(path, 0755) < 0)
                        fail(path);
        }
        /* Processes first, so that none is begun with ten thousand descriptors. */
        for (unsigned i = 0; i < n_processes; i++)
                make_process(i, getpid());
        for (unsigned i = 0; i < n_sockets; i++)
                make_socket(i);

        printf("ready\n");
        fflush(stdout);
        while (read(STDIN_FILENO, buffer, sizeof buffer) > 0)
                ;
        end();
        return EXIT_SUCCESS;
}
