/* SPDX-License-Identifier: Apache-2.0 */

/* The descriptors of a process: how many, and which are sockets */

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/number.h"
#include "kernel/proc_fd.h"

#define PROC_FD_BUFFER_BYTES 8192

static int proc_fd_read(int dir_fd, const char *path, uint64_t *ret) {
        const struct dirent *entry;
        uint64_t n = 0;
        DIR *dir;
        int fd, r;

        fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;

        dir = fdopendir(fd);
        if (!dir) {
                (void)close_fd(fd);
                return -ENOMEM;
        }

        /* A process that ends while its folder is read must not show as one with few. */
        errno = 0;
        while ((entry = readdir(dir)))
                n += entry->d_name[0] != '.';
        r = -errno;
        (void)closedir(dir);
        if (r < 0)
                return r;

        *ret = n;
        return 0;
}

int proc_fd_count_by_size(int dir_fd, const char *path, uint64_t *ret) {
        struct stat status;

        assert(path);
        assert(ret);

        if (fstatat(dir_fd, path, &status, 0) < 0)
                return -errno;

        *ret = (uint64_t)status.st_size;
        return 0;
}

int proc_fd_count(int dir_fd, const char *path, uint64_t *ret) {
        uint64_t n;
        int r;

        r = proc_fd_count_by_size(dir_fd, path, &n);
        if (r < 0)
                return r;
        if (n == 0)
                return proc_fd_read(dir_fd, path, ret);

        *ret = n;
        return 0;
}

int proc_fd_parse_socket(const char *link, size_t size, uint64_t *ret_inode) {
        static const char begin[] = "socket:[";
        const size_t begin_size = sizeof begin - 1;

        assert(link || size == 0);
        assert(ret_inode);

        if (size < begin_size + 2 || memcmp(link, begin, begin_size) != 0 || link[size - 1] != ']' ||
            number_parse_u64(link + begin_size, size - begin_size - 1, ret_inode) < 0)
                return -EINVAL;

        return 0;
}

/* Return: 0, or the errno of readlink(2), or -EINVAL if it is no socket. */
static int proc_fd_read_socket(int dir_fd, const char *path, uint64_t *ret_inode) {
        char link[64];
        ssize_t n;

        n = readlinkat(dir_fd, path, link, sizeof link);
        return n < 0 ? -errno : proc_fd_parse_socket(link, (size_t)n, ret_inode);
}

static int proc_fd_visit(int dir_fd, const char *name, proc_fd_fn visit, void *userdata) {
        uint64_t fd, inode;
        int r;

        r = proc_fd_read_socket(dir_fd, name, &inode);
        if (r == -EINVAL || r == -ENOENT /* closed just now */)
                return 0;
        if (r < 0)
                return r;
        if (number_parse_u64(name, strlen(name), &fd) < 0 || fd > UINT_MAX)
                return 0;

        return visit((unsigned)fd, inode, userdata);
}

bool proc_fd_is_socket(int proc_fd, pid_t pid, unsigned fd, uint64_t inode) {
        char path[64];
        uint64_t found;

        (void)snprintf(path, sizeof path, "%d/fd/%u", (int)pid, fd);
        return proc_fd_read_socket(proc_fd, path, &found) == 0 && found == inode;
}

int proc_fd_list_sockets(
        int proc_fd, pid_t pid, size_t n_max, proc_fd_fn visit, void *userdata, size_t *ret_n_read) {
        char path[64], buffer[PROC_FD_BUFFER_BYTES] __attribute__((aligned(8)));
        _cleanup_(close_fdp) int dir_fd = -1;
        int r;

        assert(visit);
        assert(ret_n_read);

        *ret_n_read = 0;
        (void)snprintf(path, sizeof path, "%d/fd", (int)pid);
        dir_fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir_fd < 0)
                return -errno;

        for (;;) {
                ssize_t n_bytes = getdents64(dir_fd, buffer, sizeof buffer);

                if (n_bytes <= 0)
                        return n_bytes < 0 ? -errno : 0;

                for (ssize_t at = 0; at < n_bytes;) {
                        const struct dirent64 *entry = (const struct dirent64 *)(const void *)(buffer + at);

                        at += entry->d_reclen;
                        if (entry->d_name[0] == '.')
                                continue;
                        if (*ret_n_read == n_max)
                                return 0;

                        ++*ret_n_read;
                        r = proc_fd_visit(dir_fd, entry->d_name, visit, userdata);
                        if (r < 0)
                                return r;
                }
        }
}
