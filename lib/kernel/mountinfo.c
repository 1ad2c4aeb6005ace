/* SPDX-License-Identifier: Apache-2.0 */

/* Where cgroup2 is mounted, from /proc/PID/mountinfo */

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "kernel/mountinfo.h"

/* Fields of a line, from 0. Behind the options come optional fields, any number of them, and "-". */
enum {
        FIELD_ROOT = 3,
        FIELD_MOUNT_POINT = 4,
        FIELD_AFTER_OPTIONS = 6,
};

typedef struct Field {
        const char *text;
        size_t size;
} Field;

static bool field_is(Field field, const char *text) {
        return field.size == strlen(text) && memcmp(field.text, text, field.size) == 0;
}

static bool field_next(const char **at, const char *end, Field *ret) {
        const char *blank;

        if (*at >= end)
                return false;

        blank = memchr(*at, ' ', (size_t)(end - *at));
        *ret = (Field){ *at, (size_t)((blank ? blank : end) - *at) };
        *at = blank ? blank + 1 : end;
        return true;
}

/* Takes a line of a cgroup2 mount apart, and no other. */
static bool line_parse(const char *line, const char *end, Field *ret_root, Field *ret_mount_point) {
        Field field, root = { 0 }, mount_point = { 0 };

        for (unsigned i = 0; field_next(&line, end, &field); i++)
                if (i == FIELD_ROOT)
                        root = field;
                else if (i == FIELD_MOUNT_POINT)
                        mount_point = field;
                else if (i >= FIELD_AFTER_OPTIONS && field_is(field, "-")) {
                        if (!field_next(&line, end, &field) || !field_is(field, "cgroup2"))
                                return false;
                        *ret_root = root;
                        *ret_mount_point = mount_point;
                        return true;
                }

        return false;
}

static bool is_octal(char digit) {
        return digit >= '0' && digit <= '7';
}

/* The kernel writes blank, tab, newline and backslash as "\" and three octal digits. */
static bool unescape_octal(const char *at, const char *end, char *ret) {
        unsigned byte;

        if (end - at < 4 || at[0] != '\\' || !is_octal(at[1]) || !is_octal(at[2]) || !is_octal(at[3]))
                return false;

        byte = (unsigned)(at[1] - '0') << 6 | (unsigned)(at[2] - '0') << 3 | (unsigned)(at[3] - '0');
        if (byte == 0 || byte > UCHAR_MAX)
                return false;

        *ret = (char)byte;
        return true;
}

static bool mount_point_decode(Field field, char ret_path[static PATH_MAX]) {
        const char *end = field.text + field.size;
        char path[PATH_MAX];
        size_t size = 0;

        if (field.size == 0 || field.text[0] != '/' || memchr(field.text, '\0', field.size))
                return false;

        for (const char *at = field.text; at < end; size++) {
                if (size == PATH_MAX - 1)
                        return false;
                if (unescape_octal(at, end, &path[size]))
                        at += 4;
                else
                        path[size] = *at++;
        }

        path[size++] = '\0';
        memcpy(ret_path, path, size);
        return true;
}

int mountinfo_find_cgroup2(const char *text, size_t size, char ret_path[static PATH_MAX]) {
        const char *end = text + size, *line_end;
        bool is_found = false;

        assert(text || size == 0);
        assert(ret_path);

        for (const char *line = text; line < end; line = line_end + 1) {
                Field root, mount_point;

                line_end = memchr(line, '\n', (size_t)(end - line));
                if (!line_end)
                        line_end = end;

                if (!line_parse(line, line_end, &root, &mount_point))
                        continue;
                if (is_found && !field_is(root, "/"))
                        continue;
                if (!mount_point_decode(mount_point, ret_path))
                        continue;
                if (field_is(root, "/"))
                        return 0;
                is_found = true;
        }

        return is_found ? 0 : -ENOENT;
}
