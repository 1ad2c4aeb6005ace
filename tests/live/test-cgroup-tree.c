/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The real tree of cgroups, with cgroups of the test's own in it
 *
 * They are made in one folder at the root of the tree. It is removed when all
 * tests have ended, failed or not, since only then no process of theirs is in it.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "kernel/cgroup_tree.h"
#include "kernel/proc_cgroup.h"
#include "kernel/sock_diag.h"
#include "namespace.h"
#include "sockets.h"
#include "suite.h"

#define NOBODY 65534

static int root_fd = -1;
static char own[64]; /* path of our folder, "/sockwatch-test-PID" */

/* "/a" is a cgroup in our folder. Lives until the next call. */
static const char *path_of(const char *name) {
        static char path[PATH_MAX];

        (void)snprintf(path, sizeof path, "%s%s", own, name);
        return path;
}

static int write_file(const char *name, const char *file, const char *text) {
        _cleanup_(close_fdp) int fd = -1;
        char path[PATH_MAX];

        (void)snprintf(path, sizeof path, "%s%s/%s", own + 1, name, file);
        fd = openat(root_fd, path, O_WRONLY | O_CLOEXEC);
        return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* Returns the inode number. */
static uint64_t make(const char *name) {
        struct stat status;

        ck_assert_int_eq(mkdirat(root_fd, path_of(name) + 1, 0755), 0);
        ck_assert_int_eq(fstatat(root_fd, path_of(name) + 1, &status, 0), 0);
        return status.st_ino;
}

static void enter(const char *name) {
        ck_assert_int_eq(write_file(name, "cgroup.procs", "0"), 0);
}

/* What is looked for in a walk. */
typedef struct Search {
        char path[PATH_MAX]; /* of the cgroup with this id; "" until it was visited */
        uint64_t id;
        size_t n;
        size_t n_own;
} Search;

static int on_cgroup(uint64_t id, const char *path, size_t size, void *userdata) {
        Search *search = userdata;

        search->n++;
        search->n_own += size > strlen(own) && memcmp(path, own, strlen(own)) == 0;
        if (id == search->id) {
                ck_assert_str_eq(search->path, "");
                ck_assert_uint_lt(size, PATH_MAX);
                memcpy(search->path, path, size);
        }
        return 0;
}

static void check_path_of_id(uint64_t id, const char *path) {
        Search search = { .id = id };

        ck_assert_int_eq(cgroup_tree_walk(root_fd, on_cgroup, &search), 0);
        ck_assert_str_eq(search.path, path);
}

START_TEST(a_cgroup_is_visited_by_the_inode_of_its_folder)
{
        static const char *const names[] = { "/inode", "/inode/b.slice", "/inode/b.slice/c.service",
                                             "/inode/d\\x2d e\x01\xff" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                uint64_t id = make(names[i]);

                check_path_of_id(id, path_of(names[i]));
        }
}
END_TEST

START_TEST(the_root_is_visited_as_well)
{
        struct stat status;

        ck_assert_int_eq(fstat(root_fd, &status), 0);
        check_path_of_id(status.st_ino, "/");
}
END_TEST

/* More than are read at once, on more than one level. */
START_TEST(none_of_many_is_left_out)
{
        Search before = { 0 }, after = { 0 };
        char name[64];

        ck_assert_int_eq(cgroup_tree_walk(root_fd, on_cgroup, &before), 0);
        make("/many");
        for (int i = 0; i < 200; i++) {
                (void)snprintf(name, sizeof name, "/many/%d.slice", i);
                make(name);
                (void)snprintf(name, sizeof name, "/many/%d.slice/unit.service", i);
                make(name);
        }
        ck_assert_int_eq(cgroup_tree_walk(root_fd, on_cgroup, &after), 0);
        ck_assert_uint_eq(after.n_own, before.n_own + 401);
}
END_TEST

START_TEST(a_walk_needs_no_privilege)
{
        uint64_t id;

        make("/unprivileged");
        id = make("/unprivileged/below");
        ck_assert_int_eq(setegid(NOBODY), 0);
        ck_assert_int_eq(seteuid(NOBODY), 0);
        check_path_of_id(id, path_of("/unprivileged/below"));
        ck_assert_int_eq(seteuid(getuid()), 0);
}
END_TEST

/* Removes what is visited, and its child. */
static int on_doomed(uint64_t id, const char *path, size_t size, void *userdata) {
        static const char doomed[] = "/doomed/";
        char name[PATH_MAX];
        int *n_removed = userdata;

        (void)snprintf(name, sizeof name, "%.*s/child", (int)size, path);
        if (!memmem(path, size, doomed, strlen(doomed)))
                return 0;

        ck_assert_int_eq(unlinkat(root_fd, name + 1, AT_REMOVEDIR), 0);
        if (*n_removed % 2 == 0) {
                name[size] = '\0';
                ck_assert_int_eq(unlinkat(root_fd, name + 1, AT_REMOVEDIR), 0);
        }
        (*n_removed)++;
        return 0;
}

START_TEST(a_cgroup_that_vanishes_in_a_walk_is_no_error)
{
        int n_removed = 0;

        make("/doomed");
        for (int i = 0; i < 10; i++) {
                char name[64];

                (void)snprintf(name, sizeof name, "/doomed/%d", i);
                make(name);
                (void)snprintf(name, sizeof name, "/doomed/%d/child", i);
                make(name);
        }
        ck_assert_int_eq(cgroup_tree_walk(root_fd, on_doomed, &n_removed), 0);
        ck_assert_int_eq(n_removed, 10);
}
END_TEST

static int on_listener(const SockView *socket, void *userdata) {
        uint64_t *id = userdata;

        *id = socket->cgroup_id;
        return 0;
}

START_TEST(a_socket_leads_to_the_cgroup_it_was_made_in)
{
        _cleanup_(sock_diag_freep) SockDiag *diag = NULL;
        Spot at;
        uint64_t id = 0;

        make("/socket.service");
        enter("/socket.service");
        namespace_enter();
        at = spot("127.0.0.1", 0);
        listen_on(&at, 1);

        ck_assert_int_eq(sock_diag_new(&diag), 0);
        ck_assert_int_eq(sock_diag_dump(diag, SOCK_STATE_MASK(SOCK_STATE_LISTEN), 0, on_listener, &id), 0);
        if (id == 0)
                return; /* before Linux 5.7 */
        check_path_of_id(id, path_of("/socket.service"));
}
END_TEST

START_TEST(a_process_leads_to_the_cgroup_it_is_in)
{
        char text[8192];
        const char *path;
        size_t length, size;

        make("/process.service");
        enter("/process.service");
        ck_assert_int_eq(file_read_at(AT_FDCWD, "/proc/self/cgroup", text, sizeof text, &length), 0);
        ck_assert_int_eq(proc_cgroup_parse(text, length, &path, &size), 0);
        ck_assert_uint_eq(size, strlen(path_of("/process.service")));
        ck_assert_mem_eq(path, path_of("/process.service"), size);
}
END_TEST

/* Which is then in a cgroup that is called so. */
START_TEST(a_process_that_has_ended_leads_to_the_cgroup_it_was_in)
{
        char file[64], text[8192];
        const char *path;
        size_t length, size;
        siginfo_t info;
        pid_t pid;

        make("/ended");
        pid = fork();
        if (pid == 0)
                _exit(write_file("/ended", "cgroup.procs", "0") < 0);
        ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
        ck_assert_int_eq(info.si_status, 0);
        ck_assert_int_eq(unlinkat(root_fd, path_of("/ended") + 1, AT_REMOVEDIR), 0);

        (void)snprintf(file, sizeof file, "/proc/%d/cgroup", pid);
        ck_assert_int_eq(file_read_at(AT_FDCWD, file, text, sizeof text, &length), 0);
        ck_assert_ptr_nonnull(strstr(text, " (deleted)\n"));
        ck_assert_int_eq(proc_cgroup_parse(text, length, &path, &size), 0);
        ck_assert_uint_eq(size, strlen(path_of("/ended")));
        ck_assert_mem_eq(path, path_of("/ended"), size);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

START_TEST(a_cgroup_leads_to_the_processes_in_it)
{
        pid_t pids[4];
        size_t n;

        make("/processes");
        make("/processes/below");
        ck_assert_int_eq(cgroup_tree_read_processes(root_fd, path_of("/processes"), pids, 4, &n), 0);
        ck_assert_uint_eq(n, 0);

        enter("/processes/below");
        ck_assert_int_eq(cgroup_tree_read_processes(root_fd, path_of("/processes"), pids, 4, &n), 0);
        ck_assert_uint_eq(n, 0);
        ck_assert_int_eq(cgroup_tree_read_processes(root_fd, path_of("/processes/below"), pids, 4, &n), 0);
        ck_assert_uint_eq(n, 1);
        ck_assert_int_eq(pids[0], getpid());
        ck_assert_int_eq(cgroup_tree_read_processes(root_fd, path_of("/processes/below"), pids, 0, &n), 1);
}
END_TEST

/* Returns 0 if the processes of a cgroup that we are in are told as us alone. */
static int read_from_within(void) {
        pid_t pids[4];
        size_t n;

        if (cgroup_tree_read_processes(root_fd, path_of("/namespace"), pids, ELEMENTSOF(pids), &n) != 0)
                return 2;
        return n == 1 && pids[0] == getpid() ? 0 : 3;
}

/* The same for a process in a namespace of its own, in which its parents are not. */
static int read_from_new_namespace(void) {
        int status;
        pid_t pid;

        if (unshare(CLONE_NEWPID) < 0)
                return 0; /* refused here */

        pid = fork();
        if (pid == 0)
                _exit(read_from_within());
        return pid > 0 && waitpid(pid, &status, 0) == pid ? status : 1;
}

START_TEST(processes_of_an_outer_namespace_are_left_out)
{
        int status;
        pid_t pid;

        make("/namespace");
        enter("/namespace");
        pid = fork();
        if (pid == 0)
                _exit(read_from_new_namespace() != 0);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(a_threaded_cgroup_has_no_list_of_processes)
{
        pid_t pids[1];
        size_t n;

        make("/domain");
        make("/domain/threaded");
        ck_assert_int_eq(write_file("/domain/threaded", "cgroup.type", "threaded"), 0);
        ck_assert_int_eq(cgroup_tree_read_processes(root_fd, path_of("/domain/threaded"), pids, 1, &n),
                         -EOPNOTSUPP);
}
END_TEST

static _noreturn_ void skip(const char *reason) {
        printf("TAP version 13\n1..0 # SKIP %s\n", reason);
        exit(EXIT_SUCCESS);
}

static int open_tree(void) {
        _cleanup_(close_fdp) int proc_fd = -1, sys_fd = -1;

        proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        sys_fd = open("/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
        return cgroup_tree_open(proc_fd, sys_fd, &root_fd);
}

/* Whether a process may be moved there. */
static bool can_enter(void) {
        pid_t pid = fork();
        int status;

        if (pid == 0)
                _exit(write_file("", "cgroup.procs", "0") < 0);
        return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static void begin(void) {
        if (open_tree() < 0)
                skip("no cgroup2 here");

        (void)snprintf(own, sizeof own, "/sockwatch-test-%d", getpid());
        if (mkdirat(root_fd, own + 1, 0755) < 0)
                skip("the tree of cgroups cannot be written");
        if (!can_enter()) {
                (void)unlinkat(root_fd, own + 1, AT_REMOVEDIR);
                skip("processes cannot be moved to another cgroup");
        }
}

/* Removes the last cgroup of a walk that is ours, which has none below it. */
static int on_own(uint64_t id, const char *path, size_t size, void *userdata) {
        char *last = userdata;

        if (size >= strlen(own) && memcmp(path, own, strlen(own)) == 0) {
                memcpy(last, path, size);
                last[size] = '\0';
        }
        return 0;
}

static void end(void) {
        for (;;) {
                char last[PATH_MAX] = "";

                if (cgroup_tree_walk(root_fd, on_own, last) < 0 || last[0] == '\0')
                        return;
                if (unlinkat(root_fd, last + 1, AT_REMOVEDIR) < 0) {
                        fprintf(stderr, "%s: %s\n", last, strerror(errno));
                        return;
                }
        }
}

int main(void) {
        Suite *suite = suite_create("cgroup-tree");
        TCase *ids = tcase_create("ids");
        TCase *processes = tcase_create("processes");
        int status;

        namespace_require();
        begin();

        tcase_add_test(ids, a_cgroup_is_visited_by_the_inode_of_its_folder);
        tcase_add_test(ids, the_root_is_visited_as_well);
        tcase_add_test(ids, none_of_many_is_left_out);
        tcase_add_test(ids, a_walk_needs_no_privilege);
        tcase_add_test(ids, a_cgroup_that_vanishes_in_a_walk_is_no_error);
        tcase_add_test(ids, a_socket_leads_to_the_cgroup_it_was_made_in);
        suite_add_tcase(suite, ids);

        tcase_add_test(processes, a_process_leads_to_the_cgroup_it_is_in);
        tcase_add_test(processes, a_process_that_has_ended_leads_to_the_cgroup_it_was_in);
        tcase_add_test(processes, a_cgroup_leads_to_the_processes_in_it);
        tcase_add_test(processes, processes_of_an_outer_namespace_are_left_out);
        tcase_add_test(processes, a_threaded_cgroup_has_no_list_of_processes);
        suite_add_tcase(suite, processes);

        status = suite_main(suite);
        end();
        return status;
}
