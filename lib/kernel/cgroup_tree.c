/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The tree of cgroups: which there are, and which processes are in one
 *
 * The walk goes down by recursion, as deep as is allowed; the path is shared by
 * all levels and each has its own bit of the folder's entries on the stack.
 */

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "kernel/cgroup_tree.h"
#include "kernel/mountinfo.h"

#define MOUNTINFO_BYTES_FIRST (64U * 1024)
#define MOUNTINFO_BYTES_MAX   (64U * 1024 * 1024)

/* Of a folder's entries, read at once. */
#define ENTRIES_BYTES 4096

static int cgroup_tree_find(int proc_fd, char ret_path[static PATH_MAX]) {
        for (size_t size = MOUNTINFO_BYTES_FIRST;; size *= 2) {
                _cleanup_(freep) char *text = malloc(size);
                size_t length;
                int r;

                if (!text)
                        return -ENOMEM;

                r = file_read_at(proc_fd, "self/mountinfo", text, size, &length);
                if (r == -EFBIG && size < MOUNTINFO_BYTES_MAX)
                        continue;
                if (r < 0)
                        return r;

                return mountinfo_find_cgroup2(text, length, ret_path);
        }
}

int cgroup_tree_open(int proc_fd, int sys_fd, int *ret_fd) {
        static const char sys[] = "/sys/";
        char path[PATH_MAX];
        int fd, r;

        assert(ret_fd);

        r = cgroup_tree_find(proc_fd, path);
        if (r < 0)
                return r;

        if (strncmp(path, sys, strlen(sys)) == 0)
                fd = openat(sys_fd, path + strlen(sys), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        else
                fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;

        *ret_fd = fd;
        return 0;
}

typedef struct Walk {
        cgroup_tree_fn visit;
        void *userdata;
        bool is_truncated;
        char path[PATH_MAX]; /* of where the walk is; "" at the root */
} Walk;

/* What happened to a folder: 0 if it is gone in the meantime, or not for us to see. */
static int walk_error(int error) {
        return error == ENOENT || error == ENODEV || error == EACCES || error == EPERM ? 0 : -error;
}

static int walk_folder(Walk *walk, int fd, size_t path_size, unsigned depth);

static int walk_children(Walk *walk, int parent_fd, const char *name, size_t path_size, unsigned depth) {
        _cleanup_(close_fdp) int fd = -1;
        struct stat status;

        if (fstatat(parent_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
                return walk_error(errno);

        /* The names "." and ".." and no other: a folder of kernfs has a link more for each child. */
        if (status.st_nlink == 2)
                return 0;

        fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return walk_error(errno);

        return walk_folder(walk, fd, path_size, depth);
}

static int
walk_cgroup(Walk *walk, int parent_fd, const struct dirent64 *entry, size_t path_size, unsigned depth) {
        size_t name_size = strlen(entry->d_name);
        int r;

        if (depth > CGROUP_TREE_DEPTH_MAX || path_size + 1 + name_size >= PATH_MAX) {
                walk->is_truncated = true;
                return 0;
        }

        walk->path[path_size++] = '/';
        memcpy(walk->path + path_size, entry->d_name, name_size);
        path_size += name_size;

        r = walk->visit(entry->d_ino, walk->path, path_size, walk->userdata);
        if (r < 0)
                return r;

        return walk_children(walk, parent_fd, entry->d_name, path_size, depth);
}

static bool is_cgroup(const struct dirent64 *entry) {
        return entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 &&
               strcmp(entry->d_name, "..") != 0;
}

static int walk_folder(Walk *walk, int fd, size_t path_size, unsigned depth) {
        char entries[ENTRIES_BYTES] __attribute__((aligned(__alignof__(struct dirent64))));
        ssize_t n;
        int r;

        while ((n = getdents64(fd, entries, sizeof entries)) > 0)
                for (ssize_t at = 0; at < n;) {
                        const struct dirent64 *entry = (const struct dirent64 *)(entries + at);

                        at += entry->d_reclen;
                        if (!is_cgroup(entry))
                                continue;
                        r = walk_cgroup(walk, fd, entry, path_size, depth + 1);
                        if (r < 0)
                                return r;
                }

        return n < 0 ? walk_error(errno) : 0;
}

int cgroup_tree_walk(int root_fd, cgroup_tree_fn visit, void *userdata) {
        Walk walk = { .visit = visit, .userdata = userdata };
        _cleanup_(close_fdp) int fd = -1;
        struct stat status;
        int r;

        assert(visit);

        /* A descriptor of this walk's own, since reading entries moves it on. */
        fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &status) < 0)
                return -errno;

        r = visit(status.st_ino, "/", 1, userdata);
        if (r < 0)
                return r;

        r = walk_folder(&walk, fd, 0, 0);
        if (r < 0)
                return r;

        return walk.is_truncated ? 1 : 0;
}

/* A list of processes, read bit by bit. */
typedef struct ProcessList {
        pid_t *pids;
        size_t n;
        size_t n_max;
        int64_t pid; /* that is being read; negative between two lines */
} ProcessList;

/* Return: 0, 1 if the process does not fit, or -EBADMSG. */
static int process_list_add_byte(ProcessList *list, char byte) {
        if (byte >= '0' && byte <= '9') {
                list->pid = MAX(list->pid, INT64_C(0)) * 10 + (byte - '0');
                return list->pid > INT_MAX ? -EBADMSG : 0;
        }
        if (byte != '\n' || list->pid < 0)
                return -EBADMSG;

        if (list->pid > 0) {
                if (list->n == list->n_max)
                        return 1;
                list->pids[list->n++] = (pid_t)list->pid;
        }

        list->pid = -1;
        return 0;
}

static int process_list_read(ProcessList *list, int fd) {
        char text[4096];
        ssize_t n;
        int r;

        while ((n = read(fd, text, sizeof text)) != 0) {
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                for (ssize_t i = 0; i < n; i++) {
                        r = process_list_add_byte(list, text[i]);
                        if (r != 0)
                                return r;
                }
        }

        return list->pid < 0 ? 0 : -EBADMSG;
}

int cgroup_tree_read_processes(int root_fd, const char *path, pid_t *ret_pids, size_t n_max, size_t *ret_n) {
        ProcessList list = { .pids = ret_pids, .n_max = n_max, .pid = -1 };
        _cleanup_(close_fdp) int fd = -1;
        char name[PATH_MAX];
        int r;

        assert(path && path[0] == '/');
        assert(ret_pids || n_max == 0);
        assert(ret_n);

        r = snprintf(name, sizeof name, ".%s/cgroup.procs", path);
        if (r < 0 || (size_t)r >= sizeof name)
                return -ENAMETOOLONG;

        fd = openat(root_fd, name, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;

        r = process_list_read(&list, fd);
        if (r < 0)
                return r;

        *ret_n = list.n;
        return r;
}
