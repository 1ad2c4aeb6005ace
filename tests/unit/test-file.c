/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "suite.h"
#include "unit/folder.h"

static Folder folder;

static void setup(void) {
        folder_init(&folder);
}

static void teardown(void) {
        folder_done(&folder);
}

START_TEST(a_file_is_read_below_the_folder)
{
        char buffer[16];
        size_t length;

        folder_write_text(&folder, "net/snmp", "Tcp: 1\n");
        ck_assert_int_eq(file_read_at(folder.fd, "net/snmp", buffer, sizeof buffer, &length), 0);
        ck_assert_uint_eq(length, 7);
        ck_assert_str_eq(buffer, "Tcp: 1\n");
}
END_TEST

START_TEST(content_and_its_end_must_fit)
{
        char buffer[8];
        size_t length = 99;

        folder_write_text(&folder, "fits", "1234567");
        folder_write_text(&folder, "exceeds", "12345678");

        ck_assert_int_eq(file_read_at(folder.fd, "fits", buffer, sizeof buffer, &length), 0);
        ck_assert_uint_eq(length, 7);
        ck_assert_int_eq(file_read_at(folder.fd, "exceeds", buffer, sizeof buffer, &length), -EFBIG);
        ck_assert_uint_eq(length, 7);
}
END_TEST

START_TEST(an_empty_file_has_length_0)
{
        char buffer[1] = "x";
        size_t length;

        folder_write_text(&folder, "empty", "");
        ck_assert_int_eq(file_read_at(folder.fd, "empty", buffer, sizeof buffer, &length), 0);
        ck_assert_uint_eq(length, 0);
        ck_assert_int_eq(buffer[0], '\0');
}
END_TEST

START_TEST(bytes_of_0_are_content)
{
        char buffer[8];
        size_t length;

        folder_write(&folder, "zeros", "a\0b", 3);
        ck_assert_int_eq(file_read_at(folder.fd, "zeros", buffer, sizeof buffer, &length), 0);
        ck_assert_uint_eq(length, 3);
        ck_assert_mem_eq(buffer, "a\0b", 4);
}
END_TEST

START_TEST(what_is_not_there_is_told)
{
        char buffer[8];
        size_t length = 99;

        ck_assert_int_eq(file_read_at(folder.fd, "absent", buffer, sizeof buffer, &length), -ENOENT);
        ck_assert_int_eq(file_read_at(folder.fd, ".", buffer, sizeof buffer, &length), -EISDIR);
        ck_assert_int_eq(file_read_at(-1, "absent", buffer, sizeof buffer, &length), -EBADF);
        ck_assert_uint_eq(length, 99);
}
END_TEST

START_TEST(a_file_that_comes_in_pieces_is_read_to_its_end)
{
        char path[PATH_MAX], buffer[64];
        size_t length;
        pid_t child;

        folder_path(&folder, "pipe", path);
        ck_assert_int_eq(mkfifo(path, 0600), 0);

        child = fork();
        if (child == 0) {
                int fd = open(path, O_WRONLY);
                bool is_written = true;

                for (int i = 0; i < 10; i++)
                        is_written &= write(fd, "0123", 4) == 4;
                _exit(!is_written);
        }

        ck_assert_int_eq(file_read_at(folder.fd, "pipe", buffer, sizeof buffer, &length), 0);
        ck_assert_uint_eq(length, 40);
}
END_TEST

START_TEST(no_descriptor_is_left_open)
{
        char buffer[8];
        size_t length;
        int before = dup(0);

        (void)close(before);
        folder_write_text(&folder, "fits", "1");
        folder_write_text(&folder, "exceeds", "12345678");
        ck_assert_int_eq(file_read_at(folder.fd, "fits", buffer, sizeof buffer, &length), 0);
        ck_assert_int_eq(file_read_at(folder.fd, "exceeds", buffer, sizeof buffer, &length), -EFBIG);
        ck_assert_int_eq(dup(0), before);
        (void)close(before);
}
END_TEST

#ifndef TEST_WITHOUT_ASSERTS
START_TEST(a_buffer_of_nothing_is_a_bug)
{
        char buffer[1];
        size_t length;

        (void)!file_read_at(folder.fd, "x", buffer, 0, &length);
}
END_TEST
#endif

int main(void) {
        Suite *suite = suite_create("file");
        TCase *reading = tcase_create("reading");

        tcase_add_checked_fixture(reading, setup, teardown);
        tcase_add_test(reading, a_file_is_read_below_the_folder);
        tcase_add_test(reading, content_and_its_end_must_fit);
        tcase_add_test(reading, an_empty_file_has_length_0);
        tcase_add_test(reading, bytes_of_0_are_content);
        tcase_add_test(reading, what_is_not_there_is_told);
        tcase_add_test(reading, a_file_that_comes_in_pieces_is_read_to_its_end);
        tcase_add_test(reading, no_descriptor_is_left_open);
        suite_add_tcase(suite, reading);

#ifndef TEST_WITHOUT_ASSERTS
        TCase *contract = tcase_create("contract");

        tcase_add_test_raise_signal(contract, a_buffer_of_nothing_is_a_bug, SIGABRT);
        suite_add_tcase(suite, contract);
#endif

        return suite_main(suite);
}
