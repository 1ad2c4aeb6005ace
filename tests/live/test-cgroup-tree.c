/* SPDX-License-Identifier: Apache-2.0 */

/* The real tree of cgroups, with cgroups of the test's own in it */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "cgroups.h"
#include "kernel/cgroup_tree.h"
#include "kernel/proc_cgroup.h"
#include "kernel/sock_diag.h"
#include "namespace.h"
#include "sockets.h"
#include "suite.h"

#define NOBODY 65534

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
        search->n_own +=
                size > strlen(cgroups_own()) && memcmp(path, cgroups_own(), strlen(cgroups_own())) == 0;
        if (id == search->id) {
                ck_assert_str_eq(search->path, "");
                ck_assert_uint_lt(size, PATH_MAX);
                memcpy(search->path, path, size);
        }
        return 0;
}

static void check_path_of_id(uint64_t id, const char *path) {
        Search search = { .id = id };

        ck_assert_int_eq(cgroup_tree_walk(cgroups_root_fd(), on_cgroup, &search), 0);
        ck_assert_str_eq(search.path, path);
}

START_TEST(a_cgroup_is_visited_by_the_inode_of_its_folder)
{
        static const char *const names[] = { "/inode", "/inode/b.slice", "/inode/b.slice/c.service",
                                             "/inode/d\\x2d e\x01\xff" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                uint64_t id = cgroup_make(names[i]);

                check_path_of_id(id, cgroup_path(names[i]));
        }
}
END_TEST

START_TEST(the_root_is_visited_as_well)
{
        struct stat status;

        ck_assert_int_eq(fstat(cgroups_root_fd(), &status), 0);
        check_path_of_id(status.st_ino, "/");
}
END_TEST

/* More than are read at once, on more than one level. */
START_TEST(none_of_many_is_left_out)
{
        Search before = { 0 }, after = { 0 };
        char name[64];

        ck_assert_int_eq(cgroup_tree_walk(cgroups_root_fd(), on_cgroup, &before), 0);
        cgroup_make("/many");
        for (int i = 0; i < 200; i++) {
                (void)snprintf(name, sizeof name, "/many/%d.slice", i);
                cgroup_make(name);
                (void)snprintf(name, sizeof name, "/many/%d.slice/unit.service", i);
                cgroup_make(name);
        }
        ck_assert_int_eq(cgroup_tree_walk(cgroups_root_fd(), on_cgroup, &after), 0);
        ck_assert_uint_eq(after.n_own, before.n_own + 401);
}
END_TEST

START_TEST(a_walk_needs_no_privilege)
{
        uint64_t id;

        cgroup_make("/unprivileged");
        id = cgroup_make("/unprivileged/below");
        ck_assert_int_eq(setegid(NOBODY), 0);
        ck_assert_int_eq(seteuid(NOBODY), 0);
        check_path_of_id(id, cgroup_path("/unprivileged/below"));
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

        ck_assert_int_eq(unlinkat(cgroups_root_fd(), name + 1, AT_REMOVEDIR), 0);
        if (*n_removed % 2 == 0) {
                name[size] = '\0';
                ck_assert_int_eq(unlinkat(cgroups_root_fd(), name + 1, AT_REMOVEDIR), 0);
        }
        (*n_removed)++;
        return 0;
}

START_TEST(a_cgroup_that_vanishes_in_a_walk_is_no_error)
{
        int n_removed = 0;

        cgroup_make("/doomed");
        for (int i = 0; i < 10; i++) {
                char name[64];

                (void)snprintf(name, sizeof name, "/doomed/%d", i);
                cgroup_make(name);
                (void)snprintf(name, sizeof name, "/doomed/%d/child", i);
                cgroup_make(name);
        }
        ck_assert_int_eq(cgroup_tree_walk(cgroups_root_fd(), on_doomed, &n_removed), 0);
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

        cgroup_make("/socket.service");
        cgroup_enter("/socket.service");
        namespace_enter();
        at = spot("127.0.0.1", 0);
        listen_on(&at, 1);

        ck_assert_int_eq(sock_diag_new(&diag), 0);
        ck_assert_int_eq(sock_diag_dump(diag, SOCK_STATE_MASK(SOCK_STATE_LISTEN), 0, on_listener, &id), 0);
        if (id == 0)
                return; /* before Linux 5.7 */
        check_path_of_id(id, cgroup_path("/socket.service"));
}
END_TEST

