/* SPDX-License-Identifier: Apache-2.0 */

/* Reading small files below a directory descriptor */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"

int file_open_at(int dir_fd, const char *path) {
        int fd;

        assert(path);

        fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        return fd < 0 ? -errno : fd;
}

int file_read_at(int dir_fd, const char *path, char *buffer, size_t size, size_t *ret_length) {
        _cleanup_(close_fdp) int fd = -1;
        size_t length = 0;

        assert(buffer && size > 0);
        assert(ret_length);

        fd = file_open_at(dir_fd, path);
        if (fd < 0)
                return fd;

        for (;;) {
                ssize_t n;

                n = read(fd, buffer + length, size - length);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;

                length += (size_t)n;
                if (length == size)
                        return -EFBIG;
        }

        buffer[length] = '\0';
        *ret_length = length;
        return 0;
}
