/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/kept_file.h"
#include "suite.h"
#include "unit/folder.h"

/* What ld calls in its place. */
ssize_t __real_pread64(int fd, void *bytes, size_t size, off_t at);
ssize_t __wrap_pread64(int fd, void *bytes, size_t size, off_t at);
ssize_t __real_read(int fd, void *bytes, size_t size);
ssize_t __wrap_read(int fd, void *bytes, size_t size);

static Folder folder;
static size_t piece; /* no read gives more; 0: whatever there is */
static unsigned n_reads;
static KeptFile file;
static char buffer[16];
static size_t length;

static void setup(void) {
        folder_init(&folder);
        file = KEPT_FILE("net/snmp");
        piece = n_reads = 0;
}

static void teardown(void) {
        kept_file_done(&file);
        folder_done(&folder);
}

ssize_t __wrap_pread64(int fd, void *bytes, size_t size, off_t at) {
        n_reads++;
        return __real_pread64(fd, bytes, piece > 0 ? MIN(size, piece) : size, at);
}

ssize_t __wrap_read(int fd, void *bytes, size_t size) {
        n_reads++;
        return __real_read(fd, bytes, piece > 0 ? MIN(size, piece) : size);
}

static int read_it(void) {
        return kept_file_read(&file, folder.fd, buffer, sizeof buffer, &length);
}

static void check_text(const char *text) {
        ck_assert_int_eq(read_it(), 0);
        ck_assert_str_eq(buffer, text);
        ck_assert_uint_eq(length, strlen(text));
}

static void remove_it(void) {
        ck_assert_int_eq(unlinkat(folder.fd, file.path, 0), 0);
}

static bool is_open(int fd) {
        return fcntl(fd, F_GETFD) >= 0;
}

START_TEST(each_time_it_is_read_as_it_is_now)
{
        static const char *const texts[] = { "Tcp: 1\n", "Tcp: 12\n", "", "T", "Tcp: 1\n" };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                folder_write_text(&folder, file.path, texts[i]);
                check_text(texts[i]);
                check_text(texts[i]);
        }
}
END_TEST

START_TEST(one_that_comes_whole_is_read_once_each_time)
{
        folder_write_text(&folder, file.path, "first");
        check_text("first");
        n_reads = 0;
        folder_write_text(&folder, file.path, "second");
        check_text("second");
        ck_assert_uint_eq(n_reads, 1);
}
END_TEST

START_TEST(one_that_comes_in_pieces_is_read_to_its_end_each_time)
{
        piece = 4;
        for (unsigned i = 0; i < 3; i++) {
                folder_write_text(&folder, file.path, "in three");
                check_text("in three");
                folder_write_text(&folder, file.path, "in three too");
                check_text("in three too");
        }
}
END_TEST

START_TEST(one_that_was_empty_is_read_to_its_end_when_it_is_not)
{
        folder_write_text(&folder, file.path, "");
        check_text("");
        piece = 4;
        folder_write_text(&folder, file.path, "in pieces");
        check_text("in pieces");
}
END_TEST

START_TEST(it_is_looked_up_once)
{
        folder_write_text(&folder, file.path, "once");
        check_text("once");
        remove_it();
        check_text("once");
}
END_TEST

START_TEST(one_that_can_no_longer_be_read_is_opened_anew)
{
        folder_write_text(&folder, file.path, "first");
        check_text("first");
        remove_it();
        folder_write_text(&folder, file.path, "second");
        check_text("first");

        ck_assert_int_eq(dup2(folder.fd, file.fd), file.fd);
        check_text("second");
        check_text("second");
}
END_TEST

START_TEST(one_that_comes_later_is_read_then)
{
        ck_assert_int_eq(read_it(), -ENOENT);
        ck_assert_int_lt(file.fd, 0);
        folder_write_text(&folder, file.path, "here");
        check_text("here");
}
END_TEST

