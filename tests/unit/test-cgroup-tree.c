/* SPDX-License-Identifier: Apache-2.0 */

/* On a folder like any other; the real tree is in tests/live. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "kernel/cgroup_tree.h"
#include "suite.h"
#include "unit/folder.h"

static Folder folder;

static void setup(void) {
        folder_init(&folder);
}

static void teardown(void) {
        folder_done(&folder);
}

static void make(const char *path) {
        ck_assert_int_eq(mkdirat(folder.fd, path, 0755), 0);
}

/* What a walk visited. */
typedef struct Visits {
        size_t n;
        char paths[64][PATH_MAX];
        uint64_t ids[64];
        size_t n_until_error;
} Visits;

static Visits visits;

static int on_cgroup(uint64_t id, const char *path, size_t size, void *userdata) {
        ck_assert_ptr_eq(userdata, &visits);
        ck_assert_uint_lt(visits.n, ELEMENTSOF(visits.paths));
        ck_assert_uint_lt(size, PATH_MAX);

        memcpy(visits.paths[visits.n], path, size);
        visits.paths[visits.n][size] = '\0';
        visits.ids[visits.n++] = id;
        return visits.n == visits.n_until_error ? -EDOM : 0;
}

static uint64_t visited_id(const char *path) {
        for (size_t i = 0; i < visits.n; i++)
                if (strcmp(visits.paths[i], path) == 0)
                        return visits.ids[i];

        return 0;
}

