/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What one command takes, with all that it starts and waits for
 *
 *     bench-run SECONDS COMMAND [ARGUMENT...]
 *
 * Prints microseconds of CPU, of user and system together, microseconds of time,
 * the most KiB that were resident in the largest of its processes, and its exit
 * status, or -1 if it was ended because it took longer than that many seconds.
 * What the command prints is thrown away.
 *
 * A program of its own, and a small one, as the kernel counts the memory that a
 * process had before it executed its program among what was resident.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t is_late;
static pid_t pid;

static void fail(const char *what) {
        fprintf(stderr, "bench-run: %s: %s\n", what, strerror(errno));
        exit(EXIT_FAILURE);
}

static uint64_t now_usec(void) {
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000000U + (uint64_t)now.tv_nsec / 1000U;
}

static uint64_t usec(struct timeval time) {
        return (uint64_t)time.tv_sec * 1000000U + (uint64_t)time.tv_usec;
}

/* All of the command: it has a process group of its own. */
static void on_alarm(int number) {
        is_late = 1;
        (void)kill(-pid, SIGKILL);
}

static _Noreturn void become(char *argv[]) {
        int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

        if (fd < 0 || dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0 ||
            dup2(fd, STDERR_FILENO) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                _exit(126);
        (void)execvp(argv[0], argv);
        _exit(127);
}

int main(int argc, char *argv[]) {
        struct sigaction action = { .sa_handler = on_alarm };
        struct rusage usage;
        uint64_t begin;
        int status;

        if (argc < 3) {
                fprintf(stderr, "usage: bench-run SECONDS COMMAND [ARGUMENT...]\n");
                return EXIT_FAILURE;
        }

        begin = now_usec();
        pid = fork();
        if (pid < 0)
                fail("fork");
        if (pid == 0) {
                (void)setpgid(0, 0);
                become(argv + 2);
        }
        /* Here too, as nobody knows who is the first. */
        (void)setpgid(pid, pid);
        if (sigaction(SIGALRM, &action, NULL) < 0)
                fail("sigaction");
        (void)alarm((unsigned)strtoul(argv[1], NULL, 10));

        while (wait4(pid, &status, 0, &usage) < 0)
                if (errno != EINTR)
                        fail("wait4");
        (void)alarm(0);

        printf("%llu %llu %ld %d\n", (unsigned long long)(usec(usage.ru_utime) + usec(usage.ru_stime)),
               (unsigned long long)(now_usec() - begin), usage.ru_maxrss,
               is_late             ? -1
               : WIFEXITED(status) ? WEXITSTATUS(status)
                                   : 128 + WTERMSIG(status));
        return EXIT_SUCCESS;
}
