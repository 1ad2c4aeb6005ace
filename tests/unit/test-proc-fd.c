/* SPDX-License-Identifier: Apache-2.0 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/proc_fd.h"
#include "suite.h"
#include "unit/folder.h"

static Folder folder;

static void setup(void) {
        folder_init(&folder);
}

static void teardown(void) {
        folder_done(&folder);
}

/* /proc/self/fdinfo has an entry per descriptor as well, but no size on any kernel: it must be read. */
static const char *const descriptor_folders[] = { "/proc/self/fd", "/proc/self/fdinfo" };

START_TEST(descriptors_are_counted)
{
        const char *path = descriptor_folders[_i];
        uint64_t before, after;
        int fds[10];

        ck_assert_int_eq(proc_fd_count(AT_FDCWD, path, &before), 0);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                fds[i] = dup(0);
        ck_assert_int_eq(proc_fd_count(AT_FDCWD, path, &after), 0);
        ck_assert_uint_ge(before, 3);
        ck_assert_uint_eq(after, before + ELEMENTSOF(fds));

        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                ck_assert_int_eq(close(fds[i]), 0);
        ck_assert_int_eq(proc_fd_count(AT_FDCWD, path, &after), 0);
        ck_assert_uint_eq(after, before);
}
END_TEST

START_TEST(a_folder_that_is_read_has_as_many_as_entries)
{
        const struct dirent *entry;
        uint64_t n, n_entries = 0;
        DIR *entries;

        ck_assert_int_eq(proc_fd_count(AT_FDCWD, "/proc/self/fdinfo", &n), 0);
        entries = opendir("/proc/self/fdinfo");
        while ((entry = readdir(entries)))
                n_entries += entry->d_name[0] != '.';
        (void)closedir(entries);
        ck_assert_uint_eq(n, n_entries);
}
END_TEST

START_TEST(a_folder_with_a_size_is_not_read)
{
        struct stat status;
        uint64_t n;

        folder_write_text(&folder, "1/fd/0", "");
        ck_assert_int_eq(fstatat(folder.fd, "1/fd", &status, 0), 0);
        if (status.st_size == 0)
                return; /* a file system whose folders have none */

        ck_assert_int_eq(proc_fd_count(folder.fd, "1/fd", &n), 0);
        ck_assert_uint_eq(n, (uint64_t)status.st_size);
}
END_TEST

static int readdir_errno; /* of reading on, behind the first entry; 0: reading goes on */
static unsigned n_readdirs;

struct dirent *__real_readdir64(DIR *folder_read);
struct dirent *__wrap_readdir64(DIR *folder_read);
struct dirent *__wrap_readdir64(DIR *folder_read) {
        if (readdir_errno && n_readdirs++ > 0) {
                errno = readdir_errno;
                return NULL;
        }
        return __real_readdir64(folder_read);
}

/* As when the process ends in the meantime. */
START_TEST(a_folder_that_cannot_be_read_to_its_end_has_no_count)
{
        uint64_t n = 99;
        int r;

        readdir_errno = ENOENT;
        r = proc_fd_count(AT_FDCWD, "/proc/self/fdinfo", &n);
        readdir_errno = 0;
        ck_assert_int_eq(r, -ENOENT);
        ck_assert_uint_eq(n, 99);
}
END_TEST

START_TEST(what_is_not_there_is_told)
{
        uint64_t n = 99;

        folder_write_text(&folder, "file", "");
        ck_assert_int_eq(proc_fd_count(folder.fd, "1/fd", &n), -ENOENT);
        ck_assert_int_eq(proc_fd_count(folder.fd, "file", &n), -ENOTDIR);
        ck_assert_uint_eq(n, 99);
}
END_TEST

START_TEST(a_descriptor_is_looked_at_for_one_socket)
{
        int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = socket(AF_UNIX, SOCK_STREAM, 0);
        unsigned file = (unsigned)proc_fd;
        struct stat status;

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fstat(fd, &status), 0);
        ck_assert(proc_fd_is_socket(proc_fd, getpid(), (unsigned)fd, status.st_ino));
        ck_assert(!proc_fd_is_socket(proc_fd, getpid(), (unsigned)fd, status.st_ino + 1));
        ck_assert(!proc_fd_is_socket(proc_fd, getpid(), file, status.st_ino));
        ck_assert(!proc_fd_is_socket(proc_fd, 1 << 30, (unsigned)fd, status.st_ino));

        ck_assert_int_eq(close(fd), 0);
        ck_assert(!proc_fd_is_socket(proc_fd, getpid(), (unsigned)fd, status.st_ino));
        ck_assert_int_eq(close(proc_fd), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("proc-fd");
        TCase *counting = tcase_create("counting"), *links = tcase_create("links");

        tcase_add_checked_fixture(counting, setup, teardown);
        tcase_add_loop_test(counting, descriptors_are_counted, 0, ELEMENTSOF(descriptor_folders));
        tcase_add_test(counting, a_folder_that_is_read_has_as_many_as_entries);
        tcase_add_test(counting, a_folder_with_a_size_is_not_read);
        tcase_add_test(counting, a_folder_that_cannot_be_read_to_its_end_has_no_count);
        tcase_add_test(counting, what_is_not_there_is_told);
        suite_add_tcase(suite, counting);

        tcase_add_test(links, a_descriptor_is_looked_at_for_one_socket);
        suite_add_tcase(suite, links);

        return suite_main(suite);
}