static void open_roots(int *ret_proc_fd, int *ret_sys_fd) {
        *ret_proc_fd = openat(folder.fd, "proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        *ret_sys_fd = openat(folder.fd, "sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(*ret_proc_fd, 0);
        ck_assert_int_ge(*ret_sys_fd, 0);
}

/* Opens the tree of a host whose /proc says this. */
static int open_tree(const char *mountinfo, int *ret_fd) {
        _cleanup_(close_fdp) int proc_fd = -1, sys_fd = -1;

        folder_write_text(&folder, "proc/self/mountinfo", mountinfo);
        folder_write_text(&folder, "sys/fs/cgroup/here", "");
        folder_write_text(&folder, "absolute/here", "");
        open_roots(&proc_fd, &sys_fd);
        return cgroup_tree_open(proc_fd, sys_fd, ret_fd);
}

START_TEST(a_tree_below_sys_is_opened_below_the_root_of_sys)
{
        _cleanup_(close_fdp) int fd = -1;

        ck_assert_int_eq(open_tree("1 2 0:3 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", &fd), 0);
        ck_assert_int_eq(faccessat(fd, "here", F_OK, 0), 0);
        ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(a_tree_elsewhere_is_opened_where_it_is)
{
        char path[PATH_MAX], text[2 * PATH_MAX];
        _cleanup_(close_fdp) int fd = -1;

        folder_path(&folder, "absolute", path);
        (void)snprintf(text, sizeof text, "1 2 0:3 / %s rw - cgroup2 cgroup2 rw\n", path);
        ck_assert_int_eq(open_tree(text, &fd), 0);
        ck_assert_int_eq(faccessat(fd, "here", F_OK, 0), 0);
}
END_TEST

START_TEST(a_host_of_many_mounts_is_read_to_the_end)
{
        static const char line[] = "1 2 0:3 / /mnt rw - tmpfs tmpfs rw\n";
        _cleanup_(freep) char *text = NULL;
        _cleanup_(close_fdp) int fd = -1;
        size_t n = 10000;

        text = malloc(n * strlen(line) + 100);
        for (size_t i = 0; i < n; i++)
                memcpy(text + i * strlen(line), line, strlen(line));
        strcpy(text + n * strlen(line), "1 2 0:3 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
        ck_assert_int_eq(open_tree(text, &fd), 0);
}
END_TEST

START_TEST(a_host_without_a_tree_is_told)
{
        int fd = -77;

        ck_assert_int_eq(open_tree("1 2 0:3 / /sys rw - sysfs sysfs rw\n", &fd), -ENOENT);
        ck_assert_int_eq(open_tree("1 2 0:3 / /sys/fs/gone rw - cgroup2 cgroup2 rw\n", &fd), -ENOENT);
        ck_assert_int_eq(unlinkat(folder.fd, "proc/self/mountinfo", 0), 0);
        ck_assert_int_eq(cgroup_tree_open(folder.fd, folder.fd, &fd), -ENOENT);
        ck_assert_int_eq(fd, -77);
}
END_TEST

START_TEST(folders_are_visited_and_files_are_not)
{
        folder_write_text(&folder, "cgroup.procs", "");
        folder_write_text(&folder, "a/cgroup.procs", "");
        folder_write_text(&folder, "a/b/cgroup.procs", "");
        make("c");
        ck_assert_int_eq(symlinkat("a", folder.fd, "link"), 0);

        ck_assert_int_eq(cgroup_tree_walk(folder.fd, on_cgroup, &visits), 0);
        ck_assert_uint_eq(visits.n, 4);
        ck_assert_str_eq(visits.paths[0], "/");
        ck_assert_uint_ne(visited_id("/a"), 0);
        ck_assert_uint_ne(visited_id("/a/b"), 0);
        ck_assert_uint_ne(visited_id("/c"), 0);
}
END_TEST

START_TEST(the_same_tree_can_be_walked_again)
{
        make("a");
        for (size_t i = 1; i <= 3; i++) {
                ck_assert_int_eq(cgroup_tree_walk(folder.fd, on_cgroup, &visits), 0);
                ck_assert_uint_eq(visits.n, 2 * i);
        }
}
END_TEST

START_TEST(a_walk_ends_where_a_visit_fails)
{
        make("a");
        make("a/b");
        visits.n_until_error = (size_t)_i;
        ck_assert_int_eq(cgroup_tree_walk(folder.fd, on_cgroup, &visits), -EDOM);
        ck_assert_uint_eq(visits.n, (size_t)_i);
}
END_TEST

START_TEST(what_is_too_deep_is_told_and_not_visited)
{
        char path[PATH_MAX] = "";

        for (size_t i = 0; i < CGROUP_TREE_DEPTH_MAX; i++) {
                strcat(path, i > 0 ? "/d" : "d");
                make(path);
        }
        ck_assert_int_eq(cgroup_tree_walk(folder.fd, on_cgroup, &visits), 0);
        ck_assert_uint_eq(visits.n, 1 + CGROUP_TREE_DEPTH_MAX);

        strcat(path, "/d");
        make(path);
        visits.n = 0;
        ck_assert_int_eq(cgroup_tree_walk(folder.fd, on_cgroup, &visits), 1);
        ck_assert_uint_eq(visits.n, 1 + CGROUP_TREE_DEPTH_MAX);
}
END_TEST

START_TEST(what_has_too_long_a_path_is_told_and_not_visited)
{
        _cleanup_(close_fdp) int fd = dup(folder.fd);
        char name[NAME_MAX + 1] = "";
        size_t n;

        /* Sixteen of these and their slashes are PATH_MAX, one byte too many. */
        memset(name, 'n', NAME_MAX);
        for (n = 1; n < PATH_MAX / (NAME_MAX + 1); n++) {
                int parent_fd = fd;

                ck_assert_int_eq(mkdirat(parent_fd, name, 0755), 0);
                fd = openat(parent_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
                ck_assert_int_ge(fd, 0);
                (void)close_fd(parent_fd);
        }

        ck_assert_int_eq(mkdirat(fd, name + 1, 0755), 0);
        ck_assert_int_eq(cgroup_tree_walk(folder.fd, on_cgroup, &visits), 0);
        ck_assert_uint_eq(visits.n, n + 1);
        ck_assert_uint_eq(strlen(visits.paths[n]), PATH_MAX - 1);

        visits.n = 0;
        ck_assert_int_eq(renameat(fd, name + 1, fd, name), 0);
        ck_assert_int_eq(cgroup_tree_walk(folder.fd, on_cgroup, &visits), 1);
        ck_assert_uint_eq(visits.n, n);

        /* So that the folder's own path in front of it fits. */
        ck_assert_int_eq(renameat(folder.fd, name, folder.fd, "n"), 0);
}
END_TEST

START_TEST(what_may_not_be_read_is_visited_without_its_children)
{
        int r;

        make("a");
        make("a/b");
        ck_assert_int_eq(fchmodat(folder.fd, "a", 0, 0), 0);
        ck_assert_int_eq(chmod(folder.path, 0755), 0);

        /* Root may read anything. */
        ck_assert_int_eq(geteuid() == 0 ? seteuid(65534) : 0, 0);
        r = cgroup_tree_walk(folder.fd, on_cgroup, &visits);
        ck_assert_int_eq(getuid() == 0 ? seteuid(0) : 0, 0);
        ck_assert_int_eq(fchmodat(folder.fd, "a", 0755, 0), 0);

        ck_assert_int_eq(r, 0);
        ck_assert_uint_eq(visits.n, 2);
        ck_assert_str_eq(visits.paths[1], "/a");
}
END_TEST

static int getdents_errno; /* of reading a folder below the root */
static int n_getdents;

ssize_t __real_getdents64(int fd, void *entries, size_t size);
ssize_t __wrap_getdents64(int fd, void *entries, size_t size);
ssize_t __wrap_getdents64(int fd, void *entries, size_t size) {
        if (getdents_errno && n_getdents++ > 0) {
                errno = getdents_errno;
                return -1;
        }
        return __real_getdents64(fd, entries, size);
}

typedef struct ErrorCase {
        int error;
        int result;
} ErrorCase;

static const ErrorCase read_errors[] = {
        { ENOENT, 0 }, { ENODEV, 0 }, { EACCES, 0 }, { EPERM, 0 }, { EIO, -EIO }, { ENOMEM, -ENOMEM },
};

START_TEST(only_a_folder_that_is_gone_or_forbidden_is_skipped)
{
        make("a");
        make("a/b");
        getdents_errno = read_errors[_i].error;
        ck_assert_int_eq(cgroup_tree_walk(folder.fd, on_cgroup, &visits), read_errors[_i].result);
        ck_assert_uint_eq(visits.n, 2);
}
END_TEST

START_TEST(without_descriptors_a_walk_fails)
{
        struct rlimit limit, tight;
        int next_fd = dup(folder.fd), r;

        make("a");
        make("a/b");
        ck_assert_int_eq(close(next_fd), 0);
        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
        tight = (struct rlimit){ .rlim_cur = (rlim_t)next_fd + 1, .rlim_max = limit.rlim_max };
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &tight), 0);
        r = cgroup_tree_walk(folder.fd, on_cgroup, &visits);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);

        ck_assert_int_eq(r, -EMFILE);
        ck_assert_uint_eq(visits.n, 2);
}
END_TEST

static int read_processes(const char *path, size_t n_max, pid_t *ret_pids, size_t *ret_n) {
        return cgroup_tree_read_processes(folder.fd, path, ret_pids, n_max, ret_n);
}

START_TEST(processes_are_read_but_those_of_another_namespace)
{
        pid_t pids[4];
        size_t n;

        folder_write_text(&folder, "a/b/cgroup.procs", "1\n0\n0\n2147483647\n300\n");
        ck_assert_int_eq(read_processes("/a/b", ELEMENTSOF(pids), pids, &n), 0);
        ck_assert_uint_eq(n, 3);
        ck_assert_int_eq(pids[0], 1);
        ck_assert_int_eq(pids[1], 2147483647);
        ck_assert_int_eq(pids[2], 300);
}
END_TEST

START_TEST(processes_of_the_root_and_none_at_all_are_read)
{
        pid_t pids[1];
        size_t n;

        folder_write_text(&folder, "cgroup.procs", "7\n");
        folder_write_text(&folder, "a/cgroup.procs", "");
        ck_assert_int_eq(read_processes("/", ELEMENTSOF(pids), pids, &n), 0);
        ck_assert_uint_eq(n, 1);
        ck_assert_int_eq(pids[0], 7);
        ck_assert_int_eq(read_processes("/a", ELEMENTSOF(pids), pids, &n), 0);
        ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(more_processes_than_fit_are_told)
{
        pid_t pids[3] = { -1, -1, -1 };
        size_t n;

        folder_write_text(&folder, "cgroup.procs", "1\n2\n0\n");
        ck_assert_int_eq(read_processes("/", 2, pids, &n), 0);
        ck_assert_uint_eq(n, 2);

        folder_write_text(&folder, "cgroup.procs", "1\n2\n0\n3\n");
        ck_assert_int_eq(read_processes("/", 2, pids, &n), 1);
        ck_assert_uint_eq(n, 2);
        ck_assert_int_eq(pids[1], 2);
        ck_assert_int_eq(pids[2], -1);
        ck_assert_int_eq(read_processes("/", 0, NULL, &n), 1);
        ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(a_long_list_of_processes_is_read_to_the_end)
{
        enum { N = 20000 };
        static pid_t pids[N];
        static char text[N * 6 + 1];
        size_t n, size = 0;

        for (int i = 1; i <= N; i++)
                size += (size_t)snprintf(text + size, sizeof text - size, "%d\n", i);
        folder_write(&folder, "cgroup.procs", text, size);
        ck_assert_int_eq(read_processes("/", N, pids, &n), 0);
        ck_assert_uint_eq(n, N);
        for (int i = 1; i <= N; i++)
                ck_assert_int_eq(pids[i - 1], i);
}
END_TEST

static const char *const bad_lists[] = {
        "\n", "1\n\n", "-1\n", "1 2\n", "x\n", "1", "2147483648\n", "99999999999999999999999\n", " 1\n",
};

START_TEST(a_bad_list_of_processes_is_refused)
{
        pid_t pids[8];
        size_t n = 99;

        folder_write_text(&folder, "cgroup.procs", bad_lists[_i]);
        ck_assert_int_eq(read_processes("/", ELEMENTSOF(pids), pids, &n), -EBADMSG);
        ck_assert_uint_eq(n, 99);
}
END_TEST

START_TEST(processes_of_a_cgroup_that_is_gone_are_not_told)
{
        char path[PATH_MAX] = "/";
        pid_t pids[1];
        size_t n = 99;

        ck_assert_int_eq(read_processes("/gone", ELEMENTSOF(pids), pids, &n), -ENOENT);
        for (size_t i = 0; i + 2 < sizeof path; i += 2)
                memcpy(path + i, "/a", 2);
        ck_assert_int_eq(read_processes(path, ELEMENTSOF(pids), pids, &n), -ENAMETOOLONG);
        ck_assert_uint_eq(n, 99);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("cgroup-tree");
        TCase *opening = tcase_create("opening");
        TCase *walking = tcase_create("walking");
        TCase *processes = tcase_create("processes");

        tcase_add_checked_fixture(opening, setup, teardown);
        tcase_add_test(opening, a_tree_below_sys_is_opened_below_the_root_of_sys);
        tcase_add_test(opening, a_tree_elsewhere_is_opened_where_it_is);
        tcase_add_test(opening, a_host_of_many_mounts_is_read_to_the_end);
        tcase_add_test(opening, a_host_without_a_tree_is_told);
        suite_add_tcase(suite, opening);

        tcase_add_checked_fixture(walking, setup, teardown);
        tcase_add_test(walking, folders_are_visited_and_files_are_not);
        tcase_add_test(walking, the_same_tree_can_be_walked_again);
        tcase_add_loop_test(walking, a_walk_ends_where_a_visit_fails, 1, 4);
        tcase_add_test(walking, what_is_too_deep_is_told_and_not_visited);
        tcase_add_test(walking, what_has_too_long_a_path_is_told_and_not_visited);
        tcase_add_test(walking, what_may_not_be_read_is_visited_without_its_children);
        tcase_add_loop_test(walking, only_a_folder_that_is_gone_or_forbidden_is_skipped, 0,
                            ELEMENTSOF(read_errors));
        tcase_add_test(walking, without_descriptors_a_walk_fails);
        suite_add_tcase(suite, walking);

        tcase_add_checked_fixture(processes, setup, teardown);
        tcase_add_test(processes, processes_are_read_but_those_of_another_namespace);
        tcase_add_test(processes, processes_of_the_root_and_none_at_all_are_read);
        tcase_add_test(processes, more_processes_than_fit_are_told);
        tcase_add_test(processes, a_long_list_of_processes_is_read_to_the_end);
        tcase_add_loop_test(processes, a_bad_list_of_processes_is_refused, 0, ELEMENTSOF(bad_lists));
        tcase_add_test(processes, processes_of_a_cgroup_that_is_gone_are_not_told);
        suite_add_tcase(suite, processes);

        return suite_main(suite);
}
