/* SPDX-License-Identifier: Apache-2.0 */

/* Files of /proc that are kept open: what they tell is of now, and one may go and come again */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>

#include "base/kept_file.h"
#include "namespace.h"
#include "suite.h"

#define N_TRIES 10000

static int proc_fd = -1;
static char text[64 * 1024];
static size_t length;

static void setup(void) {
        namespace_enter();
        proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(proc_fd, 0);
}

static void teardown(void) {
        proc_fd = close_fd(proc_fd);
}

static int read_it(KeptFile *file) {
        return kept_file_read(file, proc_fd, text, sizeof text, &length);
}

static void check_text(KeptFile *file, const char *expected) {
        ck_assert_int_eq(read_it(file), 0);
        ck_assert_str_eq(text, expected);
        ck_assert_uint_eq(length, strlen(expected));
}

static void run(const char *command) {
        ck_assert_msg(system(command) == 0, "%s", command);
}

static void make_devices(void) {
        run("PATH=/usr/bin:/bin:/usr/sbin:/sbin ip link add here type veth peer name there");
}

static void remove_devices(void) {
        run("PATH=/usr/bin:/bin:/usr/sbin:/sbin ip link delete here");
}

START_TEST(a_sysctl_is_read_as_it_is_now)
{
        KeptFile file = KEPT_FILE("sys/net/core/somaxconn");
        int fd;

        run("echo 1234 > /proc/sys/net/core/somaxconn");
        check_text(&file, "1234\n");
        fd = file.fd;
        run("echo 56 > /proc/sys/net/core/somaxconn");
        check_text(&file, "56\n");
        check_text(&file, "56\n");
        ck_assert_int_eq(file.fd, fd);
        kept_file_done(&file);
}
END_TEST

/* As with conntrack's, that go with the module. */
START_TEST(a_sysctl_that_goes_is_absent_and_read_when_it_comes_again)
{
        KeptFile file = KEPT_FILE("sys/net/ipv4/conf/here/rp_filter");

        ck_assert_int_eq(read_it(&file), -ENOENT);
        for (unsigned i = 0; i < 3; i++) {
                make_devices();
                run("echo 2 > /proc/sys/net/ipv4/conf/here/rp_filter");
                check_text(&file, "2\n");
                check_text(&file, "2\n");
                remove_devices();
                ck_assert_int_eq(read_it(&file), -ENOENT);
                ck_assert_int_eq(read_it(&file), -ENOENT);
        }
}
END_TEST

/* Gone and there again, before anybody looked. */
START_TEST(a_sysctl_that_was_replaced_is_read_as_the_new_one)
{
        KeptFile file = KEPT_FILE("sys/net/ipv4/conf/here/rp_filter");

        make_devices();
        run("echo 2 > /proc/sys/net/ipv4/conf/here/rp_filter");
        check_text(&file, "2\n");
        remove_devices();
        make_devices();
        run("echo 1 > /proc/sys/net/ipv4/conf/here/rp_filter");
        check_text(&file, "1\n");
        kept_file_done(&file);
}
END_TEST

/* What all of the host shares, as sockstat's memory, changes while it is read, and back: then it is read
 * again. */
static void check_same(KeptFile *file) {
        static char before[sizeof text], after[sizeof text];

        for (unsigned i = 0; i < N_TRIES; i++) {
                ck_assert_int_eq(file_read_at(proc_fd, file->path, before, sizeof before, &length), 0);
                ck_assert_uint_gt(length, 0);
                ck_assert_int_eq(kept_file_read(file, proc_fd, text, sizeof text, &length), 0);
                ck_assert_int_eq(file_read_at(proc_fd, file->path, after, sizeof after, &length), 0);
                if (strcmp(before, text) == 0 && strcmp(text, after) == 0)
                        break;
        }
        ck_assert_str_eq(before, text);
        ck_assert_str_eq(text, after);
}

/* Each of those that collectors keep: what was opened before tells the same as what is opened now. */
START_TEST(every_file_tells_the_same_whether_kept_or_opened)
{
        static const char *const paths[] = {
                "net/snmp",
                "net/netstat",
                "net/snmp6",
                "net/sockstat",
                "net/sockstat6",
                "sys/net/ipv4/ip_local_port_range",
                "sys/net/ipv4/ip_local_reserved_ports",
                "sys/net/ipv4/tcp_max_tw_buckets",
                "self/limits",
        };

        run("echo 30000,31000-31009 > /proc/sys/net/ipv4/ip_local_reserved_ports");
        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                KeptFile file = KEPT_FILE(paths[i]);

                for (unsigned j = 0; j < 3; j++)
                        check_same(&file);
                kept_file_done(&file);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("kept-file");
        TCase *proc = tcase_create("proc");

        namespace_require();
        namespace_require_program("ip");

        tcase_add_checked_fixture(proc, setup, teardown);
        tcase_add_test(proc, a_sysctl_is_read_as_it_is_now);
        tcase_add_test(proc, a_sysctl_that_goes_is_absent_and_read_when_it_comes_again);
        tcase_add_test(proc, a_sysctl_that_was_replaced_is_read_as_the_new_one);
        tcase_add_test(proc, every_file_tells_the_same_whether_kept_or_opened);
        suite_add_tcase(suite, proc);

        return suite_main(suite);
}
