/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A temporary folder of a test's own, and the fixtures
 *
 * Whatever fails here fails the test.
 */

#include <limits.h>
#include <stddef.h>

#include "base/macro.h"

typedef struct Folder {
        char path[PATH_MAX / 2];
        int fd;
} Folder;

void folder_init(Folder *folder);

/* Removes it with all that is in it. */
void folder_done(Folder *folder);

/* Writes a file, and makes the folders on the way to it. */
void folder_write(const Folder *folder, const char *name, const void *bytes, size_t size);
void folder_write_text(const Folder *folder, const char *name, const char *text);

/* Copies a folder of tests/fixtures with all that is in it. */
void folder_copy_fixtures(const Folder *folder, const char *fixtures);

/* "PATH/NAME" */
void folder_path(const Folder *folder, const char *name, char ret_path[static PATH_MAX]);

/* Reads a file of tests/fixtures. Returns its length; the content is followed by a NUL. */
size_t fixture_read(const char *name, void *buffer, size_t size);
