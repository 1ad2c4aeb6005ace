/* SPDX-License-Identifier: Apache-2.0 */

/* A writer that is killed at whatever instruction it stands: what it committed is there, in order, and goes
 * on. */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "suite.h"
#include "unit/ring_file.h"
#include "unit/samples.h"

#define N_KILLS 50

static Folder folder;
static char path[PATH_MAX];
static _Atomic uint64_t *committed; /* as the writer knows it; shared with it */

static void setup(void) {
        folder_init(&folder);
        folder_path(&folder, "ring", path);
        committed = mmap(NULL, sizeof *committed, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne((void *)(uintptr_t)committed, MAP_FAILED);
}

static void teardown(void) {
        ck_assert_int_eq(munmap((void *)(uintptr_t)committed, sizeof *committed), 0);
        folder_done(&folder);
}

static const RingRecordKind kinds[] = { RING_SHORT, RING_LONG, RING_LONGEST };

START_TEST(a_killed_writer_leaves_a_file_that_goes_on)
{
        RingRecordKind kind = kinds[_i];
        uint64_t random = (uint64_t)_i + 1, first = 0, last = 1;

        ring_file_make(path, kind, last);
        atomic_store(committed, last);
        for (unsigned i = 0; i < N_KILLS; i++) {
                uint64_t kill_after = last + random_next(&random) % 40, known;
                unsigned n_more = (unsigned)(random_next(&random) % 10000);
                int status;
                pid_t child;

                child = fork();
                if (child == 0)
                        ring_file_write(path, kind, last, UINT64_MAX - 1, committed);

                while (atomic_load(committed) < kill_after && waitpid(child, &status, WNOHANG) == 0)
                        (void)sched_yield();
                for (volatile unsigned j = 0; j < n_more; j++)
                        ;
                (void)kill(child, SIGKILL);
                ck_assert_int_eq(waitpid(child, &status, 0), child);
                ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

                known = atomic_load(committed);
                (void)ring_file_check(path, kind, &first, &last);
                ck_assert_uint_ge(last, known);
                ck_assert_uint_le(last, known + 1);
        }

        ck_assert_uint_gt(last, N_KILLS);
        (void)ring_close(ring_file_open(path, last));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("ring-kill");
        TCase *killing = tcase_create("killing");

        tcase_add_checked_fixture(killing, setup, teardown);
        tcase_set_timeout(killing, 300);
        tcase_add_loop_test(killing, a_killed_writer_leaves_a_file_that_goes_on, 0, ELEMENTSOF(kinds));
        suite_add_tcase(suite, killing);

        return suite_main(suite);
}
