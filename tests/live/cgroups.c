/* SPDX-License-Identifier: Apache-2.0 */

/* Cgroups of the test's own */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/macro.h"
#include "cgroups.h"
#include "kernel/cgroup_tree.h"
#include "suite.h"

static int root_fd = -1;
static char own[64];

int cgroups_root_fd(void) {
        return root_fd;
}

const char *cgroups_own(void) {
        return own;
}

const char *cgroup_path(const char *name) {
        static char path[PATH_MAX];

        (void)snprintf(path, sizeof path, "%s%s", own, name);
        return path;
}

int cgroup_write(const char *name, const char *file, const char *text) {
        _cleanup_(close_fdp) int fd = -1;
        char path[PATH_MAX];

        (void)snprintf(path, sizeof path, "%s%s/%s", own + 1, name, file);
        fd = openat(root_fd, path, O_WRONLY | O_CLOEXEC);
        return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

uint64_t cgroup_make(const char *name) {
        struct stat status;

        ck_assert_int_eq(mkdirat(root_fd, cgroup_path(name) + 1, 0755), 0);
        ck_assert_int_eq(fstatat(root_fd, cgroup_path(name) + 1, &status, 0), 0);
        return status.st_ino;
}

void cgroup_remove(const char *name) {
        int r = unlinkat(root_fd, cgroup_path(name) + 1, AT_REMOVEDIR);

        ck_assert_msg(r == 0, "%s: %s", name, strerror(errno));
}

void cgroup_enter(const char *name) {
        ck_assert_int_eq(cgroup_write(name, "cgroup.procs", "0"), 0);
}

static _noreturn_ void skip(const char *reason) {
        printf("TAP version 13\n1..0 # SKIP %s\n", reason);
        exit(EXIT_SUCCESS);
}

static int open_tree(void) {
        _cleanup_(close_fdp) int proc_fd = -1, sys_fd = -1;

        proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        sys_fd = open("/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
        return cgroup_tree_open(proc_fd, sys_fd, &root_fd);
}

/* Whether a process may be moved there. */
static bool can_enter(void) {
        pid_t pid = fork();
        int status;

        if (pid == 0)
                _exit(cgroup_write("", "cgroup.procs", "0") < 0);
        return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

void cgroups_require(void) {
        if (open_tree() < 0)
                skip("no cgroup2 here");

        (void)snprintf(own, sizeof own, "/sockwatch-test-%d", getpid());
        if (mkdirat(root_fd, own + 1, 0755) < 0)
                skip("the tree of cgroups cannot be written");
        if (!can_enter()) {
                (void)unlinkat(root_fd, own + 1, AT_REMOVEDIR);
                skip("processes cannot be moved to another cgroup");
        }
}

void cgroups_enter_own(void) {
        char name[16];

        (void)snprintf(name, sizeof name, "/%d", getpid());
        (void)cgroup_make(name);
        memcpy(own + strlen(own), name, strlen(name) + 1);
}

/* Notes the last cgroup of a walk that is ours, which has none below it. */
static int on_own(uint64_t id, const char *path, size_t size, void *userdata) {
        char *last = userdata;

        if (size >= strlen(own) && memcmp(path, own, strlen(own)) == 0) {
                memcpy(last, path, size);
                last[size] = '\0';
        }
        return 0;
}

void cgroups_remove(void) {
        for (unsigned n_tries = 0;;) {
                char last[PATH_MAX] = "";

                if (cgroup_tree_walk(root_fd, on_own, last) < 0 || last[0] == '\0')
                        return;
                if (unlinkat(root_fd, last + 1, AT_REMOVEDIR) == 0)
                        continue;
                if (errno == EBUSY && n_tries++ < 5000)
                        /* A process of a test that failed is on its way out. */
                        (void)usleep(1000);
                else {
                        fprintf(stderr, "%s: %s\n", last, strerror(errno));
                        return;
                }
        }
}
