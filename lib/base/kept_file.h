/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A small file that is read over and over, and is kept open for that
 *
 * A file of /proc makes its content anew whenever it is read from its beginning, as
 * a rule in one piece (single_open() in fs/seq_file.c, and sysctls). To look up its
 * path, to open it, and to ask whether there is more costs several times as much.
 */

#include <stdbool.h>

#include "base/file.h"

typedef struct KeptFile {
        const char *path; /* below a folder; not owned */
        int fd;           /* -1: not open */
        bool is_whole;    /* since it is open it came in one piece, to the end of which it was read once */
} KeptFile;

/* Not open yet; what kept_file_done() takes. */
#define KEPT_FILE(path_) ((KeptFile){ .path = (path_), .fd = -1 })

/**
 * kept_file_read() - read all of it, as it is now
 * @dir_fd:     the folder that its path is relative to, the same in every call
 *
 * As file_read_at(), but opens it only where it is not open. One that can no longer
 * be read is opened anew: a sysctl is removed and made again with its module, and
 * what was opened before says ENOENT for ever (grab_header() in
 * fs/proc/proc_sysctl.c). After a failure other than -EFBIG it is not open.
 *
 * Where a file is replaced by another of the same name, the old one is read on. In
 * /proc none ever is.
 *
 * Return: as file_read_at().
 */
_warn_unused_ int kept_file_read(KeptFile *file, int dir_fd, char *buffer, size_t size, size_t *ret_length);

/* Closes it. May be called twice. */
void kept_file_done(KeptFile *file);
