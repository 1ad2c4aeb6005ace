/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Cgroups of the test's own
 *
 * They are made in one folder at the root of the cgroup2 tree. It is removed when
 * all tests of the program have ended, failed or not, since only then no process
 * of theirs is in it.
 */

#include <stdint.h>

/* Called first by main(): ends the program as skipped where no cgroup can be made and entered. */
void cgroups_require(void);

/* Called by a test that is not to meet what another left behind: it goes on in a folder below that one. */
void cgroups_enter_own(void);

/* Called last by main(). */
void cgroups_remove(void);

/* Root of the tree. */
int cgroups_root_fd(void);

/* Path of our folder: "/sockwatch-test-PID", or that of a test below it. */
const char *cgroups_own(void);

/* The path of "/a" in our folder, which is the name of its unit as well. Lives until the next call. */
const char *cgroup_path(const char *name);

/* Makes one, or fails the test. Returns its id. */
uint64_t cgroup_make(const char *name);

/* Removes one, in which no process may be. */
void cgroup_remove(const char *name);

/* Moves this process. */
void cgroup_enter(const char *name);

/* Writes a file of a cgroup. Returns 0 or a negative errno. */
int cgroup_write(const char *name, const char *file, const char *text);
