/* SPDX-License-Identifier: Apache-2.0 */

/* Whether /proc leaves out processes of others */

#include <errno.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "kernel/proc_hidden.h"

bool proc_hides_processes(int proc_fd) {
        struct statfs file_system;
        struct stat status;

        return fstatfs(proc_fd, &file_system) == 0 && file_system.f_type == PROC_SUPER_MAGIC &&
               fstatat(proc_fd, "1", &status, 0) < 0 && errno == ENOENT;
}
