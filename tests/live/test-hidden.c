/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A /proc that shows an unprivileged process nothing but its own kin (hidepid=2,
 * systemd's ProtectProc=invisible)
 *
 * In a PID namespace of the test's own: before Linux 5.8 such an option is not of a
 * mount, but of all of a namespace.
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/proc_hidden.h"
#include "namespace.h"
#include "sockets.h"
#include "watch.h"

#define NOBODY 65534

typedef struct Seen {
        bool is_incomplete;
        bool has_processes;
        bool has_not_permitted;
        uint64_t n_owners_not_permitted;
        uint64_t wants_ptrace;
        uint64_t wants_read_search;
} Seen;

static char folder[64];
static int listener;

static void setup(void) {
        Spot at = spot("127.0.0.1", 0);
        const char *temporary = getenv("TMPDIR");

        namespace_enter();
        listener = listen_on(&at, 8);
        (void)snprintf(folder, sizeof folder, "%s/sockwatch-XXXXXX", temporary ? temporary : "/tmp");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        ck_assert_int_eq(chmod(folder, 0755), 0);
}

static void teardown(void) {
        (void)umount2(folder, MNT_DETACH);
        ck_assert_int_eq(rmdir(folder), 0);
}

/* What is seen with this /proc. */
static Seen look(void) {
        Sources sources = SOURCES_NULL;
        Collection *collection;
        const char *what;
        Sample *sample = calloc(1, sizeof *sample);
        Seen seen;

        ck_assert_int_eq(sources_init(&sources, folder, "/sys", &what), 0);
        ck_assert_int_eq(collection_new(&sources, &collection), 0);
        for (unsigned i = 0; i < 10; i++)
                collection_run_walk(collection, &bounds_default, WALK_ALL, sample);
        seen = (Seen){
                .is_incomplete = sample->reports[COLLECTOR_PROCESSES].is_incomplete,
                .has_processes = sample_has(sample, VALUE_PROCESSES),
                .has_not_permitted = sample_has(sample, VALUE_PROCESSES_NOT_PERMITTED),
                .n_owners_not_permitted = sample->values[VALUE_OWNERS_NOT_PERMITTED],
                .wants_ptrace = sample->values[VALUE_OWNERS_WANT_PTRACE],
                .wants_read_search = sample->values[VALUE_OWNERS_WANT_READ_SEARCH],
        };
        collection_free(collection);
        sources_done(&sources);
        free(sample);
        return seen;
}

static void let_nobody_look(uid_t user, int result) {
        Seen seen;

        /* The test has it, and that cannot be seen from here. */
        (void)close_fd(listener);
        if (user != 0 &&
            (setgroups(0, NULL) < 0 || setresgid(user, user, user) < 0 || setresuid(user, user, user) < 0))
                _exit(1);
        seen = look();
        _exit(write(result, &seen, sizeof seen) == sizeof seen ? 0 : 1);
}

/* Process 1 of a new namespace mounts, and another one looks. */
static void be_init(uid_t user, int result) {
        int status;
        pid_t pid;

        if (mount("proc", folder, "proc", 0, "hidepid=2") < 0)
                _exit(1);
        pid = fork();
        if (pid == 0)
                let_nobody_look(user, result);
        _exit(waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 1);
}

static Seen look_as(uid_t user) {
        int results[2], status;
        Seen seen;
        pid_t pid;

        ck_assert_int_eq(pipe2(results, O_CLOEXEC), 0);
        ck_assert_int_eq(unshare(CLONE_NEWNS | CLONE_NEWPID), 0);
        ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
        pid = fork();
        if (pid == 0)
                be_init(user, results[1]);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
        ck_assert_int_eq(read(results[0], &seen, sizeof seen), sizeof seen);
        return seen;
}

START_TEST(processes_that_are_hidden_are_not_permitted_and_say_what_is_wanted)
{
        Seen seen = look_as(NOBODY);

        ck_assert(seen.is_incomplete);
        ck_assert(!seen.has_processes);
        ck_assert(!seen.has_not_permitted);
        ck_assert_uint_eq(seen.n_owners_not_permitted, 1);
        ck_assert_uint_eq(seen.wants_ptrace, 1);
        ck_assert_uint_eq(seen.wants_read_search, 1);
}
END_TEST

START_TEST(from_root_nothing_is_hidden)
{
        Seen seen = look_as(0);

        ck_assert(!seen.is_incomplete);
        ck_assert(seen.has_processes);
        ck_assert(seen.has_not_permitted);
        ck_assert_uint_eq(seen.wants_ptrace, 0);
        ck_assert_uint_eq(seen.wants_read_search, 0);
}
END_TEST

START_TEST(this_hosts_proc_hides_nothing_and_a_folder_never_does)
{
        _cleanup_(close_fdp) int proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                                 folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        ck_assert(!proc_hides_processes(proc_fd));
        ck_assert(!proc_hides_processes(folder_fd));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("hidden");
        TCase *hidden = tcase_create("hidden");

        namespace_require();
        if (geteuid() != 0) {
                printf("TAP version 13\n1..0 # SKIP only root can mount /proc\n");
                return EXIT_SUCCESS;
        }

        tcase_add_checked_fixture(hidden, setup, teardown);
        tcase_set_timeout(hidden, 30);
        tcase_add_test(hidden, processes_that_are_hidden_are_not_permitted_and_say_what_is_wanted);
        tcase_add_test(hidden, from_root_nothing_is_hidden);
        tcase_add_test(hidden, this_hosts_proc_hides_nothing_and_a_folder_never_does);
        suite_add_tcase(suite, hidden);

        return suite_main(suite);
}
