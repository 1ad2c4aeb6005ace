/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The configuration file of sockwatchd
 *
 * YAML, two levels: sections, and settings in them (sockwatchd(8)). What is not
 * in the file has its default. A file with anything wrong in it is refused as a
 * whole, in one line that says where, what, and what would be right.
 */

#include <stddef.h>

#include "base/macro.h"
#include "collect/bounds.h"

/* A larger file is not read. */
#define CONFIGURATION_BYTES_MAX (64 * 1024)

/* Room for a path of PATH_MAX, and for what is said about it. */
#define CONFIGURATION_MESSAGE_SIZE (4096 + 1024)

/* Room for what configuration_format() writes. */
#define CONFIGURATION_TEXT_SIZE 512

/**
 * configuration_load() - read a configuration file
 * @ret:        written on success alone
 * @reterr_message: on failure one line without control characters, as in
 *              "/etc/sockwatch.yaml:3: tables.listeners is 0; wanted: a number of 1 to 512"
 *
 * Does not wait for anything that is not a regular file.
 *
 * Return: 0; -EBADMSG if the content is wrong; -ENOTSUP if it is not a regular
 * file; -EFBIG; -ENOMEM; or another errno of open(2) or read(2).
 */
_warn_unused_ int
configuration_load(const char *path, Bounds *ret, char reterr_message[static CONFIGURATION_MESSAGE_SIZE]);

/**
 * configuration_parse() - the same, of bytes
 * @name:       of the file, for the message
 *
 * Return: 0, -EBADMSG or -ENOMEM.
 */
_warn_unused_ int configuration_parse(const char *name,
                                      const char *text,
                                      size_t size,
                                      Bounds *ret,
                                      char reterr_message[static CONFIGURATION_MESSAGE_SIZE]);

/* Writes all settings in one line: "tables.listeners 256, …, windows.peak 1m". */
void configuration_format(const Bounds *bounds, char ret_text[static CONFIGURATION_TEXT_SIZE]);
