/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A host whose processes and cgroups are what the test says
 *
 * Its /proc and /sys are folders. In what a folder cannot do, ld's --wrap stands
 * in for the kernel: processes are listed in order of pid, the size of a folder of
 * descriptors is their number, some of it is refused, and time stands still but
 * while the tree of cgroups is read.
 */

#include <sys/types.h>

#include "kernel/sources.h"

/* What may not be looked at of a process. */
typedef enum FakeRefusal {
        FAKE_REFUSES_NOTHING,
        FAKE_REFUSES_FOLDER, /* another user's, without CAP_DAC_READ_SEARCH */
        FAKE_REFUSES_LINKS,  /* without CAP_SYS_PTRACE */
} FakeRefusal;

/* Many processes at once: pids are first, first + 2, first + 4, … */
typedef struct FakeCrowd {
        pid_t first;
        pid_t n;
        pid_t model; /* whose files are theirs too; 0: threads of the kernel, without descriptors */
} FakeCrowd;

typedef struct FakeHost {
        Sources sources; /* without netlink */

        bool is_old;    /* before Linux 6.2: folders of descriptors have no size */
        int open_errno; /* of opening any of them, if not 0 */

        FakeCrowd crowd;

        unsigned n_counts;   /* of descriptors, of any process */
        unsigned n_links;    /* read, of descriptors */
        unsigned n_walks;    /* over the tree of cgroups */
        uint64_t walk_nsec;  /* what each takes */
        uint64_t clock_nsec; /* what every clock says */
} FakeHost;

extern FakeHost fake_host;

void fake_host_init(void);
void fake_host_done(void);

/* Makes a cgroup, such as "system.slice/nginx.service", and those above. Returns its id. */
uint64_t fake_host_make_cgroup(const char *path);

void fake_host_remove_cgroup(const char *path);

/* Starts a process, with descriptors 0 to @n_fds - 1, none of them a socket. */
void fake_host_start(pid_t pid, const char *name, const char *cgroup, size_t n_fds, uint64_t limit);

/* Changes what is said of a process. */
void fake_host_set_name(pid_t pid, const char *name);
void fake_host_set_cgroup(pid_t pid, const char *cgroup);
void fake_host_set_limit(pid_t pid, uint64_t limit);
/* As it stands in its file "stat". */
void fake_host_set_flags(pid_t pid, uint64_t flags);

void fake_host_refuse(pid_t pid, FakeRefusal refusal);

/* Takes a file of a process away, such as "cgroup": it ends just now. */
void fake_host_remove_file(pid_t pid, const char *name);

void fake_host_open_socket(pid_t pid, unsigned fd, uint64_t inode);
void fake_host_open_file(pid_t pid, unsigned fd);
void fake_host_close(pid_t pid, unsigned fd);

/* Also one of the crowd. */
void fake_host_end(pid_t pid);
