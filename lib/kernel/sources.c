/* SPDX-License-Identifier: Apache-2.0 */

/* Where facts come from: one netlink socket and the roots of /proc and /sys */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>

#include "kernel/sources.h"

static int sources_open_root(const char *root) {
        int fd;

        fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int sources_init(Sources *sources, const char *proc_root, const char *sys_root, const char **ret_what) {
        _cleanup_(close_fdp) int proc_fd = -1, sys_fd = -1;
        SockDiag *sock_diag;
        int r;

        assert(sources);
        assert(proc_root && sys_root);
        assert(ret_what);

        proc_fd = sources_open_root(proc_root);
        if (proc_fd < 0) {
                *ret_what = proc_root;
                return proc_fd;
        }

        sys_fd = sources_open_root(sys_root);
        if (sys_fd < 0) {
                *ret_what = sys_root;
                return sys_fd;
        }

        r = sock_diag_new(&sock_diag);
        if (r < 0) {
                *ret_what = "netlink";
                return r;
        }

        *sources = (Sources){
                .sock_diag = sock_diag,
                .proc_fd = TAKE_FD(proc_fd),
                .sys_fd = TAKE_FD(sys_fd),
        };
        return 0;
}

void sources_done(Sources *sources) {
        sources->sock_diag = sock_diag_free(sources->sock_diag);
        sources->proc_fd = close_fd(sources->proc_fd);
        sources->sys_fd = close_fd(sources->sys_fd);
}
