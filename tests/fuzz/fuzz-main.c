/* SPDX-License-Identifier: Apache-2.0 */

/* Feeds a fuzz target, in a program without libFuzzer, the files and folders named on the command line */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/macro.h"
#include "fuzz/fuzz.h"

static unsigned n_inputs;

static int feed_file(int fd, size_t size) {
        /* Of just that size, so that a sanitizer sees a byte too many being read. */
        _cleanup_(freep) uint8_t *data = malloc(size > 0 ? size : 1);

        if (!data)
                return -ENOMEM;
        if (read(fd, data, size) != (ssize_t)size)
                return -EIO;

        n_inputs++;
        (void)LLVMFuzzerTestOneInput(data, size);
        return 0;
}

static int feed(int dir_fd, const char *path);

static int feed_folder(int fd) {
        const struct dirent *entry;
        DIR *folder = fdopendir(dup(fd));
        int r = 0;

        if (!folder)
                return -errno;
        while (r == 0 && (entry = readdir(folder)))
                if (entry->d_name[0] != '.')
                        r = feed(fd, entry->d_name);
        (void)closedir(folder);
        return r;
}

static int feed(int dir_fd, const char *path) {
        _cleanup_(close_fdp) int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
        struct stat status;
        int r;

        if (fd < 0 || fstat(fd, &status) < 0)
                r = -errno;
        else if (S_ISDIR(status.st_mode))
                r = feed_folder(fd);
        else
                r = feed_file(fd, (size_t)status.st_size);
        if (r < 0)
                fprintf(stderr, "%s: %s\n", path, strerror(-r));
        return r;
}

int main(int argc, char *argv[]) {
        for (int i = 1; i < argc; i++)
                if (feed(AT_FDCWD, argv[i]) < 0)
                        return EXIT_FAILURE;

        printf("%u inputs\n", n_inputs);
        return n_inputs > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
