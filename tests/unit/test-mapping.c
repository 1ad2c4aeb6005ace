/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "store/mapping.h"
#include "suite.h"

#define MAPPED_BYTES ((size_t)64 * 1024)

static int fd = -1;
static Mapping mapping;

static int make_file(void) {
        int file = memfd_create("mapping", MFD_CLOEXEC);

        ck_assert_int_ge(file, 0);
        ck_assert_int_eq(ftruncate(file, MAPPED_BYTES), 0);
        return file;
}

static void setup(void) {
        fd = make_file();
        ck_assert_int_eq(mapping_init(&mapping, fd, MAPPED_BYTES), 0);
}

static void teardown(void) {
        mapping_done(&mapping);
        fd = close_fd(fd);
}

static volatile uint8_t *byte_at(size_t offset) {
        return (volatile uint8_t *)mapping.data + offset;
}

START_TEST(what_is_written_is_in_the_file)
{
        char text[3];

        memcpy((char *)mapping.data + 5000, "abc", 3);
        ck_assert_int_eq(pread(fd, text, sizeof text, 5000), 3);
        ck_assert_mem_eq(text, "abc", 3);
        ck_assert(!mapping.is_lost);
}
END_TEST

START_TEST(the_file_may_be_closed)
{
        fd = close_fd(fd);
        *byte_at(0) = 1;
        ck_assert_uint_eq(*byte_at(0), 1);
}
END_TEST

START_TEST(a_file_cut_short_is_survived)
{
        *byte_at(0) = 1;
        ck_assert_int_eq(ftruncate(fd, 0), 0);
        ck_assert(!mapping.is_lost);

        errno = 77;
        *byte_at(10) = 5;
        ck_assert_int_eq(errno, 77);
        ck_assert(mapping.is_lost);
        ck_assert_uint_eq(*byte_at(0), 0);
        ck_assert_uint_eq(*byte_at(10), 5);
        *byte_at(MAPPED_BYTES - 1) = 6;
        ck_assert_uint_eq(*byte_at(MAPPED_BYTES - 1), 6);
}
END_TEST

START_TEST(reading_what_was_cut_off_is_survived)
{
        *byte_at(40000) = 1;
        ck_assert_int_eq(ftruncate(fd, 8192), 0);
        ck_assert_uint_eq(*byte_at(0), 0);
        ck_assert(!mapping.is_lost);
        ck_assert_uint_eq(*byte_at(40000), 0);
        ck_assert(mapping.is_lost);
}
END_TEST

START_TEST(what_is_lost_does_not_reach_the_file)
{
        uint8_t byte = 99;

        ck_assert_int_eq(ftruncate(fd, 4096), 0);
        *byte_at(40000) = 1;
        ck_assert(mapping.is_lost);
        *byte_at(0) = 7;
        ck_assert_int_eq(pread(fd, &byte, 1, 0), 1);
        ck_assert_uint_eq(byte, 0);
}
END_TEST

START_TEST(each_mapping_is_lost_by_itself)
{
        Mapping other;
        int other_fd = make_file();

        ck_assert_int_eq(mapping_init(&other, other_fd, MAPPED_BYTES), 0);
        ck_assert_int_eq(ftruncate(other_fd, 0), 0);
        *(volatile uint8_t *)other.data = 1;
        ck_assert(other.is_lost);
        ck_assert(!mapping.is_lost);
        ck_assert_int_eq(ftruncate(fd, 0), 0);
        *byte_at(0) = 1;
        ck_assert(mapping.is_lost);

        mapping_done(&other);
        (void)close_fd(other_fd);
}
END_TEST

START_TEST(there_is_room_for_a_few)
{
        Mapping others[4];
        size_t n = 0;
        int r = 0;

        while (n < ELEMENTSOF(others) && (r = mapping_init(&others[n], fd, MAPPED_BYTES)) == 0)
                n++;
        ck_assert_int_eq(r, -EMFILE);
        ck_assert_uint_gt(n, 0);

        mapping_done(&others[0]);
        ck_assert_int_eq(mapping_init(&others[0], fd, MAPPED_BYTES), 0);
        while (n-- > 0)
                mapping_done(&others[n]);
}
END_TEST

START_TEST(it_is_unmapped_twice_without_harm)
{
        mapping_done(&mapping);
        mapping_done(&mapping);
        ck_assert_ptr_null(mapping.data);
}
END_TEST

START_TEST(what_cannot_be_mapped_is_told)
{
        Mapping other = { 0 };

        ck_assert_int_eq(mapping_init(&other, -1, MAPPED_BYTES), -EBADF);
        ck_assert_ptr_null(other.data);
        mapping_done(&other);
}
END_TEST

START_TEST(another_bus_error_still_kills)
{
        int other_fd = make_file();
        volatile uint8_t *other = mmap(NULL, MAPPED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, other_fd, 0);

        ck_assert_int_eq(ftruncate(other_fd, 0), 0);
        other[0] = 1;
}
END_TEST

START_TEST(a_mapping_that_is_no_more_is_not_guarded)
{
        volatile uint8_t *data = mapping.data;

        mapping_done(&mapping);
        ck_assert_ptr_eq((void *)(uintptr_t)mmap((void *)(uintptr_t)data, MAPPED_BYTES,
                                                 PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0),
                         (void *)(uintptr_t)data);
        ck_assert_int_eq(ftruncate(fd, 0), 0);
        data[0] = 1;
}
END_TEST

#ifndef TEST_WITHOUT_ASSERTS
START_TEST(a_mapping_of_nothing_is_a_bug)
{
        Mapping other;

        (void)!mapping_init(&other, fd, 0);
}
END_TEST
#endif

int main(void) {
        Suite *suite = suite_create("mapping");
        TCase *guarded = tcase_create("guarded");

        tcase_add_checked_fixture(guarded, setup, teardown);
        tcase_add_test(guarded, what_is_written_is_in_the_file);
        tcase_add_test(guarded, the_file_may_be_closed);
        tcase_add_test(guarded, a_file_cut_short_is_survived);
        tcase_add_test(guarded, reading_what_was_cut_off_is_survived);
        tcase_add_test(guarded, what_is_lost_does_not_reach_the_file);
        tcase_add_test(guarded, each_mapping_is_lost_by_itself);
        tcase_add_test(guarded, there_is_room_for_a_few);
        tcase_add_test(guarded, it_is_unmapped_twice_without_harm);
        tcase_add_test(guarded, what_cannot_be_mapped_is_told);
        tcase_add_test_raise_signal(guarded, another_bus_error_still_kills, SIGBUS);
        tcase_add_test_raise_signal(guarded, a_mapping_that_is_no_more_is_not_guarded, SIGBUS);
#ifndef TEST_WITHOUT_ASSERTS
        tcase_add_test_raise_signal(guarded, a_mapping_of_nothing_is_a_bug, SIGABRT);
#endif
        suite_add_tcase(suite, guarded);

        return suite_main(suite);
}
