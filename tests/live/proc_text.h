/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What /proc says, read in another way than the product does
 *
 * Slow and simple, to compare with.
 */

#include <stdbool.h>
#include <stdint.h>

/* All of a file below /proc, NUL-terminated, to be freed; NULL if there is none. */
char *proc_text_read(const char *path);

/* A number of such a text: @path says its layout, "net/snmp" for one. False if it is not there or negative.
 */
bool proc_text_find(const char *path, const char *text, const char *group, const char *field, uint64_t *ret);

/* Both at once; the number has to be there. */
uint64_t proc_number(const char *path, const char *group, const char *field);
uint64_t listen_drops(void);

/* The number at @index of a file of nothing but numbers. */
uint64_t proc_sys_number(const char *path, unsigned index);
