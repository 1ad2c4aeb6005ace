/* SPDX-License-Identifier: Apache-2.0 */

/* The cgroup of a process, from /proc/PID/cgroup */

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "kernel/proc_cgroup.h"

#define DELETED " (deleted)"

/* Finds where the path of a line begins: behind the second colon. */
static const char *line_path(const char *line, const char *end) {
        const char *id_end, *controllers_end;

        for (id_end = line; id_end < end && *id_end >= '0' && *id_end <= '9';)
                id_end++;
        if (id_end == line || id_end == end || *id_end != ':')
                return NULL;

        controllers_end = memchr(id_end + 1, ':', (size_t)(end - id_end - 1));
        if (!controllers_end || controllers_end + 1 == end || controllers_end[1] != '/')
                return NULL;

        return controllers_end + 1;
}

static bool line_is_cgroup2(const char *line, const char *path) {
        return path - line == 3 && line[0] == '0';
}

int proc_cgroup_parse(const char *text, size_t size, const char **ret_path, size_t *ret_size) {
        const char *end = text + size, *line_end;

        assert(text || size == 0);
        assert(ret_path && ret_size);

        for (const char *line = text; line < end; line = line_end + 1) {
                const char *path;
                size_t path_size;

                line_end = memchr(line, '\n', (size_t)(end - line));
                if (!line_end)
                        return -EBADMSG;
                path = line_path(line, line_end);
                if (!path)
                        return -EBADMSG;
                if (!line_is_cgroup2(line, path))
                        continue;

                /* What is left is more than "/": the root is never removed. */
                path_size = (size_t)(line_end - path);
                if (path_size > strlen("/" DELETED) &&
                    memcmp(line_end - strlen(DELETED), DELETED, strlen(DELETED)) == 0)
                        path_size -= strlen(DELETED);

                *ret_path = path;
                *ret_size = path_size;
                return 0;
        }

        return -ENOENT;
}
