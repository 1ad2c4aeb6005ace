/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Reading small files below a directory descriptor
 *
 * Files under /proc and /sys are always opened relative to a descriptor of
 * their root, so that a test can put a folder of its own in their place.
 */

#include <stddef.h>

#include "base/macro.h"

/**
 * file_read_at() - read all of a small file
 * @dir_fd:     the folder that @path is relative to
 * @buffer:     receives the content and a final NUL; garbage on failure
 * @size:       of @buffer, at least 1
 * @ret_length: receives the length without the NUL
 *
 * Files of /proc say nothing of their size, so the file is read to its end.
 *
 * Return: 0, or -EFBIG if the content and its NUL do not fit, or another
 * negative errno of openat(2) or read(2).
 */
_warn_unused_ int file_read_at(int dir_fd, const char *path, char *buffer, size_t size, size_t *ret_length);

/* Opens it as file_read_at() does. Return: a descriptor, or a negative errno of openat(2). */
_warn_unused_ int file_open_at(int dir_fd, const char *path);