START_TEST(a_process_leads_to_the_cgroup_it_is_in)
{
        char text[8192];
        const char *path;
        size_t length, size;

        cgroup_make("/process.service");
        cgroup_enter("/process.service");
        ck_assert_int_eq(file_read_at(AT_FDCWD, "/proc/self/cgroup", text, sizeof text, &length), 0);
        ck_assert_int_eq(proc_cgroup_parse(text, length, &path, &size), 0);
        ck_assert_uint_eq(size, strlen(cgroup_path("/process.service")));
        ck_assert_mem_eq(path, cgroup_path("/process.service"), size);
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

        cgroup_make("/ended");
        pid = fork();
        if (pid == 0)
                _exit(cgroup_write("/ended", "cgroup.procs", "0") < 0);
        ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
        ck_assert_int_eq(info.si_status, 0);
        ck_assert_int_eq(unlinkat(cgroups_root_fd(), cgroup_path("/ended") + 1, AT_REMOVEDIR), 0);

        (void)snprintf(file, sizeof file, "/proc/%d/cgroup", pid);
        ck_assert_int_eq(file_read_at(AT_FDCWD, file, text, sizeof text, &length), 0);
        ck_assert_ptr_nonnull(strstr(text, " (deleted)\n"));
        ck_assert_int_eq(proc_cgroup_parse(text, length, &path, &size), 0);
        ck_assert_uint_eq(size, strlen(cgroup_path("/ended")));
        ck_assert_mem_eq(path, cgroup_path("/ended"), size);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

START_TEST(a_cgroup_leads_to_the_processes_in_it)
{
        pid_t pids[4];
        size_t n;

        cgroup_make("/processes");
        cgroup_make("/processes/below");
        ck_assert_int_eq(cgroup_tree_read_processes(cgroups_root_fd(), cgroup_path("/processes"), pids, 4,
                                                    &n),
                         0);
        ck_assert_uint_eq(n, 0);

        cgroup_enter("/processes/below");
        ck_assert_int_eq(cgroup_tree_read_processes(cgroups_root_fd(), cgroup_path("/processes"), pids, 4,
                                                    &n),
                         0);
        ck_assert_uint_eq(n, 0);
        ck_assert_int_eq(cgroup_tree_read_processes(cgroups_root_fd(), cgroup_path("/processes/below"), pids,
                                                    4, &n),
                         0);
        ck_assert_uint_eq(n, 1);
        ck_assert_int_eq(pids[0], getpid());
        ck_assert_int_eq(cgroup_tree_read_processes(cgroups_root_fd(), cgroup_path("/processes/below"), pids,
                                                    0, &n),
                         1);
}
END_TEST

/* Returns 0 if the processes of a cgroup that we are in are told as us alone. */
static int read_from_within(void) {
        pid_t pids[4];
        size_t n;

        if (cgroup_tree_read_processes(cgroups_root_fd(), cgroup_path("/namespace"), pids, ELEMENTSOF(pids),
                                       &n) != 0)
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

        cgroup_make("/namespace");
        cgroup_enter("/namespace");
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

        cgroup_make("/domain");
        cgroup_make("/domain/threaded");
        ck_assert_int_eq(cgroup_write("/domain/threaded", "cgroup.type", "threaded"), 0);
        ck_assert_int_eq(cgroup_tree_read_processes(cgroups_root_fd(), cgroup_path("/domain/threaded"), pids,
                                                    1, &n),
                         -EOPNOTSUPP);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("cgroup-tree");
        TCase *ids = tcase_create("ids");
        TCase *processes = tcase_create("processes");
        int status;

        namespace_require();
        cgroups_require();

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
        cgroups_remove();
        return status;
}
