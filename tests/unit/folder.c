/* SPDX-License-Identifier: Apache-2.0 */

/* A temporary folder of a test's own, and the fixtures */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "unit/folder.h"

#define FIXTURE_BYTES_MAX (64 * 1024)

void folder_init(Folder *folder) {
        const char *parent = getenv("TMPDIR");

        (void)snprintf(folder->path, sizeof folder->path, "%s/sockwatch-XXXXXX", parent ? parent : "/tmp");
        ck_assert_ptr_nonnull(mkdtemp(folder->path));
        folder->fd = open(folder->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(folder->fd, 0);
}

static int folder_on_entry(const char *path, const struct stat *status, int type, struct FTW *walk) {
        return remove(path);
}

void folder_done(Folder *folder) {
        folder->fd = close_fd(folder->fd);
        ck_assert_int_eq(nftw(folder->path, folder_on_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

void folder_path(const Folder *folder, const char *name, char ret_path[static PATH_MAX]) {
        int n = snprintf(ret_path, PATH_MAX, "%s/%s", folder->path, name);

        ck_assert_int_lt(n, PATH_MAX);
}

void folder_write(const Folder *folder, const char *name, const void *bytes, size_t size) {
        _cleanup_(close_fdp) int fd = -1;
        char parent[PATH_MAX];

        (void)snprintf(parent, sizeof parent, "%s", name);
        for (char *slash = strchr(parent, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                ck_assert(mkdirat(folder->fd, parent, 0755) == 0 || errno == EEXIST);
                *slash = '/';
        }

        fd = openat(folder->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
}

void folder_write_text(const Folder *folder, const char *name, const char *text) {
        folder_write(folder, name, text, strlen(text));
}

static const Folder *copy_target;
static size_t copy_prefix;

static int folder_on_fixture(const char *path, const struct stat *status, int type, struct FTW *walk) {
        char text[FIXTURE_BYTES_MAX];
        size_t length;

        if (type != FTW_F)
                return 0;

        ck_assert_int_eq(file_read_at(AT_FDCWD, path, text, sizeof text, &length), 0);
        folder_write(copy_target, path + copy_prefix, text, length);
        return 0;
}

void folder_copy_fixtures(const Folder *folder, const char *fixtures) {
        char path[PATH_MAX];

        (void)snprintf(path, sizeof path, FIXTURES "/%s", fixtures);
        copy_target = folder;
        copy_prefix = strlen(path) + 1;
        ck_assert_int_eq(nftw(path, folder_on_fixture, 8, FTW_PHYS), 0);
}

size_t fixture_read(const char *name, void *buffer, size_t size) {
        char path[PATH_MAX];
        size_t length;

        (void)snprintf(path, sizeof path, FIXTURES "/%s", name);
        ck_assert_int_eq(file_read_at(AT_FDCWD, path, buffer, size, &length), 0);
        return length;
}