START_TEST(one_that_does_not_fit_may_be_read_into_more)
{
        static const char text[] = "larger than the buffer is";
        char larger[64];

        folder_write_text(&folder, file.path, "small");
        check_text("small");

        length = 99;
        folder_write_text(&folder, file.path, text);
        ck_assert_int_eq(read_it(), -EFBIG);
        ck_assert_uint_eq(length, 99);
        remove_it();
        ck_assert_int_eq(kept_file_read(&file, folder.fd, larger, sizeof larger, &length), 0);
        ck_assert_str_eq(larger, text);
}
END_TEST

START_TEST(after_a_failure_it_is_not_open_and_the_next_time_tries_anew)
{
        int fd;

        folder_write_text(&folder, file.path, "here");
        check_text("here");
        fd = file.fd;
        ck_assert_int_eq(dup2(folder.fd, fd), fd);
        remove_it();

        length = 99;
        ck_assert_int_eq(read_it(), -ENOENT);
        ck_assert_uint_eq(length, 99);
        ck_assert_int_lt(file.fd, 0);
        ck_assert(!is_open(fd));

        folder_write_text(&folder, file.path, "again");
        check_text("again");
}
END_TEST

START_TEST(a_pipe_is_opened_anew_each_time)
{
        char path[PATH_MAX];

        ck_assert_int_eq(mkdirat(folder.fd, "net", 0755), 0);
        folder_path(&folder, file.path, path);
        for (unsigned i = 0; i < 3; i++) {
                pid_t child;

                /* Another, or what is still open would let the writer go on and lose what it writes. */
                ck_assert(i == 0 || unlink(path) == 0);
                ck_assert_int_eq(mkfifo(path, 0600), 0);
                child = fork();
                if (child == 0) {
                        int fd = open(path, O_WRONLY);

                        _exit(write(fd, "once", 4) != 4);
                }
                check_text("once");
                ck_assert_int_eq(waitpid(child, NULL, 0), child);
        }
}
END_TEST

START_TEST(a_folder_is_no_file)
{
        ck_assert_int_eq(mkdirat(folder.fd, "net", 0755), 0);
        ck_assert_int_eq(mkdirat(folder.fd, file.path, 0755), 0);
        ck_assert_int_eq(read_it(), -EISDIR);
        ck_assert_int_lt(file.fd, 0);
}
END_TEST

START_TEST(no_other_program_inherits_it)
{
        folder_write_text(&folder, file.path, "1");
        check_text("1");
        ck_assert_int_eq(fcntl(file.fd, F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(the_end_closes_it_and_may_come_twice)
{
        int fd;

        folder_write_text(&folder, file.path, "1");
        check_text("1");
        fd = file.fd;
        kept_file_done(&file);
        ck_assert(!is_open(fd));
        kept_file_done(&file);
        check_text("1");
}
END_TEST

int main(void) {
        Suite *suite = suite_create("kept-file");
        TCase *reading = tcase_create("reading");

        tcase_add_checked_fixture(reading, setup, teardown);
        tcase_add_test(reading, each_time_it_is_read_as_it_is_now);
        tcase_add_test(reading, one_that_comes_whole_is_read_once_each_time);
        tcase_add_test(reading, one_that_comes_in_pieces_is_read_to_its_end_each_time);
        tcase_add_test(reading, one_that_was_empty_is_read_to_its_end_when_it_is_not);
        tcase_add_test(reading, it_is_looked_up_once);
        tcase_add_test(reading, one_that_can_no_longer_be_read_is_opened_anew);
        tcase_add_test(reading, one_that_comes_later_is_read_then);
        tcase_add_test(reading, one_that_does_not_fit_may_be_read_into_more);
        tcase_add_test(reading, after_a_failure_it_is_not_open_and_the_next_time_tries_anew);
        tcase_add_test(reading, a_pipe_is_opened_anew_each_time);
        tcase_add_test(reading, a_folder_is_no_file);
        tcase_add_test(reading, no_other_program_inherits_it);
        tcase_add_test(reading, the_end_closes_it_and_may_come_twice);
        suite_add_tcase(suite, reading);

        return suite_main(suite);
}
