/* SPDX-License-Identifier: Apache-2.0 */

/* How many descriptors a process has open */

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "kernel/proc_fd.h"

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

int proc_fd_count(int dir_fd, const char *path, uint64_t *ret) {
        struct stat status;

        assert(path);
        assert(ret);

        if (fstatat(dir_fd, path, &status, 0) < 0)
                return -errno;
        if (status.st_size > 0) {
                *ret = (uint64_t)status.st_size;
                return 0;
        }

        return proc_fd_read(dir_fd, path, ret);
}
