/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Descriptors of the host: /proc/sys/fs/file-nr
 *
 * Three numbers: open files, an unused 0, and the limit (proc_sys_fs(5)).
 */

#include <errno.h>

#include "base/kept_file.h"
#include "collect/collector.h"
#include "kernel/proc_sys.h"

typedef struct Fd {
        const Sources *sources;
        KeptFile file;
} Fd;

static int fd_open(CollectContext *context, void **ret_state) {
        Fd *fd;

        fd = calloc(1, sizeof *fd);
        if (!fd)
                return -ENOMEM;

        fd->sources = context->sources;
        fd->file = KEPT_FILE(value_infos[VALUE_HOST_OPEN_FDS].source);
        *ret_state = fd;
        return 0;
}

static int fd_collect(void *state, Sample *sample) {
        Fd *fd = state;
        uint64_t numbers[PROC_SYS_NUMBERS_MAX];
        char text[256];
        size_t length;
        int n, r;

        r = kept_file_read(&fd->file, fd->sources->proc_fd, text, sizeof text, &length);
        if (r < 0)
                return r;

        n = proc_sys_parse_numbers(text, length, numbers);
        if (n < 0)
                return n;
        if (n < 3)
                return -EBADMSG;

        sample_set(sample, VALUE_HOST_OPEN_FDS, numbers[0]);
        sample_set(sample, VALUE_HOST_MAX_FDS, numbers[2]);
        return 0;
}

static void fd_close(void *state) {
        Fd *fd = state;

        if (!fd)
                return;

        kept_file_done(&fd->file);
        free(fd);
}

const Collector fd_collector = {
        .id = COLLECTOR_FD,
        .cost = COLLECTOR_COST_TICK,
        .open = fd_open,
        .collect = fd_collect,
        .close = fd_close,
};
