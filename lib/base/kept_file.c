/* SPDX-License-Identifier: Apache-2.0 */

/* A small file that is read over and over, and is kept open for that */

#include <assert.h>
#include <errno.h>

#include "base/kept_file.h"

/* From its beginning. Return: bytes, 0 at the end, or a negative errno of pread(2) or read(2). */
static ssize_t
kept_file_read_piece(const KeptFile *file, bool is_new, char *buffer, size_t size, size_t at) {
        ssize_t n;

        /* A pipe can be read once. */
        do
                n = is_new ? read(file->fd, buffer + at, size - at)
                           : pread(file->fd, buffer + at, size - at, (off_t)at);
        while (n < 0 && errno == EINTR);

        return n < 0 ? -errno : n;
}

/* Return: as file_read_at(). */
static int kept_file_read_open(KeptFile *file, bool is_new, char *buffer, size_t size, size_t *ret_length) {
        size_t length = 0;
        unsigned n_pieces = 0;
        ssize_t n;

        do {
                n = kept_file_read_piece(file, is_new, buffer, size, length);
                if (n < 0)
                        return (int)n;
                length += (size_t)n;
                n_pieces += n > 0;
                if (length == size)
                        return -EFBIG;
        } while (n > 0 && !file->is_whole);

        file->is_whole |= n_pieces == 1;
        buffer[length] = '\0';
        *ret_length = length;
        return 0;
}

int kept_file_read(KeptFile *file, int dir_fd, char *buffer, size_t size, size_t *ret_length) {
        int r;

        assert(file && file->path);
        assert(buffer && size > 0);
        assert(ret_length);

        if (file->fd >= 0) {
                r = kept_file_read_open(file, /* is_new= */ false, buffer, size, ret_length);
                if (r == 0 || r == -EFBIG)
                        return r;
                kept_file_done(file);
        }

        file->fd = file_open_at(dir_fd, file->path);
        if (file->fd < 0) {
                r = TAKE_FD(file->fd);
                return r;
        }

        r = kept_file_read_open(file, /* is_new= */ true, buffer, size, ret_length);
        if (r < 0 && r != -EFBIG)
                kept_file_done(file);
        return r;
}

void kept_file_done(KeptFile *file) {
        file->fd = close_fd(file->fd);
        file->is_whole = false;
}
